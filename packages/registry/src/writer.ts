/**
 * The single writer (DESIGN §2): takes the waiting operations as one group, plans each synchronously on the group's
 * view, asks the gate, commits all rows with one synchronous batch, has the records logged, publishes and answers.
 */
import { ENVELOPE_BYTES } from '@secreg/audit'
import { SecregError, type ValueType } from '@secreg/protocol'
import { type Engine, isStorageError, type KeyedRow, type Op } from '@secreg/storage'
import { GroupView, PendingRead, type View } from './group-view.ts'
import { auditFailed, FREED_ROWS, type Journal } from './journal.ts'
import type { Space } from './keys.ts'
import { asSecregError } from './store-failure.ts'

/** Point of the pipeline that a group has just reached; tests stop the process there. */
export type PipelineStep = 'planned' | 'gated' | 'committed' | 'logged' | 'published'

/** What a change did to one entry, as kept in the change row of its commit; never a value. */
export interface ChangeEvent {
  readonly op: 'set' | 'delete'
  readonly key: string
  readonly version: number
  readonly type: ValueType
  readonly encrypted: boolean
}

/** A planned change, ready to be committed. */
export interface Plan<T> {
  readonly ops: readonly Op[]
  readonly events?: readonly ChangeEvent[]
  /** JSON text of the audit body, with its successful outcome. */
  readonly record: string
  /** What the caller is told, once the revision of the commit is known. */
  readonly result: (revision: number) => T
  /** Runs when the commit is durable and logged, before any answer of the group. */
  readonly publish?: (revision: number) => void
}

/** Rows that a plan needs before it can be made; they are read while nothing is in flight. */
export interface Scan {
  readonly scan: Space
  /** More rows than this refuse the operation, unless it needs no more of them. */
  readonly maxRows: number
  readonly stopAtMax?: boolean
  /** Rows that count and are handed to the plan; default all. */
  readonly keep?: (row: KeyedRow) => boolean
}

/** A plan that is made in steps, with turns of the event loop in between; nothing else is planned meanwhile. */
export interface Slices<T> {
  readonly slices: Generator<undefined, Plan<T>>
}

/** One operation that may change something. */
export interface WriteOperation<T> {
  /**
   * Decide and plan; synchronous, without side effects, and run again when a row was missing.
   *
   * @param rows - what the scan found, when the call before asked for one
   * @throws SecregError when it is refused; nothing of it is then written but its record
   */
  plan(view: View, rows?: readonly KeyedRow[]): Plan<T> | Scan | Slices<T>
  /** JSON text of the audit body when it was refused or could not be committed. */
  refusal(error: SecregError): string
}

const encoder = new TextEncoder()

interface Queued {
  readonly operation: WriteOperation<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Planned {
  readonly queued: Queued
  readonly plan: Plan<unknown>
}

/** Limits of one group, which bound the time that its plans hold the main thread. */
const GROUP_OPERATIONS = 64
const GROUP_BYTES = 4 * 1024 * 1024
/** Longest stretch of a plan in slices on the main thread (DESIGN §9). */
const SLICE_MS = 4
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
}

/** A commit of which nobody knows whether it is there. */
interface Doubt {
  readonly number: number
  readonly group: readonly Planned[]
}

export class Writer {
  readonly #engine: Engine
  readonly #journal: Journal
  readonly #now: () => number
  readonly #onStep: ((step: PipelineStep) => void) | undefined
  readonly #onFault: ((fault: unknown) => void) | undefined
  readonly #mayFree: () => boolean
  readonly #queue: Queued[] = []
  /** Never rejects. */
  #running: Promise<void> | undefined
  #doubt: Doubt | undefined
  #closed = false

  constructor(options: WriterOptions) {
    this.#engine = options.engine
    this.#journal = options.journal
    this.#now = options.now
    this.#onStep = options.onStep
    this.#onFault = options.onFault
    this.#mayFree = options.mayFree ?? (() => true)
  }

