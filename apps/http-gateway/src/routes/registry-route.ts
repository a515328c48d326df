/**
 * `POST /registry/<request>`: requests of the registry protocol in JSON. Only `application/json`, which no form of a
 * page can send, and which a script may not send elsewhere without being allowed to; nobody is (Fetch, "CORS-safelisted
 * request-header").
 */
import { parseRequest } from '@secreg/protocol/messages'
import { Caller, type CallerContext } from '../caller.ts'
import { GatewayError } from '../errors.ts'
import { type Answer, jsonAnswer } from '../server/answer.ts'
import { parseJsonBody } from './json-body.ts'
import type { Exchange, Route } from './route.ts'

/** Requests about data and about oneself. What doors use and what administers is not among them. */
export const REGISTRY_REQUESTS = [
  'get',
  'set',
  'delete',
  'list',
  'history',
  'versions',
  'meta',
  'search',
  'transfer',
  'txn',
  'whoami',
  'status',
] as const

export type RegistryRequest = (typeof REGISTRY_REQUESTS)[number]

const NAMES: ReadonlySet<string> = new Set(REGISTRY_REQUESTS)

export function registryRoute(context: CallerContext): Route {
  return {
    name: 'registry',
    path: '/registry/:request',
    methods: ['POST'],
    answer: (exchange) => answer(context, exchange),
  }
}

async function answer(context: CallerContext, exchange: Exchange): Promise<Answer> {
  const { rest, head, facts } = exchange
  if (!isRequest(rest)) {
    throw new GatewayError('ERR_GATEWAY_ROUTE_UNKNOWN', 'no such request is served')
  }
  if (head.contentType !== 'application/json') {
    throw new GatewayError('ERR_GATEWAY_MEDIA_TYPE', 'the content type is application/json')
  }
  refuseOrigin(exchange)
  const caller = await Caller.identify(context, facts)
  const payload = parseRequest(rest, parseJsonBody(await exchange.readBody()))
  return jsonAnswer(200, await caller.request(rest, payload))
}

/** Refuse what a browser has sent: a page that has come in under the name of this server could be anybody's. */
export function refuseOrigin({ head }: Pick<Exchange, 'head'>): void {
  if (head.origin === undefined) return
  throw new GatewayError('ERR_GATEWAY_ORIGIN', 'pages are not served')
}

function isRequest(name: string): name is RegistryRequest {
  return NAMES.has(name)
}
