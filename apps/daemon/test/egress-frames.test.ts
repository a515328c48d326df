import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, FrameError, FrameReader } from '../src/egress/frames.ts'

const MAX = 1000

function frameOf(message: unknown): Buffer {
  const frame = encodeFrame(message, MAX)
  if (frame === undefined) throw new Error('too long')
  return frame
}

describe('frames', () => {
  test('however the bytes are cut, the messages are the same', () => {
    const messages = fc.array(
      fc.jsonValue({ maxDepth: 2 }).filter((value) => JSON.stringify(value).length < 200),
    )
    fc.assert(
      fc.property(messages, fc.array(fc.nat(300)), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(frameOf))
        const reader = new FrameReader(MAX)
        const got: unknown[] = []
        let at = 0
        for (const cut of [...cuts, bytes.length]) {
          got.push(...reader.push(bytes.subarray(at, at + cut)))
          at += cut
        }
        expect(JSON.stringify(got)).toBe(JSON.stringify(sent))
      }),
    )
  })

  test('a message of just the length is one, a longer one is not made', () => {
    const longest = 'x'.repeat(MAX - 2)
    expect(new FrameReader(MAX).push(frameOf(longest))).toEqual([longest])
    expect(encodeFrame(`${longest}x`, MAX)).toBeUndefined()
    // Two bytes of UTF-8 each.
    expect(encodeFrame('é'.repeat(MAX / 2), MAX)).toBeUndefined()
  })

  test.each([
    ['a length over the limit', Buffer.from([0, 0, 3, 233])],
    ['a length of four billion', Buffer.from([255, 255, 255, 255])],
    ['no text', Buffer.from([0, 0, 0, 0])],
    ['half a text', Buffer.from([0, 0, 0, 1, 0x7b])],
  ])('%s is refused, without quoting it', (_, bytes) => {
    expect(() => new FrameReader(MAX).push(bytes)).toThrow(FrameError)
  })
})
