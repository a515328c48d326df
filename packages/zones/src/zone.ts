/**
 * Zones: one service each that has passwords and tokens of its own (specs: subauth).
 *
 * ```
 * g/zone/<name>   {"v":1,"id":…,"name":…,"description":…?,"allow_passwd":…,"allow_tokens":…,"allow_passwd_auth":…,
 *                  "auto_create":…,"http":…,"max_temp_validity":…,"trusted_uids":[…]?,"configured":true?,"created_at":…,
 *                  "modified_at":…}
 * ```
 * Accounts of a zone are bound to its id, never to its name: a zone that is made again has none of them.
 */
import { LIMITS } from '@secreg/protocol'
import { isLine } from './name.ts'
import { isRandomId } from './random-id.ts'
import {
  decodeRow,
  encodeRow,
  isListOf,
  isTime,
  type Members,
  type RowSpace,
  spaceBelow,
} from './row.ts'
import type { RowView } from './row-view.ts'
import { isMappableUid } from './uid.ts'

/** The switches of a zone. */
export interface ZoneSwitches {
  /** Its accounts may have a password. */
  readonly allowPasswd: boolean
  /** Its accounts may have tokens. */
  readonly allowTokens: boolean
  /** An account may be managed with its own password, where it allows that itself. */
  readonly allowPasswdAuth: boolean
  /** An account is made with its first password or token. */
  readonly autoCreate: boolean
  /** Its accounts are callers of HTTP doors. */
  readonly http: boolean
  /** Longest validity of a temporary token, seconds; 0 is no temporary tokens. */
  readonly maxTempValidityS: number
  /** Uids that may check the secrets of others, beside root; ascending. */
  readonly trustedUids: readonly number[]
}

/** One zone. */
export interface Zone extends ZoneSwitches {
  /** 128 random bits, 32 lower-case hexadecimal digits. Another one in each life of the name. */
  readonly id: string
  /** See `isZoneName`. */
  readonly name: string
  /** One line, at most `LIMITS.descriptionChars`. */
  readonly description?: string
  /** The configuration file alone says what it is like. */
  readonly configured?: true
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number
}

/** All off (specs: subauth §4). */
export const DEFAULT_ZONE_SWITCHES: ZoneSwitches = Object.freeze({
  allowPasswd: false,
  allowTokens: false,
  allowPasswdAuth: false,
  autoCreate: false,
  http: false,
  maxTempValidityS: 0,
  trustedUids: Object.freeze([]),
})

/** Rows of all zones. */
export const ZONE_SPACE: RowSpace = spaceBelow('g/zone/')
/** Longest validity of a temporary token that a zone may allow, seconds: about a hundred years. */
export const TEMP_VALIDITY_MAX_S: number = 100 * 366 * 86_400
const TRUSTED_UIDS_MAX = 256
const NAME = /^[A-Za-z0-9._-]{1,64}$/

/**
 * Tell whether a value is the name of a zone: 1 to 64 of `[A-Za-z0-9._-]`. `.` and `..` are none, as names become
 * parts of paths; `*`, which stands for all zones, is none by its form.
 */
export function isZoneName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value) && value !== '.' && value !== '..'
}

/** Key of the row of a zone. */
export function zoneKey(name: string): string {
  if (!isZoneName(name)) throw new RangeError('zone: expected a name')
  return `g/zone/${name}`
}

/** Tell whether a value is a validity that a zone may allow. */
export function isMaxTempValidity(value: unknown): value is number {
  return isTime(value) && value <= TEMP_VALIDITY_MAX_S
}

/** Tell whether a value is a list of uids that a zone may trust. */
export function isTrustedUids(value: unknown): value is number[] {
  return isListOf(value, isMappableUid) && value.length <= TRUSTED_UIDS_MAX
}

/** Bytes of the row of a zone. */
export function encodeZone(zone: Zone): Uint8Array {
  return encodeRow({
    v: 1,
    id: zone.id,
    name: zone.name,
    description: zone.description,
    allow_passwd: zone.allowPasswd,
    allow_tokens: zone.allowTokens,
    allow_passwd_auth: zone.allowPasswdAuth,
    auto_create: zone.autoCreate,
    http: zone.http,
    max_temp_validity: zone.maxTempValidityS,
    trusted_uids: zone.trustedUids.length === 0 ? undefined : zone.trustedUids,
    configured: zone.configured,
    created_at: zone.createdAtMs,
    modified_at: zone.modifiedAtMs,
  })
}

/**
 * Read the row of a zone.
 *
 * @param name the one in the row's key
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function decodeZone(row: Uint8Array, name: string): Zone {
  return decodeRow(row, zoneKey(name), (members) => read(members, name), encodeZone)
}

function read(members: Members, name: string): Zone | undefined {
  const { id, configured, description, http } = members
  const allowPasswd = members['allow_passwd']
  const allowTokens = members['allow_tokens']
  const allowPasswdAuth = members['allow_passwd_auth']
  const autoCreate = members['auto_create']
  const maxTempValidityS = members['max_temp_validity']
  const trustedUids = members['trusted_uids']
  const createdAtMs = members['created_at']
  const modifiedAtMs = members['modified_at']
  if (members['name'] !== name || !isRandomId(id)) return undefined
  if (!(description === undefined || isLine(description, LIMITS.descriptionChars))) return undefined
  if (typeof allowPasswd !== 'boolean' || typeof allowTokens !== 'boolean') return undefined
  if (typeof allowPasswdAuth !== 'boolean' || typeof autoCreate !== 'boolean') return undefined
  if (typeof http !== 'boolean' || !isMaxTempValidity(maxTempValidityS)) return undefined
  if (!(trustedUids === undefined || isTrustedUids(trustedUids))) return undefined
  if (!(configured === undefined || configured === true)) return undefined
  if (!isTime(createdAtMs) || !isTime(modifiedAtMs)) return undefined
  return Object.freeze({
    id,
    name,
    ...(description === undefined ? {} : { description }),
    ...(configured === undefined ? {} : { configured }),
    allowPasswd,
    allowTokens,
    allowPasswdAuth,
    autoCreate,
    http,
    maxTempValidityS,
    trustedUids: ascending(trustedUids ?? []),
    createdAtMs,
    modifiedAtMs,
  })
}

/** Ascending, each once. */
export function ascending(uids: readonly number[]): readonly number[] {
  return Object.freeze([...new Set(uids)].sort((a, b) => a - b))
}

/**
 * The zone of a name.
 *
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function readZone(view: RowView, name: string): Zone | undefined {
  if (!isZoneName(name)) return undefined
  const row = view.get(zoneKey(name))
  return row === undefined ? undefined : decodeZone(row, name)
}
