/** `sreg import`: entries from a file or a directory, all or nothing; secrets from a server, or of libvirt. */
import type { ImportChange } from '@secreg/protocol'
import { changesTable } from '../changes-table.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { withHints } from '../hints.ts'
import { readSource } from '../import/read-source.ts'
import type { Source } from '../import/staged-entry.ts'
import { importStaged, type StagedImportResult } from '../import/staged-import.ts'
import { startProgress } from '../progress.ts'

export async function run(context: Context): Promise<number | undefined> {
  const format = context.text('format')
  if (format === 'libvirt') return (await import('../import/libvirt/run.ts')).run(context)
  if (context.text('key') !== undefined) {
    throw new CliError('INVALID_ARGUMENT', '--key is for --format libvirt', 'leave --key out')
  }
  if (format === 'setec') return (await import('../import/setec/run.ts')).run(context)
  if (format === undefined && /^https?:\/\//i.test(context.operand(0))) {
    throw new CliError('INVALID_ARGUMENT', 'the file is an address', 'give --format setec')
  }
  const source = await readSource(context)
  if (source.entries.length === 0) {
    throw new CliError('INVALID_ARGUMENT', `nothing to import${skippedText(source)}`)
  }
  const dryRun = context.flag('dry-run')
  const result = await store(context, source, dryRun)
  if (dryRun) await printChanges(context, source, result.changes)
  else {
    const { imported, unchanged, revision } = result
    const { skipped } = source
    await context.print({ imported, unchanged, skipped, revision }, () => '')
    await context.note(`${imported} imported, ${unchanged} unchanged${skippedText(source)}`)
  }
  return undefined
}

async function store(
  context: Context,
  { entries }: Source,
  dryRun: boolean,
): Promise<StagedImportResult> {
  const bar = await startProgress(context, 'importing', entries.length)
  try {
    return await withHints(HINTS, () =>
      context.withRegistry('needed', (registry) =>
        importStaged(registry, entries, {
          force: context.flag('force'),
          dryRun,
          progress: (staged) => bar.update(staged),
        }),
      ),
    )
  } finally {
    bar.stop()
  }
}

const HINTS = {
  ALREADY_EXISTS: '--dry-run shows the differences, --force overwrites',
  LIMIT_EXCEEDED: 'import parts of it, each all or nothing: "sreg export --prefix" makes them',
}

function skippedText({ skipped }: Source): string {
  const parts = Object.entries(skipped).map(([reason, count]) => `${count} ${reason}`)
  return parts.length === 0 ? '' : `; skipped: ${parts.join(', ')}`
}

async function printChanges(
  context: Context,
  source: Source,
  changes: readonly ImportChange[],
): Promise<void> {
  const differing = changes.filter(({ change }) => change !== 'same')
  const same = changes.length - differing.length
  await context.print({ changes, skipped: source.skipped }, () => changesTable(changes))
  await context.note(
    `${differing.length} would change, ${same} would stay${skippedText(source)}; nothing was changed`,
  )
}
