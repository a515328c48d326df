/** Polls: every secret asked for, and what else belongs to that. */
import { bounded } from './bounded.ts'
import type { StoreClock } from './clock.ts'
import type { Ending } from './ending.ts'
import type { Entry } from './entry.ts'
import { closedError, listNames, StoreError } from './errors.ts'
import type { Outcome } from './fetcher.ts'
import type { SourceOptions } from './source.ts'

export interface PollsOptions {
  readonly demand: (entry: Entry) => Promise<Outcome>
  readonly clock: StoreClock
  readonly ending: Ending
  readonly onPoll: ((options: SourceOptions) => void | Promise<void>) | undefined
  /** Is told when `onPoll` failed. */
  readonly onError: (error: unknown) => void
}

export class Polls {
  readonly #options: PollsOptions
  /** Polls begun. */
  count = 0
  /** Polls in which something failed. */
  errors = 0
  /** When the last one began, milliseconds. */
  latestMs: number | undefined

  constructor(options: PollsOptions) {
    this.#options = options
  }

  /**
   * Ask for these secrets, from now on.
   *
   * @returns why not for all of them, or why not for what else belongs to it
   */
  async run(entries: readonly Entry[]): Promise<StoreError | undefined> {
    const { demand, clock, ending } = this.#options
    this.count++
    this.latestMs = clock.nowMs()
    const [outcomes, also] = await Promise.all([Promise.all(entries.map(demand)), this.#also()])
    if (ending.ended) return closedError()
    const failed = entries.filter((entry, at) => outcomes[at]?.failed === true && !entry.dropped)
    const names = failed.map(({ name }) => name).sort()
    const errors = [...outcomes, also].filter(({ failed }) => failed).map(({ error }) => error)
    if (names.length === 0 && !also.failed) return undefined
    this.errors++
    const what = names.length === 0 ? 'what belongs to a poll failed' : listNames(names)
    return new StoreError('ERR_STORE_REFRESH', `not refreshed: ${what}`, {
      names,
      cause: new AggregateError(errors),
    })
  }

  async #also(): Promise<Outcome> {
    const { onPoll, clock, ending, onError } = this.#options
    if (onPoll === undefined) return { failed: false }
    try {
      await bounded(clock, 0, ending, async (signal) => onPoll({ signal }))
      return { failed: false }
    } catch (error) {
      if (!ending.ended) onError(error)
      return { failed: true, error }
    }
  }
}
