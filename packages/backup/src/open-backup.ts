/** Reading a backup: its header without a secret, then its content with one. */
import {
  type ByteSource,
  type Credential,
  type CryptoBackend,
  CryptoError,
  deriveSubkey,
  isCryptoError,
  nobleBackend,
  type OpenSealOptions,
  openSeal,
  openStream,
  wipe,
} from '@secreg/crypto'
import { ByteInput } from './byte-input.ts'
import { ContentReader } from './content-reader.ts'
import { BackupError } from './errors.ts'
import { type BackupHeader, commitmentOf, type ParsedHeader, parseHeader } from './header.ts'
import { assertBackupKey, deriveBackupKeys } from './keys.ts'
import { readMeta, readRows } from './read-content.ts'
import type { BackupMeta, BackupRow } from './row.ts'

/** Options of {@link readBackupHeader} and {@link openBackupWithKey}. */
export interface ReadBackupOptions {
  /** Default: `nobleBackend`. */
  readonly backend?: CryptoBackend
}

/** Options of {@link openBackup}, as `openSeal` takes them. */
export type OpenBackupOptions = OpenSealOptions

/** A backup whose header is proven. */
export interface BackupContent {
  readonly header: BackupHeader
  readonly meta: BackupMeta
  /**
   * The rows, ascending by the bytes of their keys; once. Each is authentic, its value a fresh copy; all of them are
   * there once the iteration has ended without an error.
   *
   * @throws BackupError `ERR_BACKUP_DAMAGED`, `ERR_BACKUP_TRUNCATED`, `ERR_BACKUP_TRAILING`; errors of the source
   */
  rows(): AsyncGenerator<BackupRow, void, undefined>
  /** Let go of the source and overwrite the keys; the end of `rows` does it too. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A backup that was opened with what an operator holds. */
export interface OpenedBackup extends BackupContent {
  /** Root key of the store, 32 bytes; the caller wipes it. */
  readonly rootKey: Uint8Array
  /** Which protector the credential belongs to. */
  readonly protectorId: string
}

/**
 * Read what a backup says about itself, and let go of the source. It is checked against damage, not against forgery.
 *
 * @throws BackupError `ERR_BACKUP_FORMAT`, `ERR_BACKUP_NEWER`, `ERR_BACKUP_HEADER`, `ERR_BACKUP_TRUNCATED`; CryptoError
 *   `ERR_CRYPTO_KDF_BELOW_FLOOR`, `ERR_CRYPTO_KDF_ABOVE_CEILING`; errors of the source
 */
export async function readBackupHeader(
  source: ByteSource,
  { backend = nobleBackend }: ReadBackupOptions = {},
): Promise<BackupHeader> {
  const input = new ByteInput(source)
  try {
    return parseHeader(backend, await input.readFirstLine()).header
  } finally {
    await input.close()
  }
}

/**
 * Open a backup with a credential of its seal.
 *
 * @throws as {@link readBackupHeader}; CryptoError `ERR_CRYPTO_WRONG_KEY` if the credential does not fit,
 *   `ERR_CRYPTO_NO_PROTECTOR`, `ERR_CRYPTO_SHARE`, `ERR_CRYPTO_SHARES_MISSING`, and what `scrypt` throws; BackupError
 *   `ERR_BACKUP_DAMAGED`, `ERR_BACKUP_TRAILING`
 */
export async function openBackup(
  source: ByteSource,
  credential: Credential,
  options: OpenBackupOptions = {},
): Promise<OpenedBackup> {
  const { backend = nobleBackend } = options
  return withInput(source, backend, async (input, parsed) => {
    const { rootKey, protectorId } = await openSeal(parsed.header.seal, credential, options).catch(
      (cause: unknown) => {
        if (!isCryptoError(cause, 'ERR_CRYPTO_DAMAGED')) throw cause
        throw new BackupError('ERR_BACKUP_HEADER', { cause })
      },
    )
    const backupKey = deriveSubkey(rootKey, 'backup', backend)
    try {
      const content = await openContent(input, parsed, backupKey, backend)
      // The root key is that of the seal, so it is the rest of the header that is not as it was written.
      if (content === undefined) throw new BackupError('ERR_BACKUP_HEADER')
      return { ...content, rootKey, protectorId }
    } catch (error) {
      wipe(rootKey)
      throw error
    } finally {
      wipe(backupKey)
    }
  })
}

/**
 * Open a backup with the key of purpose `backup` of its root key, as the store that it was taken from has it.
 *
 * @param backupKey - 32 bytes; not kept
 * @throws as {@link openBackup}; CryptoError `ERR_CRYPTO_WRONG_KEY` for a backup of another store
 */
export async function openBackupWithKey(
  source: ByteSource,
  backupKey: Uint8Array,
  { backend = nobleBackend }: ReadBackupOptions = {},
): Promise<BackupContent> {
  assertBackupKey(backupKey)
  return withInput(source, backend, async (input, parsed) => {
    const content = await openContent(input, parsed, backupKey, backend)
    if (content === undefined) throw new CryptoError('ERR_CRYPTO_WRONG_KEY')
    return content
  })
}

async function withInput<T>(
  source: ByteSource,
  backend: CryptoBackend,
  open: (input: ByteInput, parsed: ParsedHeader) => Promise<T>,
): Promise<T> {
  const input = new ByteInput(source)
  try {
    return await open(input, parseHeader(backend, await input.readFirstLine()))
  } catch (error) {
    await input.close()
    throw error
  }
}

/** Open the content under its key; `undefined` if the header was not written under it. */
async function openContent(
  input: ByteInput,
  { header, salt, commitment, committed, digest }: ParsedHeader,
  backupKey: Uint8Array,
  backend: CryptoBackend,
): Promise<BackupContent | undefined> {
  const keys = deriveBackupKeys(backend, backupKey, salt)
  if (!backend.equal(commitmentOf(backend, keys.commitment, committed), commitment)) {
    keys.wipe()
    return undefined
  }
  const reader = new ContentReader(openStream(keys.stream, digest, input.rest(), { backend }))
  const close = async (): Promise<void> => {
    keys.wipe()
    await reader.close()
    await input.close()
  }
  try {
    const meta = await readMeta(reader)
    let used = false
    return {
      header,
      meta,
      rows() {
        if (used) throw new TypeError('the rows of a backup can be read once')
        used = true
        return closing(readRows(reader, header.revision), close)
      },
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function* closing(
  rows: AsyncGenerator<BackupRow, void, undefined>,
  close: () => Promise<void>,
): AsyncGenerator<BackupRow, void, undefined> {
  try {
    yield* rows
  } finally {
    await close()
  }
}
