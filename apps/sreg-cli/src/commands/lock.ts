/** `sreg lock`. */
import type { Context } from '../context.ts'

export async function run(context: Context): Promise<undefined> {
  const answer = await context.withRegistry('needed', (registry) => registry.seal({ op: 'lock' }))
  await context.print(answer, () => '')
  if (context.verbose) await context.note(answer.state)
}
