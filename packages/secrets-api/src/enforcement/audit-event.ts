/** Events of the audit log of the Secrets API, and which an operation is (specs: secrets-api §4.2, §4.3). */
import type { DeleteOutcome } from '../operations/delete-secret.ts'
import type { SecretProviderName } from '../uri/secret-uri.ts'
import type { SecretOperation } from './operation.ts'
import type { Purpose } from './purpose.ts'
import type { FailureCode, RefusedCode } from './refusal.ts'

/** Name of an event. */
export type SecretEvent =
  | 'SECRET_READ'
  | 'SECRET_CREATED'
  | 'SECRET_UPDATED'
  | 'SECRET_ROTATED'
  | 'SECRET_DELETED'
  | 'SECRET_VERSION_DELETED'
  | 'SECRET_VERSION_UNDELETED'
  | 'SECRET_VERSION_DESTROYED'
  | 'SECRET_DESTROYED'
  | 'SECRET_METADATA_READ'
  | 'SECRET_OWNER_UPDATED'
  | 'SECRET_PERMIT'
  | 'SECRET_DENY'
  | 'SECRET_ERROR'

/** Every name of an event. */
export const SECRET_EVENTS: readonly SecretEvent[] = Object.freeze<SecretEvent[]>([
  'SECRET_READ',
  'SECRET_CREATED',
  'SECRET_UPDATED',
  'SECRET_ROTATED',
  'SECRET_DELETED',
  'SECRET_VERSION_DELETED',
  'SECRET_VERSION_UNDELETED',
  'SECRET_VERSION_DESTROYED',
  'SECRET_DESTROYED',
  'SECRET_METADATA_READ',
  'SECRET_OWNER_UPDATED',
  'SECRET_PERMIT',
  'SECRET_DENY',
  'SECRET_ERROR',
])

/** What happened to one secret. Never a value, a URI, a mount or a path; nothing that a provider has said. */
export interface AuditData {
  readonly event: SecretEvent
  readonly tenant_id: string
  readonly subject: { readonly sub: string }
  /** `use` for reads of values, else the purpose. */
  readonly action: 'use' | Purpose
  readonly purpose: Purpose
  readonly purpose_of_use: Purpose
  /** Of the operation. */
  readonly effect: 'success' | 'failure'
  readonly success: boolean
  /** Absent where nobody decided. */
  readonly decision?: 'Permit' | 'Deny'
  readonly decision_id?: string
  readonly policy_version?: string
  readonly classification?: string
  /** Code of the answer. */
  readonly error?: RefusedCode
  /** The same. */
  readonly code?: RefusedCode
  /** What was not authorized, exactly. */
  readonly failure?: FailureCode
  /** No new decision was needed. */
  readonly cached: boolean
  /** It stands for several. */
  readonly sampled: boolean
  /** RFC 3339, UTC. */
  readonly timestamp: string
  /** Shared by all events of one operation. */
  readonly operation_id: string
  /** Provider; with it the references, but of the tenant itself. */
  readonly vault_type?: SecretProviderName
  readonly provider?: SecretProviderName
  /** Never a name: the same as `resource_ref`. */
  readonly credential_id?: string
  readonly resource_ref?: string
  readonly path_ref?: string
  readonly resource_arn?: string
  /** The salt of the references is good for this process alone. */
  readonly ref_scheme?: 'ephemeral'
  readonly kv_version?: number
  readonly old_version?: number
  readonly cnf_jkt?: string
  readonly mtls_thumbprint?: string
  readonly token_jti?: string
  readonly system_id?: string
  readonly workflow_run_id?: string
  readonly node_id?: string
}

/** An event as it is sent. */
export interface AuditEnvelope {
  readonly event_id: string
  readonly event_type: SecretEvent
  /** RFC 3339, UTC. */
  readonly timestamp: string
  readonly correlation_id: string
  readonly service: string
  readonly trace_id?: string
  readonly span_id?: string
  /** Absent of who is anonymous. */
  readonly user_context?: {
    readonly unique_id: string
    readonly subject: string
    readonly issuer?: string
  }
  readonly data: AuditData
}

