/** What a caller is told when the store or the keys fail: our reasons, never the text of what failed. */
import { AuditError } from '@secreg/audit'
import { isCryptoError } from '@secreg/crypto'
import { type Reason, SecregError } from '@secreg/protocol'
import { isStorageError, type StorageErrorCode } from '@secreg/storage'
import { ZonesError } from '@secreg/zones'

const UNAVAILABLE = [
  'STORAGE_FAILED',
  'the store is not available at present; nothing was changed',
] as const
const DAMAGED = ['STORAGE_CORRUPT', 'the store is damaged; see the log of secregd'] as const

const TOLD: Readonly<Record<StorageErrorCode, readonly [Reason, string]>> = {
  ERR_STORAGE_PRECONDITION: ['VERSION_CONFLICT', 'the entry has changed meanwhile'],
  ERR_STORAGE_WRITE_FAILED: ['STORAGE_FAILED', 'the store could not write; nothing was changed'],
  ERR_STORAGE_FULL: [
    'STORAGE_FULL',
    'the disk of the store is full; nothing was changed, and it works again when there is room',
  ],
  ERR_STORAGE_OUTCOME_UNKNOWN: [
    'OUTCOME_UNKNOWN',
    'the store failed while writing; whether the change holds is not known: read it again',
  ],
  ERR_STORAGE_CORRUPT: DAMAGED,
  ERR_STORAGE_ROLLED_BACK: DAMAGED,
  ERR_STORAGE_UNAVAILABLE: UNAVAILABLE,
  ERR_STORAGE_LIMIT: ['LIMIT_EXCEEDED', 'more than one commit can hold; take it in parts'],
  ERR_STORAGE_CLOSED: UNAVAILABLE,
  ERR_STORAGE_LOCKED: UNAVAILABLE,
  ERR_STORAGE_PERMISSIONS: UNAVAILABLE,
  ERR_STORAGE_FORMAT: UNAVAILABLE,
  ERR_STORAGE_TRIMMED: UNAVAILABLE,
}

/** The error to answer with; ours pass unchanged. */
export function asSecregError(cause: unknown): SecregError {
  if (SecregError.is(cause)) return cause
  if (isStorageError(cause)) {
    const [reason, message] = TOLD[cause.code]
    return new SecregError(reason, message, { cause })
  }
  if (AuditError.is(cause)) {
    return new SecregError('AUDIT_FAILED', 'the audit log cannot be read', { cause })
  }
  if (isCryptoError(cause)) {
    if (cause.code === 'ERR_CRYPTO_BUSY') {
      return new SecregError('BUSY', 'too many logins at once; try again', {
        cause,
        retryAfterSeconds: 1,
      })
    }
    return new SecregError('CRYPTO_FAILED', 'the value cannot be decrypted', { cause })
  }
  if (ZonesError.is(cause)) return new SecregError(...DAMAGED, { cause })
  return new SecregError('INTERNAL', 'an internal fault; see the log of secregd', { cause })
}
