import {
  type CryptoBackend,
  type CryptoErrorCode,
  isCryptoError,
  nobleBackend,
  openStream,
  STREAM_CHUNK_BYTES,
  sealStream,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from './support.ts'

const CHUNK = STREAM_CHUNK_BYTES
const SEALED = CHUNK + 16
const key = new Uint8Array(32).map((_, i) => i)
const aad = utf8('header')
const backend = nodeBackend

const pattern = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => (i * 31) >> 3)

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

const seal = (plaintext: Uint8Array, options: { backend?: CryptoBackend } = { backend }) =>
  collect(sealStream(key, aad, [plaintext], options))

async function openCode(
  sealed: Uint8Array,
  { with: used = key, under = aad } = {},
): Promise<CryptoErrorCode | undefined> {
  try {
    await collect(openStream(used, under, [sealed], { backend }))
  } catch (error) {
    if (isCryptoError(error)) return error.code
    throw error
  }
  return undefined
}

/** Cut into pieces whose lengths repeat. */
function* cut(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length] as number
    yield bytes.subarray(at, at + length)
    at += length
  }
}

describe('what is sealed opens', () => {
  test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])(
    '%i bytes',
    async (length) => {
      const plaintext = pattern(length)
      const sealed = await seal(plaintext)
      expect(sealed.length).toBe(length + 16 * Math.max(1, Math.ceil(length / CHUNK)))
      expect(sealed.equals(await seal(plaintext, { backend: nobleBackend }))).toBe(true)
      for (const other of [nobleBackend, nodeBackend]) {
        const opened = await collect(openStream(key, aad, [sealed], { backend: other }))
        expect(opened.equals(plaintext)).toBe(true)
      }
    },
  )

  test('however it is cut into pieces', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 })
    const size = fc.integer({ min: 0, max: 3 * CHUNK })
    await fc.assert(
      fc.asyncProperty(size, lengths, lengths, async (length, ins, outs) => {
        fc.pre(Math.max(...ins, ...outs) > 100)
        const plaintext = pattern(length)
        const sealed = await seal(plaintext)
        const again = await collect(sealStream(key, aad, cut(plaintext, ins), { backend }))
        expect(again.equals(sealed)).toBe(true)
        const opened = await collect(openStream(key, aad, cut(sealed, outs), { backend }))
        expect(opened.equals(plaintext)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('chunks are the documented construction', async () => {
    const plaintext = pattern(CHUNK + 5)
    const nonce = (number: number, last: number) => {
      const bytes = new Uint8Array(24)
      new DataView(bytes.buffer).setBigUint64(16, (BigInt(number) << 8n) | BigInt(last))
      return bytes
    }
    const expected = Buffer.concat([
      backend.xchachaSeal(key, nonce(0, 0), aad, plaintext.subarray(0, CHUNK)),
      backend.xchachaSeal(key, nonce(1, 1), aad, plaintext.subarray(CHUNK)),
    ])
    expect((await seal(plaintext)).equals(expected)).toBe(true)
  })

  test('the number of a chunk is written over more than one byte', async () => {
    const plaintext = new Uint8Array(257 * CHUNK)
    const sealed = await seal(plaintext)
    const nonce = new Uint8Array(24)
    nonce[21] = 1
    const chunk = sealed.subarray(256 * SEALED, 257 * SEALED)
    nonce[23] = 1
    expect(backend.xchachaOpen(key, nonce, aad, chunk)).toHaveLength(CHUNK)
    expect(await openCode(sealed)).toBeUndefined()
  })
})

describe('what is not as it was sealed is refused', () => {
  test('every flipped bit of a short stream', async () => {
    const sealed = await seal(pattern(40))
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await openCode(flipped)).toBe('ERR_CRYPTO_TRUNCATED')
    }
  })

  test('a flipped bit of a full chunk, first or last', async () => {
    const sealed = await seal(pattern(2 * CHUNK))
    for (const at of [0, 999, SEALED - 1, SEALED, 2 * SEALED - 1]) {
      const flipped = Buffer.from(sealed)
      flipped[at] = (flipped[at] as number) ^ 16
      expect(await openCode(flipped)).toBe('ERR_CRYPTO_DAMAGED')
    }
  })

  test('every truncation, at chunk borders too', async () => {
    const sealed = await seal(pattern(2 * CHUNK))
    const ends = [0, 1, 15, 16, 17, SEALED - 1, SEALED, SEALED + 1, SEALED + 16, 2 * SEALED - 1]
    for (const end of ends) {
      expect(await openCode(sealed.subarray(0, end))).toBe('ERR_CRYPTO_TRUNCATED')
    }
  })

  test('chunks swapped, doubled, left out', async () => {
    const sealed = await seal(pattern(3 * CHUNK))
    const part = (i: number) => sealed.subarray(i * SEALED, (i + 1) * SEALED)
    const of = (...order: number[]) => openCode(Buffer.concat(order.map(part)))
    expect(await of(0, 1, 2)).toBeUndefined()
    expect(await of(1, 0, 2)).toBe('ERR_CRYPTO_DAMAGED')
    expect(await of(0, 0, 2)).toBe('ERR_CRYPTO_DAMAGED')
    expect(await of(0, 0, 1, 2)).toBe('ERR_CRYPTO_DAMAGED')
    expect(await of(1, 2)).toBe('ERR_CRYPTO_DAMAGED')
    expect(await of(0, 2)).toBe('ERR_CRYPTO_DAMAGED')
    expect(await of(0, 1)).toBe('ERR_CRYPTO_TRUNCATED')
    expect(await of(0, 1, 2, 2)).toBe('ERR_CRYPTO_TRAILING')
  })

  test('bytes after a last chunk', async () => {
    const full = await seal(pattern(CHUNK))
    expect(await openCode(Buffer.concat([full, Buffer.of(0)]))).toBe('ERR_CRYPTO_TRAILING')
    const short = await seal(pattern(5))
    expect(await openCode(Buffer.concat([short, Buffer.of(0)]))).toBe('ERR_CRYPTO_TRUNCATED')
  })

  test('an empty last chunk after others', async () => {
    const nonce = new Uint8Array(24)
    const first = backend.xchachaSeal(key, nonce, aad, pattern(CHUNK))
    nonce[22] = 1
    nonce[23] = 1
    const second = backend.xchachaSeal(key, nonce, aad, new Uint8Array())
    expect(await openCode(Buffer.concat([first, second]))).toBe('ERR_CRYPTO_DAMAGED')
  })

  test('another key, other associated data', async () => {
    const sealed = await seal(pattern(CHUNK))
    expect(await openCode(sealed, { with: new Uint8Array(32) })).toBe('ERR_CRYPTO_DAMAGED')
    expect(await openCode(sealed, { under: utf8('other') })).toBe('ERR_CRYPTO_DAMAGED')
  })
})

