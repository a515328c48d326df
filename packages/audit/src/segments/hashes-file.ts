/**
 * The leaf hashes of a closed segment. They stay when retention takes the lines away, so that the
 * tree can be followed from its first leaf. Numbers are big-endian.
 *
 * ```
 *  0  'SECRHSH1'
 *  8  u32   segment
 * 12  u32   number of lines
 * 16  u64   sequence of the first line
 * 24  32    leaf hash of the line before it, zeros before line 1
 * 56  u32   bytes of the frontier
 * 60  …     frontier of the tree before the first line
 *  …  u32   CRC-32 of the header so far
 *  …  32    leaf hash, for each line
 *  …  32    SHA-256 of all before it
 * ```
 */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { openOwn, segmentPath } from '../directory.ts'
import { AuditError } from '../errors.ts'
import type { LogFile, LogFiles } from '../log-files.ts'
import { Frontier, HASH_BYTES } from '../proof/merkle.ts'
import type { PartFile } from './file-bytes.ts'
import { readUint64, SEAL_BYTES, writeUint64 } from './sealed.ts'

/** What the header of a file of leaf hashes says. */
export interface HashesHeader {
  readonly segment: number
  readonly firstSequence: number
  readonly lines: number
  /** Leaf hash of the line before, 32 bytes. */
  readonly previous: Uint8Array
  /** The tree before the first line. */
  readonly frontier: Frontier
}

const MAGIC = Buffer.from('SECRHSH1')
const FIXED_BYTES = 60
const CRC_BYTES = 4
/** Frontier of a tree of any size. */
const MAX_FRONTIER_BYTES = 8 + 53 * HASH_BYTES
const CHUNK_BYTES = 128 * 1024

/** Write header, `leaves` (32 bytes a line) and seal. */
export async function writeHashes(
  part: PartFile,
  header: HashesHeader,
  leaves: Uint8Array,
): Promise<void> {
  const seal = createHash('sha256')
  const write = async (bytes: Uint8Array): Promise<void> => {
    seal.update(bytes)
    await part.append(bytes)
  }
  await write(encodeHeader(header))
  for (let at = 0; at < leaves.length; at += CHUNK_BYTES) {
    await write(leaves.subarray(at, at + CHUNK_BYTES))
  }
  await part.append(seal.digest())
}

/**
 * The header alone, which is protected by itself; undefined if the file is absent or its header
 * damaged.
 */
export async function readHashesHeader(
  files: LogFiles,
  directory: string,
  segment: number,
): Promise<HashesHeader | undefined> {
  const path = segmentPath(directory, segment, 'hashes')
  if (files.facts(path) === undefined) return undefined
  const file = openOwn(files, path, 'read')
  try {
    return (await readHeader(file, segment))?.header
  } finally {
    file.close()
  }
}

/**
 * Leaf hashes of the lines `from` up to `to` of a segment, counted from 0, in chunks of whole
 * hashes, each the caller's. The whole file is read: damage anywhere is thrown before the end.
 * @throws AuditError `ERR_AUDIT_TAMPERED` if the file is absent or damaged.
 */
export async function* readHashes(
  files: LogFiles,
  directory: string,
  segment: number,
  from = 0,
  to: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer, void, void> {
  const path = segmentPath(directory, segment, 'hashes')
  if (files.facts(path) === undefined) throw damaged(segment, 'missing')
  const file = openOwn(files, path, 'read')
  try {
    const found = await readHeader(file, segment)
    if (found === undefined) throw damaged(segment)
    const seal = createHash('sha256').update(found.bytes)
    const { lines } = found.header
    for (let line = 0; line < lines; line += CHUNK_BYTES / HASH_BYTES) {
      const count = Math.min(lines - line, CHUNK_BYTES / HASH_BYTES)
      const chunk = await readExactly(file, found.bytes.length + line * HASH_BYTES, count, seal)
      if (chunk === undefined) throw damaged(segment)
      const start = Math.max(from - line, 0)
      const end = Math.min(to - line, count)
      if (start < end) yield chunk.subarray(start * HASH_BYTES, end * HASH_BYTES)
    }
    const written = Buffer.alloc(SEAL_BYTES)
    await file.read(written, found.bytes.length + lines * HASH_BYTES)
    if (!seal.digest().equals(written)) throw damaged(segment)
  } finally {
    file.close()
  }
}

/** Leaf hash of line `index` of a segment, counted from 0. @throws as {@link readHashes}. */
export async function readLeaf(
  files: LogFiles,
  directory: string,
  segment: number,
  index: number,
): Promise<Buffer> {
  let leaf: Buffer | undefined
  for await (const chunk of readHashes(files, directory, segment, index, index + 1)) leaf = chunk
  if (leaf === undefined) throw new RangeError(`segment ${segment} has no line ${index}`)
  return leaf
}

function encodeHeader(header: HashesHeader): Buffer {
  const frontier = header.frontier.encode()
  const bytes = Buffer.alloc(FIXED_BYTES + frontier.length + CRC_BYTES)
  bytes.set(MAGIC)
  bytes.writeUInt32BE(header.segment, 8)
  bytes.writeUInt32BE(header.lines, 12)
  writeUint64(bytes, header.firstSequence, 16)
  bytes.set(header.previous, 24)
  bytes.writeUInt32BE(frontier.length, 56)
  bytes.set(frontier, FIXED_BYTES)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -CRC_BYTES)), bytes.length - CRC_BYTES)
  return bytes
}

async function readHeader(
  file: LogFile,
  segment: number,
): Promise<{ header: HashesHeader; bytes: Buffer } | undefined> {
  const start = Buffer.alloc(FIXED_BYTES + MAX_FRONTIER_BYTES + CRC_BYTES)
  const count = await file.read(start, 0)
  if (!start.subarray(0, 8).equals(MAGIC) || start.readUInt32BE(8) !== segment) return undefined
  const frontierBytes = start.readUInt32BE(56)
  const end = FIXED_BYTES + frontierBytes
  if (frontierBytes > MAX_FRONTIER_BYTES || end + CRC_BYTES > count) return undefined
  if (start.readUInt32BE(end) !== crc32(start.subarray(0, end))) return undefined
  const firstSequence = readUint64(start, 16)
  const frontier = Frontier.decode(start.subarray(FIXED_BYTES, end))
  if (firstSequence === undefined || frontier?.size !== firstSequence - 1) return undefined
  const lines = start.readUInt32BE(12)
  const bytes = start.subarray(0, end + CRC_BYTES)
  if (file.facts().size !== bytes.length + lines * HASH_BYTES + SEAL_BYTES) return undefined
  const previous = start.subarray(24, 24 + HASH_BYTES)
  return { header: { segment, firstSequence, lines, previous, frontier }, bytes }
}

async function readExactly(
  file: LogFile,
  at: number,
  hashes: number,
  seal: Hash,
): Promise<Buffer | undefined> {
  const chunk = Buffer.allocUnsafe(hashes * HASH_BYTES)
  if ((await file.read(chunk, at)) < chunk.length) return undefined
  seal.update(chunk)
  return chunk
}

function damaged(segment: number, how = 'damaged'): AuditError {
  const message = `the leaf hashes of segment ${segment} are ${how}`
  return new AuditError('ERR_AUDIT_TAMPERED', message, { segment })
}
