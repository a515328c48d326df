/** Whether the clock of the machine fits what the store and this process know of the time. */
import { type Diagnosis, finding } from './finding.ts'

/** Difference from which it is told, milliseconds. */
const NOTABLE_MS = 60_000

export interface ClockFacts {
  /** The clock of the machine, milliseconds since the epoch. */
  readonly wallMs: number
  /** Time that expiry goes by for readers: never behind its high-water mark. */
  readonly expiryMs: number
  /** Time that is believed: not ahead of a leap that has not lasted. */
  readonly believedMs: number
  /** Time of the last commit that is known, by the clock then. */
  readonly lastCommitMs: number | undefined
  /** Advance of the wall clock and of the monotonic one since the start. */
  readonly wallSinceStartMs: number
  readonly monotonicSinceStartMs: number
}

const SET_CLOCK = 'see that the machine keeps its time by NTP (timedatectl)'

export function clockFindings(facts: ClockFacts): Diagnosis[] {
  const { wallMs, expiryMs, believedMs, lastCommitMs } = facts
  const found: Diagnosis[] = []
  const warn = (message: string): void => {
    found.push(finding('clock', 'warning', message, SET_CLOCK))
  }
  const behindMs = expiryMs - wallMs
  if (behindMs > NOTABLE_MS) {
    warn(`the clock is ${seconds(behindMs)} behind the time that expiry has reached`)
  }
  const aheadMs = wallMs - believedMs
  if (aheadMs > NOTABLE_MS) {
    warn(
      `the clock has leapt ahead by ${seconds(aheadMs)}: nothing is erased before that has lasted`,
    )
  }
  if (lastCommitMs !== undefined && lastCommitMs - wallMs > NOTABLE_MS) {
    warn(`the clock is ${seconds(lastCommitMs - wallMs)} behind the last change`)
  }
  const driftMs = facts.wallSinceStartMs - facts.monotonicSinceStartMs
  if (Math.abs(driftMs) > NOTABLE_MS) {
    const way = driftMs > 0 ? 'ahead' : 'back'
    warn(`the clock was put ${way} by ${seconds(Math.abs(driftMs))} since the daemon was started`)
  }
  if (found.length > 0) return found
  return [finding('clock', 'ok', 'the clock fits the store and the time since the start')]
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
