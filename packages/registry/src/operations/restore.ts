/**
 * Entries brought back from a backup, of this registry or another, as one change (DESIGN §6): the file is handed over
 * piece by piece, then opened with what its own registry is opened with.
 */
import type { Scrypt } from '@secreg/crypto'
import {
  type Caller,
  parsePrefix,
  type RequestOf,
  type RestoreChange,
  type RestoreResponse,
  SecregError,
} from '@secreg/protocol'
import { openBackupFile } from '../backup/open-backup-file.ts'
import type { Core } from '../core.ts'
import { Edits } from '../edits.ts'
import { GroupView, type View } from '../group-view.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import { OpenJobs } from '../open-jobs.ts'
import type { Plan } from '../operation.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import type { BackupEntry } from '../restore/backup-entry.ts'
import { planEntry } from '../restore/plan-entry.ts'
import { readEntries, wipeEntries } from '../restore/read-entries.ts'
import type { OpenSpool, Spool } from '../restore/spool.ts'
import { jsonInSlices, Pacer } from '../slices.ts'
import { requireUsage } from '../usage-right.ts'

/** A restore that nobody goes on with for so long ends, milliseconds. */
export const RESTORE_IDLE_MS = 60_000
/** After so long it makes room for another, milliseconds. */
const YIELD_MS = 5_000
/** Changes of one answer. */
const PAGE = 5_000

type Commit = Extract<RequestOf<'restore'>, { op: 'commit' }>

interface OpenRestore {
  readonly spool: Spool
  readonly stop: AbortController
  /** What a dry run has found. */
  changes: readonly RestoreChange[]
}

/** What was made of a whole backup. */
interface Counts {
  readonly created: number
  readonly updated: number
  readonly unchanged: number
}

export interface RestoreOptions {
  readonly openSpool: OpenSpool
  readonly scrypt: Scrypt
}

