/** A decision point elsewhere, which is asked in AuthZEN through the egress child (specs: secrets-api §3.7). */
import { randomUUID } from 'node:crypto'
import type { AuthzenHttpPort } from '@secreg/secrets-api/enforcement'
import type { Egress } from '../egress/egress-process.ts'
import { egressTransport } from './egress-transport.ts'
import { assertOutboundUrl, exchangeJson, withinMs } from './json-exchange.ts'
import { OutboundError } from './outbound-error.ts'
import type { PdpSettings } from './settings.ts'
import { NoSlotError, Slots } from './slots.ts'

export interface PdpPortOptions {
  /** Ask without TLS, also elsewhere than on this machine. Default false. */
  readonly allowPlainHttp?: boolean
  /** Of requests. Default: a UUID. */
  readonly newId?: () => string
}

/** Questions at a time, so that decisions leave room at the egress child for what was decided. */
const QUESTIONS = Object.freeze({ most: 16, waiting: 512 })
/** A thousand decisions, each with its context. */
const MAX_ANSWER_BYTES = 1024 * 1024
const CONNECT_MS = 5000
/** One more than one. */
const TRIES = 2

/**
 * Make the port. An answer is of status 200, of type JSON, of 1 MiB at most, and has the id of its request; nothing else
 * counts. No redirect is followed. What did not even connect is tried once more, all of it within the time of the settings.
 *
 * Its method throws OutboundError, or the reason of its signal.
 *
 * @throws RangeError for an address that may not be asked
 */
export function pdpPort(
  settings: PdpSettings,
  egress: Pick<Egress, 'call'>,
  { allowPlainHttp = false, newId = randomUUID }: PdpPortOptions = {},
): AuthzenHttpPort {
  const { url, token, ca, timeoutMs } = settings
  assertOutboundUrl(url, allowPlainHttp)
  const base = url.replace(/\/+$/, '')
  const transport = egressTransport({
    egress,
    ca,
    verifyTls: true,
    poolSize: QUESTIONS.most,
    timeoutMs,
    // Twice in the time that there is.
    connectTimeoutMs: Math.min(CONNECT_MS, Math.ceil(timeoutMs / TRIES)),
  })
  const slots = new Slots(QUESTIONS.most, QUESTIONS.waiting)
  const ask = async (path: string, body: string, signal: AbortSignal): Promise<unknown> => {
    const id = newId()
    const { headers, value } = await exchangeJson(
      transport,
      {
        method: 'POST',
        url: `${base}${path}`,
        headers: {
          Accept: 'application/json',
          'Content-Type': 'application/json',
          'X-Request-ID': id,
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        },
        body,
      },
      { signal, maxAnswerBytes: MAX_ANSWER_BYTES, tries: TRIES },
    )
    const isJson = /^application\/json[ \t]*(?:;|$)/i.test(headers['content-type'] ?? '')
    if (!isJson || headers['x-request-id'] !== id) throw new OutboundError('ERR_OUTBOUND_ANSWER')
    return value
  }
  return {
    async postJson(path, body, signal) {
      const text = JSON.stringify(body)
      try {
        return await withinMs(timeoutMs, signal, (own) =>
          slots.run(own, () => ask(path, text, own)),
        )
      } catch (error) {
        throw error instanceof NoSlotError ? new OutboundError('ERR_OUTBOUND_REFUSED') : error
      }
    },
  }
}
