/** Delay of the event loop: how long a timer that was due had to wait. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** Delay of the event loop in milliseconds, beyond the resolution of the timer. */
export interface EventLoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** How busy the event loop is. */
export interface EventLoopSample {
  /** Share of the time since the start of the process in which it was busy, 0 to 1. */
  readonly utilization: number
  /** Delays while it was looked at. */
  readonly delayMs: EventLoopDelay
}

/** What a histogram of `monitorEventLoopDelay` holds. */
export function delayOf(histogram: IntervalHistogram, resolutionMs: number): EventLoopDelay {
  // The histogram counts the interval itself; an empty one answers NaN or 0.
  const beyond = (nanoseconds: number): number =>
    Math.max(0, (Number.isFinite(nanoseconds) ? nanoseconds : 0) / 1e6 - resolutionMs)
  return {
    p50: beyond(histogram.percentile(50)),
    p99: beyond(histogram.percentile(99)),
    max: beyond(histogram.max),
  }
}

/**
 * Look at the event loop for a while.
 *
 * @param forMs - how long, milliseconds
 */
export async function sampleEventLoop(forMs: number): Promise<EventLoopSample> {
  const resolutionMs = 5
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  try {
    await new Promise((resume) => setTimeout(resume, forMs))
    // A loop that was held up until now tells the timer of the histogram later than this one, but before its next turn.
    await new Promise((resume) => setImmediate(resume))
  } finally {
    histogram.disable()
  }
  const { utilization } = performance.eventLoopUtilization()
  return { utilization, delayMs: delayOf(histogram, resolutionMs) }
}
