import {
  nobleBackend,
  openWithPassphrase,
  type PassphraseDocument,
  SCRYPT_FLOOR,
  sealWithPassphrase,
} from '@secreg/crypto'
import { createScryptPool, nodeBackend, type ScryptPool } from '@secreg/crypto/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf, everyFlip, json, utf8 } from './support.ts'

const FORMAT = 'secreg-export-encrypted'
const plaintext = utf8('{"entries":[]}')
let pool: ScryptPool
let derivations = 0
let document: PassphraseDocument
const options = () => ({
  backend: nodeBackend,
  params: SCRYPT_FLOOR,
  scrypt: (...args: Parameters<ScryptPool['scrypt']>) => {
    derivations++
    return pool.scrypt(...args)
  },
})
beforeAll(async () => {
  pool = createScryptPool()
  document = await sealWithPassphrase(FORMAT, 'correct horse', plaintext, options())
})
afterAll(() => pool.close())
const openCode = (value: unknown, passphrase = 'correct horse', format = FORMAT) =>
  codeOf(() => openWithPassphrase(format, passphrase, value, options()))

test('a document opens again, on either backend', async () => {
  const read = json(document)
  expect(await openWithPassphrase(FORMAT, 'correct horse', read, options())).toEqual(plaintext)
  const neutral = { backend: nobleBackend }
  expect(await openWithPassphrase(FORMAT, utf8('correct horse'), read, neutral)).toEqual(plaintext)
})

test('it has the documented members', () => {
  expect(document).toMatchObject({
    format: FORMAT,
    version: 1,
    kdf: { name: 'scrypt', N: 32_768, r: 8, p: 1 },
    cipher: 'xchacha20-poly1305',
  })
  expect(Object.keys(document)).toEqual([
    ...['format', 'version', 'kdf', 'cipher', 'commitment', 'nonce', 'data', 'checksum'],
  ])
})

test('empty and large content', async () => {
  for (const length of [0, 1_048_576]) {
    const content = new Uint8Array(length).fill(7)
    const sealed = await sealWithPassphrase('backup', 'p', content, options())
    const opened = await openWithPassphrase('backup', 'p', sealed, options())
    expect(Buffer.compare(opened, content)).toBe(0)
  }
})

test('two documents of the same content have nothing in common', async () => {
  const again = await sealWithPassphrase(FORMAT, 'correct horse', plaintext, options())
  expect(again.kdf.salt).not.toBe(document.kdf.salt)
  expect(again.nonce).not.toBe(document.nonce)
  expect(again.data).not.toBe(document.data)
  expect(again.commitment).not.toBe(document.commitment)
})

test('a wrong passphrase is not damage', async () => {
  for (const passphrase of ['correct horsf', '', 'Correct horse', 'correct horse ']) {
    expect(await openCode(document, passphrase)).toBe('ERR_CRYPTO_WRONG_KEY')
  }
})

test('30: any flipped bit is refused as damage, before any derivation', async () => {
  derivations = 0
  for (const flipped of everyFlip(document)) {
    expect(await openCode(flipped)).toMatch(
      /^ERR_CRYPTO_(DAMAGED|FORMAT|KDF_BELOW_FLOOR|KDF_ABOVE_CEILING)$/,
    )
  }
  expect(derivations).toBe(0)
})

test('damage is damage whatever passphrase is given', async () => {
  const data = `${document.data.startsWith('A') ? 'B' : 'A'}${document.data.slice(1)}`
  expect(await openCode({ ...document, data })).toBe('ERR_CRYPTO_DAMAGED')
  expect(await openCode({ ...document, data }, 'wrong')).toBe('ERR_CRYPTO_DAMAGED')
  expect(await openCode({ ...document, data: document.data.slice(4) })).toBe('ERR_CRYPTO_DAMAGED')
})

test('a document of another format or version is named as such', async () => {
  expect(await openCode(document, 'correct horse', 'secreg-backup')).toBe('ERR_CRYPTO_FORMAT')
  expect(await openCode({ ...document, version: 2 })).toBe('ERR_CRYPTO_FORMAT')
  expect(await openCode({ ...document, format: 'other' })).toBe('ERR_CRYPTO_FORMAT')
  for (const value of [null, undefined, 1, 'x', [], {}]) {
    expect(await openCode(value)).toBe('ERR_CRYPTO_FORMAT')
  }
})

describe('shape', () => {
  test('missing and unknown members', async () => {
    const { nonce: _, ...without } = document
    expect(await openCode(without)).toBe('ERR_CRYPTO_DAMAGED')
    expect(await openCode({ ...document, more: 1 })).toBe('ERR_CRYPTO_DAMAGED')
    expect(await openCode({ ...document, cipher: 'aes-256-gcm' })).toBe('ERR_CRYPTO_DAMAGED')
  })

  test('base64 has one spelling', async () => {
    const { nonce } = document
    for (const other of [
      `${nonce}\n`,
      ` ${nonce}`,
      `${nonce}=`,
      nonce.slice(0, -1),
      `${nonce}AAAA`,
    ]) {
      expect(await openCode({ ...document, nonce: other })).toBe('ERR_CRYPTO_DAMAGED')
    }
  })

  test('36: parameters outside the bounds', async () => {
    derivations = 0
    const kdf = (change: object) => ({ ...document, kdf: { ...document.kdf, ...change } })
    expect(await openCode(kdf({ N: 2 ** 14 }))).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
    expect(await openCode(kdf({ r: 4 }))).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
    expect(await openCode(kdf({ N: 2 ** 30 }))).toBe('ERR_CRYPTO_KDF_ABOVE_CEILING')
    expect(await openCode(kdf({ p: 1000 }))).toBe('ERR_CRYPTO_KDF_ABOVE_CEILING')
    expect(derivations).toBe(0)
    const weak = { ...options(), params: { N: 1024, r: 8, p: 1 } }
    expect(await codeOf(() => sealWithPassphrase(FORMAT, 'p', plaintext, weak))).toBe(
      'ERR_CRYPTO_KDF_BELOW_FLOOR',
    )
  })
})

test('arguments', async () => {
  const bad = (value: unknown) => value as never
  await expect(sealWithPassphrase(bad(1), 'p', plaintext)).rejects.toThrow(TypeError)
  for (const format of ['', 'A', 'a b', '-a', 'a'.repeat(65)]) {
    await expect(sealWithPassphrase(format, 'p', plaintext)).rejects.toThrow(RangeError)
    await expect(openWithPassphrase(format, 'p', document)).rejects.toThrow(RangeError)
  }
  await expect(sealWithPassphrase(FORMAT, bad(1), plaintext)).rejects.toThrow(TypeError)
  await expect(sealWithPassphrase(FORMAT, '', plaintext)).rejects.toThrow(RangeError)
  await expect(sealWithPassphrase(FORMAT, 'p', bad('x'))).rejects.toThrow(TypeError)
  await expect(openWithPassphrase(FORMAT, bad(1), document)).rejects.toThrow(TypeError)
})
