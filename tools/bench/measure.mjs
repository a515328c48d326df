// How figures are taken and told.
import { percentile } from './load.mjs'

/** Run A and B in turn and take each one's median: the machine drifts, and both must drift alike. */
export async function paired(a, b, rounds = 5) {
  const results = [[], []]
  for (let round = 0; round < rounds; round++) {
    results[0].push(await a())
    results[1].push(await b())
  }
  return results.map((all) => all.sort((x, y) => x.perSecond - y.perSecond)[rounds >> 1])
}

export const rate = ({ perSecond }) =>
  `${(1e6 / perSecond).toFixed(1)} µs (${Math.round(perSecond)}/s)`

export const rateAndTail = (run) =>
  `${rate(run)}, p99 ${percentile(run.latencies, 0.99).toFixed(2)} ms`

/** Operations per second of a synchronous or asynchronous function, after a warm-up. */
export async function repeat(run, { warmUp = 2000, count = 20_000 } = {}) {
  for (let i = 0; i < warmUp; i++) await run(i)
  const begin = performance.now()
  for (let i = 0; i < count; i++) await run(i)
  return { perSecond: count / ((performance.now() - begin) / 1000) }
}

/** The same for a synchronous function, without a turn between. */
export function repeatSync(run, { warmUp = 20_000, count = 100_000 } = {}) {
  for (let i = 0; i < warmUp; i++) run(i)
  const begin = performance.now()
  for (let i = 0; i < count; i++) run(i)
  return { perSecond: count / ((performance.now() - begin) / 1000) }
}
