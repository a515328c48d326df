/** What has happened in the caller's own tenant: specs secrets-api §2.5, E17 and E18. */
import { pageOf } from '../operations/list-secrets.ts'
import { EVENT_FILTERS, parseEventFilters } from './event-filters.ts'
import type { EventRing } from './event-ring.ts'
import { parametersOf, rangeOf } from './request-fields.ts'
import type { SecretsRequest } from './service.ts'
import type { TenantTask } from './task.ts'

const PARAMETERS: readonly string[] = [...EVENT_FILTERS, 'offset', 'limit']

/** E18. */
export function auditTask(request: SecretsRequest, tenant: string, ring: EventRing): TenantTask {
  return {
    on: 'tenant',
    operation: 'audit',
    prepare() {
      const query = parametersOf(request, PARAMETERS)
      const matches = parseEventFilters(query)
      const { offset, limit } = rangeOf(query)
      return {
        target: {},
        async run() {
          const found = ring.newest(tenant).filter(matches)
          return { body: { ...pageOf(found, offset, limit) }, facts: {} }
        },
      }
    },
  }
}

/** E17: whether it may be followed. */
export const FOLLOW_TASK: TenantTask = Object.freeze({
  on: 'tenant',
  operation: 'events',
  prepare: () => ({ target: {}, run: async () => ({ body: {}, facts: {} }) }),
} as const)
