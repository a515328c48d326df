/** What of the configuration the gateway uses, and what of it one worker gets. */
import { availableParallelism } from 'node:os'
import type { LogLevel } from '@secreg/host'

/** Section `http`. */
export interface HttpConfig {
  /** `HOST:PORT`, port 0 is chosen by the system; undefined serves nothing. */
  readonly listen: string | undefined
  /** Processes that answer; 0 is one for each core, at most 8. */
  readonly workers: number
  /** PEM files. Undefined serves without TLS. */
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  /** PEM file of the authorities whose client certificates are demanded. */
  readonly tlsClientCa: string | undefined
  /** Connections at once, of all workers. */
  readonly maxConnections: number
  readonly maxHeaderBytes: number
  readonly maxBodyBytes: number
  readonly headerTimeoutSeconds: number
  readonly bodyTimeoutSeconds: number
  /** Of a connection between two requests. */
  readonly idleTimeoutSeconds: number
  /** Time for requests under way when the gateway stops. */
  readonly drainSeconds: number
  /** Bodies that are being read and answers that are not taken, of all workers. */
  readonly bufferBytes: number
  /** Socket of tailscaled; undefined asks it nothing. */
  readonly tailscaleWhois: string | undefined
  /** Believe the headers of `tailscale serve` from this machine. */
  readonly tailscaleServe: boolean
}

/** The configuration of the gateway. */
export interface GatewayConfig {
  readonly http: HttpConfig
  /** Socket of the daemon for gateways. */
  readonly gateway: { readonly socket: string }
  readonly log: { readonly level: LogLevel }
}

/** What one worker may use. */
export interface WorkerShare {
  readonly maxConnections: number
  readonly bufferBytes: number
}

const MOST_WORKERS = 8

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
  }
}
