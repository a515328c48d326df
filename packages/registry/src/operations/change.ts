/** The common frame of operations that change one entry or a subtree. */
import type { Action, Caller } from '@secreg/protocol'
import type { Row } from '@secreg/storage'
import type { Core } from '../core.ts'
import { atOnceOrSliced, Edits } from '../edits.ts'
import { decodeEntry, isExpired } from '../entry.ts'
import type { EntryEdit } from '../entry-edit.ts'
import type { Plan } from '../operation.ts'
import { notFound } from '../read-value.ts'
import { type Facts, prepared, refusalBody } from '../recorded.ts'
import { chooseSubtree, scanSubtree } from '../subtree.ts'
import { requireWritable, rowsOf } from './set.ts'

/** What becomes of the edit of one path, and what is recorded and answered. */
export interface Done<T> {
  readonly facts?: Partial<Facts>
  readonly result: (revision: number) => T
}

/**
 * Submit a change of one entry: decided, then made, in the writer's turn.
 *
 * @param prepare - checks what needs no state, and gives the path
 * @param make - does it; refuses by throwing
 */
export function changeEntry<T>(
  core: Core,
  caller: Caller,
  facts: Facts,
  action: Action,
  prepare: () => string,
  make: (edit: EntryEdit) => Done<T>,
): Promise<T> {
  return prepared(core.journal, caller, facts, preparing(core, facts, prepare), (path) =>
    core.writer.submit<T>({
      plan: (view) => {
        const edits = new Edits(core, caller, view)
        const edit = edits.at(path)
        core.authorizer.require(caller, action, path, edit.entry)
        core.keys.requireUnsealed()
        requireWritable(edit)
        const rows = rowsOf(edit)
        const { facts: more, result } = make(edit)
        return atOnceOrSliced(
          action === 'purge' ? rows : 0,
          edits.plan(caller, { action: facts.action, facts: { ...facts, ...more }, result }),
        )
      },
      refusal: (error) => refusalBody(caller, facts, error),
    }),
  )
}

/** Take note of the path before it is asked whether anything can be changed at all. */
function preparing(core: Core, facts: Facts, prepare: () => string): () => string {
  return () => {
    const path = prepare()
    facts.paths = [path]
    core.keys.requireUnsealed()
    return path
  }
}

/** The same for everything at and below a path that is there, deleted or not. */
export function changeSubtree<T>(
  core: Core,
  caller: Caller,
  facts: Facts,
  action: Action,
  prepare: () => string,
  make: (edit: EntryEdit) => void,
  result: (revision: number, count: number) => T,
): Promise<T> {
  return prepared(core.journal, caller, facts, preparing(core, facts, prepare), (path) => {
    const takes = (row: Row): boolean => !isExpired(decodeEntry(row), core.clock.now())
    const ask = { action, path, takes }
    return core.writer.submit<T>({
      plan: (view, found) => {
        core.keys.requireUnsealed()
        if (found === undefined) return scanSubtree(core, caller, ask)
        const paths = chooseSubtree(core, caller, ask, view, found)
        if (paths.length === 0) throw notFound()
        const edits = new Edits(core, caller, view)
        function* all(): Generator<undefined, Plan<T>> {
          for (const each of paths) {
            yield
            core.keys.requireUnsealed()
            const edit = edits.at(each)
            requireWritable(edit)
            make(edit)
          }
          return yield* edits.plan(caller, {
            action: facts.action,
            facts: { ...facts, count: paths.length },
            result: (revision) => result(revision, paths.length),
          })
        }
        return { slices: all() }
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
  })
}
