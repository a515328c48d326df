/** Whether everybody who logs in with a password has the second factor that is demanded. */
import { decodeAccount, mfaStateOf } from '@secreg/zones'
import type { Core } from '../core.ts'
import { GroupView } from '../group-view.ts'
import { ACCOUNT_SPACE } from '../keys.ts'
import { rowViewOf } from '../row-view.ts'
import { type Diagnosis, finding } from './finding.ts'

/** Nothing to say where none is demanded. */
export async function factorFindings({ engine, settings }: Core): Promise<readonly Diagnosis[]> {
  if (!settings.requireMfa || engine.state !== 'open') return []
  const rows = rowViewOf(new GroupView(engine))
  let all = 0
  let without = 0
  for await (const row of engine.iterate(ACCOUNT_SPACE)) {
    const account = decodeAccount(row.value, row.key.slice(2))
    if (account.disabled || (account.password === undefined && account.system !== true)) continue
    all++
    if (mfaStateOf(rows, account.id).state !== 'on') without++
  }
  const check = 'second factors'
  if (without === 0) return [finding(check, 'ok', `all of ${all} users have a second factor`)]
  return [
    finding(
      check,
      'warning',
      `${without} of ${all} users have no second factor, and can do nothing but set one up`,
      'they run: sreg login, then sreg mfa enroll',
    ),
  ]
}
