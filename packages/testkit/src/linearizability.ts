/**
 * Whether a concurrent history has an order, one operation after another, that explains every answer: the search of
 * Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's memory of configurations tried before
 * ("Testing for linearizability", 2017), and one search for each key (Horn and Kroening, "Faster linearizability
 * checking via P-compositionality", 2015).
 */
import { PlacedSet, Timeline } from './timeline.ts'
import { SHOWN, type Violation, violationOf } from './violation.ts'

/** One call of one client. */
export interface Operation<I, O> {
  /** Who called; for the explanation only. */
  readonly client: number
  /** Operations on different keys do not see each other. */
  readonly key: string
  /** When it was called, in any unit, on the same clock for all. */
  readonly calledAt: number
  /** When it returned; `undefined` when its outcome is unknown: it may take effect at any later time, or never. */
  readonly returnedAt: number | undefined
  readonly input: I
  /** What it answered; `undefined` when the outcome is unknown. */
  readonly output: O | undefined
}

/** What one key does when its operations come one after another. */
export interface SequentialModel<S, I, O> {
  init(): S
  /**
   * @param output - `undefined` when unknown: any answer will do
   * @returns the next state; `undefined` when this answer is impossible in this state
   */
  step(state: S, input: I, output: O | undefined): S | undefined
  /** Text that equal states share and others do not. */
  identify(state: S): string
  /**
   * Whether an operation changes no state in which its answer is possible. Such ones are placed as soon as they fit,
   * which needs no trying out. Default: none is.
   */
  isRead?(input: I, output: O | undefined): boolean
}

/** Options of {@link checkLinearizable}. */
export interface LinearizabilityOptions {
  /** Configurations of one key that are remembered at most. Default 1,000,000. */
  readonly maxConfigurations?: number
}

export type Verdict<S, I, O> = { readonly ok: true } | Violation<S, I, O>

/**
 * Check a history, in any order. A return and a call of the same time overlap.
 *
 * @throws RangeError for times that are not numbers or run backwards
 * @throws Error when a key has more configurations than may be remembered, so that there is no verdict
 */
export function checkLinearizable<S, I, O>(
  history: Iterable<Operation<I, O>>,
  model: SequentialModel<S, I, O>,
  options: LinearizabilityOptions = {},
): Verdict<S, I, O> {
  const { maxConfigurations = 1_000_000 } = options
  const keys = new Map<string, Operation<I, O>[]>()
  for (const operation of history) {
    checkTimes(operation)
    // Nobody has seen its answer, and nobody can see that it was there.
    const { key, input, returnedAt } = operation
    if (returnedAt === undefined && model.isRead?.(input, undefined) === true) continue
    const operations = keys.get(key)
    if (operations === undefined) keys.set(key, [operation])
    else operations.push(operation)
  }
  for (const operations of keys.values()) {
    operations.sort((a, b) => a.calledAt - b.calledAt)
    const violation = new Search(operations, model, maxConfigurations).run()
    if (violation !== undefined) return violation
  }
  return { ok: true }
}

function checkTimes({ calledAt, returnedAt, key }: Operation<unknown, unknown>): void {
  if (Number.isNaN(calledAt) || (returnedAt !== undefined && !(returnedAt >= calledAt))) {
    throw new RangeError(
      `an operation on ${JSON.stringify(key)} must return at or after its call at ${calledAt}, not at ${returnedAt}`,
    )
  }
}

interface Frame<S> {
  readonly index: number
  readonly before: S
  /** Whether others could stand in its place. */
  readonly isChoice: boolean
}

/** Search for an order of the operations on one key. */
class Search<S, I, O> {
  readonly #operations: readonly Operation<I, O>[]
  readonly #model: SequentialModel<S, I, O>
  readonly #maxConfigurations: number
  readonly #timeline: Timeline
  readonly #placed: PlacedSet
  readonly #reads: readonly boolean[]
  readonly #tried = new Set<string>()
  readonly #stack: Frame<S>[] = []
  /** Returned operations that are not placed. */
  #remaining: number
  #state: S
  /** The latest return that some order got to and none got past, and what it was like there. */
  readonly #blocked = { rank: -1, index: 0, order: [] as number[], states: new Map<string, S>() }

  constructor(
    operations: readonly Operation<I, O>[],
    model: SequentialModel<S, I, O>,
    maxConfigurations: number,
  ) {
    this.#operations = operations
    this.#model = model
    this.#maxConfigurations = maxConfigurations
    this.#timeline = new Timeline(operations)
    this.#placed = new PlacedSet(operations.map(isKnown))
    this.#reads = operations.map(({ input, output }) => model.isRead?.(input, output) ?? false)
    this.#remaining = operations.filter(isKnown).length
    this.#state = model.init()
  }

