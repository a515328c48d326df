/** `sreg support-bundle`: what a report of a fault needs, in a private file. */
import type { SupportFacts } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import { safeJson } from '../escape.ts'
import { indentJson } from '../indent-json.ts'
import { writeAll } from '../io.ts'
import { writePrivateFile } from '../private-file.ts'
import { VERSION } from '../version.ts'

/** The document, format `secreg-support`, version 1. */
interface SupportDocument {
  readonly format: 'secreg-support'
  readonly version: 1
  /** RFC 3339, UTC. */
  readonly created: string
  readonly sreg: { readonly version: string; readonly node: string }
  readonly secregd: SupportFacts
}

export async function run(context: Context): Promise<undefined> {
  const output = context.text('output')
  if (output === undefined) {
    throw new CliError('INVALID_ARGUMENT', '--output is missing', 'give --output FILE')
  }
  const { support } = await context.withRegistry('needed', (registry) =>
    registry.maintain({ op: 'support' }, { timeoutMs: LONG_TIMEOUT_MS }),
  )
  if (support === undefined) {
    throw new CliError('INTERNAL', 'the daemon did not send what a support bundle is made of')
  }
  const text = formatSupport(support, context.io.now())
  if (output === '-') await writeAll(context.io.stdout, text)
  else {
    await writePrivateFile(output, text)
    await context.print({ output, bytes: Buffer.byteLength(text) }, () => '')
  }
  await context.note('look at it before you send it: it tells how this registry is set up and used')
}

function formatSupport(secregd: SupportFacts, nowMs: number): string {
  const document: SupportDocument = {
    format: 'secreg-support',
    version: 1,
    created: new Date(nowMs).toISOString(),
    sreg: { version: VERSION, node: process.version },
    secregd,
  }
  const text = safeJson(document)
  return `${indentJson(text) ?? text}\n`
}
