import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventStreamReader, EventTooLong } from '../../src/client/event-stream.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Events of a stream that comes in pieces of so many bytes. */
function read(text: string, size = Number.POSITIVE_INFINITY, maxChars = 1000) {
  const reader = new EventStreamReader(maxChars)
  const all = bytes(text)
  const events = []
  for (let at = 0; at < all.length; at += size) {
    events.push(...reader.push(all.subarray(at, at + size)))
  }
  return { events, retryMs: reader.retryMs }
}

describe('the standard', () => {
  test.each([
    ['id: 1\nevent: A\ndata: x\n\n', [{ id: '1', event: 'A', data: 'x' }]],
    ['data: x\r\n\r\n', [{ id: '', event: 'message', data: 'x' }]],
    ['data: x\r\r', [{ id: '', event: 'message', data: 'x' }]],
    ['data:x\ndata\ndata:  y\n\n', [{ id: '', event: 'message', data: 'x\n\n y' }]],
    [': ping\n\nid: 2\n\nevent: A\n\n', []],
    [
      'id: 1\ndata: a\n\ndata: b\n\n',
      [
        { id: '1', event: 'message', data: 'a' },
        { id: '1', event: 'message', data: 'b' },
      ],
    ],
    ['id: 1\nid: 2\0\ndata: a\n\n', [{ id: '1', event: 'message', data: 'a' }]],
    ['\ufeffdata: é😀\n\n', [{ id: '', event: 'message', data: 'é😀' }]],
    ['data: not ended', []],
    ['data: not ended\n', []],
    ['other: 1\ndata : 2\n\n', []],
  ])('%j', (text, events) => {
    for (const size of [1, 2, 3, 5, Number.POSITIVE_INFINITY]) {
      expect(read(text, size).events).toEqual(events)
    }
  })

  test('the wait that a server asks for', () => {
    expect(read('retry: 1500\n\n').retryMs).toBe(1500)
    expect(read('retry: 1e9\nretry: -1\nretry:\n').retryMs).toBeUndefined()
  })

  test('however a stream is cut, its events are the same', () => {
    const line = fc.constantFrom(
      'id: 7',
      'event: E',
      'data: x',
      'data:',
      ': c',
      '',
      'retry: 5',
      '😀',
    )
    const end = fc.constantFrom('\n', '\r\n', '\r')
    const stream = fc
      .array(fc.tuple(line, end), { maxLength: 30 })
      .map((lines) => lines.map(([one, how]) => one + how).join(''))
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 9 }), (text, size) => {
        expect(read(text, size)).toEqual(read(text))
      }),
    )
  })
})

describe('its size is bounded', () => {
  test.each([
    ['a line without an end', `data: ${'x'.repeat(2000)}`],
    ['a comment without an end', `:${'x'.repeat(2000)}`],
    ['an event of many lines', 'data: xxxxxxxx\n'.repeat(200)],
    ['an event of many empty lines of data', 'data\n'.repeat(2000)],
  ])('%s', (_, text) => {
    for (const size of [1, 7, 4096]) expect(() => read(text, size)).toThrow(EventTooLong)
  })

  test('many events, each within the limit', () => {
    expect(read(`data: ${'x'.repeat(900)}\n\n`.repeat(50), 64).events).toHaveLength(50)
  })
})
