/**
 * Every command with its operands and options, in one table: parsing, help, completion and the reference in the README
 * are made from it (SecReg-Linux docs/API.md, "Command line").
 */
import { ADMINISTRATION_COMMANDS } from './command-specs/administration.ts'
import { AUDIT_COMMANDS } from './command-specs/audit.ts'
import { BACKUP_COMMANDS } from './command-specs/backup.ts'
import { CHANGE_COMMANDS } from './command-specs/changes.ts'
import { ENTRY_COMMANDS } from './command-specs/entries.ts'
import { HOT_COMMANDS } from './command-specs/hot.ts'
import { IDENTITY_COMMANDS } from './command-specs/identity.ts'
import { KEY_COMMANDS } from './command-specs/keys.ts'
import { PAM_COMMANDS } from './command-specs/pam.ts'
import { POLICY_COMMANDS } from './command-specs/policies.ts'
import { PROGRAM_COMMANDS } from './command-specs/program.ts'
import { SEAL_COMMANDS } from './command-specs/seal.ts'
import { SECRETS_COMMANDS } from './command-specs/secrets.ts'
import { SESSION_COMMANDS } from './command-specs/session.ts'
import { SETTING_COMMANDS } from './command-specs/settings.ts'
import type { CommandSpec } from './command-specs/spec.ts'
import { TRANSFER_COMMANDS } from './command-specs/transfer.ts'
import { UPKEEP_COMMANDS } from './command-specs/upkeep.ts'
import { VERSION_COMMANDS } from './command-specs/versions.ts'
import { ZONE_COMMANDS } from './command-specs/zones.ts'
import { type Grammar, grammarOf } from './grammar.ts'

export type { CommandSpec, Completes, OperandSpec, OptionSpec } from './command-specs/spec.ts'
export { GLOBAL_OPTIONS, isCommand, VERSION_SWITCH } from './command-specs/spec.ts'

/** Names of the commands, in the order of the help. */
export type CommandName =
  | 'init'
  | 'login'
  | 'logout'
  | 'get'
  | 'set'
  | 'delete'
  | 'list'
  | 'search'
  | 'copy'
  | 'move'
  | 'history'
  | 'diff'
  | 'rollback'
  | 'activate'
  | 'undelete'
  | 'destroy'
  | 'purge'
  | 'meta'
  | 'mount'
  | 'txn'
  | 'watch'
  | 'secret'
  | 'run'
  | 'export'
  | 'import'
  | 'backup'
  | 'restore'
  | 'audit'
  | 'status'
  | 'unlock'
  | 'protector'
  | 'lock'
  | 'rotate'
  | 'metrics'
  | 'whoami'
  | 'passwd'
  | 'mfa'
  | 'token'
  | 'user'
  | 'group'
  | 'role'
  | 'zone'
  | 'policy'
  | 'security'
  | 'doctor'
  | 'compact'
  | 'support-bundle'
  | 'pam-auth'
  | 'completion'
  | 'version'
  | 'help'

const LIST: readonly CommandSpec[] = [
  ...SESSION_COMMANDS,
  ...HOT_COMMANDS,
  ...ENTRY_COMMANDS,
  ...VERSION_COMMANDS,
  ...SETTING_COMMANDS,
  ...CHANGE_COMMANDS,
  ...SECRETS_COMMANDS,
  ...TRANSFER_COMMANDS,
  ...BACKUP_COMMANDS,
  ...SEAL_COMMANDS,
  ...AUDIT_COMMANDS,
  ...ADMINISTRATION_COMMANDS,
  ...IDENTITY_COMMANDS,
  ...ZONE_COMMANDS,
  ...POLICY_COMMANDS,
  ...KEY_COMMANDS,
  ...UPKEEP_COMMANDS,
  ...PAM_COMMANDS,
  ...PROGRAM_COMMANDS,
]

/** Everything that `sreg` understands. */
export const GRAMMAR: Grammar = grammarOf(LIST)

/** Commands by name. */
export const COMMANDS: ReadonlyMap<string, CommandSpec> = GRAMMAR.commands
