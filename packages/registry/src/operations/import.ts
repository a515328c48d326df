/** Import: entries are staged, compared and then written by one commit, or not at all. */
import {
  type Caller,
  type ImportChange,
  type ImportResponse,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import { accessDenied } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { Edits } from '../edits.ts'
import type { EntryEdit } from '../entry-edit.ts'
import { GroupView } from '../group-view.ts'
import { isSameSession } from '../open-jobs.ts'
import type { Plan } from '../operation.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import { forEachInSlices, jsonInSlices } from '../slices.ts'
import { asSecregError } from '../store-failure.ts'
import { isSame } from './same.ts'
import { draftOf, isToBeEncrypted, planSet, requireWrite, type SetDraft } from './set.ts'

/** What imports can stage: what one commit, its record and the memory for it can hold. */
export const IMPORT_LIMITS: Readonly<
  Record<
    | 'entries'
    | 'bytes'
    | 'bytesOfAll'
    | 'pathBytes'
    | 'open'
    | 'openOfAccount'
    | 'idleMs'
    | 'yieldMs',
    number
  >
> = Object.freeze({
  entries: 100_000,
  /** Memory that the staged entries of one import take, values and paths. */
  bytes: 128 * 1024 * 1024,
  /** The same over all imports, also those that are being committed. */
  bytesOfAll: 256 * 1024 * 1024,
  /** Paths of one import: its record names them all, and stands in one row and one line. */
  pathBytes: 12 * 1024 * 1024,
  /** Imports that are open at once, over all callers. */
  open: 4,
  /** Of these, of one account. */
  openOfAccount: 2,
  /** An import that nobody has touched for so long makes room, milliseconds. */
  idleMs: 60_000,
  /** The same where the next import of its own account needs its place. */
  yieldMs: 5_000,
})

/** Memory of a staged entry beside its value and path, about. */
const ENTRY_BYTES = 256
/** Entries of one page of a difference. */
const DIFF_PAGE = 5_000

interface OpenImport {
  readonly owner: Caller
  readonly force: boolean
  readonly drafts: Map<string, SetDraft>
  bytes: number
  pathBytes: number
  touchedMs: number
}

export class Imports {
  readonly #core: Core
  readonly #open = new Map<string, OpenImport>()
  /** Staged by all imports that are not wiped yet. */
  #bytes = 0

  constructor(core: Core) {
    this.#core = core
  }

  /**
   * One step of an import.
   *
   * @throws SecregError what a `set` can throw; `ERR_ALREADY_EXISTS` at `commit` when a key has another value and
   *   `force` was not given; `ERR_LIMIT_EXCEEDED`, `ERR_BUSY`; `ERR_NOT_FOUND` for an import that is not open
   */
  async import(caller: Caller, request: RequestOf<'import'>): Promise<ImportResponse> {
    switch (request.op) {
      case 'begin':
        return this.#begin(caller, request.force === true)
      case 'stage':
        return this.#stage(caller, request)
      case 'diff':
        return this.#diff(caller, this.#find(caller, request.import), request.offset ?? 0)
      case 'abort':
        this.#find(caller, request.import)
        this.#end(request.import)
        return {}
      case 'commit': {
        const job = this.#find(caller, request.import)
        this.#open.delete(request.import)
        return this.#commit(caller, job)
      }
    }
  }

  /** Release what nobody goes on with, and with `sessions` what belongs to others than these. */
  sweep(sessions?: ReadonlySet<string>): void {
    const nowMs = this.#core.now()
    for (const [id, { owner, touchedMs }] of this.#open) {
      const { sessionRef } = owner
      const ended = sessionRef !== undefined && sessions?.has(sessionRef) === false
      if (ended || nowMs - touchedMs > IMPORT_LIMITS.idleMs) this.#end(id)
    }
  }

  #end(id: string): void {
    const job = this.#open.get(id)
    this.#open.delete(id)
    if (job !== undefined) void this.#wipe(job)
  }

  async #wipe(job: OpenImport): Promise<void> {
    await forEachInSlices(job.drafts.values(), ({ value }) => value.bytes.fill(0))
    job.drafts.clear()
    this.#bytes -= job.bytes
    job.bytes = 0
  }

  async #begin(caller: Caller, force: boolean): Promise<ImportResponse> {
    const { authorizer, keys } = this.#core
    try {
      keys.requireUnsealed()
      // Who may write nowhere gets none of the few places.
      const actions = ['create', 'update'] as const
      if (actions.every((action) => authorizer.filter(caller, action, '') === 'none')) {
        throw accessDenied()
      }
    } catch (error) {
      return recorded(this.#core.journal, caller, { action: 'import' }, () => {
        throw error
      })
    }
    this.sweep()
    const nowMs = this.#core.now()
    if (this.#isFullFor(caller)) this.#makeRoom(caller, nowMs)
    if (this.#isFullFor(caller)) throw busy()
    const id = this.#core.newEntryId()
    const job = { owner: caller, force, drafts: new Map(), bytes: 0, pathBytes: 0 }
    this.#open.set(id, { ...job, touchedMs: nowMs })
    return { import: id, staged: 0 }
  }

  #isFullFor({ accountId }: Caller): boolean {
    const own = [...this.#open.values()].filter(({ owner }) => owner.accountId === accountId)
    return this.#open.size >= IMPORT_LIMITS.open || own.length >= IMPORT_LIMITS.openOfAccount
  }

  /** An account's own imports that have stood still, most likely because their client is gone, end for its next one. */
  #makeRoom(caller: Caller, nowMs: number): void {
    for (const [id, { owner, touchedMs }] of this.#open) {
      const stands = nowMs - touchedMs > IMPORT_LIMITS.yieldMs
      if (stands && owner.accountId === caller.accountId) this.#end(id)
    }
  }

  #find(caller: Caller, id: string): OpenImport {
    const job = this.#open.get(id)
    if (job === undefined || !isSameSession(job.owner, caller)) {
      throw new SecregError('NOT_FOUND', 'the import has ended; start it again')
    }
    job.touchedMs = this.#core.now()
    return job
  }

  async #stage(
    caller: Caller,
    { import: id, entries }: Extract<RequestOf<'import'>, { op: 'stage' }>,
  ): Promise<ImportResponse> {
    this.#find(caller, id)
    const drafts = new Map<string, SetDraft>()
    let bytes = 0
    let pathBytes = 0
    await forEachInSlices(entries, (entry) => {
      const draft = draftOf(entry)
      if (drafts.has(draft.path)) throw namedTwice()
      bytes += draft.value.bytes.length + draft.path.length + ENTRY_BYTES
      // In the record each has quotes and a comma.
      pathBytes += Buffer.byteLength(draft.path) + 3
      drafts.set(draft.path, draft)
    })
    // All of a request or nothing of it is staged, so that it can be sent again; and others may have come meanwhile.
    const job = this.#find(caller, id)
    for (const path of drafts.keys()) if (job.drafts.has(path)) throw namedTwice()
    const size = job.drafts.size + drafts.size
    if (
      size > IMPORT_LIMITS.entries ||
      job.bytes + bytes > IMPORT_LIMITS.bytes ||
      job.pathBytes + pathBytes > IMPORT_LIMITS.pathBytes
    ) {
      throw tooLarge()
    }
    if (this.#bytes + bytes > IMPORT_LIMITS.bytesOfAll) throw busy()
    for (const [path, draft] of drafts) job.drafts.set(path, draft)
    job.bytes += bytes
    job.pathBytes += pathBytes
    this.#bytes += bytes
    return { staged: size }
  }

  #diff(caller: Caller, job: OpenImport, offset: number): Promise<ImportResponse> {
    const facts: Facts = { action: 'import', detail: 'difference only' }
    return recorded(this.#core.journal, caller, facts, async () => {
      const view = new GroupView(this.#core.engine)
      const changes: ImportChange[] = []
      const drafts = [...job.drafts.values()]
      const page = drafts.slice(offset, offset + DIFF_PAGE)
      facts.paths = page.map(({ path }) => path)
      facts.count = page.length
      for (const draft of page) {
        // One edit at a time: a whole import of entries would be held in memory.
        const edit = new Edits(this.#core, caller, view).at(draft.path)
        this.#core.authorizer.require(caller, 'read', draft.path, edit.entry)
        changes.push(this.#changeOf(caller, draft, edit))
        if (changes.length % 64 === 0) await new Promise((resume) => setImmediate(resume))
      }
      const next = offset + DIFF_PAGE
      return { changes, ...(next < drafts.length ? { next_offset: next } : {}) }
    })
  }

  #changeOf(caller: Caller, draft: SetDraft, edit: EntryEdit): ImportChange {
    const { type } = draft.value
    const encrypted = isToBeEncrypted(this.#core, draft, edit)
    const base = { key: draft.path, type, encrypted }
    if (edit.entry === undefined || !edit.isLive) return { ...base, change: 'create' }
    return {
      ...base,
      change: isSame(this.#core, caller, draft, edit) ? 'same' : 'update',
      old_type: edit.entry.type,
      old_version: edit.entry.active,
    }
  }

  async #commit(caller: Caller, job: OpenImport): Promise<ImportResponse> {
    const core = this.#core
    const facts: Facts = { action: 'import', count: job.drafts.size }
    let edits: Edits | undefined
    let answer: ImportResponse
    try {
      facts.pathsText = (await jsonInSlices([...job.drafts.keys()])).join('')
      answer = await core.writer.submit<ImportResponse>({
        plan: (view) => {
          edits = new Edits(core, caller, view)
          return { slices: this.#plan(caller, job, facts, edits) }
        },
        refusal: (error) => refusalBody(caller, facts, error),
      })
    } catch (error) {
      throw asSecregError(error)
    } finally {
      await this.#wipe(job)
    }
    if (edits?.erases === true) await core.eraser.settle()
    return answer
  }

  *#plan(
    caller: Caller,
    job: OpenImport,
    facts: Facts,
    edits: Edits,
  ): Generator<undefined, Plan<ImportResponse>> {
    const core = this.#core
    core.keys.requireUnsealed()
    let imported = 0
    let unchanged = 0
    for (const draft of job.drafts.values()) {
      yield
      const edit = edits.at(draft.path)
      const { isLive } = edit
      // Who may not write here learns neither whether the key exists nor whether its value is the same.
      requireWrite(core, caller, edit)
      if (isLive && isSame(this.#core, caller, draft, edit)) {
        unchanged++
        continue
      }
      if (isLive && !job.force) {
        throw new SecregError(
          'ALREADY_EXISTS',
          `${draft.path} exists with another value; nothing was imported (force overwrites, a dry run shows all)`,
        )
      }
      planSet(core, caller, draft, edit)
      imported++
    }
    return yield* edits.plan(caller, {
      action: 'import',
      facts,
      result: (revision) => ({ imported, unchanged, revision }),
    })
  }
}

function tooLarge(): SecregError {
  return new SecregError(
    'LIMIT_EXCEEDED',
    'the import is too large for one commit; take it in parts',
  )
}

function namedTwice(): SecregError {
  return new SecregError('INVALID_ARGUMENT', 'the import names a key twice')
}

function busy(): SecregError {
  return new SecregError('BUSY', 'too many imports at once; try again', { retryAfterSeconds: 60 })
}
