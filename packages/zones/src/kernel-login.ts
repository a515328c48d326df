/** A login by the kernel's word on a local peer: look-up, second step and counting. */
import { SecregError } from '@secreg/protocol'
import type { Account } from './account.ts'
import { type AttemptLimiter, lockedOutError } from './attempt-limiter.ts'
import { sourceOfUid } from './attempt-source.ts'

/** What a login by the kernel's word is made with. */
export interface KernelLoginPorts {
  readonly limiter: AttemptLimiter
  /** `readAccountByUid` over the present rows: enabled, or nobody. */
  readonly find: (uid: number) => Account | undefined
  /**
   * The second step: undefined when the account has none, else whether the one that was given is good, and then used
   * up. What it throws is answered as it is and not counted: `ERR_AUTH_MFA_REQUIRED` where none was given.
   */
  readonly second: (account: Account) => (() => Promise<boolean>) | undefined
}

/**
 * Verify a login of whoever the kernel says a peer is. Opens nothing: take `SessionTable.epoch` before and `open` after
 * it. A uid cannot be guessed, so only wrong codes of a second factor count, as wrong passwords do, and only they are
 * locked out; what was counted for passwords is not forgotten by it.
 *
 * @returns the account, enabled, of this uid and past the second step
 * @throws SecregError `ERR_AUTH_FAILED`, the same for a uid that no account has and that of a disabled one;
 *   `ERR_AUTH_LOCKED_OUT` with `retryAfterSeconds`; what `second` throws
 */
export async function verifyKernelLogin(
  { limiter, find, second }: KernelLoginPorts,
  uid: number,
): Promise<Account> {
  const source = sourceOfUid(uid)
  const account = find(uid)
  if (account === undefined) throw nobodyMapped()
  const step = second(account)
  if (step === undefined) return account
  const requireUnlocked = (): void => {
    const seconds = limiter.retryAfterSeconds(account.login, source)
    if (seconds !== undefined) throw lockedOutError(seconds)
  }
  // Before it is asked, so that no code is used up for a login that is refused anyhow.
  requireUnlocked()
  const isGood = await step()
  // Locked meanwhile by attempts that were started together with this one: answered alike, right or wrong.
  requireUnlocked()
  if (isGood) return account
  limiter.fail(account.login, source, true)
  throw new SecregError('AUTH_FAILED', 'the code of the second factor is wrong')
}

/** The refusal of a uid that is nobody here. */
export function nobodyMapped(): SecregError {
  return new SecregError('AUTH_FAILED', 'no account is mapped to the user of this process')
}
