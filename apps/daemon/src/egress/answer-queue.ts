/** Answers of the egress child on their way out: one is put into a frame when the daemon has taken those before it. */
import { encodeFrame } from './frames.ts'
import { EGRESS_LIMITS, type EgressAnswer } from './messages.ts'

/** Where frames go. */
export interface FrameOutput {
  /** @returns false: it is full, until it has drained */
  write(frame: Buffer): boolean
  onDrain(listener: () => void): void
}

interface Waiting {
  readonly id: number
  readonly make: () => EgressAnswer
}

/** Of what waits, nothing is made yet that its making needs more memory for. */
export class AnswerQueue {
  readonly #output: FrameOutput
  readonly #waiting: Waiting[] = []
  #isFull = false

  constructor(output: FrameOutput) {
    this.#output = output
    output.onDrain(() => {
      this.#isFull = false
      while (!this.#isFull) {
        const next = this.#waiting.shift()
        if (next === undefined) return
        this.#send(next.make())
      }
    })
  }

  /**
   * Answer a question.
   *
   * @param make - called once, in its turn, unless it is taken back before
   */
  push(id: number, make: () => EgressAnswer): void {
    if (this.#isFull) this.#waiting.push({ id, make })
    else this.#send(make())
  }

  /** Nobody waits for this answer any more, if it still waits itself: that goes before all others, and holds nothing. */
  takeBack(id: number): void {
    const at = this.#waiting.findIndex((waiting) => waiting.id === id)
    if (at === -1) return
    this.#waiting.splice(at, 1)
    this.#waiting.unshift({ id, make: () => ({ id, ok: false, error: 'CANCELLED' }) })
  }

  #send(answer: EgressAnswer): void {
    const frame = encodeFrame(answer, EGRESS_LIMITS.answerBytes)
    if (frame !== undefined) this.#isFull = !this.#output.write(frame)
    else this.#send({ id: answer.id, ok: false, error: 'PEER_TOO_LARGE' })
  }
}
