/** LevelDB's write-ahead logs (leveldb db/write_batch.cc): what LevelDB would replay at open. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ByteReader } from './byte-reader.ts'
import type { Crc32c } from './crc32c.ts'
import { StorageError } from './errors.ts'
import { HEAD_KEY } from './layout.ts'
import { scanLog } from './log-file.ts'
import { inSlices, type Steps } from './slices.ts'

export interface WalState {
  /** Highest head revision in sound records; undefined when no commit is in the logs. */
  readonly head: number | undefined
  /** File and offset of an end that a crash cut short. */
  readonly torn: string | undefined
}

/**
 * Read all logs numbered `logNumber` and above.
 *
 * @throws StorageError ERR_STORAGE_CORRUPT when a record is damaged and later ones are not
 */
export async function readWal(
  directory: string,
  logNumber: number,
  crc: Crc32c,
): Promise<WalState> {
  let head: number | undefined
  let torn: string | undefined
  for (const name of (await readdir(directory)).sort()) {
    const number = /^([0-9]+)\.log$/.exec(name)?.[1]
    if (number === undefined || Number(number) < logNumber) continue
    const scan = await inSlices(scanLog(await readFile(join(directory, name)), crc))
    if (scan.damagedAt !== undefined) {
      throw new StorageError(
        'ERR_STORAGE_CORRUPT',
        `write-ahead log ${name} is damaged at byte ${scan.damagedAt}, before its last commit`,
      )
    }
    if (scan.tornAt !== undefined) torn = `${name} at byte ${scan.tornAt}`
    for (const record of scan.records) {
      const revision = await inSlices(headIn(record, name))
      if (revision !== undefined && revision >= (head ?? 0)) head = revision
    }
  }
  return { head, torn }
}

/** Revision in the head row that this write batch puts, if it puts one. */
function* headIn(record: Uint8Array, name: string): Steps<number | undefined> {
  try {
    const reader = new ByteReader(record)
    reader.take(8) // sequence
    let revision: number | undefined
    for (let count = reader.uint32(); count > 0; count--) {
      yield
      const put = reader.byte() === 1
      const key = reader.slice()
      if (!put) continue
      const value = reader.slice()
      if (key.length === 1 && key[0] === HEAD_KEY.charCodeAt(0) && value.length > 14) {
        const view = new DataView(value.buffer, value.byteOffset, value.length)
        revision = view.getUint16(8) * 0x1_0000_0000 + view.getUint32(10)
      }
    }
    return revision
  } catch (cause) {
    throw new StorageError('ERR_STORAGE_CORRUPT', `write-ahead log ${name} is malformed`, { cause })
  }
}
