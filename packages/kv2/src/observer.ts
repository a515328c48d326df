/** What metrics are made of. */
import type { CircuitState } from './circuit.ts'
import type { Kv2ErrorCode, Kv2Operation } from './errors.ts'

/** How a call ended: well, with an error of this package, by its signal, or with another error. */
export type Kv2Outcome = 'ok' | Kv2ErrorCode | 'aborted' | 'failed'

/** One call that ended; logins, look-ups and renewals too. */
export interface Kv2CallEvent {
  readonly op: Kv2Operation
  readonly outcome: Kv2Outcome
  readonly durationMs: number
}

/** Hooks. They are called synchronously; what they throw is ignored. */
export interface Kv2Observer {
  onCall?(event: Kv2CallEvent): void
  onCircuit?(state: CircuitState): void
}

export function notify(hook: () => void): void {
  try {
    hook()
  } catch {}
}
