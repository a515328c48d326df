/** Plans of waiting operations, synchronously where the rows are here, and otherwise with nothing in flight. */
import { SecregError } from '@secreg/protocol'
import type { Engine, KeyedRow } from '@secreg/storage'
import type { Group, Queued } from './group.ts'
import { PendingRead } from './group-view.ts'
import { isEntryKey } from './keys.ts'
import type { Plan, Scan, Slices } from './operation.ts'
import { SLICE_MS } from './slices.ts'
import { asSecregError } from './store-failure.ts'

/** What a plan waits for before it can be made. */
export type Needs = Scan | Slices<unknown> | PendingRead | NextGroup

/** Another commit: one revision of an entry must never mean two states of it, or compare-and-set would miss one. */
type NextGroup = typeof NEXT_GROUP
const NEXT_GROUP: { readonly next: true } = Object.freeze({ next: true })

const SCAN_PAGE = 256
/** Rows of a page that is worked on at once. */
const TAKEN_PAGE = 64

/**
 * Plan one operation on the view of a group, and take it into the group unless it must wait.
 *
 * @returns what it waits for; `undefined` when it is in the group, planned or refused
 */
export function planNow(
  group: Group,
  queued: Queued,
  rows?: readonly KeyedRow[],
): Needs | undefined {
  let plan: Plan<unknown> | Scan | Slices<unknown>
  try {
    plan = queued.operation.plan(group.view, rows)
  } catch (cause) {
    if (cause instanceof PendingRead) return cause
    refuse(group, queued, cause)
    return undefined
  }
  if ('scan' in plan || 'slices' in plan) return plan
  if (group.planned.length > 0 && plan.ops.some(({ key }) => isEntryAgain(group, key))) {
    return NEXT_GROUP
  }
  for (const op of plan.ops) group.view.apply(op)
  admit(group, queued, plan)
  return undefined
}

/** Plan one operation that has to wait, while nothing is in flight; it is in the group then, planned or refused. */
export async function planWaiting(
  engine: Engine,
  group: Group,
  queued: Queued,
  needs: Needs,
): Promise<void> {
  try {
    let rows: readonly KeyedRow[] | undefined
    for (let next: Needs | undefined = needs; next !== undefined; ) {
      if ('slices' in next) {
        const plan = await runSlices(next)
        if (plan.ops.length > 0) group.view.takeWhole(plan.ops)
        admit(group, queued, plan)
        return
      }
      if ('next' in next) throw new TypeError('the first plan of a group cannot wait for the next')
      if ('ready' in next) await next.ready
      else if (rows === undefined) rows = await scan(engine, next)
      else throw new TypeError('a plan must not ask for a second scan')
      next = planNow(group, queued, rows)
    }
  } catch (cause) {
    refuse(group, queued, cause)
  }
}

function isEntryAgain({ view }: Group, key: string): boolean {
  return isEntryKey(key) && view.hasWritten(key)
}

function admit(group: Group, queued: Queued, plan: Plan<unknown>): void {
  group.taken.push(queued)
  const writes = plan.ops.length > 0 || plan.publish !== undefined
  const list = writes ? group.planned : group.unchanged
  list.push({ queued, plan })
}

function refuse(group: Group, queued: Queued, cause: unknown): void {
  group.taken.push(queued)
  const restsOnPlans = group.planned.length > 0
  group.refused.push({ queued, error: asSecregError(cause), restsOnPlans })
}

async function runSlices({ slices }: Slices<unknown>): Promise<Plan<unknown>> {
  for (;;) {
    const until = performance.now() + SLICE_MS
    while (performance.now() < until) {
      const step = slices.next()
      if (step.done === true) return step.value
    }
    await new Promise((resume) => setImmediate(resume))
  }
}

async function scan(engine: Engine, wanted: Scan): Promise<readonly KeyedRow[]> {
  const rows: KeyedRow[] = []
  const iterator = engine.iterate(wanted.scan)
  try {
    for (;;) {
      const page = await iterator.nextPage(wanted.take === undefined ? SCAN_PAGE : TAKEN_PAGE)
      if (page.length === 0) return rows
      if (wanted.take !== undefined) {
        await wanted.take(page)
        continue
      }
      rows.push(...(wanted.keep === undefined ? page : page.filter(wanted.keep)))
      if (rows.length >= wanted.maxRows && wanted.stopAtMax === true) return rows
      if (rows.length > wanted.maxRows) {
        throw new SecregError(
          'LIMIT_EXCEEDED',
          `the subtree has more than ${wanted.maxRows} rows; take a smaller one`,
        )
      }
    }
  } finally {
    await iterator.close()
  }
}
