import {
  ERROR,
  ERROR_STRUCT,
  FRAME_STATUS,
  FRAME_TYPES,
  type Frame,
  FrameReader,
  keepaliveOf,
  LIBVIRT_CODES,
  LibvirtError,
  MESSAGES,
  messageKey,
  PROCEDURES,
  procedureKey,
  REMOTE_PROGRAM,
  readBody,
  writeFrame,
  writeKeepalive,
  type XdrType,
} from '@secreg/libvirt'
import { describe, expect, test } from 'vitest'
import { hexOf, type RecordedFrame, recordedFrames } from './recorded.ts'

/** Bodies as they came. */
const RAW: XdrType<Uint8Array> = {
  read: (reader) => reader.fixed(reader.left),
  write: (writer, value) => writer.fixed(value, value.length),
}

/** Lengths that end the connection. */
const REFUSED = ['raw-length-0:7', 'raw-length-27:7', 'raw-length-over-max:7']

/** Bodies that libvirtd could not decode, or did not look at. */
const UNDECODABLE = [
  'raw-edge-cases:17', // short
  'raw-edge-cases:23', // a value that ends early
  'raw-edge-cases:25', // a value of 65,537 bytes
  'raw-type-reply:7', // a client's reply to nothing, without a body
]

/** Bodies that decode and are written otherwise. */
const OTHERWISE: Readonly<Record<string, { readonly recorded: string; readonly written: string }>> =
  {
    'go-libvirt-crud:3': { recorded: '01000000', written: '00000001' },
    'raw-open-bool-any-nonzero:3': { recorded: '01000000', written: '00000001' },
    'raw-open-nonzero-padding:3': { recorded: '3f78797a', written: '3f000000' },
    'raw-edge-cases:19': { recorded: '00000000', written: '' },
    'raw-edge-cases:21': { recorded: '000000030000000000000000', written: '00000003' },
  }

/** Procedures that clients call and that are not of the table. */
const OTHERS = [
  -1, 0, 4, 6, 7, 51, 52, 59, 67, 71, 84, 160, 161, 203, 237, 273, 281, 283, 382, 9999,
]

const FRAMES = recordedFrames()

function frameOf(bytes: Uint8Array): Frame {
  const reader = new FrameReader()
  reader.push(bytes)
  const frame = reader.next()
  if (frame === undefined || !reader.isBetweenFrames) throw new Error('not one frame')
  return frame
}

/** What the body of a frame is, if the tables know it. */
function typeOf(frame: Frame): XdrType<unknown> | undefined {
  const { ERROR: failed } = FRAME_STATUS
  if (frame.type === FRAME_TYPES.REPLY && frame.status === failed) {
    return ERROR_STRUCT as XdrType<unknown>
  }
  if (frame.program !== REMOTE_PROGRAM) return undefined
  if (frame.type === FRAME_TYPES.MESSAGE) {
    const key = messageKey(frame.procedure)
    return key && (MESSAGES[key].body as XdrType<unknown>)
  }
  const key = procedureKey(frame.procedure)
  if (key === undefined) return undefined
  if (frame.type === FRAME_TYPES.CALL) return PROCEDURES[key].args as XdrType<unknown>
  return frame.type === FRAME_TYPES.REPLY ? (PROCEDURES[key].result as XdrType<unknown>) : undefined
}

const readable = FRAMES.filter(({ at }) => !REFUSED.includes(at))

/** A frame written again from what was read, undefined where nothing could be. */
function again({ bytes }: RecordedFrame): Uint8Array | undefined {
  const frame = frameOf(bytes)
  const type = typeOf(frame)
  if (type === undefined) return undefined
  try {
    return writeFrame(frame, type, readBody(type, frame.body))
  } catch (error) {
    if (LibvirtError.is(error, LIBVIRT_CODES.RPC)) return undefined
    throw error
  }
}

