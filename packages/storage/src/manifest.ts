/** LevelDB's MANIFEST (leveldb db/version_edit.cc): which table files make up the database. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ByteReader } from './byte-reader.ts'
import type { Crc32c } from './crc32c.ts'
import { StorageError } from './errors.ts'
import { scanLog } from './log-file.ts'
import { inSlices } from './slices.ts'

export interface TableFile {
  readonly number: number
  readonly level: number
  readonly size: number
  /** User keys. */
  readonly smallest: Uint8Array
  readonly largest: Uint8Array
}

export interface Manifest {
  readonly name: string
  readonly tables: ReadonlyMap<number, TableFile>
  /** Write-ahead logs with this number or a higher one are part of the database. */
  readonly logNumber: number
}

const LEVELS = 7
/** Internal keys end with sequence and type (leveldb db/dbformat.h). */
const INTERNAL_TAIL_BYTES = 8

/**
 * @throws StorageError ERR_STORAGE_CORRUPT when CURRENT or the MANIFEST is missing or damaged
 */
export async function readManifest(directory: string, crc: Crc32c): Promise<Manifest> {
  const current = (await readExisting(directory, 'CURRENT')).toString('latin1')
  const name = /^(MANIFEST-[0-9]{1,15})\n$/.exec(current)?.[1]
  if (name === undefined) throw corrupt('CURRENT does not name a MANIFEST')
  const scan = await inSlices(scanLog(await readExisting(directory, name), crc))
  if (scan.damagedAt !== undefined) {
    throw corrupt(`${name} is damaged at byte ${scan.damagedAt}`)
  }
  const edits = new ManifestState(name)
  try {
    for (const record of scan.records) edits.apply(record)
  } catch (cause) {
    throw corrupt(`${name} holds a malformed record`, cause)
  }
  return edits.result()
}

async function readExisting(directory: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, name))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw corrupt(`${name} is missing`, cause)
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', `cannot read ${name}`, { cause })
  }
}

class ManifestState {
  readonly #name: string
  readonly #tables = new Map<number, TableFile>()
  #logNumber: number | undefined

  constructor(name: string) {
    this.#name = name
  }

  apply(record: Uint8Array): void {
    const reader = new ByteReader(record)
    const added: TableFile[] = []
    const deleted: number[] = []
    while (!reader.done) {
      switch (reader.varint()) {
        case 1: // comparator
          reader.slice()
          break
        case 2:
          this.#logNumber = reader.varint()
          break
        case 3: // next file number
        case 4: // last sequence
        case 9: // previous log number
          reader.varint()
          break
        case 5: // compaction pointer
          level(reader)
          reader.slice()
          break
        case 6:
          level(reader)
          deleted.push(reader.varint())
          break
        case 7:
          added.push({
            level: level(reader),
            number: reader.varint(),
            size: reader.varint(),
            smallest: userKey(reader),
            largest: userKey(reader),
          })
          break
        default:
          throw new RangeError('unknown tag')
      }
    }
    // A table that moves to another level is deleted and added in one edit.
    for (const number of deleted) this.#tables.delete(number)
    for (const table of added) this.#tables.set(table.number, table)
  }

  result(): Manifest {
    if (this.#logNumber === undefined) throw corrupt(`${this.#name} names no log`)
    return { name: this.#name, tables: this.#tables, logNumber: this.#logNumber }
  }
}

function level(reader: ByteReader): number {
  const value = reader.varint()
  if (value >= LEVELS) throw new RangeError('level')
  return value
}

function userKey(reader: ByteReader): Uint8Array {
  const key = reader.slice()
  if (key.length < INTERNAL_TAIL_BYTES) throw new RangeError('internal key')
  return key.subarray(0, key.length - INTERNAL_TAIL_BYTES)
}

function corrupt(what: string, cause?: unknown): StorageError {
  return new StorageError('ERR_STORAGE_CORRUPT', what, { cause })
}
