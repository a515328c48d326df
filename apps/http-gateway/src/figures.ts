/**
 * Figures of one worker. Counting costs a few additions in arrays that are made once; samples are made when somebody
 * scrapes. Labels are of closed lists, so that nothing that a client has written can become one.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, type Metric, Registry } from 'prom-client'
import { ROUTE_NAMES, type RouteName } from './routes/route.ts'
import { CONNECTION_FAULTS, type ConnectionFault } from './server/request-observer.ts'

/** What is looked at when somebody scrapes. */
export interface FigureSources {
  connections(): number
  usedBytes(): number
  /** Whether there is a connection to the daemon. */
  connected(): boolean
  /** Streams of events. */
  streams(): number
}

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const

/** Upper bounds of durations, seconds. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5] as const
const WIDTH = BOUNDS.length + 1

export class Figures {
  readonly registry: Registry = new Registry()
  readonly #requests = new Float64Array(ROUTE_NAMES.length * CLASSES.length)
  readonly #buckets = new Float64Array(ROUTE_NAMES.length * WIDTH)
  readonly #sums = new Float64Array(ROUTE_NAMES.length)
  readonly #faults = new Float64Array(CONNECTION_FAULTS.length)
  readonly #delay = monitorEventLoopDelay({ resolution: 10 })

  constructor(sources: FigureSources) {
    const { registry } = this
    this.#counter(
      'requests_total',
      'Requests by route and class of status',
      ['route', 'status'],
      () => this.#requestSamples(),
    )
    registry.registerMetric(this.#durations())
    this.#counter('refused_connections_total', 'Connections that were ended', ['reason'], () =>
      CONNECTION_FAULTS.map((reason, at) => [{ reason }, this.#faults[at] as number]),
    )
    const gauge = (
      name: string,
      help: string,
      value: () => number,
      aggregator: 'sum' | 'min' | 'max' = 'sum',
    ): void => {
      new Gauge({
        name: `secreg_gateway_${name}`,
        help,
        registers: [registry],
        aggregator,
        collect() {
          this.set(value())
        },
      })
    }
    gauge('connections', 'Open connections', () => sources.connections())
    gauge('buffer_bytes', 'Bodies being read and answers not taken', () => sources.usedBytes())
    gauge('event_streams', 'Streams of events that are followed', () => sources.streams())
    gauge(
      'daemon_connected',
      'Whether every worker has its daemon',
      () => (sources.connected() ? 1 : 0),
      'min',
    )
    gauge('resident_memory_bytes', 'Resident memory of the workers', () =>
      process.memoryUsage.rss(),
    )
    this.#delay.enable()
    gauge(
      'event_loop_delay_seconds',
      'Longest delay since the last scrape, of any worker',
      () => {
        const seconds = this.#delay.max / 1e9
        this.#delay.reset()
        return seconds
      },
      'max',
    )
  }

  request(route: RouteName, status: number, durationMs: number): void {
    const at = ROUTE_NAMES.indexOf(route)
    const kind = Math.min(CLASSES.length, Math.max(1, Math.floor(status / 100))) - 1
    add(this.#requests, at * CLASSES.length + kind, 1)
    const seconds = durationMs / 1000
    let bucket = 0
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket++
    add(this.#buckets, at * WIDTH + bucket, 1)
    add(this.#sums, at, seconds)
  }

  connectionFault(kind: ConnectionFault): void {
    add(this.#faults, CONNECTION_FAULTS.indexOf(kind), 1)
  }

  /** Stop measuring. */
  close(): void {
    this.#delay.disable()
    this.registry.clear()
  }

  #counter(
    name: string,
    help: string,
    labelNames: readonly string[],
    samples: () => readonly Sample[],
  ): void {
    new Counter({
      name: `secreg_gateway_${name}`,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset()
        for (const [labels, value] of samples()) this.inc(labels, value)
      },
    })
  }

  #requestSamples(): readonly Sample[] {
    return ROUTE_NAMES.flatMap((route, row) =>
      CLASSES.map((status, kind): Sample => {
        return [{ route, status }, this.#requests[row * CLASSES.length + kind] as number]
      }),
    )
  }

  /** As prom-client reads a histogram: its own can only be given one observation at a time. */
  #durations(): Metric<string> {
    const name = 'secreg_gateway_request_duration_seconds'
    const help = 'Time from the head of a request to its answer'
    const values = (): object[] =>
      ROUTE_NAMES.flatMap((route, row) => {
        let count = 0
        const lines: object[] = Array.from({ length: WIDTH }, (_, at) => {
          count += this.#buckets[row * WIDTH + at] as number
          return {
            metricName: `${name}_bucket`,
            labels: { route, le: BOUNDS[at] ?? '+Inf' },
            value: count,
          }
        })
        const labels = { route }
        lines.push({ metricName: `${name}_sum`, labels, value: this.#sums[row] })
        lines.push({ metricName: `${name}_count`, labels, value: count })
        return lines
      })
    const metric = {
      name,
      help,
      type: 'histogram',
      reset: () => {},
      get: async () => ({ name, help, type: 'histogram', values: values(), aggregator: 'sum' }),
    }
    return metric as unknown as Metric<string>
  }
}

type Sample = readonly [Record<string, string | number>, number]

function add(array: Float64Array, at: number, value: number): void {
  array[at] = (array[at] as number) + value
}
