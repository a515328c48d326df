/** `sreg doctor`: the findings are the result, also when no daemon answers; the exit code tells whether one is a fault. */
import { SecregError, type SecurityFinding, STATUS } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { formatFindings } from '../findings-table.ts'
import { outsideFindings } from '../outside-findings.ts'

export async function run(context: Context): Promise<number> {
  const findings = await look(context)
  const ok = findings.every(({ level }) => level !== 'fault')
  await context.print({ ok, findings }, () => formatFindings(findings))
  return ok ? STATUS.Success : STATUS.InvalidState
}

async function look(context: Context): Promise<readonly SecurityFinding[]> {
  try {
    const { findings = [] } = await context.withRegistry('needed', (registry) =>
      registry.maintain({ op: 'doctor' }, { timeoutMs: LONG_TIMEOUT_MS }),
    )
    return findings
  } catch (error) {
    if (!SecregError.is(error)) throw error
    return outsideFindings(context, error)
  }
}
