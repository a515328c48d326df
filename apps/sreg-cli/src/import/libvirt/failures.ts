/** What is wrong with one secret or file only, so that the others go on, and what ends an import. */
import { type Reason, SecregError } from '@secreg/protocol'

/** Why a secret is not imported, or not all of it. */
export interface Problem {
  readonly reason: Reason
  readonly message: string
}

/** Reasons of the registry that are about one entry. */
const OF_ONE: Readonly<Partial<Record<Reason, string>>> = {
  ACCESS_DENIED: 'access is denied here',
  ALREADY_EXISTS: 'another secret here has its use',
  CRYPTO_FAILED: 'its value here cannot be decrypted',
  ENTRY_DELETED: 'it was deleted here; "sreg undelete" brings it back',
  IN_USE: 'it has another use here',
  INVALID_ARGUMENT: 'the registry does not take it',
  VERSION_DELETED: 'its version was deleted here; "sreg undelete" brings it back',
  VERSION_DESTROYED: 'its version was destroyed here',
  VERSION_NOT_FOUND: 'its version is gone here',
  VERSION_REQUIRED: 'it is changed only with its version here: "sreg set --if-version"',
}

/**
 * What an error of the registry says about one secret.
 *
 * @throws the error itself when it is not about one secret
 */
export function problemOf(error: unknown): Problem {
  const message = SecregError.is(error) ? OF_ONE[error.reason] : undefined
  if (!SecregError.is(error) || message === undefined) throw error
  return { reason: error.reason, message }
}

/** A secret that differs from the one that is here. */
export function conflict(message: string): Problem {
  return { reason: 'ALREADY_EXISTS', message }
}
