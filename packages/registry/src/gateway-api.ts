/**
 * What may be asked through a gateway (DESIGN §3). It sees the credentials of all who use it, so nothing that it could ask
 * with them may outlast their use: no credential, account, policy, key or backup is made, changed or read, and what the
 * gateway has no route for is not served either. Of policies it may ask what they decide, as services do.
 */
import { type Caller, type RegistryApi, type RequestName, SecregError } from '@secreg/protocol'
import type { Journal } from './journal.ts'
import { mapApi } from './map-api.ts'
import { recorded } from './recorded.ts'

/** Requests that a gateway may pass on. */
const PASSED_ON: ReadonlySet<RequestName> = new Set([
  'auth',
  'delete',
  'dialect',
  'get',
  'hello',
  'history',
  'list',
  'logout',
  'maintain',
  'meta',
  'policy',
  'search',
  'secrets',
  'set',
  'status',
  'transfer',
  'txn',
  'versions',
  'whoami',
])

/** Of these, this operation alone. */
const ONLY_OP: Readonly<Partial<Record<RequestName, string>>> = Object.freeze({
  maintain: 'metrics',
  policy: 'evaluate',
})

/** Whether a gateway may pass a request on. @param payload - as it came, or checked */
export function isPassedOn(name: RequestName, payload: unknown): boolean {
  if (!PASSED_ON.has(name)) return false
  const only = ONLY_OP[name]
  return only === undefined || (payload as { readonly op?: unknown } | undefined)?.op === only
}

/** The registry for a caller behind a gateway. */
export function gatewayApi(journal: Journal, caller: Caller, api: RegistryApi): RegistryApi {
  return mapApi(
    api,
    (name, run) => (request?: unknown) =>
      isPassedOn(name, request) ? run(request) : refuseGateway(journal, caller, name),
  )
}

/** Refuse what no gateway may pass on, whoever it is for. @throws SecregError `ERR_ACCESS_DENIED`, once it is recorded */
export function refuseGateway(journal: Journal, caller: Caller, name: RequestName): Promise<never> {
  return recorded<never>(journal, caller, { action: 'admin', detail: `gateway ${name}` }, () => {
    throw new SecregError('ACCESS_DENIED', 'no gateway may ask for this: use the socket (sreg)')
  })
}
