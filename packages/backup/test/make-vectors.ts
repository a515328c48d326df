/**
 * A backup and an encrypted export with fixed random bytes, from rows and entries of a real store. `vectors.test.ts`
 * holds the files to them, on both backends; `SECREG_WRITE_VECTORS=1` writes the files anew.
 */
import { readFileSync } from 'node:fs'
import { type BackupRow, writeBackup } from '@secreg/backup'
import {
  type Credential,
  type CryptoBackend,
  createSeal,
  deriveSubkey,
  portableSeal,
  replaceEpochs,
  SCRYPT_FLOOR,
  type Scrypt,
  type SealHeader,
  sealWithPassphrase,
} from '@secreg/crypto'
import {
  createFixedRandom,
  fixNodeRandom,
  fromHex,
  loadJson,
  toHex,
  withFixedRandom,
} from '@secreg/testkit'
import { collect } from './support.ts'

/** What vectors are made with. */
export interface VectorTools {
  readonly backend: CryptoBackend
  readonly scrypt: Scrypt
}

/** A store as it was recorded once. */
export interface RecordedStore {
  readonly root: string
  readonly generation: string
  readonly revision: number
  readonly rows: readonly (Omit<BackupRow, 'value'> & { readonly value: string })[]
}

export const urlOf = (name: string): URL => new URL(`vectors/${name}`, import.meta.url)

export const loadStore = (): RecordedStore => loadJson<RecordedStore>(urlOf('store.json'))

export const rowsOf = (store: RecordedStore): BackupRow[] =>
  store.rows.map((row) => ({ ...row, value: Uint8Array.from(Buffer.from(row.value, 'base64')) }))

const PASSPHRASE = 'zal\u00e9v\u00e1me kv\u011btiny'

/** Make the content of every file, by its name. */
export function makeVectors({ backend, scrypt }: VectorTools): Promise<Map<string, Uint8Array>> {
  const tools = { backend: withFixedRandom(backend, 'backup'), scrypt }
  return fixNodeRandom('backup', async () => {
    const store = loadStore()
    const root = fromHex(store.root)
    const rows = rowsOf(store)
    const keyFile = createFixedRandom('key file')(48)
    const { header, shareSets } = await createSeal(
      [
        { kind: 'passphrase', passphrase: PASSPHRASE, params: SCRYPT_FLOOR },
        { kind: 'key-file', label: 'safe', bytes: keyFile },
        { kind: 'systemd-credential', name: 'secreg', bytes: createFixedRandom('credential')(32) },
        { kind: 'shamir', label: 'board', recovery: true, threshold: 2, count: 3 },
      ],
      { ...tools, rootKey: root },
    )
    const headerKey = deriveSubkey(root, 'seal-header', backend)
    const own = rows.find(({ key }) => key === 's/header')?.value
    const { epochs } = JSON.parse(new TextDecoder().decode(own)) as SealHeader
    const file = writeBackup({
      seal: portableSeal(replaceEpochs(header, headerKey, epochs, tools), headerKey, tools),
      backupKey: deriveSubkey(root, 'backup', backend),
      generation: store.generation,
      revision: store.revision,
      createdAtMs: 1_760_000_000_000,
      meta: {
        software: '0.1.0',
        log: { sequence: 30, hash: 'ab'.repeat(32), revision: store.revision },
      },
      rows,
      backend: tools.backend,
    })
    const text = readFileSync(urlOf('export.secreg'))
    const document = await sealWithPassphrase('secreg-export-encrypted', PASSPHRASE, text, {
      ...tools,
      params: SCRYPT_FLOOR,
    })
    const credentials: Record<string, unknown> = {
      passphrase: PASSPHRASE,
      keyFile: toHex(keyFile),
      shares: shareSets[0]?.shares,
    }
    const utf8 = new TextEncoder()
    return new Map<string, Uint8Array>([
      ['store.backup', await collect(file)],
      ['export-encrypted.secreg', utf8.encode(`${JSON.stringify(document)}\n`)],
      ['credentials.json', utf8.encode(`${JSON.stringify(credentials, null, 2)}\n`)],
    ])
  })
}

/** What opens the files. */
export function loadCredentials(): {
  readonly passphrase: string
  readonly keyFile: Uint8Array
  readonly shares: readonly string[]
  readonly all: readonly Credential[]
} {
  const { passphrase, keyFile, shares } = loadJson<{
    passphrase: string
    keyFile: string
    shares: string[]
  }>(urlOf('credentials.json'))
  const bytes = fromHex(keyFile)
  return {
    passphrase,
    keyFile: bytes,
    shares,
    all: [
      { kind: 'passphrase', passphrase },
      { kind: 'key-file', bytes },
      { kind: 'shamir', shares: shares.slice(1) },
    ],
  }
}
