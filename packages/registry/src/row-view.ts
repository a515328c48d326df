/** The view that plans of `@secreg/zones` read through. */
import type { RowView } from '@secreg/zones'
import type { View } from './group-view.ts'

export function rowViewOf(view: View): RowView {
  return { get: (key) => view.get(key)?.value }
}
