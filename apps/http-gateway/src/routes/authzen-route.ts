/**
 * AuthZEN (Authorization API 1.0 of the OpenID Foundation): a service that lets others do things asks whether it may. Its
 * errors are a text in JSON, its denials are answers. The daemon reads the questions and decides.
 */
import { type RequestOf, SecregError } from '@secreg/protocol'
import { Caller, type CallerContext } from '../caller.ts'
import { GatewayError } from '../errors.ts'
import { type Answer, jsonAnswer } from '../server/answer.ts'
import { isJsonType } from './content-type.ts'
import { errorHeaders } from './error-answer.ts'
import { parseStrictJsonBody } from './json-body.ts'
import { refuseOrigin } from './registry-route.ts'
import { requestIdOf } from './request-id.ts'
import type { Exchange, Route } from './route.ts'

type Form = Extract<RequestOf<'policy'>, { op: 'evaluate' }>['form']

/** What is asked at each path below `/access/v1/`. */
export const AUTHZEN_FORMS: Readonly<Record<string, Form>> = Object.freeze({
  __proto__: null as never,
  evaluation: 'evaluation',
  evaluations: 'evaluations',
  'search/action': 'action-search',
})

/** Longest body of a request, bytes. */
export const AUTHZEN_BODY_BYTES: number = 1024 * 1024

export function authzenRoute(context: CallerContext): Route {
  return {
    name: 'authzen',
    path: '/access/v1/*',
    methods: ['POST'],
    answer: (exchange) => answer(context, exchange),
    refuse: refusal,
  }
}

async function answer(context: CallerContext, exchange: Exchange): Promise<Answer> {
  const { rest, head, facts } = exchange
  const form = AUTHZEN_FORMS[rest]
  if (form === undefined) {
    throw new GatewayError('ERR_GATEWAY_ROUTE_UNKNOWN', 'nothing is served there')
  }
  // By AuthZEN another type is a mistake like any other (section 10.1).
  if (!isJsonType(head.contentType)) {
    throw new GatewayError('ERR_GATEWAY_BODY_INVALID', 'content type: expected application/json')
  }
  refuseOrigin(exchange)
  const caller = await Caller.identify(context, facts)
  const request = parseStrictJsonBody(await exchange.readBody(AUTHZEN_BODY_BYTES))
  const { evaluated } = await caller.request('policy', { op: 'evaluate', form, request })
  return { ...jsonAnswer(200, evaluated), ...requestIdOf(exchange) }
}

/** A refusal as AuthZEN has it: what is wrong, as a text. Of a fault of the program, nothing. */
export function refusal(status: number, error: unknown, exchange: Exchange): Answer {
  const known = SecregError.is(error) || GatewayError.is(error)
  const text = known ? error.message : 'internal fault'
  return { ...jsonAnswer(status, text, errorHeaders(error)), ...requestIdOf(exchange) }
}
