import {
  type AuditLog,
  assertCursor,
  DEFAULT_LOG_OPTIONS,
  type LogEvent,
  type OpenLogOptions,
  systemClock,
} from './audit-log.ts'
import type { LogCursor } from './cursor.ts'
import { prepareDirectory, tidyDirectory } from './directory.ts'
import { AuditError } from './errors.ts'
import type { LogItem } from './line-encoder.ts'
import { LogEvidence } from './log-evidence.ts'
import type { LogFiles } from './log-files.ts'
import { LogTree } from './log-tree.ts'
import { closedError, type LogSettings, LogWriter } from './log-writer.ts'
import { nodeFiles } from './node-files.ts'
import { NotesStore } from './notes-store.ts'
import { type LogRecord, type QueryFilter, queryLog } from './query.ts'
import { type Recovered, type RecoveredLog, recoverLog } from './recover.ts'
import { Reserve } from './reserve.ts'
import { Archiver } from './segments/archiver.ts'
import { Indexes } from './segments/indexes.ts'
import { locate } from './segments/locate.ts'
import { type ForwardBatch, type ForwardLimits, readAfter } from './segments/read-after.ts'

/**
 * Open the log in a directory, made if absent. What a crash left half written is cut off.
 * @throws AuditError `ERR_AUDIT_DIRECTORY`, `ERR_AUDIT_TAMPERED`; system errors of reading.
 */
export async function openLog(options: OpenLogOptions): Promise<AuditLog> {
  const settings = { ...DEFAULT_LOG_OPTIONS, files: nodeFiles, clock: systemClock, ...options }
  for (const name of Object.keys(DEFAULT_LOG_OPTIONS) as (keyof typeof DEFAULT_LOG_OPTIONS)[]) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) {
      throw new RangeError(`${name} must be an integer of at least 1`)
    }
  }
  const { files, directory, cursor } = settings
  if (cursor !== undefined) assertCursor(cursor)
  prepareDirectory(files, directory)
  tidyDirectory(files, directory)
  const reserve = new Reserve(files, directory)
  let notes: NotesStore | undefined
  try {
    reserve.open()
    notes = await NotesStore.open(files, directory)
    const found = await recoverLog(files, directory, cursor)
    requireSigned(found.tail, notes)
    reserve.make(settings.reserveBytes)
    return new Log(settings, found, reserve, notes)
  } catch (error) {
    notes?.close()
    reserve.close()
    throw error
  }
}

/** Only what was synced is signed, so a log that is shorter than its last checkpoint was cut. */
function requireSigned(tail: LogCursor, notes: NotesStore): void {
  const size = notes.state.checkpoint?.size ?? 0
  if (tail.sequence >= size) return
  const message = `the log ends before line ${size}, which was signed`
  throw new AuditError('ERR_AUDIT_TAMPERED', message, { sequence: tail.sequence + 1 })
}

/** The parts of an open log: what writes it, closes segments, answers questions and proves. */
class Log implements AuditLog {
  readonly evidence: LogEvidence
  readonly #files: LogFiles
  readonly #directory: string
  readonly #tree: LogTree
  readonly #writer: LogWriter
  readonly #archiver: Archiver
  readonly #indexes: Indexes
  readonly #listeners = new Set<() => void>()

  constructor(settings: LogSettings, found: RecoveredLog, reserve: Reserve, notes: NotesStore) {
    const { files, directory, clock, terms, observer } = settings
    this.#files = files
    this.#directory = directory
    const tell = (event: LogEvent): void => {
      this.#note(event)
      observer?.(event)
    }
    const tree = new LogTree(files, directory, () => notes.state.checkpoint)
    this.#tree = tree
    this.#writer = new LogWriter({ ...settings, observer: tell }, found, reserve, (leaves) =>
      tree.add(leaves),
    )
    this.#archiver = new Archiver({
      files,
      directory,
      clock,
      synced: () => this.#writer.synced,
      // Room that was made for lines which are already committed elsewhere is theirs.
      mayWrite: () => this.#writer.state === 'healthy',
      observer: tell,
      ...(terms === undefined ? {} : { terms }),
    })
    this.#indexes = new Indexes(files, directory, {
      onDamage: (segment) => this.#archiver.repair(segment),
      ...(terms === undefined ? {} : { terms }),
    })
    this.evidence = new LogEvidence({
      files,
      directory,
      notes,
      tree,
      tail: () => this.#writer.tail,
      sync: () => this.#writer.sync(),
    })
    // What an earlier run has left.
    this.#archiver.wake()
  }

  get recovered(): Recovered {
    return this.#writer.recovered
  }

  get tail(): LogCursor {
    return this.#writer.tail
  }

  get synced(): LogCursor {
    return this.#writer.synced
  }

  get state(): 'healthy' | 'failing' | 'closed' {
    return this.#writer.state
  }

  gate(groupBytes: number): boolean {
    return this.#writer.gate(groupBytes)
  }

  append(items: readonly LogItem[]): void {
    this.#writer.append(items)
  }

  sync(): Promise<LogCursor> {
    return this.#writer.sync()
  }

  query(filter: QueryFilter = {}): AsyncIterable<LogRecord> {
    if (this.state === 'closed') throw closedError()
    return queryLog(this.#files, this.#directory, this.tail, filter, this.#indexes)
  }

  readAfter(cursor: LogCursor, limits: ForwardLimits): Promise<ForwardBatch> {
    const { synced } = this
    return readAfter(this.#files, this.#directory, synced, cursor, limits, this.#indexes)
  }

  locate(sequence: number): Promise<LogCursor> {
    return locate(this.#files, this.#directory, this.synced, sequence)
  }

  onSynced(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  settle(): Promise<void> {
    return this.#archiver.run()
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return
    this.#tree.close()
    await this.#archiver.close()
    try {
      await this.#writer.close()
    } finally {
      await this.evidence.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #note(event: LogEvent): void {
    if (event.type === 'synced') {
      this.#archiver.wake()
      this.#tree.advance(event.cursor)
      for (const listener of this.#listeners) listener()
    }
    if (event.type === 'archived') this.#indexes.forget(event.segment)
  }
}
