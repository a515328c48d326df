/** What a change of the mount table does to the numbers of what is in use: entries change over between mounts. */
import { isAtOrBelow } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import type { Core } from './core.ts'
import type { View } from './group-view.ts'
import type { MountRules } from './mounts.ts'
import type { Scan } from './operation.ts'
import { addSplit, hasQuota, noUsageOps, readUsage, type SplitUsage, usageOps } from './usage.ts'
import { countSpace, UsageCount } from './usage-count.ts'

export class MountUsage {
  readonly #core: Core
  readonly #path: string
  /** The mount itself before and after the change, as far as there is one. */
  readonly #was: MountRules | undefined
  readonly #is: MountRules | undefined
  /** The mount that the entries come from or go to. */
  readonly #around: MountRules | undefined

  /** @param op - of the row of the mount at this path */
  constructor(core: Core, path: string, op: Op) {
    const before = core.mounts.at(path)
    const after = core.mounts.after([op])(path)
    this.#core = core
    this.#path = path
    this.#was = before.path === path ? before : undefined
    this.#is = after.path === path ? after : undefined
    if (this.#was === undefined && this.#is !== undefined) this.#around = before
    if (this.#was !== undefined && this.#is === undefined) this.#around = after
  }

  /** Whether the entries of the mount must be counted first. */
  get needsCount(): boolean {
    return [this.#is, this.#around].some((mount) => mount !== undefined && hasQuota(mount))
  }

  /** A new count, and the scan that makes it. */
  count(): { readonly count: UsageCount; readonly scan: Scan } {
    const { engine, mounts } = this.#core
    const below = mounts
      .list()
      .map((mount) => mount.path)
      .filter((path) => path !== this.#path && isBelow(path, this.#path))
    const isOwn = (path: string): boolean => !below.some((mount) => isAtOrBelow(path, mount))
    const count = new UsageCount(engine, this.#path, isOwn)
    const take: Scan['take'] = (rows) => count.take(rows)
    return { count, scan: { scan: countSpace(this.#path), maxRows: 0, take } }
  }

  /** Rows that go with the change; @param counted - where {@link needsCount} */
  ops(view: View, counted: SplitUsage): Op[] {
    const ops: Op[] = []
    if (this.#is !== undefined && hasQuota(this.#is)) {
      ops.push(...usageOps(view, this.#path, counted))
    } else if (this.#was !== undefined) ops.push(...noUsageOps(view, this.#path))
    const around = this.#around
    if (around !== undefined && hasQuota(around)) {
      const sign = this.#is === undefined ? 1 : -1
      const usage = addSplit(readUsage(view, around.path), counted, sign)
      ops.push(...usageOps(view, around.path, usage))
    }
    return ops
  }
}

function isBelow(path: string, top: string): boolean {
  return top === '/' || isAtOrBelow(path, top)
}
