/**
 * What shows to others that a log is what it was: signed checkpoints of its Merkle tree, proofs against them, and the
 * removal of old segments under a signature. Works on what is synced only, one request after another.
 */
import type { LogCursor } from './cursor.ts'
import { AuditError } from './errors.ts'
import type { LogFiles } from './log-files.ts'
import type { LogTree } from './log-tree.ts'
import type { NotesStore } from './notes-store.ts'
import {
  type Checkpoint,
  formatCheckpoint,
  formatKeyStatement,
  formatRetention,
  parseCheckpoint,
  type RetentionStatement,
} from './proof/checkpoint.ts'
import { equalHashes, hashLeaf } from './proof/merkle.ts'
import { type NoteSigner, parseNote, parseVkey, signNote, verifyNote } from './proof/note.ts'
import { formatProof } from './proof/proof-text.ts'
import {
  consistencyProof,
  inclusionProof,
  type Subtree,
  verifyConsistency,
  verifyInclusion,
} from './proof/proofs.ts'
import { subtreeOf } from './proof/subtree.ts'
import type { LogVerifyResult, VerifyLogOptions } from './proof/verify-log.ts'
import { leafHashes } from './segments/leaf-hashes.ts'
import { locate } from './segments/locate.ts'
import { readAfter } from './segments/read-after.ts'
import { oldSegments, removeSegments } from './segments/retention.ts'
import { verifyFiles } from './verify-directory.ts'

/** Signs what a log says of itself; made by `createSigner`. */
export type LogSigner = NoteSigner

/** A key that the log was signed with. */
export interface LogKey {
  readonly vkey: string
  /** Size of the tree from which on it signs. */
  readonly from: number
}

/** That a line is in the log of a checkpoint. */
export interface LineProof {
  /** Signed note. */
  readonly checkpoint: string
  /** C2SP tlog-proof, which holds the checkpoint too. */
  readonly proof: string
  /** The line without its newline; absent when retention has removed it. */
  readonly line?: string
}

/** What retention has removed. */
export interface Removed {
  /** Segments 1 to this are gone. */
  readonly segment: number
  /** Lines 1 to this are gone. */
  readonly lines: number
}

export interface EvidenceParts {
  readonly files: LogFiles
  readonly directory: string
  readonly notes: NotesStore
  readonly tree: LogTree
  readonly tail: () => LogCursor
  /** Make all lines durable; the cursor that is then synced. */
  readonly sync: () => Promise<LogCursor>
}

export class LogEvidence {
  readonly #parts: EvidenceParts
  /** Ends with the request that is under way; never rejects. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Verifications that are under way: no segment is removed meanwhile. */
  #verifying = 0
  /** The last checkpoint that was made here, and who signed it. */
  #last: { readonly note: string; readonly size: number; readonly vkey: string } | undefined

  constructor(parts: EvidenceParts) {
    this.#parts = parts
  }

  /** Keys that came into force, oldest first; what the file says, unverified. */
  get keys(): readonly LogKey[] {
    return this.#parts.notes.state.keys.map(({ vkey, size }) => ({ vkey, from: size }))
  }

  /** The vkey that is in force. */
  get key(): string | undefined {
    return this.#parts.notes.state.keys.at(-1)?.vkey
  }

  /** The checkpoint of the largest tree so far. */
  get checkpointed(): Checkpoint | undefined {
    return this.#parts.notes.state.checkpoint
  }

  get retention(): RetentionStatement | undefined {
    return this.#parts.notes.state.retention
  }

