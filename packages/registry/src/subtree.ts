/** What an operation on everything at and below a path takes, for one caller (DESIGN §2: nothing hidden is told). */
import type { Action, Caller } from '@secreg/protocol'
import type { KeyedRow } from '@secreg/storage'
import { accessDenied, passes } from './authorizer.ts'
import type { Core } from './core.ts'
import { decodeEntry } from './entry.ts'
import type { View } from './group-view.ts'
import { entriesBelow, entryKey, pathOfEntryKey } from './keys.ts'
import { REGISTRY_LIMITS } from './limits.ts'
import type { Scan } from './operation.ts'

export interface SubtreeAsk {
  /** Right that is needed on each entry. */
  readonly action: Action
  readonly path: string
  /** Whether the operation is about an entry in this state. */
  takes(row: Pick<KeyedRow, 'value' | 'modifyRevision' | 'createRevision'>): boolean
}

/**
 * Rows to be read before {@link chooseSubtree}.
 *
 * @throws SecregError `ERR_ACCESS_DENIED` when nothing there can be allowed
 */
export function scanSubtree(core: Core, caller: Caller, ask: SubtreeAsk): Scan {
  const { action, path } = ask
  const { authorizer } = core
  const allowed = authorizer.filter(caller, action, path)
  if (allowed === 'none' && !authorizer.asksEntry && !authorizer.allows(caller, action, path)) {
    throw accessDenied()
  }
  const listable = authorizer.filter(caller, 'list', path)
  // Rows that the caller neither sees nor may change must not count: their number stays untold.
  const keep = (row: KeyedRow): boolean => {
    if (!ask.takes(row)) return false
    const below = pathOfEntryKey(row.key)
    const entry = () => decodeEntry(row)
    return passes(allowed, below, entry) || passes(listable, below, entry)
  }
  return { scan: entriesBelow(path), maxRows: REGISTRY_LIMITS.subtreeEntries, keep }
}

/**
 * Paths that the operation takes.
 *
 * @throws SecregError `ERR_ACCESS_DENIED` when the caller sees an entry there that he may not change
 */
export function chooseSubtree(
  core: Core,
  caller: Caller,
  ask: SubtreeAsk,
  view: View,
  rows: readonly KeyedRow[],
): string[] {
  const { action, path } = ask
  const { authorizer } = core
  const chosen: string[] = []
  const own = view.get(entryKey(path))
  if (own !== undefined && ask.takes(own)) {
    const entry = decodeEntry(own)
    if (authorizer.allows(caller, action, path, entry)) chosen.push(path)
    else if (authorizer.allows(caller, 'list', path, entry)) throw accessDenied()
  }
  const allowed = authorizer.filter(caller, action, path)
  for (const row of rows) {
    const below = pathOfEntryKey(row.key)
    // What the caller sees but may not change stops the whole operation; what he does not see stays untold.
    if (!passes(allowed, below, () => decodeEntry(row))) throw accessDenied()
    chosen.push(below)
  }
  return chosen
}
