/** Changes across lost connections and restarts of the daemon: each once, in order, none missing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Reason, type RequestOf, SecregError } from '@secreg/protocol'
import { checkTimeout, type WatchOptions } from './options.ts'
import type { RegistryConnection } from './types.ts'
import type { ChangeBatch, Watch } from './watch.ts'

/** Reasons after which a new connection can succeed. The overflow of a watch is `BUSY`. */
const RETRIED: ReadonlySet<Reason> = new Set([
  'UNREACHABLE',
  'TIMEOUT',
  'SHUTTING_DOWN',
  'TOO_MANY_CONNECTIONS',
  'BUSY',
])

/** Where a follower stands: it has given everything up to `revision` of the store's life `generation`. */
export interface FollowPosition {
  readonly revision: number
  readonly generation: string
}

/** Gives a connection that is logged in. @param signal - that of the options */
export type Connect = (signal: AbortSignal | undefined) => Promise<RegistryConnection>

/** Options of followChanges. */
export interface FollowOptions extends Pick<WatchOptions, 'signal' | 'maxBufferedEvents'> {
  /** Longest wait before the first try again, milliseconds; it doubles with each try without a change. Default 100. */
  readonly minDelayMs?: number
  /** Longest wait of all, milliseconds; also of what the daemon asks to wait. Default 30,000. */
  readonly maxDelayMs?: number
  /**
   * Where the request has no `since_revision`: the first watch stands, so whatever is read from now on is either read
   * or told. No batch is given before it has ended.
   */
  readonly onStart?: (position: FollowPosition) => void | Promise<void>
  /**
   * Changes are missing: they are no longer known (`error.minRevision` is the oldest that is), or the store is
   * another one. A watch from now on stands; read everything again. No batch is given before it has ended, and it is
   * called again if it fails with an error after which a new connection is made. Without it, the iteration fails.
   */
  readonly onReset?: (error: SecregError, position: FollowPosition) => void | Promise<void>
  /** A new connection will be made in `delayMs` milliseconds. */
  readonly onRetry?: (error: SecregError, delayMs: number) => void
  /** Waits; rejects once the signal is aborted. Default a timer. */
  readonly wait?: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>
  /** From 0 to 1: spreads the waits of many followers. Default Math.random. */
  readonly random?: () => number
}

/**
 * Follow changes; a lost connection is made again, and the watch resumed where it was left.
 *
 * It goes on after `UNREACHABLE`, `TIMEOUT`, `SHUTTING_DOWN`, `TOO_MANY_CONNECTIONS` and `BUSY` (also the overflow of
 * a slow consumer), however often, after a wait of half to all of `minDelayMs` × 2^n, at most `maxDelayMs`. Any other
 * error of `connect` or of the watch ends it.
 *
 * @param connect - called for each connection; that is closed here
 * @param request - as for a watch; `since_revision` and `generation` say where to begin
 * @returns batches as of a watch; aborting `signal` ends the iteration with its reason, also while it waits
 * @throws SecregError `ERR_REVISION_COMPACTED` when changes are missing and there is no `onReset`; what ends it
 *
 * @example
 * ```ts
 * const connect = () => connectRegistry({ socket: '/run/secreg/socket', sessionId })
 * for await (const { events } of followChanges(connect, { prefix: '/app' })) {
 *   for (const { op, key } of events) console.log(op, key)
 * }
 * ```
 */
export function followChanges(
  connect: Connect,
  request: RequestOf<'watch'>,
  options: FollowOptions = {},
): AsyncGenerator<ChangeBatch, undefined, undefined> {
  if (typeof connect !== 'function') throw new TypeError('connect: expected a function')
  const minDelayMs = checkTimeout(options.minDelayMs ?? 100, 'minDelayMs')
  const maxDelayMs = checkTimeout(options.maxDelayMs ?? 30_000, 'maxDelayMs')
  return follow(connect, request, { ...options, minDelayMs, maxDelayMs })
}

