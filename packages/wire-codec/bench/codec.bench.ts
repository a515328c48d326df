import { decodePayload, encodeFrame, encodePayload, FrameReader } from '@secreg/wire-codec'
import { bench, describe } from 'vitest'

const SESSION = '01234567-89ab-4def-8123-456789abcdef'
const TIME = 1_700_000_000_000
const SMALL = { key: '/app/web/database/host', decrypt: true, id: 17 }
const LARGE = { key: '/app/blob', value: 'QUJD'.repeat(2 ** 18), type: 'bytes' }

for (const [name, message] of [
  ['small', SMALL],
  ['1 MiB', LARGE],
] as const) {
  describe(name, () => {
    const reader = new FrameReader({ maxFrameBytes: 4 * 2 ** 20 })
    const frame = {
      type: 3,
      timestampMs: TIME,
      sessionId: SESSION,
      payload: encodePayload(message),
    }
    const bytes = encodeFrame('length', frame)
    const read = (chunk: Uint8Array) => {
      reader.push(chunk)
      const got = reader.next()
      if (reader.next() !== undefined) throw new Error('too many frames')
      return got
    }
    const payload = Uint8Array.from(read(bytes)?.payload ?? [])
    if (JSON.stringify(decodePayload(payload)) !== frame.payload) throw new Error('differs')

    bench('read a frame', () => {
      read(bytes)
    })
    bench('read a frame and its payload', () => {
      const got = read(bytes)
      if (got !== undefined) decodePayload(got.payload)
    })
    bench('JSON.parse alone', () => {
      JSON.parse(frame.payload)
    })
    bench('write a payload and its frame', () => {
      encodeFrame('length', { ...frame, payload: encodePayload(message) })
    })
    bench('JSON.stringify alone', () => {
      JSON.stringify(message)
    })
  })
}

describe('burst', () => {
  const frame = { type: 3, timestampMs: TIME, sessionId: SESSION, payload: encodePayload(SMALL) }
  const one = encodeFrame('length', frame)
  const bytes = new Uint8Array(100 * one.length)
  for (let i = 0; i < 100; i++) bytes.set(one, i * one.length)
  for (const chunkBytes of [bytes.length, 1000, 16]) {
    bench(`read 100 frames in chunks of ${chunkBytes} bytes`, () => {
      const reader = new FrameReader()
      let count = 0
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        reader.push(bytes.subarray(at, at + chunkBytes))
        while (reader.next() !== undefined) count++
      }
      if (count !== 100) throw new Error('lost a frame')
    })
  }
})

describe('1 MiB in chunks of 64 KiB', () => {
  const payload = encodePayload(LARGE)
  for (const framing of ['length', 'inline', 'naked'] as const) {
    const bytes = encodeFrame(framing, { type: 3, timestampMs: TIME, payload })
    bench(framing, () => {
      const reader = new FrameReader({ maxFrameBytes: 4 * 2 ** 20, maxNakedBytes: 4 * 2 ** 20 })
      for (let at = 0; at < bytes.length; at += 65_536) {
        reader.push(bytes.subarray(at, at + 65_536))
        const frame = reader.next()
        if ((frame !== undefined) !== at + 65_536 >= bytes.length) throw new Error('wrong end')
      }
    })
  }
})
