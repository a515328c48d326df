/** A login with a password: limits, look-up, verification and counting, in the one order that is safe. */
import { LIMITS, SecregError } from '@secreg/protocol'
import type { Account } from './account.ts'
import { type AttemptLimiter, lockedOutError } from './attempt-limiter.ts'
import type { AttemptSource } from './attempt-source.ts'
import { readDecoyAccount } from './decoy-account.ts'
import { normalizeLogin } from './login.ts'
import type { PasswordChecker } from './password-check.ts'

/** Verifies the passwords of system users, elsewhere. */
export interface ExternalLogin {
  /**
   * Whether the system user of this name has this password. What it throws is a refusal, with that as its cause;
   * `ERR_BUSY`, for which nothing was looked at, is not counted. It should rather let attempts wait for their turn.
   */
  readonly verify: (login: string, password: string) => Promise<boolean>
  /**
   * A refusal is answered after a multiple of this, milliseconds: longer than both kinds of verification take, so that
   * the time does not tell a system user from another or from nobody.
   */
  readonly failureDelayMs: number
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** What a login is made with. */
export interface PasswordLoginPorts {
  readonly limiter: AttemptLimiter
  readonly checker: PasswordChecker
  /** The account of a login as stored, if there is one. */
  readonly find: (login: string) => Account | undefined | Promise<Account | undefined>
  /**
   * The second step, asked for once the password is right and before anything is cleared: true when the account needs
   * none or the one given is good, and then used up. False counts like a wrong password and is answered like one. What
   * it throws is answered as it is, neither counted nor cleared: `ERR_AUTH_MFA_REQUIRED` where none was given.
   */
  readonly second?: (account: Account) => boolean | Promise<boolean>
  /** For accounts of system users. Without it nobody logs in to them with a password. */
  readonly external?: ExternalLogin
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
 * @returns the account, enabled, with this password and past the second step
 * @throws SecregError `ERR_AUTH_FAILED`, the same for an unknown name, a wrong password, an account without one, a
 *   disabled one and a wrong second factor; `ERR_AUTH_LOCKED_OUT` with `retryAfterSeconds`; what the hasher and
 *   `second` throw, uncounted
 */
export async function verifyPasswordLogin(
  ports: PasswordLoginPorts,
  attempt: PasswordLogin,
): Promise<Account> {
  const { limiter, external } = ports
  requireUnlocked(limiter, attempt.login, attempt.source)
  if (external === undefined) return verify(ports, attempt)
  if (!(external.failureDelayMs > 0))
    throw new RangeError('failureDelayMs: expected a positive time')
  const startMs = external.nowMs()
  try {
    return await verify(ports, attempt)
  } catch (error) {
    const tookMs = external.nowMs() - startMs
    const untilMs =
      Math.max(1, Math.ceil(tookMs / external.failureDelayMs)) * external.failureDelayMs
    await external.sleep(untilMs - tookMs)
    throw error
  }
}

async function verify(
  ports: PasswordLoginPorts,
  { login, password, source }: PasswordLogin,
): Promise<Account> {
  const { limiter, find, second } = ports
  const name = normalizeLogin(login)
  const account = name === undefined ? undefined : await find(name)
  if (account === undefined) readDecoyAccount()
  let unanswered: Unanswered | undefined
  let good = await isRight(ports, account, password).catch((error: unknown) => {
    if (!(error instanceof Unanswered)) throw error
    unanswered = error
    return false
  })
  if (good && account !== undefined && second !== undefined) {
    // Before it is asked, so that no code is used up for a login that is refused anyhow.
    requireUnlocked(limiter, login, source)
    good = (await second(account)) === true
  }
  if (!good || account === undefined) {
    requireUnlocked(limiter, login, source)
    const { cause } = unanswered ?? {}
    if (!isBusy(cause)) limiter.fail(login, source, account !== undefined)
    throw new SecregError(
      'AUTH_FAILED',
      'user name or password is wrong',
      cause === undefined ? {} : { cause },
    )
  }
  const outrun = limiter.succeed(login, source)
  if (outrun !== undefined) throw lockedOutError(outrun)
  return account
}

/** Locked meanwhile by an attempt started together with this one: answered alike, right or wrong. */
function requireUnlocked(limiter: AttemptLimiter, login: string, source: AttemptSource): void {
  const seconds = limiter.retryAfterSeconds(login, source)
  if (seconds !== undefined) throw lockedOutError(seconds)
}

async function isRight(
  { checker, external }: PasswordLoginPorts,
  account: Account | undefined,
  password: string,
): Promise<boolean> {
  const elsewhere = account?.system === true && !account.disabled
  if (!elsewhere || external === undefined || password.length > LIMITS.passwordChars) {
    return checker.verify(account, password)
  }
  try {
    return (await external.verify(account.login, password)) === true
  } catch (cause) {
    throw new Unanswered('the system did not verify the password', { cause })
  }
}

/**
 * Answered and counted like a wrong password: by another answer, or by never being locked out, a verifier that is down
 * would tell which names are system users. Only one that was too busy to look is not counted, or logins of one's own at
 * the same time would lock one out; how long somebody can keep it busy is bounded by the limit of his own failures.
 */
class Unanswered extends Error {
  override name = 'Unanswered'
}

function isBusy(cause: unknown): boolean {
  return SecregError.is(cause) && cause.reason === 'BUSY'
}
