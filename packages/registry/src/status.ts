/** What status tells, and who somebody is. */
import type {
  BackupSchedule,
  Caller,
  ShareProgress,
  StatusResponse,
  WhoamiResponse,
} from '@secreg/protocol'
import type { AuditEvidence } from './audit/audit-evidence.ts'
import type { BackupNotes } from './backup/backup-notes.ts'
import type { Core } from './core.ts'
import type { HostPort } from './doctor/host-port.ts'
import { GroupView } from './group-view.ts'
import type { Housekeeping } from './housekeeping.ts'
import type { Identity } from './identity.ts'
import { rotationInfo } from './operations/rotate.ts'

/** Parts of a registry that status speaks of. */
interface StatusParts {
  readonly core: Core
  readonly evidence: AuditEvidence
  readonly identity: Identity
  readonly housekeeping: Housekeeping
  readonly backupNotes: BackupNotes
  readonly backupSchedule: () => BackupSchedule | undefined
  readonly host: HostPort
  readonly version: string
}

/** What anybody may know. */
export function openStatus(
  { core, version }: StatusParts,
  progress: readonly ShareProgress[],
): StatusResponse {
  const { state } = core.keys
  return {
    status: 'running',
    state,
    initialized: state !== 'uninitialized',
    version,
    ...(progress.length === 0 ? {} : { share_progress: progress }),
  }
}

/** What callers with a session may know beside. */
export function fullStatus(parts: StatusParts, startedMs: number): Partial<StatusResponse> {
  const { backupNotes, core, evidence, housekeeping, identity } = parts
  const { log } = core.journal
  const rotation = housekeeping.rotation.state
  const failing = parts.backupSchedule()?.failing
  const copies = evidence.copies.warning
  const warnings = [
    ...(housekeeping.damage === 0
      ? []
      : [`the store is damaged at ${housekeeping.damage} places; see the log of secregd`]),
    ...(failing === undefined ? [] : [`scheduled backups fail: ${failing}`]),
    ...(parts.host.warnings?.() ?? []),
    ...(copies === undefined ? [] : [copies]),
  ]
  return {
    uptime_s: Math.floor((performance.now() - startedMs) / 1000),
    ...entriesOf(core),
    revision: core.engine.head,
    sessions: identity.sessions.size,
    store: core.engine.state,
    log: log.state,
    log_sequence: log.tail.sequence,
    log_synced: log.synced.sequence,
    ...(rotation === undefined ? {} : { rotation: rotationInfo(rotation) }),
    ...(backupNotes.last === undefined ? {} : { last_backup: backupNotes.last }),
    ...(evidence.keeper.last === undefined ? {} : { last_checkpoint: evidence.keeper.last }),
    ...(warnings.length === 0 ? {} : { warnings }),
  }
}

/** Number of live entries; untold while the store cannot be read, which status is there to say. */
function entriesOf({ counters, engine }: Core): { entries?: number } {
  try {
    return { entries: counters.entries(new GroupView(engine)) }
  } catch {
    return {}
  }
}

/** Who a caller is. */
export function whoami(caller: Caller): WhoamiResponse {
  return {
    user: caller.login ?? '',
    account: caller.accountId ?? '',
    roles: caller.roles,
    groups: caller.groups,
    mfa: caller.mfa,
    proof: caller.proof,
    door: caller.door,
    ...(caller.token === undefined ? {} : { token: caller.token }),
    ...(caller.boundary === undefined ? {} : { boundary: caller.boundary }),
    ...(caller.restricted === undefined ? {} : { restricted: caller.restricted }),
  }
}
