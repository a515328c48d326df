/** Recordings of real clients and daemons, answered anew: see ../vectors/README.md. */
import {
  type Frame,
  FrameReader,
  LIBVIRT_ERRORS,
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

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/**
 * A daemon as it was recorded: each call is answered as the same call was, the first time with the first answer. Events
 * follow the reply behind which they were recorded. A call that was not recorded is refused.
 */
export function replayed(
  name: string,
  pieceBytes = 0,
): { client: MemoryStream; left: () => number } {
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
        same(each.frame.body, call.body),
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
        frame.type === 1 &&
        frame.serial === recordedCall.frame.serial,
    )
    for (let index = replyAt; index >= 0 && index < frames.length; index += 1) {
      const { bytes, frame, dir } = frames[index] as RecordedFrame
      if (index > replyAt && (dir === 'c2s' || frame.type !== 2)) break
      const sent = bytes.slice()
      if (index === replyAt) new DataView(sent.buffer).setUint32(20, call.serial)
      server.write(sent)
    }
  }
  server.on('data', (chunk: Uint8Array) => {
    reader.push(chunk)
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) answer(frame)
  })
  return {
    client,
    left: () => frames.filter((each) => each.dir === 'c2s' && !used.has(each)).length,
  }
}
