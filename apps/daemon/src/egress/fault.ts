/** What an operation of the egress child fails with. */
import type { EgressFault } from './messages.ts'

/** A failure that has its word; everything else is `INTERNAL`. */
export class FaultError extends Error {
  override readonly name = 'FaultError'
  readonly fault: EgressFault

  constructor(fault: EgressFault) {
    super(fault)
    this.fault = fault
  }
}

/** Word for whatever was thrown. */
export function faultOf(error: unknown): EgressFault {
  return error instanceof FaultError ? error.fault : 'INTERNAL'
}
