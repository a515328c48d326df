/** Who stands behind the requests of one connection. */
import type { Caller } from '@secreg/protocol'
import { REQUESTS, type RequestName } from '@secreg/protocol/messages'
import { type Peer, sessionInvalid } from '@secreg/registry'
import type { Session } from '@secreg/zones'
import type { RegistryHost } from '../registry-host.ts'
import { authRequired, type Standing } from './dispatch.ts'

export class Standings {
  readonly #host: RegistryHost
  readonly #peer: Peer
  #handle: ReturnType<RegistryHost['sessionHandle']>

  constructor(host: RegistryHost, peer: Peer) {
    this.#host = host
    this.#peer = peer
    this.#handle = host.sessionHandle(peer)
  }

  /** Whether an id is that of a live session. */
  has(sessionId: string): boolean {
    if (sessionId === '') return false
    this.#handle = this.#host.sessionHandle(this.#peer, this.#handle)
    const session = this.#handle.handle.resolve(sessionId)
    return session !== undefined && this.#host.registry.callerOf(session, this.#peer) !== undefined
  }

  /**
   * Whoever sends a session id must have a live session, whatever he asks.
   *
   * @throws SecregError `ERR_AUTH_REQUIRED`, `ERR_SESSION_INVALID`
   */
  of(sessionId: string, name: RequestName): Standing {
    const peer = this.#peer
    if (sessionId === '') {
      if (REQUESTS[name].session) throw authRequired()
      return { peer }
    }
    this.#handle = this.#host.sessionHandle(peer, this.#handle)
    const session: Session | undefined = this.#handle.handle.resolve(sessionId)
    const caller: Caller | undefined =
      session === undefined ? undefined : this.#host.registry.callerOf(session, peer)
    if (session === undefined || caller === undefined) {
      // A new login with an old id in the header is still a login; whoever was somebody is never taken for nobody.
      if (!REQUESTS[name].session && name !== 'secrets') return { peer }
      throw sessionInvalid()
    }
    return { peer, session, caller }
  }
}
