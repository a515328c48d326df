/** Users of identities, each of whom knows what must hold afterwards, whatever happened meanwhile. */
import { expect } from 'vitest'
import type { AuditLine } from './site.ts'
import { Wire } from './wire.ts'

/** One who changes identities. What he asks for is made, not made, or in doubt when the daemon dies before its answer. */
export interface IdentityWriter {
  /** Make what the others rest on. */
  prepare(admin: Wire): Promise<void>
  /**
   * Make one change, and look at what follows from it at once.
   *
   * @throws Error when the connection is gone, and then the change may have been made
   */
  step(admin: Wire, socket: string): Promise<void>
  /** Compare with what is there, and take over what was in doubt. Nothing is under way. */
  check(admin: Wire, socket: string): Promise<void>
  /** Compare with the log: each change that was made has one record. */
  checkLog(lines: readonly AuditLine[]): void
}

/** Open a session with a token; undefined when it is refused. */
export async function bear(socket: string, token: string): Promise<Wire | undefined> {
  const wire = await Wire.open(socket)
  try {
    const { body } = await wire.ask('auth', { token })
    if (body.success === true) {
      wire.session = body.session_id
      return wire
    }
    expect(body.error.reason).toBe('AUTH_FAILED')
  } catch (error) {
    wire.close()
    throw error
  }
  wire.close()
  return undefined
}

/** Records of something that was made, by its detail. */
export function countOf(lines: readonly AuditLine[], detail: string): number {
  return lines.filter(({ body }) => body.outcome === 'ok' && body.detail === detail).length
}
