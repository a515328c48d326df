/** Sessions that tokens of accounts of zones have opened, kept in line with the rows that they rest on. */
import type { Op } from '@secreg/storage'
import {
  decodeZone,
  type RowSpace,
  type Session,
  type SessionTable,
  ZONE_ACCOUNT_SPACE,
  ZONE_SPACE,
} from '@secreg/zones'

/**
 * Let a committed change of zones and of their accounts hold for the next operation of these sessions: they are looked at
 * again before it, and those of what is gone end at once.
 */
export function zoneRowsChanged(sessions: SessionTable, ops: readonly Op[]): void {
  const removesZone = ops.some((op) => op.type === 'delete' && nameIn(ZONE_SPACE, op) !== undefined)
  for (const op of ops) {
    const zone = nameIn(ZONE_SPACE, op)
    if (zone !== undefined && op.type === 'put')
      sessions.invalidateZone(decodeZone(op.value, zone).id)
    const [zoneId, login] = nameIn(ZONE_ACCOUNT_SPACE, op)?.split('/') ?? []
    if (zoneId === undefined) continue
    // Not all rows of the accounts of a zone need go with it.
    const touched = sessions.invalidateZone(zoneId, removesZone ? undefined : login)
    if (op.type === 'delete') for (const session of touched) sessions.closeSession(session)
  }
}

function nameIn({ gte, lt }: RowSpace, { key }: Op): string | undefined {
  return key >= gte && key < lt ? key.slice(gte.length) : undefined
}

/** What policy knows such a session by: its zone. Nobody's account lends it anything. */
export function zonePrincipalsOf({ zone }: Session): readonly string[] {
  return zone === undefined ? [] : [`zone:${zone.zoneId}`]
}

/** What a record and `whoami` name as the token: the ident of a regular one; a temporary one has none. */
export function zoneTokenOf({ zone }: Session): string | undefined {
  return zone === undefined ? undefined : (zone.ident ?? 'temporary')
}
