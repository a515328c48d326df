/** The Secrets API as it is served by one set of settings. */

import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Logger } from '@secreg/host'
import { type Caller, SecregError, type SecretsResponse } from '@secreg/protocol'
import type { RequestOf } from '@secreg/protocol/messages'
import type {
  AuthenticatedCaller,
  EnforcementObserver,
  Refused,
} from '@secreg/secrets-api/enforcement'
import { refusedAnswer, type SecretsAnswer } from '@secreg/secrets-api/service'
import type { Egress } from '../egress/egress-process.ts'
import type { RegistryHost } from '../registry-host.ts'
import type { Standing } from '../server/dispatch.ts'
import { type Assembled, assemble } from './assemble.ts'
import { auditPort } from './audit-port.ts'
import { correlationIdOf } from './identity/correlation-id.ts'
import type { SecretsApi } from './secrets-api.ts'
import type { SecretsApiSettings } from './settings.ts'

export interface ServeSecretsApiOptions {
  readonly host: RegistryHost
  readonly egress: Pick<Egress, 'call'>
  readonly observer: EnforcementObserver
  readonly log: Logger
}

/** A request with the id that it goes by everywhere. */
type Numbered = RequestOf<'secrets'> & { readonly correlation: string }

/** What answers requests until it is closed. */
export class OpenSecretsApi implements SecretsApi {
  readonly #host: RegistryHost
  readonly #parts: Assembled
  readonly #closing = new AbortController()
  /** Ends what only waits. */
  readonly #retiring = new AbortController()
  /** Requests that change or read something, from their first step on. */
  readonly #underWay = new Set<Promise<unknown>>()
  /** Whom the log names, of callers under way. */
  readonly #actors: WeakMap<AuthenticatedCaller, Caller>
  #epoch: number | undefined

  private constructor(
    host: RegistryHost,
    parts: Assembled,
    actors: WeakMap<AuthenticatedCaller, Caller>,
  ) {
    this.#host = host
    this.#parts = parts
    this.#actors = actors
    // Everything that is under way listens to it.
    setMaxListeners(0, this.#closing.signal, this.#retiring.signal)
  }

  /** @throws RangeError, TypeError for settings that are none */
  static async open(
    settings: SecretsApiSettings,
    { host, egress, observer, log }: ServeSecretsApiOptions,
  ): Promise<OpenSecretsApi> {
    const actors = new WeakMap<AuthenticatedCaller, Caller>()
    const parts = await assemble({
      settings,
      host,
      egress,
      observer,
      audit: auditPort(() => host.registry.foreign, actors),
      onFault: (error) => log.error('internal fault of the Secrets API', { error }),
      onKeys: (issuer, fault) => {
        if (fault === undefined)
          log.info('the keys of an issuer are there again', { detail: issuer })
        else log.warn('the keys of an issuer cannot be had', { detail: `${issuer}: ${fault}` })
      },
    })
    return new OpenSecretsApi(host, parts, actors)
  }

  async answer(standing: Standing, request: RequestOf<'secrets'>): Promise<SecretsResponse> {
    const answering = this.#answer(standing, request)
    if (request.op === 'follow') return answering
    this.#underWay.add(answering)
    try {
      return await answering
    } finally {
      this.#underWay.delete(answering)
    }
  }

  /** Let what is under way come to its end for so long, and close; what waits for events ends at once. */
  async retire(timeoutMs: number): Promise<void> {
    this.#retiring.abort()
    const timeout = new AbortController()
    await Promise.race([
      Promise.allSettled(this.#underWay),
      setTimeout(timeoutMs, undefined, { signal: timeout.signal }).catch(() => {}),
    ])
    timeout.abort()
    await this.close()
  }

  /** End what waits for events, and what is under way. */
  close(): Promise<void> {
    this.#retiring.abort()
    this.#closing.abort()
    return this.#parts.close()
  }

  async #answer(standing: Standing, asked: RequestOf<'secrets'>): Promise<SecretsResponse> {
    const { registry } = this.#host
    const request = { ...asked, correlation: correlationIdOf(asked.correlation, randomUUID) }
    if (registry.state !== 'unsealed') throw notReadable(registry.state)
    const { authenticator } = this.#parts
    const begun = await this.#begin(standing, request)
    const known = await authenticator.authenticate(begun, request)
    if (known.kind === 'refused') {
      if (isAttempt(known, request)) await recordAttempt(registry, begun, request)
      return responseOf(refusedAnswer(known, request.correlation))
    }
    const { caller } = known
    this.#actors.set(caller, (caller.principal as Caller | undefined) ?? nobody(begun, request))
    const { epoch } = registry.foreign
    // Whoever may do less from now on may also use less of what he was granted.
    if (epoch !== this.#epoch) this.#parts.endGrants()
    this.#epoch = epoch
    return this.#serve(caller, request)
  }

  async #serve(
    caller: AuthenticatedCaller,
    request: RequestOf<'secrets'>,
  ): Promise<SecretsResponse> {
    const { service } = this.#parts
    if (request.op === 'follow') {
      const { signal } = this.#retiring
      const followed = await service.follow(caller, request.after, request.wait, signal)
      if ('status' in followed) return responseOf(followed)
      const events = followed.events.map(({ id, envelope }) => {
        return { id, event: envelope.event_type, data: JSON.stringify(envelope) }
      })
      return { status: 200, headers: {}, body: '', events, after: followed.after }
    }
    const { body, query = '', route } = request
    const bytes = body === undefined ? undefined : Buffer.from(body)
    const { signal } = this.#closing
    return responseOf(await service.answer(caller, { route, query, body: bytes }, signal))
  }

  /** What a session must be good for first; its caller as he goes on, under the id of this request. */
  async #begin(standing: Standing, { correlation }: Numbered): Promise<Standing> {
    if (standing.caller === undefined) return standing
    const caller = await this.#host.registry.foreign.begin(standing.caller)
    return { ...standing, caller: Object.freeze({ ...caller, correlationId: correlation }) }
  }
}

function responseOf({ status, headers, body }: SecretsAnswer): SecretsResponse {
  return { status, headers, body: JSON.stringify(body) }
}

function notReadable(state: string): SecregError {
  return state === 'sealed'
    ? new SecregError('SEALED', 'the registry is sealed')
    : new SecregError('UNINITIALIZED', 'the registry is not initialised')
}

/** Somebody showed something that was no good; who shows nothing has not tried. */
function isAttempt({ status }: Refused, { presented }: RequestOf<'secrets'>): boolean {
  return status === 401 && (presented?.token ?? presented?.proof) !== undefined
}

/** As every failed login is. */
async function recordAttempt(
  registry: RegistryHost['registry'],
  { peer }: Standing,
  { presented }: RequestOf<'secrets'>,
): Promise<void> {
  const error = new SecregError('AUTH_FAILED', 'the token or its proof is no good')
  const from = presented === undefined ? peer : { ...peer, address: presented.address }
  await registry.refuse(from, 'auth', error).catch((failure: unknown) => {
    if (failure !== error) throw failure
  })
}

/** Who is anonymous, as the log has him: from where he came. */
function nobody({ peer }: Standing, { presented, correlation }: Numbered): Caller {
  const address = presented?.address ?? peer.address
  return {
    principals: [],
    roles: [],
    groups: [],
    mfa: false,
    door: peer.door,
    ...(address === undefined ? {} : { address }),
    proof: 'asserted',
    correlationId: correlation,
  }
}
