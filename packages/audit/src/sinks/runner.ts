import { type LogClock, systemClock } from '../audit-log.ts'
import type { LogCursor } from '../cursor.ts'
import { AuditError } from '../errors.ts'
import { backoffMs } from './backoff.ts'
import { assertSinkName, type SinkCursors } from './cursor-file.ts'
import { CursorKeeper } from './cursor-keeper.ts'
import { SinkError, sinkErrorCode } from './errors.ts'
import {
  assertFollows,
  type ForwardBatch,
  type ForwardRecord,
  type RecordSource,
  START_CURSOR,
} from './source.ts'

/**
 * Hand a batch over. Resolves once the receiver has all of it; after a rejection the same records
 * come again, maybe in a larger or smaller batch. Must settle soon after `signal` aborts: the next
 * attempt waits for that, or the order would be lost.
 */
export type Deliver = (records: readonly ForwardRecord[], signal: AbortSignal) => Promise<void>

/** What a sink tells its owner besides its status. */
export type SinkEvent =
  /** The stored cursor is not trusted, or is of another log: everything is delivered again. */
  | {
      readonly type: 'cursor-rejected'
      readonly reason: 'damaged' | 'foreign' | 'ahead' | 'replaced'
    }
  | { readonly type: 'cursor-failed'; readonly error: string }
  /** Retention removed records before the sink had them. */
  | { readonly type: 'missed'; readonly records: number; readonly before: number }
  | { readonly type: 'failed'; readonly error: string; readonly retryInMs: number }
  | { readonly type: 'recovered'; readonly sequence: number }

export interface SinkStatus {
  readonly name: string
  readonly state: 'idle' | 'delivering' | 'retrying' | 'stopped'
  /** Number of the last record delivered. */
  readonly sequence: number
  /** Synced records that are not delivered yet. */
  readonly lag: number
  /** While it fails: time of the first failure, milliseconds of the epoch, and code of the last. */
  readonly since?: number
  readonly error?: string
}

export interface SinkRunnerOptions {
  /** `[a-z0-9-]{1,32}`, one for each sink of a log. */
  readonly name: string
  readonly source: RecordSource
  readonly cursors: SinkCursors
  readonly deliver: Deliver
  /** Largest batch in records; default 256. */
  readonly maxRecords?: number
  /** Largest batch in bytes of lines; default 256 KiB. */
  readonly maxBytes?: number
  /** After this a batch is aborted and tried again; default 30,000. */
  readonly batchTimeoutMs?: number
  /** Shortest time between two stores of the cursor; default 1000. */
  readonly storeIntervalMs?: number
  /** Default: the process's monotonic clock. */
  readonly clock?: LogClock
  /** Milliseconds of the epoch, for `since`; default `Date.now`. */
  readonly wallTime?: () => number
  /** Numbers from 0 up to 1, for the waiting times; default `Math.random`. */
  readonly random?: () => number
  readonly observer?: (event: SinkEvent) => void
}

/** How long a batch that was aborted at close may still take to settle. */
const SETTLE_MS = 1000

/**
 * Brings the records of a log to one receiver, in order and at least once: a batch is delivered,
 * then the cursor moves. After a crash, what was delivered since the cursor was stored comes again;
 * nothing is left out. Nobody ever waits for it: it reads what is synced, at its own pace.
 */
export class SinkRunner {
  readonly #name: string
  readonly #options: SinkRunnerOptions
  readonly #clock: LogClock
  readonly #keeper: CursorKeeper
  #cursor: LogCursor = START_CURSOR
  #loaded = false
  /** The log was seen to go on from the cursor. */
  #proven = false
  #failures = 0
  #failing: { since: number; error: string } | undefined
  #poked = false
  #loop: Promise<void> | undefined
  #abort: AbortController | undefined
  #wake: (() => void) | undefined
  #closing: Promise<void> | undefined

