/**
 * Who asks the Secrets API. A credential of the registry opens a session as everywhere; a token of another issuer is
 * shown to the daemon with each request; whoever shows nothing is nobody, and the daemon says whether that is enough.
 */
import type { RequestOf, SecretsResponse } from '@secreg/protocol'
import { Caller, type CallerContext } from './caller.ts'
import type { ForeignToken } from './identity/foreign-token.ts'
import type { RequestFacts } from './request-facts.ts'

export class SecretsCaller {
  /** Address that he comes from, in normal form. */
  readonly address: string
  /** Undefined: he has a session, or is nobody. */
  readonly token: ForeignToken | undefined
  readonly #context: CallerContext
  readonly #caller: Caller | undefined

  private constructor(
    context: CallerContext,
    address: string,
    token: ForeignToken | undefined,
    caller: Caller | undefined,
  ) {
    this.#context = context
    this.address = address
    this.token = token
    this.#caller = caller
  }

  /**
   * Find out who asks.
   *
   * @throws SecregError INVALID_ARGUMENT, AUTH_FAILED, AUTH_LOCKED_OUT, BUSY, UNREACHABLE, …: what is presented and not
   * good is never passed over
   */
  static async identify(context: CallerContext, facts: RequestFacts): Promise<SecretsCaller> {
    const presented = await context.identity.presentedBy(facts, { foreignTokens: true })
    const { address, foreign, credential, assertions } = presented
    const isOurs = credential !== undefined || assertions !== undefined
    const caller = isOurs ? await Caller.of(context, presented) : undefined
    return new SecretsCaller(context, address, foreign, caller)
  }

  /** The registry has let him in already. */
  get isKnown(): boolean {
    return this.#caller !== undefined
  }

  /** He has shown nothing at all. */
  get isNobody(): boolean {
    return this.#caller === undefined && this.token === undefined
  }

  /** @throws SecregError */
  ask(payload: RequestOf<'secrets'>): Promise<SecretsResponse> {
    if (this.#caller !== undefined) return this.#caller.request('secrets', payload)
    return this.#context.relay.request('secrets', payload, undefined)
  }
}
