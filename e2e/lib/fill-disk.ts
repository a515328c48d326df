import { closeSync, openSync, writeSync } from 'node:fs'

/** Take all room that the file system of a file has, by making that file longer. */
export function fillDisk(path: string): void {
  const file = openSync(path, 'a', 0o600)
  try {
    for (const size of [1024 * 1024, 4096, 1]) {
      const zeros = Buffer.alloc(size)
      try {
        for (;;) if (writeSync(file, zeros) < size) break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  } finally {
    closeSync(file)
  }
}
