/**
 * Numbers after a restore (DESIGN §6): clients may hold version numbers that were given out after the backup was made.
 * So whatever the backup had goes on far above them with its next change, and so does every path that it did not have.
 */
import { SecregError } from '@secreg/protocol'
import type { Op, Row } from '@secreg/storage'
import { NO_NUMBERS } from './number-set.ts'
import type { Retired } from './retired.ts'

/** Numbers that a restore leaves out: more than anybody makes of one entry between a backup and its restore. */
export const NUMBERS_LEFT_OUT = 1_000_000

/** The row `g/numbers`; all restores of a store together. */
export interface Renumbering {
  /** Rows up to this revision came with the last restore. */
  readonly revision: number
  /** How far their numbers are raised. */
  readonly raise: number
}

export const NO_RENUMBERING: Renumbering = Object.freeze({ revision: 0, raise: 0 })
export const NUMBERS_KEY = 'g/numbers'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** What holds after one more restore, whose rows are of revisions up to this one. */
export function renumbered(before: Renumbering | undefined, revision: number): Renumbering {
  return { revision, raise: (before ?? NO_RENUMBERING).raise + NUMBERS_LEFT_OUT }
}

export function renumberingOp(renumbering: Renumbering): Extract<Op, { type: 'put' }> {
  return { type: 'put', key: NUMBERS_KEY, value: encoder.encode(JSON.stringify(renumbering)) }
}

/** @throws SecregError `ERR_STORAGE_CORRUPT` */
export function decodeRenumbering(row: Pick<Row, 'value'> | undefined): Renumbering {
  if (row === undefined) return NO_RENUMBERING
  try {
    return JSON.parse(decoder.decode(row.value)) as Renumbering
  } catch (cause) {
    throw new SecregError('STORAGE_CORRUPT', 'the raised numbers cannot be read', { cause })
  }
}

/** Numbers that count as used: nobody knows which of those that were unused have been used since. */
export function raised<T extends Pick<Retired, 'latest' | 'unused'>>(used: T, raise: number): T {
  return { ...used, latest: used.latest + raise, unused: NO_NUMBERS }
}
