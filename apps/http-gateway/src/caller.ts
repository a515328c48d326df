/** One caller of the registry: what his request presents, turned into a session, for as long as the request lasts. */
import type { SessionOf } from '@secreg/client'
import { type RequestName, type RequestOf, type ResponseOf, SecregError } from '@secreg/protocol'
import type { Identity, Presented, SessionSource } from './identity/identify.ts'
import type { Relay } from './relay/relay.ts'
import type { RequestFacts } from './request-facts.ts'

/** What callers are made with. */
export interface CallerContext {
  readonly identity: Identity
  readonly sessions: SessionSource
  readonly relay: Relay
}

export class Caller {
  readonly #context: CallerContext
  readonly #presented: Presented
  #sessionId: string

  private constructor(context: CallerContext, presented: Presented, sessionId: string) {
    this.#context = context
    this.#presented = presented
    this.#sessionId = sessionId
  }

  /**
   * Find out who asks; the daemon decides it.
   *
   * @throws SecregError AUTH_REQUIRED, AUTH_FAILED, AUTH_LOCKED_OUT, BUSY, UNREACHABLE, …
   */
  static async identify(context: CallerContext, facts: RequestFacts): Promise<Caller> {
    return Caller.of(context, await context.identity.presentedBy(facts))
  }

  /**
   * Whoever presents this; the daemon decides who that is.
   *
   * @throws SecregError as {@link identify}
   */
  static async of(context: CallerContext, presented: Presented): Promise<Caller> {
    return new Caller(context, presented, await context.sessions.sessionOf(presented))
  }

  /**
   * Ask the registry as this caller. A session that has ended meanwhile is opened again, once: nothing was done in it.
   *
   * @throws SecregError
   */
  async request<N extends RequestName>(name: N, payload: RequestOf<N>): Promise<ResponseOf[N]> {
    const { relay, sessions } = this.#context
    try {
      return await relay.request(name, payload, this.#sessionId as SessionOf<N>)
    } catch (error) {
      if (!SecregError.is(error) || error.reason !== 'SESSION_INVALID') throw error
    }
    sessions.forget(this.#presented, this.#sessionId)
    this.#sessionId = await sessions.sessionOf(this.#presented)
    return relay.request(name, payload, this.#sessionId as SessionOf<N>)
  }
}
