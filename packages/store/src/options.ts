/** Options of a store. */
import { SecregError, type StatusName } from '@secreg/protocol'
import type { SecretCache } from './cache.ts'
import { MAX_DELAY_MS, type StoreClock, systemClock } from './clock.ts'
import type { SecretSource, SourceOptions } from './source.ts'

/** Something that went wrong. */
export interface StoreFault {
  /**
   * `fetch`: a secret could not be fetched, at the start or later; it keeps the value that it has. `watch`: the source has stopped
   * watching. `cache-read`: the cache counts as empty. `cache-write`: it will be tried again. `poll`: {@link StoreOptions.onPoll}
   * failed.
   */
  readonly kind: 'fetch' | 'watch' | 'cache-read' | 'cache-write' | 'poll'
  /** Secret that it is about. */
  readonly secret?: string
  readonly error: unknown
}

/** A secret whose value is another now. */
export interface StoreUpdate {
  readonly secret: string
  readonly version: number
}

/** Options of {@link openStore}. */
export interface StoreOptions<Names extends string = string> {
  /** Where the secrets come from. */
  readonly source: SecretSource
  /** Names that must have a value before the store is there. Default none, which needs `allowLookup`. */
  readonly secrets?: readonly Names[]
  /** Whether other names may be looked up later. Default false. */
  readonly allowLookup?: boolean
  /** Where values are kept for a start without the source. Default nowhere. */
  readonly cache?: SecretCache
  /**
   * Milliseconds between two polls of every secret, up to 22 days; 10 % more or less, drawn once. 0 or less = none.
   * Default 3,600,000 (an hour).
   */
  readonly pollIntervalMs?: number
  /** Whether to watch, where the source can. Default true. */
  readonly watch?: boolean
  /**
   * Milliseconds after which a secret that was looked up is given up at a poll, when nobody read it or holds a handle
   * of it. 0 = never. Default 0.
   */
  readonly expiryMs?: number
  /** Milliseconds of one request to the source; 0 = no limit. Default 30,000. */
  readonly requestTimeoutMs?: number
  /** Requests to the source at once, 1 to 64. Default 8. */
  readonly concurrency?: number
  /** Secrets that were looked up and are held, 0 to 1,000,000; one more is refused. Default 10,000. */
  readonly maxUndeclared?: number
  /** Whether waiting cannot mend an error of the source, so that the start fails at once. Default {@link isPermanent}. */
  readonly isPermanent?: (error: unknown) => boolean
  /** Is told of faults; must not throw. Default nobody. */
  readonly onError?: (fault: StoreFault) => void
  /** Is told of each value that replaced another; must not throw. Default nobody. */
  readonly onUpdate?: (update: StoreUpdate) => void
  /**
   * Runs with each poll and each refresh, which are over when it is: for what else is to be kept fresh. When it fails,
   * so does the refresh. Its signal is aborted when the store is closed. Default nothing.
   */
  readonly onPoll?: (options: SourceOptions) => void | Promise<void>
  /** Gives up the start. It has no effect on a store that stands. */
  readonly signal?: AbortSignal
  /** Default that of the platform. */
  readonly clock?: StoreClock
  /** Number from 0 up to 1. Default `Math.random`: it spreads load and protects nothing. */
  readonly random?: () => number
}

/** Options with every default filled in. */
export interface StoreSettings {
  readonly source: SecretSource
  readonly names: readonly string[]
  readonly allowLookup: boolean
  readonly cache: SecretCache | undefined
  /** With its jitter; 0 = no polling. */
  readonly pollIntervalMs: number
  readonly watch: boolean
  readonly expiryMs: number
  readonly requestTimeoutMs: number
  readonly concurrency: number
  readonly maxUndeclared: number
  readonly isPermanent: (error: unknown) => boolean
  readonly onError: (fault: StoreFault) => void
  readonly onUpdate: (update: StoreUpdate) => void
  readonly onPoll: ((options: SourceOptions) => void | Promise<void>) | undefined
  readonly clock: StoreClock
  readonly random: () => number
}

const PERMANENT: ReadonlySet<StatusName> = new Set([
  'InvalidArgument',
  'AccessDenied',
  'AuthFailed',
])

/** Reasons of those statuses that pass with time or with another connection. */
const PASSING: ReadonlySet<string> = new Set([
  'LIMIT_EXCEEDED',
  'CLOCK_SKEW',
  'SESSION_INVALID',
  'AUTH_LOCKED_OUT',
  'UNLOCK_FAILED',
])

/**
 * Whether waiting cannot mend an error: a request that is wrong, denied, or without a valid login. What is absent may
 * be made any moment, and what is no `SecregError` is not known.
 */
