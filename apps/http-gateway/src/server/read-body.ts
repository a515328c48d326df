/** The body of a request, read only when somebody asks for it, within length, time, rate and the budget of all. */
import type { IncomingMessage } from 'node:http'
import type { ByteLease } from '@secreg/host'
import { GatewayError } from '../errors.ts'

export interface BodyLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
  /** Pause between two looks at the rate, milliseconds. Default 1000. */
  readonly rateCheckMs?: number
  /** Least rate, bytes a second, on average since the first look. Default {@link LEAST_RATE}. */
  readonly leastRate?: number
}

/** Slower than any line that is still in use; a body of one byte now and then is none. */
export const LEAST_RATE = 256

/** Time before the rate counts, milliseconds. */
const GRACE_MS = 2000

/**
 * Read a body to its end.
 *
 * @param lease - what was read is taken from it as it comes, so that a length that is only claimed takes nothing; the
 * caller closes it
 * @throws GatewayError ERR_GATEWAY_BODY_TOO_LARGE, ERR_GATEWAY_BODY_TIMEOUT, ERR_GATEWAY_ABORTED, ERR_GATEWAY_NO_ROOM;
 * the rest of the body is then still to come
 */
export function readBody(
  request: IncomingMessage,
  lease: ByteLease,
  limits: BodyLimits,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const started = performance.now()
    const leastRate = limits.leastRate ?? LEAST_RATE
    let bytes = 0

    const finish = (settle: () => void): void => {
      clearInterval(timer)
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('close', onClose)
      settle()
    }
    const fail = (error: GatewayError): void =>
      finish(() => {
        request.pause()
        reject(error)
      })
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > limits.maxBytes) fail(tooLarge())
      else if (lease.tryTake(chunk.length)) chunks.push(chunk)
      else fail(new GatewayError('ERR_GATEWAY_NO_ROOM', 'no room for the body at present'))
    }
    const onEnd = (): void =>
      finish(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    const onClose = (): void =>
      finish(() => reject(new GatewayError('ERR_GATEWAY_ABORTED', 'the body has no end')))
    const look = (): void => {
      const elapsedMs = performance.now() - started
      const least = ((elapsedMs - GRACE_MS) / 1000) * leastRate
      if (elapsedMs < limits.timeoutMs && bytes >= least) return
      fail(new GatewayError('ERR_GATEWAY_BODY_TIMEOUT', 'the body comes too slowly'))
    }
    const timer = setInterval(look, limits.rateCheckMs ?? 1000)
    request.on('data', onData)
    request.on('end', onEnd)
    request.on('close', onClose)
  })
}

/** The refusal of a body that is too large, also of one that only says so. */
export function tooLarge(): GatewayError {
  return new GatewayError('ERR_GATEWAY_BODY_TOO_LARGE', 'the body is too large')
}