  /** Leaf hash of line 1, 64 hex digits: what a log can be named after. Undefined while there is none. */
  async firstHash(): Promise<string | undefined> {
    const tail = this.#parts.tail()
    if (tail.sequence === 0) return undefined
    return (await this.#leaf(tail, 1)).toString('hex')
  }

  /**
   * Sign the log as it is now, durably, unless this key has done so.
   *
   * @returns the signed note
   * @throws AuditError `ERR_AUDIT_SYNC`, `ERR_AUDIT_TAMPERED` when the lines on disk are not those that were written;
   *   system errors of writing
   */
  checkpoint(signer: LogSigner): Promise<string> {
    return this.#inTurn(async () => (await this.#checkpoint(signer)).note)
  }

  /**
   * Put a key into force.
   *
   * @param before - the key that was; absent for the first one, or for one that nobody can hand over any more
   */
  handOver(signer: LogSigner, before?: LogSigner): Promise<void> {
    return this.#inTurn(async () => {
      const { notes, sync } = this.#parts
      const { sequence: size } = await sync()
      const { name: origin, vkey } = signer
      const previous = before === undefined ? {} : { previous: before.vkey }
      const text = formatKeyStatement({ origin, size, vkey, ...previous })
      await notes.append(signNote(text, before === undefined ? [signer] : [before, signer]))
    })
  }

  /**
   * Prove that a line is in the log as it is now.
   *
   * @param sequence - from 1
   * @throws RangeError for a line that is not there yet; as {@link checkpoint}
   */
  prove(sequence: number, signer: LogSigner): Promise<LineProof> {
    return this.#inTurn(async () => {
      const { note, cursor, root } = await this.#checkpoint(signer)
      const { sequence: size } = cursor
      if (sequence < 1 || sequence > size) throw new RangeError(`the log has lines 1 to ${size}`)
      const index = sequence - 1
      const leaf = await this.#leaf(cursor, sequence)
      const line = await this.#line(cursor, sequence)
      const hashes = await inclusionProof(index, size, this.#subtree(cursor))
      const isOwn = line === undefined || equalHashes(hashLeaf(Buffer.from(line)), leaf)
      if (!isOwn || !verifyInclusion(leaf, index, size, hashes, root)) throw changed(sequence)
      const proof = formatProof({ kind: 'inclusion', index, hashes, checkpoint: note })
      return { checkpoint: note, proof, ...(line === undefined ? {} : { line }) }
    })
  }

  /**
   * Prove that the log as it is now continues one that was signed before.
   *
   * @param old - signed note of a checkpoint of this log
   * @throws RangeError when it is none; AuditError `ERR_AUDIT_TAMPERED` when the log does not continue it
   */
  consistency(
    old: string,
    signer: LogSigner,
  ): Promise<{ readonly checkpoint: string; readonly proof: string }> {
    return this.#inTurn(async () => {
      const before = this.#ownCheckpoint(old, signer)
      const { note, cursor, root } = await this.#checkpoint(signer)
      const { sequence: size } = cursor
      if (before.size > size) {
        throw new AuditError(
          'ERR_AUDIT_TAMPERED',
          `the log ends at line ${size}, before that checkpoint`,
          {
            sequence: size + 1,
          },
        )
      }
      const hashes = await consistencyProof(before.size, size, this.#subtree(cursor))
      if (!verifyConsistency(before.size, before.root, size, root, hashes)) {
        throw new AuditError('ERR_AUDIT_TAMPERED', 'the log does not continue that checkpoint')
      }
      const sizes = { oldSize: before.size, newSize: size }
      const proof = formatProof({ kind: 'consistency', ...sizes, hashes, checkpoint: note })
      return { checkpoint: note, proof }
    })
  }

  /**
   * Remove old segments: closed ones of which no line is as young as `beforeMs`, from the beginning. What remains of a
   * line is its hash, so that every proof and checkpoint stays good.
   *
   * @param upTo - segments behind this one stay in any case
   * @param announce - called before anything is removed; throws to keep it all
   * @returns what was removed now; undefined if nothing was
   */
  retain(
    { beforeMs, upTo }: { readonly beforeMs: number; readonly upTo: number },
    signer: LogSigner,
    announce: (removed: Removed) => Promise<void>,
  ): Promise<Removed | undefined> {
    return this.#inTurn(async () => {
      const { files, directory, notes } = this.#parts
      // It opens a segment when it comes to it.
      if (this.#verifying > 0) return undefined
      const known = notes.state.retention
      // What a crash has left of an earlier removal.
      if (known !== undefined) await removeSegments(files, directory, known.segment)
      const last = Math.min(upTo, this.#parts.tail().segment - 1)
      const segment = await oldSegments(files, directory, { beforeMs, last })
      if (segment <= (known?.segment ?? 0)) return undefined
      const { lines, hash, root } = await this.#parts.tree.endOf(segment)
      await announce({ segment, lines })
      const text = formatRetention({ origin: signer.name, segment, size: lines, hash, root })
      await notes.append(signNote(text, [signer]))
      await removeSegments(files, directory, segment)
      return { segment, lines }
    })
  }

  /**
   * Verify the log from its first line to the last one written, with its checkpoints.
   *
   * @param options - `keys` to trust; `known` lines beside the last one; `outside` checkpoints that were kept elsewhere
   */
  async verify(options: Omit<VerifyLogOptions, 'notes'> = {}): Promise<LogVerifyResult> {
    this.#verifying++
    try {
      // What is being removed now is gone before it begins.
      await this.#turn
      return await this.#verify(options)
    } finally {
      this.#verifying--
    }
  }

  async #verify(options: Omit<VerifyLogOptions, 'notes'>): Promise<LogVerifyResult> {
    const { files, directory, notes } = this.#parts
    // First: what is signed from here on may be of lines behind the last one that is read.
    const signed = options.keys === undefined ? {} : { notes: await notes.read() }
    const until = this.#parts.tail()
    const known = until.sequence === 0 ? [] : [until]
    return verifyFiles(files, directory, until, {
      ...options,
      ...signed,
      known: [...(options.known ?? []), ...known],
    })
  }

  /** Finish what is under way. */
  async close(): Promise<void> {
    await this.#turn
    this.#parts.notes.close()
  }

  async #checkpoint(
    signer: LogSigner,
  ): Promise<{ readonly note: string; readonly cursor: LogCursor; readonly root: Uint8Array }> {
    const { notes, tree, sync, tail } = this.#parts
    tree.collect(tail())
    const cursor = await sync()
    const root = await tree.rootAt(cursor)
    const { sequence: size } = cursor
    if (this.#last?.size === size && this.#last.vkey === signer.vkey) {
      return { note: this.#last.note, cursor, root }
    }
    const note = signNote(formatCheckpoint({ origin: signer.name, size, root }), [signer])
    await notes.append(note)
    this.#last = { note, size, vkey: signer.vkey }
    return { note, cursor, root }
  }

  #ownCheckpoint(text: string, signer: LogSigner): Checkpoint {
    const note = parseNote(text)
    const keys = [...this.keys.map(({ vkey }) => vkey), signer.vkey]
    const known = [...new Set(keys)].map(parseVkey).filter((key) => key !== undefined)
    const signers = note === undefined ? undefined : verifyNote(note, known)
    const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text)
    if (!signers?.length || checkpoint?.origin !== signer.name) {
      throw new RangeError('this is no checkpoint that this log has signed')
    }
    return checkpoint
  }

  async #leaf(cursor: LogCursor, sequence: number): Promise<Buffer> {
    const { files, directory } = this.#parts
    const chunks: Uint8Array[] = []
    for await (const chunk of leafHashes(files, directory, cursor, sequence - 1, sequence)) {
      chunks.push(Uint8Array.from(chunk))
    }
    return Buffer.concat(chunks)
  }

  async #line(synced: LogCursor, sequence: number): Promise<string | undefined> {
    const { files, directory } = this.#parts
    if (sequence <= (this.retention?.size ?? 0)) return undefined
    const at = await locate(files, directory, synced, sequence)
    const { records } = await readAfter(files, directory, synced, at, {
      maxRecords: 1,
      maxBytes: 1,
    })
    const [record] = records
    return record?.sequence === sequence ? record.line : undefined
  }

  #subtree(cursor: LogCursor): Subtree {
    const { files, directory } = this.#parts
    return subtreeOf((start, end) => leafHashes(files, directory, cursor, start, end))
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }
}

function changed(sequence: number): AuditError {
  return new AuditError(
    'ERR_AUDIT_TAMPERED',
    `line ${sequence} is not the line that was recorded`,
    {
      sequence,
    },
  )
}
