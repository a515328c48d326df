/** `sreg activate`: an existing version becomes the active one. */
import { changeVersions, versionOperand } from '../change-versions.ts'
import type { Context } from '../context.ts'

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const version = versionOperand(context, 1)
  const ifRevision = context.whole('if-revision', 0)
  await changeVersions(context, {
    op: 'activate',
    key,
    version,
    ...(ifRevision === undefined ? {} : { if_revision: ifRevision }),
  })
}