  /** @throws RangeError for a name or limit out of range. */
  constructor(options: SinkRunnerOptions) {
    assertSinkName(options.name)
    assertLimit('maxRecords', options.maxRecords)
    assertLimit('maxBytes', options.maxBytes)
    assertLimit('batchTimeoutMs', options.batchTimeoutMs)
    this.#name = options.name
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#keeper = new CursorKeeper({
      store: (cursor) => options.cursors.store(options.name, cursor),
      clock: this.#clock,
      intervalMs: options.storeIntervalMs ?? 1000,
      onFailure: (error) => this.#tell({ type: 'cursor-failed', error: sinkErrorCode(error) }),
    })
  }

  /** Behind the last record delivered; the beginning of the log before it is known. */
  get cursor(): LogCursor {
    return this.#cursor
  }

  get status(): SinkStatus {
    const { sequence } = this.#cursor
    const lag = Math.max(0, this.#options.source.synced.sequence - sequence)
    return { name: this.#name, state: this.#state(), sequence, lag, ...this.#failing }
  }

  /** Something may have been synced. Also what starts the sink; costs nothing when it is at work. */
  poke(): void {
    if (this.#closing !== undefined) return
    this.#poked = true
    this.#loop ??= this.#run()
  }

  /**
   * Stop. A batch under way has `graceMs` to end, then it is aborted; the cursor is stored. Never
   * fails, and resolves a second later at most even if the batch does not heed its signal.
   */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    this.#wake?.()
    if (this.#loop !== undefined) {
      let cancel = (): void => {}
      const given = new Promise<void>((resolve) => {
        cancel = this.#clock.after(graceMs, () => {
          this.#abort?.abort(new SinkError('ERR_SINK_CLOSED', 'the sink is being closed'))
          cancel = this.#clock.after(SETTLE_MS, resolve)
        })
      })
      await Promise.race([this.#loop, given])
      cancel()
    }
    await this.#keeper.close()
  }

  #state(): SinkStatus['state'] {
    if (this.#closing !== undefined) return 'stopped'
    if (this.#failing !== undefined) return 'retrying'
    return this.#loop === undefined ? 'idle' : 'delivering'
  }

  async #run(): Promise<void> {
    // Never in the turn of who poked: that may be the log, in the midst of a sync.
    await Promise.resolve()
    while (this.#poked && this.#closing === undefined) {
      this.#poked = false
      while (this.#closing === undefined && (await this.#step())) {
        // Until it has caught up.
      }
    }
    this.#loop = undefined
  }

  /** Deliver one batch, or fail and wait. False if there was nothing to deliver. */
  async #step(): Promise<boolean> {
    try {
      if (!this.#loaded) await this.#load()
      const batch = await this.#next()
      if (batch !== undefined) {
        if (batch.records.length > 0) await this.#deliver(batch.records)
        const before = this.#cursor.sequence + batch.missed + 1
        this.#cursor = batch.cursor
        this.#keeper.moved(batch.cursor)
        if (batch.missed > 0) this.#tell({ type: 'missed', records: batch.missed, before })
      }
      this.#succeeded()
      return batch !== undefined
    } catch (error) {
      await this.#failed(error)
      return true
    }
  }

  async #load(): Promise<void> {
    const { cursor, rejected } = await this.#options.cursors.load(this.#name)
    this.#loaded = true
    if (rejected !== undefined) this.#tell({ type: 'cursor-rejected', reason: rejected })
    this.#cursor = cursor ?? START_CURSOR
    this.#proven = cursor === undefined
  }

  async #next(): Promise<ForwardBatch | undefined> {
    const { source, maxRecords = 256, maxBytes = 256 * 1024 } = this.#options
    const { segment, sequence, hash } = source.synced
    const ahead = this.#cursor.sequence > sequence || this.#cursor.segment > segment
    if (ahead) this.#restart('ahead')
    else if (this.#cursor.sequence === sequence && this.#cursor.hash !== hash) {
      this.#restart('replaced')
    }
    if (this.#cursor.sequence === sequence) return undefined
    let batch: ForwardBatch
    try {
      batch = await source.readAfter(this.#cursor, { maxRecords, maxBytes })
      assertFollows(this.#cursor, batch)
    } catch (error) {
      if (this.#proven || !contradicts(error)) throw error
      // A log that goes on otherwise than the cursor says is another log.
      this.#restart('replaced')
      batch = await source.readAfter(this.#cursor, { maxRecords, maxBytes })
      assertFollows(this.#cursor, batch)
    }
    this.#proven = true
    return batch.cursor.sequence > this.#cursor.sequence ? batch : undefined
  }

  /** @throws SinkError if the log contradicts a cursor that it was seen to go on from. */
  #restart(reason: 'ahead' | 'replaced'): void {
    if (this.#proven) {
      throw new SinkError('ERR_SINK_SOURCE', 'the log is no longer what was delivered')
    }
    this.#tell({ type: 'cursor-rejected', reason })
    this.#cursor = START_CURSOR
    this.#proven = true
  }

  async #deliver(records: readonly ForwardRecord[]): Promise<void> {
    const abort = new AbortController()
    this.#abort = abort
    const cancel = this.#clock.after(this.#options.batchTimeoutMs ?? 30_000, () => {
      this.#note('ERR_SINK_TIMEOUT')
      abort.abort(new SinkError('ERR_SINK_TIMEOUT', 'the batch took too long'))
    })
    try {
      await this.#options.deliver(records, abort.signal)
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error
    } finally {
      cancel()
      this.#abort = undefined
    }
  }

  #succeeded(): void {
    if (this.#failing === undefined) return
    this.#failing = undefined
    this.#failures = 0
    this.#tell({ type: 'recovered', sequence: this.#cursor.sequence })
  }

  async #failed(reason: unknown): Promise<void> {
    const error = sinkErrorCode(reason)
    this.#note(error)
    if (this.#closing !== undefined) return
    const retryInMs = backoffMs(++this.#failures, this.#options.random ?? Math.random)
    this.#tell({ type: 'failed', error, retryInMs })
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(retryInMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
    this.#wake = undefined
  }

  #note(error: string): void {
    const since = this.#failing?.since ?? (this.#options.wallTime ?? Date.now)()
    this.#failing = { since, error }
  }

  #tell(event: SinkEvent): void {
    try {
      this.#options.observer?.(event)
    } catch {
      // What watches a sink must not be able to break it.
    }
  }
}

function assertLimit(name: string, value = 1): void {
  if (typeof value !== 'number' || !(value >= 1)) throw new RangeError(`${name} must be at least 1`)
}

/** The log is not as a cursor says, as opposed to: it cannot be read now. */
function contradicts(error: unknown): boolean {
  if (error instanceof SinkError || error instanceof RangeError) return true
  return AuditError.is(error) && error.code === 'ERR_AUDIT_TAMPERED'
}
