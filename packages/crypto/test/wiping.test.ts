import {
  addProtector,
  type CryptoBackend,
  changePassphrase,
  createKeyRing,
  createSeal,
  hashPassword,
  type NewProtector,
  openKeyRing,
  openSeal,
  openWithPassphrase,
  SCRYPT_FLOOR,
  type Scrypt,
  sealWithPassphrase,
  verifyPassword,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, utf8 } from './support.ts'

/** Every derived key, random key and encoded passphrase that was handed out or in. */
let secrets: Uint8Array[] = []
const keep = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length >= 32) secrets.push(bytes)
  return bytes
}
const backend: CryptoBackend = {
  ...nodeBackend,
  hkdfSha256: (...args) => keep(nodeBackend.hkdfSha256(...args)),
}
/** Not scrypt: the bytes that it would be given and would give are what is looked at here. */
const scrypt: Scrypt = async (password, salt, { length }) => {
  secrets.push(password)
  return keep(nodeBackend.hkdfSha256(password, salt, new Uint8Array(0), length))
}
const options = { backend, scrypt, params: SCRYPT_FLOOR }
const left = (): number => secrets.filter((bytes) => bytes.some((byte) => byte !== 0)).length
beforeEach(() => {
  secrets = []
})

const PASSPHRASE: NewProtector = { kind: 'passphrase', passphrase: 'correct horse' }
const KEY_FILE: NewProtector = { kind: 'key-file', bytes: new Uint8Array(32).fill(1) }
const SHAMIR: NewProtector = { kind: 'shamir', threshold: 2, count: 3 }

describe('temporary keys are zero afterwards', () => {
  test('of the seal', async () => {
    const { header, rootKey, shareSets } = await createSeal([PASSPHRASE, KEY_FILE, SHAMIR], options)
    const shares = shareSets[0]?.shares ?? []
    await openSeal(header, { kind: 'passphrase', passphrase: 'correct horse' }, options)
    await openSeal(header, { kind: 'shamir', shares }, options)
    await codeOf(() => openSeal(header, { kind: 'passphrase', passphrase: 'wrong' }, options))
    await addProtector(header, rootKey, SHAMIR, options)
    await changePassphrase(header, 'correct horse', 'battery staple', options)
    expect(secrets.length).toBeGreaterThan(20)
    expect(left()).toBe(0)
  })

  test('of documents and password hashes', async () => {
    const document = await sealWithPassphrase('export', 'correct horse', utf8('content'), options)
    await openWithPassphrase('export', 'correct horse', document, options)
    await codeOf(() => openWithPassphrase('export', 'wrong', document, options))
    expect(secrets.length).toBeGreaterThan(8)
    expect(left()).toBe(0)
    secrets = []
    const stored = await hashPassword('correct horse', options)
    await verifyPassword('correct horse', stored, options)
    await verifyPassword('wrong', stored, options)
    // What is left is the hash itself, which was written into the string.
    expect(secrets).toHaveLength(6)
    expect(left()).toBe(1)
  })

  test('when the derivation fails', async () => {
    const failing: Scrypt = async (password) => {
      secrets.push(password)
      throw new Error('out of memory')
    }
    const broken = { ...options, scrypt: failing }
    await expect(createSeal([PASSPHRASE], broken)).rejects.toThrow('out of memory')
    await expect(sealWithPassphrase('x', 'p', utf8('y'), broken)).rejects.toThrow('out of memory')
    await expect(hashPassword('p', broken)).rejects.toThrow('out of memory')
    expect(secrets).toHaveLength(3)
    expect(left()).toBe(0)
  })
})

test('wiping a key ring wipes all of its keys', () => {
  const random: Uint8Array[] = []
  const recording: CryptoBackend = {
    ...backend,
    randomBytes: (length) => {
      const bytes = nodeBackend.randomBytes(length)
      if (length === 32) random.push(bytes)
      return bytes
    },
    xchachaOpen: (...args) => keep(nodeBackend.xchachaOpen(...args)),
  }
  const root = nodeBackend.randomBytes(32)
  const { ring, epoch } = createKeyRing(root, recording)
  const second = ring.addEpoch()
  ring.activateEpoch(2)
  ring.dropEpoch(1)
  expect(random[0]?.every((byte) => byte === 0)).toBe(true)
  ring.wipe()
  const again = openKeyRing(root, [epoch, second], recording)
  again.wipe()
  secrets.push(...random)
  expect(secrets).toHaveLength(6)
  expect(left()).toBe(0)
})
