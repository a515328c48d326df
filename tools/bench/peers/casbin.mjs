// casbin with roles, `keyMatch` for subtrees, and deny overriding allow; asked synchronously.
import { newEnforcer, newModelFromString } from 'casbin'

export const name = 'casbin'

const MODEL = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && keyMatch(r.obj, p.obj) && g(r.sub, p.sub)
`

export async function prepare({ rules }, subject) {
  const enforcer = await newEnforcer(newModelFromString(MODEL))
  await enforcer.addPolicies(
    rules.map(({ effect, kind, name: id, action, folder }) => [
      `${kind}:${id}`,
      `${folder}/*`,
      action,
      effect,
    ]),
  )
  const user = `user:${subject.user}`
  await enforcer.addRoleForUser(user, `role:${subject.role}`)
  await enforcer.addRoleForUser(user, `group:${subject.group}`)
  return ({ action, path }) => (enforcer.enforceSync(user, path, action) ? 'allow' : 'deny')
}
