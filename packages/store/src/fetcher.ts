/**
 * Asks the source, for each secret one request after the other.
 *
 * So every answer is of a moment after the answer before it: what is held never goes back, however slow a request is.
 * A request that was given up has no answer any more.
 */
import { bounded } from './bounded.ts'
import type { StoreClock } from './clock.ts'
import type { Ending } from './ending.ts'
import type { Entry } from './entry.ts'
import { Limiter } from './limiter.ts'
import { checkAnswer, type SecretSource, type SecretValue } from './source.ts'

/** What became of a request: nothing to say, or why it failed. */
export interface Outcome {
  readonly failed: boolean
  readonly error?: unknown
}

export interface FetcherOptions {
  readonly source: SecretSource
  readonly clock: StoreClock
  /** Of one request; 0 = no limit. */
  readonly timeoutMs: number
  /** Requests at once. */
  readonly concurrency: number
  /** Ends everything. */
  readonly ending: Ending
  /** After each request of an entry that is still wanted; `changed`: one value replaced another. */
  readonly onDone: (entry: Entry, changed: boolean, outcome: Outcome) => void
}

interface Flight {
  /** The source has been asked. */
  asked: boolean
  readonly done: Promise<Outcome>
  /** Shared by all who came after it was asked. */
  next: Promise<Outcome> | undefined
}

const FINE: Outcome = Object.freeze({ failed: false })

export class Fetcher {
  readonly #options: FetcherOptions
  readonly #limiter: Limiter
  readonly #flights = new Map<Entry, Flight>()

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#limiter = new Limiter(options.concurrency)
  }

  /**
   * Have a secret asked for from now on: a request that was made before does not do. Never rejects.
   */
  demand(entry: Entry): Promise<Outcome> {
    const flight = this.#flights.get(entry)
    if (flight === undefined) return this.#start(entry)
    if (!flight.asked) return flight.done
    flight.next ??= flight.done.then(() => this.demand(entry))
    return flight.next
  }

  /** Resolves when nothing is asked any more. */
  async idle(): Promise<void> {
    while (this.#flights.size > 0) {
      await Promise.all([...this.#flights.values()].map(({ done }) => done))
    }
  }

  #start(entry: Entry): Promise<Outcome> {
    const flight: Flight = {
      asked: false,
      next: undefined,
      done: Promise.resolve().then(() => this.#limiter.run(() => this.#fetch(entry, flight))),
    }
    this.#flights.set(entry, flight)
    return flight.done
  }

  async #fetch(entry: Entry, flight: Flight): Promise<Outcome> {
    const { clock, timeoutMs, ending, onDone } = this.#options
    let changed = false
    let outcome = FINE
    try {
      flight.asked = true
      if (entry.dropped) return FINE
      const answer = await bounded(clock, timeoutMs, ending, (own) => this.#ask(entry, own))
      if (entry.dropped) return FINE
      if (answer !== undefined) {
        const { loaded } = entry
        changed = entry.put(answer) && loaded
      }
      entry.checkedAtMs = clock.nowMs()
    } catch (error) {
      outcome = { failed: true, error }
    } finally {
      this.#flights.delete(entry)
    }
    if (!entry.dropped && !ending.ended) onDone(entry, changed, outcome)
    return outcome
  }

  /** @returns a checked answer; `undefined` only where there is a value that has not changed */
  async #ask(entry: Entry, signal: AbortSignal): Promise<SecretValue | undefined> {
    const { source } = this.#options
    const { name, version } = entry
    if (!entry.loaded) return checkAnswer(await source.get(name, { signal }), name)
    const answer = await source.getIfChanged(name, version, { signal })
    return answer === undefined ? undefined : checkAnswer(answer, name)
  }
}
