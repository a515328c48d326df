/** A login with a password: limits, look-up, verification and counting, in the one order that is safe. */
import { SecregError } from '@secreg/protocol'
import type { Account } from './account.ts'
import { type AttemptLimiter, lockedOutError } from './attempt-limiter.ts'
import type { AttemptSource } from './attempt-source.ts'
import { normalizeLogin } from './login.ts'
import type { PasswordChecker } from './password-check.ts'

/** What a login is made with. */
export interface PasswordLoginPorts {
  readonly limiter: AttemptLimiter
  readonly checker: PasswordChecker
  /** The account of a login as stored, if there is one. */
  readonly find: (login: string) => Account | undefined | Promise<Account | undefined>
}

/** What somebody presents. */
export interface PasswordLogin {
  /** As typed. */
  readonly login: string
  readonly password: string
  readonly source: AttemptSource
}

/**
 * Verify a login. Opens nothing: take `SessionTable.epoch` before and `open` after it.
 *
 * @returns the account, enabled and with this password
 * @throws SecregError `ERR_AUTH_FAILED`, the same for an unknown name, a wrong password, an account without one and
 *   a disabled one; `ERR_AUTH_LOCKED_OUT` with `retryAfterSeconds`; what the hasher throws, uncounted
 */
export async function verifyPasswordLogin(
  ports: PasswordLoginPorts,
  { login, password, source }: PasswordLogin,
): Promise<Account> {
  const { limiter, checker, find } = ports
  const locked = limiter.retryAfterSeconds(login, source)
  if (locked !== undefined) throw lockedOutError(locked)
  const name = normalizeLogin(login)
  const account = name === undefined ? undefined : await find(name)
  const good = await checker.verify(account, password)
  if (!good || account === undefined) {
    // Locked meanwhile by an attempt started together with this one: answered alike, right or wrong.
    const outrun = limiter.retryAfterSeconds(login, source)
    if (outrun !== undefined) throw lockedOutError(outrun)
    limiter.fail(login, source, account !== undefined)
    throw new SecregError('AUTH_FAILED', 'user name or password is wrong')
  }
  const outrun = limiter.succeed(login, source)
  if (outrun !== undefined) throw lockedOutError(outrun)
  return account
}
