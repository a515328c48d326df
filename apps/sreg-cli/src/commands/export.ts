/** `sreg export`: one document of entries, to standard output or a private file. */
import type { RegistryConnection } from '@secreg/client'
import type { ExportEntry } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import { writeAll } from '../io.ts'
import { writePrivateFile } from '../private-file.ts'
import { readSecrets } from '../secrets.ts'

const PASSPHRASE = {
  question: 'Passphrase of the export',
  again: 'Passphrase again',
} as const

/** Characters of a new passphrase: the shortest that the registry takes for its own. */
const PASSPHRASE_MIN_CHARS = 12

interface Exported {
  readonly entries: ExportEntry[]
  readonly omitted: number
  readonly revision: number
}

export async function run(context: Context): Promise<undefined> {
  const encrypt = context.flag('encrypt')
  const withSecrets = context.flag('with-secrets') || encrypt
  const named = context.text('output')
  const output = named === '-' ? undefined : named
  if (output === undefined && withSecrets && context.io.stdout.isTTY === true) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'secrets and encrypted exports are not written to a terminal',
      'give --output FILE, or redirect',
    )
  }
  if (context.flag('password-stdin') && !encrypt) {
    throw new CliError('INVALID_ARGUMENT', '--password-stdin is only for --encrypt')
  }
  const [passphrase = ''] = encrypt ? await readSecrets(context, [PASSPHRASE]) : []
  if (encrypt && [...passphrase].length < PASSPHRASE_MIN_CHARS) {
    throw new CliError(
      'PASSWORD_POLICY',
      `the passphrase of an export needs at least ${PASSPHRASE_MIN_CHARS} characters`,
    )
  }
  const prefix = context.text('prefix')
  const { entries, omitted, revision } = await context.withRegistry('needed', (registry) =>
    readEntries(registry, withSecrets, prefix),
  )
  const { encryptExport, formatExport } = await import('../export-format.ts')
  const plain = formatExport(entries, context.io.now())
  const text = encrypt ? await encryptExport(plain, passphrase) : plain
  if (output === undefined) await writeAll(context.io.stdout, text)
  else {
    await writePrivateFile(output, text)
    await context.print({ output, entries: entries.length, omitted, revision }, () => '')
  }
  if (omitted > 0) {
    await context.note(
      `${omitted} encrypted ${omitted === 1 ? 'entry was' : 'entries were'} left out; --encrypt or --with-secrets includes them`,
    )
  }
}

async function readEntries(
  registry: RegistryConnection,
  withSecrets: boolean,
  prefix: string | undefined,
): Promise<Exported> {
  const entries: ExportEntry[] = []
  const request = {
    with_secrets: withSecrets,
    ...(prefix === undefined ? {} : { prefix }),
  }
  const options = { timeoutMs: LONG_TIMEOUT_MS }
  let page = await registry.export(request, options)
  const { total, omitted, revision } = page
  for (;;) {
    for (const entry of page.entries) entries.push(entry)
    if (page.cursor === undefined) break
    if (page.entries.length === 0) throw incomplete()
    page = await registry.export({ ...request, cursor: page.cursor }, options)
  }
  // A backup that lacks entries must not look like one that has them all.
  if (entries.length !== total && entries.length + omitted !== total) throw incomplete()
  return { entries, omitted, revision }
}

function incomplete(): CliError {
  return new CliError('INTERNAL', 'the daemon did not send the export that it announced')
}
