/** A bound on the work of a question about whole policies, which can be written to be slow to answer. */

/** Steps that may still be taken: visits of a node, comparisons of two rules. */
export class Budget {
  #left: number

  constructor(steps: number) {
    this.#left = steps
  }

  get exhausted(): boolean {
    return this.#left < 0
  }

  /** Take steps. Returns whether there were as many left. */
  spend(steps = 1): boolean {
    this.#left -= steps
    return this.#left >= 0
  }
}

/** Check a bound that a caller gives. @throws RangeError unless it is a whole number from 1 */
export function requireBound(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name}: expected a whole number from 1`)
  }
  return value
}
