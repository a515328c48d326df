/**
 * How far a rotation of the data keys is, as the row `g/rotation`. It is written with the values that it speaks of, so a
 * rotation goes on after a death of the process where it was.
 */
import { SecregError } from '@secreg/protocol'
import type { Op, Row } from '@secreg/storage'
import { ROTATION_KEY } from '../keys.ts'

/**
 * `values`: re-encrypting, in the order of paths. `check`: looking for what was moved meanwhile. `erase`: nothing uses
 * the old keys, their traces leave the files. `blocked`: some values cannot be opened, so their keys are kept.
 */
export type RotationPhase = 'values' | 'check' | 'erase' | 'blocked'

export interface RotationState {
  /** Epoch that everything is to be of. */
  readonly epoch: number
  readonly phase: RotationPhase
  /** Path after which it goes on; `''` from the beginning. */
  readonly after: string
  /** Entries looked at in this pass. */
  readonly done: number
  /** Entries when it began. */
  readonly total: number
  /** Values that cannot be opened. */
  readonly unreadable: number
  readonly startedAtMs: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function rotationOp(state: RotationState): Op {
  return { type: 'put', key: ROTATION_KEY, value: encoder.encode(JSON.stringify(state)) }
}

/** @throws SecregError `ERR_STORAGE_CORRUPT` */
export function decodeRotation(row: Pick<Row, 'value'>): RotationState {
  try {
    return JSON.parse(decoder.decode(row.value)) as RotationState
  } catch (cause) {
    throw new SecregError('STORAGE_CORRUPT', 'the state of the rotation cannot be read', { cause })
  }
}
