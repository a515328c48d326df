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
import { checkAnswer, type SecretSource, type SecretValue, type SourceOptions } from './source.ts'

/** What became of a request: nothing to say, or why it failed. */
export interface Outcome {
  readonly failed: boolean
  readonly error?: unknown
}

/** Something that changes a secret at its source and answers the value that is active then. */
export type Change = (options: SourceOptions) => Promise<SecretValue>

export interface FetcherOptions {
  readonly source: SecretSource
  readonly clock: StoreClock
  /** Of one request; 0 = no limit. */
  readonly timeoutMs: number
  /** Requests at once. */
  readonly concurrency: number
  /** Ends everything. */
  readonly ending: Ending
  /** After each request, but of a change that failed, of an entry that is still wanted; `changed`: one value replaced another. */
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

  /**
   * Make a change of a secret when no other request for it is under way, and take what it answers. Never rejects.
   */
  async change(entry: Entry, change: Change): Promise<Outcome> {
    for (;;) {
      const flight = this.#flights.get(entry)
      if (flight === undefined) return this.#start(entry, change)
      await flight.done
    }
  }

  /** Resolves when nothing is asked any more. */
  async idle(): Promise<void> {
    while (this.#flights.size > 0) {
      await Promise.all([...this.#flights.values()].map(({ done }) => done))
    }
  }

  #start(entry: Entry, change?: Change): Promise<Outcome> {
    const flight: Flight = {
      // What a change comes to is no answer to those who ask.
      asked: change !== undefined,
      next: undefined,
      done: Promise.resolve().then(() =>
        this.#limiter.run(() => this.#fetch(entry, flight, change)),
      ),
    }
    this.#flights.set(entry, flight)
    return flight.done
  }

  async #fetch(entry: Entry, flight: Flight, change: Change | undefined): Promise<Outcome> {
    const { clock, timeoutMs, ending, onDone } = this.#options
    let replaced = false
    let outcome = FINE
    try {
      flight.asked = true
      if (entry.dropped && change === undefined) return FINE
      const answer = await bounded(clock, timeoutMs, ending, (signal) =>
        change === undefined ? this.#ask(entry, signal) : changed(change, entry.name, signal),
      )
      if (entry.dropped) return FINE
      if (answer !== undefined) {
        const { loaded } = entry
        replaced = entry.put(answer) && loaded
      }
      entry.checkedAtMs = clock.nowMs()
    } catch (error) {
      outcome = { failed: true, error }
    } finally {
      this.#flights.delete(entry)
    }
    const told = change !== undefined && outcome.failed
    if (!told && !entry.dropped && !ending.ended) onDone(entry, replaced, outcome)
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

async function changed(change: Change, name: string, signal: AbortSignal): Promise<SecretValue> {
  return checkAnswer(await change({ signal }), name)
}
