/**
 * How much of the one connection to the daemon, and of what is kept for bodies, the Secrets API takes: its providers
 * may be slow, and nobody else is to wait for them.
 */
import { FairGate } from '../identity/fair-gate.ts'

/** Requests of it that are under way at the daemon, of the 64 of a worker (`outstandingRequests` of the protocol). */
export const ASKED_AT_ONCE = 32
/** Requests of it that wait for that. */
export const WAITING = 512
/** A body that is no longer than a head is read of everybody, bytes. */
export const SMALL_BODY_BYTES: number = 16 * 1024
/** Longer bodies of those whom the daemon does not know yet that are read at once. */
export const STRANGER_BODIES = 8

export interface SecretsGates {
  readonly asking: FairGate
  readonly strangers: FairGate
}

/** Those of one worker. */
export function secretsGates(): SecretsGates {
  return {
    asking: new FairGate({ maxRunning: ASKED_AT_ONCE, maxWaiting: WAITING }),
    strangers: new FairGate({ maxRunning: STRANGER_BODIES, maxWaiting: 8 * STRANGER_BODIES }),
  }
}
