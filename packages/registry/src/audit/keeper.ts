/**
 * What the registry does for its audit log by itself while it is unsealed: sign checkpoints, and let old segments go.
 * Nothing is signed or removed while it is sealed: the keys are not there, and what is read from disk decides nothing.
 */
import type { AuditLog } from '@secreg/audit'
import type { AuditAction, Caller } from '@secreg/protocol'
import { auditBody } from '../audit-record.ts'
import { internalCaller } from '../internal-caller.ts'
import type { Journal } from '../journal.ts'
import type { SigningKeys } from './signing-keys.ts'

/** How the log is kept. */
export interface AuditKeeping {
  /** Age of the last checkpoint at which the next one is made, milliseconds. */
  readonly checkpointIntervalMs: number
  /** Age of the youngest line at which a closed segment is removed, milliseconds; absent keeps everything. */
  readonly retentionMs?: number
  /** Last segment that may be removed, as far as whoever reads the log is concerned; default all. */
  readonly removableUpTo?: () => number
  /** Whether a record tells of each checkpoint, for those who read the log elsewhere; default no. */
  readonly recordsCheckpoints?: boolean
}

export const DEFAULT_KEEPING: AuditKeeping = Object.freeze({ checkpointIntervalMs: 300_000 })

/** How often old segments are looked for, milliseconds. */
const RETENTION_EVERY_MS = 600_000
/** How soon it is tried again after a failure, milliseconds. */
const RETRY_MS = 10_000

export interface KeeperOptions {
  readonly log: AuditLog
  readonly journal: Journal
  readonly signing: SigningKeys
  readonly keeping: () => AuditKeeping
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number
  /** Time that removing goes by, milliseconds since the epoch: not ahead of a leap of the clock that has not lasted. */
  readonly believedMs: () => number
  /** How often it was unsealed. */
  readonly unsealings: () => number
  readonly onFault?: ((fault: unknown) => void) | undefined
}

/** When the last checkpoint was made, and of which size. */
export interface CheckpointNote {
  readonly sequence: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

export class AuditKeeper {
  readonly #options: KeeperOptions
  #signedMs = Number.NEGATIVE_INFINITY
  #segment = 0
  #unsealing = 0
  #retainedMs = Number.NEGATIVE_INFINITY
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #last: CheckpointNote | undefined
  /** Sequence of the record of the last checkpoint, while nothing has come after it. */
  #ownSequence = 0

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** The last checkpoint of this run. */
  get last(): CheckpointNote | undefined {
    return this.#last
  }

  /** Called about once a second while it is unsealed. */
  async tick(): Promise<void> {
    const nowMs = this.#options.monotonicMs()
    if (nowMs < this.#notBeforeMs) return
    try {
      if (this.#isCheckpointDue(nowMs)) await this.#signAndTell()
      if (nowMs - this.#retainedMs >= RETENTION_EVERY_MS) {
        await this.#retain()
        this.#retainedMs = nowMs
      }
    } catch (fault) {
      this.#notBeforeMs = nowMs + RETRY_MS
      this.#options.onFault?.(fault)
    }
  }

  /** Sign the log as it is. @returns the signed note; undefined while that cannot be */
  async checkpoint(): Promise<string | undefined> {
    const { log, signing, monotonicMs, unsealings } = this.#options
    const signer = await signing.signer()
    if (signer === undefined) return undefined
    const { segment } = log.tail
    const note = await log.evidence.checkpoint(signer)
    this.#signedMs = monotonicMs()
    this.#segment = segment
    this.#unsealing = unsealings()
    this.#last = { sequence: log.evidence.checkpointed?.size ?? 0, at: Date.now() }
    return note
  }

  #isCheckpointDue(nowMs: number): boolean {
    const { log, keeping, unsealings } = this.#options
    const { sequence, segment } = log.tail
    const isNew = sequence > (log.evidence.checkpointed?.size ?? 0) && sequence > this.#ownSequence
    if (!isNew && this.#last !== undefined) return false
    // What was closed, or written while it was sealed, is signed at once.
    if (segment !== this.#segment || unsealings() !== this.#unsealing) return true
    return nowMs - this.#signedMs >= keeping().checkpointIntervalMs
  }

  async #signAndTell(): Promise<void> {
    const { log, journal, keeping } = this.#options
    const note = await this.checkpoint()
    if (note === undefined || keeping().recordsCheckpoints !== true) return
    await recordedBy(journal, CHECKPOINT, 'checkpoint', note)
    const { sequence } = log.tail
    // Else somebody has recorded something meanwhile, and the next checkpoint has a reason.
    if (sequence === (log.evidence.checkpointed?.size ?? 0) + 1) this.#ownSequence = sequence
  }

  async #retain(): Promise<void> {
    const { log, journal, keeping, signing, believedMs } = this.#options
    const { retentionMs, removableUpTo = () => Number.POSITIVE_INFINITY } = keeping()
    const signer = await signing.signer()
    if (retentionMs === undefined || signer === undefined) return
    const upTo = Math.min(removableUpTo(), journal.storedSegment - 1)
    const bounds = { beforeMs: believedMs() - retentionMs, upTo }
    await log.evidence.retain(bounds, signer, async ({ segment, lines }) => {
      // Whoever reads the log is to know why it begins where it does, before it does.
      const detail = `records 1 to ${lines}, segments 1 to ${segment}`
      await recordedBy(journal, RETENTION, 'retention', detail)
    })
  }
}

const RETENTION: Caller = internalCaller('retention')
const CHECKPOINT: Caller = internalCaller('checkpoint')

function recordedBy(
  journal: Journal,
  caller: Caller,
  action: AuditAction,
  detail: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    journal.record(auditBody(caller, action, 'ok', { detail }), (failure) => {
      if (failure === undefined) resolve()
      else reject(failure)
    })
  })
}
