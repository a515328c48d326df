/** Whether two samples differ: Mann-Whitney U, two-sided, with the normal approximation (for more than 20 of each). */

/** What a comparison says. */
export interface Comparison {
  /** Median of the second sample minus median of the first. */
  readonly shift: number
  /** Chance that one of the second exceeds one of the first: 0.5 tells nothing, 1 tells all. */
  readonly superiority: number
  /** Chance of a difference at least as large between samples of one distribution. */
  readonly p: number
}

export function compare(first: readonly number[], second: readonly number[]): Comparison {
  const all = [
    ...first.map((value) => ({ value, second: false })),
    ...second.map((value) => ({ value, second: true })),
  ].sort((a, b) => a.value - b.value)
  let rankSum = 0
  let ties = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]?.value === all[from]?.value) to++
    const rank = (from + 1 + to) / 2
    for (let at = from; at < to; at++) if (all[at]?.second) rankSum += rank
    ties += (to - from) ** 3 - (to - from)
    from = to
  }
  const [m, n, N] = [first.length, second.length, all.length]
  const u = rankSum - (n * (n + 1)) / 2
  const deviation = Math.sqrt(((m * n) / 12) * (N + 1 - ties / (N * (N - 1))))
  const z = (Math.abs(u - (m * n) / 2) - 0.5) / deviation
  return { shift: median(second) - median(first), superiority: u / (m * n), p: upperTail(z) * 2 }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2
}

/** 1 - Φ(z) for z from 0 on (Abramowitz and Stegun 26.2.17, error below 7.5e-8). */
function upperTail(z: number): number {
  const at = Math.max(0, z)
  const t = 1 / (1 + 0.2316419 * at)
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (Math.exp((-at * at) / 2) / Math.sqrt(2 * Math.PI)) * series
}
