import type { DEFAULT_LOG_OPTIONS, LogClock, LogEvent, OpenLogOptions } from './audit-log.ts'
import type { LogCursor } from './cursor.ts'
import { openOwn, segmentPath } from './directory.ts'
import { AuditError, systemCode } from './errors.ts'
import { hashLine } from './line.ts'
import { LineEncoder, type LogItem } from './line-encoder.ts'
import type { LogFile, LogFiles } from './log-files.ts'
import type { Recovered, RecoveredLog } from './recover.ts'
import type { Reserve } from './reserve.ts'
import { rewriteLines } from './rewrite.ts'

/** Options of a log with everything that has a default. */
export type LogSettings = Omit<OpenLogOptions, 'cursor'> &
  typeof DEFAULT_LOG_OPTIONS & { readonly files: LogFiles; readonly clock: LogClock }

/** Unsynced bytes that a rotation may wait for on the main thread. */
const ROTATION_SYNC_BYTES = 256 * 1024
/** Growth of a segment, after a failed rotation, before the next attempt. */
const ROTATION_RETRY_BYTES = 1024 * 1024
/** A write that fails with these may succeed once the reserve is released. */
const NO_SPACE: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'ERR_SHORT_WRITE'])

/** Writes the last segment, keeps it durable, mends it, and begins the next. */
export class LogWriter {
  readonly recovered: Recovered
  readonly #settings: LogSettings
  readonly #reserve: Reserve
  readonly #onLines: (leaves: readonly string[]) => void
  readonly #encoder = new LineEncoder()
  #file: LogFile
  #segment: number
  /** Bytes of whole lines in the segment; the next line goes there. */
  #size: number
  /** Size from which the next segment is due. */
  #rotateFrom: number
  #tail: LogCursor
  #synced: LogCursor
  /** Offset at which the last line starts. */
  #lastLine = 0
  /** The last line that was synced in this segment: it must stay where it is. */
  #mark: { readonly from: number; readonly cursor: LogCursor } | undefined
  #closed = false
  #appendFailed = false
  #syncFailed = false
  /** The file may have bytes behind `#size` that could not be cut off. */
  #torn = false
  #repairAfter = Number.NEGATIVE_INFINITY
  #running: Promise<LogCursor> | undefined
  #queued: Promise<LogCursor> | undefined
  #cancelTimer: (() => void) | undefined

  /** @param onLines - told the leaf hashes of lines once they are written */
  constructor(
    settings: LogSettings,
    found: RecoveredLog,
    reserve: Reserve,
    onLines: (leaves: readonly string[]) => void,
  ) {
    this.#settings = settings
    this.#onLines = onLines
    this.#reserve = reserve
    this.recovered = found.recovered
    this.#file = found.file
    this.#segment = found.segment
    this.#size = found.size
    this.#rotateFrom = settings.segmentBytes
    this.#tail = found.tail
    this.#synced = found.tail
  }

  get tail(): LogCursor {
    return this.#tail
  }

  get synced(): LogCursor {
    return this.#synced
  }

