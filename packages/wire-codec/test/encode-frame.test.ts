import { encodeFrame, type FrameInit, type Framing } from '@secreg/wire-codec'
import { describe, expect, it } from 'vitest'
import { feed } from './feeding.ts'

const FRAMINGS: Framing[] = ['length', 'inline', 'naked']
const FRAME: FrameInit = { type: 3, timestampMs: 0x1_02030405, sessionId: 'id', payload: '{}' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('encodeFrame', () => {
  it('writes the three forms', () => {
    const header = '03 0000000102030405 02 6964'.replaceAll(' ', '')
    expect(hex(encodeFrame('length', FRAME))).toBe(`0000000e${header}7b7d`)
    expect(hex(encodeFrame('inline', FRAME))).toBe(`${header}000000027b7d`)
    expect(hex(encodeFrame('naked', FRAME))).toBe(`${header}7b7d`)
  })

  it.each(FRAMINGS)('%s: writes text as its UTF-8 bytes', (framing) => {
    for (const payload of ['{"a":"ž"}', '{"a":"€😀"}', '{"\u0080":"\u07ff\u0800\uffff"}']) {
      const bytes = new TextEncoder().encode(payload)
      const written = hex(encodeFrame(framing, { ...FRAME, payload }))
      expect(written).toBe(hex(encodeFrame(framing, { ...FRAME, payload: bytes })))
      expect(feed([encodeFrame(framing, { ...FRAME, payload })])[0]?.payload).toEqual(bytes)
    }
  })

  it('gives bytes of its own', () => {
    const payload = new TextEncoder().encode('{}')
    const frame = encodeFrame('length', { ...FRAME, payload })
    payload.fill(0)
    expect(hex(frame).endsWith('7b7d')).toBe(true)
  })

  it('writes an empty payload, in the naked form as an empty object', () => {
    const frame = { ...FRAME, sessionId: undefined, payload: '' }
    expect(hex(encodeFrame('length', frame))).toBe('0000000a03000000010203040500')
    expect(hex(encodeFrame('inline', frame))).toBe('0300000001020304050000000000')
    expect(hex(encodeFrame('naked', frame))).toBe('030000000102030405007b7d')
    expect(hex(encodeFrame('naked', { ...frame, payload: new Uint8Array() }))).toBe(
      '030000000102030405007b7d',
    )
  })

  it.each(['1', '[]', '{', '{}}', '{}{}', ' {}', '{} ', '{"a":"}'])(
    'refuses the naked payload %j, whose end a reader would not find',
    (payload) => {
      expect(() => encodeFrame('naked', { ...FRAME, payload })).toThrow(RangeError)
      expect(encodeFrame('length', { ...FRAME, payload }).length).toBe(16 + payload.length)
    },
  )

  it.each([
    ['type', 0, RangeError],
    ['type', 256, RangeError],
    ['type', 1.5, RangeError],
    ['type', '3', TypeError],
    ['type', undefined, TypeError],
    ['timestampMs', -1, RangeError],
    ['timestampMs', 2 ** 53, RangeError],
    ['timestampMs', Number.NaN, RangeError],
    ['timestampMs', 0.5, RangeError],
    ['timestampMs', 1n, TypeError],
    ['sessionId', 'x'.repeat(256), RangeError],
    ['sessionId', 'a\n', RangeError],
    ['sessionId', 'a\0', RangeError],
    ['sessionId', '\u007f', RangeError],
    ['sessionId', 'ž', RangeError],
    ['sessionId', 1, TypeError],
    ['sessionId', null, TypeError],
    ['payload', undefined, TypeError],
    ['payload', {}, TypeError],
    ['payload', [123, 125], TypeError],
    ['payload', '{"a":"\ud800"}', RangeError],
    ['payload', '{"a":"\udc00x"}', RangeError],
    ['payload', new Uint8Array(2 ** 24), RangeError],
    ['payload', 'x'.repeat(2 ** 24 - 12), RangeError],
  ])('refuses %s %s', (name, value, expected) => {
    for (const framing of FRAMINGS) {
      const act = () => encodeFrame(framing, { ...FRAME, [name]: value } as FrameInit)
      expect(act).toThrow(expected as ErrorConstructor)
      expect(act).toThrow(((value as { length?: number })?.length ?? 0) > 999 ? 'frame' : name)
    }
  })

  it('refuses other forms and no frame', () => {
    expect(() => encodeFrame('outer' as never, FRAME)).toThrow(TypeError)
    expect(() => encodeFrame('length', null as never)).toThrow(TypeError)
    expect(() => encodeFrame('length', 'x' as never)).toThrow(TypeError)
  })

  it('never quotes a session id or payload in an error', () => {
    for (const frame of [
      { ...FRAME, sessionId: 'hunter2\n' },
      { ...FRAME, payload: '"hunter2"' },
      { ...FRAME, payload: '{"p":"hunter2\ud800"}' },
    ]) {
      expect(() => encodeFrame('naked', frame)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      )
    }
  })
})
