/** Recordings of real clients and daemons, answered anew: see ../vectors/README.md. */
import {
  FRAME_TYPES,
  type Frame,
  FrameReader,
  LIBVIRT_ERRORS,
  PROCEDURES,
  REMOTE_PROGRAM,
  writeError,
} from '@secreg/libvirt'
import { fromHex, loadJsonLines } from '@secreg/testkit'
import { type MemoryStream, memoryPair } from './memory-stream.ts'

export interface RecordedFrame {
  readonly dir: 'c2s' | 's2c'
  readonly bytes: Uint8Array
  readonly frame: Frame
}

export function recorded(name: string): RecordedFrame[] {
  const url = new URL(`../vectors/transcripts/${name}.jsonl`, import.meta.url)
  return loadJsonLines<{ dir: 'c2s' | 's2c'; hex: string }>(url).flatMap(({ dir, hex }) => {
    const reader = new FrameReader()
    const bytes = fromHex(hex)
    reader.push(bytes.slice())
    const frame = reader.next()
    return frame === undefined ? [] : [{ dir, bytes, frame }]
  })
}

/** A server goes by the UUID of a filter alone, whatever usage stands behind it. */
const told = ({ procedure, body }: Frame): Uint8Array =>
  procedure === PROCEDURES.connectSecretEventRegisterAny.number ? body.subarray(0, 24) : body

const same = (a: Frame, b: Frame): boolean => Buffer.compare(told(a), told(b)) === 0

/**
 * A daemon as it was recorded: each call is answered as the same call was, the first time with the first answer. Events
 * come before and after the reply as they were recorded. A call that was not recorded is refused.
 */
export function replayed(name: string, pieceBytes = 0): MemoryStream {
  const [client, server] = memoryPair()
  server.pieceBytes = pieceBytes
  const frames = recorded(name)
  const used = new Set<RecordedFrame>()
  const reader = new FrameReader()
  const answer = (call: Frame): void => {
    const at = frames.findIndex(
      (each) =>
        each.dir === 'c2s' &&
        !used.has(each) &&
        each.frame.program === REMOTE_PROGRAM &&
        each.frame.procedure === call.procedure &&
        same(each.frame, call),
    )
    const recordedCall = frames[at]
    if (recordedCall === undefined) {
      server.write(writeError(call, LIBVIRT_ERRORS.unknownProcedure(call.procedure)))
      return
    }
    used.add(recordedCall)
    const replyAt = frames.findIndex(
      ({ dir, frame }, index) =>
        index > at &&
        dir === 's2c' &&
        frame.type === FRAME_TYPES.REPLY &&
        frame.serial === recordedCall.frame.serial,
    )
    for (let index = at + 1; replyAt >= 0 && index < frames.length; index += 1) {
      const { bytes, frame, dir } = frames[index] as RecordedFrame
      if (index > replyAt && (dir === 'c2s' || frame.type !== FRAME_TYPES.MESSAGE)) break
      if (index !== replyAt && (dir === 'c2s' || frame.type !== FRAME_TYPES.MESSAGE)) continue
      const sent = bytes.slice()
      if (index === replyAt) new DataView(sent.buffer).setUint32(20, call.serial)
      server.write(sent)
    }
  }
  server.on('data', (chunk: Uint8Array) => {
    reader.push(chunk)
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) answer(frame)
  })
  return client
}
