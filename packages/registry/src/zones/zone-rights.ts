/**
 * Who may ask what about zones. On the registry's own socket and over HTTP that takes the right to administer accounts. At
 * the door of the zones the kernel says who asks, and what he may follows from that (specs: subauth §2.1); there policy can
 * only take rights away: a rule that denies `account` on `/`.
 */
import { type Caller, type RequestOf, SecregError } from '@secreg/protocol'
import type { Zone } from '@secreg/zones'
import { type Authorizer, accessDenied } from '../authorizer.ts'

type ZoneRequest = RequestOf<'zone'>

const MANAGED: ReadonlySet<string> = new Set<ManagedRequest['op']>([
  'create-token',
  'change-token',
  'delete-token',
  'set-password',
  'delete-password',
  'create-temp',
  'allow-password',
])

/** Requests that the owner of an account makes himself, or whoever knows its password. */
export type ManagedRequest = Extract<ZoneRequest, { readonly auth_password?: string | undefined }>

export function isManaged(request: ZoneRequest): request is ManagedRequest {
  return MANAGED.has(request.op)
}

/**
 * Require that a caller may ask this, as far as it can be told without the state of any account: what a password decides
 * (`auth_password`) is still to be decided by it.
 *
 * @param zone - that a `check` is about, where there is one
 * @throws SecregError `ERR_ACCESS_DENIED`, alike for accounts and users that there are and others
 */
export function requireZoneRight(
  authorizer: Authorizer,
  caller: Caller,
  request: ZoneRequest,
  zone?: Zone,
): void {
  if (caller.door !== 'subauth') {
    authorizer.require(caller, 'account', '/')
    return
  }
  if (authorizer.forbids(caller, 'account', '/') || !mayAsk(caller, request, zone)) {
    throw accessDenied()
  }
}

function mayAsk(caller: Caller, request: ZoneRequest, zone: Zone | undefined): boolean {
  switch (request.op) {
    case 'list':
      return true
    case 'add':
    case 'set':
    case 'remove':
      return false
    case 'create-account':
    case 'delete-account':
      return isRoot(caller)
    case 'accounts':
      return isRoot(caller) || isOwn(caller, request.login)
    case 'check':
      return isRoot(caller) || isOwn(caller, request.login) || isTrusted(caller, zone)
    default:
      return request.auth_password !== undefined || isRoot(caller) || isOwn(caller, request.login)
  }
}

/**
 * The login that a request is about: at the door of the zones, the caller's own where it names none.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT`
 */
export function loginOf(caller: Caller, request: { readonly login?: string | undefined }): string {
  const login = request.login ?? caller.systemUser
  if (login !== undefined) return login
  throw new SecregError(
    'INVALID_ARGUMENT',
    caller.door === 'subauth'
      ? 'no user of the system has the uid of the caller: name a login'
      : 'login: expected the name of a user of the system',
  )
}

/** Whether somebody checks the secrets of others for a service: then failures say nothing about himself. */
export function isService(
  caller: Caller,
  request: { readonly login?: string | undefined },
): boolean {
  return !isOwn(caller, request.login)
}

function isRoot({ proof, uid }: Caller): boolean {
  return proof === 'kernel' && uid === 0
}

function isOwn({ systemUser }: Caller, login: string | undefined): boolean {
  return login === undefined || login === systemUser
}

function isTrusted({ proof, uid }: Caller, zone: Zone | undefined): boolean {
  return proof === 'kernel' && uid !== undefined && zone?.trustedUids.includes(uid) === true
}
