/** What the gateway needs of a connection to the daemon. */
import type { SessionOf } from '@secreg/client'
import type {
  AuthResponse,
  RequestName,
  RequestOf,
  ResponseOf,
  StatusResponse,
} from '@secreg/protocol'

export interface RelayOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/**
 * Requests of many callers to the daemon, answered out of order, each with the session of its caller; to the Secrets API
 * also of those who have none.
 *
 * Everything rejects with a SecregError.
 */
export interface Relay {
  auth(request: RequestOf<'auth'>, options?: RelayOptions): Promise<AuthResponse>
  /** Needs no session. */
  status(options?: RelayOptions): Promise<StatusResponse>
  request<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    sessionId: SessionOf<N>,
    options?: RelayOptions,
  ): Promise<ResponseOf[N]>
}

/** One connection, which the sessions are bound to. */
export interface RelayConnection extends Relay {
  readonly closed: boolean
  /** Resolves once it is closed or lost. */
  readonly ended: Promise<unknown>
  close(): Promise<void>
}
