/** The name that a mistyped one was probably meant to be. */

/** Edits (insert, delete, replace) between two short texts. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      )
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** Longest text that is compared. */
const MAX_CHARS = 64

/** The closest of `names`, or `undefined` when none is near. */
export function closest(given: string, names: readonly string[]): string | undefined {
  if (given.length === 0 || given.length > MAX_CHARS) return undefined
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const name of names) {
    const begins = given.length > 1 && name.startsWith(given)
    const edits = begins ? 0.5 : distance(given.toLowerCase(), name)
    if (edits < least && edits <= Math.max(1, Math.floor(name.length * 0.4))) {
      best = name
      least = edits
    }
  }
  return best
}
