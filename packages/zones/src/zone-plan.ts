/** Changes of zones, as rows. */
import { LIMITS, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { checkLine, invalid } from './name.ts'
import { type RandomSource, randomId } from './random-id.ts'
import { checkTime, deleteRow, equalBytes, putRow } from './row.ts'
import type { RowView } from './row-view.ts'
import {
  ascending,
  DEFAULT_ZONE_SWITCHES,
  encodeZone,
  isMaxTempValidity,
  isTrustedUids,
  isZoneName,
  readZone,
  TEMP_VALIDITY_MAX_S,
  type Zone,
  type ZoneSwitches,
  zoneKey,
} from './zone.ts'
import { zoneAccountKey } from './zone-account.ts'

/** What to write, and the zone as it is then (or was, when it is removed). */
export interface ZonePlan {
  readonly ops: readonly Op[]
  readonly zone: Zone
}

/** What may be said of a zone; an absent member is the default of a new zone, or stays as it is. */
export interface ZoneSettings extends Partial<ZoneSwitches> {
  /** Empty is as good as none. */
  readonly description?: string
}

/**
 * Make a zone, with a fresh id.
 *
 * @throws SecregError `ERR_ALREADY_EXISTS`, `ERR_INVALID_ARGUMENT`
 */
export function planCreateZone(
  view: RowView,
  name: string,
  settings: ZoneSettings,
  context: { readonly nowMs: number; readonly crypto: RandomSource },
): ZonePlan {
  if (readZone(view, name) !== undefined) {
    throw new SecregError('ALREADY_EXISTS', `zone ${name} exists already`)
  }
  return writeZone(applySettings(freshZone(name, context), settings))
}

/** A zone that nobody has said anything of. @throws SecregError `ERR_INVALID_ARGUMENT` */
export function freshZone(
  name: string,
  context: { readonly nowMs: number; readonly crypto: RandomSource },
): Zone {
  if (!isZoneName(name)) {
    throw invalid('zone name: expected 1 to 64 of A-Z, a-z, 0-9, ., _ and -')
  }
  const nowMs = checkTime(context.nowMs)
  const times = { createdAtMs: nowMs, modifiedAtMs: nowMs }
  return { id: randomId(context.crypto), name, ...DEFAULT_ZONE_SWITCHES, ...times }
}

/**
 * Change a zone. What a switch forbids from now on stays stored, and opens nothing until it is allowed again.
 *
 * @returns no `ops` where everything is so already
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_INVALID_ARGUMENT`, `ERR_ZONE_REFUSED` for one of the configuration file
 */
export function planSetZone(
  view: RowView,
  name: string,
  settings: ZoneSettings,
  options: { readonly nowMs: number },
): ZonePlan {
  const before = findZone(view, name)
  requireOwn(before)
  return rewriteZone(before, applySettings(before, settings), options.nowMs)
}

/**
 * Remove a zone. Whatever was issued in it is dead with its id, its accounts' rows too, whether they are deleted or
 * not: nothing looks below an id that no zone has.
 *
 * @param logins accounts whose rows go in the same batch; the others by {@link dropZoneAccounts}
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_ZONE_REFUSED` for one of the configuration file
 */
export function planRemoveZone(
  view: RowView,
  name: string,
  logins: readonly string[] = [],
): ZonePlan {
  const zone = findZone(view, name)
  requireOwn(zone)
  return { ops: [deleteRow(zoneKey(name)), ...dropZoneAccounts(zone.id, logins)], zone }
}

/** Delete the rows of accounts of a zone that is gone. */
export function dropZoneAccounts(zoneId: string, logins: readonly string[]): readonly Op[] {
  return logins.map((login) => deleteRow(zoneAccountKey(zoneId, login)))
}

/**
 * The zone of a name.
 *
 * @throws SecregError `ERR_NOT_FOUND`
 */
export function findZone(view: RowView, name: string): Zone {
  const zone = readZone(view, name)
  if (zone === undefined) throw new SecregError('NOT_FOUND', 'no such zone')
  return zone
}

/** The file says what its zones are like; what was said elsewhere would end with the next start. */
function requireOwn({ configured, name }: Zone): void {
  if (configured !== true) return
  throw new SecregError('ZONE_REFUSED', `zone ${name} is set in the configuration file`)
}

const FLAGS = ['allowPasswd', 'allowTokens', 'allowPasswdAuth', 'autoCreate', 'http'] as const

/** Takes what may be said of a zone, and nothing else that an object may hold: an id above all. */
export function applySettings(before: Zone, settings: ZoneSettings): Zone {
  const { maxTempValidityS = before.maxTempValidityS, trustedUids = before.trustedUids } = settings
  const stated = settings.description ?? before.description
  const description = checkLine(stated, LIMITS.descriptionChars, 'description')
  const flags = Object.fromEntries(FLAGS.map((name) => [name, settings[name] ?? before[name]]))
  for (const name of FLAGS) {
    if (typeof flags[name] !== 'boolean') throw invalid(`${name}: expected true or false`)
  }
  if (!isMaxTempValidity(maxTempValidityS)) {
    throw invalid(`longest validity: expected 0 to ${TEMP_VALIDITY_MAX_S} seconds`)
  }
  if (!isTrustedUids(trustedUids)) throw invalid('trusted uids: expected ids of users')
  const { description: _, ...rest } = before
  return {
    ...rest,
    ...(description === undefined ? {} : { description }),
    ...flags,
    maxTempValidityS,
    trustedUids: ascending(trustedUids),
  }
}

/** The zone as it is to be, if that is anything new. */
export function rewriteZone(before: Zone, after: Zone, nowMs: number): ZonePlan {
  const isSame = equalBytes(encodeZone(after), encodeZone(before))
  return isSame
    ? { ops: [], zone: before }
    : writeZone({ ...after, modifiedAtMs: checkTime(nowMs) })
}

export function writeZone(after: Zone): ZonePlan {
  const zone = Object.freeze(after)
  return { ops: [putRow(zoneKey(zone.name), encodeZone(zone))], zone }
}
