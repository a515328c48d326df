/** Events of operations of the Secrets API: their records have them as they are told (specs: secrets-api §4.2). */
import type { LogRecord } from '@secreg/audit'
import type { AuditBody } from '@secreg/protocol'
import { type AuditEnvelope, SECRET_EVENTS } from '@secreg/secrets-api/enforcement'

const NAMES: ReadonlySet<unknown> = new Set(SECRET_EVENTS)

/** The events of a record in their order, unchanged; none of a record that is not of an operation of this API. */
export function secretEventsOf({ body }: LogRecord): readonly AuditEnvelope[] {
  const { action, events } = (body ?? {}) as Partial<AuditBody>
  if (action !== 'secret' || !Array.isArray(events)) return []
  return events.filter(isEvent)
}

/** What is told of them beside. @returns what keeps events of one secret in their order, and what they are known by */
export function secretMessageOf(event: AuditEnvelope): {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
} {
  const { data, event_id, event_type } = event
  // What is not about one secret has none; the operation's events then stay together.
  return { key: data.path_ref ?? data.operation_id, headers: { event_id, event_type } }
}

/** A log may have been written by a later version: what has no name here has none there. */
function isEvent(event: unknown): event is AuditEnvelope {
  if (typeof event !== 'object' || event === null) return false
  const { data, event_id: id, event_type: type } = event as Partial<AuditEnvelope>
  if (typeof id !== 'string' || !NAMES.has(type)) return false
  return typeof data === 'object' && data !== null && typeof data.operation_id === 'string'
}
