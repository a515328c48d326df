/** `sreg audit check-proof`: shows what a proof shows, without a daemon. */
import { parseProof } from '@secreg/audit/verify'
import { STATUS } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatPairs } from '../table.ts'
import { type ProvenGrowth, type ProvenRecord, provenGrowth, provenRecord } from './proven.ts'
import { Texts } from './texts.ts'

/** Longest line of a log, bytes (@secreg/audit, MAX_LINE_BYTES), and its newline. */
const LINE_BYTES = 32 * 1024 * 1024 + 1

export async function checkProof(context: Context): Promise<number> {
  const texts = new Texts(context)
  const keys = await texts.keys()
  if (keys.length === 0) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'a proof shows nothing without a key of the log',
      'give --key or --key-file; "sreg audit keys" tells the keys',
    )
  }
  const text = await texts.text(context.operand(0))
  const proven =
    parseProof(text)?.kind === 'consistency'
      ? provenGrowth(text, await texts.text(needed(context, 'old', 'line')), keys)
      : provenRecord(text, await texts.bytes(needed(context, 'line', 'old'), LINE_BYTES), keys)
  await context.print({ ok: true, ...proven }, () => report(proven))
  return STATUS.Success
}

/** An option that this kind of proof needs; the other one is of the other kind. */
function needed(context: Context, name: string, other: string): string {
  const path = context.text(name)
  if (path !== undefined && context.text(other) === undefined) return path
  throw new CliError('INVALID_ARGUMENT', `this proof needs --${name}, and has no --${other}`)
}

function report(proven: ProvenRecord | ProvenGrowth): string {
  return formatPairs([
    [
      'Proven',
      proven.kind === 'inclusion'
        ? `record ${proven.sequence} is in the log of ${proven.size} records`
        : `the log of ${proven.to} records continues the one of ${proven.from} records`,
    ],
    ['Log', proven.origin],
    ['Signed by', proven.key],
  ])
}
