/** The token that requests are sent with: logged in for when first needed, renewed while it is used. */
import { within } from './clock.ts'
import type { Closing } from './closing.ts'
import { Kv2Error } from './errors.ts'
import { type Answer, type Asked, exchange, failure } from './exchange.ts'
import { isObject } from './json.ts'
import { observed } from './observed.ts'
import { isToken, type Settings } from './options.ts'
import { refusalOf } from './refusal.ts'

/** A token and how long it is good. */
export interface Lease {
  readonly token: string
  readonly ttlMs: number
  readonly expiresAtMs: number
  readonly renewable: boolean
}

/** A token in the place of one that was denied. */
export interface OtherLease {
  readonly lease: Lease
  /** Logged in for after the denial. */
  readonly isNew: boolean
}

const LOOKUP: Asked = {
  operation: 'lookup',
  method: 'GET',
  path: 'auth/token/lookup-self',
  readOnly: true,
}
const RENEW: Asked = {
  operation: 'renew',
  method: 'POST',
  path: 'auth/token/renew-self',
  body: '{}',
  readOnly: true,
}
/** After a look-up or renewal that failed, milliseconds until the next. */
const MAINTENANCE_PAUSE_MS = 10_000
/** After a login that was refused, milliseconds in which it is not repeated. */
const LOGIN_PAUSE_MS = 1000
/** After a login that did not help against a denial, milliseconds in which denials lead to no other. */
const RELOGIN_PAUSE_MS = 60_000

export class Session {
  readonly #settings: Settings
  readonly #closing: Closing
  #lease: Lease | undefined
  #login: Promise<Lease> | undefined
  #refused: { readonly error: Kv2Error; readonly untilMs: number } | undefined
  #maintained: Promise<void> | undefined
  #maintainAtMs = Number.NEGATIVE_INFINITY
  #reloginAtMs = Number.NEGATIVE_INFINITY
  #lookedUp = false

  constructor(settings: Settings, closing: Closing) {
    this.#settings = settings
    this.#closing = closing
    const { credentials } = settings
    if (credentials.kind === 'token') this.#lease = leaseOf(credentials.token, 0, false, 0)
  }

  /** @throws Kv2Error `ERR_KV2_NOT_AUTHENTICATED`, or why there is no answer */
  async lease(): Promise<Lease> {
    const lease = this.#lease
    const { credentials, clock } = this.#settings
    if (lease === undefined) return this.#logIn()
    if (credentials.kind === 'approle' && lease.expiresAtMs <= clock.nowMs()) return this.#logIn()
    this.#maintain(lease)
    return lease
  }

