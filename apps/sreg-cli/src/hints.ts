/** What to do about an error, one line. */
import { type Reason, SecregError } from '@secreg/protocol'
import { CliError } from './errors.ts'
import { printable } from './escape.ts'
import { shellWord } from './shell-word.ts'

/** Hints by reason; the word KEY stands for the path that the command is about. */
const HINTS: Readonly<Partial<Record<Reason, string>>> = {
  ACCESS_DENIED: '"sreg policy explain" says why; ask an administrator',
  ALREADY_INITIALIZED: 'log in, or move it aside with: sreg init --force',
  AUDIT_FAILED: 'see the log of secregd; it works again once the audit log can be written',
  AUDIT_TAMPERED:
    'keep a copy of the directory of the audit log as it is; then run: sreg audit verify',
  AUTH_FAILED: 'check the name and the password',
  AUTH_MFA_REQUIRED:
    '"sreg login NAME" asks for the code; with --password-stdin, it is the second line',
  AUTH_REQUIRED: 'run: sreg login NAME',
  BACKUP_DAMAGED: 'use another copy of it, or another backup',
  BACKUP_INVALID: 'name a file that "sreg backup" or the schedule of secregd has made',
  BACKUP_NEWER: 'use the version that made it, or a later one',
  BACKUP_TRUNCATED: 'copy it again from where it was made, or use another backup',
  BUSY: 'try again',
  DIALECT_REFUSED: '"sreg mount list" shows whose rules hold where',
  ENTRY_DELETED: 'run: sreg undelete KEY',
  GRANT_EXCEEDED: 'nobody grants what he lacks; "sreg policy what-can" shows what you may',
  KDF_BELOW_FLOOR: 'the seal header was changed on disk: restore it from a backup',
  LAST_ADMINISTRATOR: 'give somebody else the right to administer first',
  LAST_PROTECTOR: 'add another one first: sreg help protector add',
  MFA_ENROLLMENT_REQUIRED: 'run: sreg mfa enroll; once that is done: sreg login NAME',
  MFA_STATE: 'run: sreg mfa status',
  NO_PORTABLE_PROTECTOR: 'add a passphrase or shares: sreg help protector add',
  NO_PROTECTOR: 'sreg unlock takes --share, --key-file FILE and --recovery too',
  NOT_A_LEAF: '--recursive deletes everything below it',
  OUTCOME_UNKNOWN: 'read the key to see whether it was changed',
  PAM_UNAVAILABLE: 'see the log of secregd; users that are not of the system can log in',
  PASSPHRASE_WRONG: 'check the passphrase',
  PASSWORD_SESSION_REQUIRED: 'log in with your password: sreg login NAME',
  PASSWORD_POLICY: 'choose another one',
  POLICY_INVALID: 'nothing was changed; correct the policy, then try again',
  PRINCIPAL_UNKNOWN: 'see: sreg user list, sreg group list, sreg role list, sreg zone list',
  QUOTA_EXCEEDED: 'purge what is not needed, or have the quota raised; "sreg mount list" shows it',
  REVISION_COMPACTED: 'read the entries again, then watch from now on, without --since',
  SEALED: 'run: sreg unlock',
  SEAL_DAMAGED:
    'restore the store from a backup; no passphrase, key file or share can open this one',
  SESSION_INVALID: 'run: sreg login NAME',
  SHARE_FOREIGN:
    'ask for a share of this registry; those that are kept for recovery need --recovery',
  SHARE_INVALID: 'type it again: SRS1 and eleven groups of seven letters and digits',
  SHARES_MISSING: 'give the others: sreg unlock --share',
  STORAGE_FULL: 'free space, then try again',
  STORAGE_KEY_NOT_FOUND: 'run: sreg list / --recursive',
  TIMEOUT: 'it may still be carried out; look before you try again',
  TOO_MANY_CONNECTIONS: 'try again',
  UNINITIALIZED: 'run: sreg init',
  UNLOCK_FAILED: 'check the passphrase; the registry stays sealed',
  UNREACHABLE: 'run: sreg status --socket PATH if it listens elsewhere',
  VERSIONS_EXHAUSTED: 'its numbers are used up for ever; use another key',
  VERSION_ACTIVE: 'make another version the active one first, or run: sreg purge KEY',
  VERSION_CONFLICT:
    'someone else changed it: "sreg history KEY" tells the latest version, "sreg meta get KEY" the revision; then repeat',
  VERSION_DELETED: 'run: sreg undelete KEY --version N',
  VERSION_DESTROYED: 'its value is gone for ever; "sreg history KEY" tells which are kept',
  VERSION_NOT_FOUND: 'run: sreg history KEY',
  VERSION_REQUIRED:
    'give --if-version N: the latest number that "sreg history KEY" tells, 0 for a new entry',
  ZONE_REFUSED: '"sreg zone list" shows what the zone allows',
}

/**
 * What to do about an error.
 *
 * @param key - path that the command is about
 */
export function hintOf(error: SecregError, key?: string): string | undefined {
  if (error instanceof CliError && error.hint !== undefined) return error.hint
  if (error.retryAfterSeconds !== undefined) {
    return `try again in ${Math.ceil(error.retryAfterSeconds)} s`
  }
  if (error.minRevision !== undefined) {
    return `read the entries again, then go on with --since ${error.minRevision} or later`
  }
  const hint = HINTS[error.reason]?.replaceAll('KEY', key === undefined ? 'KEY' : shellWord(key))
  // Some messages of the daemon say it themselves.
  return hint !== undefined && error.message.includes(hint) ? undefined : hint
}

/** Do some work whose errors need other hints than usual. */
export async function withHints<T>(
  hints: Readonly<Partial<Record<Reason, string>>>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // What was said nearer to the error knows better.
    if (error instanceof CliError && error.hint !== undefined) throw error
    const hint = SecregError.is(error) ? hints[error.reason] : undefined
    if (hint === undefined || !SecregError.is(error)) throw error
    throw new CliError(error.reason, printable(error.message), hint, { cause: error })
  }
}
