/** The vectors of our own constructions: both backends make them byte by byte, and open them. */
import { readFileSync, writeFileSync } from 'node:fs'
import {
  type Credential,
  type CryptoBackend,
  deriveSubkey,
  type KeyPurpose,
  nobleBackend,
  nobleScrypt,
  openKeyRing,
  openSeal,
  openStream,
  openWithPassphrase,
  type PassphraseDocument,
  type Scrypt,
  type SealHeader,
  type ValueBinding,
  type WrappedEpoch,
} from '@secreg/crypto'
import { createScryptPool, nodeBackend } from '@secreg/crypto/node'
import { fromHex, loadJson } from '@secreg/testkit'
import { afterAll, describe, expect, test } from 'vitest'
import { openCommitted } from '../src/committed-box.ts'
import { combineShares } from '../src/shares.ts'
import { openValue } from '../src/value-cipher.ts'
import { unwrapEpoch } from '../src/wrapped-epoch.ts'
import { makeVectors, streamPlaintext } from './make-vectors.ts'

type Hex<K extends string> = { readonly [key in K]: string }

const pool = createScryptPool()
afterAll(() => pool.close())

const urlOf = (name: string) => new URL(`vectors/${name}.json`, import.meta.url)
const load = <T>(name: string): T => loadJson<T>(urlOf(name))
const textOf = (content: unknown) => `${JSON.stringify(content, null, 2)}\n`

const TOOLS: readonly { backend: CryptoBackend; scrypt: Scrypt }[] = [
  { backend: nodeBackend, scrypt: pool.scrypt },
  { backend: nobleBackend, scrypt: nobleScrypt },
]

describe.each(TOOLS)('$backend.name backend', (tools) => {
  const { backend } = tools

  test('makes the vectors, byte by byte', async () => {
    for (const [name, content] of await makeVectors(tools)) {
      const text = textOf(content)
      if (process.env['SECREG_WRITE_VECTORS'] === '1') writeFileSync(urlOf(name), text)
      expect(readFileSync(urlOf(name), 'utf8'), name).toBe(text)
    }
  })

  test('committed boxes', () => {
    type Vector = Hex<
      'secret' | 'context' | 'plaintext' | 'commitment' | 'nonce' | 'sealed' | 'checksum'
    >
    for (const vector of load<{ vectors: Vector[] }>('committed-box').vectors) {
      const box = {
        commitment: fromHex(vector.commitment),
        nonce: fromHex(vector.nonce),
        sealed: fromHex(vector.sealed),
        checksum: fromHex(vector.checksum),
      }
      const open = (secret: string) =>
        openCommitted(backend, fromHex(secret), fromHex(vector.context), box)
      expect(open(vector.secret)).toEqual(fromHex(vector.plaintext))
      expect(open('11'.repeat(32))).toBeUndefined()
    }
  })

  test('keys of every purpose', () => {
    type Vectors = { root: string; vectors: { purpose: KeyPurpose; key: string }[] }
    const { root, vectors } = load<Vectors>('subkeys')
    for (const { purpose, key } of vectors) {
      expect(deriveSubkey(fromHex(root), purpose, backend)).toEqual(fromHex(key))
    }
  })

  test('wrapped epochs', () => {
    type Vectors = { root: string; vectors: { dataKey: string; row: WrappedEpoch }[] }
    const { root, vectors } = load<Vectors>('wrapped-epoch')
    const wrapKey = deriveSubkey(fromHex(root), 'seal-epochs', backend)
    for (const { dataKey, row } of vectors) {
      expect(unwrapEpoch(backend, wrapKey, row)).toEqual(fromHex(dataKey))
    }
    const rows = vectors.map(({ row }) => row)
    expect(openKeyRing(fromHex(root), rows, backend).epochs).toEqual([1, 2, 2 ** 32 - 1])
  })

  test('values', () => {
    type Vector = Hex<'dataKey' | 'entryId' | 'version' | 'type' | 'plaintext' | 'blob'> & {
      epoch: number
    }
    for (const vector of load<{ vectors: Vector[] }>('value-blob').vectors) {
      const binding: ValueBinding = {
        entryId: fromHex(vector.entryId),
        version: BigInt(vector.version),
        type: vector.type,
      }
      const [key, blob] = [fromHex(vector.dataKey), fromHex(vector.blob)]
      expect(openValue(backend, key, vector.epoch, binding, blob)).toEqual(
        fromHex(vector.plaintext),
      )
    }
  })

  test('shares: any that are enough', async () => {
    type Vector = {
      secret: string
      setId: string
      threshold: number
      count: number
      shares: string[]
    }
    for (const { secret, shares, ...set } of load<{ vectors: Vector[] }>('shares').vectors) {
      for (let from = 0; from < set.count; from++) {
        const some = Array.from(
          { length: set.threshold },
          (_, i) => shares[(from + 2 * i) % set.count] as string,
        )
        if (new Set(some).size < set.threshold) continue
        expect(await combineShares(some, set, backend)).toEqual(fromHex(secret))
      }
    }
  })

  test('a seal, with every kind of protector', async () => {
    type Given = { id: string; credential: Record<string, unknown> & { bytes?: string } }
    const { root, header, protectors } = load<{
      root: string
      header: SealHeader
      protectors: Given[]
    }>('seal')
    expect(protectors.map(({ credential }) => credential['kind'])).toEqual([
      'passphrase',
      'key-file',
      'systemd-credential',
      'shamir',
      'key-file',
    ])
    for (const { id, credential } of protectors) {
      const { bytes, ...rest } = credential
      const given = bytes === undefined ? rest : { ...rest, bytes: fromHex(bytes) }
      const opened = await openSeal(header, given as unknown as Credential, tools)
      expect(opened).toEqual({ rootKey: fromHex(root), protectorId: id })
    }
  })

  test('passphrase documents', async () => {
    type Vector = Hex<'format' | 'passphrase' | 'plaintext'> & { document: PassphraseDocument }
    const { vectors } = load<{ vectors: Vector[] }>('passphrase-document')
    for (const { format, passphrase, plaintext, document } of vectors) {
      const opened = await openWithPassphrase(format, passphrase, document, tools)
      expect(opened).toEqual(fromHex(plaintext))
    }
  })

  test('streams', async () => {
    type Vector = Hex<'key' | 'aad'> & { length: number; sealed?: string }
    const { vectors } = load<{ vectors: Vector[] }>('stream')
    for (const { key, aad, length, sealed } of vectors) {
      if (sealed === undefined) continue
      const pieces: Uint8Array[] = []
      const stream = openStream(fromHex(key), fromHex(aad), [fromHex(sealed)], { backend })
      for await (const piece of stream) pieces.push(piece)
      expect(Buffer.concat(pieces).equals(streamPlaintext(length))).toBe(true)
    }
  })
})
