/**
 * The Merkle tree of a log that is being written. What was there before is read from disk, along its chain, when the
 * tree is first asked for, and held against the last signed checkpoint, so that nothing is ever signed that a signature
 * of before contradicts. From then on it grows by the lines as they are written, whatever becomes of them on disk.
 */
import type { LogCursor } from './cursor.ts'
import { listSegments } from './directory.ts'
import { AuditError } from './errors.ts'
import { GENESIS_HASH, hashLine, parseLine } from './line.ts'
import type { LogFiles } from './log-files.ts'
import type { Checkpoint } from './proof/checkpoint.ts'
import { equalHashes, Frontier } from './proof/merkle.ts'
import { HashSplitter } from './proof/subtree.ts'
import { blocksForward } from './segments/forward.ts'
import { GentleSlices } from './segments/gentle-slices.ts'
import { readHashes, readHashesHeader } from './segments/hashes-file.ts'
import { openSegment } from './segments/segment-reader.ts'
import { Slices } from './slices.ts'

/** Where a segment ends. */
export interface SegmentEnd {
  /** Number of its last line. */
  readonly lines: number
  /** Leaf hash of that line, 64 hex digits. */
  readonly hash: string
  /** Root of the tree up to that line, 32 bytes. */
  readonly root: Uint8Array
}

/** Lines that are kept for the tree at most; beyond that it is read from disk again. About 100 MB. */
const MAX_PENDING = 1_000_000

/** The tree up to a line, and where the next one is. */
interface Edge {
  readonly frontier: Frontier
  /** Leaf hash of the last line. */
  hash: string
  segment: number
  offset: number
}

export class LogTree {
  readonly #files: LogFiles
  readonly #directory: string
  readonly #signed: () => Checkpoint | undefined
  readonly #maxPending: number
  /** Absent until it is first asked for, and after a contradiction. */
  #edge: Edge | undefined
  /** Where the lines of {@link LogTree.#pending} begin; absent while they are not collected. */
  #from: LogCursor | undefined
  /** Leaf hashes of lines that are written and not in the tree yet. */
  #pending: string[] = []
  /** Never rejects. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Aborted once somebody waits for what {@link LogTree.advance} has begun. */
  #leisure = new AbortController()
  #isClosed = false

  /** @param signed - the checkpoint of the largest tree that was signed */
  constructor(
    files: LogFiles,
    directory: string,
    signed: () => Checkpoint | undefined,
    maxPending: number = MAX_PENDING,
  ) {
    this.#files = files
    this.#maxPending = maxPending
    this.#directory = directory
    this.#signed = signed
  }

  /** Keep the lines that are written from now on, unless they are kept already. @param tail - last line written */
  collect(tail: LogCursor): void {
    if (this.#from !== undefined) return
    this.#from = tail
    this.#pending = []
  }

  /** Lines were written. */
  add(leaves: readonly string[]): void {
    if (this.#from === undefined) return
    for (const leaf of leaves) this.#pending.push(leaf)
    if (this.#pending.length > this.#maxPending) this.#forget()
  }

  /** Take in what is durable now, in the background, so that little is left to do when it is asked for. */
  advance(synced: LogCursor): void {
    if (this.#from === undefined || this.#isClosed) return
    const { signal } = this.#leisure
    void this.#inTurn(async () => {
      const edge = this.#edge
      if (edge === undefined || edge.frontier.size >= synced.sequence) return
      this.#edge = undefined
      this.#edge = await this.#reach(edge, synced, new GentleSlices(signal))
    })
  }

  /**
   * Root of the tree up to a synced line; {@link LogTree.collect} was called before it was. Sizes only grow.
   *
   * @throws AuditError `ERR_AUDIT_TAMPERED` when the lines are not those that were written or signed
   */
  rootAt(cursor: LogCursor): Promise<Uint8Array> {
    this.#leisure.abort()
    this.#leisure = new AbortController()
    return this.#inTurn(async () => {
      const edge = this.#edge ?? (await this.#start(cursor))
      this.#edge = undefined
      const reached = await this.#reach(edge, cursor, new Slices())
      this.#edge = reached
      return reached.frontier.root()
    })
  }

  /** Take nothing in by itself any more. */
  close(): void {
    this.#isClosed = true
    this.#leisure.abort()
  }

