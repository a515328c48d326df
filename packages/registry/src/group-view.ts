/**
 * What the plans of one group see: the engine's rows under the rows that the group's earlier plans will write
 * (DESIGN §2, step 1). Reads are synchronous, so nothing can happen between a decision and its plan; an engine whose
 * reads are asynchronous makes a plan stop with {@link PendingRead}, and the writer runs it again once the row is here.
 */
import type { Engine, Op, Row } from '@secreg/storage'

/** Thrown through a plan that needs a row which is not here yet; only the writer sees it. */
export class PendingRead extends Error {
  override name = 'PendingRead'
  readonly ready: Promise<void>
  constructor(ready: Promise<void>) {
    super('a row is not here yet')
    this.ready = ready
  }
}

/** Synchronous reads of the state that a plan starts from. */
export interface View {
  /** Row of a key, never to be changed; `undefined` when absent. */
  get(key: string): Row | undefined
}

/** A row that the group will write. Its create revision is looked up when somebody asks, which is nearly never. */
class WrittenRow implements Row {
  readonly value: Uint8Array
  readonly modifyRevision: number
  readonly #createdBefore: () => number | undefined

  constructor(value: Uint8Array, revision: number, createdBefore: () => number | undefined) {
    this.value = value
    this.modifyRevision = revision
    this.#createdBefore = createdBefore
  }

  get createRevision(): number {
    return this.#createdBefore() ?? this.modifyRevision
  }
}

/** State of one group while it is planned. */
export class GroupView implements View {
  readonly #engine: Engine
  /** The group before, as long as its commit is in flight: what it writes is seen here already. */
  #before: GroupView | undefined
  readonly #written = new Map<string, Row | undefined>()
  readonly #fetched = new Map<string, Row | undefined>()
  readonly #ops = new Map<string, Op>()
  #whole: readonly Op[] | undefined
  #revision: number | undefined
  /** Bytes of the keys and values that the group writes so far. */
  bytes = 0

  constructor(engine: Engine, before?: GroupView) {
    this.#engine = engine
    this.#before = before
  }

  get(key: string): Row | undefined {
    return this.#written.has(key) ? this.#written.get(key) : this.#readBefore(key)
  }

  /** Whether a plan of this group writes or removes the row of a key. */
  hasWritten(key: string): boolean {
    return this.#written.has(key)
  }

  /** Number of rows that the group writes so far. */
  get size(): number {
    return this.#whole?.length ?? this.#ops.size
  }

  /** Whether the group is one plan that nothing may be planned on. */
  get isWhole(): boolean {
    return this.#whole !== undefined
  }

  /** Revision that the commit of this group will have. */
  get revision(): number {
    this.#revision ??= 1 + (this.#before?.revision ?? this.#engine.head)
    return this.#revision
  }

  /** The last operation on each key. */
  ops(): Iterable<Op> {
    return this.#whole ?? this.#ops.values()
  }

  /** Make one plan of any size the whole group, at once: its rows are not to be seen through this view. */
  takeWhole(ops: readonly Op[]): void {
    this.#whole = ops
  }

  /** The commit of the group before has succeeded: the engine has its rows. */
  detach(): void {
    this.#before = undefined
  }

  /** Take one row of a finished plan into the group. */
  apply(op: Op): void {
    this.#ops.set(op.key, op)
    this.bytes += op.key.length
    if (op.type === 'delete') {
      this.#written.set(op.key, undefined)
      return
    }
    this.bytes += op.value.length
    const replaced = this.#written.has(op.key)
    const before = this.#written.get(op.key)
    const row = new WrittenRow(op.value, this.revision, () =>
      replaced ? before?.createRevision : this.#readBefore(op.key)?.createRevision,
    )
    this.#written.set(op.key, row)
  }

  /** The row as it is without this group. */
  #readBefore(key: string): Row | undefined {
    const before = this.#before
    if (before !== undefined) return before.get(key)
    if (this.#fetched.has(key)) return this.#fetched.get(key)
    const row = this.#engine.get(key)
    if (!(row instanceof Promise)) return row
    const ready = row.then((found) => {
      this.#fetched.set(key, found)
    })
    // Whoever does not wait for it must not end the process by its failure.
    ready.catch(() => {})
    throw new PendingRead(ready)
  }
}
