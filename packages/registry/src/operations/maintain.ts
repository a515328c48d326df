/** What operators do and see: compaction, doctor, support document, figures. */
import type {
  Caller,
  CompactionInfo,
  MaintainResponse,
  RequestOf,
  StatusResponse,
} from '@secreg/protocol'
import type { Compaction, Compactor } from '../compactor.ts'
import type { Core } from '../core.ts'
import { type DoctorPorts, examine } from '../doctor/doctor.ts'
import { toldFinding } from '../doctor/finding.ts'
import { supportFacts } from '../doctor/support.ts'
import { type Facts, recorded } from '../recorded.ts'

export interface MaintainPorts extends DoctorPorts {
  readonly compactor: Compactor
  readonly version: string
  readonly status: (caller: Caller) => StatusResponse
}

/**
 * Run one request of an operator.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_SEALED` for a compaction, `ERR_NOT_FOUND` for one that is not known, and
 *   the failures of store and log
 */
export function maintain(
  core: Core,
  caller: Caller,
  request: RequestOf<'maintain'>,
  ports: MaintainPorts,
): Promise<MaintainResponse> {
  const facts: Facts = { action: 'admin', detail: request.op }
  return recorded(core.journal, caller, facts, async () => {
    switch (request.op) {
      case 'compact':
        return { compaction: await compact(core, caller, request.job, ports) }
      case 'doctor': {
        core.authorizer.require(caller, 'policy-read', '/')
        const findings = (await examine(core, caller, ports)).map(toldFinding)
        return { ok: findings.every(({ level }) => level !== 'fault'), findings }
      }
      case 'support':
        return { support: await support(core, caller, ports) }
      case 'metrics': {
        core.authorizer.require(caller, 'policy-read', '/')
        const metrics = await ports.host.metrics?.(ports.status(caller))
        return metrics === undefined ? {} : { metrics }
      }
    }
  })
}

async function compact(
  core: Core,
  caller: Caller,
  job: number | undefined,
  { compactor }: MaintainPorts,
): Promise<CompactionInfo> {
  // It holds the disk for a while and changes nothing: a matter of the installation as a whole, like its seal.
  core.authorizer.require(caller, 'seal', '/')
  core.keys.requireUnsealed()
  return infoOf(await compactor.settle(job ?? compactor.start()))
}

function infoOf({ job, done, startedAtMs, bytesBefore, bytesAfter }: Compaction): CompactionInfo {
  return {
    job,
    done,
    started_at: startedAtMs,
    ...(bytesBefore === undefined ? {} : { bytes_before: bytesBefore }),
    ...(bytesAfter === undefined ? {} : { bytes_after: bytesAfter }),
  }
}

async function support(core: Core, caller: Caller, ports: MaintainPorts) {
  // Each part of it is under the right that it needs by itself.
  for (const action of ['policy-read', 'mount', 'account'] as const) {
    core.authorizer.require(caller, action, '/')
  }
  core.keys.requireReadable()
  const host = await ports.host.support?.()
  return supportFacts(core, {
    version: ports.version,
    status: ports.status(caller),
    findings: await examine(core, caller, ports),
    host,
    storeBytes: await ports.host.storeBytes?.(),
  })
}
