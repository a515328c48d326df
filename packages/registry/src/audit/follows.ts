/**
 * Following the log: what is recorded from a moment on, oldest first, page by page. The reader asks for each page, so a
 * slow one holds nothing up and misses nothing; however many pages he asks for, it is one operation with one record.
 * A record is told once it is synced: nobody is told of what a loss of power could take back.
 */
import type { LogCursor, LogRecord } from '@secreg/audit'
import type { AuditRecord, AuditResponse, Caller, RequestOf } from '@secreg/protocol'
import { SecregError } from '@secreg/protocol'
import type { Core } from '../core.ts'
import { sessionInvalid } from '../identity.ts'
import { OpenJobs } from '../open-jobs.ts'
import { ANSWER_BYTES, DEFAULT_LIMIT, recordOf } from '../operations/audit-query.ts'
import { type Facts, recorded } from '../recorded.ts'
import { filtersOf, matcherOf } from './filters.ts'

/** Follows at once. */
const MOST = 64
/** One whose next page nobody has asked for so long ends, milliseconds. */
const IDLE_MS = 120_000
/** Records that are looked at in one turn. */
const LOOKED_AT = 1000

interface Follow {
  readonly match: (record: LogRecord) => boolean
  /** Behind the last record that was looked at. */
  position: LogCursor
  /** Ends the waiting of a page. */
  wake: (() => void) | undefined
  ended: boolean
}

export class Follows {
  readonly #core: Core
  readonly #present: (caller: Caller) => Caller | undefined
  readonly #jobs: OpenJobs<Follow>

  /** @param present - the caller as he is now; undefined when his session may not act any more */
  constructor(core: Core, present: (caller: Caller) => Caller | undefined) {
    this.#core = core
    this.#present = present
    this.#jobs = new OpenJobs({
      what: 'follow',
      now: core.now,
      newId: core.newEntryId,
      most: MOST,
      idleMs: IDLE_MS,
      yieldMs: IDLE_MS / 2,
      interrupt: (follow) => {
        follow.ended = true
        follow.wake?.()
      },
      release: () => {},
    })
  }

  /**
   * Begin to follow, or ask for the next page.
   *
   * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_PATH_INVALID`, `ERR_BUSY`, `ERR_INVALID_ARGUMENT`; `ERR_NOT_FOUND` for
   *   a cursor that has ended or is another session's
   */
  follow(caller: Caller, request: RequestOf<'audit'>): Promise<AuditResponse> {
    const { journal, authorizer } = this.#core
    const { cursor } = request
    const facts: Facts = { action: 'audit', detail: 'follow' }
    if (cursor !== undefined) {
      facts.unrecorded = true
      return recorded(journal, caller, facts, () => {
        // What he may see now, whatever it was when he began.
        authorizer.require(caller, 'audit-read', '/')
        return this.#jobs.use(caller, cursor, async (follow) => {
          const page = await this.#page(follow, cursor, request)
          // He may have waited long.
          const present = this.#present(caller)
          if (present === undefined) throw sessionInvalid()
          authorizer.require(present, 'audit-read', '/')
          return page
        })
      })
    }
    return recorded(journal, caller, facts, async () => {
      authorizer.require(caller, 'audit-read', '/')
      if (request.before !== undefined || request.scan !== undefined) {
        throw new SecregError(
          'INVALID_ARGUMENT',
          'before and scan are not for a log that is followed',
        )
      }
      const match = matcherOf(filtersOf(request))
      this.#jobs.requireRoom()
      // From here on, with the records that are written and wait for their sync.
      const position = journal.log.tail
      const follow: Follow = { match, position, wake: undefined, ended: false }
      return { records: [], cursor: this.#jobs.add(caller, follow) }
    })
  }

  /** End what nobody goes on with, and what belongs to sessions that have ended. */
  sweep(sessions: ReadonlySet<string>): Promise<void> {
    return this.#jobs.sweep(sessions)
  }

  close(why: SecregError): Promise<void> {
    return this.#jobs.endAll(why)
  }

  async #page(
    follow: Follow,
    cursor: string,
    { limit = DEFAULT_LIMIT, wait_ms: waitMs = 0 }: RequestOf<'audit'>,
  ): Promise<AuditResponse> {
    const { log } = this.#core.journal
    const until = performance.now() + waitMs
    const records: AuditRecord[] = []
    let missed = 0
    for (;;) {
      missed += await this.#take(follow, records, limit)
      const leftMs = until - performance.now()
      if (records.length > 0 || leftMs <= 0 || follow.ended) break
      if (log.synced.sequence <= follow.position.sequence) await this.#synced(follow, leftMs)
    }
    return { records, cursor, ...(missed === 0 ? {} : { missed }) }
  }

  /** Read on until something fits or nothing more is synced. @returns how many records retention has removed */
  async #take(follow: Follow, records: AuditRecord[], limit: number): Promise<number> {
    const { log } = this.#core.journal
    const limits = { maxRecords: Math.min(LOOKED_AT, limit), maxBytes: ANSWER_BYTES }
    let missed = 0
    while (records.length === 0 && log.synced.sequence > follow.position.sequence) {
      const batch = await log.readAfter(follow.position, limits)
      missed += batch.missed
      follow.position = batch.cursor
      for (const record of batch.records) if (follow.match(record)) records.push(recordOf(record))
    }
    return missed
  }

  /** The next sync, or the end of the patience. */
  #synced(follow: Follow, patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        forget()
        follow.wake = undefined
        resolve()
      }
      const timer = setTimeout(end, patienceMs)
      const forget = this.#core.journal.log.onSynced(end)
      follow.wake = end
    })
  }
}
