/** `GET /.well-known/authzen-configuration`: what this decision point offers (AuthZEN 1.0, section 9). */
import { type Answer, jsonAnswer } from '../server/answer.ts'
import { refusal } from './authzen-route.ts'
import { originOf } from './origin.ts'
import { requestIdOf } from './request-id.ts'
import type { Exchange, Route } from './route.ts'

/**
 * The base must be the one that the client has asked (section 9.2).
 *
 * @param publicUrl - origin that clients use; undefined: the one that the request was sent to
 */
export function authzenMetadataRoute(publicUrl: string | undefined): Route {
  return {
    name: 'authzen-metadata',
    path: '/.well-known/authzen-configuration',
    methods: ['GET', 'HEAD'],
    answer: (exchange) => answer(publicUrl ?? originOf(exchange), exchange),
    refuse: refusal,
  }
}

function answer(base: string, exchange: Exchange): Answer {
  const metadata = {
    policy_decision_point: base,
    access_evaluation_endpoint: `${base}/access/v1/evaluation`,
    access_evaluations_endpoint: `${base}/access/v1/evaluations`,
    search_action_endpoint: `${base}/access/v1/search/action`,
    supported_obligations: ['custom'],
  }
  return { ...jsonAnswer(200, metadata), ...requestIdOf(exchange) }
}
