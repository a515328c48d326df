/** Backups as files of this machine, and what opens them. */
import { constants, type FileHandle, open } from 'node:fs/promises'
import { readAllSecretLines, readSecretLines } from '@secreg/host/terminal'
import type { GivenProof } from '@secreg/registry/backup-file'
import type { Context } from './context.ts'
import { CliError, fileError } from './errors.ts'
import { readKeyFileText } from './key-file.ts'
import { assertSecretsComing, isInteractive, terminalOf } from './secrets.ts'
import { asCliError } from './terminal.ts'

type Modules = typeof import('@secreg/registry/backup-file')
type BackupHeader = Awaited<ReturnType<Modules['readBackupFileHeader']>>

const READ_BYTES = 256 * 1024

/** Hints for what can go wrong when a backup is opened. */
export const BACKUP_HINTS = {
  UNLOCK_FAILED: 'give what opened the registry when the backup was made',
  NO_PROTECTOR: 'give what it takes: a passphrase, --share or --key-file FILE',
  SHARES_MISSING: 'give as many shares as are needed, one a line',
  SHARE_FOREIGN: '"sreg backup info FILE" tells the sets; give shares of one of them',
  KDF_BELOW_FLOOR: 'somebody has changed it: use another copy',
} as const

/** A backup that is a file. */
export interface BackupSource extends AsyncDisposable {
  readonly path: string
  readonly bytes: number
  readonly header: BackupHeader
  /** The file from its beginning. */
  read(): AsyncIterable<Uint8Array>
}

/**
 * Open a file and read what it says about itself.
 *
 * @throws CliError when it cannot be read; SecregError `ERR_BACKUP_INVALID`, `ERR_BACKUP_NEWER`, `ERR_BACKUP_DAMAGED`,
 *   `ERR_BACKUP_TRUNCATED`, `ERR_KDF_BELOW_FLOOR`
 */
export async function openBackupSource(path: string): Promise<BackupSource> {
  const { readBackupFileHeader } = await import('@secreg/registry/backup-file')
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error) => {
    throw fileError(path, error)
  })
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new CliError('INVALID_ARGUMENT', `${path} is not a regular file`)
    const read = () => contentOf(file, path)
    return {
      path,
      bytes: found.size,
      header: await readBackupFileHeader(read()),
      read,
      [Symbol.asyncDispose]: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The bytes of an open file from its beginning; a stream of the platform would close it when it ends early. */
export async function* contentOf(file: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const piece = new Uint8Array(READ_BYTES)
    const { bytesRead } = await file.read(piece, 0, READ_BYTES, at).catch((error: unknown) => {
      throw fileError(path, error)
    })
    if (bytesRead === 0) return
    yield piece.subarray(0, bytesRead)
    at += bytesRead
  }
}

/**
 * Get what opens a backup, from a person or a program.
 *
 * @throws CliError `INVALID_ARGUMENT`, `NO_PROTECTOR`, and the failures of a key file
 */
export async function readBackupProof(
  context: Context,
  { seal: { protectors } }: BackupHeader,
): Promise<GivenProof> {
  const keyFile = context.text('key-file')
  const byShares = context.flag('share')
  if (keyFile !== undefined && byShares) {
    throw new CliError('INVALID_ARGUMENT', 'give one of --key-file and --share')
  }
  if (keyFile !== undefined) return { key_file: await readKeyFileText(keyFile) }
  if (byShares) {
    const sets = protectors.filter((protector) => protector.kind === 'shamir')
    return { shares: await readShares(context, Math.max(0, ...sets.map((set) => set.threshold))) }
  }
  if (!protectors.some(({ kind }) => kind === 'passphrase')) {
    throw new CliError('NO_PROTECTOR', 'no passphrase opens this backup', BACKUP_HINTS.NO_PROTECTOR)
  }
  assertSecretsComing(context, 'the passphrase of the backup')
  if (!isInteractive(context)) {
    const lines = await readSecretLines(context.io.stdin, ['passphrase']).catch(asCliError)
    return { passphrase: lines[0] ?? '' }
  }
  const passphrase = await terminalOf(context).ask('Passphrase of the backup: ', false)
  if (passphrase === '') throw new CliError('INVALID_ARGUMENT', 'nothing was typed')
  return { passphrase }
}

async function readShares(context: Context, needed: number): Promise<string[]> {
  assertSecretsComing(context, 'the shares, one a line')
  if (!isInteractive(context)) return readAllSecretLines(context.io.stdin).catch(asCliError)
  const terminal = terminalOf(context)
  const shares: string[] = []
  while (shares.length < needed) {
    const share = await terminal.ask(`Share ${shares.length + 1} of ${needed}: `, false)
    if (share === '') break
    shares.push(share)
  }
  return shares
}
