/** From an enforced operation to its events (specs: secrets-api §4.2 to §4.5). */
import { resourceArn, type SecretReferences } from '../ref/secret-references.ts'
import type { SecretPrefix, SecretProviderName, SecretUri } from '../uri/secret-uri.ts'
import { type AuthenticatedCaller, saidOf } from './admission.ts'
import {
  type AuditData,
  type AuditEnvelope,
  type AuditStep,
  type DoneFacts,
  stepsOf,
} from './audit-event.ts'
import type { Permit } from './authorize-batch.ts'
import { bindingOf } from './binding.ts'
import type { SecretOperation } from './operation.ts'
import type { AuthorizationDetails, EnforcementStep, Refused, RefusedCode } from './refusal.ts'
import { purposesOf } from './targets.ts'

/** A secret that an operation is about. */
export interface AuditedResource {
  /** Only to be told from others; is in no event. */
  readonly canonical: string
  readonly provider: SecretProviderName
  readonly resourceRef: string
  readonly pathRef: string
}

/** How an operation ended. */
export type AuditedOutcome =
  | { readonly kind: 'done'; readonly permits: readonly Permit[]; readonly facts: DoneFacts }
  | { readonly kind: 'refused'; readonly refused: Refused }
  /** It was permitted, and a provider, or what was found there, refused it. */
  | { readonly kind: 'failed'; readonly permits: readonly Permit[]; readonly code: RefusedCode }

/** An operation that has ended. */
export interface AuditedOperation {
  readonly caller: AuthenticatedCaller
  readonly operation: SecretOperation
  readonly operationId: string
  /** Source and destination, else one, else the prefixes of a listing; none of the tenant, or where none was read. */
  readonly resources: readonly AuditedResource[]
  readonly outcome: AuditedOutcome
}

/** What events have in common. */
export interface AuditOptions {
  /** Name of the service. */
  readonly service: string
  /** Milliseconds since 1970. */
  readonly timeMs: number
  /** A UUID, for each event. */
  readonly newId: () => string
  readonly traceId?: string
  readonly spanId?: string
  /** Whether the salt of the references is good for this process alone. */
  readonly ephemeralReferences?: boolean
  /** Namespace of ARNs; without, there are none. */
  readonly arnNamespace?: string
}

/** Name a secret, or a prefix, for the audit log. */
export async function auditedResource(
  place: SecretUri | SecretPrefix,
  references: SecretReferences,
): Promise<AuditedResource> {
  const { canonical, provider } = place
  const path = 'path' in place ? place.path : canonical
  const [resourceRef, pathRef] = await Promise.all([
    references.resourceRef({ canonical }),
    references.pathRef({ path }),
  ])
  return { canonical, provider, resourceRef, pathRef }
}

/** Tell whether a refusal at a step is recorded; items of bulk requests are, at whichever. */
export function isAuditedStep(step: EnforcementStep): boolean {
  return step >= 'P5'
}

/** Refusals that are denials; the others are errors. */
const DENIALS: ReadonlySet<RefusedCode> = new Set<RefusedCode>([
  'UNAUTHENTICATED',
  'SENDER_BINDING_MISMATCH',
  'INSUFFICIENT_SCOPE',
  'SECRET_AUTHZ_FAILED',
  'TENANT_MOUNT_MISMATCH',
  'YAML_WRITE_FORBIDDEN',
])

/** The events of an operation, in the order in which things happened; at least one, but for no versions of a list. */
export function auditEvents(
  operation: AuditedOperation,
  options: AuditOptions,
): readonly AuditEnvelope[] {
  const { outcome } = operation
  switch (outcome.kind) {
    case 'done': {
      // A listing is one event for each prefix.
      const steps = stepsOf(operation.operation, outcome.facts)
      const { resources } = operation
      const [first] = steps
      const spread =
        steps.length === 1 && first !== undefined && resources.length > 1
          ? resources.map((_, resource) => ({ ...first, resource }))
          : steps
      return spread.map((step) => {
        return envelopeOf(operation, step, permitParts(outcome.permits, step), options)
      })
    }
    case 'failed':
      if (operation.operation === 'move' && outcome.code === 'MOVE_SOURCE_DELETE_FAILED') {
        return halfMoved(operation, outcome, options)
      }
      return errorSteps(operation, 'SECRET_ERROR').map((step) => {
        const parts = { ...permitParts(outcome.permits, step), ...failureParts(outcome.code) }
        return envelopeOf(operation, step, parts, options)
      })
    default:
      return refusedEvents(operation, outcome.refused, options)
  }
}

type Parts = Partial<AuditData>

function refusedEvents(
  operation: AuditedOperation,
  refused: Refused,
  options: AuditOptions,
): readonly AuditEnvelope[] {
  const denied = DENIALS.has(refused.code)
  const details = authorizationDetails(refused)
  const failures = new Map((details?.failures ?? []).map(({ uri, code }) => [uri, code]))
  const named = [...failures.keys()].some((uri) => uri !== undefined)
  const steps = errorSteps(operation, denied ? 'SECRET_DENY' : 'SECRET_ERROR').filter((step) => {
    // Of a copy, what was denied, and not what would have been permitted; all where no secret is named.
    const canonical = operation.resources[step.resource]?.canonical
    return !named || canonical === undefined || failures.has(canonical)
  })
  return steps.map((step) => {
    const canonical = operation.resources[step.resource]?.canonical
    const failure = failures.get(canonical) ?? failures.get(undefined)
    const parts: Parts = {
      ...failureParts(refused.code),
      ...(denied ? { decision: 'Deny' } : {}),
      ...(details?.decision_id === undefined ? {} : { decision_id: details.decision_id }),
      ...(details?.policy_version === undefined ? {} : { policy_version: details.policy_version }),
      ...(failure === undefined ? {} : { failure }),
    }
    const only = steps.length === 1 && details !== undefined
    return envelopeOf(
      operation,
      only ? { ...step, purpose: details.purpose } : step,
      parts,
      options,
    )
  })
}

