import { readFileSync } from 'node:fs'
import { type CryptoBackend, isCryptoError, nobleBackend } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const load = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8')) as T

interface CipherVector {
  key: string
  nonce: string
  aad: string
  plaintext: string
  sealed: string
}
interface HkdfVector {
  ikm: string
  salt: string
  info: string
  okm: string
}
const BACKENDS: readonly CryptoBackend[] = [nobleBackend, nodeBackend]

describe.each(BACKENDS)('$name backend', (backend) => {
  test.each(load<{ vectors: CipherVector[] }>('xchacha20-poly1305').vectors)(
    'XChaCha20-Poly1305 vector %#',
    ({ key, nonce, aad, plaintext, sealed }) => {
      const got = backend.xchachaSeal(hex(key), hex(nonce), hex(aad), hex(plaintext))
      expect(Buffer.from(got).toString('hex')).toBe(sealed)
      expect(backend.xchachaOpen(hex(key), hex(nonce), hex(aad), hex(sealed))).toEqual(
        hex(plaintext),
      )
    },
  )

  test.each(load<{ vectors: HkdfVector[] }>('hkdf-sha256').vectors)(
    'HKDF-SHA256 vector %#',
    ({ ikm, salt, info, okm }) => {
      const out = backend.hkdfSha256(hex(ikm), hex(salt), hex(info), okm.length / 2)
      expect(Buffer.from(out).toString('hex')).toBe(okm)
    },
  )

  test('a flipped bit anywhere does not open', () => {
    const [key, nonce] = [backend.randomBytes(32), backend.randomBytes(24)]
    const [aad, plaintext] = [utf8('/app/database/password'), utf8('secret123')]
    const sealed = backend.xchachaSeal(key, nonce, aad, plaintext)
    for (const part of [key, nonce, aad, sealed]) {
      for (let bit = 0; bit < part.length * 8; bit++) {
        part[bit >> 3] = (part[bit >> 3] as number) ^ (1 << (bit & 7))
        expect(() => backend.xchachaOpen(key, nonce, aad, sealed)).toThrow('authentication failed')
        part[bit >> 3] = (part[bit >> 3] as number) ^ (1 << (bit & 7))
      }
    }
    expect(backend.xchachaOpen(key, nonce, aad, sealed)).toEqual(plaintext)
  })

  test('29: each of the 24 nonce bytes changes the ciphertext', () => {
    const key = backend.randomBytes(32)
    const nonce = new Uint8Array(24)
    const seen = new Set<string>()
    const seal = () =>
      Buffer.from(backend.xchachaSeal(key, nonce, new Uint8Array(), new Uint8Array(32)))
    seen.add(seal().toString('hex'))
    for (let i = 0; i < 24; i++) {
      nonce[i] = 1
      seen.add(seal().toString('hex'))
      nonce[i] = 0
    }
    expect(seen.size).toBe(25)
  })

  test('sealed bytes shorter than a tag do not open', () => {
    for (let length = 0; length <= 16; length++) {
      let error: unknown
      try {
        backend.xchachaOpen(
          new Uint8Array(32),
          new Uint8Array(24),
          new Uint8Array(),
          new Uint8Array(length),
        )
      } catch (thrown) {
        error = thrown
      }
      expect(isCryptoError(error, 'ERR_CRYPTO_OPEN')).toBe(true)
    }
  })

  test('results are plain Uint8Arrays that share no memory with the arguments', () => {
    const data = utf8('data')
    const sealed = backend.xchachaSeal(new Uint8Array(32), new Uint8Array(24), data, data)
    const results = [
      backend.randomBytes(8),
      sealed,
      backend.xchachaOpen(new Uint8Array(32), new Uint8Array(24), data, sealed),
      backend.hkdfSha256(data, data, data, 32),
      backend.hmacSha256(data, data),
      backend.sha256(data),
    ]
    for (const result of results) {
      expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype)
      expect(result.buffer).not.toBe(data.buffer)
    }
  })

  test('equal compares content and length', () => {
    expect(backend.equal(hex('0102'), hex('0102'))).toBe(true)
    expect(backend.equal(hex('0102'), hex('0103'))).toBe(false)
    expect(backend.equal(hex('0102'), hex('010200'))).toBe(false)
    expect(backend.equal(hex(''), hex(''))).toBe(true)
  })

  test('random bytes differ and have the length asked for', () => {
    expect(backend.randomBytes(0)).toHaveLength(0)
    expect(backend.randomBytes(65_536)).toHaveLength(65_536)
    expect(backend.randomBytes(32)).not.toEqual(backend.randomBytes(32))
  })

  const bytes = new Uint8Array(32)
  const nonce = new Uint8Array(24)
  const wrong = [
    undefined,
    null,
    1,
    'text',
    {},
    [1],
    new ArrayBuffer(32),
    new DataView(new ArrayBuffer(32)),
  ]
  test.each(wrong.map((value) => ({ value })))('wrong type $value is a TypeError', ({ value }) => {
    const bad = value as never
    const calls: (() => unknown)[] = [
      () => backend.xchachaSeal(bad, nonce, bytes, bytes),
      () => backend.xchachaSeal(bytes, bad, bytes, bytes),
      () => backend.xchachaSeal(bytes, nonce, bad, bytes),
      () => backend.xchachaSeal(bytes, nonce, bytes, bad),
      () => backend.xchachaOpen(bad, nonce, bytes, bytes),
      () => backend.xchachaOpen(bytes, bad, bytes, bytes),
      () => backend.xchachaOpen(bytes, nonce, bad, bytes),
      () => backend.xchachaOpen(bytes, nonce, bytes, bad),
      () => backend.hkdfSha256(bad, bytes, bytes, 32),
      () => backend.hkdfSha256(bytes, bad, bytes, 32),
      () => backend.hkdfSha256(bytes, bytes, bad, 32),
      () => backend.hmacSha256(bad, bytes),
      () => backend.hmacSha256(bytes, bad),
      () => backend.sha256(bad),
      () => backend.equal(bad, bytes),
      () => backend.equal(bytes, bad),
    ]
    for (const call of calls) expect(call).toThrow(TypeError)
  })

  test('a wrong length or range is a RangeError', () => {
    const calls: (() => unknown)[] = [
      () => backend.xchachaSeal(new Uint8Array(31), nonce, bytes, bytes),
      () => backend.xchachaSeal(bytes, new Uint8Array(12), bytes, bytes),
      () => backend.xchachaOpen(new Uint8Array(33), nonce, bytes, bytes),
      () => backend.xchachaOpen(bytes, new Uint8Array(25), bytes, bytes),
      () => backend.hkdfSha256(bytes, bytes, bytes, 0),
      () => backend.hkdfSha256(bytes, bytes, bytes, 8161),
      () => backend.hkdfSha256(bytes, bytes, new Uint8Array(1025), 32),
      () => backend.randomBytes(-1),
      () => backend.randomBytes(1.5),
      () => backend.randomBytes(65_537),
    ]
    for (const call of calls) expect(call).toThrow(RangeError)
    expect(() => backend.randomBytes('8' as never)).toThrow(TypeError)
  })
})