  /**
   * After a denial: another token to try once more with, or undefined.
   *
   * @param denied - what was denied
   */
  async afterDenial(denied: Lease): Promise<OtherLease | undefined> {
    const { credentials, clock } = this.#settings
    if (credentials.kind === 'token') return undefined
    const current = this.#lease
    if (this.#login === undefined && current !== undefined && current.token !== denied.token) {
      return { lease: current, isNew: false }
    }
    if (clock.nowMs() < this.#reloginAtMs) return undefined
    return { lease: await this.#logIn(), isNew: true }
  }

  /** A new token was denied as well, so that the denial is one of policy. */
  loginWasUseless(): void {
    this.#reloginAtMs = this.#settings.clock.nowMs() + RELOGIN_PAUSE_MS
  }

  /** All who need a token wait for one login. It goes on when one of them gives up. */
  #logIn(): Promise<Lease> {
    const { clock } = this.#settings
    if (this.#refused !== undefined && clock.nowMs() < this.#refused.untilMs) {
      return Promise.reject(this.#refused.error)
    }
    this.#login ??= this.#newLease()
      .catch((error: unknown) => {
        if (Kv2Error.is(error, 'ERR_KV2_NOT_AUTHENTICATED')) {
          this.#refused = { error, untilMs: clock.nowMs() + LOGIN_PAUSE_MS }
        }
        throw error
      })
      .finally(() => {
        this.#login = undefined
      })
    return this.#login
  }

  async #newLease(): Promise<Lease> {
    const { credentials } = this.#settings
    if (credentials.kind === 'token') throw new Kv2Error('ERR_KV2_NOT_AUTHENTICATED')
    const asked: Asked = {
      operation: 'login',
      method: 'POST',
      path: credentials.path,
      body: credentials.body,
      // Of secrets: nothing of the call that needs it was sent.
      readOnly: true,
    }
    this.#lease = await this.#ask(asked, undefined, (answer, startedAtMs) => {
      if (answer.status === 400 || answer.status === 403) {
        throw failure(asked, 'ERR_KV2_NOT_AUTHENTICATED', { status: answer.status })
      }
      return authOf(asked, answer, startedAtMs)
    })
    return this.#lease
  }

  /** Renew in the background what ends soon; its failures are seen by the observer, and by calls once the token ends. */
  #maintain(lease: Lease): void {
    const { clock, renewBelowMs, credentials } = this.#settings
    const now = clock.nowMs()
    if (this.#maintained !== undefined || now < this.#maintainAtMs || renewBelowMs === 0) return
    const unknown = credentials.kind === 'token' && !this.#lookedUp
    const soon = lease.expiresAtMs - now < Math.min(renewBelowMs, lease.ttlMs / 2)
    if (!unknown && !soon) return
    const work = unknown ? this.#lookUp(lease) : this.#renew(lease)
    this.#maintained = work
      .catch(() => {
        this.#maintainAtMs = clock.nowMs() + MAINTENANCE_PAUSE_MS
      })
      .finally(() => {
        this.#maintained = undefined
      })
  }

  async #lookUp({ token }: Lease): Promise<void> {
    await this.#ask(LOOKUP, token, (answer, startedAtMs) => {
      // A token that may not look at itself is used as it is.
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
        this.#lookedUp = true
        throw refusalOf(LOOKUP, answer)
      }
      const data = dataOf(LOOKUP, answer, 'data')
      this.#lease = leaseOf(
        token,
        secondsOf(LOOKUP, data['ttl']),
        data['renewable'] === true,
        startedAtMs,
      )
      this.#lookedUp = true
    })
  }

  async #renew(lease: Lease): Promise<void> {
    const isRole = this.#settings.credentials.kind === 'approle'
    if (lease.renewable) {
      try {
        const renewed = await this.#ask(RENEW, lease.token, (answer, startedAtMs) =>
          authOf(RENEW, answer, startedAtMs),
        )
        const { renewBelowMs } = this.#settings
        // Near the most that a token can live a renewal adds less and less; a new one is then the better.
        const extended = renewed.ttlMs >= Math.min(renewBelowMs, lease.ttlMs / 2)
        if (this.#lease === lease) this.#lease = { ...renewed, token: lease.token }
        if (extended) return
        if (!isRole) throw new Kv2Error('ERR_KV2_REFUSED', { operation: 'renew' })
      } catch (error) {
        if (!isRole || !Kv2Error.is(error) || (error.status ?? 500) >= 500) throw error
      }
    }
    if (!isRole) throw new Kv2Error('ERR_KV2_REFUSED', { operation: 'renew' })
    await this.#logIn()
  }

  /** @param read - its second argument is when the request was sent, from which a lease counts */
  #ask<T>(
    asked: Asked,
    token: string | undefined,
    read: (answer: Answer, startedAtMs: number) => T,
  ): Promise<T> {
    const { clock, timeoutMs } = this.#settings
    const late = (): Kv2Error => failure(asked, 'ERR_KV2_TIMEOUT')
    return observed(this.#settings, asked.operation, () =>
      within(clock, { timeoutMs, late, closing: this.#closing }, async (signal) => {
        const startedAtMs = clock.nowMs()
        return read(await exchange(this.#settings, asked, token, signal), startedAtMs)
      }),
    )
  }
}

function authOf(asked: Asked, answer: Answer, startedAtMs: number): Lease {
  const auth = dataOf(asked, answer, 'auth')
  const { client_token: token, lease_duration: seconds, renewable } = auth
  if (!isToken(token)) throw failure(asked, 'ERR_KV2_ANSWER_INVALID', { status: answer.status })
  return leaseOf(token, secondsOf(asked, seconds), renewable === true, startedAtMs)
}

function dataOf(asked: Asked, answer: Answer, member: string): Readonly<Record<string, unknown>> {
  if (answer.status !== 200) throw refusalOf(asked, answer)
  const value = answer.json?.[member]
  if (!isObject(value)) throw failure(asked, 'ERR_KV2_ANSWER_INVALID', { status: 200 })
  return value
}

function secondsOf(asked: Asked, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value
  throw failure(asked, 'ERR_KV2_ANSWER_INVALID', { status: 200 })
}

/** @param seconds - 0 = for ever */
function leaseOf(token: string, seconds: number, renewable: boolean, startedAtMs: number): Lease {
  const ttlMs = seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000
  return { token, ttlMs, expiresAtMs: startedAtMs + ttlMs, renewable }
}
