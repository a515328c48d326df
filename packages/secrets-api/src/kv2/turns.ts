/** Changes of one secret, one after the other: a server compares less than a change rests on. */
import { ProviderError } from '../errors.ts'

/** Most changes that are under way or waiting, of all secrets: each holds what it writes. */
const MAX_HELD = 200

export class Turns {
  readonly #last = new Map<string, Promise<void>>()
  #held = 0

  /**
   * Run something when all that was given before for the same key has ended.
   *
   * @param signal - ends the wait, with its reason
   * @throws ProviderError `PROVIDER_BUSY` when too much is waiting
   */
  take<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#held >= MAX_HELD) throw new ProviderError('PROVIDER_BUSY', { retryAfterSeconds: 1 })
    this.#held++
    const before = this.#last.get(key) ?? Promise.resolve()
    const turn = until(before, signal).then(work)
    // Whoever gives up while he waits does not let others past those before him.
    const end = Promise.allSettled([before, turn]).then(() => {
      this.#held--
      if (this.#last.get(key) === end) this.#last.delete(key)
    })
    this.#last.set(key, end)
    return turn
  }
}

async function until(before: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  if (signal === undefined) return before
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    void before.then(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
  })
  signal.throwIfAborted()
}
