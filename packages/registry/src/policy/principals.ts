/** What policy knows somebody by. */

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
