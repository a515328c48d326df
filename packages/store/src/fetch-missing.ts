/** The start: asks for each name until it has a value. */
import { pause, type StoreClock } from './clock.ts'
import { Ending } from './ending.ts'
import { listNames, StoreError } from './errors.ts'
import type { Outcome } from './fetcher.ts'

const MAX_WAIT_MS = 4096

/** How long the start goes on, after something that waiting cannot mend, to tell of others like it. */
const GRACE_MS = 1000

export interface FetchMissing {
  readonly names: readonly string[]
  readonly attempt: (name: string) => Promise<Outcome>
  /** One failure is final. */
  readonly isFinal: (error: unknown) => boolean
  readonly clock: StoreClock
  /** Gives it up. */
  readonly signal: AbortSignal | undefined
}

/**
 * Ask for all names at once, each again after 1, 2, 4 … 4096, 4096 ms.
 *
 * @throws StoreError `ERR_STORE_REFUSED`, `ERR_STORE_UNAVAILABLE`, with the names; the cause holds what the source
 *   said of each
 */
export async function fetchMissing(options: FetchMissing): Promise<void> {
  const { names, attempt, isFinal, clock, signal } = options
  const failures = new Map<string, unknown>(names.map((name) => [name, undefined]))
  const final: string[] = []
  const stop = new Ending()
  let giveUp = (): void => {}
  let cancelGrace: (() => void) | undefined
  const given = new Promise<void>((resolve) => {
    giveUp = () => {
      stop.end()
      resolve()
    }
  })

  const obtain = async (name: string): Promise<void> => {
    for (let waitMs = 1; !stop.ended; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
      const outcome = await attempt(name)
      if (!outcome.failed) {
        failures.delete(name)
        return
      }
      failures.set(name, outcome.error)
      if (isFinal(outcome.error)) {
        final.push(name)
        stop.end()
        cancelGrace ??= clock.after(GRACE_MS, giveUp)
      } else await pause(clock, waitMs, stop)
    }
  }

  if (signal?.aborted) giveUp()
  signal?.addEventListener('abort', giveUp, { once: true })
  await Promise.race([Promise.all(names.map(obtain)), given])
  signal?.removeEventListener('abort', giveUp)
  cancelGrace?.()
  if (failures.size > 0) throw startError(failures, final.sort(), signal)
}

function startError(
  failures: ReadonlyMap<string, unknown>,
  final: readonly string[],
  signal: AbortSignal | undefined,
): StoreError {
  const names = final.length > 0 ? final : [...failures.keys()].sort()
  const errors = names.map((name) => failures.get(name)).filter((error) => error !== undefined)
  if (signal?.aborted) errors.push(signal.reason)
  const cause = new AggregateError(errors, `what the source said of ${listNames(names)}`)
  return final.length > 0
    ? new StoreError('ERR_STORE_REFUSED', `the source refuses ${listNames(names)}`, {
        names,
        cause,
      })
    : new StoreError(
        'ERR_STORE_UNAVAILABLE',
        `the start was given up without a value of ${listNames(names)}`,
        { names, cause },
      )
}
