// Whether two samples are from one distribution, as far as their medians tell.
import { randomInt } from 'node:crypto'

const PERMUTATIONS = 5000

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** How often medians lie at least as far apart when it is chance which sample a value is in. */
export function chanceOf(first, second, permutations = PERMUTATIONS) {
  const found = Math.abs(median(first) - median(second))
  const all = [...first, ...second]
  let as = 1
  for (let i = 0; i < permutations; i++) {
    for (let at = all.length - 1; at > 0; at--) {
      const other = randomInt(at + 1)
      ;[all[at], all[other]] = [all[other], all[at]]
    }
    const parts = [all.slice(0, first.length), all.slice(first.length)]
    if (Math.abs(median(parts[0]) - median(parts[1])) >= found) as++
  }
  return as / (permutations + 1)
}
