/**
 * Writing a backup: the first line (`header.ts`), then the content (`content.ts`) sealed as a stream of `@secreg/crypto`
 * whose associated data is SHA-256 of the first line.
 */
import {
  type CryptoBackend,
  CryptoError,
  isPortable,
  nobleBackend,
  parseSealHeader,
  type SealHeader,
  sealStream,
} from '@secreg/crypto'
import { contentOf } from './content.ts'
import { type BackupHeader, digestOf, formatHeader, isId, isInteger } from './header.ts'
import { assertBackupKey, type BackupKeys, deriveBackupKeys, SALT_BYTES } from './keys.ts'
import { type BackupMeta, type BackupRow, META_MAX_BYTES, REVISION_MAX } from './row.ts'

/** What a backup is made from. */
export interface WriteBackupOptions {
  /** Seal header of the store with its portable protectors, as `portableSeal` gives it. */
  readonly seal: SealHeader
  /** Key of purpose `backup` of the root key, 32 bytes; not kept, the caller wipes it once this has returned. */
  readonly backupKey: Uint8Array
  /** Life of the store, 32 hexadecimal digits. */
  readonly generation: string
  /** Revision whose state the rows are. */
  readonly revision: number
  /** Time of the backup, milliseconds since 1970. */
  readonly createdAtMs: number
  /** What else a reader is to know. */
  readonly meta: BackupMeta
  /** Every row at that revision, ascending by the UTF-8 bytes of the keys. A row is read until the next is asked for. */
  readonly rows: AsyncIterable<BackupRow> | Iterable<BackupRow>
  /** Default: `nobleBackend`. */
  readonly backend?: CryptoBackend
}

/** A backup to be written somewhere, once, in pieces of at most a chunk. It is complete when the iteration ends. */
export interface BackupStream extends AsyncIterable<Uint8Array> {
  readonly header: BackupHeader
}

/**
 * Make a backup. Memory stays bounded by a few chunks and the largest value, and the event loop gets its turns.
 *
 * @returns the header, and the pieces of the file in order; an error of `rows` passes through the iteration
 * @throws CryptoError `ERR_CRYPTO_NO_PORTABLE`, and `ERR_CRYPTO_DAMAGED` if `seal` is no seal header; TypeError,
 *   RangeError, in the iteration also for rows that are out of order or out of bounds
 */
export function writeBackup(options: WriteBackupOptions): BackupStream {
  const { backupKey, createdAtMs, generation, revision, backend = nobleBackend } = options
  assertBackupKey(backupKey)
  if (!isId(generation)) throw new RangeError('generation must be 32 hexadecimal digits')
  if (!isInteger(revision, REVISION_MAX)) {
    throw new RangeError(`revision must be an integer from 0 to ${REVISION_MAX}`)
  }
  if (!isInteger(createdAtMs, Number.MAX_SAFE_INTEGER)) {
    throw new RangeError('createdAtMs must be a non-negative integer')
  }
  const meta = encodeMeta(options.meta)
  const seal = parseSealHeader(options.seal, backend)
  if (!seal.protectors.every(isPortable)) throw new CryptoError('ERR_CRYPTO_NO_PORTABLE')
  const id = hex(backend.randomBytes(16))
  const salt = backend.randomBytes(SALT_BYTES)
  const keys = deriveBackupKeys(backend, backupKey, salt)
  const header: BackupHeader = { id, createdAtMs, generation, revision, seal }
  const line = formatHeader(backend, header, salt, keys.commitment)
  const pieces = piecesOf(line, meta, options.rows, revision, keys, backend)
  return { header, [Symbol.asyncIterator]: () => pieces }
}

async function* piecesOf(
  line: Uint8Array,
  meta: Uint8Array,
  rows: WriteBackupOptions['rows'],
  revision: number,
  keys: BackupKeys,
  backend: CryptoBackend,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield line
    const digest = digestOf(backend, line.subarray(0, -1))
    yield* sealStream(keys.stream, digest, contentOf(meta, rows, revision), { backend })
  } finally {
    keys.wipe()
  }
}

function encodeMeta(meta: BackupMeta): Uint8Array {
  const text = JSON.stringify(meta)
  if (text?.startsWith('{') !== true) throw new TypeError('meta must be an object')
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > META_MAX_BYTES) {
    throw new RangeError(`meta must be at most ${META_MAX_BYTES} bytes long`)
  }
  return bytes
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
