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

/** An operation that was refused. */
export interface Refused {
  readonly queued: Queued
  readonly error: SecregError
  /** Plans of its group have been taken before it: it may rest on what they will write. */
  readonly restsOnPlans: boolean
}

/** What was planned together, on one view. */
export class Group {
  readonly view: GroupView
  /** Everything that was taken from the queue, in order: it goes back when the view turns out wrong. */
  readonly taken: Queued[] = []
  readonly planned: Planned[] = []
  /** Refused on this view, so told only once everything that it shows is certain. */
  readonly refused: Refused[] = []
  /** Planned to write nothing; answered like refusals, with a record of their own. */
  readonly unchanged: Planned[] = []

  /** @param before - view of the group whose commit is in flight */
  constructor(engine: Engine, before?: GroupView) {
    this.view = new GroupView(engine, before)
  }

  /** Refusals that wait for nothing have been told. */
  forgetTold(): void {
    const waiting = this.refused.filter(({ restsOnPlans }) => restsOnPlans)
    this.refused.splice(0, this.refused.length, ...waiting)
  }

  /** Everything that is told only when the commit has succeeded, in order, to be planned anew when it has not. */
  get uncertain(): Queued[] {
    const told = new Set([...this.refused, ...this.unchanged].map(({ queued }) => queued))
    return this.taken.filter((queued) => told.has(queued))
  }

  /** Whether its commit changes what the next operations are decided by: they must not be planned before it. */
  get changesDecisions(): boolean {
    return this.view.isWhole || this.planned.at(-1)?.plan.publish !== undefined
  }
}
