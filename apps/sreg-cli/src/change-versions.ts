/** What the commands that change versions have in common. */
import type { RequestOf, VersionsResponse } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from './context.ts'
import { parseWhole } from './whole.ts'

/** Send one change and print its answer with `--json`. */
export async function changeVersions(
  context: Context,
  request: RequestOf<'versions'>,
): Promise<VersionsResponse> {
  // Erased bytes leave the files before the answer comes.
  const answer = await context.withRegistry('needed', (registry) =>
    registry.versions(request, { timeoutMs: LONG_TIMEOUT_MS }),
  )
  await context.print(answer, () => '')
  return answer
}

/**
 * Operand that is the number of a version.
 *
 * @throws CliError `INVALID_ARGUMENT`
 */
export function versionOperand(context: Context, index: number, name = 'version'): number {
  return parseWhole(context.operand(index), `<${name}>`, 1)
}

/** Tell what became of the old bytes, where that is not what one expects. */
export async function noteErasing(context: Context, { erased }: VersionsResponse): Promise<void> {
  if (erased === false) await context.note('the old bytes leave the disk in the background')
}
