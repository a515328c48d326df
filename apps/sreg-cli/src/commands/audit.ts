/** `sreg audit`: the log, newest first or followed, and what proves it to others. */
import type { AuditRecord } from '@secreg/protocol'
import { filtersOf } from '../audit/filters.ts'
import { follow } from '../audit/follow.ts'
import { keys, rotateKey } from '../audit/keys.ts'
import { checkpoint, consistency, prove } from '../audit/proofs.ts'
import { readRecords } from '../audit/read-records.ts'
import { formatRecord, formatRecords } from '../audit/record-form.ts'
import { verify } from '../audit/verify.ts'
import type { Context } from '../context.ts'
import { writeAll } from '../io.ts'

const DEFAULT_LIMIT = 100
/** Records that following begins with. */
const DEFAULT_FIRST = 10
const MAX_LIMIT = 1_000_000

export async function run(context: Context): Promise<number | undefined> {
  switch (context.invocation.subcommand) {
    case 'verify':
      return verify(context)
    case 'checkpoint':
      return checkpoint(context)
    case 'prove':
      return prove(context)
    case 'check-proof':
      return (await import('../audit/check-proof.ts')).checkProof(context)
    case 'consistency':
      return consistency(context)
    case 'keys':
      return keys(context)
    case 'rotate-key':
      return rotateKey(context)
    default:
      return show(context)
  }
}

async function show(context: Context): Promise<undefined> {
  const filters = filtersOf(context)
  const scan = context.flag('scan')
  if (context.flag('follow')) {
    const limit = context.whole('limit', 0, MAX_LIMIT) ?? DEFAULT_FIRST
    await follow(context, { filters, scan, limit })
    return
  }
  const limit = context.whole('limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT
  const records: AuditRecord[] = []
  await context.withRegistry('needed', async (registry) => {
    for await (const page of readRecords(registry, { filters, scan, limit })) {
      if (context.flag('lines')) await printLines(context, page)
      else for (const record of page) records.push(record)
    }
  })
  if (!context.flag('lines'))
    await context.print({ records }, () => formatRecords(context, records))
}

async function printLines(context: Context, records: readonly AuditRecord[]): Promise<void> {
  const lines = records.map((record) => `${formatRecord(context, record)}\n`)
  await writeAll(context.io.stdout, lines.join(''))
}