/** What an operation that succeeded tells of itself; members that do not apply are absent. */
export interface DoneFacts {
  /** That was read or written; null where there are none. */
  readonly version?: number | null
  /** That was current before a rotation. */
  readonly oldVersion?: number | null
  /** That a copy was made of. */
  readonly sourceVersion?: number | null
  /** There was nothing before. */
  readonly created?: boolean
  /** How something was deleted. */
  readonly deleted?: Pick<DeleteOutcome, 'mode' | 'version'>
  /** Versions that were undeleted or destroyed. */
  readonly versions?: readonly number[]
}

/** One thing that was done to one of the secrets of an operation. */
export interface AuditStep {
  /** 0, or 1 for the destination of a copy or move. */
  readonly resource: number
  readonly event: SecretEvent
  readonly purpose: Purpose
  readonly version?: number | null | undefined
  readonly oldVersion?: number | null | undefined
}

type Rule = (facts: DoneFacts) => readonly AuditStep[]

const ON_METADATA: Rule = () => [
  { resource: 0, event: 'SECRET_METADATA_READ', purpose: 'read_metadata' },
]
const ON_TENANT: Rule = () => [{ resource: 0, event: 'SECRET_PERMIT', purpose: 'read_metadata' }]

/** Every operation, with what it is when it is done. */
const DONE: Readonly<Record<SecretOperation, Rule>> = {
  write: (facts) => [written(0, 'write', facts)],
  read: ({ version }) => [{ resource: 0, event: 'SECRET_READ', purpose: 'read', version }],
  value: ({ version }) => [{ resource: 0, event: 'SECRET_READ', purpose: 'execute', version }],
  delete: (facts) => [deleted('delete', facts)],
  destroy: (facts) => [deleted('destroy_versions', facts)],
  rotate: ({ version, oldVersion }) => [
    { resource: 0, event: 'SECRET_ROTATED', purpose: 'rotate', version, oldVersion },
  ],
  keys: ON_METADATA,
  metadata: ON_METADATA,
  versions: ON_METADATA,
  owner: () => [{ resource: 0, event: 'SECRET_OWNER_UPDATED', purpose: 'owner_update' }],
  undelete: ({ versions }) => each(versions, 'SECRET_VERSION_UNDELETED', 'undelete'),
  'destroy-versions': ({ versions }) =>
    each(versions, 'SECRET_VERSION_DESTROYED', 'destroy_versions'),
  copy: (facts) => copied(facts),
  move: (facts) => [...copied(facts), deleted('delete', facts)],
  list: ON_METADATA,
  search: ON_METADATA,
  events: ON_TENANT,
  audit: ON_TENANT,
}

/** What was done, in the order in which it happened. */
export function stepsOf(operation: SecretOperation, facts: DoneFacts): readonly AuditStep[] {
  return DONE[operation](facts)
}

function written(resource: number, purpose: Purpose, { version, created }: DoneFacts): AuditStep {
  const event = created === true ? 'SECRET_CREATED' : 'SECRET_UPDATED'
  return { resource, event, purpose, version }
}

function copied(facts: DoneFacts): readonly AuditStep[] {
  const read: AuditStep = {
    resource: 0,
    event: 'SECRET_READ',
    purpose: 'read',
    version: facts.sourceVersion,
  }
  return [read, written(1, 'write', facts)]
}

function deleted(purpose: Purpose, facts: DoneFacts): AuditStep {
  const { mode, version } = facts.deleted ?? {}
  switch (mode) {
    case 'version_deleted':
      return { resource: 0, event: 'SECRET_VERSION_DELETED', purpose, version }
    case 'all_versions_destroyed':
      return { resource: 0, event: 'SECRET_DESTROYED', purpose }
    default:
      return { resource: 0, event: 'SECRET_DELETED', purpose, version }
  }
}

function each(
  versions: readonly number[] = [],
  event: SecretEvent,
  purpose: Purpose,
): readonly AuditStep[] {
  return versions.map((version) => ({ resource: 0, event, purpose, version }))
}
