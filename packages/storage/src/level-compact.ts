/**
 * Making old bytes leave the disk. LevelDB's own range compaction is not enough: it leaves a table
 * alone when there is nothing above it to merge in, and a flush can write a value together with
 * the deletion that hides it straight into such a table. So every table that may hold old bytes is
 * merged with a marker (a deletion of a key that cannot exist) at either end of the range, until
 * no table from before is left in it, nor its file on the disk.
 */
import { readdir } from 'node:fs/promises'
import type { Crc32c } from './crc32c.ts'
import { StorageError } from './errors.ts'
import { DATA_END, DATA_SPACE } from './layout.ts'
import type { LevelDatabase, LevelOperation } from './level-port.ts'
import { readManifest, type TableFile } from './manifest.ts'

const MAX_ROUNDS = 16

export interface CompactHost {
  readonly directory: string
  readonly crc: Crc32c
  readonly db: LevelDatabase
  /** In the writer's turn, synced. */
  write(operations: readonly LevelOperation[]): Promise<void>
}

/** Rejects with ERR_STORAGE_UNAVAILABLE when old tables remain, as after a failed compaction. */
export async function compactRange(
  host: CompactHost,
  gte: string,
  lt: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const lower = justBefore(DATA_SPACE + gte)
  const upper = atEnd(lt === '' ? DATA_END : DATA_SPACE + lt)
  if (Buffer.compare(lower, upper) >= 0) return
  // A range without keys still makes LevelDB write its memory to a table.
  const nowhere = Buffer.from([0xff])
  await host.db.compactRange(nowhere, nowhere)
  const old = new Set((await tablesIn(host, lower, upper)).map(({ number }) => number))
  for (let round = 0; old.size > 0; round++) {
    signal?.throwIfAborted()
    if (round === MAX_ROUNDS) throw unfinished(old.size)
    const remaining = (await tablesIn(host, lower, upper)).filter(({ number }) => old.has(number))
    if (remaining.length > 0) {
      await host.write(remaining.flatMap((table) => markers(table, lower, upper)))
      await host.db.compactRange(lower, upper)
    } else {
      if (!(await areOnDisk(host.directory, old))) return
      // A read held them when LevelDB cleaned up; it does so again when it writes its memory to a table.
      await host.write([lower, upper].map((key) => ({ type: 'del', key })))
      await host.db.compactRange(nowhere, nowhere)
    }
  }
}

/** Whether a table is still a file, although the store has no use for it. */
async function areOnDisk(directory: string, tables: ReadonlySet<number>): Promise<boolean> {
  const names = await readdir(directory)
  return names.some((name) => /\.(?:ldb|sst)$/.test(name) && tables.has(Number.parseInt(name, 10)))
}

async function tablesIn(host: CompactHost, lower: Buffer, upper: Buffer): Promise<TableFile[]> {
  const { tables } = await readManifest(host.directory, host.crc)
  return [...tables.values()].filter(
    ({ smallest, largest }) =>
      Buffer.compare(smallest, upper) < 0 && Buffer.compare(largest, lower) >= 0,
  )
}

/** Two deletions around the part of the table that lies in the range. */
function markers(table: TableFile, lower: Buffer, upper: Buffer): LevelOperation[] {
  const first = Buffer.from(table.smallest)
  const last = Buffer.from(table.largest)
  const from = Buffer.compare(first, lower) < 0 ? lower : justBefore(first)
  const to = Buffer.compare(last, upper) < 0 ? Buffer.concat([last, Buffer.of(0xff)]) : upper
  return [
    { type: 'del', key: from },
    { type: 'del', key: to },
  ]
}

/**
 * A key below `key`, and above all keys of the store that are: as keys are UTF-8, 0xFF makes sure
 * that it is none of them.
 */
function justBefore(key: string | Buffer): Buffer {
  const bytes = Buffer.from(key as string)
  let length = bytes.length
  while (length > 1 && bytes[length - 1] === 0) length--
  return Buffer.concat([
    bytes.subarray(0, length - 1),
    Buffer.of((bytes[length - 1] as number) - 1, 0xff),
  ])
}

/** A key that is none of the store's, above all keys below `key`, and as low as that can be. */
function atEnd(key: string): Buffer {
  // Between X and X\0 there is no room.
  return key.endsWith('\0') ? Buffer.concat([Buffer.from(key), Buffer.of(0xff)]) : justBefore(key)
}

function unfinished(tables: number): StorageError {
  return new StorageError(
    'ERR_STORAGE_UNAVAILABLE',
    `compaction did not finish: ${tables} table files with old bytes remain`,
  )
}
