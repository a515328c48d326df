import { decodePayload, encodeFrame, type Framing } from '@secreg/wire-codec'
import { describe, expect, it } from 'vitest'
import { chunksOf, feed } from './feeding.ts'
import { loadVectors } from './vectors.ts'

const SETS: [Framing, string][] = [
  ['inline', 'recorded-inline.txt'],
  ['length', 'examples-length.txt'],
]

describe.each(SETS)('%s vectors', (framing, file) => {
  const vectors = loadVectors(file)

  it.each(vectors)('$name $bytes.length is read and written again', ({ bytes }) => {
    const [frame, ...more] = feed([bytes])
    expect(more).toEqual([])
    if (frame === undefined) throw new Error('no frame')
    expect(Uint8Array.from(encodeFrame(framing, frame))).toEqual(bytes)
    expect(feed(chunksOf(bytes, 1))).toEqual([frame])
    for (let at = 1; at < bytes.length; at++) {
      expect(feed([bytes.subarray(0, at), bytes.subarray(at)])).toEqual([frame])
    }
  })

  it('are read one after the other on one connection', () => {
    const stream = Uint8Array.from(vectors.flatMap(({ bytes }) => [...bytes]))
    const frames = vectors.flatMap(({ bytes }) => feed([bytes]))
    for (const size of [1, 2, 3, 7, 64, stream.length]) {
      expect(feed(chunksOf(stream, size))).toEqual(frames)
    }
  })
})

it('reads the documented parts of a canonical request', () => {
  const [, get] = loadVectors('examples-length.txt')
  const [frame] = feed([get?.bytes ?? new Uint8Array()])
  expect(frame).toMatchObject({
    type: 3,
    timestampMs: 1_700_000_000_000,
    sessionId: '01234567-89ab-4def-8123-456789abcdef',
  })
  expect(decodePayload(frame?.payload ?? new Uint8Array())).toEqual({ key: '/a', decrypt: true })
})

it('reads the documented form itself', () => {
  const [example] = loadVectors('examples-length.txt')
  const documented = example?.bytes.subarray(4) ?? new Uint8Array()
  const [frame] = feed(chunksOf(documented, 1))
  expect(frame).toMatchObject({ type: 1, sessionId: '' })
  expect(decodePayload(frame?.payload ?? new Uint8Array())).toEqual({
    username: 'root',
    password: 'root',
  })
})
