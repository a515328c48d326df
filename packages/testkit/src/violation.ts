/** Why a history has no order: the answer that none gets past, and what stands around it. */
import type { Operation } from './linearizability.ts'

/** Operations before the fault, beside it, and states that the text of an explanation has at most. */
export const SHOWN = 8

/**
 * The history up to the return of `operation` has no order; up to just before it, it has one. What was called before and
 * returned later counts in both as of unknown outcome, but with the answer that it gave.
 */
export interface Violation<S, I, O> {
  readonly ok: false
  readonly key: string
  /** Its answer, or that of one that overlaps it, is wrong in every order. */
  readonly operation: Operation<I, O>
  /** The last ones of an order of everything that returned before `operation` did; some may overlap it. */
  readonly before: readonly Operation<I, O>[]
  /** Those that overlap `operation`, by the times of their calls. */
  readonly overlapping: readonly Operation<I, O>[]
  /** States that such orders end in, one at least. */
  readonly states: readonly S[]
  /** All this as text of some lines. */
  readonly message: string
}

/**
 * @param all - operations on the key, by the times of their calls
 * @param order - of everything that returned before `operation` did
 * @param states - by their text, {@link SHOWN} at most
 */
export function violationOf<S, I, O>(
  operation: Operation<I, O>,
  all: readonly Operation<I, O>[],
  order: readonly Operation<I, O>[],
  states: ReadonlyMap<string, S>,
): Violation<S, I, O> {
  const { key, calledAt, returnedAt = Number.POSITIVE_INFINITY } = operation
  const overlapping = all.filter(
    (other) =>
      other !== operation &&
      other.calledAt <= returnedAt &&
      (other.returnedAt === undefined || other.returnedAt >= calledAt),
  )
  const before = order.slice(-SHOWN)
  const others = overlapping.filter((other) => !before.includes(other))
  const message = [
    `no order of the operations on key ${JSON.stringify(key)} explains this answer:`,
    lineOf(operation),
    'after these, which have one:',
    ...before.map(lineOf),
    `states that it can be in then: ${[...states.keys()].join(' | ')}`,
    `at the same time as the answer, and not among these: ${others.length}`,
    ...others.slice(0, SHOWN).map(lineOf),
  ].join('\n')
  return {
    ok: false,
    key,
    operation,
    before,
    overlapping,
    states: [...states.values()],
    message,
  }
}

function lineOf(operation: Operation<unknown, unknown>): string {
  const { client, calledAt, returnedAt, input, output } = operation
  const end = returnedAt === undefined ? 'unknown' : returnedAt.toFixed(3)
  const answer = output === undefined ? '?' : JSON.stringify(output)
  return `  client ${client}  ${calledAt.toFixed(3)} to ${end}  ${JSON.stringify(input)} -> ${answer}`
}
