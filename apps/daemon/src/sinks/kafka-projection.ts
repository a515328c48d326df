/**
 * Which events an operation of the registry is to those who read the topics of the Secrets API. The names are a closed list;
 * operations that are not about an entry have none, and are not sent.
 */
import { isPurpose, type Purpose } from '@secreg/policy-engine/authzen'
import type { AuditAction, AuditBody } from '@secreg/protocol'
import type { SecretEvent } from '@secreg/secrets-api/enforcement'

/** One thing that was done to one entry. */
export interface Step {
  /** Index in the paths of the record. */
  readonly path: number
  readonly event: SecretEvent
  /** Absent where the record does not tell. */
  readonly purpose?: Purpose
  readonly version?: number
}

/** The steps of an operation that succeeded. */
type Rule = (body: AuditBody) => Step[]

/** What is not about an entry. */
const NONE = undefined

/**
 * Every action of the log. A record of many paths is one event for each, one of many versions of a path one for each of
 * them.
 */
const RULES: Readonly<Record<AuditAction, Rule | typeof NONE>> = {
  auth: NONE,
  logout: NONE,
  read,
  decrypt: read,
  write: written,
  delete: each('SECRET_VERSION_DELETED', 'delete'),
  list: each('SECRET_METADATA_READ', 'read_metadata'),
  grant: NONE,
  admin: NONE,
  export: each('SECRET_READ', 'read'),
  import: imported,
  init: NONE,
  unlock: NONE,
  lock: NONE,
  audit: NONE,
  'audit-proof': NONE,
  checkpoint: NONE,
  recover: NONE,
  history: each('SECRET_METADATA_READ', 'read_metadata'),
  'read-metadata': each('SECRET_METADATA_READ', 'read_metadata'),
  'write-metadata': each('SECRET_OWNER_UPDATED', 'owner_update'),
  rollback: each('SECRET_UPDATED', 'write'),
  activate: each('SECRET_UPDATED', 'write'),
  undelete: each('SECRET_VERSION_UNDELETED', 'undelete'),
  destroy: each('SECRET_VERSION_DESTROYED', 'destroy_versions'),
  purge: each('SECRET_DESTROYED', 'destroy_versions'),
  expire: each('SECRET_DELETED', 'delete'),
  copy: (body) => transferred(body, 'SECRET_UPDATED').slice(0, 2),
  move: (body) => transferred(body, 'SECRET_CREATED'),
  search: each('SECRET_METADATA_READ', 'read_metadata'),
  // What was done to which of its paths the record does not tell; that it was permitted, it does.
  transaction: each('SECRET_PERMIT'),
  watch: each('SECRET_PERMIT'),
  mount: NONE,
  rotate: NONE,
  retention: NONE,
  protector: NONE,
  backup: NONE,
  restore: each('SECRET_UPDATED', 'write'),
  // It brings its events with it.
  secret: NONE,
}

/**
 * What was done to which path, as events.
 *
 * @returns none when the operation is not about entries, or names none
 */
export function stepsOf(body: AuditBody): readonly Step[] {
  const known = Object.hasOwn(RULES, body.action)
  // A log may have been written by a later version; what it did to an entry has no name here.
  const rule = known ? RULES[body.action] : each('SECRET_PERMIT')
  if (rule === NONE || body.paths.length === 0) return []
  if (body.outcome === 'ok') return rule(body)
  const event = body.outcome === 'denied' ? 'SECRET_DENY' : 'SECRET_ERROR'
  const [first] = rule({ ...body, outcome: 'ok' })
  const purpose = first?.purpose === undefined ? {} : { purpose: first.purpose }
  return body.paths.map((_, path) => ({ path, event, ...purpose }))
}

function each(event: SecretEvent, purpose?: Purpose): Rule {
  const common = { event, ...(purpose === undefined ? {} : { purpose }) }
  return ({ paths, versions = [] }) => {
    if (paths.length === 1) {
      if (versions.length === 0) return [{ path: 0, ...common }]
      return versions.map((version) => ({ path: 0, ...common, version }))
    }
    // Only as many as there are paths can be told apart.
    const paired = versions.length === paths.length
    return paths.map((_, path) => {
      const version = paired ? versions[path] : undefined
      return { path, ...common, ...(version === undefined ? {} : { version }) }
    })
  }
}

/** For what the caller said, if it is something that is known. */
function read(body: AuditBody): Step[] {
  return each('SECRET_READ', purposeOf(body) ?? 'execute')(body)
}

/** Numbers of versions begin with 1 and never come again, so the first of all is known; another first is not. */
function written(body: AuditBody): Step[] {
  if (body.purpose === 'rotate') return each('SECRET_ROTATED', 'rotate')(body)
  return each(
    'SECRET_UPDATED',
    'write',
  )(body).map((step) => (step.version === 1 ? { ...step, event: 'SECRET_CREATED' } : step))
}

/** A difference is shown, not written. */
function imported(body: AuditBody): Step[] {
  if (body.detail === 'difference only') {
    return each('SECRET_METADATA_READ', 'read_metadata')(body)
  }
  return each('SECRET_UPDATED', 'write')(body)
}

/** Read here, written there, gone here. A move goes only where nothing is. */
function transferred({ paths }: AuditBody, there: SecretEvent): Step[] {
  if (paths.length < 2) return each('SECRET_PERMIT')({ paths } as AuditBody)
  return [
    { path: 0, event: 'SECRET_READ', purpose: 'read' },
    { path: 1, event: there, purpose: 'write' },
    { path: 0, event: 'SECRET_DELETED', purpose: 'delete' },
  ]
}

function purposeOf({ purpose = '' }: AuditBody): Purpose | undefined {
  return isPurpose(purpose) ? purpose : undefined
}
