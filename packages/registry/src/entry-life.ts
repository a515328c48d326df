/** What can happen to the record of an entry, as functions from one state to the next (DESIGN §4). */
import { SecregError, type ValueType } from '@secreg/protocol'
import type { Entry } from './entry.ts'
import {
  addNumbers,
  countNumbers,
  hasNumber,
  NO_NUMBERS,
  type NumberSet,
  numbersUp,
  removeNumber,
} from './number-set.ts'
import type { Retired } from './retired.ts'
import type { Version } from './version.ts'

/** Paths that an entry remembers to have been at. */
const FORMER_PATHS = 8

/** A new life of a path: no version yet, and the numbers go on from the lives before. */
export function beginLife(
  id: string,
  type: ValueType,
  { latest, unused }: Retired,
  { nowMs, by }: { readonly nowMs: number; readonly by: string },
): Entry {
  return {
    id,
    type,
    encrypted: false,
    private: false,
    ephemeral: false,
    createdAtMs: nowMs,
    createdBy: by,
    active: 0,
    latest,
    base: latest,
    present: NO_NUMBERS,
    unused,
    scattered: false,
    modifiedAtMs: nowMs,
    modifiedBy: by,
    metadata: {},
    limits: {},
  }
}

/**
 * Use a version number.
 *
 * @returns what changes by it
 * @throws SecregError `ERR_VERSION_CONFLICT` when it was used before, `ERR_VERSIONS_EXHAUSTED` beyond the highest
 */
export function claim(
  { latest, unused }: Pick<Entry, 'latest' | 'unused'>,
  number: number,
  highest: number,
): Pick<Entry, 'latest' | 'unused'> {
  if (number > highest) {
    throw new SecregError('VERSIONS_EXHAUSTED', 'there is no version number left; copy the entry')
  }
  if (number > latest + 1) {
    return { latest: number, unused: addNumbers(unused, latest + 1, number - 1) }
  }
  if (number === latest + 1) return { latest: number, unused }
  if (hasNumber(unused, number)) return { latest, unused: removeNumber(unused, number) }
  throw new SecregError('VERSION_CONFLICT', 'the version number was used before')
}

/**
 * Make a version the active one; a deleted entry is there again.
 *
 * @param more - what changes with it
 */
export function activated(
  entry: Entry,
  number: number,
  { type, encrypted, expiresAtMs, value }: Version,
  more?: Partial<Entry>,
): Entry {
  const {
    value: _,
    activeState: __,
    activeExpiresAtMs: ___,
    deletedAtMs: ____,
    deletedBy: _____,
    ...rest
  } = entry
  return {
    ...rest,
    ...more,
    active: number,
    type,
    encrypted,
    ...(expiresAtMs === undefined ? {} : { activeExpiresAtMs: expiresAtMs }),
    ...(value === undefined ? {} : { value }),
  }
}

/** Take the active version from readers; it is never another one instead. */
export function hidden(entry: Entry, activeState: 'deleted' | 'destroyed'): Entry {
  const { value: _, activeExpiresAtMs: __, ...rest } = entry
  return { ...rest, activeState }
}

/** Give the active version back to readers; an entry that is deleted stays so. */
export function unhidden(entry: Entry, version: Version): Entry {
  const { deletedAtMs, deletedBy } = entry
  const shown = activated(entry, entry.active, version)
  if (deletedAtMs === undefined) return shown
  const { value: _, ...rest } = shown
  return { ...rest, deletedAtMs, ...(deletedBy === undefined ? {} : { deletedBy }) }
}

/** Take it away from a path; whoever erases it must know where it was. */
export function left(entry: Entry, path: string): Entry {
  const former = [...new Set([...(entry.former ?? []), path])]
  return { ...entry, former: former.length > FORMER_PATHS || former[0] === '' ? [''] : former }
}

/** The oldest versions that are too many; never the active one. */
export function pruned(present: NumberSet, active: number, most: number): number[] {
  let excess = countNumbers(present) - most
  const gone: number[] = []
  if (excess <= 0) return gone
  for (const number of numbersUp(present)) {
    if (excess <= 0) break
    if (number === active) continue
    gone.push(number)
    excess--
  }
  return gone
}
