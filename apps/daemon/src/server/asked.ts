/** A frame as a request: its name, its payload and the id that its answer repeats, or why it is none. */
import { SecregError } from '@secreg/protocol'
import { type RequestName, requestNameOf } from '@secreg/protocol/messages'
import { asSecregError } from '@secreg/registry'
import { decodePayload, type Frame } from '@secreg/wire-codec'
import { type Correlation, correlationOf } from './correlation.ts'

/** A frame that has been read. */
export interface Asked {
  readonly frame: Frame
  readonly id: Correlation
  readonly name: RequestName | undefined
  /** Its payload, or why it has none. */
  readonly payload: Record<string, unknown> | SecregError
  /** Monotonic time at which it had been read, milliseconds. */
  readonly sinceMs: number
}

/** @param clockSkewMs - tolerated difference of the clocks, milliseconds; 0 does not look */
export function readAsked(frame: Frame, clockSkewMs: number): Asked {
  const sinceMs = performance.now()
  const name = requestNameOf(frame.type)
  let id: Correlation
  try {
    checkClock(frame, clockSkewMs)
    const payload = decodePayload(frame.payload)
    id = correlationOf(payload)
    if (name === undefined) {
      throw new SecregError('MESSAGE_UNKNOWN', `unknown message type ${frame.type}`)
    }
    return { frame, id, name, payload, sinceMs }
  } catch (error) {
    return { frame, id, name, payload: asSecregError(error), sinceMs }
  }
}

function checkClock({ timestampMs }: Frame, clockSkewMs: number): void {
  if (clockSkewMs > 0 && Math.abs(timestampMs - Date.now()) > clockSkewMs) {
    throw new SecregError(
      'CLOCK_SKEW',
      'the clocks of client and server differ by more than is allowed',
    )
  }
}
