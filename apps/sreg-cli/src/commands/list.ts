/** `sreg list`: one key a line, all pages; a table with `--verbose`. */
import type { RegistryConnection } from '@secreg/client'
import type { ListEntry } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { hasControl, printable } from '../escape.ts'
import { formatTime } from '../format.ts'
import { formatTable } from '../table.ts'

interface Listing {
  readonly keys: string[]
  readonly entries: ListEntry[]
}

async function listAll(
  registry: RegistryConnection,
  request: { readonly prefix: string; readonly recursive: boolean; readonly detail: boolean },
): Promise<Listing> {
  const listing: Listing = { keys: [], entries: [] }
  const { prefix, recursive, detail } = request
  let after: string | undefined
  do {
    const page = await registry.list({
      prefix,
      recursive,
      ...(detail ? { detail } : {}),
      ...(after === undefined ? {} : { after }),
    })
    for (const key of page.keys) listing.keys.push(key)
    for (const entry of page.entries ?? []) listing.entries.push(entry)
    after = page.next === after ? undefined : page.next
  } while (after !== undefined)
  return listing
}

export async function run(context: Context): Promise<undefined> {
  const detail = context.verbose
  const { keys, entries } = await context.withRegistry('needed', (registry) =>
    listAll(registry, {
      prefix: context.operand(0),
      recursive: context.flag('recursive'),
      detail,
    }),
  )
  const terminal = context.io.stdout.isTTY === true
  await context.print(detail ? { keys, entries } : { keys }, () =>
    detail
      ? detailTable(keys, entries)
      : // Into a pipe, a key goes as it is, unless it could not be one line.
        keys.map((key) => (terminal || hasControl(key) ? printable(key) : key)).join('\n'),
  )
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
