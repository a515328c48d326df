/** `sreg rollback`: the value of an older version as a new one. */
import { changeVersions, versionOperand } from '../change-versions.ts'
import type { Context } from '../context.ts'

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const version = versionOperand(context, 1)
  const ifVersion = context.whole('if-version', 0)
  const answer = await changeVersions(context, {
    op: 'rollback',
    key,
    version,
    ...(ifVersion === undefined ? {} : { if_version: ifVersion }),
  })
  if (context.verbose && answer.version !== undefined) {
    await context.note(`${key} has version ${answer.version}`)
  }
}
