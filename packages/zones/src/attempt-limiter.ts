/**
 * Limits on guessing passwords (DESIGN §3). Failures alone count, in three places:
 *
 * ```
 * account and source   5 in 300 s     lock 300 s    a wrong password locks nobody else out
 * source              50 in 300 s     lock 300 s    one password tried on many accounts
 * account, remote    100 in 3600 s    lock 300 s    many addresses on one account; binds remote sources only
 * ```
 *
 * Tokens that are not good count by their source alone, apart from passwords: 50 in 300 s. A token names no account
 * before it is good, and a program that goes on with an old one shall not lock the passwords of its uid.
 *
 * A source that the kernel vouches for is touched by its own failures only. Names that no account can have share
 * one counter for each source.
 *
 * Memory is bounded, and what overflows it is chosen so that inventing does not pay: local and remote sources,
 * and real and invented names, are kept apart, so that neither remote attackers nor invented names push out what is
 * counted for a real account, and one source makes at most 50 names before it is locked. To push a real account's
 * own counter out takes failures from more than `maxKeys` sources; the third limit still counts those. The price:
 * somebody with that many sources can tell a real name by its counter staying.
 */
import { SecregError } from '@secreg/protocol'
import { type AttemptSource, sourceOfUid } from './attempt-source.ts'
import { type FailureRule, FailureTable } from './failure-table.ts'
import { normalizeLogin } from './login.ts'

/** The three limits. */
export interface AttemptLimits {
  readonly pair: FailureRule
  readonly source: FailureRule
  /**
   * `source` for uid 0, as whom services check the logins of everybody (pam_exec(8)): the mistakes of some must not lock
   * the others out. Default `source`.
   */
  readonly rootSource?: FailureRule
  readonly remoteAccount: FailureRule
}

/** Five attempts in 300 seconds, then 300 seconds of lock (SecReg-Linux); the wider two are ours. */
export const DEFAULT_ATTEMPT_LIMITS: AttemptLimits = Object.freeze({
  pair: Object.freeze({ failures: 5, windowMs: 300_000, lockMs: 300_000, maxKeys: 10_000 }),
  source: Object.freeze({ failures: 50, windowMs: 300_000, lockMs: 300_000, maxKeys: 10_000 }),
  remoteAccount: Object.freeze({
    failures: 100,
    windowMs: 3_600_000,
    lockMs: 300_000,
    maxKeys: 10_000,
  }),
})

/** What a limiter needs from outside. */
export interface AttemptLimiterOptions {
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number
  /** Default `DEFAULT_ATTEMPT_LIMITS`. */
  readonly limits?: Partial<AttemptLimits>
  /**
   * The one spelling of a login as typed, `''` for what nobody can have. Default that of accounts (see `normalizeLogin`).
   */
  readonly nameOf?: (login: string) => string
}

const ROOT = sourceOfUid(0)

interface Tables {
  readonly known: FailureTable
  readonly unknown: FailureTable
}

/** Counts failed logins and says who has to wait. */
export class AttemptLimiter {
  readonly #nowMs: () => number
  readonly #nameOf: (login: string) => string
  readonly #kernelPairs: Tables
  readonly #remotePairs: Tables
  readonly #kernelSources: FailureTable
  readonly #rootSource: FailureTable
  readonly #remoteSources: FailureTable
  readonly #remoteAccounts: Tables

  constructor(options: AttemptLimiterOptions) {
    const limits = { ...DEFAULT_ATTEMPT_LIMITS, ...options.limits }
    const both = (rule: FailureRule): Tables => ({
      known: new FailureTable(rule),
      unknown: new FailureTable(rule),
    })
    this.#nowMs = options.nowMs
    this.#nameOf = options.nameOf ?? nameOfAccount
    this.#kernelPairs = both(limits.pair)
    this.#remotePairs = both(limits.pair)
    this.#kernelSources = new FailureTable(limits.source)
    this.#rootSource = new FailureTable(limits.rootSource ?? limits.source)
    this.#remoteSources = new FailureTable(limits.source)
    this.#remoteAccounts = both(limits.remoteAccount)
  }

  /**
   * Ask before a password is looked at.
   *
   * @param login as typed
   * @returns seconds to wait, at least 1; undefined when an attempt is allowed
   */
  retryAfterSeconds(login: string, source: AttemptSource): number | undefined {
    const nowMs = this.#nowMs()
    const name = this.#nameOf(login)
    const pairs = this.#pairs(source)
    const pair = pairKey(name, source)
    let waitMs = Math.max(
      pairs.known.waitMs(pair, nowMs),
      pairs.unknown.waitMs(pair, nowMs),
      this.#sources(source).waitMs(source.key, nowMs),
    )
    if (!source.kernel) {
      waitMs = Math.max(
        waitMs,
        this.#remoteAccounts.known.waitMs(name, nowMs),
        this.#remoteAccounts.unknown.waitMs(name, nowMs),
      )
    }
    return waitMs > 0 ? Math.ceil(waitMs / 1000) : undefined
  }

  /**
   * Count a failure.
   *
   * @param known whether such an account exists; shows nowhere but in what is forgotten first
   */
  fail(login: string, source: AttemptSource, known: boolean): void {
    const nowMs = this.#nowMs()
    const name = this.#nameOf(login)
    const which = known ? 'known' : 'unknown'
    this.#pairs(source)[which].fail(pairKey(name, source), nowMs)
    this.#sources(source).fail(source.key, nowMs)
    if (!source.kernel) this.#remoteAccounts[which].fail(name, nowMs)
  }

  /**
   * Ask again once the password was right, and clear the account's counter for this source. Attempts that were
   * started together must not outrun the limit: after the fifth failure a right password is refused like a wrong one.
   *
   * @returns seconds to wait: the login is to be refused; undefined when it is good
   */
  succeed(login: string, source: AttemptSource): number | undefined {
    const wait = this.retryAfterSeconds(login, source)
    if (wait !== undefined) return wait
    const pair = pairKey(this.#nameOf(login), source)
    const pairs = this.#pairs(source)
    pairs.known.clear(pair)
    pairs.unknown.clear(pair)
    return undefined
  }

  /**
   * Ask before a token is looked at.
   *
   * @returns seconds to wait, at least 1; undefined when an attempt is allowed
   */
  retryTokenAfterSeconds(source: AttemptSource): number | undefined {
    const waitMs = this.#sources(source).waitMs(tokenKey(source), this.#nowMs())
    return waitMs > 0 ? Math.ceil(waitMs / 1000) : undefined
  }

  /** Count a token that was not good. */
  failToken(source: AttemptSource): void {
    this.#sources(source).fail(tokenKey(source), this.#nowMs())
  }

  #pairs(source: AttemptSource): Tables {
    return source.kernel ? this.#kernelPairs : this.#remotePairs
  }

  #sources(source: AttemptSource): FailureTable {
    if (!source.kernel) return this.#remoteSources
    return source.key === ROOT.key ? this.#rootSource : this.#kernelSources
  }
}

/** The error that a locked-out caller gets, the same for every account, real or not. */
export function lockedOutError(retryAfterSeconds: number): SecregError {
  return new SecregError(
    'AUTH_LOCKED_OUT',
    `too many failed attempts; try again in ${retryAfterSeconds} seconds`,
    { retryAfterSeconds },
  )
}

function nameOfAccount(login: string): string {
  return normalizeLogin(login) ?? ''
}

function pairKey(name: string, source: AttemptSource): string {
  return `${name}\n${source.key}`
}

function tokenKey(source: AttemptSource): string {
  return `${source.key}\ntoken`
}
