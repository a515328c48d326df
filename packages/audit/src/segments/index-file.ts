/**
 * The index of a closed segment: what lies where, and which blocks cannot hold what is asked for.
 * It proves nothing and is made again when it is damaged. Numbers are big-endian.
 *
 * ```
 *  0  'SECRIDX1'
 *  8  u32   segment
 * 12  u32   number of blocks
 * 16  u32   version of the terms, 0 without terms
 * 20  88 bytes a block:
 *       0  u64  first sequence       28  u32       bytes of the gzip member
 *       8  u32  lines                32  24 bytes  earliest time as in the lines
 *      12  u64  offset of the lines  56  24 bytes  latest time
 *      20  u32  bytes of the lines   80  u64       offset of the gzip member
 *      24  u32  bytes of the filter, ffffffff if the terms are not known
 *  …  Bloom filters, one behind another
 *  …  SHA-256 of all before it
 * ```
 */
import { segmentPath } from '../directory.ts'
import type { LogFiles } from '../log-files.ts'
import type { BlockSummary } from './block-summary.ts'
import type { Member } from './compressed.ts'
import { readWhole } from './file-bytes.ts'
import { readUint64, seal, unseal, writeUint64 } from './sealed.ts'

/** One block of a closed segment. */
export type IndexedBlock = BlockSummary & Member

export interface SegmentIndex {
  readonly segment: number
  /** Version of the terms in the filters, 0 without. */
  readonly termsVersion: number
  /** In the order of the lines, without a gap. */
  readonly blocks: readonly IndexedBlock[]
}

const MAGIC = Buffer.from('SECRIDX1')
const HEADER_BYTES = 20
const ENTRY_BYTES = 88
const TIME_BYTES = 24
const UNKNOWN = 0xffffffff
/** A longer file is none that was written here: 64 MiB of lines have an index of less than one. */
const MAX_INDEX_BYTES = 256 * 1024 * 1024

export function encodeIndex({ segment, termsVersion, blocks }: SegmentIndex): Buffer {
  const table = Buffer.alloc(HEADER_BYTES + blocks.length * ENTRY_BYTES)
  table.set(MAGIC)
  table.writeUInt32BE(segment, 8)
  table.writeUInt32BE(blocks.length, 12)
  table.writeUInt32BE(termsVersion, 16)
  blocks.forEach((block, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES
    writeUint64(table, block.firstSequence, at)
    table.writeUInt32BE(block.lines, at + 8)
    writeUint64(table, block.offset, at + 12)
    table.writeUInt32BE(block.length, at + 20)
    table.writeUInt32BE(block.terms?.length ?? UNKNOWN, at + 24)
    table.writeUInt32BE(block.bytes, at + 28)
    table.write(block.earliest, at + 32, TIME_BYTES, 'latin1')
    table.write(block.latest, at + 56, TIME_BYTES, 'latin1')
    writeUint64(table, block.at, at + 80)
  })
  return seal(Buffer.concat([table, ...blocks.map(({ terms }) => terms ?? new Uint8Array(0))]))
}

/** Read what {@link encodeIndex} gives; undefined if it is damaged or of another segment. */
export function decodeIndex(sealed: Buffer, segment: number): SegmentIndex | undefined {
  const bytes = unseal(sealed)
  if (bytes === undefined || bytes.length < HEADER_BYTES) return undefined
  if (!bytes.subarray(0, 8).equals(MAGIC) || bytes.readUInt32BE(8) !== segment) return undefined
  const count = bytes.readUInt32BE(12)
  const blocks: IndexedBlock[] = []
  let filterAt = HEADER_BYTES + count * ENTRY_BYTES
  if (filterAt > bytes.length) return undefined
  for (let index = 0; index < count; index++) {
    const block = readBlock(bytes, HEADER_BYTES + index * ENTRY_BYTES, filterAt)
    if (block === undefined || !follows(block, blocks.at(-1))) return undefined
    filterAt += block.terms?.length ?? 0
    if (filterAt > bytes.length) return undefined
    blocks.push(block)
  }
  if (filterAt !== bytes.length) return undefined
  return { segment, termsVersion: bytes.readUInt32BE(16), blocks }
}

/** The index of a segment as it is on the disk. */
export async function readIndex(
  files: LogFiles,
  directory: string,
  segment: number,
): Promise<SegmentIndex | 'absent' | 'damaged'> {
  const path = segmentPath(directory, segment, 'index')
  if (files.facts(path) === undefined) return 'absent'
  const bytes = await readWhole(files, path, MAX_INDEX_BYTES)
  return (bytes && decodeIndex(bytes, segment)) ?? 'damaged'
}

/** Bytes of lines that the blocks cover. */
export function indexedBytes({ blocks }: SegmentIndex): number {
  const last = blocks.at(-1)
  return last === undefined ? 0 : last.offset + last.length
}

function readBlock(bytes: Buffer, at: number, filterAt: number): IndexedBlock | undefined {
  const firstSequence = readUint64(bytes, at)
  const offset = readUint64(bytes, at + 12)
  const member = readUint64(bytes, at + 80)
  if (firstSequence === undefined || offset === undefined || member === undefined) return undefined
  const filterBytes = bytes.readUInt32BE(at + 24)
  return {
    firstSequence,
    lines: bytes.readUInt32BE(at + 8),
    offset,
    length: bytes.readUInt32BE(at + 20),
    earliest: bytes.toString('latin1', at + 32, at + 32 + TIME_BYTES),
    latest: bytes.toString('latin1', at + 56, at + 56 + TIME_BYTES),
    terms: filterBytes === UNKNOWN ? undefined : bytes.subarray(filterAt, filterAt + filterBytes),
    at: member,
    bytes: bytes.readUInt32BE(at + 28),
  }
}

function follows(block: IndexedBlock, before: IndexedBlock | undefined): boolean {
  if (block.lines < 1 || block.length < 1) return false
  if (before === undefined) return block.offset === 0 && block.at === 0
  return (
    block.firstSequence === before.firstSequence + before.lines &&
    block.offset === before.offset + before.length &&
    block.at === before.at + before.bytes
  )
}
