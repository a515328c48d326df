/** `sreg audit`: the log, newest first, filtered. */
import type { RegistryConnection } from '@secreg/client'
import type { AuditRecord, RequestOf } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { formatTime } from '../format.ts'
import { formatTable } from '../table.ts'
import { parseTime } from '../time-form.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000_000
/** Records of one answer (protocol, auditRequest). */
const PAGE = 1000
/** Paths of one record in the table. */
const MAX_TARGETS = 3

type Filters = Omit<RequestOf<'audit'>, 'limit' | 'before'>

export async function run(context: Context): Promise<undefined> {
  const filters = filtersOf(context)
  const limit = context.whole('limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT
  const records = await context.withRegistry('needed', (registry) =>
    readRecords(registry, filters, limit),
  )
  await context.print({ records }, () =>
    formatTable(
      ['Timestamp', 'User', 'Action', 'Target', 'Result'],
      records.map((record) => [
        formatTime(Date.parse(record.time)),
        userOf(record),
        record.detail === undefined ? record.action : `${record.action} (${record.detail})`,
        context.verbose ? record.paths.join(' ') : targetOf(record),
        record.reason === undefined ? record.outcome : `${record.outcome}: ${record.reason}`,
      ]),
    ),
  )
}

/** A record of an import names thousands; the table says how many there are. */
function targetOf({ paths, count = paths.length }: AuditRecord): string {
  const total = Math.max(count, paths.length)
  if (total <= MAX_TARGETS) return paths.join(' ')
  return `${paths[0] ?? ''} and ${total - 1} more`
}

function userOf({ actor }: AuditRecord): string {
  if (actor.user !== undefined) return actor.user
  return actor.uid === undefined ? '-' : `uid ${actor.uid}`
}

function filtersOf(context: Context): Filters {
  const filters: Filters = {}
  const { user, key, action } = {
    user: context.text('user'),
    key: context.text('key'),
    action: context.text('action'),
  }
  if (user !== undefined) filters.user = user
  if (key !== undefined) filters.key = key
  if (action !== undefined) filters.action = action
  const since = context.text('since')
  const until = context.text('until')
  const now = context.io.now()
  if (since !== undefined) filters.since_ms = parseTime(since, now)
  if (until !== undefined) filters.until_ms = parseTime(until, now)
  if (context.flag('failed')) filters.failed = true
  return filters
}

async function readRecords(
  registry: RegistryConnection,
  filters: Filters,
  limit: number,
): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  let before: number | undefined
  while (records.length < limit) {
    const page = await registry.audit({
      ...filters,
      limit: Math.min(PAGE, limit - records.length),
      ...(before === undefined ? {} : { before }),
    })
    for (const record of page.records) records.push(record)
    // Sequence numbers only fall: a page that does not go on is the last.
    if (page.next === undefined || (before !== undefined && page.next >= before)) break
    before = page.next
  }
  return records.slice(0, limit)
}