describe('sources', () => {
  test('an error of the source passes through, and the source is let go of', async () => {
    let returned = 0
    async function* failing(): AsyncGenerator<Uint8Array> {
      try {
        yield pattern(CHUNK)
        throw new Error('disk')
      } finally {
        returned++
      }
    }
    await expect(collect(sealStream(key, aad, failing(), { backend }))).rejects.toThrow('disk')
    await expect(collect(openStream(key, aad, failing(), { backend }))).rejects.toThrow('disk')
    expect(returned).toBe(2)
  })

  test('a reader that stops early lets go of the source', async () => {
    let returned = false
    function* endless(): Generator<Uint8Array> {
      try {
        for (;;) yield pattern(CHUNK)
      } finally {
        returned = true
      }
    }
    for await (const chunk of sealStream(key, aad, endless(), { backend })) {
      expect(chunk).toHaveLength(SEALED)
      break
    }
    expect(returned).toBe(true)
  })

  test('other work goes on during a long stream', async () => {
    let turns = 0
    let done = false
    const count = () => {
      turns++
      if (!done) setImmediate(count)
    }
    setImmediate(count)
    const chunk = pattern(CHUNK)
    function* many(): Generator<Uint8Array> {
      for (let i = 0; i < 1000; i++) yield chunk
    }
    for await (const _ of sealStream(key, aad, many(), { backend })) {
      // Only the work itself is of interest.
    }
    done = true
    expect(turns).toBeGreaterThan(2)
  })
})

test('arguments', async () => {
  const bad = (value: unknown) => value as never
  for (const call of [sealStream, openStream]) {
    for (const value of [undefined, null, 1, 'text', {}, [1]]) {
      expect(() => call(bad(value), aad, [])).toThrow(TypeError)
      expect(() => call(key, bad(value), [])).toThrow(TypeError)
    }
    for (const value of [undefined, null, 1, 'text', {}]) {
      expect(() => call(key, aad, bad(value))).toThrow(TypeError)
    }
    expect(() => call(new Uint8Array(31), aad, [])).toThrow(RangeError)
    for (const piece of [undefined, 1, 'text', [1]]) {
      await expect(collect(call(key, aad, [bad(piece)]))).rejects.toThrow(TypeError)
    }
  }
})
