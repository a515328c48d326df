/**
 * Sessions of callers, so that not every request is a login. A row is found by a keyed hash of what was presented and
 * of the address: no credential is held, and how long a look-up takes says nothing of one.
 *
 * One credential has a limited number of rows, whatever number of addresses it is used from; so whoever owns a valid
 * one cannot send the sessions of all others away.
 */
import { createHash, randomBytes } from 'node:crypto'
import { ExpiringMap } from './expiring-map.ts'
import type { Presented } from './presented.ts'

/** Options of a SessionCache. */
export interface SessionCacheOptions {
  /** Sessions in all. Default 10,000. */
  readonly maxSessions?: number
  /** Sessions of one credential, or of one set of assertions. Default 64. */
  readonly maxPerCaller?: number
  /** Monotonic time, milliseconds. Default: that of the process. */
  readonly nowMs?: () => number
}

/** Where the session of something presented is found. */
export interface SessionKey {
  /** Of what was presented and the address. */
  readonly row: string
  /** Of what was presented. */
  readonly caller: string
}

interface Row {
  readonly sessionId: string
  readonly caller: string
}

const DEFAULTS = Object.freeze({ maxSessions: 10_000, maxPerCaller: 64 })

/** Sessions by what was presented. */
export class SessionCache {
  readonly #salt: Buffer = randomBytes(32)
  readonly #maxPerCaller: number
  readonly #rows: ExpiringMap<Row>
  /** Keys of the rows of each caller, oldest first. */
  readonly #callers = new Map<string, Set<string>>()

  constructor(options: SessionCacheOptions = {}) {
    this.#maxPerCaller = options.maxPerCaller ?? DEFAULTS.maxPerCaller
    this.#rows = new ExpiringMap({
      maxSize: options.maxSessions ?? DEFAULTS.maxSessions,
      onDrop: (key, { caller }) => this.#dropped(key, caller),
      ...(options.nowMs === undefined ? {} : { nowMs: options.nowMs }),
    })
  }

  get size(): number {
    return this.#rows.size
  }

  keyOf(presented: Presented): SessionKey {
    const { credential, assertions = [], address } = presented
    const parts =
      credential === undefined
        ? ['assertions', ...assertions]
        : [credential.kind, ...Object.values(credential.login)]
    const caller = this.#digest(parts)
    return { caller, row: this.#digest([caller, address]) }
  }

  get(key: SessionKey): string | undefined {
    return this.#rows.get(key.row)?.sessionId
  }

  /** @param endsAtMs - monotonic time from which it is not used any more */
  set(key: SessionKey, sessionId: string, endsAtMs: number): void {
    this.#rows.set(key.row, { sessionId, caller: key.caller }, endsAtMs)
    if (this.#rows.get(key.row) === undefined) return
    const rows = this.#callers.get(key.caller) ?? new Set()
    this.#callers.set(key.caller, rows.add(key.row))
    if (rows.size <= this.#maxPerCaller) return
    const [oldest] = rows
    this.#rows.delete(oldest as string)
  }

  /** Drop a session, unless another has taken its place. */
  forget(key: SessionKey, sessionId: string): void {
    if (this.get(key) === sessionId) this.#rows.delete(key.row)
  }

  clear(): void {
    this.#rows.clear()
    this.#callers.clear()
  }

  #dropped(row: string, caller: string): void {
    const rows = this.#callers.get(caller)
    rows?.delete(row)
    if (rows?.size === 0) this.#callers.delete(caller)
  }

  /** JSON keeps the parts apart, whatever is in them. */
  #digest(parts: readonly string[]): string {
    return createHash('sha256').update(this.#salt).update(JSON.stringify(parts)).digest('base64')
  }
}
