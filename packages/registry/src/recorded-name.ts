/**
 * Names of what somebody asks about, as records have them. What cannot be such a name is left out: it may be a secret that
 * was put in the wrong place.
 */
import { isAction } from '@secreg/policy-engine'
import { isPurpose } from '@secreg/policy-engine/authzen'
import { isRoleName } from '@secreg/protocol'

/** Of policies, as the policy engine takes them. */
const POLICY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** What was done, and the name of the group or role that it was done to. */
export function withGroupName(what: string, name: string): string {
  return isRoleName(name) ? `${what} ${name}` : what
}

/** What was done, and the id of the policy. */
export function withPolicyId(what: string, id: string | undefined): string {
  return id !== undefined && POLICY_ID.test(id) ? `${what} ${id}` : what
}

/** What was asked, and the action, or purpose of an action, that it was asked of. */
export function withAction(what: string, action: string): string {
  return isAction(action) || isPurpose(action) ? `${what} ${action}` : what
}
