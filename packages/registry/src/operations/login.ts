/** Logging in and out (DESIGN §3). A login is one operation, recorded as `auth`. */
import {
  type AuthResponse,
  type Caller,
  type OkResponse,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { Account, Session } from '@secreg/zones'
import { planSetPassword } from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import { errorPayload } from '../error-payload.ts'
import type { Identity, Peer } from '../identity.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { asSecregError } from '../store-failure.ts'

/** How often a login that lost against a change of any account starts over. */
const ATTEMPTS = 4

/**
 * Log in with a name and a password.
 *
 * @returns with `success: false` and the error when it is refused (specs: AuthResponse, not ErrorResponse)
 * @throws SecregError `ERR_AUDIT_FAILED` when the attempt cannot be recorded
 */
export async function login(
  identity: Identity,
  peer: Peer,
  request: RequestOf<'auth'>,
): Promise<AuthResponse> {
  const { core } = identity
  const stranger = identity.strangerOf(peer, identity.loggedName(request.username))
  const facts: Facts = { action: 'auth' }
  let opened: Awaited<ReturnType<typeof openSession>>
  try {
    opened = await openSession(identity, peer, request)
  } catch (cause) {
    const error = asSecregError(cause)
    return new Promise((resolve, reject) => {
      core.journal.record(refusalBody(stranger, facts, error), (failure) => {
        if (failure !== undefined) reject(failure)
        else resolve(refusal(error))
      })
    })
  }
  const { account, session, id, evicted } = opened
  const caller = identity.callerOf(session, peer) as Caller
  for (const old of evicted) recordEnd(identity, peer, old, 'evicted: session limit reached')
  await recorded(core.journal, caller, facts, () => undefined).catch((error: unknown) => {
    identity.sessions.closeSession(session)
    throw error
  })
  void upgradeHash(identity, account, request.password)
  return {
    success: true,
    session_id: id,
    roles: account.roles,
    expires_in: Math.floor((session.expiresAtMs - session.lastUsedAtMs) / 1000),
  }
}

async function openSession(identity: Identity, peer: Peer, request: RequestOf<'auth'>) {
  const { core, sessions } = identity
  core.keys.requireReadable()
  if (core.settings.requireMfa) {
    throw new SecregError(
      'AUTH_MFA_REQUIRED',
      'security.require_mfa is set and this version knows no second factor: no login is possible',
    )
  }
  const { epoch } = sessions
  let account = await identity.verifyPassword(request.username, request.password, peer)
  let since = epoch
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const opened = sessions.open(
      {
        accountId: account.id,
        login: account.login,
        roles: account.roles,
        mfa: false,
        ...(peer.uid === undefined ? {} : { uid: peer.uid }),
      },
      since,
    )
    if (opened !== undefined) return { account, ...opened }
    // Some account changed meanwhile; go on only if it was not this one.
    since = sessions.epoch
    const now = identity.findAccount(account.login)
    if (
      now === undefined ||
      now.disabled ||
      now.password !== account.password ||
      now.id !== account.id
    ) {
      throw new SecregError('AUTH_FAILED', 'user name or password is wrong')
    }
    account = now
  }
  throw new SecregError('BUSY', 'accounts are being changed; try again', { retryAfterSeconds: 1 })
}

function refusal(error: SecregError): AuthResponse {
  return {
    success: false,
    ...(error.reason === 'AUTH_MFA_REQUIRED' ? { mfa_required: true } : {}),
    error: errorPayload(error),
  }
}

/** Store a hash with the present parameters when the old one had others; best effort, and never a lost update. */
async function upgradeHash(identity: Identity, account: Account, password: string): Promise<void> {
  const { core } = identity
  if (core.keys.state !== 'unsealed') return
  try {
    const upgraded = await identity.checker.rehash(account, password)
    if (upgraded === undefined || account.password === undefined) return
    const { password: replaces } = account
    const caller = identity.strangerOf({ door: 'internal', address: 'login' }, account.login)
    const facts: Facts = { action: 'admin', detail: 'password-rehash' }
    await core.writer.submit({
      plan: (view) => ({
        ops: planSetPassword(rowViewOf(view), account.id, upgraded, { nowMs: core.now(), replaces })
          .ops,
        record: auditBody(caller, 'admin', 'ok', facts),
        result: () => undefined,
      }),
      refusal: (error) => refusalBody(caller, facts, error),
    })
  } catch {
    // The old hash stays good; the next login tries again.
  }
}

/** End the caller's session. */
export function logout(identity: Identity, caller: Caller, session: Session): Promise<OkResponse> {
  return recorded(identity.core.journal, caller, { action: 'logout' }, () => {
    identity.sessions.closeSession(session)
    return { success: true } as const
  })
}

/** Record that a session ended otherwise than by its own logout. */
function recordEnd(identity: Identity, peer: Peer, session: Session, detail: string): void {
  const caller: Caller = {
    ...identity.strangerOf(peer, session.login),
    accountId: session.accountId,
    sessionRef: session.ref,
  }
  const facts: Facts = { action: 'logout', detail }
  identity.core.journal.record(auditBody(caller, 'logout', 'ok', facts), () => {})
}
