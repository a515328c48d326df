/** `sreg undelete`: a deleted entry, or one deleted version, comes back. */
import { changeVersions } from '../change-versions.ts'
import type { Context } from '../context.ts'

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const version = context.whole('version', 1)
  const answer = await changeVersions(context, {
    op: 'undelete',
    key,
    ...(version === undefined ? {} : { version }),
  })
  if (context.verbose && answer.version !== undefined) {
    await context.note(`the active version of ${key} is ${answer.version}`)
  }
}
