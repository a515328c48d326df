import { type BackupRow, isBackupError, type WriteBackupOptions, writeBackup } from '@secreg/backup'
import {
  type Credential,
  type CryptoBackend,
  createSeal,
  deriveSubkey,
  encodeBase64,
  encodeFields,
  isCryptoError,
  portableSeal,
  sealStream,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import fc from 'fast-check'

/** Ciphertext of a full chunk in bytes. */
export const SEALED_CHUNK = 65_552

export const backend: CryptoBackend = nodeBackend
export const keyFile: Uint8Array = new Uint8Array(32).map((_, i) => i)
export const credential: Credential = { kind: 'key-file', bytes: keyFile }

const sealed = await createSeal([{ kind: 'key-file', bytes: keyFile }], { backend })
export const backupKey: Uint8Array = deriveSubkey(sealed.rootKey, 'backup', backend)
const headerKey = deriveSubkey(sealed.rootKey, 'seal-header', backend)
export const rootKey: Uint8Array = sealed.rootKey
export const seal = portableSeal(sealed.header, headerKey, { backend })

export const parts: Omit<WriteBackupOptions, 'rows'> = {
  seal,
  backupKey,
  generation: '0f'.repeat(16),
  revision: 1000,
  createdAtMs: 1_700_000_000_000,
  meta: { software: '0.1.0', anchor: { sequence: 7, hash: 'ab', revision: 1000 } },
  backend,
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

export function row(key: string, value: Uint8Array | string = 'value', revision = 1): BackupRow {
  const bytes = typeof value === 'string' ? utf8(value) : value
  return { key, value: bytes, createRevision: revision, modifyRevision: revision }
}

/** All bytes of a backup. */
export async function write(
  rows: Iterable<BackupRow>,
  options: Partial<WriteBackupOptions> = {},
): Promise<Buffer> {
  return collect(writeBackup({ ...parts, ...options, rows }))
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

/** Cut into pieces whose lengths repeat. */
export function* cut(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length] as number
    yield bytes.subarray(at, at + length)
    at += length
  }
}

/** Code of the error of ours that a call ends with; any other error is thrown on. */
export async function codeOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
  } catch (error) {
    if (isBackupError(error) || isCryptoError(error)) return error.code
    throw error
  }
  return undefined
}

/** Rows in the order of a store. */
export const someRows: fc.Arbitrary<BackupRow[]> = fc
  .uniqueArray(
    fc.record({
      key: fc
        .string({ unit: 'binary', minLength: 1, maxLength: 60 })
        .filter((key) => !/\p{Surrogate}/u.test(key)),
      value: fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc.integer({ min: 60_000, max: 140_000 }).map((length) => new Uint8Array(length).fill(7)),
      ),
      createRevision: fc.integer({ min: 1, max: 500 }),
      modifyRevision: fc.integer({ min: 500, max: 1000 }),
    }),
    { selector: ({ key }) => key, maxLength: 20 },
  )
  .map((rows) => rows.sort((a, b) => Buffer.compare(utf8(a.key), utf8(b.key))))

/** First line of a file, with its line feed. */
export function lineOf(file: Buffer): Buffer {
  return file.subarray(0, file.indexOf('\n') + 1)
}

/** Chunks of a file. */
export function chunksOf(file: Buffer): Buffer[] {
  const body = file.subarray(lineOf(file).length)
  return Array.from({ length: body.length / SEALED_CHUNK }, (_, i) =>
    body.subarray(i * SEALED_CHUNK, (i + 1) * SEALED_CHUNK),
  )
}

/** Put a first line together from other members, with a checksum that fits; only who has no key would do so. */
export function forgeLine(members: Readonly<Record<string, unknown>>): Buffer {
  const checked = Buffer.from(JSON.stringify(members).slice(0, -1))
  const checksum = backend.sha256(encodeFields('secreg/v1/backup-header', checked))
  return Buffer.concat([checked, Buffer.from(`,"checksum":"${encodeBase64(checksum)}"}\n`)])
}

/** The members of a first line but the checksum. */
export function membersOf(file: Buffer): Record<string, unknown> {
  const { checksum: _, ...members } = JSON.parse(lineOf(file).toString()) as Record<string, unknown>
  return members
}

/** A file with the first line of another and this content, sealed as only the writer can. */
export async function forgeContent(file: Buffer, content: Uint8Array): Promise<Buffer> {
  const line = lineOf(file)
  const salt = Buffer.from(membersOf(file)['salt'] as string, 'base64')
  const keys = backend.hkdfSha256(backupKey, salt, utf8('secreg/v1/backup-stream'), 64)
  const stream = sealStream(keys.subarray(0, 32), backend.sha256(line), [content], { backend })
  return Buffer.concat([line, await collect(stream)])
}