  /**
   * The end of a closed segment, from its leaf hashes.
   *
   * @throws AuditError `ERR_AUDIT_TAMPERED` when they are missing or damaged
   */
  async endOf(segment: number): Promise<SegmentEnd> {
    const header = await readHashesHeader(this.#files, this.#directory, segment)
    if (header === undefined) throw tampered(`the leaf hashes of segment ${segment} are damaged`)
    const edge = { frontier: header.frontier.clone(), hash: '', segment, offset: 0 }
    await this.#fold(edge, () => {})
    const { frontier, hash } = edge
    return { lines: frontier.size, hash, root: frontier.root() }
  }

  /** The tree as a closed segment found it that begins before the last checkpoint. */
  async #start({ sequence }: LogCursor): Promise<Edge> {
    const most = Math.min(sequence, this.#signed()?.size ?? sequence)
    const segments = listSegments(this.#files, this.#directory).filter(({ hashes }) => hashes)
    for (const { segment } of segments.reverse()) {
      const header = await readHashesHeader(this.#files, this.#directory, segment)
      if (header === undefined || header.frontier.size > most) continue
      const hash = Buffer.from(header.previous).toString('hex')
      return { frontier: header.frontier.clone(), hash, segment, offset: 0 }
    }
    return { frontier: new Frontier(), hash: GENESIS_HASH, segment: 1, offset: 0 }
  }

  /** Bring the tree to a line: from the disk up to where lines are kept, then by those. */
  async #reach(edge: Edge, cursor: LogCursor, slices: Slices): Promise<Edge> {
    const { frontier } = edge
    const from = this.#from
    if (from === undefined || from.sequence > cursor.sequence) {
      await this.#follow(edge, cursor)
      return edge
    }
    if (frontier.size < from.sequence) await this.#follow(edge, from)
    while (frontier.size < cursor.sequence) {
      const leaf = this.#pending[frontier.size - from.sequence]
      // They were too many while this was under way.
      if (this.#from !== from || leaf === undefined) {
        const again = await this.#start(cursor)
        await this.#follow(again, cursor)
        return again
      }
      frontier.appendHex(leaf)
      edge.hash = leaf
      if (slices.due) await slices.pause()
    }
    edge.segment = cursor.segment
    edge.offset = cursor.offset
    if (edge.hash !== cursor.hash) throw tampered(`line ${cursor.sequence} is another one`)
    this.#pending.splice(0, cursor.sequence - from.sequence)
    this.#from = cursor
    return edge
  }

  #forget(): void {
    this.#from = undefined
    this.#pending = []
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  async #follow(edge: Edge, cursor: LogCursor): Promise<void> {
    const signed = this.#signed()
    const { frontier } = edge
    const check = (): void => {
      if (signed === undefined || frontier.size !== signed.size) return
      if (equalHashes(frontier.root(), signed.root)) return
      throw tampered(`lines 1 to ${signed.size} are not those that were signed`)
    }
    check()
    for (;;) {
      await this.#segment(edge, cursor, check)
      if (edge.segment >= cursor.segment) break
      edge.segment++
      edge.offset = 0
    }
    if (frontier.size === cursor.sequence && edge.hash === cursor.hash) return
    throw tampered(`line ${cursor.sequence} is not the line that was written`, cursor.sequence)
  }

  async #segment(edge: Edge, cursor: LogCursor, check: () => void): Promise<void> {
    const { segment, offset } = edge
    const reader = await openSegment(this.#files, this.#directory, segment)
    if (reader === undefined) {
      await this.#fold(edge, check)
      return
    }
    const slices = new Slices()
    try {
      const end = segment === cursor.segment ? cursor.offset : reader.size
      for await (const { bytes } of blocksForward(reader, offset, end)) {
        for (let start = 1; start < bytes.length; ) {
          const stop = bytes.indexOf(0x0a, start)
          take(edge, bytes, start, stop)
          check()
          start = stop + 1
          if (slices.due) await slices.pause()
        }
      }
    } finally {
      reader.close()
    }
  }

  /** Of a segment whose lines retention has removed, or that is wanted whole. */
  async #fold(edge: Edge, check: () => void): Promise<void> {
    const { frontier, segment } = edge
    const splitter = new HashSplitter()
    const slices = new Slices()
    for await (const chunk of readHashes(this.#files, this.#directory, segment)) {
      for (const leaf of splitter.push(chunk)) {
        frontier.append(leaf)
        check()
      }
      edge.hash = chunk.toString('hex', chunk.length - 32)
      if (slices.due) await slices.pause()
    }
  }
}

function take(edge: Edge, bytes: Buffer, start: number, stop: number): void {
  const { frontier } = edge
  const head = parseLine(bytes, start, stop)
  const sequence = frontier.size + 1
  if (head?.sequence !== sequence || head.previous !== edge.hash) {
    throw tampered(`line ${sequence} does not follow on the line before it`, sequence)
  }
  edge.hash = hashLine(bytes, start, stop)
  edge.offset += stop + 1 - start
  frontier.appendHex(edge.hash)
}

function tampered(message: string, sequence?: number): AuditError {
  return new AuditError('ERR_AUDIT_TAMPERED', message, sequence === undefined ? {} : { sequence })
}
