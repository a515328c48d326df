/** The meta document and the rows of a backup, checked as they are read. */
import type { ContentReader } from './content-reader.ts'
import { BackupError } from './errors.ts'
import {
  areRevisions,
  type BackupMeta,
  type BackupRow,
  compareBytes,
  END_COUNT_BYTES,
  KEY_MAX_BYTES,
  META_MAX_BYTES,
  ROW_MIDDLE_BYTES,
  readUint48,
  VALUE_MAX_BYTES,
} from './row.ts'

/** Read the document that the content begins with. */
export async function readMeta(reader: ContentReader): Promise<BackupMeta> {
  await reader.fill(4)
  const length = viewOf(reader.take(4)).getUint32(0)
  if (length > META_MAX_BYTES) damaged()
  const bytes = await reader.read(length)
  try {
    const meta: unknown = JSON.parse(decode(bytes))
    if (typeof meta === 'object' && meta !== null && !Array.isArray(meta)) return meta as BackupMeta
  } catch (cause) {
    throw new BackupError('ERR_BACKUP_DAMAGED', { cause })
  }
  return damaged()
}

/** Read the rows, and what follows them to the end of the file. */
export async function* readRows(
  reader: ContentReader,
  revision: number,
): AsyncGenerator<BackupRow, void, undefined> {
  let before: Uint8Array = new Uint8Array(0)
  for (let count = 0; ; count++) {
    if (reader.held < 2) await reader.fill(2)
    const length = viewOf(reader.take(2)).getUint16(0)
    if (length === 0) {
      await reader.fill(END_COUNT_BYTES)
      if (readUint48(viewOf(reader.take(END_COUNT_BYTES)), 0) !== count) damaged()
      return reader.finish()
    }
    if (length > KEY_MAX_BYTES) damaged()
    if (reader.held < length + ROW_MIDDLE_BYTES) await reader.fill(length + ROW_MIDDLE_BYTES)
    const key = Uint8Array.from(reader.take(length))
    if (compareBytes(key, before) <= 0) damaged()
    before = key
    const middle = viewOf(reader.take(ROW_MIDDLE_BYTES))
    const createRevision = readUint48(middle, 0)
    const modifyRevision = readUint48(middle, 6)
    const size = middle.getUint32(12)
    if (size > VALUE_MAX_BYTES || !areRevisions(createRevision, modifyRevision, revision)) damaged()
    const value = await reader.read(size)
    yield { key: textOf(key), value, createRevision, modifyRevision }
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return decode(bytes)
  } catch (cause) {
    throw new BackupError('ERR_BACKUP_DAMAGED', { cause })
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string {
  return strict.decode(bytes)
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

function damaged(): never {
  throw new BackupError('ERR_BACKUP_DAMAGED')
}
