/**
 * Sets of version numbers as ranges, `[low, high, low, high, …]`, ascending, neither overlapping nor touching. Dense
 * histories are one range however long they are. Sets are values: no function changes its argument.
 */
export type NumberSet = readonly number[]

export const NO_NUMBERS: NumberSet = Object.freeze([])

export function hasNumber(set: NumberSet, number: number): boolean {
  const at = rangeAt(set, number)
  return at < set.length && (set[at] as number) <= number
}

export function countNumbers(set: NumberSet): number {
  let count = 0
  for (let at = 0; at < set.length; at += 2) {
    count += (set[at + 1] as number) - (set[at] as number) + 1
  }
  return count
}

export function lowestNumber(set: NumberSet): number | undefined {
  return set[0]
}

export function highestNumber(set: NumberSet): number | undefined {
  return set.at(-1)
}

/** Add `low` to `high`, inclusive; nothing of it may be in the set. */
export function addNumbers(set: NumberSet, low: number, high: number = low): NumberSet {
  const at = rangeAt(set, low)
  const joinsBefore = at > 0 && set[at - 1] === low - 1
  const joinsAfter = at < set.length && set[at] === high + 1
  const from = joinsBefore ? (set[at - 2] as number) : low
  const to = joinsAfter ? (set[at + 1] as number) : high
  return [
    ...set.slice(0, joinsBefore ? at - 2 : at),
    from,
    to,
    ...set.slice(joinsAfter ? at + 2 : at),
  ]
}

/** Remove one number, which must be in the set. */
export function removeNumber(set: NumberSet, number: number): NumberSet {
  const at = rangeAt(set, number)
  const low = set[at] as number
  const high = set[at + 1] as number
  return [
    ...set.slice(0, at),
    ...(low < number ? [low, number - 1] : []),
    ...(number < high ? [number + 1, high] : []),
    ...set.slice(at + 2),
  ]
}

/** Numbers below `before`, highest first. */
export function* numbersDown(
  set: NumberSet,
  before: number = Number.POSITIVE_INFINITY,
): Generator<number> {
  for (let at = set.length - 2; at >= 0; at -= 2) {
    const low = set[at] as number
    for (let number = Math.min(set[at + 1] as number, before - 1); number >= low; number--) {
      yield number
    }
  }
}

/** Numbers, lowest first. */
export function* numbersUp(set: NumberSet): Generator<number> {
  for (let at = 0; at < set.length; at += 2) {
    for (let number = set[at] as number; number <= (set[at + 1] as number); number++) yield number
  }
}

/** Index of the first range that ends at or above a number. */
function rangeAt(set: NumberSet, number: number): number {
  let low = 0
  let high = set.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((set[2 * middle + 1] as number) < number) low = middle + 1
    else high = middle
  }
  return 2 * low
}
