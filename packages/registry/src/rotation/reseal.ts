/** Seal the values of some entries anew, in one plan: nothing of an entry changes that a client can see. */
import { isCryptoError } from '@secreg/crypto'
import type { Op } from '@secreg/storage'
import type { Core } from '../core.ts'
import { parseEntry } from '../entry.ts'
import { EntryRows } from '../entry-rows.ts'
import type { View } from '../group-view.ts'
import { entryKey } from '../keys.ts'
import { hasNumber } from '../number-set.ts'
import { hasQuota, UsageTally } from '../usage.ts'
import type { StaleEntry } from './stale.ts'

/** What a plan of {@link reseal} writes. */
export interface Resealed {
  readonly ops: readonly Op[]
  /** Values that could not be opened: they stay as they are. */
  readonly unreadable: number
}

export function reseal(
  { keys, mounts }: Pick<Core, 'keys' | 'mounts'>,
  view: View,
  entries: readonly StaleEntry[],
): Resealed {
  const ops: Op[] = []
  const usage = new UsageTally()
  let unreadable = 0
  for (const { path, id, numbers } of entries) {
    const row = view.get(entryKey(path))
    const entry = row === undefined ? undefined : parseEntry(row.value)
    // What has gone elsewhere is found by the check at the end.
    if (row === undefined || entry === undefined || entry.id !== id) continue
    const rows = new EntryRows(path, view)
    for (const number of numbers) {
      if (!hasNumber(entry.present, number)) continue
      const version = rows.version(entry, number)
      if (!version.encrypted || version.destroyed) continue
      const blob = rows.value(entry, number, version)
      if (!keys.isOfOldEpoch(blob)) continue
      const sealed = resealValue(keys, { id, type: version.type }, number, blob)
      if (sealed === undefined) {
        unreadable++
        continue
      }
      if (version.value === undefined) rows.putValue(entry, number, sealed)
      else rows.putVersion(entry, number, { ...version, value: sealed })
      if (number === entry.active && entry.value !== undefined) {
        const keptRevision = entry.keptRevision ?? row.modifyRevision
        rows.putEntry({ ...entry, value: sealed, keptRevision })
      }
    }
    // They would push out of the cache what is asked for.
    for (const op of rows.ops()) ops.push(op.type === 'put' ? { ...op, cold: true } : op)
    // The record says now which revision it had, which takes some bytes; that is refused to nobody.
    const mount = mounts.at(path)
    if (hasQuota(mount)) usage.add(mount, rows.growth(entry.ephemeral), false)
  }
  ops.push(...usage.plan(view))
  return { ops, unreadable }
}

function resealValue(
  keys: Core['keys'],
  binding: Parameters<Core['keys']['openValue']>[0],
  number: number,
  blob: Uint8Array,
): Uint8Array | undefined {
  let plain: Uint8Array
  try {
    plain = keys.openValue(binding, number, blob)
  } catch (error) {
    if (isCryptoError(error, 'ERR_CRYPTO_OPEN')) return undefined
    throw error
  }
  try {
    return keys.sealValue(binding, number, plain)
  } finally {
    plain.fill(0)
  }
}
