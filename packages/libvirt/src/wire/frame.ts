/**
 * Frames (libvirt, virnetprotocol.x): words of 32 bits, big-endian.
 *
 * ```
 *  0 length      of the whole frame, this word included
 *  4 program     0x20008086 remote, 0x6b656570 keepalive
 *  8 version     1
 * 12 procedure   signed
 * 16 type        0 call, 1 reply, 2 message, 3 stream, 4 call with descriptors, 5 reply with descriptors
 * 20 serial      of the call, echoed by its reply
 * 24 status      0 ok, 1 error (the body is an error), 2 continue
 * 28 body        XDR
 * ```
 */
import { LIBVIRT_ERRORS } from './errors.ts'
import { LIBVIRT_LIMITS } from './limits.ts'
import { XdrReader } from './xdr-reader.ts'
import type { XdrType } from './xdr-type.ts'
import { XdrWriter } from './xdr-writer.ts'

export const REMOTE_PROGRAM = 0x2000_8086
export const PROGRAM_VERSION = 1

/** What a frame is. */
export type FrameTypeName = 'CALL' | 'REPLY' | 'MESSAGE' | 'STREAM' | 'CALL_FDS' | 'REPLY_FDS'

export const FRAME_TYPES: Readonly<Record<FrameTypeName, number>> = Object.freeze({
  CALL: 0,
  REPLY: 1,
  MESSAGE: 2,
  STREAM: 3,
  CALL_FDS: 4,
  REPLY_FDS: 5,
})

/** How a call went. */
export type FrameStatusName = 'OK' | 'ERROR' | 'CONTINUE'

export const FRAME_STATUS: Readonly<Record<FrameStatusName, number>> = Object.freeze({
  OK: 0,
  ERROR: 1,
  CONTINUE: 2,
})

/** What stands before the body; any numbers, known or not. */
export interface FrameHeader {
  readonly program: number
  readonly version: number
  readonly procedure: number
  readonly type: number
  readonly serial: number
  readonly status: number
}

/** One frame. */
export interface Frame extends FrameHeader {
  /** XDR. Of a frame that was read, memory of its own: its owner may wipe it. */
  readonly body: Uint8Array
}

/**
 * Write a frame with a value as its body.
 *
 * @returns memory of its own; wipe it once it is sent when the value is a secret
 * @throws TypeError, RangeError for what is not such a value; LibvirtError 39 when it is longer than the protocol allows
 */
export function writeFrame<T>(header: FrameHeader, type: XdrType<T>, value: T): Uint8Array {
  const writer = new XdrWriter()
  writer.uint(0)
  writer.uint(header.program)
  writer.uint(header.version)
  writer.int(header.procedure)
  writer.uint(header.type)
  writer.uint(header.serial)
  writer.uint(header.status)
  try {
    type.write(writer, value)
    if (writer.length > LIBVIRT_LIMITS.frameBytes) throw LIBVIRT_ERRORS.unencodable()
  } catch (error) {
    writer.wipe()
    throw error
  }
  writer.setLength(0)
  return writer.bytes()
}

/**
 * Read what a frame is, of its header.
 *
 * @param bytes at least 28, from the length word on
 */
export function readHeader(bytes: Uint8Array): FrameHeader {
  const reader = new XdrReader(bytes)
  reader.uint()
  return {
    program: reader.uint(),
    version: reader.uint(),
    procedure: reader.int(),
    type: reader.uint(),
    serial: reader.uint(),
    status: reader.uint(),
  }
}

/**
 * Read a body. Bytes after the value are ignored, as libvirt does.
 *
 * @throws LibvirtError 39
 */
export function readBody<T>(type: XdrType<T>, body: Uint8Array): T {
  return type.read(new XdrReader(body))
}
