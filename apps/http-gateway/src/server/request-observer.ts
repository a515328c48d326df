/** Who is told of requests and connections: figures and log, never with anything that a client has written. */
import type { RouteName } from '../routes/route.ts'

export interface FinishedRequest {
  readonly id: string
  readonly route: RouteName
  readonly status: number
  readonly durationMs: number
  /** What was not a refusal but a fault of the program. */
  readonly fault?: unknown
}

/** Why a connection was refused or ended without an answer of a route. */
export const CONNECTION_FAULTS = ['full', 'malformed', 'slow', 'pipelined', 'tls'] as const

export type ConnectionFault = (typeof CONNECTION_FAULTS)[number]

export interface RequestObserver {
  request(finished: FinishedRequest): void
  connectionFault(kind: ConnectionFault): void
}
