import { SecregError } from '@secreg/protocol'
import {
  decodePayload,
  encodeFrame,
  encodePayload,
  FrameReader,
  type Framing,
} from '@secreg/wire-codec'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { feed, type KeptFrame, show } from './feeding.ts'
import { loadVectors } from './vectors.ts'

const framing = fc.constantFrom<Framing>('length', 'inline', 'naked')
const sessionId = fc
  .array(fc.integer({ min: 0x20, max: 0x7e }), { maxLength: 255 })
  .map((codes) => String.fromCharCode(...codes))
const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 6 }), {
  noNullPrototype: true,
})
const frame = fc.record({
  type: fc.integer({ min: 1, max: 255 }),
  timestampMs: fc.maxSafeNat(),
  sessionId,
  payload: object.map((value) => encodePayload(JSON.parse(JSON.stringify(value)))),
})

/** Cut bytes at given fractions of their length. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => Math.floor(place * bytes.length)), bytes.length]
  at.sort((a, b) => a - b)
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}
const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

/** What a reader makes of chunks, with every promise about errors and memory checked on the way. */
function outcome(
  chunks: Uint8Array[],
  options: { framing?: 'auto' | Framing; maxFrameBytes: number; maxNakedBytes: number },
): string {
  const reader = new FrameReader(options)
  const frames: KeptFrame[] = []
  const most = Math.max(options.maxFrameBytes + 4, 14 + 255)
  for (const bytes of chunks) {
    const chunk = new Uint8Array(bytes)
    reader.push(chunk)
    try {
      for (let got = reader.next(); got !== undefined; got = reader.next()) {
        expect(got.payload.length).toBeLessThanOrEqual(options.maxFrameBytes)
        frames.push({ ...got, payload: new Uint8Array(got.payload) })
      }
    } catch (error) {
      if (!SecregError.is(error)) throw error
      expect(['FRAME_MALFORMED', 'FRAME_TOO_LARGE']).toContain(error.reason)
      expect(reader.bufferedBytes).toBe(0)
      return `${show(frames)} ${error.reason} ${error.message} ${reader.framing}`
    }
    chunk.fill(0xee)
    expect(reader.bufferedBytes).toBeLessThanOrEqual(most)
    expect(reader.inFrame).toBe(reader.bufferedBytes > 0)
  }
  return `${show(frames)} ${reader.bufferedBytes} ${reader.framing}`
}

const recorded = ['recorded-inline.txt', 'examples-length.txt'].flatMap(loadVectors)
/** Bytes that come near to frames: noise, frames of any form, and frames with bytes changed. */
const hostile = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(framing, frame).map(([form, init]) => encodeFrame(form, init)),
      fc.constantFrom(...recorded.map(({ bytes }) => bytes)),
      fc
        .tuple(
          fc.constantFrom(...recorded.map(({ bytes }) => bytes)),
          fc.array(fc.tuple(fc.nat(110), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
        )
        .map(([bytes, changes]) => {
          const changed = new Uint8Array(bytes)
          for (const [at, byte] of changes) changed[at % changed.length] = byte
          return changed
        }),
    ),
    { maxLength: 5 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)))

