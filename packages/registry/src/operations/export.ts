/** Export: every visible entry of a subtree at one revision, in pages, as one operation with one record. */
import {
  type Caller,
  type ExportEntry,
  type ExportResponse,
  LIMITS,
  parsePrefix,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { Snapshot } from '@secreg/storage'
import { accessDenied, passes } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { decodeEntry, isLiveRow } from '../entry.ts'
import { entriesBelow, entryKey, pathOfEntryKey } from '../keys.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import { OpenJobs } from '../open-jobs.ts'
import { textOf } from '../read-value.ts'
import { type Facts, recorded } from '../recorded.ts'
import { asSecregError } from '../store-failure.ts'

/** Text of one page: one value of the largest size always fits the frame. */
const PAGE_BYTES = 1024 * 1024
const PAGE_ROWS = 128
/** An export whose next page nobody has fetched for so long ends, milliseconds. */
export const EXPORT_IDLE_MS = 60_000
/** Paths that one record names; of a larger export it names the prefix, as that of a listing does. */
const RECORD_BYTES = 4 * 1024 * 1024

interface OpenExport {
  readonly snapshot: Snapshot
  readonly paths: readonly string[]
  readonly omitted: number
  next: number
}

export class Exports {
  readonly #core: Core
  readonly #jobs: OpenJobs<OpenExport>

  constructor(core: Core) {
    this.#core = core
    this.#jobs = new OpenJobs({
      what: 'export',
      now: core.now,
      newId: core.newEntryId,
      most: REGISTRY_LIMITS.openExports,
      idleMs: EXPORT_IDLE_MS,
      // The one that has stood still longest makes room.
      yieldMs: 0,
      release: ({ snapshot }) => snapshot.close(),
    })
  }

  /**
   * Begin an export, or fetch its next page.
   *
   * @throws SecregError `ERR_PATH_INVALID`, `ERR_ACCESS_DENIED`, `ERR_SEALED`; `ERR_NOT_FOUND` for a cursor that has
   *   ended or is another caller's
   */
  export(caller: Caller, request: RequestOf<'export'>): Promise<ExportResponse> {
    if (request.cursor !== undefined) return this.#continue(caller, request.cursor)
    const facts: Facts = { action: 'export' }
    return recorded(this.#core.journal, caller, facts, async () => {
      const prefix = parsePrefix(request.prefix ?? '/')
      const withSecrets = request.with_secrets === true
      facts.detail = `${prefix === '' ? '/' : prefix}${withSecrets ? ' with secrets' : ''}`
      const job = await this.#begin(caller, prefix, withSecrets)
      // The record is written before any page leaves, so it names every path that the pages will hold.
      const bytes = job.paths.reduce((sum, path) => sum + path.length + 3, 0)
      facts.paths = bytes <= RECORD_BYTES ? job.paths : [prefix === '' ? '/' : prefix]
      facts.count = job.paths.length
      try {
        const page = await this.#page(job)
        if (job.next < job.paths.length) {
          this.#jobs.requireRoom()
          return { ...page, cursor: this.#jobs.add(caller, job) }
        }
        await job.snapshot.close()
        return page
      } catch (error) {
        await job.snapshot.close()
        throw error
      }
    })
  }

  /** Release what nobody goes on with, and what belongs to sessions that have ended. */
  sweep(sessions: ReadonlySet<string>): Promise<void> {
    return this.#jobs.sweep(sessions)
  }

  /** Release what is open. */
  close(): Promise<void> {
    return this.#jobs.endAll()
  }

  async #begin(caller: Caller, prefix: string, withSecrets: boolean): Promise<OpenExport> {
    const { authorizer, engine, keys } = this.#core
    const [exportable, readable, secret, internal] = (
      ['export', 'read', 'decrypt', 'use-internal'] as const
    ).map((action) => authorizer.filter(caller, action, prefix))
    if (exportable === 'none' || readable === 'none') throw accessDenied()
    keys.requireReadable()
    if (withSecrets) keys.requireUnsealed()
    const nowMs = this.#core.clock.now()
    const snapshot = engine.snapshot()
    try {
      const paths: string[] = []
      let omitted = 0
      const consider = (path: string, row: Parameters<typeof decodeEntry>[0]): void => {
        if (!isLiveRow(row, nowMs)) return
        const entry = () => decodeEntry(row)
        if (!passes(exportable, path, entry) || !passes(readable, path, entry)) return
        const { encrypted, private: isPrivate } = entry()
        const secretly = withSecrets && passes(secret, path, entry)
        if ((encrypted && !secretly) || (isPrivate && !passes(internal, path, entry))) omitted++
        else paths.push(path)
      }
      const iterator = snapshot.iterate(entriesBelow(prefix))
      try {
        for (
          let page = await iterator.nextPage(PAGE_ROWS);
          page.length > 0;
          page = await iterator.nextPage(PAGE_ROWS)
        ) {
          for (const row of page) consider(pathOfEntryKey(row.key), row)
        }
      } finally {
        await iterator.close()
      }
      return { snapshot, paths, omitted, next: 0 }
    } catch (error) {
      await snapshot.close()
      throw error
    }
  }

  async #continue(caller: Caller, cursor: string): Promise<ExportResponse> {
    try {
      const page = await this.#jobs.use(caller, cursor, async (job) => ({
        ...(await this.#page(job)),
        ...(job.next < job.paths.length ? { cursor } : {}),
      }))
      if (page.cursor === undefined) this.#jobs.end(caller, cursor)
      return page
    } catch (error) {
      this.#jobs.end(caller, cursor)
      throw asSecregError(error)
    }
  }

  async #page(job: OpenExport): Promise<ExportResponse> {
    const entries: ExportEntry[] = []
    const reader = { engine: job.snapshot, keys: this.#core.keys }
    let bytes = 0
    while (job.next < job.paths.length && bytes < PAGE_BYTES && entries.length < LIMITS.listKeys) {
      const key = job.paths[job.next] as string
      const row = await job.snapshot.get(entryKey(key))
      if (row === undefined) throw new SecregError('STORAGE_CORRUPT', 'an entry is missing')
      const entry = decodeEntry(row)
      const { active: number, type, encrypted, value: inline } = entry
      const value = await textOf(reader, { entry, number, type, encrypted, value: inline })
      // As it will stand in the frame: a control character takes six bytes there.
      const size = Buffer.byteLength(JSON.stringify(value))
      if (entries.length > 0 && bytes + size > PAGE_BYTES) break
      bytes += size + Buffer.byteLength(key) + 256
      entries.push({
        key,
        type: entry.type,
        value,
        encrypted: entry.encrypted,
        version: entry.active,
        created_at: entry.createdAtMs,
        modified_at: entry.modifiedAtMs,
        created_by: entry.createdBy,
        modified_by: entry.modifiedBy,
      })
      job.next++
      if (job.next % PAGE_ROWS === 0) await new Promise((resume) => setImmediate(resume))
    }
    return {
      entries,
      total: job.paths.length,
      omitted: job.omitted,
      revision: job.snapshot.revision,
    }
  }
}
