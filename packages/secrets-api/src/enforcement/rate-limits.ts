/** How much one subject may ask, and how often one source may fail to log in (specs: secrets-api §7, Q25). */

/** How fast a bucket fills, and how much it holds. */
export interface BucketRule {
  /** Requests a second. Default 50. */
  readonly perSecond: number
  /** Requests at once. Default 100. */
  readonly burst: number
  /** Buckets that are kept. Default 10,000. */
  readonly maxKeys: number
}

/** Defaults of {@link BucketRule}. */
export const REQUEST_LIMIT: BucketRule = Object.freeze({
  perSecond: 50,
  burst: 100,
  maxKeys: 10_000,
})

interface Bucket {
  left: number
  atMs: number
}

/**
 * A bucket for each key. The one pushed out is the one that has not been asked for the longest: unless more keys than are
 * kept ask at once, it is full again by then, which is what a forgotten one is.
 */
export class TokenBuckets {
  readonly #rule: BucketRule
  readonly #nowMs: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** @param nowMs - monotonic clock, milliseconds */
  constructor(rule: Partial<BucketRule>, nowMs: () => number) {
    this.#rule = { ...REQUEST_LIMIT, ...rule }
    const { perSecond, burst, maxKeys } = this.#rule
    if (!(perSecond > 0 && perSecond < Number.POSITIVE_INFINITY)) {
      throw new RangeError('perSecond: expected a positive number')
    }
    assertPositive('burst', burst)
    assertPositive('maxKeys', maxKeys)
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#buckets.size
  }

  /**
   * Take one.
   *
   * @returns seconds until there is one, at least 1; undefined when it was taken
   */
  take(key: string): number | undefined {
    const { perSecond, burst, maxKeys } = this.#rule
    const nowMs = this.#nowMs()
    const bucket = this.#buckets.get(key) ?? { left: burst, atMs: nowMs }
    bucket.left = Math.min(burst, bucket.left + ((nowMs - bucket.atMs) / 1000) * perSecond)
    bucket.atMs = nowMs
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > maxKeys) this.#buckets.delete(firstOf(this.#buckets))
    if (bucket.left < 1) return Math.max(1, Math.ceil((1 - bucket.left) / perSecond))
    bucket.left--
    return undefined
  }
}

/** How many failures are too many. */
export interface FailureLimit {
  /** Default 10. */
  readonly failures: number
  /** Seconds in which they count. Default 60. */
  readonly windowSeconds: number
  /** Sources that are kept. Default 10,000. */
  readonly maxKeys: number
}

/** Defaults of {@link FailureLimit}. */
export const FAILURE_LIMIT: FailureLimit = Object.freeze({
  failures: 10,
  windowSeconds: 60,
  maxKeys: 10_000,
})

/**
 * Failed authentications of each source. The source pushed out is the one whose last failure is the oldest; so whoever
 * has many sources should be one, as the addresses of a /64 of IPv6 are.
 */
export class AuthFailures {
  readonly #limit: FailureLimit
  readonly #nowMs: () => number
  /** Times of failures that may still count, oldest first; in order of the last one. */
  readonly #failures = new Map<string, readonly number[]>()

  /** @param nowMs - monotonic clock, milliseconds */
  constructor(limit: Partial<FailureLimit>, nowMs: () => number) {
    this.#limit = { ...FAILURE_LIMIT, ...limit }
    for (const [name, value] of Object.entries(this.#limit)) assertPositive(name, value)
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#failures.size
  }

  /**
   * Ask before a credential is looked at.
   *
   * @returns seconds to wait, at least 1; undefined when it may be looked at
   */
  retryAfterSeconds(source: string): number | undefined {
    const { failures, windowSeconds } = this.#limit
    const times = this.#recent(source)
    const first = times.at(-failures)
    if (first === undefined) return undefined
    return Math.max(1, Math.ceil(windowSeconds - (this.#nowMs() - first) / 1000))
  }

  /** Count a credential that was no good. */
  fail(source: string): void {
    const { failures, maxKeys } = this.#limit
    const times = [...this.#recent(source), this.#nowMs()].slice(-failures)
    this.#failures.delete(source)
    this.#failures.set(source, times)
    if (this.#failures.size > maxKeys) this.#failures.delete(firstOf(this.#failures))
  }

  #recent(source: string): readonly number[] {
    const sinceMs = this.#nowMs() - this.#limit.windowSeconds * 1000
    return (this.#failures.get(source) ?? []).filter((time) => time > sinceMs)
  }
}

function firstOf(map: ReadonlyMap<string, unknown>): string {
  return map.keys().next().value as string
}

function assertPositive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name}: expected a positive integer`)
  }
}
