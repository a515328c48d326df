/** Changing one's own password. */
import { type Caller, type OkResponse, type RequestOf, SecregError } from '@secreg/protocol'
import { hashNewPassword, normalizePassword, planSetPassword } from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import type { Identity } from '../identity.ts'
import { type Facts, recordedFailure, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { requirePasswordSession } from '../session-api.ts'

/**
 * Change one's own password; the old one is verified and counted like a login.
 *
 * @throws SecregError `ERR_AUTH_FAILED`, `ERR_AUTH_LOCKED_OUT`, `ERR_PASSWORD_POLICY`, `ERR_VERSION_CONFLICT`,
 *   `ERR_PASSWORD_SESSION_REQUIRED`; `ERR_INVALID_ARGUMENT` for a system user
 */
export async function password(
  identity: Identity,
  caller: Caller,
  request: RequestOf<'password'>,
): Promise<OkResponse> {
  const { core, hasher } = identity
  const facts: Facts = { action: 'admin', detail: 'password' }
  const { account, replacement } = await recordedFailure(core.journal, caller, facts, async () => {
    core.keys.requireUnsealed()
    requirePasswordSession(caller)
    if (caller.login === undefined) throw new SecregError('AUTH_REQUIRED', 'log in first')
    const account = await identity.verifyPassword(caller.login, request.old_password, caller)
    if (account.system === true) {
      throw new SecregError('INVALID_ARGUMENT', 'this password is the system’s: change it there')
    }
    if (normalizePassword(request.new_password) === normalizePassword(request.old_password)) {
      throw new SecregError('PASSWORD_POLICY', 'the new password is the old one')
    }
    const replacement = await hashNewPassword(hasher, request.new_password, {
      login: account.login,
    })
    return { account, replacement }
  })
  return core.writer.submit({
    plan: (view) => {
      core.keys.requireUnsealed()
      const plan = planSetPassword(rowViewOf(view), account.id, replacement, {
        nowMs: core.now(),
        ...(account.password === undefined ? {} : { replaces: account.password }),
      })
      return {
        ops: plan.ops,
        record: auditBody(caller, facts.action, 'ok', facts),
        publish: () => identity.accountChanged(account.id, 'own-password', plan.ops, caller),
        result: () => ({ success: true }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}
