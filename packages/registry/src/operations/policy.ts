/** Policies over the protocol (DESIGN §7): each operation is decided by the policies that it is about. */
import type { Caller, PolicyResponse, RequestOf } from '@secreg/protocol'
import type { Identity } from '../identity.ts'
import { deletePolicy, setPolicy } from './policy-change.ts'
import { explainPolicy, testPolicy, whatCan, whoCan } from './policy-decisions.ts'
import { evaluatePolicy } from './policy-evaluate.ts'
import { diffPolicy, getPolicy, lintPolicy, listPolicies } from './policy-texts.ts'

/**
 * Run one request about policies.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_GRANT_EXCEEDED`, `ERR_POLICY_INVALID`, `ERR_PRINCIPAL_UNKNOWN`,
 *   `ERR_INVALID_ARGUMENT`, `ERR_NOT_FOUND`, `ERR_VERSION_CONFLICT`, `ERR_IN_USE`, `ERR_LAST_ADMINISTRATOR`,
 *   `ERR_LIMIT_EXCEEDED`, `ERR_SEALED`, and the failures of store and log
 */
export function policy(
  identity: Identity,
  caller: Caller,
  request: RequestOf<'policy'>,
): Promise<PolicyResponse> {
  switch (request.op) {
    case 'list':
      return listPolicies(identity, caller, request)
    case 'get':
      return getPolicy(identity, caller, request)
    case 'set':
      return setPolicy(identity, caller, request)
    case 'delete':
      return deletePolicy(identity, caller, request)
    case 'test':
      return testPolicy(identity, caller, request)
    case 'explain':
      return explainPolicy(identity, caller, request)
    case 'who-can':
      return whoCan(identity, caller, request)
    case 'what-can':
      return whatCan(identity, caller, request)
    case 'evaluate':
      return evaluatePolicy(identity, caller, request)
    case 'lint':
      return lintPolicy(identity, caller, request)
    case 'diff':
      return diffPolicy(identity, caller, request)
  }
}
