/** A backup file opened with what an operator holds; by the daemon and by programs that need none. */
import {
  type BackupHeader,
  type BackupMeta,
  type BackupReport,
  type BackupRow,
  openBackupWithKey,
  readBackupHeader,
  verifyBackup,
} from '@secreg/backup'
import { type ByteSource, deriveSubkey, isCryptoError, type Scrypt, wipe } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { SecregError } from '@secreg/protocol'
import { credentialsOf, type GivenProof, openWith, wipeCredentials } from '../seal/credential.ts'
import { backupFailure } from './backup-failure.ts'

/** A backup that is open. */
export interface OpenBackupFile extends AsyncDisposable {
  readonly header: BackupHeader
  readonly meta: BackupMeta
  /** Of the registry that it was taken from, 32 bytes; wiped by `close`. */
  readonly rootKey: Uint8Array
  /**
   * Its rows in the order of their keys, once.
   *
   * @throws SecregError `ERR_BACKUP_DAMAGED`, `ERR_BACKUP_TRUNCATED`; errors of the source
   */
  rows(): AsyncGenerator<BackupRow, void, undefined>
  /** Read it to its end instead, and count. @throws as `rows` */
  verify(): Promise<BackupReport>
  /** Idempotent. */
  close(): Promise<void>
}

/**
 * What a backup says about itself, without a secret. It is checked against damage, not against forgery.
 *
 * @throws SecregError `ERR_BACKUP_INVALID`, `ERR_BACKUP_NEWER`, `ERR_BACKUP_DAMAGED`, `ERR_BACKUP_TRUNCATED`,
 *   `ERR_KDF_BELOW_FLOOR`; errors of the source
 */
export function readBackupFileHeader(source: ByteSource): Promise<BackupHeader> {
  return readBackupHeader(source, { backend: nodeBackend }).catch((cause: unknown) => {
    throw backupFailure(cause) ?? cause
  })
}

/**
 * Open a backup.
 *
 * @param open - gives the file from its beginning; called twice
 * @param proof - exactly one of passphrase, key file and shares
 * @throws SecregError as {@link readBackupFileHeader}; `ERR_UNLOCK_FAILED`, `ERR_NO_PROTECTOR`, `ERR_SHARES_MISSING`,
 *   `ERR_SHARE_INVALID`, `ERR_SHARE_FOREIGN`, `ERR_INVALID_ARGUMENT`, `ERR_BUSY`; errors of the source
 */
export async function openBackupFile(
  open: () => ByteSource,
  proof: GivenProof,
  scrypt: Scrypt,
): Promise<OpenBackupFile> {
  const { seal } = await readBackupFileHeader(open())
  let rootKey: Uint8Array | undefined
  try {
    requireOne(proof)
    const credentials = credentialsOf(seal, proof, 'all')
    try {
      rootKey = (await openWith(seal, credentials, { scrypt, use: 'all' })).rootKey
    } finally {
      wipeCredentials(credentials)
    }
    return await openContent(open(), rootKey)
  } catch (cause) {
    wipe(...(rootKey === undefined ? [] : [rootKey]))
    throw backupFailure(cause) ?? cause
  }
}

async function openContent(source: ByteSource, rootKey: Uint8Array): Promise<OpenBackupFile> {
  const backupKey = deriveSubkey(rootKey, 'backup', nodeBackend)
  try {
    const content = await openBackupWithKey(source, backupKey, { backend: nodeBackend })
    const close = async (): Promise<void> => {
      wipe(rootKey)
      await content.close()
    }
    const { header, meta } = content
    return {
      header,
      meta,
      rootKey,
      rows: () => told(content.rows()),
      verify: () =>
        verifyBackup(content).catch((cause: unknown) => {
          throw backupFailure(cause) ?? cause
        }),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (cause) {
    // The root key is that of the seal, so the rest of the header is not as it was written.
    if (!isCryptoError(cause, 'ERR_CRYPTO_WRONG_KEY')) throw cause
    throw new SecregError('BACKUP_DAMAGED', 'the header of the backup is damaged', { cause })
  } finally {
    wipe(backupKey)
  }
}

async function* told(
  rows: AsyncGenerator<BackupRow, void, undefined>,
): AsyncGenerator<BackupRow, void, undefined> {
  try {
    yield* rows
  } catch (cause) {
    throw backupFailure(cause) ?? cause
  }
}

function requireOne({ passphrase, shares, key_file }: GivenProof): void {
  if ([passphrase, shares, key_file].filter((one) => one !== undefined).length === 1) return
  throw new SecregError(
    'INVALID_ARGUMENT',
    'what opens the backup is needed: one of passphrase, key file and shares',
  )
}
