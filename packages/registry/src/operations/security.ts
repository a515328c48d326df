/** `security check` and `security audit`: what an operator wants to know before he trusts the registry. */
import { type LogFiles, verifyDirectory } from '@secreg/audit'
import type { Caller, RequestOf, SecurityFinding, SecurityResponse } from '@secreg/protocol'
import type { Core } from '../core.ts'
import { type Facts, recorded } from '../recorded.ts'

/** Checks that only the process knows how to do: modes and owners of its files. */
export type HostChecks = () => Promise<readonly SecurityFinding[]>

/** What the checks look at beside the registry's own state. */
export interface SecurityPorts {
  readonly checks: HostChecks
  readonly auditDirectory: string
  /** Default: the real file system. */
  readonly auditFiles: LogFiles | undefined
}

/**
 * Check files, keys and policy; or read the whole audit log and verify its chain.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`
 */
export function security(
  core: Core,
  caller: Caller,
  request: RequestOf<'security'>,
  host: SecurityPorts,
): Promise<SecurityResponse> {
  const facts: Facts = { action: 'admin', detail: `security-${request.op}` }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, request.op === 'audit' ? 'audit-read' : 'policy-read', '/')
    const findings =
      request.op === 'audit'
        ? [await auditFinding(core, host)]
        : [...(await host.checks()), ...ownFindings(core)]
    return { ok: findings.every(({ level }) => level !== 'fault'), findings }
  })
}

/** The whole log up to now, and that it holds the lines which this process knows of. */
async function auditFinding(core: Core, host: SecurityPorts): Promise<SecurityFinding> {
  const check = 'audit chain'
  core.journal.flush()
  const { tail, synced } = core.journal.log
  const known = [synced, tail].filter(({ sequence }) => sequence > 0)
  const { ok, records, firstFault } = await verifyDirectory(host.auditDirectory, {
    until: tail,
    known,
    ...(host.auditFiles === undefined ? {} : { files: host.auditFiles }),
  })
  return ok
    ? { check, level: 'ok', message: `${records} records verified` }
    : { check, level: 'fault', message: `record ${firstFault?.sequence}: ${firstFault?.message}` }
}

function ownFindings(core: Core): SecurityFinding[] {
  const { state } = core.keys
  const weak = core.keys.header?.protectors.some(({ kind }) => kind === 'passphrase')
  return [
    {
      check: 'seal',
      level: state === 'uninitialized' ? 'warning' : 'ok',
      message: `the registry is ${state}${weak === true ? ', protected by a passphrase' : ''}`,
    },
    {
      check: 'policy',
      level: core.authorizer.policyIds.length === 0 ? 'warning' : 'ok',
      message: `${core.authorizer.policyIds.length} policies in force, default deny`,
    },
    {
      check: 'store',
      level: core.engine.state === 'open' ? 'ok' : 'fault',
      message: `the store is ${core.engine.state} at revision ${core.engine.head}`,
    },
    {
      check: 'audit log',
      level: core.journal.log.state === 'healthy' ? 'ok' : 'fault',
      message: `the log is ${core.journal.log.state} at record ${core.journal.log.tail.sequence}`,
    },
  ]
}
