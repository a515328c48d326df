/** Writes a file that only its owner can read, whole or not at all. */
import { constants, promises } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { undoOnSignal } from '@secreg/host/terminal'
import { SecregError } from '@secreg/protocol'
import { CliError, fileError } from './errors.ts'

export interface PrivateFileOptions {
  /** Take the place of a file that is there; default true. */
  readonly replace?: boolean
}

/** Write a file as {@link writePrivately} does. */
export function writePrivateFile(path: string, data: string | Uint8Array): Promise<void> {
  return writePrivately(path, (file) => file.writeFile(data))
}

/**
 * Write a file with mode 0600: under a random name beside it first, then renamed. A link at `path` is refused, and so
 * is anything else that is not a regular file.
 *
 * @param fill - writes it, and may read it back
 * @returns what `fill` returned
 * @throws CliError when it cannot be written, `ALREADY_EXISTS`; errors of `fill`; what was at `path` is then still there
 */
export async function writePrivately<T>(
  path: string,
  fill: (file: promises.FileHandle) => Promise<T>,
  { replace = true }: PrivateFileOptions = {},
): Promise<T> {
  await assertReplaceable(path, replace)
  const directory = dirname(path)
  await removeLeftovers(directory, basename(path))
  const own = `${process.pid}.${globalThis.crypto.randomUUID()}`
  const temporary = join(directory, `.${basename(path)}.${own}`)
  return await undoOnSignal(
    () => promises.rm(temporary, { force: true }),
    async () => {
      try {
        const result = await writeNew(temporary, fill)
        await assertReplaceable(path, replace)
        await promises.rename(temporary, path)
        await syncDirectory(directory)
        return result
      } catch (error) {
        await promises.rm(temporary, { force: true })
        throw SecregError.is(error) ? error : fileError(path, error)
      }
    },
  )
}

const LEFTOVER = /^(\d{1,10})\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Remove what a process that was killed has left of this file. */
async function removeLeftovers(directory: string, name: string): Promise<void> {
  // Where the directory cannot be read, writing into it tells why.
  const names = await promises.readdir(directory).catch(() => [])
  for (const entry of names) {
    if (!entry.startsWith(`.${name}.`)) continue
    const pid = Number(LEFTOVER.exec(entry.slice(name.length + 2))?.[1] ?? process.pid)
    if (pid === process.pid || isRunning(pid)) continue
    await promises.rm(join(directory, entry), { force: true }).catch(() => {})
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

async function assertReplaceable(path: string, replace: boolean): Promise<void> {
  const stat = await promises.lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw fileError(path, error)
  })
  if (stat === undefined || (stat.isFile() && replace)) return
  if (stat.isFile()) {
    throw new CliError('ALREADY_EXISTS', `${path} exists already`, '--force overwrites it')
  }
  const what = stat.isSymbolicLink() ? 'is a symbolic link' : 'is not a regular file'
  throw new CliError('INVALID_ARGUMENT', `${path} ${what}`, 'name another file')
}

async function writeNew<T>(
  path: string,
  fill: (file: promises.FileHandle) => Promise<T>,
): Promise<T> {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await promises.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    const result = await fill(file)
    await file.sync()
    return result
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
