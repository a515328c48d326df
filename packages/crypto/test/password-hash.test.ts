import {
  DEFAULT_SCRYPT,
  decoyPasswordHash,
  formatPasswordHash,
  hashPassword,
  needsRehash,
  parsePasswordHash,
  SCRYPT_FLOOR,
  verifyPassword,
} from '@secreg/crypto'
import { createScryptPool, nodeBackend, type ScryptPool } from '@secreg/crypto/node'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf, utf8 } from './support.ts'

let pool: ScryptPool
let stored: string
const options = () => ({ scrypt: pool.scrypt, backend: nodeBackend, params: SCRYPT_FLOOR })
beforeAll(async () => {
  pool = createScryptPool()
  stored = await hashPassword('correct horse', options())
})
afterAll(() => pool.close())

describe('hashing', () => {
  test('a password verifies against its own hash only', async () => {
    expect(stored).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(await verifyPassword('correct horse', stored, options())).toBe(true)
    expect(await verifyPassword(utf8('correct horse'), stored, options())).toBe(true)
    for (const wrong of ['correct horsf', 'Correct horse', 'correct horse ', ' correct horse']) {
      expect(await verifyPassword(wrong, stored, options())).toBe(false)
    }
  })

  test('the platform-neutral defaults agree', async () => {
    expect(await verifyPassword('correct horse', stored)).toBe(true)
  })

  test('two hashes of a password differ', async () => {
    expect(await hashPassword('correct horse', options())).not.toBe(stored)
  })

  test('a known string, made by another implementation', async () => {
    // Python 3 hashlib.scrypt(b'correct horse', salt=bytes(range(16)), n=2**15, r=8, p=1, dklen=32)
    const known =
      '$scrypt$ln=15,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$XGYmKKxOsQaKKH4qoqICriSOmNsE1h0zJ+c0LbbscJc'
    expect(await verifyPassword('correct horse', known, options())).toBe(true)
    expect(await verifyPassword('correct horsf', known, options())).toBe(false)
  })

  test('composed and decomposed letters are one password, as text and as bytes', async () => {
    const hash = await hashPassword('caf\u00e9', options())
    for (const same of ['cafe\u0301', utf8('cafe\u0301'), utf8('caf\u00e9')]) {
      expect(await verifyPassword(same, hash, options())).toBe(true)
    }
    expect(await verifyPassword('cafe', hash, options())).toBe(false)
  })

  test('what cannot be a password does not match', async () => {
    const long = 'x'.repeat(4097)
    for (const never of ['', '\ud800', long, utf8(long), new Uint8Array([0xc3]), 'x'.repeat(1e6)]) {
      expect(await verifyPassword(never, stored, options())).toBe(false)
      await expect(hashPassword(never, options())).rejects.toThrow(RangeError)
    }
    expect(await verifyPassword('x'.repeat(4096), stored, options())).toBe(false)
  })

  test('47: nothing matches a decoy, which costs what a real hash costs', async () => {
    const decoy = decoyPasswordHash(options())
    expect(parsePasswordHash(decoy).params).toEqual(SCRYPT_FLOOR)
    expect(parsePasswordHash(decoyPasswordHash()).params).toEqual(DEFAULT_SCRYPT)
    expect(await verifyPassword('correct horse', decoy, options())).toBe(false)
  })

  test('a hash with other parameters is to be made anew', () => {
    expect(needsRehash(stored)).toBe(true)
    expect(needsRehash(stored, SCRYPT_FLOOR)).toBe(false)
    expect(needsRehash(stored, { ...SCRYPT_FLOOR, p: 2 })).toBe(true)
  })

  test('a refusal of the pool reaches the caller', async () => {
    const closed = createScryptPool()
    await closed.close()
    const refused = { ...options(), scrypt: closed.scrypt }
    expect(await codeOf(() => verifyPassword('p', stored, refused))).toBe('ERR_CRYPTO_CLOSED')
    expect(await codeOf(() => hashPassword('p', refused))).toBe('ERR_CRYPTO_CLOSED')
  })
})

