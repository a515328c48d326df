/** What policy knows somebody by. */
import type { CompiledPolicy, Subject, VaultIdentity } from '@secreg/policy-engine'

/** An account, as far as policy speaks of it. */
interface Named {
  readonly id: string
  readonly roles: readonly string[]
  readonly groups?: readonly string[]
}

/** Principals of an account; never its login, which another one may have later. */
export function principalsOf({ id, roles, groups = [] }: Named): readonly string[] {
  return Object.freeze([
    `account:${id}`,
    ...roles.map((role) => `role:${role}`),
    ...groups.map((group) => `group:${group}`),
  ])
}

/** What templates of Vault policies may ask of somebody: id and login, and names of groups, which are their ids. */
export function identityOf(
  id: string | undefined,
  login: string | undefined,
  groups: readonly string[] = [],
): VaultIdentity {
  const name = login === undefined ? {} : { name: login }
  return {
    ...(id === undefined ? {} : { entity: { id, ...name } }),
    groups: groups.map((group) => ({ id: group, name: group })),
  }
}

/** An account, as a policy knows it. */
export function subjectOf(
  policy: CompiledPolicy,
  account: Named & { readonly login: string },
): Subject {
  const { groups, id, login } = account
  return policy.subject(principalsOf(account), identityOf(id, login, groups))
}
