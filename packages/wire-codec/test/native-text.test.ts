import { encodeFrame } from '@secreg/wire-codec'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { isWellFormed, nativeText, standardText, type TextCodec } from '../src/native-text.ts'

const standard = standardText()
const native = nativeText() as TextCodec

const wellFormed = fc.string({ unit: 'binary' })
const attempt = (action: () => unknown) => {
  try {
    return action()
  } catch (error) {
    return (error as Error).name
  }
}

describe('native and standard conversions', () => {
  it('agree on the bytes of a text', () => {
    fc.assert(
      fc.property(wellFormed, fc.nat(5), (text, offset) => {
        const expected = new TextEncoder().encode(text)
        for (const codec of [standard, native]) {
          expect(codec.utf8Length(text)).toBe(expected.length)
          const target = new Uint8Array(offset + expected.length + 3).fill(7)
          codec.write(target, offset, text, expected.length)
          expect(target.subarray(offset, -3)).toEqual(expected)
          expect(
            [...target.subarray(0, offset), ...target.subarray(-3)].every((b) => b === 7),
          ).toBe(true)
        }
      }),
    )
  })

  it('agree on the text of bytes, or that they have none', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => new TextEncoder().encode(text)),
      fc
        .constantFrom('\ufffd', '\ufeff', '\ufffd\ufeffa')
        .map((text) => new TextEncoder().encode(text)),
    )
    fc.assert(
      fc.property(bytes, (input) => {
        expect(attempt(() => native.utf8(input))).toBe(attempt(() => standard.utf8(input)))
      }),
      { numRuns: 3000 },
    )
  })

  it('agree on ASCII and searches', () => {
    const bytes = new TextEncoder().encode('xx{"a"}\\xx')
    for (const codec of [standard, native]) {
      expect(codec.ascii(bytes, 2, 7)).toBe('{"a"}')
      expect(codec.indexOf(bytes, 0x22, 0)).toBe(3)
      expect(codec.indexOf(bytes, 0x22, 4)).toBe(5)
      expect(codec.indexOf(bytes, 0x22, 6)).toBe(10)
      expect(codec.allocate(3)).toHaveLength(3)
    }
  })
})

describe('isWellFormed', () => {
  it.each([
    ['', true],
    ['až😀', true],
    ['\ud800', false],
    ['a\udc00', false],
    ['\ude00\ud83d', false],
  ])('%j is %s, with and without the method', (text, expected) => {
    expect(isWellFormed(text)).toBe(expected)
    expect(isWellFormed({ [Symbol.toPrimitive]: () => text } as never)).toBe(expected)
  })
})

describe('without Buffer', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it.each([
    ['no Buffer', undefined],
    ['an imitation', class Imitation extends Uint8Array {}],
  ])('reads and writes the same (%s)', async (_name, replacement) => {
    const init = { type: 3, timestampMs: 1, sessionId: 'id', payload: '{"ž":"😀"}' }
    const expected = new Uint8Array(encodeFrame('length', init))
    vi.stubGlobal('Buffer', replacement)
    vi.resetModules()
    const neutral = await import('@secreg/wire-codec')
    const bytes = neutral.encodeFrame('length', init)
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    expect(bytes).toEqual(expected)
    const reader = new neutral.FrameReader()
    reader.push(bytes)
    const frame = reader.next()
    expect(frame?.sessionId).toBe('id')
    expect(neutral.decodePayload(frame?.payload as Uint8Array)).toEqual({ ž: '😀' })
    expect(neutral.decodePayload(new TextEncoder().encode(`{"a":"${'x'.repeat(999)}"}`))).toEqual({
      a: 'x'.repeat(999),
    })
    expect(() => neutral.decodePayload(Uint8Array.of(0x7b, 0x22, 0xff, 0x22))).toThrow(
      expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' }),
    )
  })
})
