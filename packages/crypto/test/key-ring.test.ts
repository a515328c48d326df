import {
  createKeyRing,
  deriveSubkey,
  KEY_PURPOSES,
  nobleBackend,
  openKeyRing,
  readValueEpoch,
  VALUE_OVERHEAD_BYTES,
  type ValueBinding,
  type WrappedEpoch,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeValueAad } from '../src/value-cipher.ts'
import { codeOf, everyFlip, hex, utf8 } from './support.ts'

const root = new Uint8Array(32).map((_, i) => i)
const binding: ValueBinding = {
  entryId: new Uint8Array(16).map((_, i) => i + 1),
  version: 7,
  type: 'string',
}
const plaintext = utf8('secret123')

describe.each([nobleBackend, nodeBackend])('key ring on $name', (backend) => {
  const { ring, epoch } = createKeyRing(root, backend)

  test('a value comes back at its place', () => {
    const blob = ring.sealValue(binding, plaintext)
    expect(blob).toHaveLength(plaintext.length + VALUE_OVERHEAD_BYTES)
    expect(blob[0]).toBe(1)
    expect(readValueEpoch(blob)).toBe(1)
    expect(ring.openValue(binding, blob)).toEqual(plaintext)
  })

  test('the ring opens again from its row, on either backend', () => {
    const blob = ring.sealValue(binding, plaintext)
    const row = JSON.parse(JSON.stringify(epoch)) as WrappedEpoch
    for (const other of [nobleBackend, nodeBackend]) {
      expect(openKeyRing(root, [row], other).openValue(binding, blob)).toEqual(plaintext)
    }
  })

  test('30: any flipped bit of the blob is refused', async () => {
    const blob = ring.sealValue(binding, plaintext)
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const flipped = blob.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await codeOf(() => ring.openValue(binding, flipped))).toBe('ERR_CRYPTO_OPEN')
    }
    for (let length = 0; length < blob.length; length++) {
      expect(await codeOf(() => ring.openValue(binding, blob.subarray(0, length)))).toBe(
        'ERR_CRYPTO_OPEN',
      )
    }
  })

  test('30: a blob moved to another entry, version or type is refused', async () => {
    const blob = ring.sealValue(binding, plaintext)
    for (let bit = 0; bit < 128; bit++) {
      const entryId = binding.entryId.slice()
      entryId[bit >> 3] = (entryId[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await codeOf(() => ring.openValue({ ...binding, entryId }, blob))).toBe(
        'ERR_CRYPTO_OPEN',
      )
    }
    for (const version of [0, 6, 8, 7 + 2 ** 32, 7n + 2n ** 63n]) {
      expect(await codeOf(() => ring.openValue({ ...binding, version }, blob))).toBe(
        'ERR_CRYPTO_OPEN',
      )
    }
    for (const type of ['strinh', 'strin', 'string2', 'bytes']) {
      expect(await codeOf(() => ring.openValue({ ...binding, type }, blob))).toBe('ERR_CRYPTO_OPEN')
    }
  })

  test('29: two encryptions of a value differ and no nonce repeats', () => {
    const nonces = new Set<string>()
    for (let life = 0; life < 10; life++) {
      const again = openKeyRing(root, [epoch], backend)
      for (let i = 0; i < 500; i++) {
        nonces.add(Buffer.from(again.sealValue(binding, plaintext).subarray(5, 29)).toString('hex'))
      }
    }
    expect(nonces.size).toBe(5000)
  })

  test('a new epoch is used once it is activated, and an old one until it is dropped', async () => {
    const made = createKeyRing(root, backend)
    const rotating = made.ring
    const old = rotating.sealValue(binding, plaintext)
    const second = rotating.addEpoch()
    expect(second.epoch).toBe(2)
    expect(rotating.currentEpoch).toBe(1)
    rotating.activateEpoch(2)
    const fresh = rotating.sealValue(binding, plaintext)
    expect(readValueEpoch(fresh)).toBe(2)
    expect(rotating.openValue(binding, old)).toEqual(plaintext)
    expect(rotating.epochs).toEqual([1, 2])
    expect(() => rotating.dropEpoch(2)).toThrow(RangeError)
    rotating.dropEpoch(1)
    expect(await codeOf(() => rotating.openValue(binding, old))).toBe('ERR_CRYPTO_OPEN')
    const reopened = openKeyRing(root, [second, made.epoch], backend)
    expect(reopened.currentEpoch).toBe(2)
    expect(reopened.openValue(binding, fresh)).toEqual(plaintext)
    expect(() => rotating.activateEpoch(9)).toThrow(RangeError)
    expect(() => rotating.dropEpoch(0)).toThrow(RangeError)
  })

  test('a damaged, doubled, missing or foreign row is damage', async () => {
    const { ring: other, epoch: foreign } = createKeyRing(nodeBackend.randomBytes(32), backend)
    other.wipe()
    const rows: unknown[][] = [[], [epoch, epoch], [foreign], [null], [{ ...epoch, more: 1 }]]
    rows.push([{ ...epoch, epoch: 2 }], [{ ...epoch, epoch: 0 }], [{ ...epoch, epoch: 2 ** 32 }])
    for (const row of everyFlip(epoch)) rows.push([row])
    for (const list of rows) {
      expect(await codeOf(() => openKeyRing(root, list as never, backend))).toBe(
        'ERR_CRYPTO_DAMAGED',
      )
    }
  })

  test('a wiped ring does nothing more', async () => {
    const { ring: gone } = createKeyRing(root, backend)
    const blob = gone.sealValue(binding, plaintext)
    gone.wipe()
    gone.wipe()
    const calls = [
      () => gone.sealValue(binding, plaintext),
      () => gone.openValue(binding, blob),
      () => gone.addEpoch(),
      () => gone.activateEpoch(1),
      () => gone.dropEpoch(1),
    ]
    for (const call of calls) expect(await codeOf(call)).toBe('ERR_CRYPTO_WIPED')
  })

  test('arguments', () => {
    const bad = (value: unknown) => value as never
    const { entryId } = binding
    expect(() => createKeyRing(bad('x'), backend)).toThrow(TypeError)
    expect(() => createKeyRing(new Uint8Array(31), backend)).toThrow(RangeError)
    expect(() => openKeyRing(bad(null), [], backend)).toThrow(TypeError)
    expect(() => openKeyRing(root, bad('x'), backend)).toThrow(TypeError)
    expect(() => ring.sealValue(binding, bad('x'))).toThrow(TypeError)
    expect(() => ring.openValue(binding, bad('x'))).toThrow(TypeError)
    expect(() => ring.sealValue({ ...binding, entryId: bad('x') }, plaintext)).toThrow(TypeError)
    expect(() => ring.sealValue({ ...binding, entryId: entryId.slice(1) }, plaintext)).toThrow(
      RangeError,
    )
    for (const version of [-1, 1.5, 2 ** 53, Number.NaN, -1n, 2n ** 64n]) {
      expect(() => ring.sealValue({ ...binding, version }, plaintext)).toThrow(RangeError)
    }
    expect(() => ring.sealValue({ ...binding, version: bad('1') }, plaintext)).toThrow(TypeError)
    for (const type of ['', 'x'.repeat(65), 'a b', 'é', 'a\0']) {
      expect(() => ring.sealValue({ ...binding, type }, plaintext)).toThrow(RangeError)
    }
    expect(() => ring.sealValue({ ...binding, type: bad(1) }, plaintext)).toThrow(TypeError)
  })
})

