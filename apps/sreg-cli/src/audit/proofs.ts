/** `sreg audit checkpoint|prove|consistency`: what can be kept elsewhere and shown to others, from the daemon. */
import { type EvidenceResponse, type RequestOf, STATUS } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import { printableLines } from '../escape.ts'
import { writeAll } from '../io.ts'
import { writePrivateFile } from '../private-file.ts'
import { parseWhole } from '../whole.ts'
import { Texts } from './texts.ts'

/** Ask the daemon for evidence. */
export function ask(context: Context, request: RequestOf<'evidence'>): Promise<EvidenceResponse> {
  return context.withRegistry('needed', (registry) =>
    registry.evidence(request, { timeoutMs: LONG_TIMEOUT_MS }),
  )
}

export async function checkpoint(context: Context): Promise<undefined> {
  const [{ checkpoint: note }, { keys = [] }] = await context.withRegistry(
    'needed',
    async (registry) => [
      await registry.evidence({ op: 'checkpoint' }, { timeoutMs: LONG_TIMEOUT_MS }),
      await registry.evidence({ op: 'keys' }),
    ],
  )
  if (note === undefined) throw new CliError('INTERNAL', 'the daemon did not sign the log')
  const { parseCheckpoint, parseNote, parseVkey, verifyNote } = await import('@secreg/audit/verify')
  const read = parseNote(note)
  const known = keys.map(({ key }) => parseVkey(key)).filter((key) => key !== undefined)
  const signers = read === undefined ? undefined : verifyNote(read, known)
  const { size } = (read === undefined ? undefined : parseCheckpoint(read.text)) ?? {}
  const signer = signers?.at(-1)
  if (signer === undefined || size === undefined) {
    throw new CliError('AUDIT_FAILED', 'the checkpoint is signed by no key of the log')
  }
  await give(context, note, { checkpoint: note, key: signer.vkey })
  await context.note(`records 1 to ${size}, signed by ${signer.vkey}`)
}

export async function prove(context: Context): Promise<undefined> {
  const sequence = parseWhole(context.operand(0), 'the number of the record', 1)
  const { checkpoint: note, proof, line } = await ask(context, { op: 'prove', sequence })
  if (proof === undefined) throw new CliError('INTERNAL', 'the daemon gave no proof')
  const file = context.text('line')
  if (file !== undefined && line === undefined) {
    throw new CliError(
      'NOT_FOUND',
      `record ${sequence} was removed by retention`,
      'the proof is of its hash: leave --line away, and take the record from where it was kept',
    )
  }
  // Every byte of it is hashed: not even a newline is added.
  if (file !== undefined && line !== undefined) await writePrivateFile(file, line)
  await give(context, proof, { sequence, checkpoint: note, proof, line })
  if (line === undefined) {
    await context.note(`record ${sequence} was removed by retention: the proof is of its hash`)
  }
}

/** Only what the daemon proves is believed here, not that it says so. */
export async function consistency(context: Context): Promise<number> {
  const old = await new Texts(context).text(context.operand(0))
  const before = await sizeOf(old)
  if (before === undefined) {
    throw new CliError('INVALID_ARGUMENT', 'the file holds no checkpoint of an audit log')
  }
  const { proof, checkpoint: note } = await ask(context, { op: 'consistency', checkpoint: old })
  if (proof === undefined) throw new CliError('INTERNAL', 'the daemon gave no proof')
  const { provenGrowth } = await import('./proven.ts')
  const { from, to } = provenGrowth(proof, old)
  await give(context, proof, { from, to, checkpoint: note, proof })
  await context.note(`the log of ${to} records continues the one of ${from} records`)
  return STATUS.Success
}

async function sizeOf(text: string): Promise<number | undefined> {
  const { parseCheckpoint, parseNote } = await import('@secreg/audit/verify')
  const note = parseNote(text)
  return note === undefined ? undefined : parseCheckpoint(note.text)?.size
}

/** Print a text exactly as it is, or write it to the file of `--output`; with `--json` the object. */
async function give(context: Context, text: string, answer: object): Promise<void> {
  const output = context.text('output')
  if (output !== undefined && output !== '-') {
    await writePrivateFile(output, text)
    await context.print({ output, ...answer }, () => '')
  } else if (context.json) {
    await context.print(answer, () => '')
  } else {
    const { stdout } = context.io
    await writeAll(stdout, stdout.isTTY === true ? printableLines(text) : text)
  }
}
