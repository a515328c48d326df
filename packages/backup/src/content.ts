/**
 * The content of a backup, as it is sealed; integers big-endian:
 *
 *   length (4) | meta document, JSON in UTF-8
 *   per row, ascending by the bytes of their keys:
 *     length of the key, 1 to 1024 (2) | key | create revision (6) | modify revision (6) | length (4) | value
 *   0 (2) | number of rows (6)
 *   zero bytes up to a multiple of 65 536
 *
 * Every chunk thereby has one length, so that a file that ends early or late is told from a damaged one.
 */
import { STREAM_CHUNK_BYTES, wipe } from '@secreg/crypto'
import { type BackupRow, END_COUNT_BYTES, writeUint48 } from './row.ts'
import { createRowEncoder } from './row-encoder.ts'

/** The content in full chunks, each valid until the next. */
export async function* contentOf(
  meta: Uint8Array,
  rows: AsyncIterable<BackupRow> | Iterable<BackupRow>,
  revision: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = new Uint8Array(STREAM_CHUNK_BYTES)
  let held = 0
  try {
    for await (const parts of recordsOf(meta, rows, revision)) {
      for (const bytes of parts) {
        for (let at = 0; at < bytes.length; ) {
          const part = bytes.subarray(at, at + chunk.length - held)
          chunk.set(part, held)
          at += part.length
          held += part.length
          if (held < chunk.length) continue
          yield chunk
          held = 0
        }
      }
    }
    if (held > 0) yield chunk.fill(0, held)
  } finally {
    wipe(chunk)
  }
}

/** Everything in its order, each record in parts that are valid until the next. */
async function* recordsOf(
  meta: Uint8Array,
  rows: AsyncIterable<BackupRow> | Iterable<BackupRow>,
  revision: number,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, meta.length)
  yield [length, meta]
  const encode = createRowEncoder(revision)
  let count = 0
  for await (const row of rows) {
    yield encode(row)
    count++
  }
  const end = new Uint8Array(2 + END_COUNT_BYTES)
  writeUint48(new DataView(end.buffer), 2, count)
  yield [end]
}
