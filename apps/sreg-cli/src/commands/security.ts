/** `sreg security check|audit`: the findings are the result, also when they are bad; the exit code tells. */
import { STATUS } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { formatTable } from '../table.ts'

export async function run(context: Context): Promise<number> {
  const op = context.invocation.subcommand === 'audit' ? 'audit' : 'check'
  const answer = await context.withRegistry('needed', (registry) =>
    registry.security({ op }, { timeoutMs: LONG_TIMEOUT_MS }),
  )
  await context.print(answer, () =>
    formatTable(
      ['Level', 'Check', 'Finding'],
      answer.findings.map(({ level, check, message }) => [level, check, message]),
    ),
  )
  if (answer.ok) return STATUS.Success
  return op === 'audit' ? STATUS.DatabaseError : STATUS.InvalidState
}
