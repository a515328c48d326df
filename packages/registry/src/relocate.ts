/**
 * Move an entry to another path with its history. Its id stays, so its values, which are bound to it, are not touched
 * (DESIGN §6). Only where the path has used numbers before, the versions are written anew under higher ones and another
 * id: no number of a path ever means two values.
 */
import { SecregError } from '@secreg/protocol'
import { type Entry, INLINE_VALUE_BYTES } from './entry.ts'
import type { EntryEdit, Expiry } from './entry-edit.ts'
import { type NumberSet, numbersUp } from './number-set.ts'
import { hasQuota, NO_USAGE } from './usage.ts'
import type { Version } from './version.ts'

/** @param target - edit of a path without an entry */
export function* relocate(source: EntryEdit, target: EntryEdit): Generator<undefined, void> {
  source.raise()
  const before = source.entry
  if (before === undefined) throw new TypeError('there is no entry to move')
  const { latest, movedId } = target.past
  if (latest === 0 || movedId === before.id) {
    // Its versions stay where they are in the store, but another mount may have to count them.
    const isCounted =
      source.mount.path !== target.mount.path && (hasQuota(source.mount) || hasQuota(target.mount))
    const weight = isCounted ? yield* source.rows.weigh(before) : NO_USAGE
    const { entry, expiries } = source.moveAway()
    target.become(entry, expiries)
    source.shift(weight, entry, -1)
    target.shift(weight, entry, 1)
  } else yield* rewrite(source, target, before)
}

function* rewrite(source: EntryEdit, target: EntryEdit, before: Entry): Generator<undefined, void> {
  const { past } = target
  const shift = past.latest - before.base
  const lowest = before.present[0]
  if (lowest !== undefined && lowest <= before.base) {
    throw new SecregError(
      'ALREADY_EXISTS',
      'the destination has used such version numbers before; copy the entry instead',
    )
  }
  const id = target.context.newEntryId()
  const { value: _, former: __, ...rest } = before
  const moved: Entry = {
    ...rest,
    id,
    base: past.latest,
    latest: before.latest + shift,
    active: before.active === 0 ? 0 : before.active + shift,
    present: before.present.map((number) => number + shift),
    unused: [...past.unused, ...shifted(before, shift)],
  }
  let inline: Uint8Array | undefined
  for (const number of numbersUp(before.present)) {
    yield
    const version = rewriteVersion(source, target, [before, number], [moved, number + shift])
    if (number === before.active && before.value !== undefined) inline = version.value
  }
  const expiries: Expiry[] = []
  for (const [atMs, number] of source.rows.expiries(before)) {
    expiries.push([atMs, number === 0 ? 0 : number + shift])
  }
  target.become(inline === undefined ? moved : { ...moved, value: inline }, expiries)
  source.purge()
}

/** Unused numbers of the life itself, moved up; those of the lives before are the old path's matter. */
function shifted({ unused, base }: Entry, shift: number): NumberSet {
  const moved: number[] = []
  for (let at = 0; at < unused.length; at += 2) {
    const low = unused[at] as number
    if (low > base) moved.push(low + shift, (unused[at + 1] as number) + shift)
  }
  return moved
}

function rewriteVersion(
  source: EntryEdit,
  target: EntryEdit,
  [before, number]: readonly [Entry, number],
  [moved, newNumber]: readonly [Entry, number],
): Version {
  const version = source.rows.version(before, number)
  if (version.destroyed) {
    target.rows.putVersion(moved, newNumber, version, true)
    return version
  }
  const { keys } = target.context
  const { type, encrypted } = version
  const stored = source.rows.value(before, number, version)
  let bytes = stored
  if (encrypted) {
    const plain = keys.openValue({ id: before.id, type }, number, stored)
    try {
      bytes = keys.sealValue({ id: moved.id, type }, newNumber, plain)
    } finally {
      plain.fill(0)
    }
  }
  const { value: _, ...header } = version
  const inline = bytes.length <= INLINE_VALUE_BYTES
  const written = inline ? { ...header, value: bytes } : header
  target.rows.putVersion(moved, newNumber, written, true)
  if (!inline) target.rows.putValue(moved, newNumber, bytes, true)
  return written
}
