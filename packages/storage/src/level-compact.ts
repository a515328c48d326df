/**
 * Making old bytes leave the disk. LevelDB's own range compaction is not enough: it leaves a table
 * alone when there is nothing above it to merge in, and a flush can write a value together with
 * the deletion that hides it straight into such a table. So every table that may hold old bytes is
 * merged with a marker, which is a row between its first and last key and in the range, until no
 * table from before is left in it, nor its file on the disk. A marker is a deletion of a key that
 * cannot exist; LevelDB carries it down to the table, and drops it earlier outside of all tables.
 */
import { isUtf8 } from 'node:buffer'
import { readdir } from 'node:fs/promises'
import type { Crc32c } from './crc32c.ts'
import { StorageError } from './errors.ts'
import { DATA_END, DATA_SPACE } from './layout.ts'
import type { LevelDatabase, LevelOperation } from './level-port.ts'
import { readManifest, type TableFile } from './manifest.ts'

const MAX_ROUNDS = 16
/** Markers of one write: some are rows of any size. */
const MARKERS_AT_ONCE = 16

export interface CompactHost {
  readonly directory: string
  readonly crc: Crc32c
  readonly db: LevelDatabase
  /** In the writer's turn, synced; what is written is made then. */
  write(make: () => readonly LevelOperation[]): Promise<void>
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
      for (let at = 0; at < remaining.length; at += MARKERS_AT_ONCE) {
        const tables = remaining.slice(at, at + MARKERS_AT_ONCE)
        await host.write(() => tables.map((table) => marker(host.db, table, lower, upper)))
      }
      await host.db.compactRange(lower, upper)
    } else {
      if (!(await areOnDisk(host.directory, old))) return
      // A read held them when LevelDB cleaned up; it does so again when it writes its memory to a table.
      await host.write(() => [lower, upper].map((key) => ({ type: 'del', key })))
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

function marker(
  db: LevelDatabase,
  { smallest, largest }: TableFile,
  lower: Buffer,
  upper: Buffer,
): LevelOperation {
  if (Buffer.compare(smallest, lower) < 0) return { type: 'del', key: lower }
  if (Buffer.compare(largest, upper) > 0) return { type: 'del', key: upper }
  const between = justBefore(largest)
  if (Buffer.compare(smallest, between) <= 0) return { type: 'del', key: between }
  // There is no room in a table of one key, so its row is written once more, as it is.
  const key = Buffer.from(largest)
  const value = isUtf8(key) ? db.getSync(key.toString()) : undefined
  return value === undefined ? { type: 'del', key } : { type: 'put', key, value }
}

/**
 * A key below `key`, and above all keys of the store that are: as keys are UTF-8, 0xFF makes sure
 * that it is none of them.
 */
function justBefore(key: string | Uint8Array): Buffer {
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