  get state(): 'healthy' | 'failing' | 'closed' {
    if (this.#closed) return 'closed'
    const reserved = this.#reserve.bytes >= this.#settings.reserveBytes
    return this.#appendFailed || this.#syncFailed || this.#torn || !reserved ? 'failing' : 'healthy'
  }

  gate(groupBytes: number): boolean {
    if (!Number.isSafeInteger(groupBytes) || groupBytes < 0) {
      throw new RangeError('groupBytes must be an integer of at least 0')
    }
    if (this.#closed) return false
    this.#reserve.check()
    if (this.state === 'healthy' && this.#reserve.bytes >= groupBytes) return true
    const now = this.#settings.clock.now()
    if (now < this.#repairAfter) return false
    this.#repairAfter = now + this.#settings.repairIntervalMs
    if (!this.#repair(groupBytes)) return false
    this.#repairAfter = Number.NEGATIVE_INFINITY
    return true
  }

  append(items: readonly LogItem[]): void {
    if (this.#closed) throw closedError()
    if (items.length === 0) return
    if (this.#size >= this.#rotateFrom) this.#rotateWhenQuiet()
    const encoder = this.#encoder
    encoder.encode(items, this.#tail.sequence, this.#tail.hash)
    let error = this.#write()
    let released = false
    if (error !== undefined && NO_SPACE.has(systemCode(error))) {
      released = this.#reserve.release()
      if (released) error = this.#write()
    }
    if (error !== undefined) {
      this.#appendFailed = true
      if (released) this.#tell({ type: 'reserve-released' })
      this.#tell({ type: 'append-failed', error })
      throw new AuditError('ERR_AUDIT_APPEND', 'the audit log cannot be written', { cause: error })
    }
    this.#appendFailed = false
    this.#lastLine = this.#size + encoder.lastOffset
    this.#size += encoder.length
    this.#tail = {
      segment: this.#segment,
      offset: this.#size,
      sequence: this.#tail.sequence + items.length,
      hash: encoder.hash,
      revision: Math.max(this.#tail.revision, encoder.revision),
    }
    encoder.trim()
    this.#onLines(encoder.leaves)
    this.#startTimer()
    // Observers hear of it when the line stands: one that appends would reuse the encoder.
    if (released) this.#tell({ type: 'reserve-released' })
  }

  sync(): Promise<LogCursor> {
    if (this.#closed) return Promise.reject(closedError())
    return this.#sync()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelTimer?.()
    try {
      await this.#sync()
    } finally {
      this.#file.close()
      this.#reserve.close()
    }
  }

  /** Write the encoded lines; on failure cut off what arrived, and return the error. */
  #write(): unknown {
    if (this.#torn && !this.#cut()) return new Error('a half line could not be cut off')
    const { bytes, length } = this.#encoder
    let error: unknown
    try {
      const written = this.#file.write(bytes, 1, length, this.#size)
      if (written === length) return undefined
      error = shortWrite(written, length)
    } catch (cause) {
      error = cause
    }
    this.#torn = true
    this.#cut()
    return error
  }

  #cut(): boolean {
    try {
      this.#file.truncate(this.#size)
      this.#torn = false
      return true
    } catch {
      return false
    }
  }

  #repair(groupBytes: number): boolean {
    if (this.#torn && !this.#cut()) return false
    if (!this.#reserve.make(Math.max(this.#settings.reserveBytes, groupBytes))) return false
    if (this.#appendFailed && !this.#probe()) return false
    this.#appendFailed = false
    if (this.#syncFailed) {
      this.#sync().catch(() => {})
      return false
    }
    this.#tell({ type: 'recovered' })
    return true
  }

  /** Whether the segment can be written: one byte, cut off again; left there, it is a torn tail. */
  #probe(): boolean {
    this.#torn = true
    try {
      if (this.#file.write(PROBE, 0, 1, this.#size) !== 1) return false
    } catch {
      return false
    } finally {
      this.#cut()
    }
    return !this.#torn
  }

  #sync(): Promise<LogCursor> {
    if (this.#running !== undefined) {
      // The one that runs may have started before the newest line.
      const again = (): Promise<LogCursor> => {
        this.#queued = undefined
        return this.#sync()
      }
      this.#queued ??= this.#running.then(again, again)
      return this.#queued
    }
    if (this.#synced.sequence === this.#tail.sequence && !this.#syncFailed) {
      return Promise.resolve(this.#synced)
    }
    return this.#startSync()
  }

  #startSync(): Promise<LogCursor> {
    const running = this.#runSync().finally(() => {
      this.#running = undefined
      if (this.#tail.sequence > this.#synced.sequence) this.#startTimer()
    })
    this.#running = running
    return running
  }

  async #runSync(): Promise<LogCursor> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const target = this.#tail
    const from = this.#lastLine
    const started = performance.now()
    try {
      if (this.#syncFailed) await this.#makeDurableAgain(target)
      else {
        await this.#assertInPlace()
        await this.#file.syncLater()
      }
    } catch (error) {
      throw this.#syncError(error)
    }
    this.#synced = target
    this.#mark = target.segment === this.#segment ? { from, cursor: target } : undefined
    const durationMs = performance.now() - started
    this.#tell({ type: 'synced', cursor: target, durationMs })
    if (this.#syncFailed) {
      this.#syncFailed = false
      // Later lines must not depend on a file that has lost writes once.
      this.#rotate()
      this.#tell({ type: 'recovered' })
    }
    return this.#synced
  }

  /**
   * Bytes in a file that someone removed, put elsewhere or cut would be durable nowhere. A write behind the end makes a
   * file that was cut as long as before, so what was synced last is looked at.
   */
  async #assertInPlace(): Promise<void> {
    const { files, directory } = this.#settings
    const { links, size } = this.#file.facts()
    const named = files.facts(segmentPath(directory, this.#segment))
    const isThere = links > 0 && named !== undefined && Math.min(size, named.size) >= this.#size
    if (isThere && (await this.#isMarkThere())) return
    throw new AuditError('ERR_AUDIT_TAMPERED', 'the segment was removed or cut while in use', {
      segment: this.#segment,
    })
  }

  async #isMarkThere(): Promise<boolean> {
    if (this.#mark === undefined) return true
    const { from, cursor } = this.#mark
    const bytes = Buffer.alloc(1 + cursor.offset - from)
    const wanted = bytes.length - 1
    if ((await this.#file.read(bytes.subarray(1), from)) < wanted) return false
    return hashLine(bytes, 1, wanted) === cursor.hash
  }

  /** Through a new descriptor, which has no error to forget, write the unsynced lines again. */
  async #makeDurableAgain(target: LogCursor): Promise<void> {
    const { files, directory } = this.#settings
    const file = openOwn(files, segmentPath(directory, this.#segment), 'write')
    this.#file.close()
    this.#file = file
    await this.#assertInPlace()
    await rewriteLines(file, this.#segment, this.#synced, target)
    await file.syncLater()
  }

  #rotateWhenQuiet(): void {
    // While fdatasync runs elsewhere, its failure could be reported there and success here.
    if (this.#running !== undefined || this.#syncFailed) return
    const from = this.#synced.segment === this.#segment ? this.#synced.offset : 0
    if (this.#size - from <= ROTATION_SYNC_BYTES || this.#size >= 2 * this.#settings.segmentBytes) {
      this.#rotate()
    } else {
      this.#sync().catch(() => {})
    }
  }

  /** Start the next segment. If it cannot be made, the present one goes on. */
  #rotate(): void {
    const { files, directory } = this.#settings
    if (this.#torn && !this.#cut()) return
    try {
      // First, so that a segment which has a successor is whole after any loss of power.
      this.#file.sync()
      this.#synced = this.#tail
    } catch (error) {
      this.#syncError(error)
      return
    }
    if (this.#size === 0) return
    try {
      const file = createSegment(files, segmentPath(directory, this.#segment + 1))
      try {
        files.syncDirectory(directory)
      } catch (error) {
        file.close()
        throw error
      }
      this.#file.close()
      this.#file = file
      this.#segment++
      this.#size = 0
      this.#mark = undefined
      this.#rotateFrom = this.#settings.segmentBytes
      this.#tell({ type: 'rotated', segment: this.#segment })
    } catch (error) {
      this.#rotateFrom = this.#size + ROTATION_RETRY_BYTES
      this.#tell({ type: 'rotation-failed', error })
    }
  }

  #syncError(error: unknown): AuditError {
    this.#syncFailed = true
    this.#tell({ type: 'sync-failed', error })
    return new AuditError('ERR_AUDIT_SYNC', 'the audit log cannot be synced', { cause: error })
  }

  #startTimer(): void {
    if (this.#cancelTimer !== undefined || this.#running !== undefined || this.#closed) return
    // A quarter of the interval is left for the disk.
    const delayMs = this.#settings.syncIntervalMs * 0.75
    this.#cancelTimer = this.#settings.clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      this.#sync().catch(() => {})
    })
  }

  #tell(event: LogEvent): void {
    try {
      this.#settings.observer?.(event)
    } catch {
      // What watches the log must not be able to break it.
    }
  }
}

/** First byte of every line. */
const PROBE = Uint8Array.of(0x7b)

function createSegment(files: LogFiles, path: string): LogFile {
  const left = files.facts(path)
  if (left === undefined) return files.create(path)
  // An earlier attempt made the file and could not sync the directory.
  const file = files.open(path, 'write')
  if (left.kind === 'file' && left.ours && left.size === 0) return file
  file.close()
  throw new AuditError('ERR_AUDIT_DIRECTORY', `${path} is in the way`)
}

function shortWrite(written: number, length: number): Error {
  return Object.assign(new Error(`${written} of ${length} bytes written`), {
    code: 'ERR_SHORT_WRITE',
  })
}

export function closedError(): AuditError {
  return new AuditError('ERR_AUDIT_CLOSED', 'the audit log is closed')
}
