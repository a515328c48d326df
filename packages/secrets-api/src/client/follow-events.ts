/** Events as they happen, through as many connections as it takes. */
import { readStrictJson } from '@secreg/protocol'
import { isJsonObject } from '../provider/json-value.ts'
import { SecretsClientError } from './client-error.ts'
import { EventStreamReader, EventTooLong, type StreamedEvent } from './event-stream.ts'
import { failureOf, request, unreachable } from './exchange.ts'
import type { SecretsFetchAnswer, SecretsFetchBody } from './fetch-types.ts'
import { type ClientSettings, integer, type SecretsCallOptions } from './options.ts'
import { dropBody } from './read-body.ts'
import type { SecretEventResult } from './results.ts'
import { pause, within } from './within.ts'

/** Options of {@link SecretsClient.events}. */
export interface SecretsEventsOptions extends SecretsCallOptions {
  /** Go on behind this event, 0 or more. Default: from now on. */
  readonly lastEventId?: number
  /** Longest line and event, characters, 1,024 to 16,777,216. Default 262,144. */
  readonly maxEventChars?: number
  /** Milliseconds without a sign of life after which a connection is given up. Default 60,000: servers tell every 15 s. */
  readonly idleMs?: number
  /** Wait before the second connection, milliseconds; doubled up to half a minute while none brings an event. Default 1,000. */
  readonly reconnectMs?: number
}

const TYPE = /^text\/event-stream\s*(?:;|$)/i
const MAX_TIMER_MS = 2 ** 31 - 1
/** Longest wait between two connections, milliseconds. */
const MAX_WAIT_MS = 30_000
/** A wait is never doubled more often: 2^16 seconds are above the longest. */
const MAX_DOUBLINGS = 16

interface FollowSettings {
  readonly maxEventChars: number
  readonly idleMs: number
  readonly reconnectMs: number
}

/**
 * Follow the events of the tenant. Where a connection ends, or the server is away, a further one goes on behind the last
 * event; what the server has forgotten meanwhile is missing. Nothing is read ahead of whoever iterates.
 *
 * @throws SecretsClientError for what a further try would not mend; the reason of the signal
 */
export async function* followEvents(
  settings: ClientSettings,
  options: SecretsEventsOptions,
): AsyncGenerator<SecretEventResult, void, undefined> {
  const { signal } = options
  const follow: FollowSettings = {
    maxEventChars: integer(options.maxEventChars ?? 262_144, 1024, 2 ** 24, 'maxEventChars'),
    idleMs: integer(options.idleMs ?? 60_000, 1, MAX_TIMER_MS, 'idleMs'),
    reconnectMs: integer(options.reconnectMs ?? 1_000, 1, MAX_TIMER_MS, 'reconnectMs'),
  }
  const progress: Progress = { last: undefined, retryMs: undefined }
  if (options.lastEventId !== undefined) {
    progress.last = integer(options.lastEventId, 0, Number.MAX_SAFE_INTEGER, 'lastEventId')
  }
  for (let failures = 0; ; failures++) {
    let retryAfterMs = 0
    try {
      for await (const event of connection(settings, follow, progress, signal)) {
        failures = 0
        yield event
      }
    } catch (error) {
      if (!isTransient(error)) throw error
      retryAfterMs = (error.retryAfterSeconds ?? 0) * 1000
    }
    const { reconnectMs } = follow
    const base = Math.max(reconnectMs, progress.retryMs ?? 0)
    const doubled = base * 2 ** Math.min(failures, MAX_DOUBLINGS)
    await pause(Math.min(Math.max(doubled, retryAfterMs), MAX_WAIT_MS), signal)
  }
}

interface Progress {
  last: number | undefined
  retryMs: number | undefined
}

/** One connection, until it ends. */
async function* connection(
  settings: ClientSettings,
  { maxEventChars, idleMs }: FollowSettings,
  progress: Progress,
  signal: AbortSignal | undefined,
): AsyncGenerator<SecretEventResult, void, undefined> {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal?.reason)
  signal?.throwIfAborted()
  signal?.addEventListener('abort', onAbort, { once: true })
  let reader: ReturnType<SecretsFetchBody['getReader']> | undefined
  try {
    const answer = await open(settings, progress.last, controller.signal)
    if (answer.body === null) return
    reader = answer.body.getReader()
    const events = new EventStreamReader(maxEventChars)
    for (;;) {
      const { done, value } = await next(reader, idleMs, controller.signal)
      if (done) return
      for (const event of taken(events, value ?? new Uint8Array(0))) {
        progress.retryMs = events.retryMs
        progress.last = event.id
        yield event
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    reader?.cancel().catch(() => {})
    // Ends the connection also where the body does not listen.
    controller.abort()
  }
}

async function open(
  settings: ClientSettings,
  last: number | undefined,
  signal: AbortSignal,
): Promise<SecretsFetchAnswer> {
  const call = { method: 'GET', path: '/events' } as const
  const more = last === undefined ? {} : { 'Last-Event-ID': String(last) }
  // The signal of the time limit ends with the answer, that of the connection goes on.
  const { answer, secrets } = await within(settings.timeoutMs, signal, timeout, () =>
    request(settings, call, 'text/event-stream', signal, more),
  )
  const { status } = answer
  if (status !== 200) {
    throw await within(settings.timeoutMs, signal, timeout, () => failureOf(answer, false, secrets))
  }
  if (!TYPE.test(answer.headers.get('content-type') ?? '')) {
    dropBody(answer.body)
    throw new SecretsClientError('ANSWER_INVALID', { status })
  }
  return answer
}

async function next(
  reader: ReturnType<SecretsFetchBody['getReader']>,
  idleMs: number,
  signal: AbortSignal,
): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> {
  return await within(idleMs, signal, timeout, async () => {
    try {
      return await reader.read()
    } catch (error) {
      throw signal.aborted ? signal.reason : unreachable(error, { outcomeUnknown: false })
    }
  })
}

function timeout(): SecretsClientError {
  return new SecretsClientError('TIMEOUT')
}

function taken(events: EventStreamReader, piece: Uint8Array): SecretEventResult[] {
  try {
    return events.push(piece).map(eventOf)
  } catch (error) {
    if (!(error instanceof EventTooLong)) throw error
    throw new SecretsClientError('ANSWER_TOO_LARGE', { status: 200 })
  }
}

const MAX_DEPTH = 16

function eventOf({ id, event, data }: StreamedEvent): SecretEventResult {
  const read = readStrictJson(data, MAX_DEPTH)
  const number = /^(?:0|[1-9]\d{0,15})$/.test(id) ? Number(id) : Number.NaN
  if (
    !Number.isSafeInteger(number) ||
    !/^[A-Z][A-Z0-9_]{0,63}$/.test(event) ||
    !read.ok ||
    !isJsonObject(read.value)
  ) {
    throw new SecretsClientError('ANSWER_INVALID', { status: 200 })
  }
  return { id: number, event, data: read.value }
}

/** Whether the server, or the way to it, may be there again later. */
function isTransient(error: unknown): error is SecretsClientError {
  if (!SecretsClientError.is(error)) return false
  const { code, status } = error
  if (status === undefined || code === 'UNREACHABLE') {
    return code === 'UNREACHABLE' || code === 'TIMEOUT'
  }
  return status === 429 || (status >= 500 && status !== 501)
}
