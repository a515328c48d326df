/** Where the keys of an issuer come from. */
import type { CryptoKey } from 'jose'
import type { Members } from './compact-jws.ts'

/** Keys of one issuer, as they are now. */
export interface KeySource {
  /**
   * The key that a header names.
   *
   * @returns undefined when there is none
   * @throws KeysUnavailableError when no keys are known
   */
  find(header: Members): Promise<CryptoKey | undefined>
}

/** Told why keys cannot be had, once for each cause, and `undefined` when they can again. */
export type TellKeys = (fault: KeysFault | undefined) => void

/** Why keys cannot be had. */
export type KeysFault =
  /** The issuer, or the file, cannot be read. */
  | 'unreadable'
  /** The file is not a regular one of this user or root that nobody else can change. */
  | 'unsafe'
  /** What was read is no set of keys, or too large. */
  | 'malformed'

/** Nobody can say whether a token is good. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super('the keys of the issuer cannot be had')
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Tell each fault once, and its end. */
export function onceForEach(tell: TellKeys): TellKeys {
  let last: KeysFault | undefined
  return (fault) => {
    if (fault !== last) tell(fault)
    last = fault
  }
}
