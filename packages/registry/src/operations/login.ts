/** Logging in and out (DESIGN §3). A login is one operation, recorded as `auth`. */
import {
  type AuthResponse,
  type Caller,
  type OkResponse,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import {
  type Account,
  mfaStateOf,
  nobodyMapped,
  type OpenedSession,
  planSetPassword,
  planUseMfa,
  type Session,
  type SessionDetails,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import { errorPayload } from '../error-payload.ts'
import type { GatewayTerms, Identity, Peer } from '../identity.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { asSecregError } from '../store-failure.ts'
import type { ZoneTools } from '../zones/zone-tools.ts'
import { openSince } from './open-session.ts'
import { nameOfZoneUser, openZoneSession, zoneUserOf } from './zone-login.ts'

/** A login that was good, and what it was made with. */
interface Proven {
  readonly account: Account
  readonly details: Pick<
    SessionDetails,
    'mfa' | 'token' | 'boundary' | 'restricted' | 'asserted' | 'kernel' | 'lifetimeMs'
  >
}

/** A session of a login; no account where it is one of a zone. */
interface Opened extends OpenedSession {
  readonly account?: Account
}

/**
 * Log in with a name and a password, or as whoever the kernel says a local process is, and with a second factor where the
 * account has one; or with an access token. For others, through a gateway: then also with what it asserts, where that may
 * be asserted, and as an account of a zone with a token of it.
 *
 * @returns with `success: false` and the error when it is refused (specs: AuthResponse, not ErrorResponse)
 * @throws SecregError `ERR_AUDIT_FAILED` when the attempt cannot be recorded
 */
export async function login(
  identity: Identity,
  tools: ZoneTools,
  connected: Peer,
  request: RequestOf<'auth'>,
): Promise<AuthResponse> {
  const { core } = identity
  const { username, password } = request
  const peer = peerOf(connected, request)
  const name = username === undefined ? undefined : loggedName(identity, username)
  const stranger = identity.strangerOf(peer, name)
  const facts: Facts = { action: 'auth' }
  let opened: Opened
  try {
    opened = await openSession(identity, tools, peer, request)
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
  const caller = identity.callerOf(session, peer)
  for (const old of evicted) recordEnd(identity, peer, old, 'evicted: session limit reached')
  await recorded(core.journal, caller ?? stranger, facts, () => undefined).catch(
    (error: unknown) => {
      identity.sessions.closeSession(session)
      throw error
    },
  )
  if (password !== undefined && account !== undefined) void upgradeHash(identity, account, password)
  return {
    success: true,
    session_id: id,
    roles: account?.roles ?? [],
    expires_in: Math.floor((session.expiresAtMs - session.lastUsedAtMs) / 1000),
    ...(session.restricted === undefined ? {} : { mfa_enrollment_required: true }),
  }
}

async function openSession(
  identity: Identity,
  tools: ZoneTools,
  peer: Peer,
  request: RequestOf<'auth'>,
): Promise<Opened> {
  const { core, sessions } = identity
  const { gateway } = peer
  if (gateway === undefined && (request.assertions ?? request.address) !== undefined) {
    throw new SecregError('INVALID_ARGUMENT', 'only a gateway tells who somebody is, and where')
  }
  if (gateway !== undefined && request.kernel !== undefined) {
    throw new SecregError('INVALID_ARGUMENT', 'the kernel vouches for nobody behind a gateway')
  }
  core.keys.requireReadable()
  const zoneUser = gateway === undefined ? undefined : zoneUserOf(request.username)
  if (gateway !== undefined && zoneUser !== undefined) {
    const { password = '' } = request
    return openZoneSession(identity, tools, { ...peer, gateway }, zoneUser, password)
  }
  const since = sessions.epoch
  const proven = await prove(identity, peer, request)
  let { account } = proven
  const terms = gateway === undefined ? ownTerms(peer, request) : boundTo(gateway, peer, proven)
  const details = (): SessionDetails => ({
    accountId: account.id,
    login: account.login,
    roles: account.roles,
    ...(account.groups === undefined ? {} : { groups: account.groups }),
    ...proven.details,
    ...terms,
    ...(peer.uid === undefined ? {} : { uid: peer.uid }),
  })
  const opened = openSince(sessions, since, details(), () => {
    account = unchanged(identity, peer, request, proven)
    return details()
  })
  return { account, ...opened }
}

/** The name that a login is recorded under: one that somebody can have. */
function loggedName(identity: Identity, username: string): string | undefined {
  const zoneUser = zoneUserOf(username)
  return zoneUser === undefined ? identity.loggedName(username) : nameOfZoneUser(zoneUser)
}

/** From where a login comes: through a gateway, the address that it saw. */
function peerOf(peer: Peer, { address }: RequestOf<'auth'>): Peer {
  return peer.gateway === undefined || address === undefined ? peer : { ...peer, address }
}

async function prove(identity: Identity, peer: Peer, request: RequestOf<'auth'>): Promise<Proven> {
  const { assertions, kernel, token } = request
  if (assertions !== undefined) return proveAssertions(identity, peer, assertions)
  if (kernel !== undefined) return proveKernel(identity, peer, request)
  return token === undefined
    ? await provePassword(identity, peer, request)
    : proveToken(identity, peer, token)
}

/** What a session has more that is to be for its connection alone. */
function ownTerms(
  { binding }: Peer,
  { bound }: RequestOf<'auth'>,
): Pick<SessionDetails, 'binding' | 'counted'> {
  if (bound === undefined) return {}
  if (binding === undefined) {
    throw new SecregError('INVALID_ARGUMENT', 'bound: there is no connection to bind it to')
  }
  return { binding, counted: false }
}

/** What the sessions that a gateway opens have more. */
function boundTo(
  { binding, lifetimeMs }: GatewayTerms,
  { address }: Peer,
  { details }: Proven,
): Pick<SessionDetails, 'binding' | 'counted' | 'lifetimeMs' | 'address'> {
  if (details.restricted !== undefined) {
    throw new SecregError(
      'MFA_ENROLLMENT_REQUIRED',
      'this registry demands a second factor: set one up (sreg mfa enroll)',
    )
  }
  const shortest = Math.min(lifetimeMs, details.lifetimeMs ?? lifetimeMs)
  return { binding, counted: false, lifetimeMs: shortest, address }
}

/** The account as it is now, if what was shown for it still stands. */
function unchanged(
  identity: Identity,
  peer: Peer,
  { token, assertions, kernel }: RequestOf<'auth'>,
  { account, details }: Proven,
): Account {
  if (assertions !== undefined) {
    const again = proveAssertions(identity, peer, assertions).account
    if (again.id !== account.id) throw nobodyAsserted()
    return again
  }
  if (token !== undefined) return identity.verifyToken(token, peer).account
  if (kernel !== undefined) {
    const now = identity.findMapped(uidOf(peer))
    if (now?.id !== account.id) throw nobodyMapped()
    requireFactor(identity, now, details)
    return now
  }
  const now = identity.findAccount(account.login)
  if (
    now === undefined ||
    now.disabled ||
    now.password !== account.password ||
    now.system !== account.system ||
    now.id !== account.id
  ) {
    throw new SecregError('AUTH_FAILED', 'user name or password is wrong')
  }
  requireFactor(identity, now, details)
  return now
}

/** A second factor that was confirmed meanwhile is demanded of a login that is under way too. */
function requireFactor(identity: Identity, { id }: Account, { mfa }: Proven['details']): void {
  if (!mfa && mfaStateOf(identity.rows(), id).state === 'on') throw codeNeeded()
}

/**
 * The one account that stands for what a gateway asserts. Who has a second factor, or must have one, has shown none.
 *
 * @throws SecregError `ERR_AUTH_FAILED`, `ERR_AUTH_MFA_REQUIRED`
 */
function proveAssertions(
  identity: Identity,
  { gateway }: Peer,
  assertions: readonly string[],
): Proven {
  const logins = new Set(assertions.flatMap((one) => gateway?.loginOf(one) ?? []))
  const [login = ''] = logins
  const account = logins.size === 1 ? identity.findAccount(login) : undefined
  if (account === undefined || account.disabled) throw nobodyAsserted()
  const { requireMfa } = identity.core.settings
  if (requireMfa || mfaStateOf(identity.rows(), account.id).state === 'on') throw codeNeeded()
  return { account, details: { mfa: false, asserted: true } }
}

function nobodyAsserted(): SecregError {
  return new SecregError('AUTH_FAILED', 'what the gateway asserts stands for nobody here')
}

/** The kernel's word is one factor, as a password is. */
async function proveKernel(
  identity: Identity,
  peer: Peer,
  { otp }: RequestOf<'auth'>,
): Promise<Proven> {
  let mfa = false
  const account = await identity.verifyKernel(uidOf(peer), ({ id }) => {
    if (mfaStateOf(identity.rows(), id).state !== 'on') return undefined
    if (otp === undefined) throw codeNeeded()
    return async () => {
      mfa = await useCode(identity, id, otp)
      return mfa
    }
  })
  return { account, details: { mfa, kernel: true, ...restrictionOf(identity, mfa) } }
}

/** @throws SecregError `ERR_AUTH_FAILED` where the kernel was not asked */
function uidOf({ uid }: Peer): number {
  if (uid !== undefined) return uid
  const message = 'this daemon does not learn from the kernel who its clients are (sreg doctor)'
  throw new SecregError('AUTH_FAILED', message)
}

/** Who must have a second factor and has shown none may do nothing but set one up. */
function restrictionOf({ core }: Identity, mfa: boolean): Pick<SessionDetails, 'restricted'> {
  return core.settings.requireMfa && !mfa ? { restricted: 'mfa-enrollment' } : {}
}

function proveToken(identity: Identity, peer: Peer, text: string): Proven {
  const { account, token } = identity.verifyToken(text, peer)
  const { boundary, expiresAtMs, ident } = token
  const lifetime =
    expiresAtMs === undefined ? {} : { lifetimeMs: Math.max(1, expiresAtMs - identity.core.now()) }
  return { account, details: { mfa: false, token: ident, boundary, ...lifetime } }
}

async function provePassword(
  identity: Identity,
  peer: Peer,
  { username = '', password = '', otp }: RequestOf<'auth'>,
): Promise<Proven> {
  let mfa = false
  const account = await identity.verifyPassword(username, password, peer, async ({ id }) => {
    if (mfaStateOf(identity.rows(), id).state !== 'on') return true
    if (otp === undefined) throw codeNeeded()
    mfa = await useCode(identity, id, otp)
    return mfa
  })
  return { account, details: { mfa, ...restrictionOf(identity, mfa) } }
}

/** Use a code up, durably, before anything is opened by it. */
async function useCode(identity: Identity, id: string, otp: string): Promise<boolean> {
  try {
    await identity.core.writer.submit({
      plan: (view) => ({
        ops: planUseMfa(rowViewOf(view), id, otp, identity.mfaContext()).ops,
        result: () => undefined,
      }),
      refusal: () => undefined,
    })
    return true
  } catch (error) {
    if (SecregError.is(error) && error.reason === 'AUTH_FAILED') return false
    throw error
  }
}

function codeNeeded(): SecregError {
  return new SecregError('AUTH_MFA_REQUIRED', 'this account needs a code of its second factor')
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
