/** Verifying a password so that nobody learns from text or time whether the account exists (DESIGN §3). */
import { LIMITS } from '@secreg/protocol'
import type { Account } from './account.ts'
import { asHashedPassword, type HashedPassword } from './hashed-password.ts'
import type { PasswordHasher } from './password-hasher.ts'
import { normalizePassword } from './password-policy.ts'

/** Verifies passwords of accounts. */
export interface PasswordChecker {
  /**
   * Verify one password. One verification is done in every case: against a decoy with the present parameters where
   * there is no account, it has no password or is disabled.
   *
   * @returns whether this account may be opened with it
   */
  verify(account: Account | undefined, password: string): Promise<boolean>
  /**
   * Hash a password again that was just verified, when the stored hash has other than the present parameters.
   *
   * @returns the new hash, or undefined when the stored one is good. Plan it with `replaces`, or a change of
   *   password that came in between would be undone.
   */
  rehash(account: Account, password: string): Promise<HashedPassword | undefined>
}

/** Make a checker. */
export function createPasswordChecker(hasher: PasswordHasher): PasswordChecker {
  const decoy = hasher.decoy()
  return {
    async verify(account, password) {
      if (typeof password !== 'string') throw new TypeError('password: expected a string')
      const bounded = password.length <= LIMITS.passwordChars
      const stored = account?.disabled === false && bounded ? account.password : undefined
      const text = bounded ? normalizePassword(password) : ''
      const matches = await hasher.verify(text, stored ?? decoy)
      return matches && stored !== undefined
    },
    async rehash(account, password) {
      if (account.password === undefined || !hasher.needsRehash(account.password)) return undefined
      return asHashedPassword(await hasher.hash(normalizePassword(password)))
    },
  }
}
