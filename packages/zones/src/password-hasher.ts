/** The port through which passwords are hashed, and its making from `@secreg/crypto`. */
import {
  decoyPasswordHash,
  hashPassword,
  isCryptoError,
  needsRehash,
  type PasswordHashOptions,
  verifyPassword,
} from '@secreg/crypto'
import { SecregError } from '@secreg/protocol'

/** Makes and verifies hashes of passwords. The daemon's runs in a worker thread with a bounded queue (DESIGN §3). */
export interface PasswordHasher {
  /** PHC string of a password with a fresh salt and the present parameters. */
  hash(password: string): Promise<string>
  /** Compare in constant time. */
  verify(password: string, phc: string): Promise<boolean>
  /** Whether a hash was made with other than the present parameters. */
  needsRehash(phc: string): boolean
  /** PHC string with the present parameters that no password matches. */
  decoy(): string
}

/**
 * A hasher with the scrypt, backend and parameters given; the defaults of `@secreg/crypto` where not. Its methods
 * throw SecregError `ERR_BUSY` where the scrypt's queue is full, and its other errors as they are.
 */
export function createPasswordHasher(options: PasswordHashOptions = {}): PasswordHasher {
  return {
    hash: (password) => busyAsOurs(hashPassword(password, options)),
    verify: (password, phc) => busyAsOurs(verifyPassword(password, phc, options)),
    needsRehash: (phc) => needsRehash(phc, options.params),
    decoy: () => decoyPasswordHash(options),
  }
}

async function busyAsOurs<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (!isCryptoError(cause, 'ERR_CRYPTO_BUSY')) throw cause
    throw new SecregError('BUSY', 'too many passwords are being checked; try again in a moment', {
      cause,
      retryAfterSeconds: 1,
    })
  }
}
