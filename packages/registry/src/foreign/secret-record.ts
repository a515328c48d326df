/** The record of an operation of the Secrets API (DESIGN §8): one, with the events that it is elsewhere. */
import { ENVELOPE_BYTES, MAX_LINE_BYTES } from '@secreg/audit'
import type { Caller, Reason } from '@secreg/protocol'
import { auditBody, isTooLong, type RecordFacts } from '../audit-record.ts'

/** An operation that has ended. */
export interface SecretRecord {
  /** Its name, a fixed word. */
  readonly operation: string
  readonly outcome: 'ok' | 'denied' | 'failed'
  /** Of what did not succeed; default `ACCESS_DENIED` of what was denied, else `UNREACHABLE`. */
  readonly reason?: Reason
  /** Canonical URIs of the secrets, and prefixes, that it was about. */
  readonly canonicals: readonly string[]
  readonly purpose?: string
  /** Id of the decision of an outside decision point. */
  readonly decision?: string
  readonly versions?: readonly number[]
  /** Events that others are told, as they are told; never a secret, nor where it is. */
  readonly events: readonly object[]
}

/** Paths and versions of a record that is too long with all of them. */
const NAMED = 1000

/**
 * Its body. Of more than one line holds it has the first events, and of more still the first URIs and versions; `count`
 * then says how many events there were.
 */
export function secretBody(caller: Caller, record: SecretRecord): string {
  const { canonicals, events, versions } = record
  const whole = bodyOf(caller, record, canonicals, versions, {})
  const isCut = isTooLong(whole)
  const rest = isCut ? firstOf(caller, record) : whole
  const { text, told } = eventsWithin(events, MAX_LINE_BYTES - ENVELOPE_BYTES - roomOf(rest))
  const facts = {
    ...(events.length === 0 ? {} : { eventsText: text }),
    ...(isCut || told < events.length ? { count: events.length } : {}),
  }
  return isCut
    ? firstOf(caller, record, facts)
    : bodyOf(caller, record, canonicals, versions, facts)
}

type More = Pick<RecordFacts, 'count' | 'eventsText'>

function firstOf(caller: Caller, record: SecretRecord, more: More = {}): string {
  const { canonicals, versions } = record
  return bodyOf(caller, record, canonicals.slice(0, NAMED), versions?.slice(0, NAMED), more)
}

function bodyOf(
  caller: Caller,
  { operation, outcome, purpose, decision, ...record }: SecretRecord,
  paths: readonly string[],
  versions: readonly number[] | undefined,
  more: More,
): string {
  const byDefault = outcome === 'denied' ? 'ACCESS_DENIED' : 'UNREACHABLE'
  const facts: RecordFacts = {
    paths,
    detail: operation,
    ...(versions === undefined ? {} : { versions }),
    ...(decision === undefined ? {} : { decision }),
    ...(purpose === undefined ? {} : { purpose }),
    ...more,
  }
  const reason = outcome === 'ok' ? undefined : (record.reason ?? byDefault)
  return auditBody(caller, 'secret', outcome, facts, reason)
}

/** Bytes that a body takes beside its events: with their name, and a count. */
function roomOf(body: string): number {
  return Buffer.byteLength(body) + ',"count":9007199254740991,"events":[]'.length
}

function eventsWithin(
  events: readonly object[],
  bytes: number,
): { readonly text: string; readonly told: number } {
  const texts: string[] = []
  let left = bytes
  for (const event of events) {
    const text = JSON.stringify(event)
    left -= Buffer.byteLength(text) + 1
    if (left < 0) break
    texts.push(text)
  }
  return { text: `[${texts.join(',')}]`, told: texts.length }
}
