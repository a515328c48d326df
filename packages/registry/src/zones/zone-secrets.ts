/**
 * Checks of what somebody presents for an account of a zone, with the failures of passwords counted (specs: subauth §2.1):
 *
 * - by account and source, like those of logins; a source is the uid of whoever asks;
 * - by source alone only for who asks for himself, or with somebody's password. A service that checks the secrets of all
 *   its users is one source for them: the mistakes of some must not lock the others out;
 * - tokens are random, and cannot be guessed. Their failures are not counted, nor is a token refused because a password
 *   was guessed at: whoever wants to lock a user out of his mail has to know more than his name.
 */
import { SecregError } from '@secreg/protocol'
import {
  AttemptLimiter,
  type AttemptLimits,
  type AttemptSource,
  checkZoneAuthPassword,
  checkZoneSecret,
  isZoneLogin,
  isZoneName,
  lockedOutError,
  sourceOfUid,
  type Zone,
  type ZoneAccount,
  type ZoneCheckPorts,
  zoneSecretForm,
} from '@secreg/zones'

/** Failures of secrets of zones. */
export class ZoneAttempts {
  readonly #own: AttemptLimiter
  readonly #services: AttemptLimiter

  constructor(nowMs: () => number, limits: Partial<AttemptLimits> = {}) {
    const nameOf = (name: string): string => name
    this.#own = new AttemptLimiter({ nowMs, limits, nameOf })
    const pair = limits.pair
    this.#services = new AttemptLimiter({
      nowMs,
      nameOf,
      limits: { ...(pair === undefined ? {} : { pair }), source: UNLIMITED },
    })
  }

  of(isService: boolean): AttemptLimiter {
    return isService ? this.#services : this.#own
  }
}

const UNLIMITED = Object.freeze({
  failures: Number.MAX_SAFE_INTEGER,
  windowMs: 1000,
  lockMs: 1000,
  maxKeys: 1000,
})

/** Somebody's attempt at the secret of an account. */
export interface ZoneAttempt {
  /** As it was asked for; there may be none. */
  readonly zoneName: string
  readonly login: string
  readonly text: string
  /** Who asks. */
  readonly uid: number
}

/** What is checked: the zone and the account as they are stored, where there are any. */
export interface ZoneSubject {
  readonly zone: Zone | undefined
  readonly account: ZoneAccount | undefined
}

/**
 * Require that a password or token opens an account.
 *
 * @param exists - whether the system has a user of the login; asked for while the secret is verified, so that the answer
 *   takes no longer for the one than for the other
 * @throws SecregError `ERR_AUTH_FAILED`, whatever is wrong; `ERR_AUTH_LOCKED_OUT`, `ERR_BUSY`
 */
export async function requireZoneSecret(
  limiter: AttemptLimiter,
  attempt: ZoneAttempt,
  { account, zone }: ZoneSubject,
  ports: ZoneCheckPorts,
  exists: Promise<boolean>,
): Promise<void> {
  const check = async (): Promise<boolean> => {
    const [form, isUser] = await Promise.all([
      checkZoneSecret(zone, account, attempt.text, ports),
      exists,
    ])
    return form !== undefined && isUser
  }
  if (zoneSecretForm(attempt.text) === 'password') {
    await counted(limiter, attempt, account !== undefined, check)
  } else if (!(await check())) throw refused()
}

/**
 * Require the password by which an account is managed.
 *
 * @returns what a plan takes as `provenBy`
 * @throws SecregError as {@link requireZoneSecret}
 */
export async function requireZoneAuthPassword(
  limiter: AttemptLimiter,
  attempt: ZoneAttempt,
  { account, zone }: ZoneSubject,
  hasher: ZoneCheckPorts['hasher'],
  exists: Promise<boolean>,
): Promise<ZoneAccount> {
  await counted(limiter, attempt, account !== undefined, async () => {
    const [matches, isUser] = await Promise.all([
      checkZoneAuthPassword(zone, account, attempt.text, hasher),
      exists,
    ])
    return matches && isUser
  })
  if (account === undefined) throw refused()
  return account
}

async function counted(
  limiter: AttemptLimiter,
  attempt: ZoneAttempt,
  isKnown: boolean,
  check: () => Promise<boolean>,
): Promise<void> {
  const name = nameOf(attempt)
  const source = sourceOfUid(attempt.uid)
  requireUnlocked(limiter, name, source)
  if (await check()) {
    const outrun = limiter.succeed(name, source)
    if (outrun !== undefined) throw lockedOutError(outrun)
    return
  }
  // Attempts that were started together must not outrun the limit, nor be told apart by it.
  requireUnlocked(limiter, name, source)
  limiter.fail(name, source, isKnown)
  throw refused()
}

function requireUnlocked(limiter: AttemptLimiter, name: string, source: AttemptSource): void {
  const seconds = limiter.retryAfterSeconds(name, source)
  if (seconds !== undefined) throw lockedOutError(seconds)
}

function nameOf({ login, zoneName }: ZoneAttempt): string {
  return isZoneName(zoneName) && isZoneLogin(login) ? `${zoneName}/${login}` : ''
}

function refused(): SecregError {
  return new SecregError('AUTH_FAILED', 'the login or password is wrong')
}
