/**
 * The registry's side of the audit log (DESIGN §2, steps 2 to 7): lines of reads and denials are written before
 * their answer, several with one write, and synced too where that is asked for; lines of a commit come from its outbox row, which is freed once they are
 * synced. When the log cannot take the lines of a commit, they wait here and in the outbox, and the gate stays shut
 * until they are written.
 */
import type { AuditLog, LogCursor, LogItem } from '@secreg/audit'
import { SecregError } from '@secreg/protocol'
import type { Engine, Op, Row } from '@secreg/storage'
import { CURSOR_KEY, OUTBOX_SPACE, outboxKey, outboxNumber } from './keys.ts'

/** Audit bodies of one commit. */
interface OutboxGroup {
  readonly number: number
  readonly timeMs: number
  readonly bodies: readonly string[]
}

interface WaitingLine {
  readonly item: LogItem
  readonly written: (error?: SecregError) => void
}

/** What the journal found and did when it opened. */
export interface JournalRecovery {
  /** Lines of earlier commits that were missing in the log and have been appended. */
  readonly appended: number
}

/** Lines of reads after which the cursor moves although nothing was changed: bounds what a start verifies. */
const CURSOR_LAG = 100_000

/** Most rows that one commit frees beside its own: a backlog of any size must not make the commit too large. */
export const FREED_ROWS = 512

/** Lines that are written without waiting for more: their callers go on while the rest of a round is read. */
const LINES_AT_ONCE = 32

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export interface JournalOptions {
  readonly engine: Engine
  readonly log: AuditLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether a record without a commit must be synced before its answer, not only written; default false. */
  readonly syncsAll?: () => boolean
}

export class Journal {
  readonly #log: AuditLog
  readonly #now: () => number
  readonly #syncsAll: () => boolean
  /** Groups in the outbox, by number, with the revision of their commit. */
  readonly #outbox = new Map<number, number>()
  /** Committed groups whose lines the log could not take. */
  readonly #backlog: { revision: number; group: OutboxGroup }[] = []
  #waiting: WaitingLine[] = []
  #flushing = false
  #nextNumber = 1
  /** Sequence of the cursor in the engine. */
  #stored = 0
  /** Segment of the same; what it names must be there at the next start. */
  #storedSegment = 1
  /** Before this line is synced, the last synced one may stand in the midst of a commit. */
  #wholeFrom = 0

  private constructor({ log, now, syncsAll }: JournalOptions) {
    this.#log = log
    this.#now = now
    this.#syncsAll = syncsAll ?? (() => false)
  }

  /** Read the cursor that the log must reach. */
  static async readCursor(engine: Engine): Promise<LogCursor | undefined> {
    const row = await engine.get(CURSOR_KEY)
    return row === undefined ? undefined : decodeCursor(row)
  }

  /**
   * Bring log and outbox together (DESIGN §2, step 7).
   *
   * @throws SecregError `ERR_STORAGE_CORRUPT` when the log knows of a later commit than the store
   */
  static async open(
    options: JournalOptions,
  ): Promise<{ journal: Journal; recovery: JournalRecovery }> {
    const { engine, log } = options
    if (log.tail.revision > engine.head) {
      throw new SecregError(
        'STORAGE_CORRUPT',
        `the data directory was rolled back: the audit log knows revision ${log.tail.revision}, the store ends at ${engine.head}`,
      )
    }
    const journal = new Journal(options)
    const cursor = await Journal.readCursor(engine)
    journal.#stored = cursor?.sequence ?? 0
    journal.#storedSegment = cursor?.segment ?? 1
    let appended = 0
    for await (const row of engine.iterate(OUTBOX_SPACE)) {
      const number = outboxNumber(row.key)
      journal.#nextNumber = number + 1
      journal.#outbox.set(number, row.modifyRevision)
      if (row.modifyRevision < log.recovered.countedFrom) continue
      const group = decodeGroup(number, row)
      const present = log.recovered.revisionLines(row.modifyRevision)
      const missing = group.bodies.slice(present)
      if (missing.length === 0) continue
      log.append(itemsOf({ ...group, bodies: missing }, row.modifyRevision))
      appended += missing.length
    }
    if (appended > 0) journal.#wholeFrom = log.tail.sequence
    return { journal, recovery: { appended } }
  }

  get log(): AuditLog {
    return this.#log
  }

  /** Segment of the line that the log must have at the next start. */
  get storedSegment(): number {
    return this.#storedSegment
  }

  /** Whether the cursor in the store is worth a commit of its own. */
  get isFreeingDue(): boolean {
    return this.#outbox.size > 0 || this.#log.synced.sequence - this.#stored >= CURSOR_LAG
  }

  /**
   * Log a commit that nobody knew of: its outbox row has turned up after a write whose outcome was not known.
   *
   * @returns the revision of the commit; `undefined` when there was none
   */
  async adopt(engine: Engine, number: number): Promise<number | undefined> {
    const row = await engine.get(outboxKey(number))
    if (row === undefined) return undefined
    const { timeMs, bodies } = decodeGroup(number, row)
    this.commit(number, row.modifyRevision, timeMs, bodies)
    return row.modifyRevision
  }

