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

/** State of one group while it is planned. */
export class GroupView implements View {
  readonly #engine: Engine
  readonly #written = new Map<string, Row | undefined>()
  readonly #fetched = new Map<string, Row | undefined>()
  readonly #ops = new Map<string, Op>()
  /** Bytes of the keys and values that the group writes so far. */
  bytes = 0

  constructor(engine: Engine) {
    this.#engine = engine
  }

  get(key: string): Row | undefined {
    if (this.#written.has(key)) return this.#written.get(key)
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

  /** Number of rows that the group writes so far. */
  get size(): number {
    return this.#ops.size
  }

  /** The last operation on each key. */
  ops(): Iterable<Op> {
    return this.#ops.values()
  }

  /** Take the rows of a finished plan into the group; when a row before cannot be read, nothing of it is taken. */
  apply(ops: readonly Op[]): void {
    const revision = this.#engine.head + 1
    const rows = ops.map((op) => (op.type === 'put' ? this.get(op.key) : undefined))
    for (const [index, op] of ops.entries()) {
      this.#ops.set(op.key, op)
      if (op.type === 'put') {
        const before = rows[index]
        this.#written.set(op.key, {
          value: op.value,
          createRevision: before?.createRevision ?? revision,
          modifyRevision: revision,
        })
        this.bytes += op.key.length + op.value.length
      } else {
        this.#written.set(op.key, undefined)
        this.bytes += op.key.length
      }
    }
  }
}
