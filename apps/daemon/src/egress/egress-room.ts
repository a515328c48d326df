/**
 * How much may be under way at a child at once. What is taken back counts until the child has answered it.
 *
 * The child's heap is 128 MiB. A question is in it until it is answered, at up to two bytes for each byte of its frame, so
 * that the questions of HTTP may have 24 MiB at once: 48 MiB of the heap, beside the few batches for Kafka. Bodies of
 * answers are outside of the heap, of 2 MiB at most each, and are read by as many at a time as there are connections, 10
 * for each server unless told otherwise; a frame is made of one when the daemon has taken those before.
 */
import { EGRESS_LIMITS, type EgressOp } from './messages.ts'

export class EgressRoom {
  readonly #open = new Map<number, { readonly isHttp: boolean; readonly bytes: number }>()
  #http = 0
  #httpBytes = 0

  /**
   * Take room for a question.
   *
   * @param bytes - of its frame
   * @returns false: there is none
   */
  take(id: number, op: EgressOp, bytes: number): boolean {
    const isHttp = op === 'http.request'
    if (this.#open.size >= EGRESS_LIMITS.questions) return false
    if (isHttp) {
      if (this.#http >= EGRESS_LIMITS.httpQuestions) return false
      if (this.#httpBytes + bytes > EGRESS_LIMITS.httpQuestionBytes) return false
      this.#http++
      this.#httpBytes += bytes
    }
    this.#open.set(id, { isHttp, bytes })
    return true
  }

  /** The child has answered it. */
  give(id: number): void {
    const question = this.#open.get(id)
    if (question === undefined) return
    this.#open.delete(id)
    if (!question.isHttp) return
    this.#http--
    this.#httpBytes -= question.bytes
  }
}
