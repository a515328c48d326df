/** Waiting for a condition instead of a time. */

/** Options of {@link waitFor}. */
export interface WaitForOptions {
  /** Time after which it fails, milliseconds. Default 30,000. */
  readonly timeoutMs?: number
  /** Pause between two looks, milliseconds. Default 10. */
  readonly intervalMs?: number
  /** What is waited for, in the message of the failure. */
  readonly what?: string
}

/**
 * Look until a condition answers something truthy, and return that.
 *
 * @param condition - Called again and again; what it throws counts as not yet, and is the cause of the failure.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitForOptions = {},
): Promise<Exclude<Awaited<T>, undefined | null | false | 0 | ''>> {
  const { timeoutMs = 30_000, intervalMs = 10, what = 'a condition' } = options
  const end = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      const answer = await condition()
      if (answer) return answer as Exclude<Awaited<T>, undefined | null | false | 0 | ''>
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > end) {
      throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause })
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs))
  }
}
