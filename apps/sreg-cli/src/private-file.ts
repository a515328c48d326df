/** Writes a file that only its owner can read, whole or not at all. */
import { constants, promises } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { undoOnSignal } from '@secreg/host/terminal'
import { CliError, fileError } from './errors.ts'

/**
 * Write a file with mode 0600: under a random name beside it first, then renamed. A link at `path` is refused, and so
 * is anything else that is not a regular file.
 *
 * @throws CliError when it cannot be written; what was at `path` is then still there
 */
export async function writePrivateFile(path: string, data: string | Uint8Array): Promise<void> {
  await assertReplaceable(path)
  const directory = dirname(path)
  const temporary = join(directory, `.${basename(path)}.${globalThis.crypto.randomUUID()}`)
  await undoOnSignal(
    () => promises.rm(temporary, { force: true }),
    async () => {
      try {
        await writeNew(temporary, data)
        await assertReplaceable(path)
        await promises.rename(temporary, path)
        await syncDirectory(directory)
      } catch (error) {
        await promises.rm(temporary, { force: true })
        throw error instanceof CliError ? error : fileError(path, error)
      }
    },
  )
}

async function assertReplaceable(path: string): Promise<void> {
  const stat = await promises.lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw fileError(path, error)
  })
  if (stat === undefined || stat.isFile()) return
  const what = stat.isSymbolicLink() ? 'is a symbolic link' : 'is not a regular file'
  throw new CliError('INVALID_ARGUMENT', `${path} ${what}`, 'name another file')
}

async function writeNew(path: string, data: string | Uint8Array): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await promises.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await promises.open(path, constants.O_RDONLY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
