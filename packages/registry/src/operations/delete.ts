/** Delete an entry or a subtree, softly: versions are kept (DESIGN §4). */
import {
  type Caller,
  type DeleteResponse,
  parsePath,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { KeyedRow } from '@secreg/storage'
import { passes } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { atOnceOrSliced, Edits } from '../edits.ts'
import { decodeEntry, isLiveRow } from '../entry.ts'
import type { View } from '../group-view.ts'
import { entriesBelow, pathOfEntryKey } from '../keys.ts'
import type { Plan, Scan, Slices } from '../operation.ts'
import { notFound } from '../read-value.ts'
import { type Facts, prepared, refusalBody } from '../recorded.ts'
import { chooseSubtree, scanSubtree } from '../subtree.ts'
import { requireWritable } from './set.ts'

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
  const recursive = request.recursive === true
  if (recursive) facts.detail = 'recursive'
  const prepare = (): string => {
    const path = parsePath(request.key)
    facts.paths = [path]
    // Whoever asked while it was sealed is not answered by what it is when his turn comes.
    core.keys.requireUnsealed()
    return path
  }
  return prepared(core.journal, caller, facts, prepare, (path) =>
    core.writer.submit<DeleteResponse>({
      plan: (view, rows) => {
        core.keys.requireUnsealed()
        const plan = recursive ? planSubtree : planLeaf
        return plan(core, caller, path, facts, view, rows)
      },
      refusal: (error) => refusalBody(caller, facts, error),
    }),
  )
}

function planLeaf(
  core: Core,
  caller: Caller,
  path: string,
  facts: Facts,
  view: View,
  rows: readonly KeyedRow[] | undefined,
): Plan<DeleteResponse> | Scan | Slices<DeleteResponse> {
  const edits = new Edits(core, caller, view)
  const edit = edits.at(path)
  core.authorizer.require(caller, 'delete', path, edit.entry)
  if (edit.isLive) return atOnceOrSliced(1, planOf(core, caller, facts, edits, [path]))
  const visible = core.authorizer.filter(caller, 'list', path)
  if (visible === 'none') throw notFound()
  if (rows === undefined) {
    const keep = (child: KeyedRow): boolean =>
      isLiveRow(child, edits.expiryNowMs) &&
      passes(visible, pathOfEntryKey(child.key), () => decodeEntry(child))
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
): Plan<DeleteResponse> | Scan | Slices<DeleteResponse> {
  const nowMs = core.clock.now()
  const ask = { action: 'delete', path, takes: (row: KeyedRow) => isLiveRow(row, nowMs) } as const
  if (rows === undefined) return scanSubtree(core, caller, ask)
  const paths = chooseSubtree(core, caller, ask, view, rows)
  if (paths.length === 0) throw notFound()
  const edits = new Edits(core, caller, view)
  const counted = { ...facts, count: paths.length }
  return atOnceOrSliced(paths.length, planOf(core, caller, counted, edits, paths))
}

function* planOf(
  core: Core,
  caller: Caller,
  facts: Facts,
  edits: Edits,
  paths: readonly string[],
): Generator<undefined, Plan<DeleteResponse>> {
  const versions: number[] = []
  for (const path of paths) {
    yield
    core.keys.requireUnsealed()
    const edit = edits.at(path)
    requireWritable(edit)
    versions.push(edit.entry?.active ?? 0)
    edit.delete()
  }
  return yield* edits.plan(caller, {
    action: 'delete',
    facts: paths.length === 1 ? { ...facts, versions } : facts,
    result: (revision) => ({ success: true, deleted: paths.length, revision }),
  })
}
