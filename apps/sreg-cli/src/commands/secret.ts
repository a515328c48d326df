/** `sreg secret`: secrets of any provider, by their URIs. */
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { hasControl, printable } from '../escape.ts'
import { writeAll } from '../io.ts'
import { ask, type SecretsQuestion } from '../secrets-api/ask.ts'
import { readSecretValue } from '../secrets-api/secret-value.ts'
import { textOfValue } from '../secrets-api/text-of-value.ts'
import { formatTable } from '../table.ts'

type Members = Readonly<Record<string, unknown>>

/** The largest version, and the largest offset: what the API takes. */
const MOST = 2 ** 31 - 1

export async function run(context: Context): Promise<undefined> {
  switch (context.invocation.subcommand) {
    case 'set':
      return await write(context, 'write')
    case 'rotate':
      return await write(context, 'rotate')
    case 'copy':
      return await transfer(context, 'copy')
    case 'move':
      return await transfer(context, 'move')
    case 'search':
      return await search(context)
    default:
      return await get(context)
  }
}

function send(context: Context, question: SecretsQuestion): Promise<Members> {
  return context.withRegistry('needed', (registry) => ask(registry, question))
}

async function get(context: Context): Promise<undefined> {
  const query = { uri: context.operand(0), version: context.whole('version', 1, MOST) }
  const answer = await send(context, { route: 'value', query })
  if (!Object.hasOwn(answer, 'value')) throw new CliError('INTERNAL', 'the answer has no value')
  const text = textOfValue(answer['value'])
  await context.print(answer, () => '')
  if (!context.json) {
    await writeAll(context.io.stdout, context.flag('raw') ? text : `${text}\n`)
  }
  if (context.verbose) await context.note(versionText(answer['version']))
}

async function write(context: Context, route: 'write' | 'rotate'): Promise<undefined> {
  const uri = context.operand(0)
  const cas = route === 'write' ? context.whole('cas', 0, MOST) : undefined
  const { json, visible } = await readSecretValue(context, uri)
  const more = cas === undefined ? '' : `,"cas":${cas}`
  const body = `{"uri":${JSON.stringify(uri)},"value":${json}${more}}`
  const answer = await send(context, { route, body })
  await context.print(answer, () => '')
  if (visible && context.io.stderr.isTTY === true) {
    await context.note(
      'the value was visible to other processes; give - and write it to standard input',
    )
  }
  if (!context.verbose) return
  const { version, old_version: old, new_version: fresh } = answer
  await context.note(
    route === 'write' ? versionText(version) : `${versionText(fresh)}, before: ${old ?? 'none'}`,
  )
}

async function transfer(context: Context, route: 'copy' | 'move'): Promise<undefined> {
  const body = JSON.stringify({
    fromUri: context.operand(0),
    toUri: context.operand(1),
    overwrite: context.flag('overwrite'),
  })
  const answer = await send(context, { route, body })
  await context.print(answer, () => '')
  if (context.verbose) await context.note(versionText(answer['version']))
}

async function search(context: Context): Promise<undefined> {
  const query = {
    q: context.operand(0),
    prefix: context.text('prefix'),
    limit: context.whole('limit', 1, 1000),
    offset: context.whole('offset', 0, MOST),
  }
  const answer = await send(context, { route: 'search', query })
  const { total } = answer
  const items = (Array.isArray(answer['items']) ? answer['items'] : []) as readonly Members[]
  const rows = items.map(({ uri, kind }) => [String(uri), String(kind)] as const)
  const terminal = context.io.stdout.isTTY === true
  await context.print(answer, () =>
    context.verbose && rows.length > 0
      ? formatTable(['URI', 'Kind'], rows)
      : rows.map(([uri]) => (terminal || hasControl(uri) ? printable(uri) : uri)).join('\n'),
  )
  const shown = (query.offset ?? 0) + rows.length
  if (rows.length > 0 && typeof total === 'number' && total > shown) {
    await context.note(`there are ${total}; go on with --offset ${shown}`)
  }
}

function versionText(version: unknown): string {
  return typeof version === 'number' ? `version ${version}` : 'it has no versions'
}
