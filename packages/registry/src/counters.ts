/** Counters that are kept in the same commit as what they count, so that status is exact at no cost. */
import type { Op } from '@secreg/storage'
import type { View } from './group-view.ts'
import { COUNTERS_KEY, VOLATILE_COUNTERS_KEY } from './keys.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** How many entries with a value there are. */
export interface Shown {
  readonly durable: number
  readonly volatile: number
}

export class Counters {
  /** Rows that add to the numbers of live entries. */
  plan(view: View, { durable, volatile }: Shown): Op[] {
    const ops: Op[] = []
    if (durable !== 0) ops.push(putOp(COUNTERS_KEY, read(view, COUNTERS_KEY) + durable))
    if (volatile !== 0) {
      const op = putOp(VOLATILE_COUNTERS_KEY, read(view, VOLATILE_COUNTERS_KEY) + volatile)
      ops.push({ ...op, volatile: true })
    }
    return ops
  }

  /** Live entries. */
  entries(view: View): number {
    return read(view, COUNTERS_KEY) + read(view, VOLATILE_COUNTERS_KEY)
  }
}

function read(view: View, key: string): number {
  const row = view.get(key)
  if (row === undefined) return 0
  return (JSON.parse(decoder.decode(row.value)) as { entries: number }).entries
}

function putOp(key: string, entries: number): Extract<Op, { type: 'put' }> {
  return { type: 'put', key, value: encoder.encode(JSON.stringify({ entries })) }
}
