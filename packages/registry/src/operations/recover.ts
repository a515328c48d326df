/**
 * Break-glass: when nobody can administer the registry any more, whoever holds a protector makes an administrator. Only
 * a process on the host itself comes here; the root key is what authorises it, no policy is asked.
 */
import { type Caller, SecregError } from '@secreg/protocol'
import {
  type Account,
  hashNewPassword,
  normalizeLogin,
  planCreateAccount,
  planEnableAccount,
  planRemoveMfa,
  planSetPassword,
  planSetRoles,
  planSetSystem,
  readAccountByLogin,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import { ROLE_POLICIES, recoveredAdministratorPolicy } from '../built-in-policies.ts'
import type { Identity } from '../identity.ts'
import { policyKey } from '../keys.ts'
import { encodePolicy } from '../policies.ts'
import { type Facts, recordedFailure, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { StagedRows } from '../staged-rows.ts'

/** Whom to make an administrator. */
export interface RecoverRequest {
  readonly login: string
  readonly password: string
  /** Put the policies of the built-in roles back as a new registry has them. */
  readonly resetPolicies: boolean
}

/** What was done. */
export interface Recovered {
  readonly login: string
  /** There was no such account before. */
  readonly created: boolean
}

/**
 * Make an account an administrator who can log in with this password: a new one, or one that exists, whatever it was.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_PASSWORD_POLICY`, `ERR_SEALED`, and the failures of store and log
 */
export async function recoverAdministrator(
  identity: Identity,
  caller: Caller,
  request: RecoverRequest,
): Promise<Recovered> {
  const { core, hasher } = identity
  const login = normalizeLogin(request.login)
  const policies = request.resetPolicies ? ', policies of the roles reset' : ''
  const facts: Facts = { action: 'recover', detail: `administrator ${login ?? ''}${policies}` }
  const prepared = await recordedFailure(core.journal, caller, facts, async () => {
    core.keys.requireUnsealed()
    if (login === undefined) {
      throw new SecregError('INVALID_ARGUMENT', 'the name must be a-z, 0-9, _, . or -')
    }
    return { login, password: await hashNewPassword(hasher, request.password, { login }) }
  })
  return core.writer.submit({
    plan: (view) => {
      core.keys.requireUnsealed()
      const staged = new StagedRows(rowViewOf(view))
      const before = readAccountByLogin(staged, prepared.login)
      const account =
        before === undefined
          ? staged.take(
              planCreateAccount(
                staged,
                { login: prepared.login, roles: ['admin'], password: prepared.password },
                { nowMs: core.now(), crypto: core.crypto },
              ),
            )
          : promote(staged, before, prepared.password, core.now())
      const documents = [
        ...(request.resetPolicies ? ROLE_POLICIES : []),
        recoveredAdministratorPolicy(account.id),
      ]
      for (const policy of documents) {
        staged.put({ type: 'put', key: policyKey(policy.id), value: encodePolicy(policy) })
      }
      const ops = staged.ops()
      return {
        ops,
        record: auditBody(caller, 'recover', 'ok', facts),
        publish: () => identity.accountChanged(account.id, 'password', ops),
        result: () => ({ login: prepared.login, created: before === undefined }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

type Hash = NonNullable<Account['password']>

function promote(
  staged: StagedRows,
  { id, roles }: Account,
  password: Hash,
  nowMs: number,
): Account {
  staged.take(planEnableAccount(staged, id, { nowMs }))
  // Neither the system nor a lost authenticator stands in the way of who holds a protector.
  staged.take(planSetSystem(staged, id, false, { nowMs }))
  for (const op of planRemoveMfa(staged, id).ops) staged.put(op)
  staged.take(planSetPassword(staged, id, password, { nowMs }))
  return staged.take(planSetRoles(staged, id, [...roles, 'admin'], { nowMs }))
}
