/** `sreg delete`. */
import type { Context } from '../context.ts'

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const recursive = context.flag('recursive')
  const answer = await context.withRegistry('needed', (registry) =>
    registry.delete({ key, ...(recursive ? { recursive } : {}) }),
  )
  await context.print(answer, () => '')
  if (context.verbose) await context.note(`${answer.deleted} deleted`)
}
