/** One request to one call on the registry. Nothing here decides, reads or writes. */

import { isIP } from 'node:net'
import {
  type Caller,
  type HelloResponse,
  LIMITS,
  type RegistryApi,
  type ResponseOf,
  SecregError,
} from '@secreg/protocol'
import { parseRequest, type RequestName, type RequestOf } from '@secreg/protocol/messages'
import { isPassedOn, type Peer } from '@secreg/registry'
import type { Session } from '@secreg/zones'
import type { RegistryHost } from '../registry-host.ts'
import type { SecretsApi } from '../secrets-api/secrets-api.ts'
import type { ConnectionWatches } from './connection-watches.ts'

/** Who stands behind a request: nobody, or the caller of a live session. */
export interface Standing {
  readonly peer: Peer
  readonly caller?: Caller
  readonly session?: Session
}

type Handler<N extends RequestName> = (
  host: RegistryHost,
  standing: Standing,
  request: RequestOf<N>,
  watches: ConnectionWatches,
) => Promise<ResponseOf[N]> | ResponseOf[N]

const apis = new WeakMap<Caller, RegistryApi>()

function apiOf(host: RegistryHost, { caller }: Standing): RegistryApi {
  if (caller === undefined) throw authRequired()
  let api = apis.get(caller)
  if (api === undefined) {
    api = host.registry.as(caller)
    apis.set(caller, api)
  }
  return api
}

/** A missing request does not compile. */
const HANDLERS: { readonly [N in RequestName]: Handler<N> } = {
  auth: (host, { peer }, request) => login(host, peer, request),
  get: (host, standing, request) => apiOf(host, standing).get(request),
  set: (host, standing, request) => apiOf(host, standing).set(request),
  delete: (host, standing, request) => apiOf(host, standing).delete(request),
  list: (host, standing, request) => apiOf(host, standing).list(request),
  hello: (host, _, request) => hello(host, request),
  logout: (host, { caller, session }) => {
    if (caller === undefined || session === undefined) throw authRequired()
    return host.registry.logout(caller, session)
  },
  status: (host, { caller }) => host.status(caller),
  audit: (host, standing, request) => apiOf(host, standing).audit(request),
  export: (host, standing, request) => apiOf(host, standing).export(request),
  import: (host, standing, request) => apiOf(host, standing).import(request),
  seal: (host, standing, request) => seal(host, standing, request),
  user: (host, standing, request) => apiOf(host, standing).user(request),
  whoami: (host, standing) => apiOf(host, standing).whoami(),
  password: (host, standing, request) => apiOf(host, standing).password(request),
  security: (host, standing, request) => apiOf(host, standing).security(request),
  dialect: (host, standing, request) => apiOf(host, standing).dialect(request),
  txn: (host, standing, request) => apiOf(host, standing).txn(request),
  history: (host, standing, request) => apiOf(host, standing).history(request),
  versions: (host, standing, request) => apiOf(host, standing).versions(request),
  meta: (host, standing, request) => apiOf(host, standing).meta(request),
  search: (host, standing, request) => apiOf(host, standing).search(request),
  transfer: (host, standing, request) => apiOf(host, standing).transfer(request),
  mount: (host, standing, request) => apiOf(host, standing).mount(request),
  protector: (host, standing, request) => apiOf(host, standing).protector(request),
  rotate: (host, standing, request) => apiOf(host, standing).rotate(request),
  backup: (host, standing, request) => apiOf(host, standing).backup(request),
  restore: (host, standing, request) => apiOf(host, standing).restore(request),
  maintain: (host, standing, request) => apiOf(host, standing).maintain(request),
  policy: (host, standing, request) => apiOf(host, standing).policy(request),
  group: (host, standing, request) => apiOf(host, standing).group(request),
  token: (host, standing, request) => apiOf(host, standing).token(request),
  zone: (host, standing, request) => apiOf(host, standing).zone(request),
  mfa: (host, standing, request) => apiOf(host, standing).mfa(request),
  evidence: (host, standing, request) => apiOf(host, standing).evidence(request),
  watch: (_, standing, request, watches) => watches.watch(standing, request),
  unwatch: (_, standing, request, watches) => watches.unwatch(standing, request),
  secrets: (host, standing, request) => secretsApiOf(host).answer(standing, request),
}

/**
 * Run one request.
 *
 * @throws SecregError `ERR_PAYLOAD_INVALID`, `ERR_AUTH_REQUIRED`, and what the operation throws
 */
export function dispatch(
  host: RegistryHost,
  standing: Standing,
  name: RequestName,
  payload: Record<string, unknown>,
  watches: ConnectionWatches,
): Promise<object> | object {
  const { peer, caller } = standing
  if (peer.gateway !== undefined && !isPassedOn(name, payload)) {
    return host.registry.refuseGateway(peer, caller, name)
  }
  const handler = HANDLERS[name] as Handler<RequestName>
  return handler(host, standing, parseRequest(name, payload), watches)
}

function login(host: RegistryHost, peer: Peer, request: RequestOf<'auth'>) {
  const { address } = request
  if (address !== undefined && isIP(address) === 0) {
    // An attempt to log in like any other: it leaves its record.
    const error = new SecregError('PAYLOAD_INVALID', 'address: expected an IP address')
    return host.registry.refuse(peer, 'auth', error)
  }
  return host.registry.login(peer, request)
}

function hello(host: RegistryHost, request: RequestOf<'hello'>): HelloResponse {
  if (request.versions !== undefined && !request.versions.includes(PROTOCOL_VERSION)) {
    throw new SecregError('INVALID_ARGUMENT', `this server speaks version ${PROTOCOL_VERSION} only`)
  }
  return {
    version: PROTOCOL_VERSION,
    server: `secregd/${host.version}`,
    features: ['pipelining', 'request-id', 'transactions', 'watch'],
    max_frame: LIMITS.frameBytes,
  }
}

const PROTOCOL_VERSION = 1

function seal(host: RegistryHost, standing: Standing, request: RequestOf<'seal'>) {
  const { peer, caller } = standing
  switch (request.op) {
    case 'init':
      return host.initialize(peer, caller, request)
    case 'unlock':
      return host.unlockBy(peer, request)
    case 'lock':
      if (caller === undefined) throw authRequired()
      return host.registry.lock(caller)
  }
}

function secretsApiOf({ secretsApi }: RegistryHost): SecretsApi {
  if (secretsApi !== undefined) return secretsApi
  throw new SecregError('NOT_FOUND', 'the Secrets API is not served here')
}

export function authRequired(): SecregError {
  return new SecregError('AUTH_REQUIRED', 'log in first')
}
