/** What the doctor finds. */
import type { SecurityFinding } from '@secreg/protocol'

export interface Diagnosis extends SecurityFinding {
  /** The message names no file, path, person or host: it may leave the machine in a support document. */
  readonly shareable?: true
}

type Level = SecurityFinding['level']

/** A finding whose message may be shared. */
export function finding(check: string, level: Level, message: string, advice?: string): Diagnosis {
  return { check, level, message, shareable: true, ...(advice === undefined ? {} : { advice }) }
}

/** The finding as it is answered. */
export function toldFinding({ shareable: _, ...told }: Diagnosis): SecurityFinding {
  return told
}
