/** What a route is. */
import type { RequestFacts } from '../request-facts.ts'
import type { Answer } from '../server/answer.ts'
import type { RequestHead } from '../server/request-head.ts'

/** Names of routes: the only thing of a target that is ever logged or counted. */
export const ROUTE_NAMES = [
  'setec',
  'dashboard',
  'registry',
  'secrets',
  'secrets-events',
  'authzen',
  'authzen-metadata',
  'health',
  'ready',
  'metrics',
  'openapi',
  /** No route, or no request. */
  'none',
] as const

export type RouteName = (typeof ROUTE_NAMES)[number]

/** One request that is being answered. */
export interface Exchange {
  readonly method: string
  readonly head: RequestHead
  readonly facts: RequestFacts
  /** Segment that the pattern of the route leaves open, as sent; empty where it leaves none. */
  readonly rest: string
  /**
   * Read the body, once. Whoever is not known yet should not be read from.
   *
   * @param maxBytes - where less is enough than what all may send
   * @throws GatewayError
   */
  readBody(maxBytes?: number): Promise<Uint8Array>
}

export interface Route {
  readonly name: RouteName
  /** Pattern of find-my-way, of the path without the prefix of a token. */
  readonly path: string
  /** Methods with an answer; `any` where the protocol says itself what others get. */
  readonly methods: readonly string[] | 'any'
  answer(exchange: Exchange): Promise<Answer> | Answer
  /** How a refusal of this gateway is said here; default JSON. */
  refuse?(status: number, error: unknown, exchange: Exchange): Answer
}
