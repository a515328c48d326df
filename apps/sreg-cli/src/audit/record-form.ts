/** Records for people, in a table or a line each, and for programs. */
import type { AuditRecord } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { printable, safeJson } from '../escape.ts'
import { formatTime } from '../format.ts'
import { formatTable } from '../table.ts'

/** Paths of one record in the table. */
const MAX_TARGETS = 3
/** Columns of lines that are printed before the next ones are known. */
const WIDTHS = { record: 8, time: 19, user: 10, action: 16, target: 24 } as const

/** A table, newest first as they are given. */
export function formatRecords(context: Context, records: readonly AuditRecord[]): string {
  const heading = ['Timestamp', 'User', 'Action', 'Target', 'Result']
  return formatTable(
    context.verbose ? ['Record', ...heading] : heading,
    records.map((record) => cellsOf(context, record).map(({ text }) => text)),
  )
}

/** One line of a record, without its newline: with `--json` an object. */
export function formatRecord(context: Context, record: AuditRecord): string {
  if (context.json) return safeJson(record)
  const cells = cellsOf(context, record).map(({ text, width }) => printable(text).padEnd(width))
  return cells.join('  ').trimEnd()
}

interface Cell {
  readonly text: string
  readonly width: number
}

function cellsOf({ verbose }: Context, record: AuditRecord): Cell[] {
  const { sequence, time, action, detail, paths, outcome, reason } = record
  return [
    ...(verbose ? [{ text: String(sequence), width: WIDTHS.record }] : []),
    { text: formatTime(Date.parse(time)), width: WIDTHS.time },
    { text: userOf(record), width: WIDTHS.user },
    { text: detail === undefined ? action : `${action} (${detail})`, width: WIDTHS.action },
    { text: verbose ? paths.join(' ') : targetOf(record), width: WIDTHS.target },
    { text: reason === undefined ? outcome : `${outcome}: ${reason}`, width: 0 },
  ]
}

/** A record of an import names thousands; the table says how many there are. */
function targetOf({ paths, count = paths.length }: AuditRecord): string {
  const total = Math.max(count, paths.length)
  if (total <= MAX_TARGETS) return paths.join(' ')
  return `${paths[0] ?? ''} and ${total - 1} more`
}

function userOf({ actor: { user, uid, principal } }: AuditRecord): string {
  if (user !== undefined) return user
  if (uid !== undefined) return `uid ${uid}`
  return principal === undefined ? '-' : String(principal)
}
