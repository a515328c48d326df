/** A copy of a closed store to look into, because LevelDB writes to whatever it opens. Tables are linked, not copied. */
import { copyFile, link, lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLocked } from './directory.ts'
import { StorageError } from './errors.ts'

/** LevelDB never changes a table; its files are replaced, or removed. */
const TABLE = /^[0-9]+\.(?:ldb|sst)$/
const COPIED = /^(?:CURRENT|FORMAT|MANIFEST-[0-9]+|[0-9]+\.log)$/
/** What may be in a copy, once LevelDB has had it open. */
const KNOWN = /^(?:CURRENT|FORMAT|LOCK|LOG|LOG\.old|MANIFEST-[0-9]+|[0-9]+\.(?:log|ldb|sst|dbtmp))$/

/** Beside the store, so that tables can be linked. */
function copyOf(directory: string): string {
  return `${directory}.dry-run`
}

/** Run something on a copy, which is removed then. */
export async function withCopy<T>(
  directory: string,
  work: (copy: string) => Promise<T>,
): Promise<T> {
  if (await isLocked(directory)) {
    throw new StorageError('ERR_STORAGE_LOCKED', 'another process has this store open')
  }
  await removeCopy(directory)
  const copy = copyOf(directory)
  try {
    await copyFiles(directory, copy).catch((cause: unknown) => {
      throw new StorageError('ERR_STORAGE_UNAVAILABLE', `cannot copy the store to ${copy}`, {
        cause,
      })
    })
    return await work(copy)
  } finally {
    await removeCopy(directory)
  }
}

/** Remove a copy that a process left which was killed; rejects when it is something else. */
export async function removeCopy(directory: string): Promise<void> {
  const copy = copyOf(directory)
  const found = await lstat(copy).catch(() => undefined)
  if (found === undefined) return
  const names = found.isDirectory() ? await readdir(copy) : []
  if (!found.isDirectory() || !names.every((name) => KNOWN.test(name))) {
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', `${copy} is in the way, and is no copy`)
  }
  await rm(copy, { recursive: true })
}

async function copyFiles(directory: string, copy: string): Promise<void> {
  await mkdir(copy, { mode: 0o700 })
  for (const name of await readdir(directory)) {
    const [from, to] = [join(directory, name), join(copy, name)]
    if (TABLE.test(name)) {
      await link(from, to).catch(() => copyFile(from, to))
    } else if (COPIED.test(name)) {
      await copyFile(from, to)
    }
  }
}
