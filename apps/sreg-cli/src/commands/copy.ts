/** `sreg copy`. */
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { withHints } from '../hints.ts'

const HINTS = {
  ALREADY_EXISTS: '--force writes a new version where there is an entry',
  NOT_A_LEAF: '--recursive copies everything below it',
  LIMIT_EXCEEDED: 'copy its subtrees one by one, each all or nothing',
}

export async function run(context: Context): Promise<undefined> {
  const [from, to] = [context.operand(0), context.operand(1)]
  const answer = await withHints(HINTS, () =>
    context.withRegistry('needed', (registry) =>
      registry.transfer(
        {
          op: 'copy',
          from,
          to,
          ...(context.flag('recursive') ? { recursive: true } : {}),
          ...(context.flag('force') ? { force: true } : {}),
        },
        { timeoutMs: LONG_TIMEOUT_MS },
      ),
    ),
  )
  await context.print(answer, () => '')
  if (context.verbose) await context.note(`${answer.count} copied`)
}