describe('the associated data of a value', () => {
  test('has this form', () => {
    const aad = encodeValueAad({ ...binding, version: 2 ** 32 + 5, type: 'json' }, 258)
    expect(Buffer.from(aad).toString('hex')).toBe(
      [
        '0000000101',
        '000000100102030405060708090a0b0c0d0e0f10',
        '000000080000000100000005',
        '000000046a736f6e',
        '0000000400000102',
      ].join(''),
    )
  })

  test('is the same for a number and a bigint, and differs for all else', () => {
    const bindings = fc.record({
      entryId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      version: fc.nat(),
      type: fc.stringMatching(/^[!-~]{1,64}$/),
      epoch: fc.nat({ max: 5 }),
    })
    const encode = (b: ValueBinding & { epoch: number }) =>
      Buffer.from(encodeValueAad(b, b.epoch)).toString('hex')
    fc.assert(
      fc.property(bindings, bindings, (a, b) => {
        expect(encode({ ...a, version: BigInt(a.version) })).toBe(encode(a))
        const same = JSON.stringify([...a.entryId, a]) === JSON.stringify([...b.entryId, b])
        expect(encode(a) === encode(b)).toBe(same)
      }),
    )
  })
})

test('the epoch of a blob is read only from a blob', async () => {
  expect(() => readValueEpoch('x' as never)).toThrow(TypeError)
  for (const blob of [new Uint8Array(0), new Uint8Array(44).fill(1), new Uint8Array(64)]) {
    expect(await codeOf(() => readValueEpoch(blob))).toBe('ERR_CRYPTO_OPEN')
  }
  const highest = new Uint8Array(45).fill(255)
  highest[0] = 1
  expect(readValueEpoch(highest)).toBe(2 ** 32 - 1)
})

describe('subkeys', () => {
  test('differ by purpose and by root, and not by backend', () => {
    const keys = KEY_PURPOSES.flatMap((purpose) => {
      const key = deriveSubkey(root, purpose, nodeBackend)
      expect(deriveSubkey(root, purpose)).toEqual(key)
      expect(key).toHaveLength(32)
      const other = deriveSubkey(new Uint8Array(32), purpose)
      return [key, other].map((bytes) => Buffer.from(bytes).toString('hex'))
    })
    expect(new Set(keys).size).toBe(2 * KEY_PURPOSES.length)
  })

  test('the info string is versioned', () => {
    const expected = nodeBackend.hkdfSha256(root, hex(''), utf8('secreg/v1/row-check'), 32)
    expect(deriveSubkey(root, 'row-check')).toEqual(expected)
  })

  test('arguments', () => {
    expect(() => deriveSubkey('x' as never, 'backup')).toThrow(TypeError)
    expect(() => deriveSubkey(new Uint8Array(16), 'backup')).toThrow(RangeError)
    expect(() => deriveSubkey(root, 1 as never)).toThrow(TypeError)
    expect(() => deriveSubkey(root, 'other' as never)).toThrow(RangeError)
  })
})
