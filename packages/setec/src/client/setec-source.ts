/** A client as a source of a store. */
import { type SecretSource, type SecretValue, type StoreClock, systemClock } from '@secreg/store'
import { SetecError } from './errors.ts'
import type { CallOptions } from './options.ts'

/** What a store needs of a client; a `SecretSource` has it too. */
export interface SetecStoreClient {
  get(name: string, options: Required<CallOptions>): Promise<SecretValue>
  getIfChanged(
    name: string,
    version: number,
    options: Required<CallOptions>,
  ): Promise<SecretValue | undefined>
  /** What it answers never changes: one failure at the start is final, and nothing is polled. */
  readonly fixed?: boolean
}

/** Options of {@link setecSource}. */
export interface SetecSourceOptions {
  /** Default that of the platform. */
  readonly clock?: Pick<StoreClock, 'nowMs'>
}

/** Longest rest that a server can ask for, seconds. */
const MAX_REST_SECONDS = 3600

/**
 * The source of a store that reads from a server. When that answers that it is asked too often, and for how long it
 * wants to be left alone, requests fail until then without being sent, up to an hour.
 *
 * @example
 * ```ts
 * const store = await openStore({ source: setecSource(new Client(server)), secrets: ['db/password'] })
 * ```
 */
export function setecSource(
  client: SetecStoreClient,
  options: SetecSourceOptions = {},
): SecretSource {
  for (const method of ['get', 'getIfChanged'] as const) {
    if (typeof client?.[method] !== 'function') {
      throw new TypeError(`client: expected an object with the method ${method}`)
    }
  }
  const clock = options.clock ?? systemClock
  let rest: { readonly untilMs: number; readonly error: unknown } | undefined
  const ask = async <T>(request: () => Promise<T>): Promise<T> => {
    if (rest !== undefined && clock.nowMs() < rest.untilMs) throw rest.error
    try {
      return await request()
    } catch (error) {
      const seconds = restSecondsOf(error)
      if (seconds > 0) rest = { untilMs: clock.nowMs() + 1000 * seconds, error }
      throw error
    }
  }
  return {
    get: (name, { signal }) => ask(() => client.get(name, { signal })),
    getIfChanged: (name, version, { signal }) =>
      ask(() => client.getIfChanged(name, version, { signal })),
    fixed: client.fixed === true,
  }
}

function restSecondsOf(error: unknown): number {
  if (!SetecError.is(error, 'ERR_SETEC_TOO_MANY_REQUESTS')) return 0
  return Math.min(error.retryAfterSeconds ?? 0, MAX_REST_SECONDS)
}
