/**
 * Checks LevelDB's table files (leveldb table/format.h, doc/table_format.md), because the binding
 * verifies no block checksum: a flipped bit would give wrong values and, in an index or filter
 * block, silently missing keys. Tables are written without compression:
 *
 * ```
 *  data blocks | filter block | metaindex block | index block | footer (48)
 *  block:  contents (n) | type (1) = 0 | masked CRC-32C of contents and type (4, LE)
 *  footer: metaindex handle | index handle | zeros to byte 40 | magic (8)
 * ```
 *
 * Every byte belongs to exactly one block or the footer, and the size is the one in the MANIFEST.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { ByteReader } from './byte-reader.ts'
import { type Crc32c, maskCrc32c } from './crc32c.ts'
import { StorageError } from './errors.ts'
import type { Manifest, TableFile } from './manifest.ts'
import { inSlices, type Steps } from './slices.ts'

const TRAILER_BYTES = 5
const FOOTER_BYTES = 48
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]

/** Larger tables, as one large commit leaves them, are not read ahead. */
const AHEAD_BYTES = 16 * 1024 * 1024

interface Handle {
  readonly offset: number
  readonly size: number
}

/** One name per call of `next`: the file that was checked, and its bytes. */
export interface CheckedTable {
  readonly name: string
  readonly bytes: number
}

/**
 * Check all tables of `manifest`, one file a step.
 *
 * @throws StorageError ERR_STORAGE_CORRUPT naming the file
 */
export async function* checkTables(
  directory: string,
  manifest: Manifest,
  crc: Crc32c,
): AsyncGenerator<CheckedTable> {
  let next: Promise<LoadedTable> | undefined
  const tables = [...manifest.tables.values()]
  for (const [index, table] of tables.entries()) {
    const loaded = await (next ?? loadTable(directory, table))
    const following = tables[index + 1]
    // Reads overlap with checking, if memory allows; a failure surfaces at the next step.
    const ahead = following !== undefined && following.size <= AHEAD_BYTES
    next = ahead ? loadTable(directory, following) : undefined
    next?.catch(() => {})
    try {
      await inSlices(checkTable(loaded.bytes, crc))
    } catch (cause) {
      const detail = cause instanceof RangeError ? cause.message : 'malformed'
      throw new StorageError('ERR_STORAGE_CORRUPT', `table ${loaded.name}: ${detail}`, { cause })
    }
    yield { name: loaded.name, bytes: loaded.bytes.length }
  }
}

interface LoadedTable {
  readonly name: string
  readonly bytes: Uint8Array
}

/** @throws StorageError ERR_STORAGE_CORRUPT when the file is missing or of another size */
export async function loadTable(directory: string, table: TableFile): Promise<LoadedTable> {
  const base = String(table.number).padStart(6, '0')
  for (const name of [`${base}.ldb`, `${base}.sst`]) {
    const bytes = await readWhole(join(directory, name), table.size)
    if (bytes === undefined) continue
    if (bytes.length !== table.size) {
      throw new StorageError(
        'ERR_STORAGE_CORRUPT',
        `table ${name} has ${bytes.length} bytes, expected ${table.size}`,
      )
    }
    return { name, bytes }
  }
  throw new StorageError('ERR_STORAGE_CORRUPT', `table ${base}.ldb is missing`)
}

/** At most one byte more than `size`, undefined when there is no such file. */
async function readWhole(path: string, size: number): Promise<Uint8Array | undefined> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const bytes = Buffer.allocUnsafeSlow(size + 1)
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return bytes.subarray(0, length)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', `cannot read ${path}`, { cause })
  } finally {
    await file?.close()
  }
}

/** One block a step. @throws RangeError saying what is wrong with the bytes */
export function* checkTable(bytes: Uint8Array, crc: Crc32c): Steps<void> {
  const footerAt = bytes.length - FOOTER_BYTES
  if (footerAt < 0) throw new RangeError('shorter than its footer')
  const footer = new ByteReader(bytes.subarray(footerAt))
  const metaindex = handle(footer)
  const index = handle(footer)
  const padding = bytes.subarray(footerAt + footer.at, bytes.length - MAGIC.length)
  const magic = bytes.subarray(bytes.length - MAGIC.length)
  if (padding.some((byte) => byte !== 0) || magic.some((byte, i) => byte !== MAGIC[i])) {
    throw new RangeError('footer damaged')
  }
  const blocks = [
    ...entries(block(bytes, index, crc)),
    ...entries(block(bytes, metaindex, crc)),
    metaindex,
    index,
  ]
  let at = 0
  for (const each of blocks) {
    if (each.offset !== at) throw new RangeError(`hole or overlap at byte ${at}`)
    if (each !== metaindex && each !== index) block(bytes, each, crc)
    at += each.size + TRAILER_BYTES
    yield
  }
  if (at !== footerAt) throw new RangeError(`hole or overlap at byte ${at}`)
}

/** Contents of a block whose checksum is right. */
function block(bytes: Uint8Array, { offset, size }: Handle, crc: Crc32c): Uint8Array {
  const end = offset + size
  if (end + TRAILER_BYTES > bytes.length) throw new RangeError(`block at byte ${offset} too long`)
  if (bytes[end] !== 0) throw new RangeError(`block at byte ${offset} has an unknown type`)
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end + 1, 4).getUint32(0, true)
  if (maskCrc32c(crc(bytes.subarray(offset, end + 1))) !== stored) {
    throw new RangeError(`checksum mismatch in the block at byte ${offset}`)
  }
  return bytes.subarray(offset, end)
}

/** Handles that are the values of an index or metaindex block (leveldb table/block_builder.cc). */
function entries(contents: Uint8Array): Handle[] {
  const view = new DataView(contents.buffer, contents.byteOffset, contents.length)
  const restarts = view.getUint32(contents.length - 4, true)
  const end = contents.length - 4 - restarts * 4
  if (end < 0) throw new RangeError('index block malformed')
  const reader = new ByteReader(contents.subarray(0, end))
  const handles: Handle[] = []
  while (!reader.done) {
    reader.varint() // shared key bytes
    const unshared = reader.varint()
    const length = reader.varint()
    reader.take(unshared)
    handles.push(handle(new ByteReader(reader.take(length))))
  }
  return handles
}

function handle(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() }
}
