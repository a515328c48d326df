/** `sreg destroy`: the values of versions are erased for ever. */
import { LIMITS } from '@secreg/protocol'
import { changeVersions, noteErasing } from '../change-versions.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { parseWhole } from '../whole.ts'

export async function run(context: Context): Promise<undefined> {
  const [key = '', ...numbers] = context.invocation.operands
  const versions = [...new Set(numbers.map((number) => parseWhole(number, '<version>', 1)))]
  if (versions.length > LIMITS.historyVersions) {
    throw new CliError(
      'LIMIT_EXCEEDED',
      `at most ${LIMITS.historyVersions} versions are destroyed at once`,
      'name fewer versions, several times',
    )
  }
  await confirm(
    context,
    `${versions.length === 1 ? 'version' : 'versions'} ${versions.join(', ')} of ${key} will be erased`,
  )
  const answer = await changeVersions(context, { op: 'destroy', key, versions })
  await noteErasing(context, answer)
  if (context.verbose) await context.note(`${answer.count ?? 0} destroyed`)
}
