import { type LineBlock, type LineBytes, unfit } from '../backward.ts'
import { ChainWalker } from '../chain.ts'
import { openOwn, type SegmentFiles, segmentPath } from '../directory.ts'
import { AuditError } from '../errors.ts'
import { GENESIS_HASH, parseLine, timeOf } from '../line.ts'
import type { LogFile, LogFiles } from '../log-files.ts'
import { Frontier, HASH_BYTES } from '../proof/merkle.ts'
import { faultError } from '../rewrite.ts'
import { BlockSummarizer, type TermSource } from './block-summary.ts'
import { CompressedSegment, type Member } from './compressed.ts'
import { PartFile } from './file-bytes.ts'
import { blocksForward, SPARE } from './forward.ts'
import { GentleSlices } from './gentle-slices.ts'
import { encodeMember } from './gzip-member.ts'
import { readHashes, readHashesHeader, writeHashes } from './hashes-file.ts'
import { encodeIndex, type IndexedBlock } from './index-file.ts'

/** Where chain and tree stand between two segments. */
export interface ChainState {
  /** Last line before. */
  readonly sequence: number
  /** Its leaf hash, 64 hex digits. */
  readonly hash: string
  /** The tree of all lines so far; not to be changed. */
  readonly frontier: Frontier
}

export const FIRST_STATE: ChainState = Object.freeze({
  sequence: 0,
  hash: GENESIS_HASH,
  frontier: new Frontier(),
})

export interface ArchiveContext {
  readonly files: LogFiles
  readonly directory: string
  readonly terms: TermSource | undefined
  readonly signal: AbortSignal
  /** Asked before each write; false ends the work with an error. */
  readonly mayWrite: () => boolean
}

/** What archiving one segment gave. */
export interface ArchivedSegment {
  readonly lines: number
  readonly plainBytes: number
  readonly compressedBytes: number
  readonly after: ChainState
}

/**
 * Verify the lines of a closed segment and write its leaf hashes, its index and, if it is plain,
 * its compressed form. The plain file is removed only once all that is durable, with its names. Of
 * a segment that is compressed already, hashes and index are made again.
 * @throws AuditError `ERR_AUDIT_TAMPERED` if lines do not follow on `before`, or are not those whose
 * hashes were kept; system errors. Nothing has then changed but for half-made files.
 */
export async function archiveSegment(
  context: ArchiveContext,
  segment: SegmentFiles,
  before: ChainState,
): Promise<ArchivedSegment> {
  const work = new Work(context, segment, before)
  try {
    return await work.run()
  } finally {
    work.close()
  }
}

/** The state behind a segment, from its leaf hashes. @throws as {@link readHashes}. */
export async function stateAfter(
  { files, directory, signal }: ArchiveContext,
  segment: number,
): Promise<ChainState> {
  const slices = new GentleSlices(signal)
  const header = await readHashesHeader(files, directory, segment)
  const frontier = header?.frontier ?? new Frontier()
  let last = header?.previous ?? new Uint8Array(0)
  for await (const leaves of readHashes(files, directory, segment)) {
    for (let at = 0; at < leaves.length; at += HASH_BYTES) {
      last = leaves.subarray(at, at + HASH_BYTES)
      frontier.append(last)
      if (slices.due) await slices.pause()
      signal.throwIfAborted()
    }
  }
  return { sequence: frontier.size, hash: Buffer.from(last).toString('hex'), frontier }
}

class Work {
  readonly #context: ArchiveContext
  readonly #segment: SegmentFiles
  readonly #before: ChainState
  readonly #walker: ChainWalker
  readonly #frontier: Frontier
  readonly #slices: GentleSlices
  readonly #blocks: IndexedBlock[] = []
  readonly #parts: PartFile[] = []
  #source: { close(): void } | undefined
  #leaves: Buffer = Buffer.allocUnsafe(64 * 1024)

  constructor(context: ArchiveContext, segment: SegmentFiles, before: ChainState) {
    this.#context = context
    this.#segment = segment
    this.#before = before
    this.#slices = new GentleSlices(context.signal)
    this.#walker = new ChainWalker(before)
    this.#frontier = before.frontier.clone()
  }

