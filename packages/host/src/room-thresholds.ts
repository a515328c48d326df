/** Thresholds of the free room on the disk of the audit log: each must be smaller than the one before it. */
import type { Config } from './config-values.ts'

const THRESHOLDS = [
  ['free_warning', 'freeWarningBytes'],
  ['free_low', 'freeLowBytes'],
  ['free_least', 'freeLeastBytes'],
] as const

/** A threshold that is out of order. */
export interface RoomFault {
  /** Name in the section `audit`. */
  readonly key: string
  readonly message: string
}

/**
 * Find what is out of order; one that is off has no place in it.
 *
 * @param given - members of the section as they stand in the file: a fault is told where something was written
 */
export function roomFaults(audit: Config['audit'], given: object): readonly RoomFault[] {
  const on = THRESHOLDS.filter(([, field]) => audit[field] > 0)
  return on.slice(1).flatMap(([key, field], index) => {
    const [above, fieldAbove] = on[index] as (typeof THRESHOLDS)[number]
    if (audit[field] < audit[fieldAbove]) return []
    const message = `audit.${key} (${audit[field]}) must be less than audit.${above} (${audit[fieldAbove]})`
    return [{ key: Object.hasOwn(given, key) ? key : above, message }]
  })
}
