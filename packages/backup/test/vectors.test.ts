/** The recorded store as a backup, and its export: both backends make the files byte by byte, and open them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { openBackup, readBackupHeader, verifyBackup } from '@secreg/backup'
import {
  type CryptoBackend,
  nobleBackend,
  nobleScrypt,
  openWithPassphrase,
  type Scrypt,
} from '@secreg/crypto'
import { createScryptPool, nodeBackend } from '@secreg/crypto/node'
import { loadJson } from '@secreg/testkit'
import { afterAll, describe, expect, test } from 'vitest'
import { loadCredentials, loadStore, makeVectors, rowsOf, urlOf } from './make-vectors.ts'
import { all } from './support.ts'

const pool = createScryptPool()
afterAll(() => pool.close())

const TOOLS: readonly { backend: CryptoBackend; scrypt: Scrypt }[] = [
  { backend: nodeBackend, scrypt: pool.scrypt },
  { backend: nobleBackend, scrypt: nobleScrypt },
]

describe.each(TOOLS)('$backend.name backend', (tools) => {
  test('makes the files, byte by byte', async () => {
    for (const [name, content] of await makeVectors(tools)) {
      if (process.env['SECREG_WRITE_VECTORS'] === '1') writeFileSync(urlOf(name), content)
      expect(readFileSync(urlOf(name)).equals(content), name).toBe(true)
    }
  })

  test('opens the backup with each credential', async () => {
    const store = loadStore()
    const file = readFileSync(urlOf('store.backup'))
    expect((await readBackupHeader([file])).revision).toBe(store.revision)
    for (const credential of loadCredentials().all) {
      const opened = await openBackup([file], credential, tools)
      expect(Buffer.from(opened.rootKey).toString('hex')).toBe(store.root)
      expect(await all(opened.rows())).toEqual(rowsOf(store))
    }
  })

  test('reports on the backup', async () => {
    const { keyFile } = loadCredentials()
    const file = readFileSync(urlOf('store.backup'))
    const opened = await openBackup([file], { kind: 'key-file', bytes: keyFile }, tools)
    const { rows, spaces } = await verifyBackup(opened)
    expect(rows).toBe(loadStore().rows.length)
    expect([...spaces.keys()].join('')).toBe('aegnopsvwxz')
    expect(spaces.get('e')?.rows).toBe(13)
  })

  test('opens the export', async () => {
    const document = loadJson(urlOf('export-encrypted.secreg'))
    const { passphrase } = loadCredentials()
    const plain = await openWithPassphrase('secreg-export-encrypted', passphrase, document, tools)
    expect(readFileSync(urlOf('export.secreg')).equals(plain)).toBe(true)
  })
})
