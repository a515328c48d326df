/** Whether there is a backup that is young enough. */
import { type Diagnosis, finding } from './finding.ts'

/** What is known of the backups of this registry. */
export interface BackupState {
  /** When the last one was complete, milliseconds since the epoch. */
  readonly lastSuccessMs?: number
  /** They are made by themselves. */
  readonly scheduled: boolean
  /** Why the last scheduled one was not made. */
  readonly failing?: string
}

/** Age from which a backup is old, milliseconds. */
const OLD_MS = 7 * 86_400_000
const DAY_MS = 86_400_000

const ADVICE =
  'run: sreg backup FILE, and keep it on another machine; or have them made by the configuration ([backup])'

export function backupFinding(state: BackupState | undefined, nowMs: number): Diagnosis {
  const check = 'backup'
  const { lastSuccessMs, scheduled, failing } = state ?? { scheduled: false }
  if (failing !== undefined) {
    const message = `scheduled backups fail: ${failing}`
    return { check, level: 'warning', message, advice: 'see the log of secregd' }
  }
  if (lastSuccessMs === undefined) {
    return finding(check, 'warning', 'no backup has been made', ADVICE)
  }
  const ageMs = Math.max(0, nowMs - lastSuccessMs)
  const message = `the last backup is ${age(ageMs)} old${scheduled ? ', more are scheduled' : ''}`
  return ageMs > OLD_MS ? finding(check, 'warning', message, ADVICE) : finding(check, 'ok', message)
}

function age(ms: number): string {
  return ms < 2 * DAY_MS ? `${Math.floor(ms / 3_600_000)} h` : `${Math.floor(ms / DAY_MS)} days`
}