interface State {
  /** Where to resume; undefined is from now on. */
  position: (Pick<FollowPosition, 'revision'> & Partial<FollowPosition>) | undefined
  started: boolean
  /** Why changes are missing that the consumer has not been told of. */
  missing: SecregError | undefined
  /** Tries since the last change. */
  tries: number
}

type Settings = FollowOptions & { readonly minDelayMs: number; readonly maxDelayMs: number }

async function* follow(
  connect: Connect,
  request: RequestOf<'watch'>,
  options: Settings,
): AsyncGenerator<ChangeBatch, undefined, undefined> {
  const { signal, wait = waitTimer } = options
  const state: State = {
    position: startOf(request),
    started: request.since_revision !== undefined,
    missing: undefined,
    tries: 0,
  }
  for (;;) {
    signal?.throwIfAborted()
    let connection: RegistryConnection | undefined
    let watch: Watch | undefined
    let error: unknown
    try {
      connection = await connect(signal)
      watch = await open(connection, request, state, options)
      await announce(watch, state, options)
      const changes = watch[Symbol.asyncIterator]()
      // Not for-await: leaving it would ask the daemon, who may not answer; closing the connection is enough.
      for (;;) {
        const { value } = await changes.next()
        if (value === undefined) return undefined
        state.tries = 0
        if (value.events.length > 0 || request.progress === true) yield value
      }
    } catch (caught) {
      error = caught
      if (watch !== undefined) state.position = positionOf(watch)
    } finally {
      await connection?.close()
    }
    signal?.throwIfAborted()
    const delayMs = delayAfter(error, state, options)
    await wait(delayMs, signal)
  }
}

function startOf(request: RequestOf<'watch'>): State['position'] {
  const { since_revision: revision, generation } = request
  if (revision === undefined) return undefined
  return generation === undefined ? { revision } : { revision, generation }
}

function positionOf({ revision, generation }: Watch): FollowPosition {
  return { revision, generation }
}

async function open(
  connection: RegistryConnection,
  request: RequestOf<'watch'>,
  { position }: State,
  { signal, maxBufferedEvents }: Settings,
): Promise<Watch> {
  const { since_revision: _, generation: __, ...rest } = request
  return await connection.watch(
    {
      ...rest,
      // So that the position moves on where nothing happens, and is still known after a long time.
      progress: true,
      ...(position === undefined ? {} : { since_revision: position.revision }),
      ...(position?.generation === undefined ? {} : { generation: position.generation }),
    },
    {
      ...(signal === undefined ? {} : { signal }),
      ...(maxBufferedEvents === undefined ? {} : { maxBufferedEvents }),
    },
  )
}

/** Tell the consumer of a watch that does not begin where the last one ended. */
async function announce(watch: Watch, state: State, options: Settings): Promise<void> {
  const position = positionOf(watch)
  if (state.missing !== undefined) await options.onReset?.(state.missing, position)
  else if (!state.started) await options.onStart?.(position)
  state.missing = undefined
  state.started = true
}

/** @returns milliseconds to wait before the next try. @throws what ends the iteration */
function delayAfter(error: unknown, state: State, options: Settings): number {
  if (!SecregError.is(error)) throw error
  if (error.reason === 'REVISION_COMPACTED') {
    // From now on, nothing can be missing.
    if (options.onReset === undefined || state.position === undefined) throw error
    state.missing = error
    state.position = undefined
  } else if (!RETRIED.has(error.reason)) throw error
  const { minDelayMs, maxDelayMs, random = Math.random } = options
  const longest = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(state.tries++, 31))
  const asked = Math.min(maxDelayMs, (error.retryAfterSeconds ?? 0) * 1000)
  const delayMs = Math.max(asked, longest / 2 + (random() * longest) / 2)
  options.onRetry?.(error, delayMs)
  return delayMs
}

async function waitTimer(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal })
  } catch {
    signal?.throwIfAborted()
  }
}
