/**
 * Events for Kafka, made of records of the audit log: the envelope of the Secrets API. Paths leave only as references
 * under a key of the registry; values, their hashes, details and texts of providers not at all.
 */
import { createHash } from 'node:crypto'
import type { LogRecord } from '@secreg/audit'
import type { Purpose } from '@secreg/policy-engine/authzen'
import { type AuditBody, isReason } from '@secreg/protocol'
import type { SecretEvent } from '@secreg/secrets-api/enforcement'
import { type Step, stepsOf } from './kafka-projection.ts'

/** Keyed references, in the form `hmac-sha256:` and base64url. */
export interface EventRefs {
  /** Of a path. All events of one entry have the same. */
  pathRef(path: string): string
  /** Of a path and, where one is meant, a version of it. */
  resourceRef(path: string, version?: number): string
}

/** What an event is about. */
export interface KafkaEventData {
  readonly event: SecretEvent
  readonly vault_type: 'secreg'
  readonly provider: 'secreg'
  /** Never a name: the same as `resource_ref`. */
  readonly credential_id: string
  readonly resource_ref: string
  readonly path_ref: string
  readonly success: boolean
  readonly effect: 'success' | 'failure'
  /** Absent of what failed: it may have been before anything was decided. */
  readonly decision?: 'Permit' | 'Deny'
  /** Reason, a fixed word. */
  readonly error?: string
  readonly cached: false
  readonly sampled: false
  readonly timestamp: string
  /** Origin of the log. */
  readonly system_id: string
  readonly subject: { readonly sub: string }
  /** `use` for reads of values, else the purpose, else the operation. */
  readonly action: string
  readonly purpose?: Purpose
  readonly decision_id?: string
  readonly kv_version?: number
  /** Entries concerned, where the reference is of a subtree. */
  readonly count?: number
  /** Shared by all events of one operation. */
  readonly operation_id: string
  /** Of the record, in the log with this origin. */
  readonly log_sequence: number
}

/** One message's value, before it is JSON. */
export interface KafkaEvent {
  /** The same whenever it is made again: readers know repetitions by it. */
  readonly event_id: string
  readonly event_type: SecretEvent
  /** RFC 3339, UTC. */
  readonly timestamp: string
  readonly correlation_id: string
  readonly service: 'secregd'
  readonly user_context: {
    readonly unique_id: string
    readonly subject: string
    readonly issuer: string
  }
  readonly data: KafkaEventData
}

/** As the Secrets API takes an id from outside; anything else could be a path. */
const CORRELATION = /^[A-Za-z0-9._-]{1,128}$/
const DECISION = CORRELATION

/**
 * The events of one record, in the order in which they happened.
 *
 * @param origin - of the log, for example `secreg/audit/<32 hex>`
 * @returns none of a record that is not about entries
 */
export function eventsOf(record: LogRecord, refs: EventRefs, origin: string): KafkaEvent[] {
  const body = bodyOf(record)
  if (body === undefined) return []
  const steps = stepsOf(body)
  if (steps.length === 0) return []
  const facts = factsOf(record, body, origin)
  return steps.map((step, index) => eventOf(step, index, facts, refs))
}

/** Tell whether a record gives events at all, for which no reference is needed. */
export function hasEvents(record: LogRecord): boolean {
  const body = bodyOf(record)
  return body !== undefined && stepsOf(body).length > 0
}

interface Facts {
  readonly body: AuditBody
  readonly sequence: number
  readonly origin: string
  readonly timestamp: string
  readonly operationId: string
  readonly subject: string
}

function factsOf({ sequence, timeMs }: LogRecord, body: AuditBody, origin: string): Facts {
  return {
    body,
    sequence,
    origin,
    timestamp: new Date(timeMs).toISOString(),
    operationId: uuidOf(origin, sequence, 'operation'),
    subject: subjectOf(body),
  }
}

function eventOf(step: Step, index: number, facts: Facts, refs: EventRefs): KafkaEvent {
  const { body, sequence, origin, timestamp, operationId, subject } = facts
  const { correlation } = body
  return {
    event_id: uuidOf(origin, sequence, String(index)),
    event_type: step.event,
    timestamp,
    correlation_id:
      correlation !== undefined && CORRELATION.test(correlation) ? correlation : operationId,
    service: 'secregd',
    user_context: { unique_id: body.actor.account ?? subject, subject, issuer: origin },
    data: dataOf(step, facts, refs),
  }
}

function dataOf(step: Step, facts: Facts, refs: EventRefs): KafkaEventData {
  const { body, sequence, origin, timestamp, operationId, subject } = facts
  const path = body.paths[step.path] ?? '/'
  const resource = refs.resourceRef(path, step.version)
  const success = body.outcome === 'ok'
  const { purpose } = step
  const { reason, decision, count } = body
  return {
    event: step.event,
    vault_type: 'secreg',
    provider: 'secreg',
    credential_id: resource,
    resource_ref: resource,
    path_ref: refs.pathRef(path),
    success,
    effect: success ? 'success' : 'failure',
    ...(body.outcome === 'failed' ? {} : { decision: success ? 'Permit' : 'Deny' }),
    ...(success ? {} : { error: reason !== undefined && isReason(reason) ? reason : 'UNKNOWN' }),
    cached: false,
    sampled: false,
    timestamp,
    system_id: origin,
    subject: { sub: subject },
    action: step.event === 'SECRET_READ' ? 'use' : (purpose ?? body.action),
    ...(purpose === undefined ? {} : { purpose }),
    ...(decision !== undefined && DECISION.test(decision) ? { decision_id: decision } : {}),
    ...(step.version === undefined ? {} : { kv_version: step.version }),
    ...(count === undefined ? {} : { count }),
    operation_id: operationId,
    log_sequence: sequence,
  }
}

/** Name of who did it; what the daemon does by itself has the name of its part. */
function subjectOf({ actor }: AuditBody): string {
  const { user, principal, uid, door, address } = actor
  if (user !== undefined) return `user:${user}`
  if (principal !== undefined) return principal
  if (uid !== undefined) return `uid:${uid}`
  return door === 'internal' ? `internal:${address ?? 'secregd'}` : 'anonymous'
}

/**
 * A UUID of version 8 (RFC 9562 §5.8; made like the example of appendix B.2): the first 16 bytes of SHA-256 over origin,
 * sequence and a name within the record, each on a line of its own, with the bits of version and variant.
 */
function uuidOf(origin: string, sequence: number, name: string): string {
  const bytes = createHash('sha256').update(`${origin}\n${sequence}\n${name}\n`).digest()
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex', 0, 16)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** What the log holds is ours, but may be of another version: only what can be read is. */
function bodyOf({ body }: LogRecord): AuditBody | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { action, outcome, paths, actor } = body as Partial<AuditBody>
  const named = typeof action === 'string' && typeof actor === 'object' && actor !== null
  const ended = outcome === 'ok' || outcome === 'denied' || outcome === 'failed'
  if (!named || !ended || !Array.isArray(paths)) return undefined
  return body as AuditBody
}
