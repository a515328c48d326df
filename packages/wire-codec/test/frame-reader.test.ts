import { SecregError } from '@secreg/protocol'
import {
  decodePayload,
  encodeFrame,
  type Frame,
  FrameReader,
  type Framing,
} from '@secreg/wire-codec'
import { describe, expect, it } from 'vitest'
import { chunksOf, concat, drain, feed, show } from './feeding.ts'
import { reasonOf } from './reason.ts'

const FRAMINGS: Framing[] = ['length', 'inline', 'naked']
const SESSION = '01234567-89ab-4def-8123-456789abcdef'
const TIME = 1_700_000_000_000
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/[ _]/g, ''), 'hex'))
const ascii = (text: string) => new TextEncoder().encode(text)
const write = (framing: Framing, payload: string, sessionId = SESSION, type = 3) =>
  encodeFrame(framing, { type, timestampMs: TIME, sessionId, payload })

/** Type 3, time 1, no session id. */
const HEADER = '03 0000000000000001 00'

describe.each(FRAMINGS)('%s', (framing) => {
  const payloads = [
    '{}',
    '{"key":"/a"}',
    '{"a":{"b":[{}]},"s":"}{\\"\\\\"}',
    '{"ž":"😀}\\\\"}',
    `{"v":"${'x'.repeat(3000)}"}`,
  ]
  const frames = payloads.map((payload, i) => write(framing, payload, i % 2 ? SESSION : ''))

  it('reads every frame whole, byte by byte and cut at every place', () => {
    for (const [i, bytes] of frames.entries()) {
      const whole = feed([bytes])
      expect(whole).toEqual([
        {
          type: 3,
          timestampMs: TIME,
          sessionId: i % 2 ? SESSION : '',
          payload: ascii(payloads[i] as string),
        },
      ])
      expect(show(feed(chunksOf(bytes, 1)))).toBe(show(whole))
      for (let at = 1; at < bytes.length; at++) {
        expect(show(feed([bytes.subarray(0, at), bytes.subarray(at)]))).toBe(show(whole))
      }
    }
  })

  it('reads many frames of one chunk in order, and in chunks of every size', () => {
    const stream = concat(...frames, ...frames)
    const all = [...frames, ...frames].flatMap((bytes) => feed([bytes]))
    expect(all).toHaveLength(10)
    for (const size of [1, 2, 3, 5, 13, 64, 100, 1000, 3050, stream.length]) {
      expect(show(feed(chunksOf(stream, size)))).toBe(show(all))
    }
  })

  it('gives views of a chunk that holds whole frames', () => {
    const stream = concat(...frames)
    const reader = new FrameReader()
    reader.push(stream)
    for (const bytes of frames) {
      const frame = reader.next() as Frame
      expect(frame.payload.buffer).toBe(stream.buffer)
      expect(frame.payload).not.toBeInstanceOf(Buffer)
      expect(bytes).toBeInstanceOf(Uint8Array)
    }
    expect(reader.next()).toBeUndefined()
    expect(reader.bufferedBytes).toBe(0)
  })

  it('keeps frames that were given until the next push, also one that was collected', () => {
    const [first, second, third] = ['{"a":1}', '{"b":2}', '{"c":3}'].map((p) => write(framing, p))
    const reader = new FrameReader()
    reader.push((first as Uint8Array).subarray(0, 20))
    expect(reader.next()).toBeUndefined()
    reader.push(
      concat((first as Uint8Array).subarray(20), second as Uint8Array, third as Uint8Array),
    )
    const given = [reader.next(), reader.next(), reader.next(), reader.next()]
    expect(given.map((frame) => frame && new TextDecoder().decode(frame.payload))).toEqual([
      '{"a":1}',
      '{"b":2}',
      '{"c":3}',
      undefined,
    ])
  })

  it('is drained later without losing order, when a reader waits', () => {
    const reader = new FrameReader()
    for (const chunk of chunksOf(concat(...frames), 100)) reader.push(chunk)
    expect(reader.bufferedBytes).toBe(concat(...frames).length)
    expect(show(drain(reader))).toBe(show(frames.flatMap((bytes) => feed([bytes]))))
    expect(reader.bufferedBytes).toBe(0)
  })

  it('tells the form, a started frame, and the bytes it holds', () => {
    const bytes = write(framing, '{"key":"/a"}')
    const reader = new FrameReader()
    expect(reader.framing).toBeUndefined()
    expect(reader.inFrame).toBe(false)
    for (let i = 0; i < bytes.length - 1; i++) {
      reader.push(bytes.subarray(i, i + 1))
      expect(reader.next()).toBeUndefined()
      expect(reader.inFrame).toBe(true)
      expect(reader.bufferedBytes).toBe(i + 1)
    }
    expect(reader.framing).toBe(framing)
    reader.push(bytes.subarray(bytes.length - 1))
    expect(reader.next()).toBeDefined()
    expect(reader.inFrame).toBe(false)
    expect(reader.next()).toBeUndefined()
    expect(reader.framing).toBe(framing)
  })

  it('refuses another form on the same connection, at every cut', () => {
    for (const other of FRAMINGS.filter((candidate) => candidate !== framing)) {
      const first = write(framing, '{"a":1}')
      const stream = concat(first, write(other, '{"b":2}'))
      for (const size of [1, 2, 7, first.length, stream.length]) {
        const reader = new FrameReader()
        const read: Frame[] = []
        expect(
          reasonOf(() => {
            for (const chunk of chunksOf(stream, size)) {
              reader.push(chunk)
              read.push(...drain(reader))
            }
          }),
        ).toBe('FRAME_MALFORMED')
        expect(reader.framing).toBe(framing)
      }
      expect(reasonOf(() => feed([write(other, '{}')], { framing }))).toBe('FRAME_MALFORMED')
    }
    expect(feed([write(framing, '{}')], { framing })).toHaveLength(1)
  })

  it('accepts the largest frame and no byte more', () => {
    const bytes = write(framing, '{"key":"/abc"}')
    const documented = 10 + 36 + 14
    expect(feed(chunksOf(bytes, 1), { maxFrameBytes: documented })).toHaveLength(1)
    expect(feed([bytes], { maxFrameBytes: documented })).toHaveLength(1)
    for (const size of [1, 11, 47, bytes.length]) {
      expect(reasonOf(() => feed(chunksOf(bytes, size), { maxFrameBytes: documented - 1 }))).toBe(
        'FRAME_TOO_LARGE',
      )
    }
  })

  it('has the limit raised after a login in the same chunk', () => {
    const large = write(framing, `{"v":"${'x'.repeat(20_000)}"}`)
    const reader = new FrameReader()
    reader.push(concat(write(framing, '{}', '', 1), large))
    expect(reader.next()?.type).toBe(1)
    reader.maxFrameBytes = 4 * 2 ** 20
    expect(reader.next()?.payload).toHaveLength(20_008)
    const strict = new FrameReader()
    strict.push(large)
    expect(reasonOf(() => strict.next())).toBe('FRAME_TOO_LARGE')
  })

  it('repeats and changes session ids of one connection', () => {
    const ids = [SESSION, SESSION, '', SESSION, 'x', `${SESSION.slice(0, 35)}0`, 'y', ' ~', SESSION]
    const stream = concat(...ids.map((id) => write(framing, '{}', id)))
    for (const size of [1, 10, 47, stream.length]) {
      expect(feed(chunksOf(stream, size)).map((frame) => frame.sessionId)).toEqual(ids)
    }
  })

  it('takes nobody for the last one when a socket reads into the same memory again', () => {
    const ids = [SESSION, SESSION.replace('0', 'f'), SESSION.replace('f', '0')]
    const memory = new Uint8Array(write(framing, '{}').length)
    const reader = new FrameReader()
    for (const cut of [memory.length, 20]) {
      for (const id of ids) {
        memory.set(write(framing, '{}', id))
        const frames: string[] = []
        for (const part of [memory.subarray(0, cut), memory.subarray(cut)]) {
          reader.push(part)
          frames.push(...drain(reader).map((frame) => frame.sessionId))
        }
        expect(frames).toEqual([id])
      }
    }
  })

  it.each([
    ['type 0', (bytes: Uint8Array, at: number) => bytes.fill(0, at, at + 1)],
    [
      'a time of 2^53',
      (bytes: Uint8Array, at: number) => bytes.set(hex('0020000000000000'), at + 1),
    ],
    ['a time of 2^64 - 1', (bytes: Uint8Array, at: number) => bytes.fill(0xff, at + 1, at + 9)],
    [
      'a line end in the session id',
      (bytes: Uint8Array, at: number) => bytes.fill(10, at + 45, at + 46),
    ],
    ['NUL in the session id', (bytes: Uint8Array, at: number) => bytes.fill(0, at + 10, at + 11)],
    [
      'DEL in the session id',
      (bytes: Uint8Array, at: number) => bytes.fill(0x7f, at + 30, at + 31),
    ],
    [
      'a letter outside ASCII in it',
      (bytes: Uint8Array, at: number) => bytes.fill(0xc5, at + 30, at + 31),
    ],
  ])('refuses %s', (_name, spoil) => {
    const bytes = write(framing, '{"key":"/a"}')
    spoil(bytes, framing === 'length' ? 4 : 0)
    for (const size of [1, bytes.length]) {
      // Without a type a naked or inline frame looks like a length, which is too large or small.
      const reason = reasonOf(() => feed(chunksOf(concat(bytes, bytes), size), { framing }))
      expect(reason).toBe('FRAME_MALFORMED')
    }
  })

  it('reads the largest time', () => {
    const frame = { type: 255, timestampMs: Number.MAX_SAFE_INTEGER, payload: '{}' }
    expect(feed([encodeFrame(framing, frame)])).toMatchObject([
      { type: 255, timestampMs: 2 ** 53 - 1 },
    ])
  })
})

