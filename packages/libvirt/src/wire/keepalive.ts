/** The keepalive program (libvirt, virkeepaliveprotocol.x): either side asks, the other answers at once. */
import {
  FRAME_STATUS,
  FRAME_TYPES,
  type FrameHeader,
  PROGRAM_VERSION,
  writeFrame,
} from './frame.ts'
import { NOTHING } from './xdr-type.ts'

export const KEEPALIVE_PROGRAM = 0x6b65_6570

export type KeepaliveProcedure = 'ping' | 'pong'

const NUMBERS: Readonly<Record<KeepaliveProcedure, number>> = Object.freeze({ ping: 1, pong: 2 })

/** Write a PING or PONG. */
export function writeKeepalive(procedure: KeepaliveProcedure): Uint8Array {
  const header: FrameHeader = {
    program: KEEPALIVE_PROGRAM,
    version: PROGRAM_VERSION,
    procedure: NUMBERS[procedure],
    type: FRAME_TYPES.MESSAGE,
    serial: 0,
    status: FRAME_STATUS.OK,
  }
  return writeFrame(header, NOTHING, undefined)
}

/**
 * Whether a frame is a PING or a PONG. A body does not matter, as with libvirt; sent as a call it is neither, and a
 * program that is unknown.
 */
export function keepaliveOf(header: FrameHeader): KeepaliveProcedure | undefined {
  if (
    header.program !== KEEPALIVE_PROGRAM ||
    header.version !== PROGRAM_VERSION ||
    header.type !== FRAME_TYPES.MESSAGE
  ) {
    return undefined
  }
  if (header.procedure === NUMBERS.ping) return 'ping'
  return header.procedure === NUMBERS.pong ? 'pong' : undefined
}
