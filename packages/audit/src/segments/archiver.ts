import { type LogClock, systemClock } from '../audit-log.ts'
import type { LogCursor } from '../cursor.ts'
import { listSegments, type SegmentFiles } from '../directory.ts'
import { AuditError } from '../errors.ts'
import type { LogFiles } from '../log-files.ts'
import {
  type ArchiveContext,
  archiveSegment,
  type ChainState,
  FIRST_STATE,
  stateAfter,
} from './archive-segment.ts'
import type { TermSource } from './block-summary.ts'

/** What an archiver tells its owner. */
export type ArchiveEvent =
  | {
      readonly type: 'archived'
      readonly segment: number
      readonly lines: number
      readonly plainBytes: number
      readonly compressedBytes: number
      readonly durationMs: number
    }
  | { readonly type: 'archive-failed'; readonly segment: number; readonly error: unknown }

export interface ArchiverOptions {
  readonly files: LogFiles
  readonly directory: string
  /** Last durable line of the log. Only segments before its segment are touched. */
  readonly synced: () => LogCursor
  /** Terms of the indexes; default none. */
  readonly terms?: TermSource
  /**
   * Asked before each write: false while the log itself needs what is free on the disk, which counts
   * as a failure. Default: always.
   */
  readonly mayWrite?: () => boolean
  readonly observer?: (event: ArchiveEvent) => void
  /** Default: the process's monotonic clock. */
  readonly clock?: LogClock
  /** Wait after a failure, doubled with each up to 64 times; default 60,000. */
  readonly retryMs?: number
}

const DEFAULT_RETRY_MS = 60_000
const MAX_DOUBLINGS = 6

/**
 * Closes the segments of a log in the background, in their order: leaf hashes, index, compressed
 * lines. One for each log that is being written. After a failure the segment stays as it was and is
 * tried again later.
 */
export class Archiver {
  readonly #options: ArchiverOptions
  readonly #context: ArchiveContext
  readonly #abort = new AbortController()
  readonly #repairs = new Set<number>()
  #after: { readonly segment: number; readonly state: ChainState } | undefined
  #running: Promise<void> | undefined
  /** All segments before this one are closed. */
  #closedBefore = 0
  #again = false
  #failures = 0
  #cancelRetry: (() => void) | undefined

  constructor(options: ArchiverOptions) {
    const { files, directory, terms, mayWrite = () => true } = options
    this.#options = options
    this.#context = { files, directory, terms, mayWrite, signal: this.#abort.signal }
  }

  /**
   * There may be a segment to close: to be called whenever lines became durable. Costs nothing while
   * these are in the same segment. Where the last attempt failed, the next one is waited for.
   * Failures are told to the observer.
   */
  wake(): void {
    const isNew = this.#options.synced().segment > this.#closedBefore || this.#repairs.size > 0
    if (isNew && this.#cancelRetry === undefined) void this.run()
  }

  /** Make hashes and index of a segment again: they were found damaged or out of date. */
  repair(segment: number): void {
    this.#repairs.add(segment)
    this.wake()
  }

  /**
   * Close what can be closed, without waiting after a failure. Resolves when nothing is left or a
   * segment failed; never rejects.
   */
  run(): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve()
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#again = true
    this.#running ??= this.#passes().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Stop; what is half done is undone, and done again by the next archiver. */
  async close(): Promise<void> {
    this.#abort.abort()
    this.#cancelRetry?.()
    await this.#running
  }

  async #passes(): Promise<void> {
    // What calls may hold a lock or the turn of a commit.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#again && !this.#abort.signal.aborted) {
      this.#again = false
      let segment = 0
      try {
        const synced = this.#options.synced()
        const segments = listSegments(this.#context.files, this.#context.directory)
        for (const files of segments) {
          segment = files.segment
          if (segment >= synced.segment) break
          if (this.#isDue(files)) await this.#archive(files, segments)
        }
        this.#closedBefore = synced.segment
        this.#failures = 0
      } catch (error) {
        if (this.#abort.signal.aborted) return
        this.#tell({ type: 'archive-failed', segment, error })
        this.#retryLater()
        return
      }
    }
  }

  #isDue({ segment, plain, compressed, hashes, index }: SegmentFiles): boolean {
    if (plain) return true
    return compressed && (!hashes || !index || this.#repairs.has(segment))
  }

  async #archive(files: SegmentFiles, all: readonly SegmentFiles[]): Promise<ChainState> {
    const started = performance.now()
    const { segment } = files
    const before = await this.#before(segment, all)
    // A repair that is asked for meanwhile is another one.
    this.#repairs.delete(segment)
    const { after, ...facts } = await archiveSegment(this.#context, files, before)
    this.#after = { segment, state: after }
    const durationMs = performance.now() - started
    this.#tell({ type: 'archived', segment, ...facts, durationMs })
    return after
  }

  async #before(segment: number, all: readonly SegmentFiles[]): Promise<ChainState> {
    const previous = all[segment - 2]
    if (previous === undefined) return FIRST_STATE
    if (this.#after?.segment === previous.segment) return this.#after.state
    try {
      return await stateAfter(this.#context, previous.segment)
    } catch (error) {
      if (!previous.compressed || !AuditError.is(error)) throw error
      // Damaged hashes of lines that are still there.
      return this.#archive(previous, all)
    }
  }

  #retryLater(): void {
    const { clock = systemClock, retryMs = DEFAULT_RETRY_MS } = this.#options
    const delayMs = retryMs * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS)
    this.#cancelRetry = clock.after(delayMs, () => void this.run())
  }

  #tell(event: ArchiveEvent): void {
    try {
      this.#options.observer?.(event)
    } catch {
      // What watches the log must not be able to break it.
    }
  }
}
