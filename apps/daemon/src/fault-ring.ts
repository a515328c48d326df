/** The last faults that no caller was told of: codes and times, for a support document. Never a message. */
export interface Fault {
  readonly code: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

const KEPT = 64
const CODE = /^[A-Z][A-Z0-9_]{1,63}$/
const NAME = /^[A-Za-z]{1,40}$/

export class FaultRing {
  readonly #faults: Fault[] = []
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Take note of anything that was thrown. */
  note(fault: unknown): void {
    this.noteCode(codeOf(fault))
  }

  noteCode(code: string): void {
    this.#faults.push({ code, at: this.#now() })
    if (this.#faults.length > KEPT) this.#faults.shift()
  }

  /** Oldest first. */
  list(): readonly Fault[] {
    return [...this.#faults]
  }
}

/** A code that is one, else the kind of error: other texts may say anything. */
function codeOf(fault: unknown): string {
  if (typeof fault !== 'object' || fault === null) return 'UNKNOWN'
  const { code, name } = fault as { readonly code?: unknown; readonly name?: unknown }
  if (typeof code === 'string' && CODE.test(code)) return code
  return typeof name === 'string' && NAME.test(name) ? name : 'UNKNOWN'
}
