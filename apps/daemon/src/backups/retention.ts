/** When a scheduled backup is due, and which ones are not kept. */

/** What the rules look at. */
export interface DatedBackup {
  readonly name: string
  /** By its name, milliseconds since the epoch. */
  readonly timeMs: number
}

const DAY_MS = 86_400_000

/** The last backup by a clock that may have been wrong: what it dates later than now tells nothing about its age. */
function lastOf<B extends DatedBackup>(files: readonly B[], nowMs: number): B | undefined {
  return files.reduce<B | undefined>(
    (last, file) =>
      file.timeMs <= nowMs && (last === undefined || file.timeMs >= last.timeMs) ? file : last,
    undefined,
  )
}

/** When the next one is due. */
export function dueMs(files: readonly DatedBackup[], nowMs: number, intervalMs: number): number {
  const last = lastOf(files, nowMs)
  return last === undefined ? nowMs : last.timeMs + intervalMs
}

export interface RetentionRules {
  /** Files that stay, the new one among them; 1 or more. */
  readonly keep: number
  /** Age from which they go; 0 for any. */
  readonly keepDays: number
  /** Believed time, milliseconds since the epoch. */
  readonly nowMs: number
}

/**
 * Names of the backups that are not kept, now that a new one is complete.
 *
 * @param made - name of the new one, which always stays
 */
export function expired(
  files: readonly DatedBackup[],
  made: string,
  { keep, keepDays, nowMs }: RetentionRules,
): string[] {
  const madeMs = files.find(({ name }) => name === made)?.timeMs ?? nowMs
  // Whatever is dated later than the new one was dated by a wrong clock, and counts as the oldest.
  const rank = ({ timeMs }: DatedBackup): number =>
    timeMs > madeMs ? Number.NEGATIVE_INFINITY : timeMs
  const others = files
    .filter(({ name }) => name !== made)
    .sort((a, b) => rank(b) - rank(a) || b.timeMs - a.timeMs)
  const isOld = ({ timeMs }: DatedBackup): boolean =>
    keepDays > 0 && nowMs - timeMs > keepDays * DAY_MS
  return others.filter((file, index) => index >= keep - 1 || isOld(file)).map(({ name }) => name)
}
