/** Reads everything again and says what is wrong; never stops at the first fault. */
import { setImmediate } from 'node:timers/promises'
import type { Crc32c } from './crc32c.ts'
import type { ScrubFinding, ScrubOptions, ScrubReport } from './engine.ts'
import { isStorageError } from './errors.ts'
import { ROW_SUM_MODULUS } from './head-row.ts'
import { DATA_END, DATA_SPACE } from './layout.ts'
import { readChanges } from './level-changes.ts'
import { type LevelMoment, levelHistory } from './level-history.ts'
import { fromLevelError } from './level-port.ts'
import { readManifest } from './manifest.ts'
import { decodeRow, StoredRow } from './row-format.ts'
import { findWrongSums } from './stale-rows.ts'
import type { StoreCheck } from './store-check.ts'
import { checkTables } from './table-check.ts'

const MAX_FINDINGS = 100
const SLICE_ROWS = 128

export interface ScrubSource extends LevelMoment {
  readonly directory: string
  readonly crc: Crc32c
  readonly check: StoreCheck | undefined
}

export async function scrubLevel(source: ScrubSource, options: ScrubOptions): Promise<ScrubReport> {
  const scrub = new Scrub(source, options)
  await scrub.tables()
  await scrub.rows()
  await scrub.changes()
  return scrub.report()
}

class Scrub {
  readonly #source: ScrubSource
  readonly #options: ScrubOptions
  readonly #findings: ScrubFinding[] = []
  #rows = 0
  #changes = 0
  #tables = 0
  #bytes = 0

  constructor(source: ScrubSource, options: ScrubOptions) {
    this.#source = source
    this.#options = options
  }

  async rows(): Promise<void> {
    const { db, snapshot, head, check } = this.#source
    const slice = this.#options.sliceRows ?? SLICE_ROWS
    const iterator = db.iterator({ gte: DATA_SPACE, lt: DATA_END, snapshot })
    const sums = check?.start()
    let sum = 0
    try {
      for (;;) {
        const page = await iterator.nextv(slice)
        if (page.length === 0) break
        for (const [storageKey, bytes] of page) {
          this.#rows++
          this.#bytes += bytes.length
          const key = storageKey.slice(DATA_SPACE.length)
          this.#attempt('row', key, () => {
            const row = decodeRow(storageKey, key, bytes, check?.rows)
            sum = (sum + StoredRow.crcOf(row)) % ROW_SUM_MODULUS
            sums?.add(key, row)
            if (row.modifyRevision > head.revision) throw new RangeError('newer than the head')
          })
        }
        await this.#pause()
      }
    } catch (error) {
      this.#found('row', `after ${this.#rows} rows`, error)
    } finally {
      await iterator.close()
    }
    const areSound = !this.#findings.some(({ kind }) => kind === 'row')
    if (this.#rows !== head.rows) {
      this.#find('count', 'rows', `found ${this.#rows}, expected ${head.rows}`)
    } else if (sum !== head.rowSum && this.#findings.length === 0) {
      this.#find('count', 'row sum', 'rows are stale or exchanged')
    }
    if (!areSound || sums === undefined) return
    for await (const finding of findWrongSums(sums, head, levelHistory(this.#source))) {
      this.#find(finding.kind, finding.subject, finding.detail)
      this.#options.signal?.throwIfAborted()
    }
  }

  async changes(): Promise<void> {
    const { db, snapshot, head, trimmed } = this.#source
    try {
      for await (const _ of readChanges(db, trimmed, head.revision, snapshot)) {
        this.#changes++
        if (this.#changes % SLICE_ROWS === 0) await this.#pause()
      }
    } catch (error) {
      this.#found('change', `revision ${trimmed + this.#changes + 1}`, error)
    }
  }

  /** Compactions replace files meanwhile: only what is still part of the store counts. */
  async tables(): Promise<void> {
    const { directory, crc } = this.#source
    const { name, logNumber, tables } = await readManifest(directory, crc)
    for (const [number, table] of tables) {
      const only = { name, logNumber, tables: new Map([[number, table]]) }
      try {
        for await (const checked of checkTables(directory, only, crc)) {
          this.#tables++
          this.#bytes += checked.bytes
        }
      } catch (error) {
        if (!isStorageError(error, 'ERR_STORAGE_CORRUPT')) throw error
        const now = await readManifest(directory, crc)
        if (now.tables.has(number)) this.#find('table', String(number), error.message)
      }
      await this.#pause()
    }
  }

  report(): ScrubReport {
    return {
      revision: this.#source.head.revision,
      rows: this.#rows,
      changes: this.#changes,
      tables: this.#tables,
      bytes: this.#bytes,
      findings: this.#findings,
    }
  }

  #attempt(kind: ScrubFinding['kind'], subject: string, check: () => void): void {
    try {
      check()
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.#find(kind, subject, error.message)
    }
  }

  /** Damage is a finding; all else ends the scrub. */
  #found(kind: ScrubFinding['kind'], subject: string, error: unknown): void {
    this.#options.signal?.throwIfAborted()
    const translated = fromLevelError(error)
    if (translated.code !== 'ERR_STORAGE_CORRUPT') throw error
    this.#find(kind, subject, translated.message)
  }

  #find(kind: ScrubFinding['kind'], subject: string, detail: string): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push({ kind, subject, detail })
  }

  async #pause(): Promise<void> {
    this.#options.onProgress?.({ rows: this.#rows, tables: this.#tables, bytes: this.#bytes })
    await setImmediate()
    this.#options.signal?.throwIfAborted()
  }
}
