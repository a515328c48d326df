/** `sreg policy list` and `get`, and the documents of the commands that take a file. */
import { STATUS } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { safeLines } from '../escape.ts'
import { writeAll } from '../io.ts'
import { readPages } from '../read-pages.ts'
import { askPolicy, type SetPolicy } from './change-policy.ts'
import { checkLocally, withoutFirst } from './check-locally.ts'
import { type ForeignFormat, readForeign } from './foreign.ts'
import { type Document, readDocument, readPolicyFile } from './policy-file.ts'
import { policiesTable } from './tables.ts'

export async function list(context: Context): Promise<number> {
  const homes = context.flag('homes') ? { homes: true } : {}
  const policies = await context.withRegistry('needed', (registry) =>
    readPages(async (more) => {
      const { policies: items = [], next } = await registry.policy({
        op: 'list',
        ...homes,
        ...more,
      })
      return { items, next }
    }),
  )
  await context.print({ policies }, () => policiesTable(policies))
  return STATUS.Success
}

/** The document is what is printed, so that it can be edited and set again. */
export async function get(context: Context): Promise<number> {
  const { document, revision } = await askPolicy(context, {
    op: 'get',
    policy: context.operand(0),
  })
  if (document === undefined) throw new CliError('INTERNAL', 'the daemon gave no document')
  if (context.json) {
    await context.print({ document, revision }, () => '')
    return STATUS.Success
  }
  const text = await textOf(document as Document, context.text('format'))
  await writeAll(context.io.stdout, safeLines(text))
  if (context.verbose) await context.note(`revision ${revision}`)
  return STATUS.Success
}

async function textOf(document: Document, format: string | undefined): Promise<string> {
  const { formatPolicyJson, formatPolicyToml } = await import('@secreg/policy-text')
  if (format !== 'toml') return formatPolicyJson(document)
  try {
    return formatPolicyToml(document)
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    const message = 'the policy holds what TOML cannot'
    throw new CliError('INVALID_ARGUMENT', message, 'give --format json', { cause })
  }
}

/** The document of a file, checked. */
export async function documentOf(context: Context, source: string): Promise<SetPolicy> {
  const file = await readDocument(context, source)
  await checkLocally([file.document], (pointer, message) =>
    file.mistake(withoutFirst(pointer), message),
  )
  return { document: file.document, mistake: file.mistake }
}

/** The document of a file of another system, checked. */
export async function foreignDocumentOf(context: Context): Promise<SetPolicy> {
  const format = context.text('format') as ForeignFormat | undefined
  if (format === undefined) {
    throw new CliError(
      'INVALID_ARGUMENT',
      '--format is missing',
      'give one of acl, roles, vault, setec, libvirt',
    )
  }
  const forms = format === 'vault' ? (['json', 'hcl'] as const) : (['json'] as const)
  const file = await readPolicyFile(context, context.operand(0), forms)
  const { document, mistake } = await readForeign(context, format, file)
  await checkLocally([document], (pointer, message) => mistake(withoutFirst(pointer), message))
  return { document, mistake }
}
