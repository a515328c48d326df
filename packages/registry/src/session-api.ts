/** What sessions of a particular kind may do of everything that a caller can ask for. */
import { type Caller, type RegistryApi, SecregError } from '@secreg/protocol'
import { planConsumeUse } from '@secreg/zones'
import type { Identity } from './identity.ts'
import { type Method, mapApi } from './map-api.ts'
import { recorded, refusalBody } from './recorded.ts'
import { rowViewOf } from './row-view.ts'

/** What costs no use and needs no second factor: it is no operation (DESIGN §2). */
const FREE: ReadonlySet<Method> = new Set<Method>(['status', 'whoami'])

/** What somebody can do who has still to set up his second factor. */
const ENROLLING: ReadonlySet<Method> = new Set<Method>([...FREE, 'mfa'])

/**
 * The same registry for a session that is good for less, or whose token is used up by it.
 *
 * @param api - everything that the caller could do otherwise
 */
export function apiOfSession(identity: Identity, caller: Caller, api: RegistryApi): RegistryApi {
  if (caller.restricted !== undefined) {
    return mapApi(api, (name, run) =>
      ENROLLING.has(name) ? run : () => refuseEnrolling(identity, caller),
    )
  }
  if (caller.counted !== true) return api
  return mapApi(api, (name, run) =>
    FREE.has(name)
      ? run
      : async (request) => {
          await useToken(identity, caller)
          return run(request)
        },
  )
}

/**
 * Take one use of the caller's token, durably, before the operation begins. It is not given back when that fails. An
 * operation that finds none left is recorded as a login that failed.
 *
 * @throws SecregError `ERR_AUTH_FAILED` when none is left, or the token has ended; `ERR_SEALED`
 */
export async function useToken(identity: Identity, caller: Caller): Promise<void> {
  const { core, sessions } = identity
  const { counted, token } = caller
  if (counted !== true || token === undefined) return
  await core.writer.submit({
    plan: (view) => {
      core.keys.requireUnsealed()
      const plan = planConsumeUse(rowViewOf(view), token, { nowMs: core.now() })
      const isLast = plan.ops.some(({ type }) => type === 'delete')
      return {
        ops: plan.ops,
        result: () => undefined,
        ...(isLast ? { publish: () => void sessions.closeToken(token) } : {}),
      }
    },
    refusal: (error) => refusalBody(caller, { action: 'auth', detail: 'token-use' }, error),
  })
}

/** A caller as his session has him now, without this being a use of it; undefined when he may not act any more. */
export function presentOf(identity: Identity, caller: Caller): Caller | undefined {
  const { sessionRef, door, address = door } = caller
  if (sessionRef === undefined) return caller
  const session = identity.sessions.list().find(({ ref }) => ref === sessionRef)
  return session && identity.callerOf(session, { ...caller, door, address })
}

/** A session that still lacks its second factor does nothing else. @throws SecregError `ERR_MFA_ENROLLMENT_REQUIRED` */
export function refuseEnrolling({ core }: Identity, caller: Caller): Promise<never> {
  return recorded<never>(core.journal, caller, { action: 'auth', detail: 'mfa-enrollment' }, () => {
    throw new SecregError(
      'MFA_ENROLLMENT_REQUIRED',
      'this registry demands a second factor: set one up (sreg mfa enroll), and log in again',
    )
  })
}

/**
 * Require a session in which credentials may be made or changed: opened with a password, or by the kernel's word, by
 * somebody who can show that he is who the account belongs to. Unlike a token, a uid cannot be copied and used elsewhere.
 *
 * @throws SecregError `ERR_PASSWORD_SESSION_REQUIRED`
 */
export function requirePasswordSession({ token }: Caller): void {
  if (token === undefined) return
  throw new SecregError(
    'PASSWORD_SESSION_REQUIRED',
    'credentials are not made or changed with a token: log in with the password (sreg login)',
  )
}
