/**
 * One budget of bytes that many connections share. What is taken counts until it is released; who must wait is served
 * in the order of asking, so that a large request is not starved by small ones.
 */
import { HostError } from './errors.ts'

/** Options of {@link ByteBudget}. */
export interface ByteBudgetOptions {
  /** Requests that may wait at once; one more is refused. Default 10,000. */
  readonly maxWaiters?: number
}

interface Waiter {
  readonly bytes: number
  readonly grant: () => void
}

/**
 * A shared budget of bytes.
 *
 * @example
 * ```ts
 * const budget = new ByteBudget(1024)
 * budget.tryTake(1000) // true
 * budget.tryTake(100) // false: nothing was taken
 * budget.release(1000)
 * ```
 */
export class ByteBudget {
  /** Bytes in all. */
  readonly totalBytes: number
  readonly #maxWaiters: number
  readonly #waiters = new Set<Waiter>()
  #usedBytes = 0
  #highWaterBytes = 0

  /**
   * @param totalBytes - Bytes that may be taken at the same time, a positive safe integer.
   */
  constructor(totalBytes: number, options: ByteBudgetOptions = {}) {
    assertBytes('totalBytes', totalBytes)
    if (totalBytes === 0) throw new RangeError('totalBytes: expected more than 0, got 0')
    this.totalBytes = totalBytes
    this.#maxWaiters = options.maxWaiters ?? 10_000
  }

  /** Bytes taken and not yet released. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** The most bytes that were ever taken at the same time. */
  get highWaterBytes(): number {
    return this.#highWaterBytes
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * Take bytes now or not at all. Refuses also while others wait: they come first.
   *
   * @returns false when nothing was taken.
   */
  tryTake(bytes: number): boolean {
    assertBytes('bytes', bytes)
    if (this.#waiters.size > 0 || bytes > this.totalBytes - this.#usedBytes) return false
    this.#add(bytes)
    return true
  }

  /**
   * Take bytes, waiting until there is room.
   *
   * @param bytes - At most {@link totalBytes}.
   * @param signal - Ends the wait; the promise rejects with its reason and nothing was taken.
   * @throws HostError ERR_HOST_BUDGET_EXCEEDED when it is more than the whole budget, ERR_HOST_BUDGET_BUSY when too
   * many wait already.
   */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.tryTake(bytes)) return
    if (bytes > this.totalBytes) {
      throw new HostError(
        'ERR_HOST_BUDGET_EXCEEDED',
        `bytes: expected at most ${this.totalBytes}, got ${bytes}`,
      )
    }
    if (this.#waiters.size >= this.#maxWaiters) {
      throw new HostError('ERR_HOST_BUDGET_BUSY', 'too many requests wait for buffer space')
    }
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#waiters.delete(waiter)
        reject(signal?.reason)
        // The one who left may have been first in the line, in front of smaller requests.
        this.#serve()
      }
      const waiter: Waiter = {
        bytes,
        grant: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      this.#waiters.add(waiter)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /**
   * Give bytes back.
   *
   * @throws RangeError when more is given back than is taken, which is a fault of the caller.
   */
  release(bytes: number): void {
    assertBytes('bytes', bytes)
    if (bytes > this.#usedBytes) {
      throw new RangeError(`bytes: expected at most ${this.#usedBytes} in use, got ${bytes}`)
    }
    this.#usedBytes -= bytes
    this.#serve()
  }

  /** Open an account within the budget, for one connection; closing it gives back whatever it still holds. */
  lease(): ByteLease {
    return new ByteLease(this)
  }

  #add(bytes: number): void {
    this.#usedBytes += bytes
    if (this.#usedBytes > this.#highWaterBytes) this.#highWaterBytes = this.#usedBytes
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (waiter.bytes > this.totalBytes - this.#usedBytes) return
      this.#waiters.delete(waiter)
      this.#add(waiter.bytes)
      waiter.grant()
    }
  }
}

/** What one holder has of a {@link ByteBudget}. */
export class ByteLease {
  readonly #budget: ByteBudget
  #heldBytes = 0
  #closed = false

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** Bytes that this holder has. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Take bytes now or not at all; a closed lease takes nothing. */
  tryTake(bytes: number): boolean {
    if (this.#closed || !this.#budget.tryTake(bytes)) return false
    this.#heldBytes += bytes
    return true
  }

  /** Give bytes back; a closed lease has given back everything, so nothing happens. */
  release(bytes: number): void {
    if (this.#closed) return
    if (bytes > this.#heldBytes) {
      throw new RangeError(`bytes: expected at most ${this.#heldBytes} held, got ${bytes}`)
    }
    this.#budget.release(bytes)
    this.#heldBytes -= bytes
  }

  /** Give back everything, once. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#budget.release(this.#heldBytes)
    this.#heldBytes = 0
  }
}

function assertBytes(name: string, bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return
  if (typeof bytes !== 'number')
    throw new TypeError(`${name}: expected a number, got ${typeof bytes}`)
  throw new RangeError(`${name}: expected a safe integer from 0, got ${bytes}`)
}
