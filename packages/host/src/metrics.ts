/** Metrics of one process in a registry of its own, with the delay of the event loop. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type Collected, CollectedMetric } from './collected-metric.ts'
import { delayOf, type EventLoopDelay } from './event-loop.ts'

/** Metrics of one process. */
export interface Metrics {
  /** The registry of prom-client that holds them; no global state. */
  readonly registry: Registry
  /** Media type of {@link Metrics.text}. */
  readonly contentType: string
  /** Register a counter. */
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>
  /** Register a gauge. */
  gauge<L extends string>(name: string, help: string, labels?: readonly L[]): Gauge<L>
  /** Register a histogram; `buckets` are upper bounds in the unit of the name. */
  histogram<L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>
  /** The same for names that somebody else has given: they get no prefix. */
  readonly unprefixed: Pick<Metrics, 'counter' | 'histogram'>
  /** Register what is counted elsewhere; it is asked for its values at each scrape. */
  collected(name: string, help: string, metric: Collected): void
  /** All metrics in the text format of Prometheus. */
  text(): Promise<string>
  /** Delay of the event loop since the last call or scrape, milliseconds. */
  eventLoopDelayMs(): EventLoopDelay
  /** Stop measuring. */
  close(): void
}

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  /** First part of every name, without the underscore. Default `secreg`. */
  readonly prefix?: string
  /** Sampling interval of the event-loop delay, milliseconds. Default 10. */
  readonly resolutionMs?: number
}

/**
 * Create the metrics of a process.
 *
 * @example
 * ```ts
 * const metrics = createMetrics()
 * metrics.counter('requests_total', 'Requests', ['type']).inc({ type: 'get' })
 * const body = await metrics.text() // secreg_requests_total{type="get"} 1 …
 * ```
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const prefix = options.prefix ?? 'secreg'
  const resolutionMs = options.resolutionMs ?? 10
  const registry = new Registry()
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()

  const eventLoopDelayMs = (): EventLoopDelay => {
    const seen = delayOf(delay, resolutionMs)
    delay.reset()
    return seen
  }
  new Gauge({
    name: `${prefix}_event_loop_delay_seconds`,
    help: 'Delay of the event loop since the last scrape',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      const { p50, p99, max } = eventLoopDelayMs()
      this.set({ quantile: '0.5' }, p50 / 1e3)
      this.set({ quantile: '0.99' }, p99 / 1e3)
      this.set({ quantile: '1' }, max / 1e3)
    },
  })
  new Gauge({
    name: `${prefix}_resident_memory_bytes`,
    help: 'Resident memory of the process',
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })

  const bare = <L extends string>(name: string, help: string, labels: readonly L[] = []) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  const base: typeof bare = (name, ...rest) => bare(`${prefix}_${name}`, ...rest)
  const made = (nameIt: typeof bare): Metrics['unprefixed'] => ({
    counter: (name, help, labels) => new Counter(nameIt(name, help, labels)),
    histogram: (name, help, buckets, labels) =>
      new Histogram({ ...nameIt(name, help, labels), buckets: [...buckets] }),
  })
  return {
    registry,
    contentType: registry.contentType,
    ...made(base),
    unprefixed: made(bare),
    gauge: (name, help, labels) => new Gauge(base(name, help, labels)),
    collected: (name, help, metric) => {
      registry.registerMetric(new CollectedMetric(`${prefix}_${name}`, help, metric).asMetric())
    },
    text: () => registry.metrics(),
    eventLoopDelayMs,
    close: () => {
      delay.disable()
      registry.clear()
    },
  }
}