  run(): Violation<S, I, O> | undefined {
    this.#placeReads()
    let node = this.#timeline.first
    while (this.#remaining > 0) {
      if (this.#timeline.isCall(node)) {
        node = this.#choose(node) ? this.#timeline.first : this.#timeline.after(node)
        continue
      }
      this.#note(node)
      // One of unknown outcome is taken only where those with an answer do not get on, and rather a recent one:
      // nearly always, it has taken effect soon or not at all.
      if (this.#chooseUnknown(node, undefined)) {
        node = this.#timeline.first
        continue
      }
      const next = this.#goBack()
      if (next === undefined) return this.#violation()
      node = next
    }
    return undefined
  }

  /** Take choices back until there is another instead; returns where to go on, if there is one. */
  #goBack(): number | undefined {
    for (let undone = this.#undo(); undone !== undefined; undone = this.#undo()) {
      if (isKnown(this.#operations[undone] as Operation<I, O>)) return this.#timeline.after(undone)
      if (this.#chooseUnknown(this.#timeline.firstReturn, undone)) return this.#timeline.first
    }
    return undefined
  }

  /** Place an operation of unknown outcome next; `tried` is the last one that was tried here. */
  #chooseUnknown(limit: number, tried: number | undefined): boolean {
    let isNew = tried === undefined
    for (const index of this.#timeline.unreturnedBefore(limit)) {
      if (isNew && !this.#placed.has(index) && this.#choose(index)) return true
      isNew ||= index === tried
    }
    return false
  }

  /** Place an operation next, and the reads that fit then, if its answer fits and what results was not tried before. */
  #choose(index: number): boolean {
    const before = this.#state
    const next = this.#step(index)
    if (next === undefined) return false
    const id = this.#model.identify(next)
    const known = isKnown(this.#operations[index] as Operation<I, O>)
    // Without an answer and without an effect, it is as if it were not there.
    if (!known && id === this.#model.identify(before)) return false
    this.#placed.add(index)
    const configuration = this.#placed.identify() + id
    if (this.#tried.has(configuration)) {
      this.#placed.delete(index)
      return false
    }
    if (this.#tried.size >= this.#maxConfigurations) {
      const key = JSON.stringify(this.#operations[index]?.key)
      throw new Error(`no verdict on key ${key} within ${this.#maxConfigurations} configurations`)
    }
    this.#tried.add(configuration)
    this.#push(index, true)
    this.#state = next
    this.#placeReads()
    return true
  }

  #placeReads(): void {
    const timeline = this.#timeline
    for (
      let node = timeline.first;
      this.#remaining > 0 && timeline.isCall(node);
      node = timeline.after(node)
    ) {
      if (this.#reads[node] !== true || this.#step(node) === undefined) continue
      this.#placed.add(node)
      this.#push(node, false)
    }
  }

  #push(index: number, isChoice: boolean): void {
    this.#stack.push({ index, before: this.#state, isChoice })
    if (!isKnown(this.#operations[index] as Operation<I, O>)) return
    this.#timeline.remove(index)
    this.#remaining--
  }

  /** Take back everything up to the last choice; returns that, if there is one. */
  #undo(): number | undefined {
    for (let frame = this.#stack.pop(); frame !== undefined; frame = this.#stack.pop()) {
      const { index, before, isChoice } = frame
      this.#placed.delete(index)
      if (isKnown(this.#operations[index] as Operation<I, O>)) {
        this.#timeline.restore(index)
        this.#remaining++
      }
      this.#state = before
      if (isChoice) return index
    }
    return undefined
  }

  #step(index: number): S | undefined {
    const { input, output } = this.#operations[index] as Operation<I, O>
    return this.#model.step(this.#state, input, output)
  }

  #note(node: number): void {
    const blocked = this.#blocked
    const rank = this.#timeline.rankOf(node)
    if (rank < blocked.rank) return
    if (rank > blocked.rank) {
      blocked.rank = rank
      blocked.index = this.#timeline.operationOf(node)
      blocked.order = this.#stack.map((frame) => frame.index)
      blocked.states.clear()
    }
    if (blocked.states.size < SHOWN) {
      blocked.states.set(this.#model.identify(this.#state), this.#state)
    }
  }

  #violation(): Violation<S, I, O> {
    const at = (index: number): Operation<I, O> => this.#operations[index] as Operation<I, O>
    const { index, order, states } = this.#blocked
    return violationOf(at(index), this.#operations, order.map(at), states)
  }
}

function isKnown(operation: Operation<unknown, unknown>): boolean {
  return operation.returnedAt !== undefined
}
