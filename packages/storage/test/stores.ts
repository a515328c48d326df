import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, isStorageError, type KeyedRow, type Op } from '@secreg/storage'
import { onTestFinished } from 'vitest'

/** A private place that is removed after the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'storage-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/**
 * Copy the directory of an engine that is open, as a killed process would leave it. LevelDB makes and removes files
 * beside the caller's work, so a copy during which the names changed is made again: it would be of no one moment.
 */
export async function copyLive(directory: string, copy: string): Promise<void> {
  for (;;) {
    const before = await readdir(directory)
    const whole = await cp(directory, copy, { recursive: true }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
        return false
      },
    )
    const after = await readdir(directory)
    if (whole && before.sort().join() === after.sort().join()) return
    await rm(copy, { recursive: true, force: true })
  }
}

export function put(key: string, value = key): Op {
  return { type: 'put', key, value: Buffer.from(value) }
}

export function remove(key: string): Op {
  return { type: 'delete', key }
}

export function textOf(row: { value: Uint8Array } | undefined): string | undefined {
  return row === undefined ? undefined : Buffer.from(row.value).toString()
}

export async function contents(engine: Pick<Engine, 'iterate'>): Promise<[string, string][]> {
  const rows: [string, string][] = []
  for await (const row of engine.iterate({}) as AsyncIterable<KeyedRow>) {
    rows.push([row.key, textOf(row) as string])
  }
  return rows
}

/** The code of the storage error that `work` ends with, or 'ok'. */
export async function outcome(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'ok'
  } catch (error) {
    if (!isStorageError(error)) throw error
    return error.code
  }
}
