/**
 * The single writer (DESIGN §2): takes the waiting operations as one group, plans each synchronously on the group's
 * view, asks the gate, commits all rows with one synchronous batch, has the records logged, publishes and answers.
 * While the disk works on one group, the next is planned on what that group will have written; should its commit
 * fail, those plans and refusals are forgotten and made anew.
 */
import { ENVELOPE_BYTES } from '@secreg/audit'
import { type ChangeEvent, SecregError } from '@secreg/protocol'
import { type Engine, isStorageError, type MaybePromise, type Op } from '@secreg/storage'
import { encodeChange } from './change.ts'
import { Group, type Planned, type Queued } from './group.ts'
import { auditFailed, FREED_ROWS, type Journal } from './journal.ts'
import { REGISTRY_LIMITS } from './limits.ts'
import type { WriteOperation } from './operation.ts'
import { planNow, planWaiting } from './planner.ts'
import { asSecregError } from './store-failure.ts'

/** Point of the pipeline that a group has just reached; tests stop the process there. */
export type PipelineStep = 'planned' | 'gated' | 'committed' | 'logged' | 'published'

/**
 * Operations of one group: half of what waits, so that one half is planned while the disk works on the other, within
 * bounds that make a commit worth its sync and keep its plans from holding the main thread.
 */
const GROUP_OPERATIONS = Object.freeze({ least: 64, most: 128 })
/** Rows that a plan has at most unless it is the first of its group: only those read a range or run in slices. */
const SMALL_PLAN_ROWS = 64
/** Rows of a commit that its group cannot use: its own outbox row, the cursor, and the outbox rows that it frees. */
export const OUTBOX_ROWS: number = FREED_ROWS + 2

export interface WriterOptions {
  readonly engine: Engine
  readonly journal: Journal
  readonly now: () => number
  readonly onStep?: ((step: PipelineStep) => void) | undefined
  /** Told of failures that no caller hears of, or hears of in general words only. */
  readonly onFault?: ((fault: unknown) => void) | undefined
  /** Whether rows may be written now that no operation asks for. */
  readonly mayFree?: () => boolean
  /** Events since the store began; default 0. */
  readonly changeCount?: number
  /** Told of every commit in order, once it is logged and has taken effect. */
  readonly onCommit?: (revision: number, events: readonly ChangeEvent[]) => void
}

/** A commit of which nobody knows whether it is there. */
interface Doubt {
  readonly number: number
  readonly group: readonly Planned[]
  readonly events: readonly ChangeEvent[]
}

export class Writer {
  readonly #engine: Engine
  readonly #journal: Journal
  readonly #now: () => number
  readonly #onStep: ((step: PipelineStep) => void) | undefined
  readonly #onFault: ((fault: unknown) => void) | undefined
  readonly #mayFree: () => boolean
  readonly #onCommit: WriterOptions['onCommit']
  readonly #queue: Queued[] = []
  /** Never rejects. */
  #running: Promise<void> | undefined
  /** Tells whoever waits for a next operation that there is one. */
  #wake: (() => void) | undefined
  #doubt: Doubt | undefined
  #closed = false
  /** How many wait for a moment in which nothing is in flight. */
  #asides = 0
  #changeCount: number

  constructor(options: WriterOptions) {
    this.#engine = options.engine
    this.#journal = options.journal
    this.#now = options.now
    this.#onStep = options.onStep
    this.#onFault = options.onFault
    this.#mayFree = options.mayFree ?? (() => true)
    this.#onCommit = options.onCommit
    this.#changeCount = options.changeCount ?? 0
  }

