/** Questions to the audit log: all filters hold together, newest first (specs: combined filters). */
import type { LogRecord } from '@secreg/audit'
import {
  type AuditBody,
  type AuditRecord,
  type AuditResponse,
  type Caller,
  LIMITS,
  type RequestOf,
} from '@secreg/protocol'
import { filtersOf, matcherOf } from '../audit/filters.ts'
import { termsOfFilters } from '../audit/terms.ts'
import type { Core } from '../core.ts'
import { type Facts, recorded } from '../recorded.ts'

export const DEFAULT_LIMIT = 100
export const ANSWER_BYTES: number = LIMITS.frameBytes / 4
/** Paths and events of one record that an answer names. */
const ANSWER_PATHS = 1000
const ANSWER_EVENTS = 1000

/**
 * Find records.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_PATH_INVALID`, `ERR_AUDIT_FAILED`
 */
export function audit(
  core: Core,
  caller: Caller,
  request: RequestOf<'audit'>,
): Promise<AuditResponse> {
  const facts: Facts = { action: 'audit' }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'audit-read', '/')
    const limit = request.limit ?? DEFAULT_LIMIT
    const filters = filtersOf(request)
    const records: AuditRecord[] = []
    let bytes = 0
    let next: number | undefined
    const found = core.journal.log.query({
      match: matcherOf(filters),
      terms: termsOfFilters(filters),
      limit: limit + 1,
      ...(request.since_ms === undefined ? {} : { sinceMs: request.since_ms }),
      ...(request.until_ms === undefined ? {} : { untilMs: request.until_ms }),
      ...(request.before === undefined ? {} : { beforeSequence: request.before }),
      ...(request.scan === undefined ? {} : { scan: request.scan }),
    })
    for await (const record of found) {
      const answer = recordOf(record)
      bytes += JSON.stringify(answer).length
      if (records.length === limit || (bytes > ANSWER_BYTES && records.length > 0)) {
        next = record.sequence + 1
        break
      }
      records.push(answer)
    }
    facts.count = records.length
    return { records, ...(next === undefined ? {} : { next }) }
  })
}

/** A record as it is told. */
export function recordOf({ sequence, timeMs, revision, body }: LogRecord): AuditRecord {
  const record = body as AuditBody
  return {
    sequence,
    time: new Date(timeMs).toISOString(),
    ...(revision === undefined ? {} : { revision }),
    ...record,
    // A record of thousands of paths is longer than a frame; `count` says how many there are.
    ...(record.paths.length <= ANSWER_PATHS
      ? {}
      : { paths: record.paths.slice(0, ANSWER_PATHS), ...fewer(record.value_hashes) }),
    ...(record.events === undefined || record.events.length <= ANSWER_EVENTS
      ? {}
      : { events: record.events.slice(0, ANSWER_EVENTS), count: record.events.length }),
  }
}

function fewer(hashes: AuditBody['value_hashes']): Pick<AuditBody, 'value_hashes'> {
  if (hashes === undefined) return {}
  return { value_hashes: Object.fromEntries(Object.entries(hashes).slice(0, ANSWER_PATHS)) }
}
