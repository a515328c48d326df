const LEAST_MS = 1000
const MOST_MS = 60_000

/**
 * How long to wait after so many failures in a row (from 1): between half and all of 2 s, 4 s, …
 * 60 s, so that many sinks of a receiver that was away do not come back at one moment.
 * @param random - Returns numbers from 0 up to 1.
 */
export function backoffMs(failures: number, random: () => number): number {
  const most = Math.min(MOST_MS, LEAST_MS * 2 ** failures)
  return Math.round((most / 2) * (1 + random()))
}
