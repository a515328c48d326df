/** A metric that is counted elsewhere and only read by prom-client, at each scrape. */
import type { Metric } from 'prom-client'

/** One line of a metric. */
export interface CollectedSample {
  /** What its name has behind that of the metric: `_bucket`, `_sum` or `_count` of a histogram. Default none. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** What is counted elsewhere. */
export interface Collected {
  readonly type: 'counter' | 'histogram'
  /** Its lines as they are now. */
  samples(): Iterable<CollectedSample>
}

/** As prom-client reads a metric. */
interface CollectedValues {
  readonly name: string
  readonly help: string
  readonly type: Collected['type']
  readonly values: readonly {
    readonly metricName: string
    readonly labels: CollectedSample['labels']
    readonly value: number
  }[]
  readonly aggregator: 'sum'
}

/** What a registry of prom-client asks a metric for: its own ones can only be counted up, one observation at a time. */
export class CollectedMetric {
  readonly name: string
  readonly help: string
  readonly type: Collected['type']
  readonly #collected: Collected

  constructor(name: string, help: string, collected: Collected) {
    this.name = name
    this.help = help
    this.type = collected.type
    this.#collected = collected
  }

  async get(): Promise<CollectedValues> {
    const values = Array.from(this.#collected.samples(), ({ suffix = '', labels, value }) => ({
      metricName: this.name + suffix,
      labels,
      value,
    }))
    return { name: this.name, help: this.help, type: this.type, values, aggregator: 'sum' }
  }

  /** What is counted elsewhere is not set back from here. */
  reset(): void {}

  /** As the registry's type has it, which names the four classes of prom-client and nothing less. */
  asMetric(): Metric<string> {
    return this as unknown as Metric<string>
  }
}
