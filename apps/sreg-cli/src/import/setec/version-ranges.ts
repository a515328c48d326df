/** Numbers of versions for people. */

/** Ascending numbers, with those that follow one another as a range: `1-3, 7`. */
export function formatRanges(numbers: readonly number[]): string {
  const parts: string[] = []
  for (let at = 0; at < numbers.length; ) {
    const first = numbers[at] ?? 0
    let last = first
    while (numbers[++at] === last + 1) last++
    parts.push(first === last ? String(first) : `${first}-${last}`)
  }
  return parts.join(', ')
}
