/**
 * What the entries of a mount take, for mounts with a quota only; kept in rows that are written in the same commit as what
 * they count. An entry belongs to the mount with the longest path that holds it. It counts from its first record until
 * it is purged or erased after its expiry, deleted or not. Its bytes are those of the values of its rows, as they are stored: the
 * record (`e`), the versions (`v`) and their large values (`w`); keys, revisions and check values are not counted.
 */
import { SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import type { View } from './group-view.ts'
import { usageKey } from './keys.ts'
import type { Mount } from './mounts.ts'

/** What some entries take, or by how much that grows. */
export interface Usage {
  readonly entries: number
  readonly bytes: number
}

/** The same apart for what is on disk and what is in memory only. */
export interface SplitUsage {
  readonly durable: Usage
  readonly volatile: Usage
}

export const NO_USAGE: Usage = Object.freeze({ entries: 0, bytes: 0 })
export const NOTHING_USED: SplitUsage = Object.freeze({ durable: NO_USAGE, volatile: NO_USAGE })

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function hasQuota({ maxEntries, maxBytes }: Mount): boolean {
  return maxEntries !== undefined || maxBytes !== undefined
}

export function addUsage(a: Usage, b: Usage, sign: 1 | -1 = 1): Usage {
  return { entries: a.entries + sign * b.entries, bytes: a.bytes + sign * b.bytes }
}

export function addSplit(a: SplitUsage, b: SplitUsage, sign: 1 | -1 = 1): SplitUsage {
  return {
    durable: addUsage(a.durable, b.durable, sign),
    volatile: addUsage(a.volatile, b.volatile, sign),
  }
}

/**
 * What is in use of a mount with a quota.
 *
 * @throws SecregError `ERR_STORAGE_CORRUPT`
 */
export function readUsage(view: View, path: string): SplitUsage {
  return { durable: read(view, path, false), volatile: read(view, path, true) }
}

/** Rows that say what is in use of a mount from now on. */
export function usageOps(view: View, path: string, usage: SplitUsage): Op[] {
  const ops: Op[] = [putOp(path, usage.durable, false)]
  const { entries, bytes } = usage.volatile
  if (entries !== 0 || bytes !== 0) ops.push(putOp(path, usage.volatile, true))
  else if (view.get(usageKey(path, true)) !== undefined) ops.push(deleteOp(path, true))
  return ops
}

/** The same for a mount whose quota has ended. */
export function noUsageOps(view: View, path: string): Op[] {
  return [false, true]
    .filter((volatile) => view.get(usageKey(path, volatile)) !== undefined)
    .map((volatile) => deleteOp(path, volatile))
}

interface Tally {
  readonly mount: Mount
  growth: SplitUsage
  /** Something is written that is more than a deletion. */
  adds: boolean
}

/** By how much one plan changes what is in use. */
export class UsageTally {
  readonly #tallies = new Map<string, Tally>()

  /** @param adds - false where something is deleted, erased or has expired: that is never refused */
  add(mount: Mount, growth: SplitUsage, adds: boolean): void {
    const tally = this.#tallies.get(mount.path)
    if (tally === undefined) {
      this.#tallies.set(mount.path, { mount, growth, adds })
      return
    }
    tally.growth = addSplit(tally.growth, growth)
    tally.adds ||= adds
  }

  /**
   * Rows that go with the plan.
   *
   * @throws SecregError `ERR_QUOTA_EXCEEDED`
   */
  plan(view: View): Op[] {
    const ops: Op[] = []
    for (const [path, { mount, growth, adds }] of this.#tallies) {
      const usage = addSplit(readUsage(view, path), growth)
      if (adds) requireWithin(mount, addUsage(growth.durable, growth.volatile), usage)
      if (!isNone(growth.durable)) ops.push(putOp(path, usage.durable, false))
      if (!isNone(growth.volatile)) ops.push(putOp(path, usage.volatile, true))
    }
    return ops
  }
}

/** What takes no more than before is let through, however much is in use. */
function requireWithin(
  { path, maxEntries, maxBytes }: Mount,
  growth: Usage,
  { durable, volatile }: SplitUsage,
): void {
  const { entries, bytes } = addUsage(durable, volatile)
  if (maxEntries !== undefined && growth.entries > 0 && entries > maxEntries) {
    throw exceeded(path, `${maxEntries} entries`)
  }
  if (maxBytes !== undefined && growth.bytes > 0 && bytes > maxBytes) {
    throw exceeded(path, `${maxBytes} bytes`)
  }
}

function exceeded(path: string, limit: string): SecregError {
  return new SecregError('QUOTA_EXCEEDED', `the quota of ${path} is used up: at most ${limit}`)
}

function isNone({ entries, bytes }: Usage): boolean {
  return entries === 0 && bytes === 0
}

function read(view: View, path: string, volatile: boolean): Usage {
  const row = view.get(usageKey(path, volatile))
  if (row === undefined) return NO_USAGE
  try {
    return JSON.parse(decoder.decode(row.value)) as Usage
  } catch (cause) {
    throw new SecregError('STORAGE_CORRUPT', 'the usage of a mount cannot be read', { cause })
  }
}

function putOp(path: string, { entries, bytes }: Usage, volatile: boolean): Op {
  const key = usageKey(path, volatile)
  const value = encoder.encode(JSON.stringify({ entries, bytes }))
  return volatile ? { type: 'put', key, value, volatile } : { type: 'put', key, value }
}

function deleteOp(path: string, volatile: boolean): Op {
  return { type: 'delete', key: usageKey(path, volatile) }
}
