/**
 * The Secrets API: what can be checked of a request without knowing what it asks (specs: secrets-api §0, step P0), and
 * then the daemon. Queries and bodies go on as they came.
 */
import { LIMITS, type RequestOf, type SecretsResponse } from '@secreg/protocol'
import type { SecretsRoute } from '@secreg/protocol/messages'
import type { CallerContext } from '../caller.ts'
import { GatewayError } from '../errors.ts'
import { sourceOf } from '../identity/address.ts'
import { SecretsCaller } from '../secrets-caller.ts'
import type { Answer } from '../server/answer.ts'
import { tooLarge } from '../server/read-body.ts'
import { isJsonType } from './content-type.ts'
import { refuseOrigin } from './registry-route.ts'
import type { Exchange, Route } from './route.ts'
import { secretsAnswer } from './secrets-answer.ts'
import { SECRETS_ENDPOINTS, type SecretsEndpoint, type SecretsMethod } from './secrets-endpoints.ts'
import { type SecretsGates, SMALL_BODY_BYTES } from './secrets-gate.ts'
import { type PayloadSources, secretsPayload, textOf } from './secrets-payload.ts'
import { secretsRefusal } from './secrets-refusal.ts'

export interface SecretsRouteOptions extends PayloadSources {
  readonly context: CallerContext
  readonly gates: SecretsGates
}

/** All of it but the stream of events. */
export function secretsRoutes(options: SecretsRouteOptions): readonly Route[] {
  const refuse = (_status: number, error: unknown, exchange: Exchange): Answer =>
    secretsRefusal(error, exchange)
  const routes = Object.entries(SECRETS_ENDPOINTS).map(
    ([path, endpoint]): Route => ({
      name: 'secrets',
      path,
      methods: Object.keys(endpoint),
      answer: (exchange) => answer(options, endpoint, exchange),
      refuse,
    }),
  )
  // Nothing below it is an operation of setec.
  const none: Route = {
    name: 'secrets',
    path: '/api/secrets/*',
    methods: 'any',
    answer: () => {
      throw new GatewayError('ERR_GATEWAY_ROUTE_UNKNOWN', 'nothing is served there')
    },
    refuse,
  }
  return [...routes, none]
}

async function answer(
  options: SecretsRouteOptions,
  endpoint: SecretsEndpoint,
  exchange: Exchange,
): Promise<Answer> {
  const route = endpoint[exchange.method as SecretsMethod] as SecretsRoute
  checkHead(exchange)
  const caller = await SecretsCaller.identify(options.context, exchange.facts)
  const common = {
    op: 'ask',
    route,
    ...secretsPayload(exchange, caller, options),
  } as const
  const source = sourceOf(caller.address)
  const ask = (payload: RequestOf<'secrets'>): Promise<SecretsResponse> =>
    options.gates.asking.run(source, () => caller.ask(payload))

  if (exchange.method !== 'POST') return secretsAnswer(await ask(common), exchange)
  if (caller.isNobody) {
    // Where nobody is served, nobody is read from; else all that is wrong is that there is no body.
    const told = await ask(common)
    if (told.status !== 400) return secretsAnswer(told, exchange)
  }
  const read = (): Promise<Uint8Array> => exchange.readBody(LIMITS.secretsBodyBytes)
  const isFree = caller.isKnown || isSmall(exchange)
  const body = textOf(isFree ? await read() : await options.gates.strangers.run(source, read))
  return secretsAnswer(await ask({ ...common, body }), exchange)
}

/** @throws GatewayError */
export function checkHead(exchange: Exchange): void {
  const { method, head } = exchange
  if (method === 'POST') {
    if (!isJsonType(head.contentType)) {
      throw new GatewayError('ERR_GATEWAY_MEDIA_TYPE', 'the content type is application/json')
    }
    if ((head.contentLength ?? 0) > LIMITS.secretsBodyBytes) throw tooLarge()
  } else if (head.chunked || (head.contentLength ?? 0) > 0) {
    // What somebody in front may have looked at, and we would not (RFC 9110 §9.3.1, §9.3.5).
    throw new GatewayError('ERR_GATEWAY_BODY_INVALID', 'body: expected none')
  }
  refuseOrigin(exchange)
}

function isSmall({ head }: Exchange): boolean {
  return !head.chunked && (head.contentLength ?? 0) <= SMALL_BODY_BYTES
}
