/** All secrets of libvirt's directory, read before any is written. */
import { basename } from 'node:path'
import { type SecretDefinition, SecretFileError, type SecretFileErrorCode } from '@secreg/libvirt'
import { readSecretsDirectory } from '@secreg/libvirt/node'
import type { Reason } from '@secreg/protocol'
import { CliError, fileError } from '../../errors.ts'
import type { Problem } from './failures.ts'

/** A secret of the directory. */
export interface SecretThere {
  readonly definition: SecretDefinition
  /** 1 to 65,536 bytes; `undefined` where it has none. */
  readonly value: Uint8Array | undefined
}

/** A file that is passed over, and nothing is lost by it. */
export interface SkippedFile {
  readonly file: string
  readonly why: 'ephemeral' | 'orphan'
}

/** A file that is no secret as libvirt keeps it. */
export interface FileProblem extends Problem {
  readonly file: string
}

export interface SecretsThere {
  /** By UUID; the values are the receiver's to wipe. */
  readonly secrets: readonly SecretThere[]
  readonly skipped: readonly SkippedFile[]
  readonly problems: readonly FileProblem[]
}

/** Most bytes of values: as many secrets as libvirt can list, 16,384, of the longest value. */
export const MAX_VALUES_BYTES: number = 1024 * 1024 * 1024

export interface ReadDirectoryOptions {
  readonly key: Uint8Array | undefined
  /** Called with the number of secrets that were read so far. */
  readonly progress: (secrets: number) => void
  readonly maxValuesBytes?: number
}

/** Files that are named in an error. */
const MAX_NAMED = 3

/**
 * Read them. One value that the key does not open is an end of it all: the encryption of libvirt tells a wrong key from
 * the right one in 255 of 256 cases only, so that what the same key has opened may be noise.
 *
 * @throws CliError when the directory cannot be read, holds no secret, or a value of it stays closed
 */
export async function readDirectory(
  path: string,
  { key, progress, maxValuesBytes = MAX_VALUES_BYTES }: ReadDirectoryOptions,
): Promise<SecretsThere> {
  const secrets: SecretThere[] = []
  const skipped: SkippedFile[] = []
  const problems: FileProblem[] = []
  const closed: SecretFileError[] = []
  let bytes = 0
  let isWhole = false
  try {
    for await (const read of readSecretsDirectory(path, { key })) {
      if (read.outcome === 'skipped') {
        const { error } = read
        const file = basename(error.file)
        if (CLOSED.has(error.code)) closed.push(error)
        else if (error.code === 'ERR_LIBVIRT_FILE_ORPHAN') skipped.push({ file, why: 'orphan' })
        else problems.push({ file, reason: reasonOf(error), message: meaningOf(error) })
      } else if (read.definition.ephemeral) {
        read.value?.fill(0)
        skipped.push({ file: read.name, why: 'ephemeral' })
      } else {
        const { definition, value } = read
        secrets.push({ definition, value })
        bytes += value?.length ?? 0
        if (bytes > maxValuesBytes) {
          throw new CliError('VALUE_TOO_LARGE', `${path} has more than ${maxValuesBytes} bytes`)
        }
      }
      progress(secrets.length + skipped.length + problems.length + closed.length)
    }
    if (closed.length > 0) throw closedError(closed, key !== undefined)
    if (secrets.length + skipped.length + problems.length === 0) {
      throw new CliError('INVALID_ARGUMENT', `nothing to import: ${path} holds no secret`)
    }
    isWhole = true
    return { secrets, skipped, problems }
  } catch (error) {
    throw SecretFileError.is(error) ? directoryError(path, error) : error
  } finally {
    if (!isWhole) wipe(secrets)
  }
}

/** Overwrite the values. */
export function wipe(secrets: readonly SecretThere[]): void {
  for (const { value } of secrets) value?.fill(0)
}

const CLOSED: ReadonlySet<SecretFileErrorCode> = new Set([
  'ERR_LIBVIRT_FILE_DECRYPT',
  'ERR_LIBVIRT_FILE_ENCRYPTED',
])

function closedError(errors: readonly SecretFileError[], hasKey: boolean): CliError {
  const names = errors.slice(0, MAX_NAMED).map(({ file }) => JSON.stringify(basename(file)))
  const more = errors.length > MAX_NAMED ? ` and ${errors.length - MAX_NAMED} more` : ''
  const files = `${names.join(', ')}${more}`
  if (!hasKey) {
    return new CliError('INVALID_ARGUMENT', `encrypted: ${files}; nothing was imported`, GIVE_KEY)
  }
  return new CliError(
    'CRYPTO_FAILED',
    `not encrypted with this key, or damaged: ${files}; nothing was imported`,
    'no value is to be trusted then; check the key, and import a copy without what is damaged',
  )
}

const GIVE_KEY = 'give --key FILE, the raw key of 32 bytes'

function directoryError(path: string, error: SecretFileError): CliError {
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  if (code === 'ENOTDIR') return new CliError('INVALID_ARGUMENT', `${path} is not a directory`)
  if (code !== undefined) return fileError(path, error.cause)
  return new CliError('LIMIT_EXCEEDED', `${path} has too many files`)
}

/** What a file that is not read says of the system; any other is not what it should be. */
function reasonOf({ code, file, cause }: SecretFileError): Reason {
  if (code !== 'ERR_LIBVIRT_FILE_UNREADABLE') return 'VALUE_INVALID'
  return cause === undefined ? 'NOT_FOUND' : fileError(file, cause).reason
}

/** The message without the file, which a problem names itself. */
function meaningOf({ message, file }: SecretFileError): string {
  return message.slice(`${JSON.stringify(file)}: `.length)
}
