/** A copy of a store that nobody has open: every file, synced. */
import { copyFile, lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Held by the process that has the store open; worth nothing in a copy. */
const LOCK = 'LOCK'

/** @param to - an empty directory */
export async function copyStore(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    const file = join(from, name)
    if (name === LOCK || !(await lstat(file)).isFile()) continue
    await copyFile(file, join(to, name))
    await sync(join(to, name))
  }
  await sync(to)
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
