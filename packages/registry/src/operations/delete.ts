/** Delete an entry or a subtree, softly: versions are kept (DESIGN §4). */
import {
  type Caller,
  type DeleteResponse,
  parsePath,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { KeyedRow, Op } from '@secreg/storage'
import { auditBody } from '../audit-record.ts'
import { accessDenied, passes } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { decodeEntry, type Entry, encodeEntry, isDeletedEntryRow } from '../entry.ts'
import type { View } from '../group-view.ts'
import { entriesBelow, entryKey, pathOfEntryKey } from '../keys.ts'
import type { ChangeEvent, Plan, Scan } from '../operation.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import { notFound } from './get.ts'
import { authorOf } from './set.ts'

/** Most entries that one recursive delete takes. */
export const DELETE_ENTRIES = 10_000

/**
 * Delete an entry, or with `recursive` everything at and below it, as one operation.
 *
 * @throws SecregError `ERR_STORAGE_KEY_NOT_FOUND`; `ERR_NOT_A_LEAF` when only something below it exists;
 *   `ERR_ACCESS_DENIED`, `ERR_LIMIT_EXCEEDED`, `ERR_SEALED`, and the failures of store and log
 */
export function remove(
  core: Core,
  caller: Caller,
  request: RequestOf<'delete'>,
): Promise<DeleteResponse> {
  const facts: Facts = { action: 'delete' }
  let path: string
  try {
    path = parsePath(request.key)
    facts.paths = [path]
    // Whoever asked while it was sealed is not answered by what it is when his turn comes.
    core.keys.requireUnsealed()
  } catch (error) {
    return recorded(core.journal, caller, facts, () => {
      throw error
    })
  }
  if (request.recursive === true) facts.detail = 'recursive'
  return core.writer.submit({
    plan: (view, rows) => {
      core.keys.requireUnsealed()
      return request.recursive === true
        ? planSubtree(core, caller, path, facts, view, rows)
        : planLeaf(core, caller, path, facts, view, rows)
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function planLeaf(
  core: Core,
  caller: Caller,
  path: string,
  facts: Facts,
  view: View,
  rows: readonly KeyedRow[] | undefined,
): Plan<DeleteResponse> | Scan {
  core.authorizer.require(caller, 'delete', path)
  const row = view.get(entryKey(path))
  const entry = row === undefined ? undefined : decodeEntry(row)
  if (entry !== undefined && entry.active !== 0)
    return planOf(core, caller, facts, view, [[path, entry]])
  const visible = core.authorizer.filter(caller, 'list', path)
  if (visible === 'none') throw notFound()
  if (rows === undefined) {
    const keep = (child: KeyedRow): boolean =>
      !isDeletedEntryRow(child) && passes(visible, pathOfEntryKey(child.key))
    return { scan: entriesBelow(path), maxRows: 1, stopAtMax: true, keep }
  }
  if (rows.length === 0) throw notFound()
  throw new SecregError(
    'NOT_A_LEAF',
    'no such key, but there are keys below it: delete with recursive',
  )
}

function planSubtree(
  core: Core,
  caller: Caller,
  path: string,
  facts: Facts,
  view: View,
  rows: readonly KeyedRow[] | undefined,
): Plan<DeleteResponse> | Scan {
  const deletable = core.authorizer.filter(caller, 'delete', path)
  const selfAllowed = core.authorizer.allows(caller, 'delete', path)
  if (deletable === 'none' && !selfAllowed) throw accessDenied()
  const listable = core.authorizer.filter(caller, 'list', path)
  if (rows === undefined) {
    // Rows that the caller neither sees nor may delete must not count: their number stays untold.
    const keep = (row: KeyedRow): boolean => {
      if (isDeletedEntryRow(row)) return false
      const below = pathOfEntryKey(row.key)
      return passes(deletable, below) || passes(listable, below)
    }
    return { scan: entriesBelow(path), maxRows: DELETE_ENTRIES, keep }
  }
  const chosen: [string, Entry][] = []
  const own = view.get(entryKey(path))
  if (own !== undefined) {
    const entry = decodeEntry(own)
    if (selfAllowed) choose(chosen, path, entry)
    else if (entry.active !== 0 && core.authorizer.allows(caller, 'list', path)) {
      throw accessDenied()
    }
  }
  for (const row of rows) {
    const below = pathOfEntryKey(row.key)
    // What the caller sees but may not delete stops the whole operation; what he does not see stays untold.
    if (!passes(deletable, below)) throw accessDenied()
    choose(chosen, below, decodeEntry(row))
  }
  if (chosen.length === 0) throw notFound()
  return planOf(core, caller, { ...facts, count: chosen.length }, view, chosen)
}

function choose(chosen: [string, Entry][], path: string, entry: Entry): void {
  if (entry.active !== 0) chosen.push([path, entry])
}

function planOf(
  core: Core,
  caller: Caller,
  facts: Facts,
  view: View,
  chosen: readonly (readonly [path: string, entry: Entry])[],
): Plan<DeleteResponse> {
  const nowMs = core.now()
  const by = authorOf(caller)
  const ops: Op[] = chosen.map(([path, { value: _, ...entry }]) => ({
    type: 'put',
    key: entryKey(path),
    value: encodeEntry({
      ...entry,
      active: 0,
      deletedAtMs: nowMs,
      modifiedAtMs: nowMs,
      modifiedBy: by,
    }),
  }))
  const events: ChangeEvent[] = chosen.map(([key, entry]) => ({
    op: 'delete',
    key,
    version: entry.active,
    type: entry.type,
    encrypted: entry.encrypted,
  }))
  const versions = chosen.length === 1 ? { versions: chosen.map(([, entry]) => entry.active) } : {}
  return {
    ops: [...ops, ...core.counters.plan(view, -chosen.length)],
    events,
    record: auditBody(caller, 'delete', 'ok', { ...facts, ...versions }),
    result: (revision) => ({ success: true, deleted: chosen.length, revision }),
  }
}
