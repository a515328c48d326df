/** `security check` and `security audit`: what an operator wants to know before he trusts the registry. */
import type { Caller, RequestOf, SecurityFinding, SecurityResponse } from '@secreg/protocol'
import { type AuditEvidence, verify } from '../audit/audit-evidence.ts'
import type { Core } from '../core.ts'
import { type Diagnosis, finding, toldFinding } from '../doctor/finding.ts'
import { type Facts, recorded } from '../recorded.ts'

/** Checks that only the process knows how to do: modes and owners of its files. */
export type HostChecks = () => Promise<readonly SecurityFinding[]>

/**
 * Check files, keys and policy; or read the whole audit log and verify its chain.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`
 */
export function security(
  core: Core,
  evidence: AuditEvidence,
  caller: Caller,
  request: RequestOf<'security'>,
  checks: HostChecks,
): Promise<SecurityResponse> {
  const facts: Facts = { action: 'admin', detail: `security-${request.op}` }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, request.op === 'audit' ? 'audit-read' : 'policy-read', '/')
    const findings =
      request.op === 'audit'
        ? [await auditFinding(core, evidence)]
        : [...(await checks()), ...ownFindings(core)]
    return { ok: findings.every(({ level }) => level !== 'fault'), findings }
  })
}

/** The whole log up to now with its checkpoints, and that it holds the lines which this process knows of. */
async function auditFinding(core: Core, { signing }: AuditEvidence): Promise<SecurityFinding> {
  const check = 'audit chain'
  core.journal.flush()
  const { ok, records, checkpoints, fault } = await verify({ log: core.journal.log, signing })
  const many = checkpoints === 1 ? 'checkpoint' : 'checkpoints'
  const signed = core.keys.state === 'unsealed' ? `, ${checkpoints} ${many}` : ''
  return ok === true
    ? { check, level: 'ok', message: `${records} records verified${signed}` }
    : { check, level: 'fault', message: `record ${fault?.sequence}: ${fault?.message}` }
}

function ownFindings(core: Core): SecurityFinding[] {
  const { state } = core.keys
  const weak = core.keys.header?.protectors.some(({ kind }) => kind === 'passphrase')
  const seal = finding(
    'seal',
    state === 'uninitialized' ? 'warning' : 'ok',
    `the registry is ${state}${weak === true ? ', protected by a passphrase' : ''}`,
  )
  return [seal, policyFinding(core), storeFinding(core), logFinding(core)].map(toldFinding)
}

export function policyFinding({ authorizer }: Core): Diagnosis {
  const { length } = authorizer.policyIds
  const message = `${length} policies in force, default deny`
  return finding('policy', length === 0 ? 'warning' : 'ok', message)
}

export function storeFinding({ engine }: Core): Diagnosis {
  const isOpen = engine.state === 'open'
  const message = `the store is ${engine.state} at revision ${engine.head}`
  return finding('store', isOpen ? 'ok' : 'fault', message, isOpen ? undefined : LOOK)
}

export function logFinding({ journal }: Core): Diagnosis {
  const { state, tail } = journal.log
  const message = `the log is ${state} at record ${tail.sequence}`
  const isHealthy = state === 'healthy'
  return finding('audit log', isHealthy ? 'ok' : 'fault', message, isHealthy ? undefined : LOOK)
}

const LOOK = 'see the log of secregd; make room, or look at the disk'