  /** Operations that wait for their turn. */
  get waiting(): number {
    return this.#queue.length
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
    })
  }

  /** Commit the cursor of the log and free the outbox up to it; no operation, so no record. */
  async free(): Promise<void> {
    const work = await this.whenIdle(() => {
      const freeing = this.#free()
      // Nothing else may be in flight meanwhile: two turns at once would plan on each other's past.
      const next = (): void => {
        this.#running = this.#queue.length > 0 ? this.#run() : undefined
      }
      this.#running = freeing.then(next, next)
      return { freeing }
    })
    await work.freeing
  }

  /** Bring the engine back after a failed write, when nothing else does. */
  get needsMending(): boolean {
    return this.#engine.state === 'failed' || this.#doubt !== undefined
  }

  /** Wait until nothing is in flight, and run something before anything else can be. */
  async whenIdle<T>(run: () => T): Promise<T> {
    while (this.#running !== undefined) await this.#running
    return run()
  }

  /** Finish what waits and take nothing more. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    // One round of I/O first, so that requests that arrive together share one commit.
    await new Promise<void>((resume) => setImmediate(resume))
    while (this.#queue.length > 0) await this.#turn()
    this.#running = undefined
  }

  async #free(): Promise<void> {
    if (this.needsMending) await this.#mend()
    if (!this.#mayFree()) return
    const ops = this.#journal.freeingOps()
    if (ops.length === 0) return
    await this.#engine.commit({ ops })
    this.#journal.freed(ops)
  }

  /** Open the engine again after a failed write, and find out what became of a commit in doubt. */
  async #mend(): Promise<void> {
    await this.#engine.recover()
    const doubt = this.#doubt
    if (doubt === undefined) return
    const revision = await this.#journal.adopt(this.#engine, doubt.number)
    this.#doubt = undefined
    // It was there all the time: its callers know of the doubt, everybody else must see the change.
    if (revision !== undefined) this.#publish(doubt.group, revision)
  }

  /** Plan, gate, commit, log, publish and answer one group; whatever fails, everybody is answered. */
  async #turn(): Promise<void> {
    const view = new GroupView(this.#engine)
    const group: Planned[] = []
    try {
      if (this.needsMending) await this.#mend()
      await this.#gather(view, group)
      if (group.length > 0) await this.#commit(group, view)
    } catch (cause) {
      if (!isStorageError(cause)) this.#onFault?.(cause)
      for (const { queued } of group) this.#refuse(queued, cause)
      if (group.length === 0)
        for (const queued of this.#queue.splice(0)) this.#refuse(queued, cause)
    }
  }

  async #gather(view: GroupView, group: Planned[]): Promise<void> {
    while (group.length < GROUP_OPERATIONS && view.bytes < GROUP_BYTES) {
      const queued = this.#queue[0]
      if (queued === undefined) break
      const outcome = this.#plan(queued, view)
      if (outcome === 'refused') {
        this.#queue.shift()
      } else if ('plan' in outcome) {
        if (group.length > 0 && !this.#fits(view, outcome.plan)) break
        this.#queue.shift()
        const taken = this.#take(outcome, view)
        if (taken === true || (await taken)) group.push(outcome)
      } else if (group.length > 0) {
        // What it needs is read when nothing of this group is in flight.
        break
      } else if ('ready' in outcome) {
        if (!(await this.#isReady(queued, outcome))) this.#queue.shift()
      } else {
        this.#queue.shift()
        const planned = await ('scan' in outcome
          ? this.#planWithScan(queued, outcome, view)
          : this.#planInSlices(queued, outcome))
        if (planned !== undefined && (await this.#take(planned, view))) group.push(planned)
      }
    }
  }

  /** Take a plan into the group; false when a row before it cannot be read and it is refused. */
  #take(planned: Planned, view: GroupView): boolean | Promise<boolean> {
    try {
      view.apply(planned.plan.ops)
      return true
    } catch (cause) {
      if (!(cause instanceof PendingRead)) {
        this.#refuse(planned.queued, cause)
        return false
      }
      return this.#isReady(planned.queued, cause).then((is) => is && this.#take(planned, view))
    }
  }

  /** Wait for a row that a plan needs; false when it cannot be read and the operation is refused. */
  async #isReady(queued: Queued, { ready }: PendingRead): Promise<boolean> {
    try {
      await ready
      return true
    } catch (cause) {
      this.#refuse(queued, cause)
      return false
    }
  }

  /** Whether a group can take one more plan beside its outbox row. */
  #fits(view: GroupView, plan: Plan<unknown>): boolean {
    return view.size + plan.ops.length + OUTBOX_ROWS <= this.#engine.limits.maxOps
  }

  #plan(
    queued: Queued,
    view: View,
    rows?: readonly KeyedRow[],
  ): Planned | Scan | Slices<unknown> | PendingRead | 'refused' {
    try {
      const plan = queued.operation.plan(view, rows)
      return 'scan' in plan || 'slices' in plan ? plan : { queued, plan }
    } catch (error) {
      if (error instanceof PendingRead) return error
      this.#refuse(queued, error)
      return 'refused'
    }
  }

  async #planInSlices(queued: Queued, { slices }: Slices<unknown>): Promise<Planned | undefined> {
    try {
      for (;;) {
        const until = performance.now() + SLICE_MS
        while (performance.now() < until) {
          const step = slices.next()
          if (step.done === true) return { queued, plan: step.value }
        }
        await new Promise((resume) => setImmediate(resume))
      }
    } catch (error) {
      this.#refuse(queued, error)
      return undefined
    }
  }

  async #planWithScan(queued: Queued, scan: Scan, view: GroupView): Promise<Planned | undefined> {
    const rows: KeyedRow[] = []
    try {
      const iterator = this.#engine.iterate(scan.scan)
      try {
        for (
          let page = await iterator.nextPage(256);
          page.length > 0;
          page = await iterator.nextPage(256)
        ) {
          rows.push(...(scan.keep === undefined ? page : page.filter(scan.keep)))
          if (rows.length >= scan.maxRows && scan.stopAtMax === true) break
          if (rows.length > scan.maxRows) {
            throw new SecregError(
              'LIMIT_EXCEEDED',
              `the subtree has more than ${scan.maxRows} rows; take a smaller one`,
            )
          }
        }
      } finally {
        await iterator.close()
      }
    } catch (error) {
      this.#refuse(queued, error)
      return undefined
    }
    for (;;) {
      const outcome = this.#plan(queued, view, rows)
      if (outcome === 'refused') return undefined
      if ('plan' in outcome) return outcome
      if (!('ready' in outcome)) {
        this.#refuse(queued, new TypeError('a plan must not ask for a second scan'))
        return undefined
      }
      if (!(await this.#isReady(queued, outcome))) return undefined
    }
  }

  /** Record a refusal, and answer with it once the record is written. */
  #refuse(queued: Queued, cause: unknown): void {
    const error = asSecregError(cause)
    let record: string
    try {
      record = queued.operation.refusal(error)
    } catch (fault) {
      this.#onFault?.(fault)
      queued.reject(auditFailed(fault))
      return
    }
    this.#journal.record(record, (failure) => queued.reject(failure ?? error))
  }

  #step(step: PipelineStep): void {
    try {
      this.#onStep?.(step)
    } catch (fault) {
      // Who watches the pipeline must not be able to stop it.
      this.#onFault?.(fault)
    }
  }

  /** Let a commit take effect; returns the plans that could not. */
  #publish(group: readonly Planned[], revision: number): Map<Planned, unknown> {
    const faults = new Map<Planned, unknown>()
    for (const planned of group) {
      try {
        planned.plan.publish?.(revision)
      } catch (fault) {
        faults.set(planned, fault)
        this.#onFault?.(fault)
      }
    }
    return faults
  }

  async #commit(group: readonly Planned[], view: GroupView): Promise<void> {
    this.#step('planned')
    const timeMs = this.#now()
    const bodies = group.map(({ plan }) => plan.record)
    const outbox = this.#journal.outboxOps(timeMs, bodies)
    if (!this.#journal.gate(view.bytes + recordBytes(bodies))) {
      const error = auditFailed(undefined)
      for (const { queued } of group) queued.reject(error)
      return
    }
    this.#step('gated')
    let revision: number
    try {
      ;({ revision } = await this.#engine.commit({
        ops: [...view.ops(), ...outbox.ops],
        change: changeOf(group),
      }))
    } catch (cause) {
      if (isStorageError(cause, 'ERR_STORAGE_OUTCOME_UNKNOWN')) {
        this.#doubt = { number: outbox.number, group }
      }
      for (const { queued } of group) this.#refuse(queued, cause)
      return
    }
    this.#step('committed')
    this.#journal.freed(outbox.ops)
    this.#journal.commit(outbox.number, revision, timeMs, bodies)
    this.#step('logged')
    const faults = this.#publish(group, revision)
    this.#step('published')
    for (const planned of group) {
      const { plan, queued } = planned
      try {
        if (faults.has(planned)) throw faults.get(planned)
        queued.resolve(plan.result(revision))
      } catch (fault) {
        queued.reject(asSecregError(fault))
      }
    }
  }
}

/** Payload of the change row: the events of the whole group, in order. */
function changeOf(group: readonly Planned[]): Uint8Array {
  return encoder.encode(JSON.stringify(group.flatMap(({ plan }) => plan.events ?? [])))
}

/** Upper bound of the bytes that a group's lines take in the log. */
function recordBytes(bodies: readonly string[]): number {
  let bytes = 0
  for (const body of bodies) bytes += 3 * body.length + ENVELOPE_BYTES
  return bytes
}
