/** Which events are kept (specs: secrets-api §4.4): of reads on a grant that was there, one in so many; all others. */
import type { AuditEnvelope } from './audit-event.ts'

/** Keeps one in `n` of the reads on grants. */
export class AuditSampler {
  readonly #n: number
  #seen = 0

  /** @param n - 1 or more; 1 keeps all @throws RangeError */
  constructor(n: number) {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError('n: expected a positive integer')
    this.#n = n
  }

  /** @returns undefined for what is not kept; what stands for several says so */
  sample(event: AuditEnvelope): AuditEnvelope | undefined {
    const { event_type, data } = event
    if (this.#n === 1 || event_type !== 'SECRET_READ' || !data.cached) return event
    this.#seen = (this.#seen + 1) % this.#n
    return this.#seen === 0 ? { ...event, data: { ...data, sampled: true } } : undefined
  }
}
