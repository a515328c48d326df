/** Figures of the daemon in the text format of Prometheus: what `status` tells, what the doors count, and the process. */
import {
  createMetrics,
  createOperationMeter,
  type Metrics,
  type OperationMeter,
} from '@secreg/host'
import type { Door, StatusResponse } from '@secreg/protocol'
import { REQUESTS, type RequestName } from '@secreg/protocol/messages'
import type { EnforcementObserver } from '@secreg/secrets-api/enforcement'
import type { Room } from './disk-space.ts'
import { METRIC_ROWS, type MetricFacts, type MetricRow } from './metric-rows.ts'
import { secretsObserver } from './secrets-api/metrics.ts'

/** Doors whose operations are counted. */
export type CountedDoor = Extract<Door, 'registry' | 'http' | 'subauth' | 'libvirt'>

/** Operations by the names of their requests; `unknown` is a request that is none. */
export type CountedOperation = RequestName | 'unknown'

const DOORS: readonly CountedDoor[] = ['registry', 'http', 'subauth', 'libvirt']
const OPERATIONS: readonly CountedOperation[] = [
  ...(Object.keys(REQUESTS) as RequestName[]),
  'unknown',
]

export interface DaemonMetricsOptions {
  /** Of the daemon; default it is not told. */
  readonly version?: string
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly now?: () => number
}

export class DaemonMetrics {
  readonly #metrics: Metrics = createMetrics()
  readonly #now: () => number
  readonly #rows = METRIC_ROWS.map(
    (row) =>
      [
        row,
        this.#metrics.gauge(row.name, row.help, row.label === undefined ? [] : [row.label]),
      ] as const,
  )
  /** Counts what the doors are asked. */
  readonly operations: OperationMeter<CountedDoor, CountedOperation> = createOperationMeter(
    this.#metrics,
    { doors: DOORS, operations: OPERATIONS },
  )

  /** Counts what the Secrets API does. */
  readonly secrets: EnforcementObserver = secretsObserver(this.#metrics)

  constructor({ version, now = Date.now }: DaemonMetricsOptions = {}) {
    this.#now = now
    this.#metrics
      .gauge('process_start_time_seconds', 'When the process was started, since the epoch')
      .set(Math.floor(performance.timeOrigin) / 1000)
    const build = this.#metrics.gauge('build_info', 'Versions of daemon and Node.js', [
      'version',
      'node',
    ])
    if (version !== undefined) build.set({ version, node: process.versions.node }, 1)
  }

  /** Media type of {@link text}. */
  get contentType(): string {
    return this.#metrics.contentType
  }

  /** All figures as they are now. */
  text(status: StatusResponse, room?: Room): Promise<string> {
    const facts = { status, nowMs: this.#now(), room }
    for (const [row, gauge] of this.#rows) {
      // What is not known any more must be gone; a reset alone leaves 0 where there is no label.
      gauge.reset()
      if (row.label === undefined) gauge.remove()
      for (const [labels, value] of samplesOf(row, facts)) gauge.set(labels, value)
    }
    return this.#metrics.text()
  }

  close(): void {
    this.#metrics.close()
  }
}

function samplesOf(
  { label, read }: MetricRow,
  facts: MetricFacts,
): readonly (readonly [Record<string, string>, number])[] {
  const value = read(facts)
  if (value === undefined) return []
  if (typeof value === 'number') return [[{}, value]]
  return value.map(([word, each]) => [{ [label ?? 'name']: word }, each] as const)
}
