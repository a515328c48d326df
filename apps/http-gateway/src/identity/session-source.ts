/** Sessions of the registry for callers: opened with what each presents, and used again for a while. */
import { type AuthResponse, type RequestOf, SecregError } from '@secreg/protocol'
import { sourceOf } from './address.ts'
import { FairGate, type FairGateOptions } from './fair-gate.ts'
import { loginError, loginFailure, openedSession } from './login-answer.ts'
import type { Presented } from './presented.ts'
import { SessionCache, type SessionCacheOptions } from './session-cache.ts'
import { SingleFlight } from './single-flight.ts'

/** Sessions of the registry, by what a request presents. */
export interface SessionSource {
  /**
   * The session for what a request presents.
   *
   * @throws SecregError AUTH_REQUIRED when it presents nothing; AUTH_FAILED, AUTH_LOCKED_OUT, AUTH_MFA_REQUIRED,
   * BUSY, UNREACHABLE, or whatever other reason the daemon gives; TIMEOUT when `signal` ends
   */
  sessionOf(presented: Presented, options?: { readonly signal?: AbortSignal }): Promise<string>
  /** The daemon does not know this session any more. */
  forget(presented: Presented, sessionId: string): void
  /** The connection that all sessions belong to is lost. */
  lost(): void
}

/** What is needed of the connection to the daemon. */
export interface LoginRelay {
  /**
   * Log in.
   *
   * @throws SecregError UNREACHABLE where there is no connection
   */
  auth(
    request: RequestOf<'auth'>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<AuthResponse>
}

/** Options of {@link createSessionSource}. */
export interface SessionSourceOptions extends SessionCacheOptions {
  /** Milliseconds before its end from which a session is not used; at most half of its life. Default 5000. */
  readonly marginMs?: number
  /** Logins with a password: each costs the daemon a slow hash. Default 8 at once, 32 waiting. */
  readonly passwords?: FairGateOptions
  /** All other logins. Default 64 at once, 1024 waiting. */
  readonly others?: FairGateOptions
}

const DEFAULTS = Object.freeze({
  marginMs: 5000,
  passwords: Object.freeze({ maxRunning: 8, maxWaiting: 32 }),
  others: Object.freeze({ maxRunning: 64, maxWaiting: 1024 }),
})

/**
 * Make a source of sessions over a connection.
 *
 * A login that was refused is never remembered: the daemon counts and locks out. Equal requests at the same time are
 * one login, which counts as one attempt.
 */
export function createSessionSource(
  relay: LoginRelay,
  options: SessionSourceOptions = {},
): SessionSource {
  return new Sessions(relay, options)
}

class Sessions implements SessionSource {
  readonly #relay: LoginRelay
  readonly #cache: SessionCache
  readonly #flights = new SingleFlight<string>()
  readonly #passwords: FairGate
  readonly #others: FairGate
  readonly #marginMs: number
  readonly #nowMs: () => number
  /** Which connection; a session of an earlier one is no session. */
  #era = 0

  constructor(relay: LoginRelay, options: SessionSourceOptions) {
    this.#relay = relay
    this.#cache = new SessionCache(options)
    this.#passwords = new FairGate(options.passwords ?? DEFAULTS.passwords)
    this.#others = new FairGate(options.others ?? DEFAULTS.others)
    this.#marginMs = options.marginMs ?? DEFAULTS.marginMs
    this.#nowMs = options.nowMs ?? (() => performance.now())
  }

  async sessionOf(
    presented: Presented,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<string> {
    const request = loginOf(presented)
    const key = this.#cache.keyOf(presented)
    const known = this.#cache.get(key)
    if (known !== undefined) return known
    const gate = presented.credential?.kind === 'password' ? this.#passwords : this.#others
    const source = sourceOf(presented.address)
    return this.#flights.run(
      key,
      (leave) => gate.run(source, () => this.#logIn(request, presented, leave), leave),
      signal,
    )
  }

  forget(presented: Presented, sessionId: string): void {
    this.#cache.forget(this.#cache.keyOf(presented), sessionId)
  }

  lost(): void {
    this.#era++
    this.#cache.clear()
    this.#flights.clear()
  }

  async #logIn(
    request: RequestOf<'auth'>,
    presented: Presented,
    signal: AbortSignal,
  ): Promise<string> {
    // The life of a session begins somewhere between asking and hearing: the earlier is the safe one.
    const askedMs = this.#nowMs()
    let answer: AuthResponse
    let era: number
    try {
      const answering = this.#relay.auth(request, { signal })
      // Asking can be what shows that an earlier connection is lost.
      era = this.#era
      answer = await answering
    } catch (error) {
      throw loginFailure(error)
    }
    const { sessionId, lifeMs } = openedSession(answer)
    if (era !== this.#era) throw loginError('UNREACHABLE')
    this.#cache.set(presented, sessionId, askedMs + lifeMs - Math.min(this.#marginMs, lifeMs / 2))
    return sessionId
  }
}

function loginOf({ credential, assertions, address }: Presented): RequestOf<'auth'> {
  if (credential !== undefined) return { ...credential.login, address }
  if (assertions !== undefined && assertions.length > 0) {
    return { assertions: [...assertions], address }
  }
  throw new SecregError('AUTH_REQUIRED', 'the request presents no credential')
}
