/** Filters of a question to the audit log, from options. */
import type { AuditOutcome, RequestOf } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { parseTime } from '../time-form.ts'

/** Filters; all given ones hold together. */
export type Filters = Pick<
  RequestOf<'audit'>,
  | 'user'
  | 'key'
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
>

/** Members of the request that are texts, by the options that they are given with. */
const TEXTS = {
  user: 'user',
  key: 'key',
  action: 'action',
  door: 'door',
  account: 'account',
  session: 'session',
  ident: 'token',
  correlation: 'correlation',
} as const

/** @throws CliError `INVALID_ARGUMENT` for a time that is none */
export function filtersOf(context: Context): Filters {
  const filters: Filters = {}
  for (const [option, name] of Object.entries(TEXTS)) {
    const given = context.text(option)
    if (given !== undefined) filters[name] = given
  }
  const outcome = context.text('outcome')
  // One of them: the table of commands has checked it.
  if (outcome !== undefined) filters.outcome = outcome as AuditOutcome
  const now = context.io.now()
  const since = context.text('since')
  const until = context.text('until')
  if (since !== undefined) filters.since_ms = parseTime(since, now)
  if (until !== undefined) filters.until_ms = parseTime(until, now)
  if (context.flag('failed')) filters.failed = true
  return filters
}