  async run(): Promise<ArchivedSegment> {
    const { files, directory } = this.#context
    const { segment, plain } = this.#segment
    const path = segmentPath(directory, segment, plain ? 'jsonl' : 'jsonl.gz')
    const file = openOwn(files, path, 'read')
    this.#source = file
    const at = plain ? await this.#compress(file) : await this.#read(file)
    if (!this.#walker.finish(segment, at)) throw this.#fault()
    await this.#compareHashes()
    await this.#writeHashes()
    await this.#writeIndex()
    for (const part of this.#parts) await part.finish()
    this.#context.signal.throwIfAborted()
    for (const part of this.#parts) part.publish()
    files.syncDirectory(directory)
    if (plain) {
      files.remove(path)
      files.syncDirectory(directory)
    }
    const last = this.#blocks.at(-1)
    return {
      lines: this.#walker.records,
      plainBytes: at,
      compressedBytes: last === undefined ? 0 : last.at + last.bytes,
      after: {
        sequence: this.#walker.sequence,
        hash: this.#walker.hash,
        frontier: this.#frontier,
      },
    }
  }

  close(): void {
    this.#source?.close()
    for (const part of this.#parts) part.discard()
  }

  /** Go through the plain lines and write them compressed; returns how many bytes they have. */
  async #compress(file: LogFile): Promise<number> {
    const part = this.#part('jsonl.gz')
    const { segment } = this.#segment
    const { size } = file.facts()
    const lines: LineBytes = { segment, read: (into, position) => file.read(into, position) }
    for await (const block of blocksForward(lines, 0, size)) {
      const summary = await this.#follow(block)
      const member = await encodeMember(block.bytes.subarray(1))
      const place = { at: part.size, bytes: member.length }
      await part.append(member)
      this.#blocks.push({ ...summary.finish(block.offset, block.bytes.length - 1), ...place })
    }
    return size
  }

  /** Go through lines that are compressed already. */
  async #read(file: LogFile): Promise<number> {
    const lines = await CompressedSegment.open(file, this.#segment.segment)
    for (const member of lines.members) {
      const bytes = Buffer.concat([SPARE, await lines.block(member)])
      if (bytes.at(-1) !== 0x0a)
        throw unfit(this.#segment, 'has a block that does not end with a line')
      const summary = await this.#follow({ bytes, offset: member.offset })
      this.#blocks.push({ ...summary.finish(member.offset, member.length), ...placeOf(member) })
    }
    return lines.size
  }

  /** Follow the chain through the lines of one block. */
  async #follow({ bytes, offset }: LineBlock): Promise<BlockSummarizer> {
    const { terms, signal } = this.#context
    const summary = new BlockSummarizer(terms)
    for (let start = 1; start < bytes.length; ) {
      const end = bytes.indexOf(0x0a, start)
      const head = parseLine(bytes, start, end)
      const known = this.#walker.records
      this.#walker.line(bytes, start, end, this.#segment.segment, offset + start - 1)
      if (head === undefined || this.#walker.records === known) {
        // The walker judges a line that does not fit with the one after it.
        if (this.#walker.fault !== undefined) throw this.#fault()
      } else {
        const [from, to] = [start, end]
        this.#leaf(this.#walker.hash)
        summary.add(head.sequence, timeOf(bytes, start, head), () => bodyOf(bytes, from, to))
      }
      start = end + 1
      if (this.#slices.due) await this.#slices.pause()
      signal.throwIfAborted()
    }
    return summary
  }

  #leaf(hash: string): void {
    const at = (this.#walker.records - 1) * HASH_BYTES
    if (at === this.#leaves.length) this.#leaves = Buffer.concat([this.#leaves], at * 2)
    this.#leaves.write(hash, at, 'hex')
    this.#frontier.appendHex(hash)
  }

  /** Hashes that were kept are evidence: other lines must not take their place. */
  async #compareHashes(): Promise<void> {
    const { files, directory } = this.#context
    const { segment, hashes } = this.#segment
    if (!hashes) return
    const leaves = this.#allLeaves()
    let at = 0
    let same = true
    try {
      for await (const kept of readHashes(files, directory, segment)) {
        same &&= kept.equals(leaves.subarray(at, at + kept.length))
        at += kept.length
      }
    } catch (error) {
      if (AuditError.is(error) && error.code === 'ERR_AUDIT_TAMPERED') return
      throw error
    }
    if (same && at === leaves.length) return
    const message = `segment ${segment} does not hold the lines whose hashes were kept`
    throw new AuditError('ERR_AUDIT_TAMPERED', message, { segment })
  }

  #writeHashes(): Promise<void> {
    const header = {
      segment: this.#segment.segment,
      firstSequence: this.#before.sequence + 1,
      lines: this.#walker.records,
      previous: Buffer.from(this.#before.hash, 'hex'),
      frontier: this.#before.frontier,
    }
    return writeHashes(this.#part('hashes'), header, this.#allLeaves())
  }

  #writeIndex(): Promise<void> {
    const { segment } = this.#segment
    const termsVersion = this.#context.terms?.version ?? 0
    return this.#part('index').append(encodeIndex({ segment, termsVersion, blocks: this.#blocks }))
  }

  #allLeaves(): Buffer {
    return this.#leaves.subarray(0, this.#walker.records * HASH_BYTES)
  }

  #part(kind: 'jsonl.gz' | 'hashes' | 'index'): PartFile {
    const { files, directory, mayWrite } = this.#context
    const path = segmentPath(directory, this.#segment.segment, kind)
    const part = new PartFile(path, { files, mayWrite, slices: this.#slices })
    this.#parts.push(part)
    return part
  }

  #fault(): AuditError {
    const { fault } = this.#walker
    if (fault !== undefined) return faultError(fault)
    const { segment } = this.#segment
    return new AuditError('ERR_AUDIT_TAMPERED', `segment ${segment} is not whole`, { segment })
  }
}

function placeOf({ at, bytes }: Member): { at: number; bytes: number } {
  return { at, bytes }
}

function bodyOf(bytes: Buffer, start: number, end: number): unknown {
  const line: { body: unknown } = JSON.parse(bytes.toString('utf8', start, end))
  return line.body
}