describe('noble and node agree', () => {
  const bytes = (max: number) => fc.uint8Array({ maxLength: max })
  const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

  test('on the cipher', () => {
    fc.assert(
      fc.property(fixed(32), fixed(24), bytes(100), bytes(300), (key, nonce, aad, plaintext) => {
        const sealed = nobleBackend.xchachaSeal(key, nonce, aad, plaintext)
        expect(nodeBackend.xchachaSeal(key, nonce, aad, plaintext)).toEqual(sealed)
        expect(nodeBackend.xchachaOpen(key, nonce, aad, sealed)).toEqual(plaintext)
        expect(nobleBackend.xchachaOpen(key, nonce, aad, sealed)).toEqual(plaintext)
      }),
    )
  })

  test.each([0, 1, 15, 16, 17, 63, 64, 65, 65_536, 1_048_576])('on %i bytes', (length) => {
    const [key, nonce] = [nodeBackend.randomBytes(32), nodeBackend.randomBytes(24)]
    const plaintext = new Uint8Array(length).map((_, i) => i * 7)
    const sealed = nodeBackend.xchachaSeal(key, nonce, plaintext, plaintext)
    expect(Buffer.compare(sealed, nobleBackend.xchachaSeal(key, nonce, plaintext, plaintext))).toBe(
      0,
    )
    const opened = nobleBackend.xchachaOpen(key, nonce, plaintext, sealed)
    expect(Buffer.compare(opened, plaintext)).toBe(0)
    expect(Buffer.compare(nodeBackend.xchachaOpen(key, nonce, plaintext, sealed), plaintext)).toBe(
      0,
    )
  })

  test('on hashes', () => {
    fc.assert(
      fc.property(
        bytes(200),
        bytes(200),
        bytes(200),
        fc.integer({ min: 1, max: 200 }),
        (a, b, c, n) => {
          expect(nodeBackend.hkdfSha256(a, b, c, n)).toEqual(nobleBackend.hkdfSha256(a, b, c, n))
          expect(nodeBackend.hmacSha256(a, b)).toEqual(nobleBackend.hmacSha256(a, b))
          expect(nodeBackend.sha256(a)).toEqual(nobleBackend.sha256(a))
          expect(nodeBackend.equal(a, b)).toBe(nobleBackend.equal(a, b))
        },
      ),
    )
  })
})
