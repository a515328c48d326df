/** One group of operations on its way to one commit. */
import type { SecregError } from '@secreg/protocol'
import type { Engine } from '@secreg/storage'
import { GroupView } from './group-view.ts'
import type { Plan, WriteOperation } from './operation.ts'

/** An operation whose caller waits. */
export interface Queued {
  readonly operation: WriteOperation<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** An operation with its plan. */
export interface Planned {
  readonly queued: Queued
  readonly plan: Plan<unknown>
}

/** What was planned together, on one view. */
export class Group {
  readonly view: GroupView
  /** Everything that was taken from the queue, in order: it goes back when the view turns out wrong. */
  readonly taken: Queued[] = []
  readonly planned: Planned[] = []
  /** Refused on this view, so told only once the view is certain. */
  readonly refused: { readonly queued: Queued; readonly error: SecregError }[] = []

  /** @param before - view of the group whose commit is in flight */
  constructor(engine: Engine, before?: GroupView) {
    this.view = new GroupView(engine, before)
  }

  /** Whether its commit changes what the next operations are decided by: they must not be planned before it. */
  get changesDecisions(): boolean {
    return this.view.isWhole || this.planned.at(-1)?.plan.publish !== undefined
  }
}