  /**
   * Run one operation in the writer's turn.
   *
   * @returns what its plan answers, once the commit is durable and its record handed to the log
   * @throws SecregError what the plan refused with, or `ERR_AUDIT_FAILED`, `ERR_STORAGE_…`, `ERR_OUTCOME_UNKNOWN`
   */
  submit<T>(operation: WriteOperation<T>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new SecregError('SHUTTING_DOWN', 'the registry is stopping'))
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ operation, resolve: resolve as (value: unknown) => void, reject })
      this.#running ??= this.#run()
      this.#wake?.()
    })
  }

  /** Commit the cursor of the log and free the outbox up to it; no operation, so no record. */
  free(): Promise<void> {
    return this.#aside(() => this.#free())
  }

  /**
   * Commit rows that no operation asks for and no record tells of, when nothing else is in flight.
   *
   * @param make - called then, so that it can rest on what is stored
   */
  commitAside(make: () => MaybePromise<readonly Op[]>): Promise<void> {
    return this.#aside(async () => {
      if (this.needsMending) await this.#mend()
      const ops = await make()
      if (ops.length > 0) await this.#commitQuietly(ops)
    })
  }

  /** Events since the store began, up to the last commit. */
  get changeCount(): number {
    return this.#changeCount
  }

  /** Bring the engine back after a failed write, when nothing else does. */
  get needsMending(): boolean {
    return this.#engine.state === 'failed' || this.#doubt !== undefined
  }

  /** Run something when nothing is in flight, before anything that waits now or comes: load never holds it up. */
  async whenIdle<T>(run: () => T): Promise<T> {
    this.#asides++
    try {
      while (this.#running !== undefined) await this.#running
      return run()
    } finally {
      this.#asides--
      if (this.#queue.length > 0) this.#running ??= this.#run()
    }
  }

  /** Finish what waits and take nothing more. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#running !== undefined) await this.#running
    // The answers of the last group are on their way.
    await new Promise((resume) => setImmediate(resume))
  }

  async #run(): Promise<void> {
    // One round of I/O first, so that requests that arrive together share one commit.
    await new Promise<void>((resume) => setImmediate(resume))
    let next: Group | undefined
    while (next !== undefined || (this.#queue.length > 0 && this.#asides === 0)) {
      next = await this.#turn(next)
    }
    this.#running = undefined
  }

  async #aside(work: () => Promise<void>): Promise<void> {
    const { done } = await this.whenIdle(() => {
      const working = work()
      // Nothing else may be in flight meanwhile: two turns at once would plan on each other's past.
      const next = (): void => {
        this.#running = this.#queue.length > 0 ? this.#run() : undefined
      }
      this.#running = working.then(next, next)
      return { done: working }
    })
    await done
  }

  async #free(): Promise<void> {
    if (this.needsMending) await this.#mend()
    if (!this.#mayFree()) return
    const ops = this.#journal.freeingOps()
    if (ops.length === 0) return
    await this.#commitQuietly(ops)
    this.#journal.freed(ops)
  }

  /** Commit what changes no entry. */
  async #commitQuietly(ops: readonly Op[]): Promise<void> {
    const header = { timeMs: this.#now(), count: this.#changeCount }
    const { revision } = await this.#engine.commit({ ops, change: await encodeChange(header, []) })
    this.#told(revision, [])
  }

  /** Open the engine again after a failed write, and find out what became of a commit in doubt. */
  async #mend(): Promise<void> {
    await this.#engine.recover()
    const doubt = this.#doubt
    if (doubt === undefined) return
    const revision = await this.#journal.adopt(this.#engine, doubt.number)
    this.#doubt = undefined
    // It was there all the time: its callers know of the doubt, everybody else must see the change.
    if (revision !== undefined) this.#publish(doubt.group, revision, doubt.events)
  }

  /**
   * Complete a group, commit it and plan the next meanwhile; whatever fails, everybody is answered.
   *
   * @param begun - planned so far, while the commit before it was in flight
   * @returns the next group as far as it is planned
   */
  async #turn(begun: Group | undefined): Promise<Group | undefined> {
    const group = begun ?? new Group(this.#engine)
    try {
      if (begun === undefined && this.needsMending) await this.#mend()
      group.view.detach()
      await this.#gather(group)
    } catch (cause) {
      if (!isStorageError(cause)) this.#onFault?.(cause)
      const given = group.taken.length === 0 ? this.#queue.splice(0) : group.taken
      for (const queued of given) this.#refuse(queued, cause)
      return undefined
    }
    if (group.planned.length === 0) {
      this.#tell(group, this.#engine.head)
      return undefined
    }
    for (const { queued, error, restsOnPlans } of group.refused) {
      if (!restsOnPlans) this.#refuse(queued, error)
    }
    group.forgetTold()
    const commit = this.#commit(group)
    if (group.changesDecisions || this.#asides > 0) {
      if (!(await commit)) this.#queue.unshift(...group.uncertain)
      return undefined
    }
    const next = new Group(this.#engine, group.view)
    if (!(await this.#planMeanwhile(next, commit))) {
      this.#queue.unshift(...group.uncertain, ...next.taken)
      return undefined
    }
    return next.taken.length === 0 ? undefined : next
  }

  /** Plan what arrives until a commit is settled; returns whether it succeeded. */
  async #planMeanwhile(next: Group, commit: Promise<boolean>): Promise<boolean> {
    let succeeded: boolean | undefined
    const settled = commit.then((is) => {
      succeeded = is
    })
    while (succeeded === undefined) {
      const mayTakeMore = this.#gatherNow(next)
      await (mayTakeMore ? Promise.race([settled, this.#arrival()]) : settled)
    }
    return succeeded
  }

  /** The next operation, with whatever arrives in the same round of I/O. */
  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        setImmediate(resolve)
      }
    })
  }

  /** Plan what waits, also what has to be waited for, as long as it fits; nothing may be in flight. */
  async #gather(group: Group): Promise<void> {
    while (!this.#gatherNow(group)) {
      const queued = this.#queue[0]
      // What must wait is the first of its group, and what it waits for is read when nothing else was planned.
      if (queued === undefined || group.planned.length > 0) return
      const needs = planNow(group, queued)
      this.#queue.shift()
      if (needs !== undefined) await planWaiting(this.#engine, group, queued, needs)
    }
  }

  /**
   * Plan what waits as far as it can be planned at once and fits.
   *
   * @returns whether the group could take more if there were more
   */
  #gatherNow(group: Group): boolean {
    const { least, most } = GROUP_OPERATIONS
    const bound = Math.min(most, Math.max(least, Math.ceil(this.#queue.length / 2)))
    const room = this.#engine.limits.maxOps - OUTBOX_ROWS - SMALL_PLAN_ROWS
    for (let queued = this.#queue[0]; queued !== undefined; queued = this.#queue[0]) {
      const { view, planned } = group
      const full =
        planned.length >= bound || view.bytes >= REGISTRY_LIMITS.groupBytes || view.size > room
      if (full || group.changesDecisions) return false
      const needs = planNow(group, queued)
      if (needs !== undefined) return false
      this.#queue.shift()
    }
    return !group.changesDecisions
  }

  /** Answer what changes nothing, now that everything it rests on is certain. */
  #tell({ refused, unchanged }: Group, revision: number): void {
    for (const { queued, error } of refused) this.#refuse(queued, error)
    for (const { queued, plan } of unchanged) {
      this.#recorded(plan.record, (failure) => {
        try {
          if (failure !== undefined) throw failure
          queued.resolve(plan.result(revision))
        } catch (fault) {
          queued.reject(asSecregError(fault))
        }
      })
    }
  }

  /** Record a refusal, and answer with it once the record is written. */
  #refuse(queued: Queued, cause: unknown): void {
    const error = asSecregError(cause)
    let record: string | undefined
    try {
      record = queued.operation.refusal(error)
    } catch (fault) {
      this.#onFault?.(fault)
      queued.reject(auditFailed(fault))
      return
    }
    this.#recorded(record, (failure) => queued.reject(failure ?? error))
  }

  #recorded(record: string | undefined, written: (failure?: SecregError) => void): void {
    if (record === undefined) written()
    else this.#journal.record(record, written)
  }

  #step(step: PipelineStep): void {
    try {
      this.#onStep?.(step)
    } catch (fault) {
      // Who watches the pipeline must not be able to stop it.
      this.#onFault?.(fault)
    }
  }

  /** Let a commit take effect, and tell of it; returns the plans that could not. */
  #publish(
    group: readonly Planned[],
    revision: number,
    events: readonly ChangeEvent[],
  ): Map<Planned, unknown> {
    const faults = new Map<Planned, unknown>()
    for (const planned of group) {
      try {
        planned.plan.publish?.(revision)
      } catch (fault) {
        faults.set(planned, fault)
        this.#onFault?.(fault)
      }
    }
    this.#told(revision, events)
    return faults
  }

  #told(revision: number, events: readonly ChangeEvent[]): void {
    this.#changeCount += events.length
    try {
      this.#onCommit?.(revision, events)
    } catch (fault) {
      this.#onFault?.(fault)
    }
  }

  /** Gate, commit, log, publish and answer one group; false when it was not committed. Never rejects. */
  async #commit(group: Group): Promise<boolean> {
    try {
      const committed = await this.#write(group)
      if (committed === undefined) return false
      this.#answer(group.planned, committed.revision, committed.events)
      this.#tell(group, committed.revision)
      return true
    } catch (cause) {
      if (!isStorageError(cause)) this.#onFault?.(cause)
      for (const { queued } of group.planned) this.#refuse(queued, cause)
      return false
    }
  }

  /**
   * Bring a group to disk and log.
   *
   * @returns its commit; `undefined` when the gate is shut, and everybody has been told
   */
  async #write({
    planned,
    view,
  }: Group): Promise<{ revision: number; events: readonly ChangeEvent[] } | undefined> {
    this.#step('planned')
    const timeMs = this.#now()
    const bodies = planned.flatMap(({ plan }) => plan.record ?? [])
    const outbox = this.#journal.outboxOps(timeMs, bodies)
    if (!this.#journal.gate(view.bytes + recordBytes(bodies))) {
      const error = auditFailed(undefined)
      for (const { queued } of planned) queued.reject(error)
      return undefined
    }
    this.#step('gated')
    const events = planned.flatMap(({ plan }) => plan.events ?? [])
    const change = encodeChange({ timeMs, count: this.#changeCount + events.length }, events)
    const ops = [...view.ops(), ...outbox.ops]
    const { revision } = await this.#engine
      .commit({ ops, change: change instanceof Promise ? await change : change })
      .catch((cause: unknown) => {
        if (isStorageError(cause, 'ERR_STORAGE_OUTCOME_UNKNOWN')) {
          this.#doubt = { number: outbox.number, group: planned, events }
        }
        throw cause
      })
    this.#step('committed')
    this.#journal.freed(outbox.ops)
    if (bodies.length > 0) this.#journal.commit(outbox.number, revision, timeMs, bodies)
    this.#step('logged')
    return { revision, events }
  }

  /** Let a commit take effect, and answer: whatever fails from here on, it is committed. */
  #answer(group: readonly Planned[], revision: number, events: readonly ChangeEvent[]): void {
    const faults = this.#publish(group, revision, events)
    this.#step('published')
    // After the next commit has been handed to the disk, which then works while the answers are written.
    setImmediate(() => {
      for (const planned of group) {
        const { plan, queued } = planned
        try {
          if (faults.has(planned)) throw faults.get(planned)
          queued.resolve(plan.result(revision))
        } catch (fault) {
          queued.reject(asSecregError(fault))
        }
      }
    })
  }
}

/** Bodies from which it is worth to count: the gate reserves what it is told, on the main thread. */
const LARGE_BODY = 65_536

/** Upper bound of the bytes that a group's lines take in the log. */
function recordBytes(bodies: readonly string[]): number {
  let bytes = 0
  for (const body of bodies) {
    const { length } = body
    bytes += (length < LARGE_BODY ? 3 * length : Buffer.byteLength(body)) + ENVELOPE_BYTES
  }
  return bytes
}
