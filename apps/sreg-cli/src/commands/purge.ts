/** `sreg purge`: an entry or a subtree is erased for ever, with its history. */
import { changeVersions, noteErasing } from '../change-versions.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { withHints } from '../hints.ts'

const HINTS = {
  NOT_A_LEAF: '--recursive purges everything below it',
  LIMIT_EXCEEDED: 'purge its subtrees one by one',
}

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const recursive = context.flag('recursive')
  const what = recursive ? `${key} and everything below it` : key
  await confirm(context, `${what} will be erased with all its history`)
  const answer = await withHints(HINTS, () =>
    changeVersions(context, { op: 'purge', key, ...(recursive ? { recursive } : {}) }),
  )
  await noteErasing(context, answer)
  if (context.verbose) await context.note(`${answer.count ?? 0} purged`)
}
