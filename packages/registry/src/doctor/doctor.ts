/** Everything that the doctor looks at, put together. */
import type { Caller } from '@secreg/protocol'
import type { AuditEvidence } from '../audit/audit-evidence.ts'
import { readLastChange } from '../change.ts'
import type { Core } from '../core.ts'
import type { Housekeeping } from '../housekeeping.ts'
import type { HostChecks } from '../operations/security.ts'
import { logFinding, policyFinding, storeFinding } from '../operations/security.ts'
import { type BackupState, backupFinding } from './backup-finding.ts'
import { clockFindings } from './clock-findings.ts'
import { factorFindings } from './factor-findings.ts'
import type { Diagnosis } from './finding.ts'
import type { HostPort } from './host-port.ts'
import { sealFindings } from './seal-findings.ts'
import { quotaFindings, rotationFindings, scrubFinding, syncFinding } from './store-findings.ts'

/** What the doctor works with beside the registry's own state. */
export interface DoctorPorts {
  readonly checks: HostChecks
  readonly host: HostPort
  readonly evidence: Pick<AuditEvidence, 'copies'>
  readonly backups: (() => BackupState) | undefined
  readonly monotonicMs: () => number
  /** The clocks at the start, and the time of the last change before it. */
  readonly opened: OpenedAt
  readonly housekeeping: Pick<Housekeeping, 'damage' | 'scrubbedMs' | 'rotation'>
}

export interface OpenedAt {
  readonly wallMs: number
  readonly monotonicMs: number
  readonly lastChangeMs: number | undefined
}

export async function examine(
  core: Core,
  caller: Caller,
  ports: DoctorPorts,
): Promise<readonly Diagnosis[]> {
  const { housekeeping, monotonicMs } = ports
  const { damage, scrubbedMs } = housekeeping
  return [
    ...(await ports.checks()),
    ...((await ports.host.findings?.()) ?? []),
    ...(await clockOf(core, ports)),
    ...sealFindings(core.keys.state, core.keys.header?.protectors ?? []),
    policyFinding(core),
    ...(await factorFindings(core)),
    storeFinding(core),
    scrubFinding({
      damage,
      sinceMs: scrubbedMs === undefined ? undefined : monotonicMs() - scrubbedMs,
    }),
    ...rotationFindings(housekeeping.rotation.state),
    logFinding(core),
    await syncFinding(core.journal.log, monotonicMs),
    ports.evidence.copies.diagnosis,
    ...quotaFindings(core, core.authorizer.allows(caller, 'mount', '/')),
    backupFinding(ports.backups?.(), core.now()),
  ]
}

async function clockOf(core: Core, { monotonicMs, opened }: DoctorPorts): Promise<Diagnosis[]> {
  const wallMs = core.now()
  const last = core.engine.state === 'open' ? await readLastChange(core.engine) : undefined
  const times = [last?.timeMs, opened.lastChangeMs].filter((time) => time !== undefined)
  return clockFindings({
    wallMs,
    expiryMs: core.clock.now(),
    believedMs: core.clock.believed(),
    lastCommitMs: times.length === 0 ? undefined : Math.max(...times),
    wallSinceStartMs: wallMs - opened.wallMs,
    monotonicSinceStartMs: monotonicMs() - opened.monotonicMs,
  })
}