describe('length', () => {
  it.each([
    ['00000000', 'FRAME_MALFORMED'],
    ['00000009', 'FRAME_MALFORMED'],
    ['00004001', 'FRAME_TOO_LARGE'],
    ['00ffffff', 'FRAME_TOO_LARGE'],
  ])('answers %s after those 4 bytes, in its own form', (length, reason) => {
    const reader = new FrameReader()
    reader.push(hex(length))
    expect(reasonOf(() => reader.next())).toBe(reason)
    expect(reader.framing).toBe('length')
    expect(reader.bufferedBytes).toBe(0)
  })

  it('refuses 0xFFFFFFFF', () => {
    expect(reasonOf(() => feed([hex('ffffffff ffffffff ffff')]))).toBe('FRAME_MALFORMED')
    expect(reasonOf(() => feed([hex('ff')], { framing: 'length' }))).toBe('FRAME_MALFORMED')
  })

  it.each([
    ['0000000a 03 0000000000000001 01', 'one byte longer than its frame'],
    ['0000000a 03 0000000000000001 ff', '255 bytes longer'],
    ['0000000b 03 0000000000000001 02 61', 'partly outside'],
  ])('weakness 4: refuses a session id past the frame (%s)', (bytes) => {
    expect(reasonOf(() => feed([hex(bytes)]))).toBe('FRAME_MALFORMED')
    expect(reasonOf(() => feed(chunksOf(hex(bytes), 1)))).toBe('FRAME_MALFORMED')
    // Also where the next frame's bytes could be taken for it.
    expect(reasonOf(() => feed([concat(hex(bytes), write('length', '{}'))]))).toBe(
      'FRAME_MALFORMED',
    )
  })

  it('judges a header before the payload is waited for', () => {
    expect(reasonOf(() => feed([hex('00003fff 00')]))).toBeUndefined()
    expect(reasonOf(() => feed([hex('00003fff 00 0000000000000001 00')]))).toBe('FRAME_MALFORMED')
    expect(reasonOf(() => feed([hex('00003fff 03 0000000000000001 01 0a')]))).toBe(
      'FRAME_MALFORMED',
    )
  })

  it('takes an empty payload, and one that is not JSON', () => {
    expect(feed([hex(`0000000a ${HEADER}`)])).toMatchObject([{ payload: new Uint8Array() }])
    expect(feed([hex(`0000000b ${HEADER} 01`)])).toMatchObject([{ payload: hex('01') }])
  })

  it('reserves no memory for a length alone', () => {
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 200 }, () => {
      const reader = new FrameReader({ maxFrameBytes: 4 * 2 ** 20 })
      reader.push(hex(`00400000 ${HEADER} 7b`))
      reader.next()
      return reader
    })
    expect(readers.every((reader) => reader.inFrame)).toBe(true)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 65 * 1024)
  })

  it('weakness 3: reads 1 MiB and 4 MiB in chunks of a socket', () => {
    for (const size of [2 ** 20, 4 * 2 ** 20 - 46 - 8]) {
      const bytes = write('length', `{"v":"${'x'.repeat(size)}"}`)
      const [frame] = feed(chunksOf(bytes, 65_536), { maxFrameBytes: 4 * 2 ** 20 })
      expect(frame?.payload).toHaveLength(size + 8)
      expect(Buffer.from(frame?.payload ?? []).toString('latin1', 6, size + 6)).toBe(
        'x'.repeat(size),
      )
    }
  })
})

