/** `sreg meta get|set`. */
import type { MetaResponse, RequestOf } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatDuration, formatTime } from '../format.ts'
import { pairsOf } from '../name-value.ts'
import { formatPairs } from '../table.ts'

type Changes = Omit<Extract<RequestOf<'meta'>, { op: 'set' }>, 'op' | 'key'>

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  if (context.invocation.subcommand === 'set') {
    const changes = changesOf(context)
    const answer = await context.withRegistry('needed', (registry) =>
      registry.meta({ op: 'set', key, ...changes }),
    )
    await context.print(answer, () => '')
  } else {
    const answer = await context.withRegistry('needed', (registry) =>
      registry.meta({ op: 'get', key }),
    )
    await context.print(answer, () => metadataLines(answer))
  }
}

function changesOf(context: Context): Changes {
  refuseBoth(context, ['description', 'tags', 'max-versions', 'cas-required', 'delete-after'])
  const changes: Changes = {}
  const description = context.text('description')
  if (description !== undefined) changes.description = description
  if (context.flag('no-description')) changes.description = null
  if (context.flag('tag')) changes.tags = [...context.texts('tag')]
  if (context.flag('no-tags')) changes.tags = []
  const custom = customOf(context)
  if (custom.size > 0) changes.custom = Object.fromEntries(custom)
  if (context.flag('grant')) changes.granted = true
  const maxVersions = context.whole('max-versions', 1)
  if (maxVersions !== undefined) changes.max_versions = maxVersions
  if (context.flag('no-max-versions')) changes.max_versions = null
  if (context.flag('cas-required')) changes.cas_required = true
  if (context.flag('no-cas-required')) changes.cas_required = false
  const deleteAfter = context.seconds('delete-after')
  // 0 is none here as it is in --ttl.
  if (deleteAfter !== undefined) changes.delete_after_s = deleteAfter === 0 ? null : deleteAfter
  if (context.flag('no-delete-after')) changes.delete_after_s = null
  const ttl = context.seconds('ttl')
  if (ttl !== undefined) changes.ttl_s = ttl
  if (Object.keys(changes).length === 0) {
    throw new CliError('INVALID_ARGUMENT', 'what to set is missing', 'run: sreg help meta set')
  }
  const ifRevision = context.whole('if-revision', 0)
  if (ifRevision !== undefined) changes.if_revision = ifRevision
  return changes
}

/** Members to set, and as `null` those to remove. */
function customOf(context: Context): Map<string, string | null> {
  const custom = new Map<string, string | null>(pairsOf(context.texts('custom'), '--custom'))
  if (context.flag('grant') && custom.size === 0) {
    throw new CliError('INVALID_ARGUMENT', '--grant is only for --custom')
  }
  for (const name of context.texts('remove')) {
    if (typeof custom.get(name) === 'string') {
      throw new CliError('INVALID_ARGUMENT', '--custom and --remove have one name in common')
    }
    custom.set(name, null)
  }
  return custom
}

/** An option and the switch that takes it back cannot both be meant. */
function refuseBoth(context: Context, names: readonly string[]): void {
  for (const name of names) {
    const option = name === 'tags' ? 'tag' : name
    if (context.flag(option) && context.flag(`no-${name}`)) {
      throw new CliError('INVALID_ARGUMENT', `--${option} and --no-${name} exclude each other`)
    }
  }
}

function metadataLines(meta: MetaResponse): string {
  const granted = (name: string): string => (meta.granted.includes(name) ? ' (granted)' : '')
  const flags = (['encrypted', 'private', 'ephemeral'] as const).filter((flag) => meta[flag])
  const time = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : formatTime(ms)
  return formatPairs([
    ['Key', meta.key],
    ['Type', [meta.type, ...flags].join(', ')],
    ['Active version', meta.active === 0 ? 'none' : String(meta.active)],
    ['Latest version', String(meta.latest)],
    ['Created', `${formatTime(meta.created_at)} by ${meta.created_by}`],
    ['Modified', `${formatTime(meta.modified_at)} by ${meta.modified_by}`],
    ['Revision', String(meta.modify_revision)],
    ['Expires', time(meta.expires_at)],
    ['Deleted', time(meta.deleted_at)],
    ['Description', meta.description],
    ['Tags', meta.tags.length === 0 ? undefined : meta.tags.join(', ')],
    ['Versions kept', meta.max_versions === undefined ? undefined : String(meta.max_versions)],
    ['Needs --if-version', meta.cas_required === undefined ? undefined : yesNo(meta.cas_required)],
    [
      'Versions deleted after',
      meta.delete_after_s === undefined ? undefined : formatDuration(meta.delete_after_s),
    ],
    ['Write rules', meta.dialect],
    ...Object.entries(meta.custom).map(
      ([name, value]) => ['Custom', `${name}=${value}${granted(name)}`] as const,
    ),
  ])
}

const yesNo = (value: boolean): string => (value ? 'yes' : 'no')