describe('PHC strings', () => {
  const [salt, hash] = ['AAECAwQFBgcICQoLDA0ODw', 'A'.repeat(43)]

  test('parse and format are inverse', () => {
    const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max })
    fc.assert(
      fc.property(
        fc.integer({ min: 15, max: 17 }),
        fc.integer({ min: 8, max: 32 }),
        fc.integer({ min: 1, max: 4 }),
        bytes(16, 64),
        bytes(32, 32),
        (ln, r, p, saltBytes, hashBytes) => {
          const parsed = { params: { N: 2 ** ln, r, p }, salt: saltBytes, hash: hashBytes }
          const text = formatPasswordHash(parsed)
          expect(parsePasswordHash(text)).toEqual(parsed)
          expect(formatPasswordHash(parsePasswordHash(text))).toBe(text)
        },
      ),
    )
  })

  test.each([
    '',
    'scrypt',
    `$scrypt$ln=15,r=8,p=1$${salt}`,
    `$scrypt$ln=15,r=8,p=1$${salt}$${hash}$`,
    `$scrypt$ln=15,r=8,p=1$${salt}$${hash}\n`,
    ` $scrypt$ln=15,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=015,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=08,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,p=1,r=8$${salt}$${hash}`,
    `$scrypt$ln=15,r=8$${salt}$${hash}`,
    `$scrypt$ln=-15,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=1e1,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=8,p=99999$${salt}$${hash}`,
    `$scrypt$v=1$ln=15,r=8,p=1$${salt}$${hash}`,
    `$argon2id$v=19$m=65536,t=3,p=4$${salt}$${hash}`,
    `$SCRYPT$ln=15,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=8,p=1$${salt}==$${hash}=`,
    `$scrypt$ln=15,r=8,p=1$AAEC$${hash}`,
    `$scrypt$ln=15,r=8,p=1$${salt.slice(0, -1)}x$${hash}`,
    `$scrypt$ln=15,r=8,p=1$${salt}$${hash.slice(1)}B`,
    `$scrypt$ln=15,r=8,p=1$${salt}$${hash.slice(1)}`,
    `$scrypt$ln=15,r=8,p=1$${salt.replace('A', '-')}$${hash}`,
  ])('%j is not one', async (text) => {
    expect(await codeOf(() => parsePasswordHash(text))).toBe('ERR_CRYPTO_FORMAT')
    expect(await codeOf(() => verifyPassword('p', text))).toBe('ERR_CRYPTO_FORMAT')
  })

  test('36: the bounds', async () => {
    const code = (cost: string) =>
      codeOf(() => parsePasswordHash(`$scrypt$${cost}$${salt}$${hash}`))
    expect(await code('ln=14,r=8,p=1')).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
    expect(await code('ln=15,r=7,p=1')).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
    expect(await code('ln=21,r=8,p=1')).toBe('ERR_CRYPTO_KDF_ABOVE_CEILING')
    expect(await code('ln=99,r=8,p=1')).toBe('ERR_CRYPTO_KDF_ABOVE_CEILING')
    expect(await code('ln=15,r=9999,p=1')).toBe('ERR_CRYPTO_KDF_ABOVE_CEILING')
    expect(await code('ln=15,r=8,p=9999')).toBe('ERR_CRYPTO_KDF_ABOVE_CEILING')
    const weak = { ...options(), params: { N: 2 ** 14, r: 8, p: 1 } }
    expect(await codeOf(() => hashPassword('p', weak))).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
    expect(await codeOf(() => decoyPasswordHash(weak))).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
  })

  test('any text gives a hash or an error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 200 }), async (text) => {
        expect(await codeOf(() => parsePasswordHash(`$scrypt$${text}`))).toBe('ERR_CRYPTO_FORMAT')
      }),
    )
  })
})

test('arguments', async () => {
  const bad = (value: unknown) => value as never
  expect(() => parsePasswordHash(bad(1))).toThrow(TypeError)
  expect(() => needsRehash(bad(null))).toThrow(TypeError)
  await expect(hashPassword(bad(1), options())).rejects.toThrow(TypeError)
  await expect(verifyPassword(bad(1), stored, options())).rejects.toThrow(TypeError)
  await expect(verifyPassword('p', bad(1), options())).rejects.toThrow(TypeError)
  const parsed = parsePasswordHash(stored)
  expect(() => formatPasswordHash({ ...parsed, salt: bad('x') })).toThrow(TypeError)
  expect(() => formatPasswordHash({ ...parsed, salt: new Uint8Array(15) })).toThrow(RangeError)
  expect(() => formatPasswordHash({ ...parsed, salt: new Uint8Array(65) })).toThrow(RangeError)
  expect(() => formatPasswordHash({ ...parsed, hash: new Uint8Array(31) })).toThrow(RangeError)
})
