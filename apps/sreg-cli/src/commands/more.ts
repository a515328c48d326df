/**
 * The commands that are not run in loops, in one module of their own: a module each would cost every command, through
 * the files that they share, more time than it saves.
 */
import type { CommandName } from '../command-table.ts'
import type { Run } from '../context.ts'
import { run as activate } from './activate.ts'
import { run as audit } from './audit.ts'
import { run as backup } from './backup.ts'
import { run as compact } from './compact.ts'
import { run as completion } from './completion.ts'
import { run as copy } from './copy.ts'
import { run as destroy } from './destroy.ts'
import { run as diff } from './diff.ts'
import { run as doctor } from './doctor.ts'
import { run as exportEntries } from './export.ts'
import { run as group } from './group.ts'
import { run as help } from './help.ts'
import { run as history } from './history.ts'
import { run as importEntries } from './import.ts'
import { run as init } from './init.ts'
import { run as lock } from './lock.ts'
import { run as login } from './login.ts'
import { run as logout } from './logout.ts'
import { run as meta } from './meta.ts'
import { run as metrics } from './metrics.ts'
import { run as mfa } from './mfa.ts'
import { run as mount } from './mount.ts'
import { run as move } from './move.ts'
import { run as pamAuth } from './pam-auth.ts'
import { run as passwd } from './passwd.ts'
import { run as policy } from './policy.ts'
import { run as protector } from './protector.ts'
import { run as purge } from './purge.ts'
import { run as restore } from './restore.ts'
import { run as rollback } from './rollback.ts'
import { run as rotate } from './rotate.ts'
import { run as runProgram } from './run.ts'
import { run as search } from './search.ts'
import { run as secret } from './secret.ts'
import { run as security } from './security.ts'
import { run as status } from './status.ts'
import { run as supportBundle } from './support-bundle.ts'
import { run as token } from './token.ts'
import { run as txn } from './txn.ts'
import { run as undelete } from './undelete.ts'
import { run as unlock } from './unlock.ts'
import { run as user } from './user.ts'
import { run as version } from './version.ts'
import { run as watch } from './watch.ts'
import { run as whoami } from './whoami.ts'
import { run as zone } from './zone.ts'

/** Commands by name. */
export const MORE: Readonly<Record<Exclude<CommandName, 'get' | 'set' | 'delete' | 'list'>, Run>> =
  {
    activate,
    audit,
    backup,
    compact,
    completion,
    copy,
    destroy,
    diff,
    doctor,
    export: exportEntries,
    group,
    help,
    history,
    import: importEntries,
    init,
    lock,
    login,
    logout,
    meta,
    metrics,
    mfa,
    mount,
    rotate,
    move,
    'pam-auth': pamAuth,
    passwd,
    policy,
    protector,
    purge,
    restore,
    role: group,
    rollback,
    run: runProgram,
    search,
    secret,
    security,
    status,
    'support-bundle': supportBundle,
    token,
    txn,
    undelete,
    unlock,
    user,
    version,
    watch,
    whoami,
    zone,
  }