  /**
   * Write a line before its answer; several callers' lines share one write.
   *
   * @param body - JSON text of an `AuditBody`
   * @param written - called once: without an error when the line is written
   */
  record(body: string, written: (error?: SecregError) => void): void {
    this.#waiting.push({ item: { timeMs: this.#now(), body }, written })
    if (this.#waiting.length >= LINES_AT_ONCE) {
      this.flush()
      return
    }
    if (this.#flushing) return
    this.#flushing = true
    // After this round of I/O, so that the requests of all connections that are ready share the write.
    setImmediate(() => this.flush())
  }

  /** Write the lines that wait now. */
  flush(): void {
    this.#flushing = false
    const lines = this.#waiting
    if (lines.length === 0) return
    this.#waiting = []
    try {
      if (!this.#drain()) throw new Error('earlier records are not written yet')
      this.#log.append(lines.map((line) => line.item))
    } catch (cause) {
      tell(lines, auditFailed(cause))
      return
    }
    if (!this.#syncsAll()) {
      tell(lines)
      return
    }
    this.#log.sync().then(
      () => tell(lines),
      (cause: unknown) => tell(lines, auditFailed(cause)),
    )
  }

  /** Whether a group of this size may be committed (DESIGN §2, step 2). */
  gate(groupBytes: number): boolean {
    return this.#log.gate(groupBytes) && this.#drain()
  }

  /** The outbox row for a group, and the rows that free what is synced. */
  outboxOps(timeMs: number, bodies: readonly string[]): { number: number; ops: Op[] } {
    const number = this.#nextNumber
    if (bodies.length === 0) return { number, ops: this.freeingOps() }
    this.#nextNumber++
    const value = encodeOutbox(timeMs, bodies)
    return {
      number,
      ops: [{ type: 'put', key: outboxKey(number), value }, ...this.freeingOps()],
    }
  }

  /** Rows that move the cursor to the last synced line and free the outbox up to it, as far as one commit goes. */
  freeingOps(): Op[] {
    const { synced } = this.#log
    const ops: Op[] = []
    // A cursor there would say that the whole commit is synced.
    if (synced.sequence < this.#wholeFrom) return ops
    if (synced.sequence > this.#stored) {
      ops.push({ type: 'put', key: CURSOR_KEY, value: encoder.encode(JSON.stringify(synced)) })
    }
    for (const [number, revision] of this.#outbox) {
      if (revision > synced.revision || ops.length >= FREED_ROWS) break
      ops.push({ type: 'delete', key: outboxKey(number) })
    }
    return ops
  }

  /** Take note of a commit that held {@link freeingOps}. */
  freed(ops: readonly Op[]): void {
    for (const op of ops) {
      if (op.type === 'delete') this.#outbox.delete(outboxNumber(op.key))
      else if (op.key === CURSOR_KEY) {
        const { sequence, segment } = JSON.parse(decoder.decode(op.value)) as LogCursor
        this.#stored = sequence
        this.#storedSegment = segment
      }
    }
  }

  /** Log the bodies of a commit, which are durable already: never throws, and answers stay truthful. */
  commit(number: number, revision: number, timeMs: number, bodies: readonly string[]): void {
    this.#outbox.set(number, revision)
    this.#backlog.push({ revision, group: { number, timeMs, bodies } })
    // When it cannot be written now, the gate stays shut until it is.
    this.#drain()
  }

  /** Write what earlier commits owe to the log; false when it cannot be written now. */
  #drain(): boolean {
    for (let owed = this.#backlog[0]; owed !== undefined; owed = this.#backlog[0]) {
      try {
        this.#log.append(itemsOf(owed.group, owed.revision))
      } catch {
        return false
      }
      this.#backlog.shift()
    }
    return true
  }
}

function tell(lines: readonly WaitingLine[], error?: SecregError): void {
  for (const line of lines) {
    try {
      line.written(error)
    } catch {
      // One caller's answer must not keep the others from theirs.
    }
  }
}

function itemsOf(group: OutboxGroup, revision: number): LogItem[] {
  return group.bodies.map((body) => ({ timeMs: group.timeMs, revision, body }))
}

/** Value of an outbox row: the audit bodies of one commit. */
export function encodeOutbox(timeMs: number, bodies: readonly string[]): Uint8Array {
  return encoder.encode(`${timeMs}\n${bodies.join('\n')}`)
}

function decodeGroup(number: number, row: Row): OutboxGroup {
  const [time, ...bodies] = decoder.decode(row.value).split('\n')
  return { number, timeMs: Number(time), bodies }
}

function decodeCursor(row: Row): LogCursor {
  try {
    return JSON.parse(decoder.decode(row.value)) as LogCursor
  } catch (cause) {
    throw new SecregError('STORAGE_CORRUPT', 'the cursor of the audit log cannot be read', {
      cause,
    })
  }
}

export function auditFailed(cause: unknown): SecregError {
  return new SecregError(
    'AUDIT_FAILED',
    'the audit log cannot be written; nothing was changed or disclosed',
    {
      cause,
    },
  )
}
