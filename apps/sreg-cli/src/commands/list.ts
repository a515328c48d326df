/** `sreg list`: one key a line, all pages or `--limit`; a table with `--verbose`. */
import type { RegistryConnection } from '@secreg/client'
import { LIMITS, type ListEntry } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { hasControl, printable } from '../escape.ts'
import { formatTime } from '../format.ts'
import { formatTable } from '../table.ts'

interface Listing {
  readonly keys: string[]
  readonly entries: ListEntry[]
  /** There is more behind this key. */
  next?: string
}

interface ListRequest {
  readonly prefix: string
  readonly recursive: boolean
  readonly detail: boolean
  readonly after: string | undefined
  readonly limit: number | undefined
}

async function readPages(registry: RegistryConnection, request: ListRequest): Promise<Listing> {
  const listing: Listing = { keys: [], entries: [] }
  const { prefix, recursive, detail, limit = Number.POSITIVE_INFINITY } = request
  let { after } = request
  for (;;) {
    const left = limit - listing.keys.length
    const page = await registry.list({
      prefix,
      recursive,
      ...(detail ? { detail } : {}),
      ...(left === Number.POSITIVE_INFINITY ? {} : { limit: Math.min(left, LIMITS.listKeys) }),
      ...(after === undefined ? {} : { after }),
    })
    for (const key of page.keys) listing.keys.push(key)
    for (const entry of page.entries ?? []) listing.entries.push(entry)
    // A page without progress would be asked for ever.
    if (page.next === undefined || page.next === after) return listing
    after = page.next
    if (listing.keys.length >= limit) return { ...listing, next: after }
  }
}

export async function run(context: Context): Promise<undefined> {
  const detail = context.verbose
  const request: ListRequest = {
    prefix: context.operand(0),
    recursive: context.flag('recursive'),
    detail,
    after: context.text('after'),
    limit: context.whole('limit', 1),
  }
  const { keys, entries, next } = await context.withRegistry('needed', (registry) =>
    readPages(registry, request),
  )
  const terminal = context.io.stdout.isTTY === true
  const more = next === undefined ? {} : { next }
  await context.print(detail ? { keys, entries, ...more } : { keys, ...more }, () =>
    detail
      ? detailTable(keys, entries)
      : // Into a pipe, a key goes as it is, unless it could not be one line.
        keys.map((key) => (terminal || hasControl(key) ? printable(key) : key)).join('\n'),
  )
  if (next !== undefined) await context.note(`there is more; go on with --after ${next}`)
}

function detailTable(keys: readonly string[], entries: readonly ListEntry[]): string {
  const known = new Map(entries.map((entry) => [entry.key, entry]))
  return formatTable(
    ['Key', 'Type', 'Version', 'Modified', 'By'],
    keys.map((key) => {
      const entry = known.get(key)
      if (entry === undefined) return [key, '', '', '', '']
      return [
        key,
        entry.encrypted ? `${entry.type}, encrypted` : entry.type,
        String(entry.version),
        formatTime(entry.modified_at),
        entry.modified_by,
      ]
    }),
  )
}
