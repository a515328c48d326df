/** Subjects that services ask about, as policy knows them (DESIGN §7). */
import type { CompiledPolicy, Subject } from '@secreg/policy-engine'
import type { Caller } from '@secreg/protocol'
import {
  type Account,
  isMappableUid,
  normalizeLogin,
  type RowView,
  readAccount,
  readMappedAccount,
} from '@secreg/zones'
import { Directory } from './directory.ts'
import { identityOf, principalsOf } from './principals.ts'

/** A subject as it was asked about. */
interface Named {
  readonly type: string
  readonly id: string
}

/** No name of anybody here is longer. */
const MAX_NAME_CHARS = 256

/**
 * Whoever a subject is: the principal `type:id`, with what his account is. Users, accounts and uids of accounts that are
 * disabled are nobody, and so is whoever is not here; nobody may anything, also not by a rule for everybody.
 *
 * @param rows - of accounts, groups and zones as they are now
 */
export function subjectNamed(policy: CompiledPolicy, named: Named, rows: RowView): Subject {
  const { account, principals = [] } = principalsNamed(named, rows)
  if (account === undefined) return policy.subject(principals)
  if (account.disabled) return policy.subject([])
  const { groups, id, login } = account
  return policy.subject([...principalsOf(account), ...principals], identityOf(id, login, groups))
}

interface Known {
  readonly account?: Account | undefined
  readonly principals?: readonly string[]
}

function principalsNamed({ type, id }: Named, rows: RowView): Known {
  if (id.length > MAX_NAME_CHARS) return {}
  const directory = new Directory(rows)
  switch (type) {
    case 'user':
      return { account: directory.accountOf(id) }
    case 'account':
      return { account: readAccount(rows, id) }
    case 'uid': {
      const uid = /^(?:0|[1-9]\d{0,9})$/.test(id) ? Number(id) : Number.NaN
      if (!isMappableUid(uid)) return {}
      return { account: readMappedAccount(rows, uid), principals: [`uid:${uid}`] }
    }
    case 'role':
    case 'group':
      return directory.has(type, id) ? { principals: [`${type}:${id}`] } : {}
    case 'zone': {
      const zone = directory.zoneIdOf(id)
      return zone === undefined ? {} : { principals: [`zone:${zone}`] }
    }
    default:
      return {}
  }
}

/** Whether a subject is the caller himself. */
export function isCallerNamed({ type, id }: Named, { accountId, login }: Caller): boolean {
  if (type === 'account') return id === accountId
  if (type !== 'user' || login === undefined) return false
  return id === login || normalizeLogin(id) === login
}
