/** What of the configuration the gateway uses, and what of it one worker gets. */
import { availableParallelism } from 'node:os'
import type { Config, HttpAddress, LogLevel } from '@secreg/host'

/** Section `http`. */
export type HttpConfig = Config['http']

/** The configuration of the gateway; no part of it is secret. */
export interface GatewayConfig {
  readonly http: HttpConfig
  /** Where to listen. */
  readonly listen: HttpAddress
  /** Path of the socket of the daemon for gateways. */
  readonly socket: string
  readonly logLevel: LogLevel
}

/** What one worker may use. */
export interface WorkerShare {
  readonly maxConnections: number
  readonly bufferBytes: number
  /** Streams of events. */
  readonly streams: number
}

const MOST_WORKERS = 8

/** Streams of events at once (specs: secrets-api §2.5, E17). */
const MOST_STREAMS = 16

/** Processes to start. */
export function workersOf(http: HttpConfig): number {
  return http.workers > 0 ? http.workers : Math.min(MOST_WORKERS, availableParallelism())
}

/** The part of one worker in what all may use together. */
export function shareOf(http: HttpConfig): WorkerShare {
  const workers = workersOf(http)
  return {
    maxConnections: Math.max(1, Math.floor(http.maxConnections / workers)),
    // At least one largest body, else none could be read.
    bufferBytes: Math.max(http.maxBodyBytes, Math.floor(http.bufferBytes / workers)),
    streams: Math.max(1, Math.floor(MOST_STREAMS / workers)),
  }
}
