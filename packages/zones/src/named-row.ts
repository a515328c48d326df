/**
 * Groups and roles as documents. Policy gives them their meaning; a row says that the name exists.
 *
 * ```
 * g/group/<name>   {"v":1,"name":…,"description":…?,"created_at":…}
 * g/role/<name>    the same; the roles of `ROLES` exist without a row
 * ```
 */
import { LIMITS } from '@secreg/protocol'
import { isBuiltInRole, isLine, isName } from './name.ts'
import { decodeRow, encodeRow, isTime, type RowSpace, spaceBelow } from './row.ts'
import type { RowView } from './row-view.ts'

/** A group or a role that somebody made. */
export interface Named {
  /** `[a-z][a-z0-9_-]*`, 1 to 32 characters. */
  readonly name: string
  /** One line, at most `LIMITS.descriptionChars`. */
  readonly description?: string
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
}

/** Which of the two. */
export type NamedKind = 'group' | 'role'

/** Rows of all groups. */
export const GROUP_SPACE: RowSpace = spaceBelow('g/group/')
/** Rows of all roles that somebody made. */
export const ROLE_SPACE: RowSpace = spaceBelow('g/role/')

/** Key of the row of a group or role. */
export function namedKey(kind: NamedKind, name: string): string {
  if (!isName(name)) throw new RangeError(`${kind}: expected a name`)
  return `g/${kind}/${name}`
}

/** Bytes of the row of a group or role. */
export function encodeNamed(named: Named): Uint8Array {
  return encodeRow({
    v: 1,
    name: named.name,
    description: named.description,
    created_at: named.createdAtMs,
  })
}

/**
 * Read the row of a group or role.
 *
 * @param key its key, whose name it must have
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function decodeNamed(row: Uint8Array, key: string): Named {
  return decodeRow(row, key, (members) => read(members, key), encodeNamed)
}

function read(members: Readonly<Record<string, unknown>>, key: string): Named | undefined {
  const { name, description } = members
  const createdAtMs = members['created_at']
  if (!isName(name) || (key !== `g/group/${name}` && key !== `g/role/${name}`)) return undefined
  if (!(description === undefined || isLine(description, LIMITS.descriptionChars))) return undefined
  if (!isTime(createdAtMs)) return undefined
  return Object.freeze({
    name,
    ...(description === undefined ? {} : { description }),
    createdAtMs,
  })
}

/**
 * A group or a role that somebody made; undefined for a built-in role.
 *
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function readNamed(view: RowView, kind: NamedKind, name: string): Named | undefined {
  if (!isName(name)) return undefined
  const key = namedKey(kind, name)
  const row = view.get(key)
  return row === undefined ? undefined : decodeNamed(row, key)
}

/** Tell whether a group or role exists, so that an account may have it. */
export function existsNamed(view: RowView, kind: NamedKind, name: string): boolean {
  return (kind === 'role' && isBuiltInRole(name)) || readNamed(view, kind, name) !== undefined
}
