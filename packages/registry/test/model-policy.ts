/** Who may do what in the model: the built-in roles as the documents tell them. */
import type { Action } from '@secreg/protocol'

/** The first administrator, who may do everything and decrypt; an operator, a user, and an auditor. */
export const CALLERS = ['root', 'olga', 'bob', 'eve'] as const
export type Who = (typeof CALLERS)[number]

export const ROLE_OF = { olga: 'operator', bob: 'user', eve: 'auditor' } as const

const READS: readonly Action[] = ['list', 'read-metadata', 'read']
/** By role, everywhere but below `/security`. */
const BY_ROLE: Readonly<Record<Exclude<Who, 'root'>, readonly Action[]>> = {
  olga: [...READS, 'create', 'update'],
  bob: [],
  eve: READS,
}
/** Of everybody, in a subtree of their own. */
const AT_HOME: readonly Action[] = [...READS, 'decrypt', 'create', 'update', 'delete', 'undelete']

export function isWithin(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`)
}

export function may(who: Who, action: Action, path: string): boolean {
  if (who === 'root') return true
  const byRole = BY_ROLE[who].includes(action) && !isWithin(path, '/security')
  return byRole || (AT_HOME.includes(action) && isWithin(path, homeOf(who)))
}

/** Whether something strictly below a prefix could be allowed; `''` is the root. */
export function mayBelow(who: Who, action: Action, prefix: string): boolean {
  const home = homeOf(who)
  return (
    may(who, action, `${prefix}/x`) || (home.startsWith(`${prefix}/`) && may(who, action, home))
  )
}

function homeOf(who: Who): string {
  return `/user/${who}`
}

/** Who sees in a history who else polled. */
export function mayReadLog(who: Who): boolean {
  return who === 'root' || who === 'eve'
}
