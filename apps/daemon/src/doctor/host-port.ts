/** What the daemon tells its registry about machine, process and configuration. */
import { lstat, readdir } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import { type Config, readCoreDumps, sampleEventLoop, summarizeConfig } from '@secreg/host'
import type { StatusResponse, SupportHost } from '@secreg/protocol'
import type { HostPort } from '@secreg/registry'
import type { DiskSpace } from '../disk-space.ts'
import type { FaultRing } from '../fault-ring.ts'
import type { DaemonMetrics } from '../metrics.ts'
import type { AuditSinks } from '../sinks/audit-sinks.ts'
import { configFindings } from './config-findings.ts'
import { diskFindings } from './disk-findings.ts'
import { processFindings } from './process-findings.ts'
import { sinkFindings } from './sink-findings.ts'

export interface HostPortOptions {
  /** As it is at present: a reload replaces it. */
  readonly config: () => Config
  readonly faults: FaultRing
  readonly figures: () => Pick<StatusResponse, 'connections' | 'buffer_bytes'>
  readonly metrics: DaemonMetrics
  readonly sinks: () => AuditSinks | undefined
  readonly space: Pick<DiskSpace, 'room' | 'warning'>
}

/** How long the event loop is looked at for a support document, milliseconds. */
const SAMPLE_MS = 500

export function createHostPort(options: HostPortOptions): HostPort {
  const { config, faults, figures, metrics, sinks, space } = options
  return {
    metrics: (status) => metrics.text({ ...status, ...figures() }, space.room),
    warnings: () => (space.warning === undefined ? [] : [space.warning]),
    isLogShipped: () => sinks()?.isShipping ?? false,
    storeBytes: () => bytesOf(config().database.path),
    findings: async () => [
      ...(await diskFindings(config())),
      ...processFindings({
        coreDumps: readCoreDumps(),
        node: process.versions.node,
        nodeOptions: process.env['NODE_OPTIONS'],
      }),
      ...(await configFindings(config())),
      ...sinkFindings(sinks()?.status ?? []),
    ],
    support: async (): Promise<SupportHost> => {
      const { utilization, delayMs } = await sampleEventLoop(SAMPLE_MS)
      const { rss, heapUsed, external } = process.memoryUsage()
      return {
        node: process.version,
        kernel: release(),
        platform: `${process.platform} ${process.arch}`,
        configuration: summarizeConfig(config()),
        event_loop: { utilization, delay_ms: delayMs },
        memory: { rss, heap_used: heapUsed, external },
        ...figures(),
        faults: faults.list(),
      }
    },
  }
}

/** Bytes of the files of a directory; what goes meanwhile does not count. */
async function bytesOf(directory: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(directory)) {
    const facts = await lstat(join(directory, name)).catch(() => undefined)
    if (facts?.isFile() === true) bytes += facts.size
  }
  return bytes
}
