/**
 * Sessions of callers, so that not every request is a login. A row is found by a keyed hash of what was presented and
 * of the address: no credential is held, and how long a look-up takes says nothing of one.
 *
 * One credential has a limited number of rows, whatever number of addresses it is used from; so whoever owns a valid
 * one cannot send the sessions of all others away.
 */
import { hash, randomBytes } from 'node:crypto'
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

interface Row {
  readonly sessionId: string
  /** Digest of what was presented, without the address. */
  readonly caller: string
}

const DEFAULTS = Object.freeze({ maxSessions: 10_000, maxPerCaller: 64 })

/** Sessions by what was presented. */
export class SessionCache {
  readonly #salt: string = randomBytes(32).toString('base64')
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

  /** Under what the session of something presented is found. */
  keyOf(presented: Presented): string {
    return this.#digest([...partsOf(presented), presented.address])
  }

  get(key: string): string | undefined {
    return this.#rows.get(key)?.sessionId
  }

  /** @param endsAtMs - monotonic time from which it is not used any more */
  set(presented: Presented, sessionId: string, endsAtMs: number): void {
    const key = this.keyOf(presented)
    const caller = this.#digest(partsOf(presented))
    this.#rows.set(key, { sessionId, caller }, endsAtMs)
    if (this.#rows.get(key) === undefined) return
    const rows = this.#callers.get(caller) ?? new Set()
    this.#callers.set(caller, rows.add(key))
    if (rows.size <= this.#maxPerCaller) return
    const [oldest] = rows
    this.#rows.delete(oldest as string)
  }

  /** Drop a session, unless another has taken its place. */
  forget(key: string, sessionId: string): void {
    if (this.get(key) === sessionId) this.#rows.delete(key)
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
    return hash('sha256', this.#salt + JSON.stringify(parts), 'base64')
  }
}

function partsOf({ credential, assertions = [] }: Presented): string[] {
  return credential === undefined
    ? ['assertions', ...assertions]
    : [credential.kind, ...Object.values(credential.login)]
}
