/** What only the process that holds a registry knows: its machine, files and configuration. */
import type { StatusResponse, SupportHost } from '@secreg/protocol'
import type { Diagnosis } from './finding.ts'

export interface HostPort {
  /** Bytes of the files of the store. */
  readonly storeBytes?: () => Promise<number>
  /** What the doctor is told of machine and process, beside the checks of the security. */
  readonly findings?: () => Promise<readonly Diagnosis[]>
  /** Part of a support document; it must name no file, path, person or host. */
  readonly support?: () => Promise<SupportHost>
  /** What the status warns of, beside what the registry knows itself. */
  readonly warnings?: () => readonly string[]
  /** Whether records of the audit log are sent elsewhere, and arrive there. */
  readonly isLogShipped?: () => boolean
  /** Figures in the text format of Prometheus. */
  readonly metrics?: (status: StatusResponse) => Promise<string>
}
