/** The last one who can administer is not locked out by accident (DESIGN §3). */
import type { CompiledPolicy, Context } from '@secreg/policy-engine'
import { SecregError } from '@secreg/protocol'
import {
  type Account,
  ADMINS_KEY,
  decodeAccount,
  decodeAdmins,
  type RowView,
  readAccount,
} from '@secreg/zones'
import type { Core } from '../core.ts'
import { GroupView } from '../group-view.ts'
import { ACCOUNT_SPACE } from '../keys.ts'
import { rowViewOf } from '../row-view.ts'
import { subjectOf } from './principals.ts'

/** What he must be able to do, so that everything else can be brought back. */
const NEEDED = ['account', 'policy'] as const

/** As an administrator comes who means to: with his second factor, at a local socket. */
const AT_HIS_BEST: Context = { mfa: true, door: 'registry', proof: 'credential' }

/** As many as one change of one account cannot take away. */
const ENOUGH = 2

/**
 * Require that, once a change is made, somebody with a password can administer accounts and policies.
 *
 * @param rows - accounts as they will be
 * @param policy - policies as they will be
 * @param others - ids of accounts beside those with the role `admin` who may be it
 * @throws SecregError `ERR_LAST_ADMINISTRATOR`
 */
export function requireAdministrator(
  rows: RowView,
  policy: CompiledPolicy,
  time: number,
  others: readonly string[],
): void {
  for (const id of [...decodeAdmins(rows.get(ADMINS_KEY)), ...others]) {
    if (isAdministrator(readAccount(rows, id), policy, time)) return
  }
  throw new SecregError(
    'LAST_ADMINISTRATOR',
    'nobody who has a password could administer accounts and policies after this; let another one do so first',
  )
}

/**
 * Accounts that could be it beside those with the role `admin`, where there are too few of those. Read outside the
 * writer's turn: what they are then is looked at again there.
 *
 * @returns ids, a few of them
 */
export async function otherAdministrators(
  { engine, now }: Pick<Core, 'engine' | 'now'>,
  policy: CompiledPolicy,
): Promise<readonly string[]> {
  const rows = rowViewOf(new GroupView(engine))
  const isOne = (account: Account | undefined): boolean => isAdministrator(account, policy, now())
  const admins = decodeAdmins(rows.get(ADMINS_KEY))
  let left = ENOUGH - admins.filter((id) => isOne(readAccount(rows, id))).length
  const ids: string[] = []
  if (left <= 0) return ids
  for await (const row of engine.iterate(ACCOUNT_SPACE)) {
    const account = decodeAccount(row.value, row.key.slice(2))
    if (admins.includes(account.id) || !isOne(account)) continue
    ids.push(account.id)
    if (--left === 0) break
  }
  return ids
}

function isAdministrator(
  account: Account | undefined,
  policy: CompiledPolicy,
  time: number,
): boolean {
  if (account === undefined || account.disabled || account.password === undefined) return false
  const subject = subjectOf(policy, account)
  return NEEDED.every((action) => {
    const { decision, obligations } = policy.decide({
      subject,
      action,
      resource: '/',
      time,
      context: AT_HIS_BEST,
    })
    return decision === 'allow' && obligations === undefined
  })
}