describe('FrameReader', () => {
  it('gives back what was written, however it is cut', () => {
    fc.assert(
      fc.property(framing, fc.array(frame, { maxLength: 5 }), places, (form, frames, at) => {
        const bytes = Buffer.concat(frames.map((init) => encodeFrame(form, init)))
        const read = feed(cut(bytes, at))
        expect(read).toEqual(
          frames.map((init) => ({ ...init, payload: new TextEncoder().encode(init.payload) })),
        )
        expect(Buffer.concat(read.map((got) => encodeFrame(form, got))).equals(bytes)).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  it('throws only its own errors, holds no more than the cap, and does not depend on the cuts', () => {
    fc.assert(
      fc.property(
        hostile,
        places,
        fc.constantFrom('auto' as const, 'length' as const, 'inline' as const, 'naked' as const),
        fc.integer({ min: 10, max: 400 }),
        fc.integer({ min: 10, max: 400 }),
        (bytes, at, form, maxFrameBytes, maxNakedBytes) => {
          const options = { framing: form, maxFrameBytes, maxNakedBytes }
          const whole = outcome([bytes], options)
          expect(outcome(cut(bytes, at), options)).toBe(whole)
          expect(
            outcome(
              [...bytes].map((byte) => Uint8Array.of(byte)),
              options,
            ),
          ).toBe(whole)
        },
      ),
      { numRuns: 1500 },
    )
  })
})

/** Objects with a name twice, seen by a parser that keeps every member. */
function hasDuplicate(text: string): boolean {
  const names: string[][] = []
  let duplicate = false
  const pattern = /"((?:[^"\\]|\\.)*)"(\s*:)?|[{}]/gs
  for (const [token, name, colon] of text.matchAll(pattern)) {
    if (token === '{') names.push([])
    else if (token === '}') names.pop()
    else if (colon !== undefined) {
      const plain = JSON.parse(`"${name}"`) as string
      if (names.at(-1)?.includes(plain)) duplicate = true
      names.at(-1)?.push(plain)
    }
  }
  return duplicate
}

describe('decodePayload', () => {
  it('gives back what was written', () => {
    fc.assert(
      fc.property(object, (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as object
        const bytes = new TextEncoder().encode(encodePayload(plain))
        expect(decodePayload(bytes)).toEqual(plain)
      }),
      { numRuns: 1000 },
    )
  })

  it('gives an object or its own error for any bytes, and agrees with the strict decoder and JSON.parse', () => {
    const fragment = fc.oneof(
      fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', '"a"', '"\\u0061"', '"b":', '"a":1'),
      fc.constantFrom(
        '\\ud83d',
        '\\ude00',
        '\\u00e9',
        '\\"',
        'x'.repeat(300),
        ' ',
        '\n',
        '0',
        '{}',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    )
    const text = fc
      .array(fragment, { maxLength: 12 })
      .map((parts) => new TextEncoder().encode(parts.join('')))
    const inObject = fc
      .array(fragment, { maxLength: 8 })
      .map((parts) => new TextEncoder().encode(`{"k":"${parts.join('')}","a":{"a":1}}`))
    const members = fc
      .array(
        fc.tuple(
          fc.constantFrom('"a"', '"\\u0061"', '"b"', '"é"', '"\\u00e9"', '"a:"', '"\\""'),
          fc.constantFrom(
            '1',
            '"a"',
            '{}',
            '{"a":1}',
            '{"a":1,"\\u0061":1}',
            '[{"b":":"},{"b":1}]',
          ),
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((list) =>
        new TextEncoder().encode(`{${list.map(([name, value]) => `${name}:${value}`).join()}}`),
      )
    fc.assert(
      fc.property(fc.oneof(text, inObject, members, fc.uint8Array()), (bytes) => {
        let got: unknown
        try {
          got = decodePayload(bytes)
        } catch (error) {
          if (!SecregError.is(error) || error.reason !== 'PAYLOAD_INVALID') throw error
        }
        let expected: unknown
        let source = ''
        try {
          source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
          expected = source === '' ? {} : JSON.parse(source)
        } catch {
          // Neither text nor JSON: nothing is expected.
        }
        const isObject =
          typeof expected === 'object' && expected !== null && !Array.isArray(expected)
        const lone = isObject && /\\ud/i.test(source) && /\p{Cs}/u.test(deepText(expected))
        if (isObject && !lone && !hasDuplicate(source)) expect(got).toEqual(expected)
        else expect(got).toBeUndefined()
      }),
      { numRuns: 4000 },
    )
  })
})

/** Every name and text of a value, apart from each other. */
function deepText(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return ''
  return Object.entries(value)
    .map(([name, item]) => `${name} ${deepText(item)}`)
    .join(' ')
}
