/** A daemon that answers as a test says, over the interface of a relay. */
import type { SessionOf } from '@secreg/client'
import {
  type AuthResponse,
  type RequestName,
  type RequestOf,
  type ResponseOf,
  SecregError,
  type StatusResponse,
} from '@secreg/protocol'
import type { RelayConnection } from '../../src/relay/relay.ts'

export interface AskedRequest {
  readonly name: RequestName
  readonly payload: unknown
  /** Undefined: asked without a session, as the Secrets API alone can be. */
  readonly sessionId: string | undefined
}

/** Token that opens a session unless a test says otherwise. */
export const TOKEN = 'sreg_0123456789abcdef_good'

export class FakeRelay implements RelayConnection {
  closed = false
  readonly ended: Promise<unknown>
  readonly asked: AskedRequest[] = []
  readonly logins: RequestOf<'auth'>[] = []
  /** Sessions that are open. */
  readonly sessions = new Set<string>()
  state: StatusResponse['state'] = 'unsealed'
  statusAsked = 0
  /** What requests answer. */
  answer: (asked: AskedRequest) => unknown = () => ({ success: true })
  #end: () => void = () => {}
  #lastSession = 0

  constructor() {
    this.ended = new Promise<void>((resolve) => {
      this.#end = resolve
    })
  }

  async auth(request: RequestOf<'auth'>): Promise<AuthResponse> {
    this.#assertOpen()
    this.logins.push(request)
    const known =
      request.token === TOKEN || request.password === 'right' || request.assertions !== undefined
    if (!known) {
      return {
        success: false,
        error: {
          code: 4,
          name: 'AuthFailed',
          message: 'authentication failed',
          reason: 'AUTH_FAILED',
          errno: 100,
        },
      }
    }
    const session_id = `session-${++this.#lastSession}`
    this.sessions.add(session_id)
    return { success: true, session_id, expires_in: 300, roles: [] }
  }

  async status(): Promise<StatusResponse> {
    this.#assertOpen()
    this.statusAsked += 1
    return { status: 'running', state: this.state, initialized: true, version: '0' }
  }

  async request<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    sessionId: SessionOf<N>,
  ): Promise<ResponseOf[N]> {
    this.#assertOpen()
    if (sessionId === undefined ? name !== 'secrets' : !this.sessions.has(sessionId)) {
      throw new SecregError('SESSION_INVALID', 'the session has ended')
    }
    const asked = { name, payload, sessionId }
    this.asked.push(asked)
    return (await this.answer(asked)) as ResponseOf[N]
  }

  async close(): Promise<void> {
    this.lose()
  }

  /** The connection breaks. */
  lose(): void {
    this.closed = true
    this.sessions.clear()
    this.#end()
  }

  #assertOpen(): void {
    if (this.closed) throw new SecregError('UNREACHABLE', 'the connection is closed')
  }
}