describe('inline', () => {
  it.each([
    [`${HEADER} 00004000`, 'FRAME_TOO_LARGE'],
    [`${HEADER} 00ffffff`, 'FRAME_TOO_LARGE'],
    [`${HEADER} 01000000`, 'FRAME_MALFORMED'],
    [`${HEADER} ffffffff`, 'FRAME_MALFORMED'],
  ])('weakness 4: answers a payload length (%s) without its payload', (bytes, reason) => {
    expect(reasonOf(() => feed([hex(bytes)], { maxFrameBytes: 16_384 }))).toBe(reason)
    expect(reasonOf(() => feed(chunksOf(hex(bytes), 1), { maxFrameBytes: 16_384 }))).toBe(reason)
  })

  it('weakness 4: waits for a session id of 255 bytes that has not come', () => {
    const reader = new FrameReader()
    reader.push(hex('03 0000000000000001 ff 61626364'))
    expect(reader.next()).toBeUndefined()
    expect(reader.bufferedBytes).toBe(14)
  })

  it('counts the session id into the frame', () => {
    expect(reasonOf(() => feed([hex('03 0000000000000001 ff')], { maxFrameBytes: 264 }))).toBe(
      'FRAME_TOO_LARGE',
    )
    const bytes = write('inline', '', 'x'.repeat(255))
    expect(feed(chunksOf(bytes, 1), { maxFrameBytes: 265 })).toHaveLength(1)
  })

  it('takes an empty payload', () => {
    expect(feed([hex(`${HEADER} 00000000`)])).toMatchObject([{ payload: new Uint8Array() }])
  })
})

