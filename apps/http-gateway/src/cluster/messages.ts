/** What primary and workers say to each other. */
import type { LogLevel } from '@secreg/host'
import type { GatewayConfig } from '../gateway-config.ts'

/** From the primary. */
export type PrimaryMessage =
  /** The answer to `hello`. */
  | { readonly gateway: 'start'; readonly config: GatewayConfig }
  /** Read the certificates anew. */
  | { readonly gateway: 'reload'; readonly logLevel: LogLevel }
  | { readonly gateway: 'drain' }
  /** Whether no worker has room for a connection more; while one has, the others leave them to it. */
  | { readonly gateway: 'all-full'; readonly full: boolean }
  /** Figures of all workers; without a text there are none. */
  | { readonly gateway: 'figures'; readonly id: number; readonly text?: string }

/** From a worker. */
export type WorkerMessage =
  /** It listens to messages: those of before would be lost. */
  | { readonly gateway: 'hello' }
  | { readonly gateway: 'listening'; readonly port: number }
  /** It cannot start, and starting it again would not help. */
  | { readonly gateway: 'failed'; readonly message: string }
  | { readonly gateway: 'ask-figures'; readonly id: number }
  /** It has as many connections as it may, or no longer so. */
  | { readonly gateway: 'full'; readonly full: boolean }

/** Tell messages of ours from those of libraries on the same channel. */
export function isMessage(value: unknown): value is PrimaryMessage | WorkerMessage {
  return typeof value === 'object' && value !== null && 'gateway' in value
}
