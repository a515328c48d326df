/** What the plans of accounts share: finding, replacing, and never letting the last administrator go. */
import { SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import {
  type Account,
  ADMINS_KEY,
  accountKey,
  corruptIndex,
  encodeAccount,
  encodeAdmins,
} from './account.ts'
import { isEffectiveAdmin, readAccount, readAdmins } from './account-view.ts'
import { putRow } from './row.ts'
import type { RowView } from './row-view.ts'

/** What to write, and the account as it is then (or was, when it is deleted). */
export interface AccountPlan {
  readonly ops: readonly Op[]
  readonly account: Account
}

/**
 * The account of an id.
 *
 * @throws SecregError `ERR_USER_NOT_FOUND`
 */
export function findAccount(view: RowView, id: string): Account {
  const account = readAccount(view, id)
  if (account === undefined) throw new SecregError('USER_NOT_FOUND', 'no such user')
  return account
}

/** Write an account anew, and the list of administrators where it changes. */
export function replaceAccount(view: RowView, before: Account, after: Account): AccountPlan {
  const account = Object.freeze(after)
  return {
    account,
    ops: [
      putRow(accountKey(account.id), encodeAccount(account)),
      ...planAdmins(view, before, account),
    ],
  }
}

/**
 * Keep the list of administrators, and never let its last one go.
 *
 * @throws SecregError `ERR_LAST_ADMINISTRATOR`
 */
export function planAdmins(
  view: RowView,
  before: Account | undefined,
  after: Account | undefined,
): Op[] {
  const was = before !== undefined && isEffectiveAdmin(before)
  const is = after !== undefined && isEffectiveAdmin(after)
  const admins = readAdmins(view)
  if (before !== undefined && admins.includes(before.id) !== was) throw corruptIndex(ADMINS_KEY)
  if (was === is) return []
  if (is) return [putRow(ADMINS_KEY, encodeAdmins([...admins, after.id]))]
  const left = admins.filter((id) => id !== before?.id)
  // The list alone is not believed here: a wrong one would lock everybody out for good.
  const someone = left.some((id) => {
    const other = readAccount(view, id)
    return other !== undefined && isEffectiveAdmin(other)
  })
  if (!someone) {
    throw new SecregError(
      'LAST_ADMINISTRATOR',
      'this is the last administrator who can log in; make another one first',
    )
  }
  return [putRow(ADMINS_KEY, encodeAdmins(left))]
}