describe('naked', () => {
  const start = hex(HEADER)

  it('is capped at maxNakedBytes and maxFrameBytes, whichever is less', () => {
    const open = concat(start, ascii(`{"v":"${'x'.repeat(70_000)}`))
    for (const size of [1000, 4096, open.length]) {
      expect(reasonOf(() => feed(chunksOf(open, size)))).toBe('FRAME_TOO_LARGE')
      expect(reasonOf(() => feed(chunksOf(open, size), { maxNakedBytes: 100 }))).toBe(
        'FRAME_TOO_LARGE',
      )
      expect(reasonOf(() => feed(chunksOf(open, size), { maxFrameBytes: 100 }))).toBe(
        'FRAME_TOO_LARGE',
      )
    }
    const exact = concat(start, ascii(`{"v":"${'x'.repeat(65_536 - 18)}"}`))
    expect(exact).toHaveLength(65_536)
    expect(feed(chunksOf(exact, 999))).toHaveLength(1)
    expect(feed([concat(exact, start)])).toHaveLength(1)
  })

  it('never holds more than the cap', () => {
    const reader = new FrameReader({ maxNakedBytes: 1000 })
    reader.push(concat(start, ascii('{')))
    let most = 0
    expect(
      reasonOf(() => {
        for (;;) {
          reader.next()
          most = Math.max(most, reader.bufferedBytes)
          reader.push(ascii('{'.repeat(7)))
        }
      }),
    ).toBe('FRAME_TOO_LARGE')
    expect(most).toBeLessThanOrEqual(1000)
    expect(reader.bufferedBytes).toBe(0)
  })

  it('looks at each byte once, however they arrive', () => {
    const bytes = concat(start, ascii(`{"v":"${'{\\"'.repeat(20_000)}"}`))
    let reads = 0
    const counting = (chunk: Uint8Array) =>
      new Proxy(chunk, {
        get: (target, name) => {
          if (typeof name === 'string' && /^\d+$/.test(name)) reads++
          const value = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    const reader = new FrameReader({ maxFrameBytes: 0xffffff })
    let frame: Frame | undefined
    for (const chunk of chunksOf(bytes, 1)) {
      reader.push(counting(chunk))
      frame = reader.next()
    }
    expect(frame?.payload).toHaveLength(60_008)
    expect(reads).toBeLessThan(2 * bytes.length)
  })

  it.each([
    ['an array', '[]'],
    ['a string', '"{}"'],
    ['a space before the object', ' {}'],
    ['a byte order mark', '\ufeff{}'],
    ['the text of another protocol', '\n'],
  ])('refuses %s', (_name, payload) => {
    expect(reasonOf(() => feed([concat(start, ascii(payload))]))).toBe('FRAME_MALFORMED')
  })

  it.each(['AUTH root root\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', '{"key":"/a"}'])(
    'refuses other protocols (%j)',
    (text) => {
      expect(reasonOf(() => feed([ascii(text)]))).toBe('FRAME_MALFORMED')
      expect(reasonOf(() => feed(chunksOf(ascii(text), 1)))).toBe('FRAME_MALFORMED')
    },
  )

  it('smuggles nothing: a frame inside a string or behind a brace stays data or ends the connection', () => {
    const inner = write('length', '{"key":"/secret"}')
    const text = [...inner].map((byte) => `\\u00${byte.toString(16).padStart(2, '0')}`).join('')
    expect(feed([concat(start, ascii(`{"v":"${text}"}`))])).toHaveLength(1)
    // Raw bytes of a canonical frame in a string: one naked frame, whose payload is not JSON.
    const [raw, ...more] = feed([concat(start, ascii('{"v":"'), inner, ascii('"}'))])
    expect(more).toEqual([])
    expect(reasonOf(() => decodePayload(raw?.payload as Uint8Array))).toBe('PAYLOAD_INVALID')
    // A canonical frame right behind the object.
    expect(reasonOf(() => feed([concat(start, ascii('{}'), inner)]))).toBe('FRAME_MALFORMED')
    // A canonical frame whose payload goes on with a naked one: one frame, one payload.
    const both = write('length', `{}${Buffer.from(start).toString('latin1')}{}`, '')
    expect(feed([both])).toHaveLength(1)
  })
})

describe('a dead reader', () => {
  it('throws the same error again, takes nothing, holds nothing', () => {
    const reader = new FrameReader()
    reader.push(concat(write('length', '{}'), hex('00000001'), write('length', '{}')))
    reader.push(write('length', '{}'))
    expect(reader.next()).toBeDefined()
    const errors = [0, 1].map(() => {
      try {
        return reader.next()
      } catch (error) {
        return error
      } finally {
        reader.push(write('length', '{}'))
      }
    })
    expect(errors[0]).toBe(errors[1])
    expect(errors[0]).toBeInstanceOf(SecregError)
    expect(reader.bufferedBytes).toBe(0)
    expect(reader.inFrame).toBe(false)
  })
})

describe('arguments', () => {
  it.each([null, 'x', 1, [1], new ArrayBuffer(1), new Uint16Array(1), undefined])(
    'push refuses %s',
    (chunk) => {
      expect(() => new FrameReader().push(chunk as never)).toThrow(TypeError)
    },
  )

  it.each([9, 2 ** 24, 10.5, Number.NaN, Number.POSITIVE_INFINITY, -1])('limits refuse %s', (n) => {
    expect(() => new FrameReader({ maxFrameBytes: n })).toThrow(RangeError)
    expect(() => new FrameReader({ maxNakedBytes: n })).toThrow(RangeError)
    const reader = new FrameReader()
    expect(() => {
      reader.maxFrameBytes = n
    }).toThrow(RangeError)
    expect(reader.maxFrameBytes).toBe(16_384)
  })

  it('refuses wrong types and forms', () => {
    expect(() => new FrameReader({ maxFrameBytes: '100' as never })).toThrow(TypeError)
    expect(() => new FrameReader({ framing: 'outer' as never })).toThrow(TypeError)
    expect(new FrameReader({ framing: 'naked' }).framing).toBe('naked')
  })

  it('takes empty chunks and bytes of another kind', () => {
    const reader = new FrameReader()
    reader.push(new Uint8Array())
    expect(reader.next()).toBeUndefined()
    reader.push(Buffer.from(write('length', '{}')))
    expect(reader.next()?.payload).toEqual(ascii('{}'))
  })

  it('applies a lowered limit to a frame that has begun', () => {
    for (const framing of FRAMINGS) {
      const bytes = write(framing, `{"v":"${'x'.repeat(500)}"}`)
      const reader = new FrameReader()
      reader.push(bytes.subarray(0, 300))
      expect(reader.next()).toBeUndefined()
      reader.maxFrameBytes = 200
      expect(
        reasonOf(() => {
          reader.push(bytes.subarray(300))
          reader.next()
        }),
      ).toBe('FRAME_TOO_LARGE')
    }
  })
})
