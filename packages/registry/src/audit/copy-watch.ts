/**
 * Whether something of the audit log leaves this machine now and then. Whoever can put the whole machine back to an
 * earlier state puts the log and its checkpoints back with it: only what is kept elsewhere shows that (DESIGN §6).
 */
import { type Diagnosis, finding } from '../doctor/finding.ts'

/** Time without a copy after which it is warned of, milliseconds. */
const WARN_AFTER_MS = 86_400_000

export interface CopyWatchOptions {
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number
  /** Whether records are sent elsewhere and arrive there; default no. */
  readonly isShipped?: (() => boolean) | undefined
}

export class CopyWatch {
  readonly #options: CopyWatchOptions
  /** The last time that is known of; before that, the start. */
  #copiedMs: number

  constructor(options: CopyWatchOptions) {
    this.#options = options
    this.#copiedMs = options.monotonicMs()
  }

  /** A checkpoint was handed to somebody. */
  note(): void {
    this.#copiedMs = this.#options.monotonicMs()
  }

  get isStale(): boolean {
    const { isShipped, monotonicMs } = this.#options
    if (isShipped?.() === true) this.note()
    return monotonicMs() - this.#copiedMs > WARN_AFTER_MS
  }

  /** For the status. */
  get warning(): string | undefined {
    return this.isStale ? `${NOTHING_LEFT}: ${ADVICE}` : undefined
  }

  /** For the doctor. */
  get diagnosis(): Diagnosis {
    const check = 'audit copy'
    return this.isStale
      ? finding(check, 'warning', NOTHING_LEFT, ADVICE)
      : finding(check, 'ok', 'no day without a copy of records or checkpoint elsewhere')
  }
}

const NOTHING_LEFT = 'for a day nothing of the audit log has left this machine'
const ADVICE =
  'set audit.syslog or kafka.brokers, or keep what sreg audit checkpoint prints elsewhere'
