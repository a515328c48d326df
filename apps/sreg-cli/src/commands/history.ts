/** `sreg history`: the versions of an entry, newest first. */
import type { HistoryResponse, VersionInfo } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { formatTime } from '../format.ts'
import { readHistory } from '../read-history.ts'
import { shellWord } from '../shell-word.ts'
import { formatTable } from '../table.ts'

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const limit = context.whole('limit', 1)
  const history = await context.withRegistry('needed', (registry) =>
    readHistory(registry, key, limit),
  )
  await context.print(history, () => historyTable(history, context.verbose))
  if (history.deleted_at !== undefined) {
    await context.note(
      `deleted ${formatTime(history.deleted_at)} by ${history.deleted_by ?? 'unknown'}; run: sreg undelete ${shellWord(key)}`,
    )
  }
  if (history.next !== undefined) await context.note('there are older versions')
  if (!context.verbose) return
  for (const { by, at } of history.polled ?? []) {
    await context.note(`${by} asked whether it changed, ${formatTime(at)}`)
  }
}

function historyTable({ active, versions }: HistoryResponse, verbose: boolean): string {
  if (versions.length === 0) return ''
  const timeOf = (ms: number | undefined): string => (ms === undefined ? '' : formatTime(ms))
  return formatTable(
    ['Version', 'State', 'Type', 'Created', 'By', ...(verbose ? ['Deleted', 'Expires'] : [])],
    versions.map((one) => [
      String(one.version),
      stateOf(one, active),
      one.encrypted ? `${one.type}, encrypted` : one.type,
      formatTime(one.created_at),
      one.created_by,
      ...(verbose ? [timeOf(one.deleted_at), timeOf(one.expires_at)] : []),
    ]),
  )
}

function stateOf({ version, state }: VersionInfo, active: number): string {
  if (version !== active) return state
  return state === 'kept' ? 'active' : `active, ${state}`
}
