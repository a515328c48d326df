import { CryptoError, isCryptoError, wipe } from '@secreg/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from '../src/base64.ts'
import { encodeFields } from '../src/bytes.ts'
import { assertUndamaged, openCommitted, sealCommitted } from '../src/committed-box.ts'
import { nobleBackend } from '../src/noble-backend.ts'
import { codeOf, utf8 } from './support.ts'

describe('base64', () => {
  test('is what Buffer writes, and comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        expect(encodeBase64(bytes)).toBe(text)
        expect(decodeBase64(text)).toEqual(bytes)
        const bare = text.replace(/=+$/, '')
        expect(encodeBase64(bytes, false)).toBe(bare)
        expect(decodeBase64(bare, false)).toEqual(bytes)
      }),
    )
  })

  test('has one spelling: whatever is decoded is encoded to the same text', () => {
    const alphabet = fc.constantFrom(...'AQgw/+az09=-_ \n\u00e9')
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 12 }), fc.boolean(), (text, padded) => {
        const bytes = decodeBase64(text, padded)
        if (bytes !== undefined) expect(encodeBase64(bytes, padded)).toBe(text)
      }),
      { numRuns: 5000 },
    )
    for (const text of [
      'A',
      'AA',
      'AAA',
      'AB==',
      'AAB=',
      'AA=A',
      '====',
      'A===',
      'AA-_',
      'AAAA=',
    ]) {
      expect(decodeBase64(text)).toBeUndefined()
    }
  })
})

describe('fields', () => {
  const field = fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.nat({ max: 20 }),
    fc.uint8Array({ maxLength: 3 }),
  )
  test('no two lists share an encoding', () => {
    const lists = fc.array(field, { maxLength: 4 })
    const key = (list: unknown[]) =>
      JSON.stringify(list.map((x) => (x instanceof Uint8Array ? { bytes: [...x] } : x)))
    fc.assert(
      fc.property(lists, lists, (a, b) => {
        const same = Buffer.compare(encodeFields(...a), encodeFields(...b)) === 0
        expect(same).toBe(key(a) === key(b))
      }),
      { numRuns: 2000 },
    )
  })

  test('has this form', () => {
    const bytes = encodeFields('ab', 12, Uint8Array.of(255))
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '73000000026162' + '6e000000023132' + '6200000001ff',
    )
  })
})

describe('committed box', () => {
  const secret = new Uint8Array(32).fill(5)
  const context = encodeFields('context')
  const box = sealCommitted(nobleBackend, secret, context, utf8('content'))
  const open = (change: object = {}, key = secret, about = context) =>
    openCommitted(nobleBackend, key, about, { ...box, ...change })

  test('opens with its secret', () => {
    expect(open()).toEqual(utf8('content'))
    expect(() => assertUndamaged(nobleBackend, context, box)).not.toThrow()
  })

  test('another secret, context or commitment does not fit', () => {
    expect(open({}, new Uint8Array(32).fill(6))).toBeUndefined()
    expect(open({}, secret, encodeFields('other'))).toBeUndefined()
    expect(open({ commitment: new Uint8Array(32) })).toBeUndefined()
  })

  test('damage that a forger hid behind a new checksum still does not open', async () => {
    for (const change of [{ nonce: new Uint8Array(24) }, { sealed: box.sealed.slice(1) }]) {
      expect(await codeOf(() => open(change))).toBe('ERR_CRYPTO_DAMAGED')
    }
  })

  test('the checksum covers every part', async () => {
    for (const name of ['commitment', 'nonce', 'sealed', 'checksum'] as const) {
      const bytes = box[name].slice()
      bytes[0] = (bytes[0] as number) ^ 1
      const check = () => assertUndamaged(nobleBackend, context, { ...box, [name]: bytes })
      expect(await codeOf(check)).toBe('ERR_CRYPTO_DAMAGED')
    }
    expect(await codeOf(() => assertUndamaged(nobleBackend, encodeFields(1), box))).toBe(
      'ERR_CRYPTO_DAMAGED',
    )
  })
})

describe('errors', () => {
  test('are recognised across copies of the package, by code', () => {
    const error = new CryptoError('ERR_CRYPTO_OPEN')
    const brand = Symbol.for('@secreg/crypto/CryptoError')
    const foreign = { [brand]: true, code: 'ERR_CRYPTO_BUSY' }
    expect(error).toMatchObject({ name: 'CryptoError', code: 'ERR_CRYPTO_OPEN' })
    expect(isCryptoError(error)).toBe(true)
    expect(isCryptoError(error, 'ERR_CRYPTO_BUSY')).toBe(false)
    expect(isCryptoError(foreign, 'ERR_CRYPTO_BUSY')).toBe(true)
    for (const other of [new Error('x'), null, undefined, 'x', {}]) {
      expect(isCryptoError(other)).toBe(false)
    }
  })
})

test('wipe zeroes', () => {
  const [a, b] = [utf8('secret'), new Uint8Array(3).fill(9)]
  wipe(a, b)
  expect([...a, ...b].every((byte) => byte === 0)).toBe(true)
  expect(() => wipe('x' as never)).toThrow(TypeError)
})
