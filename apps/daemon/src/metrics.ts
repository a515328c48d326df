/** Figures of the daemon in the text format of Prometheus: what `status` tells, and the delay of the event loop. */
import { createMetrics, type Metrics } from '@secreg/host'
import type { StatusResponse } from '@secreg/protocol'

/** Name, meaning, and what of the status it is; nothing is told of what is not known. */
const GAUGES: readonly (readonly [
  name: string,
  help: string,
  read: (status: StatusResponse) => number | undefined,
])[] = [
  ['unsealed', 'Whether the registry is unsealed', ({ state }) => Number(state === 'unsealed')],
  ['entries', 'Entries with a value', ({ entries }) => entries],
  ['revision', 'Revision of the last commit', ({ revision }) => revision],
  ['sessions', 'Sessions', ({ sessions }) => sessions],
  ['connections', 'Connections', ({ connections }) => connections],
  ['buffer_bytes', 'Buffers of all connections', ({ buffer_bytes }) => buffer_bytes],
  ['store_open', 'Whether the store takes writes', ({ store }) => Number(store === 'open')],
  ['log_healthy', 'Whether the audit log takes records', ({ log }) => Number(log === 'healthy')],
  ['log_records', 'Records of the audit log', ({ log_sequence }) => log_sequence],
  ['log_synced_records', 'Records that are on the disk', ({ log_synced }) => log_synced],
  ['warnings', 'Warnings of the status', ({ warnings }) => warnings?.length ?? 0],
  ['rotation_running', 'Whether a rotation runs', ({ rotation }) => Number(rotation !== undefined)],
  ['rotation_entries_done', 'Entries that it has looked at', ({ rotation }) => rotation?.done],
  ['rotation_entries', 'Entries of the running rotation', ({ rotation }) => rotation?.total],
  [
    'rotation_unreadable_values',
    'Values that it cannot open',
    ({ rotation }) => (rotation === undefined ? undefined : (rotation.unreadable ?? 0)),
  ],
  [
    'last_backup_timestamp_seconds',
    'When the last backup was complete',
    ({ last_backup }) => (last_backup === undefined ? undefined : last_backup.at / 1000),
  ],
  ['last_backup_bytes', 'Size of the last backup', ({ last_backup }) => last_backup?.bytes],
]

export class DaemonMetrics {
  readonly #metrics: Metrics = createMetrics()
  readonly #gauges = GAUGES.map(
    ([name, help, read]) => [this.#metrics.gauge(name, help), read] as const,
  )

  /** All figures as they are now. */
  text(status: StatusResponse): Promise<string> {
    for (const [gauge, read] of this.#gauges) {
      const value = read(status)
      if (value === undefined) gauge.remove()
      else gauge.set(value)
    }
    return this.#metrics.text()
  }

  close(): void {
    this.#metrics.close()
  }
}
