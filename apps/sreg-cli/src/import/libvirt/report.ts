/** What an import of secrets tells at its end. */
import type { Context } from '../../context.ts'
import { formatTable } from '../../table.ts'
import { statusOfProblems } from '../status-of-problems.ts'
import type { Problem } from './failures.ts'
import type { SecretsThere, SkippedFile } from './read-directory.ts'
import { type SecretOutcome, textOfUsage } from './secret-import.ts'

/** Files and secrets that are told to people each; the others are counted. */
const MAX_TOLD = 50

/**
 * Tell it.
 *
 * @returns exit code: that of a conflict, else of a denial, else of the first problem
 */
export async function report(
  context: Context,
  { skipped, problems: files }: SecretsThere,
  outcomes: readonly SecretOutcome[],
  dryRun: boolean,
): Promise<number> {
  const troubled = outcomes.filter((one): one is SecretOutcome & { problem: Problem } => {
    return one.problem !== undefined
  })
  const problems = [
    ...files,
    ...troubled.map(({ uuid, key, problem }) => ({ secret: uuid, key, ...problem })),
  ]
  const changed = outcomes.filter(({ parts }) => parts.length > 0)
  const [imported, updated, unchanged] = (['create', 'update', 'same'] as const).map(
    (change) => outcomes.filter((one) => one.change === change).length,
  )
  const counts = countsOf(skipped)
  const changes = changed.map(changeOf)
  await context.print(
    dryRun
      ? { changes, unchanged, skipped: counts, problems }
      : {
          secrets: outcomes.length,
          imported,
          updated,
          unchanged,
          changes,
          skipped: counts,
          problems,
        },
    () => changesTable(changed),
  )
  await tell(
    context,
    skipped.map(({ file, why }) => `${JSON.stringify(file)}: ${WHY[why]}; it was skipped`),
    'files were skipped',
  )
  await tell(
    context,
    [
      ...files.map(({ file, message }) => `${JSON.stringify(file)}: ${message}`),
      ...troubled.map(({ uuid, problem }) => `${uuid}: ${problem.message}`),
    ],
    'problems',
  )
  const parts = Object.entries(counts).map(([reason, count]) => `${count} ${reason}`)
  await context.note(
    [
      dryRun
        ? `${secrets(imported)} would be imported, ${unchanged} would stay`
        : `${secrets(imported)} imported, ${unchanged} unchanged`,
      ...(updated === 0 ? [] : [`${updated} ${dryRun ? 'would be ' : ''}updated`]),
      ...(parts.length === 0 ? [] : [`skipped: ${parts.join(', ')}`]),
      ...(problems.length === 0 ? [] : [`problems: ${problems.length}`]),
      ...(dryRun ? ['nothing was changed'] : []),
    ].join('; '),
  )
  return statusOfProblems(problems)
}

const WHY: Readonly<Record<SkippedFile['why'], string>> = {
  ephemeral: 'the secret is ephemeral',
  orphan: 'a value without definition, of which libvirt takes no notice',
}

async function tell(context: Context, lines: readonly string[], what: string): Promise<void> {
  for (const line of lines.slice(0, MAX_TOLD)) await context.note(line)
  const more = lines.length - MAX_TOLD
  if (more > 0) await context.note(`and ${more} more ${what}; --json tells all problems`)
}

function secrets(number = 0): string {
  return `${number} ${number === 1 ? 'secret' : 'secrets'}`
}

function countsOf(skipped: readonly SkippedFile[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { why } of skipped) counts[why] = (counts[why] ?? 0) + 1
  return counts
}

function changeOf({ uuid, key, usage, change, parts }: SecretOutcome): object {
  const use = usage.type === 'none' ? {} : { usage_type: usage.type, usage_id: usage.id }
  return { secret: uuid, key, ...use, change, parts }
}

function changesTable(outcomes: readonly SecretOutcome[]): string {
  if (outcomes.length === 0) return ''
  return formatTable(
    ['Change', 'Secret', 'Parts', 'Use'],
    outcomes.map(({ uuid, usage, change = '', parts }) => [
      change,
      uuid,
      parts.join(', '),
      usage.type === 'none' ? '-' : textOfUsage(usage),
    ]),
  )
}
