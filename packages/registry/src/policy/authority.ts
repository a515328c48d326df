/**
 * What somebody must have himself to give it to others, or to act in their place: the role or group that he assigns,
 * the account whose credentials he makes.
 */
import { type Caller, SecregError } from '@secreg/protocol'
import type { Account } from '@secreg/zones'
import { homePolicyId } from '../built-in-policies.ts'
import type { Identity } from '../identity.ts'
import { rulesOf } from './document-facts.ts'
import { requireHolds } from './grantable.ts'
import { principalsOf } from './principals.ts'

/**
 * Require that a caller may assign roles or groups: he has everything that policies give to them.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_GRANT_EXCEEDED`
 */
export function requireAssignable(
  { core, policies }: Identity,
  caller: Caller,
  kind: 'role' | 'group',
  names: readonly string[],
): void {
  if (names.length === 0) return
  if (names.some((name) => kind === 'group' || name !== 'user')) {
    core.authorizer.require(caller, 'grant', '/')
  }
  const principals = new Set(names.map((name) => `${kind}:${name}`))
  requireHolds(policies.current.documents, principals, (action, pattern, conditions) =>
    core.authorizer.covers(caller, action, pattern, conditions),
  )
}

/**
 * Require that a caller may take roles or groups away, which gives what denies of them kept from an account.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`
 */
export function requireMayTakeAway(
  { core }: Identity,
  caller: Caller,
  names: readonly string[],
): void {
  if (names.length > 0) core.authorizer.require(caller, 'grant', '/')
}

/**
 * Require that a caller may do what lets somebody act as an account: set its password, take its second factor away,
 * enable it.
 *
 * @param options - `home`: its own subtree counts too, and what else each user has of his own by templates of Vault. Not
 *   for a new password, which its owner notices: otherwise only those who read all secrets could help a user who has
 *   forgotten his.
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_GRANT_EXCEEDED`
 */
export function requireMayActAs(
  { core, policies }: Identity,
  caller: Caller,
  account: Account,
  options: { readonly home: boolean },
): void {
  if (account.id === caller.accountId) return
  if (account.roles.some((role) => role !== 'user')) core.authorizer.require(caller, 'grant', '/')
  requireHolds(
    policies.current.documents,
    new Set(principalsOf(account)),
    (action, pattern, conditions) => core.authorizer.covers(caller, action, pattern, conditions),
    options.home ? { personal: true } : { except: homePolicyId(account.id) },
  )
}

/**
 * Whether the own subtree of an account has a name; one that is renamed keeps its own, under its old name.
 *
 * @param accountId - default: an account that there is not yet
 * @throws SecregError `ERR_ALREADY_EXISTS` when it is another's
 */
export function ownsHome({ policies }: Identity, home: string, accountId?: string): boolean {
  const own = accountId === undefined ? undefined : homePolicyId(accountId)
  let owns = false
  for (const [id, document] of policies.current.documents) {
    if (!id.startsWith('home-')) continue
    if (!rulesOf(document).some(({ resources }) => resources?.includes(home))) continue
    if (id !== own) {
      throw new SecregError(
        'ALREADY_EXISTS',
        `${home} is the subtree of another user, who had this name before: see the policy ${id}`,
      )
    }
    owns = true
  }
  return owns
}
