/** What an import or a restore would change, for people. */
import type { ImportChange } from '@secreg/protocol'
import { formatTable } from './table.ts'

/** Changes that are none are left out; nothing where there is no other. */
export function changesTable(changes: readonly ImportChange[]): string {
  const differing = changes.filter(({ change }) => change !== 'same')
  if (differing.length === 0) return ''
  return formatTable(
    ['Change', 'Type', 'Key'],
    differing.map(({ change, type, old_type, encrypted, key }) => [
      change,
      `${old_type === undefined || old_type === type ? '' : `${old_type} to `}${type}${encrypted ? ', encrypted' : ''}`,
      key,
    ]),
  )
}
