/** Filters of a question to the audit log; all hold together (specs: combined filters). */
import type { LogRecord } from '@secreg/audit'
import { type AuditBody, isAtOrBelow, type RequestOf } from '@secreg/protocol'
import { placeAsked, placeOf } from './place.ts'

/** Those of a request, its key made canonical. */
export interface AuditFilters
  extends Pick<
    RequestOf<'audit'>,
    | 'user'
    | 'action'
    | 'since_ms'
    | 'until_ms'
    | 'failed'
    | 'outcome'
    | 'door'
    | 'account'
    | 'session'
    | 'token'
    | 'correlation'
  > {
  /** Empty for the root. */
  readonly prefix?: string
}

/** @throws SecregError `ERR_PATH_INVALID` */
export function filtersOf(request: RequestOf<'audit'>): AuditFilters {
  const { key, ...filters } = request
  return key === undefined ? filters : { ...filters, prefix: placeAsked(key) }
}

/** Whether a record fits. */
export function matcherOf(filters: AuditFilters): (record: LogRecord) => boolean {
  const { user, action, outcome, failed, door, account, session, token, correlation, prefix } =
    filters
  const { since_ms: since = 0, until_ms: until = Number.POSITIVE_INFINITY } = filters
  return ({ timeMs, body }) => {
    const record = body as AuditBody
    const { actor } = record
    return (
      timeMs >= since &&
      timeMs < until &&
      (user === undefined || actor.user === user) &&
      (action === undefined || record.action === action) &&
      (outcome === undefined || record.outcome === outcome) &&
      (failed !== true || record.outcome !== 'ok') &&
      (door === undefined || actor.door === door) &&
      (account === undefined || actor.account === account) &&
      (session === undefined || actor.session === session) &&
      (token === undefined || actor.token === token) &&
      (correlation === undefined || record.correlation === correlation) &&
      (prefix === undefined || record.paths.some((path) => isAt(placeOf(path), prefix)))
    )
  }
}

function isAt(place: string, prefix: string): boolean {
  return place === '/' ? prefix === '' : isAtOrBelow(place, prefix)
}
