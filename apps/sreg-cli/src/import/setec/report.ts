/** What an import of secrets tells at its end. */
import type { Context } from '../../context.ts'
import { formatTable } from '../../table.ts'
import { statusOfProblems } from '../status-of-problems.ts'
import type { Problem } from './failures.ts'
import type { Unplaced } from './import-secrets.ts'
import type { SecretOutcome } from './secret-import.ts'
import { formatRanges } from './version-ranges.ts'

type Outcome = SecretOutcome | Unplaced

/** Problems that are told to people; the others are counted. */
const MAX_TOLD = 50

/**
 * Tell it.
 *
 * @returns exit code: that of a conflict, else of a denial, else of the first problem
 */
export async function report(
  context: Context,
  outcomes: readonly Outcome[],
  dryRun: boolean,
): Promise<number> {
  const placed = outcomes.filter((one): one is SecretOutcome => one.key !== undefined)
  const imported = count(placed, ({ created }) => created.length)
  const unchanged = count(placed, ({ same }) => same.length)
  const activated = count(placed, (one) => (one.activated === undefined ? 0 : 1))
  const vanished = count(placed, ({ isGone }) => (isGone ? 1 : 0))
  const skipped = vanished === 0 ? {} : { vanished }
  const troubled = outcomes.filter((one): one is Outcome & { problem: Problem } => {
    return one.problem !== undefined
  })
  const problems = troubled.map(({ name, key, problem }) => ({ secret: name, key, ...problem }))
  await context.print(
    dryRun
      ? { changes: placed.map(changeOf), unchanged, skipped, problems }
      : { secrets: outcomes.length, imported, unchanged, activated, skipped, problems },
    () => (dryRun ? changesTable(placed) : ''),
  )
  for (const { name } of placed.filter(({ isGone }) => isGone)) {
    await context.note(`${quoted(name)}: is not at the server any more; it was skipped`)
  }
  for (const { name, problem } of troubled.slice(0, MAX_TOLD)) {
    await context.note(`${quoted(name)}: ${textOf(problem)}`)
  }
  if (troubled.length > MAX_TOLD) {
    await context.note(`and ${troubled.length - MAX_TOLD} more problems; --json tells all`)
  }
  await context.note(
    [
      dryRun
        ? `${versions(imported)} would be imported, ${unchanged} would stay`
        : `${versions(imported)} imported, ${unchanged} unchanged`,
      ...(activated === 0 ? [] : [`${activated} ${dryRun ? 'would be ' : ''}activated`]),
      ...(vanished === 0 ? [] : [`skipped: ${vanished} vanished`]),
      ...(troubled.length === 0 ? [] : [`problems: ${troubled.length}`]),
      ...(dryRun ? ['nothing was changed'] : []),
    ].join('; '),
  )
  return statusOfProblems(troubled.map(({ problem }) => problem))
}

function count(outcomes: readonly SecretOutcome[], of: (outcome: SecretOutcome) => number): number {
  return outcomes.reduce((sum, outcome) => sum + of(outcome), 0)
}

function versions(number: number): string {
  return `${number} ${number === 1 ? 'version' : 'versions'}`
}

function changeOf({ name, key, created, same, activated, isGone }: SecretOutcome): object {
  const active = activated === undefined ? {} : { activate: activated }
  return { secret: name, key, create: created, same, ...active, ...(isGone ? { gone: true } : {}) }
}

function changesTable(outcomes: readonly SecretOutcome[]): string {
  const rows = outcomes.flatMap(({ name, created, activated }) => [
    ...(created.length === 0 ? [] : [['create', formatRanges(created), quoted(name)]]),
    ...(activated === undefined ? [] : [['activate', String(activated), quoted(name)]]),
  ])
  return rows.length === 0 ? '' : formatTable(['Change', 'Versions', 'Secret'], rows)
}

/** A name, which may be any text, so that it is seen where it ends. */
function quoted(name: string): string {
  return JSON.stringify(name)
}

function textOf({ message, versions: numbers }: Problem): string {
  if (numbers.length === 0) return message
  return `version${numbers.length === 1 ? '' : 's'} ${formatRanges(numbers)}: ${message}`
}
