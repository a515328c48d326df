/** `sreg mount list|set|remove`. */
import type { MountInfo, RequestOf } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatDuration, formatSize } from '../format.ts'
import { withHints } from '../hints.ts'
import { parseSize } from '../size.ts'
import { formatTable } from '../table.ts'

const HINTS = {
  NOT_FOUND: 'run: sreg mount list',
  DIALECT_REFUSED: '"sreg mount list" tells which rules are served',
}

export async function run(context: Context): Promise<undefined> {
  const request = requestOf(context)
  const answer = await withHints(HINTS, () =>
    context.withRegistry('needed', (registry) =>
      registry.mount(request, { timeoutMs: LONG_TIMEOUT_MS }),
    ),
  )
  await context.print(answer, () => (request.op === 'list' ? mountTable(answer.mounts) : ''))
}

function requestOf(context: Context): RequestOf<'mount'> {
  const path = context.operand(0)
  switch (context.invocation.subcommand) {
    case 'set': {
      const maxVersions = context.whole('max-versions', 1)
      const maxEntries = context.whole('max-entries', 1)
      const maxBytes = context.text('max-bytes')
      const deleteAfter = context.seconds('delete-after')
      if (deleteAfter === 0) {
        throw new CliError(
          'INVALID_ARGUMENT',
          '--delete-after must not be 0',
          'leave it out: versions are then kept',
        )
      }
      return {
        op: 'set',
        path,
        dialect: context.operand(1),
        ...(maxVersions === undefined ? {} : { max_versions: maxVersions }),
        ...(context.flag('cas-required') ? { cas_required: true } : {}),
        ...(deleteAfter === undefined ? {} : { delete_after_s: deleteAfter }),
        ...(context.flag('encrypt') ? { encrypt: true } : {}),
        ...(maxEntries === undefined ? {} : { max_entries: maxEntries }),
        ...(maxBytes === undefined ? {} : { max_bytes: parseSize(maxBytes, '--max-bytes') }),
      }
    }
    case 'remove':
      return { op: 'remove', path }
    default:
      return { op: 'list' }
  }
}

function mountTable(mounts: readonly MountInfo[]): string {
  return formatTable(
    ['Path', 'Dialect', 'Rules'],
    mounts.map((mount) => [
      mount.path,
      mount.available ? mount.dialect : `${mount.dialect} (not served)`,
      rulesOf(mount).join(', '),
    ]),
  )
}

function rulesOf(mount: MountInfo): string[] {
  const rules: string[] = []
  if (mount.max_versions !== undefined) rules.push(`${mount.max_versions} versions`)
  if (mount.cas_required === true) rules.push('needs --if-version')
  if (mount.delete_after_s !== undefined) {
    rules.push(`versions deleted after ${formatDuration(mount.delete_after_s)}`)
  }
  if (mount.encrypt === true) rules.push('encrypted')
  const { max_entries, max_bytes, entries, bytes } = mount
  if (max_entries !== undefined) rules.push(`${entries} of ${max_entries} entries`)
  if (max_bytes !== undefined) rules.push(`${formatSize(bytes ?? 0)} of ${formatSize(max_bytes)}`)
  return rules
}