export class Restores {
  readonly #core: Core
  readonly #options: RestoreOptions
  readonly #jobs: OpenJobs<OpenRestore>
  /** One at a time holds its entries in memory. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(core: Core, options: RestoreOptions) {
    this.#core = core
    this.#options = options
    this.#jobs = new OpenJobs({
      what: 'restore',
      now: core.now,
      newId: core.newEntryId,
      most: REGISTRY_LIMITS.openRestores,
      idleMs: RESTORE_IDLE_MS,
      yieldMs: YIELD_MS,
      interrupt: ({ stop }) => stop.abort(),
      release: ({ spool }) => spool.remove(),
    })
  }

  /**
   * One step of a restore.
   *
   * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_SEALED`, `ERR_BUSY`, `ERR_STORAGE_FULL`; at `commit` what opening the
   *   backup and a `set` can throw, `ERR_LIMIT_EXCEEDED`; `ERR_NOT_FOUND` for one that has ended or is another caller's,
   *   or when the backup holds nothing there
   */
  async restore(caller: Caller, request: RequestOf<'restore'>): Promise<RestoreResponse> {
    switch (request.op) {
      case 'begin':
        return this.#begin(caller, request.size)
      case 'stage':
        return this.#jobs.use(caller, request.restore, async ({ spool }) => {
          await spool.append(bytesOf(request.data))
          return { staged: spool.bytes }
        })
      case 'commit': {
        const answer = await this.#jobs.use(
          caller,
          request.restore,
          (job) => this.#commit(caller, request, job),
          { drops: false },
        )
        if (request.dry_run !== true) this.#jobs.end(caller, request.restore)
        return answer
      }
      case 'diff':
        return this.#jobs.use(caller, request.restore, async (job) => pageOf(job, request.offset))
      case 'abort':
        await this.#jobs.use(caller, request.restore, async () => {})
        this.#jobs.end(caller, request.restore)
        return {}
    }
  }

  /** Release what nobody goes on with, and what belongs to sessions that have ended. */
  sweep(sessions: ReadonlySet<string>): Promise<void> {
    return this.#jobs.sweep(sessions)
  }

  /** End all of them. */
  end(why?: SecregError): Promise<void> {
    return this.#jobs.endAll(why)
  }

  async #begin(caller: Caller, size: number | undefined): Promise<RestoreResponse> {
    const { authorizer, journal, keys } = this.#core
    try {
      authorizer.require(caller, 'backup', '/')
      keys.requireUnsealed()
      this.#jobs.requireRoom()
    } catch (error) {
      return recorded(journal, caller, { action: 'restore' }, () => {
        throw error
      })
    }
    const spool = await this.#options.openSpool(size)
    try {
      // Others may have come meanwhile, and it may have been locked.
      this.#jobs.requireRoom()
      keys.requireUnsealed()
      const job = { spool, stop: new AbortController(), changes: [] }
      return { restore: this.#jobs.add(caller, job), staged: 0 }
    } catch (error) {
      await spool.remove()
      throw error
    }
  }

  async #commit(caller: Caller, request: Commit, job: OpenRestore): Promise<RestoreResponse> {
    const { authorizer, journal, keys } = this.#core
    const facts: Facts = { action: 'restore' }
    let entries: BackupEntry[] = []
    try {
      const run = async (): Promise<RestoreResponse> => {
        const only = parsePrefix(request.only)
        const shown = only === '' ? '/' : only
        facts.paths = [shown]
        authorizer.require(caller, 'backup', '/')
        keys.requireUnsealed()
        await using backup = await openBackupFile(
          () => fileOf(job),
          request.proof,
          this.#options.scrypt,
        )
        const { id, revision, createdAtMs } = backup.header
        facts.detail = `${shown} from ${id} revision ${revision}${request.dry_run === true ? ', difference only' : ''}`
        entries = await readEntries(backup, only, this.#core.clock.now())
        if (entries.length === 0) {
          throw new SecregError('NOT_FOUND', `the backup holds no entry at or below ${shown}`)
        }
        facts.count = entries.length
        const answer = { backup: { id, revision, created_at: createdAtMs } }
        return request.dry_run === true
          ? { ...answer, ...(await this.#compare(caller, entries, job)) }
          : answer
      }
      return await this.#inTurn(async () => {
        // The record of what is committed is written with it; of all else it is written now.
        if (request.dry_run === true) return recorded(journal, caller, facts, run)
        const answer = await run().catch((error: unknown) =>
          recorded<never>(journal, caller, facts, () => {
            throw error
          }),
        )
        return { ...answer, ...(await this.#write(caller, entries, facts)) }
      })
    } finally {
      wipeEntries(entries)
    }
  }

  /** What a restore would do, found by planning it. */
  async #compare(
    caller: Caller,
    entries: readonly BackupEntry[],
    job: OpenRestore,
  ): Promise<RestoreResponse> {
    const changes: RestoreChange[] = []
    const view = new GroupView(this.#core.engine)
    const pacer = new Pacer()
    for (const kept of entries) {
      // One edit at a time: a whole backup of entries would be held in memory.
      const edit = new Edits(this.#core, caller, view).at(kept.path)
      changes.push(planEntry(this.#core, caller, kept, edit))
      requireUsage(this.#core, caller, edit)
      if (pacer.isDue) await pacer.turn()
    }
    job.changes = changes
    return { ...countsOf(changes.map(({ change }) => change)), ...pageOf(job, 0) }
  }

  async #write(
    caller: Caller,
    entries: readonly BackupEntry[],
    facts: Facts,
  ): Promise<Counts & { readonly revision: number }> {
    const pathsText = (await jsonInSlices(entries.map(({ path }) => path))).join('')
    const { paths: _, ...rest } = facts
    const full: Facts = { ...rest, pathsText }
    return this.#core.writer.submit({
      plan: (view) => ({ slices: this.#plan(caller, entries, full, view) }),
      refusal: (error) => refusalBody(caller, full, error),
    })
  }

  *#plan(
    caller: Caller,
    entries: readonly BackupEntry[],
    facts: Facts,
    view: View,
  ): Generator<undefined, Plan<Counts & { readonly revision: number }>> {
    const core = this.#core
    core.keys.requireUnsealed()
    const edits = new Edits(core, caller, view)
    const changes: RestoreChange['change'][] = []
    for (const kept of entries) {
      yield
      changes.push(planEntry(core, caller, kept, edits.at(kept.path)).change)
    }
    return yield* edits.plan(caller, {
      action: 'restore',
      facts,
      result: (revision) => ({ ...countsOf(changes), revision }),
    })
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run)
    this.#turn = result.catch(() => {})
    return result
  }
}

/** The file, until the restore ends. */
async function* fileOf({ spool, stop }: OpenRestore): AsyncGenerator<Uint8Array> {
  for await (const piece of spool.read()) {
    stop.signal.throwIfAborted()
    yield piece
  }
}

function countsOf(changes: readonly RestoreChange['change'][]): Counts {
  const count = (wanted: RestoreChange['change']): number =>
    changes.reduce((sum, change) => sum + (change === wanted ? 1 : 0), 0)
  return { created: count('create'), updated: count('update'), unchanged: count('same') }
}

function pageOf(
  { changes }: OpenRestore,
  offset: number,
): Pick<RestoreResponse, 'changes' | 'next_offset'> {
  const next = offset + PAGE
  return {
    changes: changes.slice(offset, next),
    ...(next < changes.length ? { next_offset: next } : {}),
  }
}

function bytesOf(data: string): Uint8Array {
  const bytes = Buffer.from(data, 'base64')
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0
  // What is not base64 was left out.
  if (data.length % 4 !== 0 || bytes.length !== (data.length / 4) * 3 - padding) {
    throw new SecregError('INVALID_ARGUMENT', 'a piece of a backup is given in base64 with padding')
  }
  return bytes
}