describe('frames', () => {
  test('are 4049, of 218 transcripts', () => {
    expect(FRAMES).toHaveLength(4_049)
    expect(new Set(FRAMES.map(({ at }) => at.split(':')[0])).size).toBe(218)
  })

  test('headers and bodies are written as they were', () => {
    for (const { at, bytes } of readable) {
      const frame = frameOf(bytes)
      expect(hexOf(writeFrame(frame, RAW, frame.body)), at).toBe(hexOf(bytes))
    }
  })

  test.each(REFUSED)('%s has a length that is refused', (wanted) => {
    const recorded = FRAMES.find(({ at }) => at === wanted) as RecordedFrame
    expect(() => frameOf(recorded.bytes)).toThrow(/^packet of \d+ bytes/)
  })

  test('come out of one stream of each side, byte by byte as well as whole', () => {
    for (const dir of ['c2s', 's2c']) {
      const sent = readable.filter((frame) => frame.dir === dir).map(({ bytes }) => bytes)
      const stream = Buffer.concat(sent)
      for (const size of [stream.length, 65_536, 29, 1]) {
        const reader = new FrameReader()
        let count = 0
        for (let from = 0; from < stream.length; from += size) {
          reader.push(stream.subarray(from, from + size))
          for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
            const wanted = sent[count++] as Uint8Array
            if (!Buffer.from(wanted).subarray(28).equals(frame.body)) {
              expect.fail(`${dir}, pieces of ${size}, frame ${count}`)
            }
          }
        }
        expect(count).toBe(sent.length)
        expect(reader.isBetweenFrames).toBe(true)
      }
    }
  })
})

describe('bodies', () => {
  test('are written as they were', () => {
    const differing: string[] = []
    const undecodable: string[] = []
    for (const recorded of readable) {
      if (typeOf(frameOf(recorded.bytes)) === undefined) continue
      const written = again(recorded)
      if (written === undefined) undecodable.push(recorded.at)
      else if (hexOf(written) !== hexOf(recorded.bytes)) differing.push(recorded.at)
    }
    expect(undecodable.sort()).toEqual([...UNDECODABLE].sort())
    expect(differing.sort()).toEqual(Object.keys(OTHERWISE).sort())
  })

  test.each(Object.entries(OTHERWISE))('%s is written in the usual form', (wanted, difference) => {
    const recorded = FRAMES.find(({ at }) => at === wanted) as RecordedFrame
    const body = hexOf(recorded.bytes).slice(56)
    const at = body.lastIndexOf(difference.recorded)
    expect(at).toBeGreaterThanOrEqual(0)
    expect(hexOf(again(recorded) as Uint8Array).slice(56)).toBe(
      body.slice(0, at) + difference.written + body.slice(at + difference.recorded.length),
    )
  })

  test('of all but a few procedures are known', () => {
    const unknown = new Set<number>()
    for (const { dir, bytes } of readable) {
      const frame = frameOf(bytes)
      const plain = frame.type === (dir === 'c2s' ? FRAME_TYPES.CALL : FRAME_TYPES.MESSAGE)
      if (frame.program !== REMOTE_PROGRAM || !plain) continue
      if (typeOf(frame) === undefined) unknown.add(frame.procedure)
    }
    expect([...unknown].sort((one, other) => one - other)).toEqual(OTHERS)
  })

  test('that are errors survive the class', () => {
    const errors = readable
      .map(({ bytes }) => frameOf(bytes))
      .filter(({ type, status }) => {
        return type === FRAME_TYPES.REPLY && status === FRAME_STATUS.ERROR
      })
    expect(errors).toHaveLength(150)
    for (const frame of errors) {
      const written = writeFrame(frame, ERROR, readBody(ERROR, frame.body))
      expect(hexOf(written.subarray(28))).toBe(hexOf(frame.body))
    }
  })
})

test('keepalive', () => {
  const counts: Record<string, number> = {}
  for (const { bytes } of readable) {
    const frame = frameOf(bytes)
    const procedure = keepaliveOf(frame)
    if (procedure === undefined) continue
    counts[procedure] = (counts[procedure] ?? 0) + 1
    if (frame.body.length === 0) expect(hexOf(writeKeepalive(procedure))).toBe(hexOf(bytes))
  }
  expect(counts).toEqual({ ping: 18, pong: 17 })
})
