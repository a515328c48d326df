import { readFileSync } from 'node:fs'
import {
  DEFAULT_SCRYPT,
  nobleScrypt,
  SCRYPT_CEILING,
  SCRYPT_FLOOR,
  type Scrypt,
} from '@secreg/crypto'
import { createScryptPool, type ScryptPool } from '@secreg/crypto/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertScryptBounds } from '../src/scrypt.ts'
import { codeOf, utf8 } from './support.ts'

interface Vector {
  password: string
  salt: string
  N: number
  r: number
  p: number
  key: string
}
const { vectors } = JSON.parse(
  readFileSync(new URL('vectors/scrypt.json', import.meta.url), 'utf8'),
) as { vectors: Vector[] }

let pool: ScryptPool
beforeAll(() => {
  pool = createScryptPool()
})
afterAll(() => pool.close())
const pooled: Scrypt = (...args) => pool.scrypt(...args)

describe.each([
  { name: 'noble', scrypt: nobleScrypt },
  { name: 'pool', scrypt: pooled },
])('scrypt of $name', ({ scrypt }) => {
  test.each(vectors)('vector %#', async ({ password, salt, N, r, p, key }) => {
    const length = key.length / 2
    const got = await scrypt(utf8(password), utf8(salt), { N, r, p, length })
    expect(Buffer.from(got).toString('hex')).toBe(key)
    expect(Object.getPrototypeOf(got)).toBe(Uint8Array.prototype)
  })

  test('arguments are refused before anything is computed', async () => {
    const bytes = new Uint8Array(8)
    const call = (change: object) =>
      scrypt(bytes, bytes, { N: 1024, r: 8, p: 1, length: 32, ...change })
    const bad = (value: unknown) => value as never
    for (const [name, value] of [
      ['N', '1024'],
      ['r', null],
      ['p', undefined],
      ['length', '32'],
    ] as const) {
      await expect(call({ [name]: value })).rejects.toThrow(TypeError)
    }
    for (const change of [
      { N: 1000 },
      { N: 0 },
      { r: 0 },
      { p: -1 },
      { length: 0 },
      { length: 1025 },
    ]) {
      await expect(call(change)).rejects.toThrow(RangeError)
    }
    await expect(scrypt(bad('x'), bytes, { ...DEFAULT_SCRYPT, length: 32 })).rejects.toThrow(
      TypeError,
    )
    await expect(scrypt(bytes, bad('x'), { ...DEFAULT_SCRYPT, length: 32 })).rejects.toThrow(
      TypeError,
    )
    await expect(scrypt(bytes, bytes, bad(null))).rejects.toThrow(TypeError)
    for (const change of [{ N: 2 ** 21 }, { r: 64 }, { p: 32 }, { N: 2 ** 20, r: 9 }]) {
      expect(await codeOf(() => call(change))).toBe('ERR_CRYPTO_KDF_ABOVE_CEILING')
    }
  })

  test('the arguments are left as they are', async () => {
    const [password, salt] = [utf8('password'), utf8('salt')]
    await scrypt(password, salt, { N: 16, r: 1, p: 1, length: 8 })
    expect(password).toEqual(utf8('password'))
    expect(salt).toEqual(utf8('salt'))
  })
})

test('36: the bounds for everything that is stored', async () => {
  expect(() => assertScryptBounds(SCRYPT_FLOOR)).not.toThrow()
  expect(() => assertScryptBounds(DEFAULT_SCRYPT)).not.toThrow()
  expect(() => assertScryptBounds({ N: SCRYPT_CEILING.N, r: 8, p: 4 })).not.toThrow()
  for (const params of [{ N: 2 ** 14 }, { r: 7 }]) {
    expect(await codeOf(() => assertScryptBounds({ ...SCRYPT_FLOOR, ...params }))).toBe(
      'ERR_CRYPTO_KDF_BELOW_FLOOR',
    )
  }
  for (const params of [{ N: 2 ** 21 }, { r: 33 }, { p: 17 }, { N: 2 ** 20, p: 5 }]) {
    expect(await codeOf(() => assertScryptBounds({ ...SCRYPT_FLOOR, ...params }))).toBe(
      'ERR_CRYPTO_KDF_ABOVE_CEILING',
    )
  }
})
