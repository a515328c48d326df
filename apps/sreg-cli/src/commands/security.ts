/** `sreg security check|audit`: the findings are the result, also when they are bad; the exit code tells. */
import { STATUS } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { formatFindings } from '../findings-table.ts'

export async function run(context: Context): Promise<number> {
  const op = context.invocation.subcommand === 'audit' ? 'audit' : 'check'
  const answer = await context.withRegistry('needed', (registry) =>
    registry.security({ op }, { timeoutMs: LONG_TIMEOUT_MS }),
  )
  await context.print(answer, () => formatFindings(answer.findings))
  if (answer.ok) return STATUS.Success
  return op === 'audit' ? STATUS.DatabaseError : STATUS.InvalidState
}