export function isPermanent(error: unknown): boolean {
  return SecregError.is(error) && PERMANENT.has(error.statusName) && !PASSING.has(error.reason)
}

const POLL_INTERVAL_MS = 3_600_000
const JITTER = 0.1

/** A delay 10 % longer or shorter, so that many programs do not ask at one moment. */
export function withJitter(delayMs: number, random: () => number): number {
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * random()))
}

/** Check options and fill in the defaults. */
export function settingsOf(options: StoreOptions): StoreSettings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options: expected an object')
  }
  const { source, cache } = options
  checkMethods(source, 'source', ['get', 'getIfChanged'])
  if (cache !== undefined) checkMethods(cache, 'cache', ['read', 'write'])
  const allowLookup = flag(options.allowLookup, 'allowLookup', false)
  const names = namesOf(options.secrets ?? [])
  if (names.length === 0 && !allowLookup) {
    throw new RangeError('secrets: expected at least one name, since lookups are off')
  }
  const random = func(options.random, 'random') ?? Math.random
  const interval = number(options.pollIntervalMs ?? POLL_INTERVAL_MS, 'pollIntervalMs')
  const longest = Math.floor(MAX_DELAY_MS / (1 + JITTER))
  if (interval > longest) throw new RangeError(`pollIntervalMs: expected at most ${longest}`)
  const clock = options.clock ?? systemClock
  checkMethods(clock, 'clock', ['nowMs', 'after'])
  if (options.signal !== undefined) checkMethods(options.signal, 'signal', ['throwIfAborted'])
  return {
    source,
    names,
    allowLookup,
    cache,
    pollIntervalMs: interval > 0 ? Math.max(1, withJitter(interval, random)) : 0,
    watch: flag(options.watch, 'watch', true),
    expiryMs: integer(options.expiryMs ?? 0, 0, Number.MAX_SAFE_INTEGER, 'expiryMs'),
    requestTimeoutMs: integer(
      options.requestTimeoutMs ?? 30_000,
      0,
      MAX_DELAY_MS,
      'requestTimeoutMs',
    ),
    concurrency: integer(options.concurrency ?? 8, 1, 64, 'concurrency'),
    maxUndeclared: integer(options.maxUndeclared ?? 10_000, 0, 1_000_000, 'maxUndeclared'),
    isPermanent: guarded(func(options.isPermanent, 'isPermanent') ?? isPermanent),
    onError: quiet(func(options.onError, 'onError')),
    onUpdate: quiet(func(options.onUpdate, 'onUpdate')),
    onPoll: func(options.onPoll, 'onPoll'),
    clock,
    random,
  }
}

function namesOf(names: readonly string[]): readonly string[] {
  if (!Array.isArray(names)) throw new TypeError('secrets: expected an array of names')
  for (const name of names) checkName(name, 'secrets')
  return [...new Set(names)].sort()
}

/** Check a name: text that is not empty. */
export function checkName(name: unknown, argument: string): string {
  if (typeof name !== 'string')
    throw new TypeError(`${argument}: expected a name, got ${typeof name}`)
  if (name === '') throw new RangeError(`${argument}: a name must not be empty`)
  return name
}

export function checkMethods(value: unknown, argument: string, methods: readonly string[]): void {
  const record = value as Record<string, unknown> | null | undefined
  const absent = methods.find((method) => typeof record?.[method] !== 'function')
  if (absent !== undefined) {
    throw new TypeError(`${argument}: expected an object with the method ${absent}`)
  }
}

function flag(value: boolean | undefined, argument: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise
  if (typeof value !== 'boolean') throw new TypeError(`${argument}: expected a boolean`)
  return value
}

function number(value: number, argument: string): number {
  if (typeof value !== 'number') throw new TypeError(`${argument}: expected a number`)
  if (Number.isNaN(value)) throw new RangeError(`${argument}: expected a number, got NaN`)
  return value
}

export function integer(value: number, least: number, most: number, argument: string): number {
  if (!Number.isInteger(number(value, argument)) || value < least || value > most) {
    throw new RangeError(`${argument}: expected an integer from ${least} to ${most}`)
  }
  return value
}

export function func<F>(value: F | undefined, argument: string): F | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw new TypeError(`${argument}: expected a function`)
  }
  return value
}

/** A predicate that fails says no. */
function guarded(predicate: (error: unknown) => boolean): (error: unknown) => boolean {
  return (error) => {
    try {
      return predicate(error) === true
    } catch {
      return false
    }
  }
}

/** An observer cannot break what it observes. */
function quiet<T>(observer: ((event: T) => void) | undefined): (event: T) => void {
  if (observer === undefined) return () => {}
  return (event) => {
    try {
      observer(event)
    } catch {}
  }
}
