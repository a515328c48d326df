/** `sreg move`. */
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { withHints } from '../hints.ts'

const HINTS = {
  ALREADY_EXISTS: '"sreg purge" makes room there; it erases what is there for ever',
  NOT_A_LEAF: '--recursive moves everything below it',
  LIMIT_EXCEEDED: 'move its subtrees one by one, each all or nothing',
}

export async function run(context: Context): Promise<undefined> {
  const [from, to] = [context.operand(0), context.operand(1)]
  const answer = await withHints(HINTS, () =>
    context.withRegistry('needed', (registry) =>
      registry.transfer(
        { op: 'move', from, to, ...(context.flag('recursive') ? { recursive: true } : {}) },
        { timeoutMs: LONG_TIMEOUT_MS },
      ),
    ),
  )
  await context.print(answer, () => '')
  if (context.verbose) await context.note(`${answer.count} moved`)
}