/** The copy stays, so that it is told of; what failed is the deletion of its source. */
function halfMoved(
  operation: AuditedOperation,
  outcome: Extract<AuditedOutcome, { kind: 'failed' }>,
  options: AuditOptions,
): readonly AuditEnvelope[] {
  const { permits } = outcome
  const copied = { kind: 'done', permits, facts: {} } as const
  const resources = operation.resources.slice(0, 1)
  return [
    ...auditEvents({ ...operation, operation: 'copy', outcome: copied }, options),
    ...auditEvents({ ...operation, operation: 'delete', resources, outcome }, options),
  ]
}

function authorizationDetails({ code, details }: Refused): AuthorizationDetails | undefined {
  const authorized = code === 'SECRET_AUTHZ_FAILED' || code === 'PDP_UNAVAILABLE'
  return authorized ? (details as AuthorizationDetails | undefined) : undefined
}

/** One step for each resource, or one where there is none, with the purpose on that side. */
function errorSteps(
  { operation, resources }: AuditedOperation,
  event: 'SECRET_DENY' | 'SECRET_ERROR',
): readonly AuditStep[] {
  const purposes = purposesOf(operation)
  const [first] = purposes
  const transfer = operation === 'copy' || operation === 'move'
  return Array.from({ length: Math.max(1, resources.length) }, (_, resource) => ({
    resource,
    event,
    purpose: transfer && resource === 1 ? 'write' : first,
  }))
}

function permitParts(permits: readonly Permit[], { purpose }: AuditStep): Parts {
  const permit = permits.find(({ wanted }) => wanted.purpose === purpose)
  if (permit === undefined) return {}
  const { decisionId, policyVersion, classification } = permit.grant
  return {
    decision: 'Permit',
    decision_id: decisionId,
    ...(policyVersion === undefined ? {} : { policy_version: policyVersion }),
    ...(classification === undefined ? {} : { classification }),
    cached: permit.hit === 'grant',
  }
}

function failureParts(code: RefusedCode): Parts {
  return { error: code, code, effect: 'failure', success: false }
}

function envelopeOf(
  { caller, operationId, resources }: AuditedOperation,
  step: AuditStep,
  parts: Parts,
  options: AuditOptions,
): AuditEnvelope {
  const { service, newId, traceId, spanId } = options
  const { event, purpose } = step
  const timestamp = new Date(options.timeMs).toISOString()
  const { subject, issuer } = caller
  const user = { unique_id: subject, subject, ...(issuer === undefined ? {} : { issuer }) }
  return {
    event_id: newId(),
    event_type: event,
    timestamp,
    correlation_id: caller.correlationId,
    service,
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    ...(spanId === undefined ? {} : { span_id: spanId }),
    ...(caller.authenticated ? { user_context: user } : {}),
    data: {
      event,
      tenant_id: caller.tenant,
      subject: { sub: subject },
      action: event === 'SECRET_READ' || purpose === 'execute' ? 'use' : purpose,
      purpose,
      purpose_of_use: purpose,
      effect: 'success',
      success: true,
      cached: false,
      sampled: false,
      timestamp,
      operation_id: operationId,
      ...resourceParts(resources[step.resource], options),
      ...(typeof step.version === 'number' ? { kv_version: step.version } : {}),
      ...(typeof step.oldVersion === 'number' ? { old_version: step.oldVersion } : {}),
      ...callerParts(caller),
      ...parts,
    },
  }
}

function resourceParts(resource: AuditedResource | undefined, options: AuditOptions): Parts {
  if (resource === undefined) return {}
  const { provider, resourceRef, pathRef } = resource
  const { arnNamespace, ephemeralReferences } = options
  return {
    vault_type: provider,
    provider,
    credential_id: resourceRef,
    resource_ref: resourceRef,
    path_ref: pathRef,
    ...(arnNamespace === undefined ? {} : { resource_arn: resourceArn(arnNamespace, resourceRef) }),
    ...(ephemeralReferences === true ? { ref_scheme: 'ephemeral' } : {}),
  }
}

function callerParts({ tokenId, proofs = {}, ...caller }: AuthenticatedCaller): Parts {
  const binding = bindingOf(proofs)
  const systemId = saidOf(caller.systemId)
  const workflowRunId = saidOf(caller.workflowRunId)
  const nodeId = saidOf(caller.nodeId)
  return {
    ...(binding?.type === 'dpop' ? { cnf_jkt: binding.value } : {}),
    ...(binding?.type === 'mtls' ? { mtls_thumbprint: binding.value } : {}),
    ...(tokenId === undefined ? {} : { token_jti: tokenId }),
    ...(systemId === undefined ? {} : { system_id: systemId }),
    ...(workflowRunId === undefined ? {} : { workflow_run_id: workflowRunId }),
    ...(nodeId === undefined ? {} : { node_id: nodeId }),
  }
}
