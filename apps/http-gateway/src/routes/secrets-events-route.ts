/**
 * `GET /api/secrets/events`: events as they come (HTML standard, "Server-sent events"; specs: secrets-api §2.5, E17).
 *
 *     id: 42
 *     event: SECRET_ROTATED
 *     data: {…}
 *
 * The daemon is asked for what is new again and again, each time as if for the first time, so that a stream ends with
 * the right to it.
 */
import { SecregError, type SecretsResponse } from '@secreg/protocol'
import { GatewayError } from '../errors.ts'
import { sourceOf } from '../identity/address.ts'
import { soleHeader } from '../identity/header.ts'
import { SecretsCaller } from '../secrets-caller.ts'
import type { Answer, Sink } from '../server/answer.ts'
import { correlationIdOf } from './correlation-id.ts'
import type { Exchange, Route } from './route.ts'
import { secretsAnswer } from './secrets-answer.ts'
import { SECRETS_EVENTS_PATH } from './secrets-endpoints.ts'
import { eventFrames, LAST_ID, PING, placeFrame } from './secrets-event-frames.ts'
import { proofOf, secretsPayload } from './secrets-payload.ts'
import { secretsRefusal } from './secrets-refusal.ts'
import { checkHead, type SecretsRouteOptions } from './secrets-route.ts'

export interface SecretsEventsOptions extends SecretsRouteOptions {
  readonly maxStreams: number
  /** Pause between two comments that keep a connection open, milliseconds. Default 15,000. */
  readonly pingMs?: number
}

export interface SecretsEvents {
  readonly route: Route
  /** Streams at present. */
  readonly streams: number
}

/**
 * How long the daemon waits for an event, milliseconds. Each wait takes one of the requests that may be under way, and
 * goes on for so long where its reader has gone: a stream has given its place back after that at the latest.
 */
const WAIT_MS = 5000

/** Least time between two requests of one stream: a burst of events is a few answers, milliseconds. */
const PACE_MS = 100

const PING_MS = 15_000

/** Events from an answer on. */
interface Found {
  readonly events: NonNullable<SecretsResponse['events']>
  readonly after: number
}

export function secretsEventsRoute(options: SecretsEventsOptions): SecretsEvents {
  const { gates, maxStreams, pingMs = PING_MS } = options
  let streams = 0
  const enter = (): (() => void) => {
    if (streams >= maxStreams) {
      throw new SecregError('BUSY', 'too many streams are followed', { retryAfterSeconds: 5 })
    }
    streams++
    return () => {
      streams--
    }
  }
  const told = (exchange: Exchange, stream: (sink: Sink) => Promise<void>): Answer => ({
    status: 200,
    contentType: 'text/event-stream',
    body: '',
    headers: ['X-Correlation-Id', correlationIdOf(exchange)],
    stream,
  })
  const answer = async (exchange: Exchange): Promise<Answer> => {
    checkHead(exchange)
    const known = lastEventId(exchange)
    const caller = await SecretsCaller.identify(options.context, exchange.facts)
    if (proofOf(exchange) !== undefined) return await once(exchange, caller, known)
    const payload = {
      ...secretsPayload(exchange, caller, options),
      op: 'follow',
    } as const
    // At once, so that whoever may not hears it, and takes nobody's place.
    const now = { ...payload, wait: 0, ...(known === undefined ? {} : { after: known }) }
    const first = await gates.asking.run(sourceOf(caller.address), () => caller.ask(now))
    const found = foundIn(first)
    if (found === undefined) return secretsAnswer(first, exchange)
    const leave = enter()
    const next = async (after: number): Promise<Found | undefined> => {
      const again = await SecretsCaller.identify(options.context, exchange.facts)
      return foundIn(await follow(options, exchange, again, after))
    }
    return told(exchange, (sink) => run(sink, found, next, pingMs).finally(leave))
  }
  /** A proof is good for one request (RFC 9449 §11.1): such a stream is one wait, and is asked for again. */
  const once = async (
    exchange: Exchange,
    caller: SecretsCaller,
    known: number | undefined,
  ): Promise<Answer> => {
    const leave = enter()
    try {
      const answered = await follow(options, exchange, caller, known)
      const found = foundIn(answered)
      if (found === undefined) return secretsAnswer(answered, exchange)
      return told(exchange, (sink) => sink.write(framesOf(found)))
    } finally {
      leave()
    }
  }
  return {
    get streams() {
      return streams
    },
    route: {
      name: 'secrets-events',
      path: SECRETS_EVENTS_PATH,
      methods: ['GET'],
      answer,
      refuse: (_status, error, exchange) => secretsRefusal(error, exchange),
    },
  }
}

function follow(
  options: SecretsRouteOptions,
  exchange: Exchange,
  caller: SecretsCaller,
  after: number | undefined,
): Promise<SecretsResponse> {
  return caller.ask({
    op: 'follow',
    ...(after === undefined ? {} : { after }),
    wait: WAIT_MS,
    ...secretsPayload(exchange, caller, options),
  })
}

function foundIn({ events, after }: SecretsResponse): Found | undefined {
  return events === undefined || after === undefined ? undefined : { events, after }
}

/** The first frame says where the stream begins, so that whoever loses it before an event can go on from there. */
function framesOf({ events, after }: Found): string {
  return placeFrame(events[0] === undefined ? after : events[0].id - 1) + eventFrames(events)
}

async function run(
  sink: Sink,
  first: Found,
  next: (after: number) => Promise<Found | undefined>,
  pingMs: number,
): Promise<void> {
  const ping = setInterval(() => void sink.write(PING), pingMs)
  try {
    let found: Found | undefined = first
    await sink.write(framesOf(first))
    while (found !== undefined && !sink.signal.aborted) {
      const askedMs = performance.now()
      found = await next(found.after)
      if (found === undefined) return
      if (found.events.length > 0) await sink.write(eventFrames(found.events))
      await pause(askedMs + PACE_MS - performance.now(), sink.signal)
    }
  } catch (error) {
    // The daemon is gone, or lets him in no more: where the stream has got to is known, and he asks again.
    if (!SecregError.is(error)) throw error
  } finally {
    clearInterval(ping)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    signal.addEventListener('abort', wake)
  })
}

/** @throws GatewayError ERR_GATEWAY_BODY_INVALID, SecregError INVALID_ARGUMENT */
function lastEventId({ facts }: Exchange): number | undefined {
  const given = soleHeader(facts.headers, 'last-event-id')
  // What a browser sends that has seen none.
  if (given === undefined || given === '') return undefined
  if (!LAST_ID.test(given)) {
    throw new GatewayError('ERR_GATEWAY_BODY_INVALID', 'Last-Event-ID: expected a number')
  }
  return Number(given)
}
