/** Counters that are kept in the same commit as what they count, so that status is exact at no cost. */
import type { Op } from '@secreg/storage'
import type { View } from './group-view.ts'
import { COUNTERS_KEY } from './keys.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export class Counters {
  /** Rows that add to the number of live entries. */
  plan(view: View, entries: number): Op[] {
    if (entries === 0) return []
    const value = encoder.encode(JSON.stringify({ entries: this.entries(view) + entries }))
    return [{ type: 'put', key: COUNTERS_KEY, value }]
  }

  /** Live entries. */
  entries(view: View): number {
    const row = view.get(COUNTERS_KEY)
    if (row === undefined) return 0
    return (JSON.parse(decoder.decode(row.value)) as { entries: number }).entries
  }
}
