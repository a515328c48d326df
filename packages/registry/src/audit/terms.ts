/**
 * What a record can be found by: the words that an index of the log keeps of each block of records, and those that a
 * question looks for. An index may only skip a block in which no record fits, so a record has every word here that a
 * filter asks for.
 */
import type { TermSource } from '@secreg/audit'
import type { AuditBody } from '@secreg/protocol'
import type { AuditFilters } from './filters.ts'
import { placeOf } from './place.ts'

/** For the indexes of a log. To be given another version whenever other words are made of some record. */
export const AUDIT_TERMS: TermSource = Object.freeze({ version: 1, of: termsOfRecord })

/** Words of one record; duplicates do no harm. */
function termsOfRecord(body: unknown): string[] {
  const { action, outcome, paths, actor, correlation } = body as AuditBody
  const terms = [`action:${action}`, `outcome:${outcome}`, `door:${actor.door}`]
  if (outcome !== 'ok') terms.push(NOT_OK)
  if (actor.user !== undefined) terms.push(`user:${actor.user}`)
  if (actor.account !== undefined) terms.push(`account:${actor.account}`)
  if (actor.session !== undefined) terms.push(`session:${actor.session}`)
  if (actor.token !== undefined) terms.push(`token:${actor.token}`)
  if (correlation !== undefined) terms.push(`correlation:${correlation}`)
  for (const recorded of paths) {
    const path = placeOf(recorded)
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      terms.push(`path:${path.slice(0, end)}`)
    }
  }
  return terms
}

/** Words that a record which fits has; of a whole log, none. */
export function termsOfFilters(filters: AuditFilters): string[] {
  const { user, action, outcome, failed, door, account, session, token, correlation, prefix } =
    filters
  const terms: string[] = []
  if (user !== undefined) terms.push(`user:${user}`)
  if (action !== undefined) terms.push(`action:${action}`)
  if (outcome !== undefined) terms.push(`outcome:${outcome}`)
  if (failed === true) terms.push(NOT_OK)
  if (door !== undefined) terms.push(`door:${door}`)
  if (account !== undefined) terms.push(`account:${account}`)
  if (session !== undefined) terms.push(`session:${session}`)
  if (token !== undefined) terms.push(`token:${token}`)
  if (correlation !== undefined) terms.push(`correlation:${correlation}`)
  if (prefix !== undefined && prefix !== '') terms.push(`path:${prefix}`)
  return terms
}

const NOT_OK = 'not ok'
