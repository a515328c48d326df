/** `sreg search`: entries by path and metadata, one key a line; a table with `--verbose`. */
import type { RegistryConnection } from '@secreg/client'
import { LIMITS, type RequestOf, type SearchEntry } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { hasControl, printable } from '../escape.ts'
import { formatTime } from '../format.ts'
import { pairsOf } from '../name-value.ts'
import { formatTable } from '../table.ts'

type Filters = Omit<RequestOf<'search'>, 'limit' | 'after'>

interface Found {
  readonly entries: SearchEntry[]
  /** There may be more behind this key. */
  readonly next?: string
}

export async function run(context: Context): Promise<undefined> {
  const filters = filtersOf(context)
  const limit = context.whole('limit', 1) ?? Number.POSITIVE_INFINITY
  const found = await context.withRegistry('needed', (registry) =>
    readPages(registry, filters, limit, context.text('after')),
  )
  const terminal = context.io.stdout.isTTY === true
  await context.print(found, () =>
    context.verbose
      ? foundTable(found.entries)
      : // Into a pipe, a key goes as it is, unless it could not be one line.
        found.entries
          .map(({ key }) => (terminal || hasControl(key) ? printable(key) : key))
          .join('\n'),
  )
  if (found.next !== undefined) {
    await context.note(`there may be more; go on with --after ${found.next}`)
  }
}

function filtersOf(context: Context): Filters {
  const filters: Filters = {}
  const text = context.operand(0)
  const [prefix, key, tag] = [context.text('prefix'), context.text('key'), context.text('tag')]
  const metadata = pairsOf(context.texts('metadata'), '--metadata')
  if (text !== '') filters.text = text
  if (prefix !== undefined) filters.prefix = prefix
  if (key !== undefined) filters.key = key
  if (tag !== undefined) filters.tag = tag
  if (metadata.size > 0) filters.metadata = Object.fromEntries(metadata)
  if (Object.keys(filters).length === 0) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'what to search for is missing',
      'give a text or an option such as --key or --metadata; "sreg list / --recursive" lists all',
    )
  }
  return filters
}

async function readPages(
  registry: RegistryConnection,
  filters: Filters,
  limit: number,
  from: string | undefined,
): Promise<Found> {
  const entries: SearchEntry[] = []
  let after = from
  for (;;) {
    const page = await registry.search({
      ...filters,
      limit: Math.min(LIMITS.listKeys, limit - entries.length),
      ...(after === undefined ? {} : { after }),
    })
    for (const entry of page.entries) entries.push(entry)
    // A page without progress would be asked for ever; one without entries may have looked at many.
    if (page.next === undefined || page.next === after) return { entries }
    after = page.next
    if (entries.length >= limit) return { entries, next: after }
  }
}

function foundTable(entries: readonly SearchEntry[]): string {
  if (entries.length === 0) return ''
  return formatTable(
    ['Key', 'Type', 'Version', 'Modified', 'By', 'Tags', 'Description'],
    entries.map((entry) => [
      entry.key,
      entry.encrypted ? `${entry.type}, encrypted` : entry.type,
      String(entry.version),
      formatTime(entry.modified_at),
      entry.modified_by,
      (entry.tags ?? []).join(', '),
      entry.description ?? '',
    ]),
  )
}
