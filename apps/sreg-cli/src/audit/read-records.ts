/** Reads records, newest first, page by page. */
import type { RegistryConnection, RequestOptions } from '@secreg/client'
import type { AuditRecord } from '@secreg/protocol'
import type { Filters } from './filters.ts'

/** Records of one answer (protocol, auditRequest). */
export const PAGE = 1000

export interface Question {
  readonly filters: Filters
  /** Most records; default all. */
  readonly limit?: number
  /** Read every record instead of asking the indexes. */
  readonly scan?: boolean
}

/** Pages of records, none of them empty, no more than `limit` records in all. */
export async function* readRecords(
  registry: RegistryConnection,
  { filters, limit = Number.POSITIVE_INFINITY, scan = false }: Question,
  options?: RequestOptions,
): AsyncGenerator<readonly AuditRecord[], undefined, undefined> {
  let left = limit
  let before: number | undefined
  while (left > 0) {
    const { records, next } = await registry.audit(
      {
        ...filters,
        limit: Math.min(PAGE, left),
        ...(scan ? { scan } : {}),
        ...(before === undefined ? {} : { before }),
      },
      options,
    )
    const page = records.slice(0, left)
    if (page.length > 0) yield page
    left -= page.length
    // Sequence numbers only fall: a page that does not go on is the last.
    if (next === undefined || (before !== undefined && next >= before)) return
    before = next
  }
}
