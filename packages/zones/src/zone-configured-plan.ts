/** Zones that stand in the configuration file: brought in line with it, and let go of when it has them no more. */
import type { RandomSource } from './random-id.ts'
import type { RowView } from './row-view.ts'
import { DEFAULT_ZONE_SWITCHES, readZone, type Zone, type ZoneSwitches } from './zone.ts'
import {
  applySettings,
  findZone,
  freshZone,
  rewriteZone,
  writeZone,
  type ZonePlan,
} from './zone-plan.ts'

/** All that the file says of one zone; nothing of what was before stays. */
export interface ConfiguredZone extends ZoneSwitches {
  /** One line; empty is none. */
  readonly description: string
}

/**
 * Make a zone what the file says. One that there is already keeps its id, and with it its accounts.
 *
 * @returns no `ops` where everything is so already
 * @throws SecregError `ERR_INVALID_ARGUMENT`
 */
export function planConfigureZone(
  view: RowView,
  name: string,
  settings: ConfiguredZone,
  context: { readonly nowMs: number; readonly crypto: RandomSource },
): ZonePlan {
  const before = readZone(view, name)
  if (before === undefined)
    return writeZone(marked(applySettings(freshZone(name, context), settings)))
  return rewriteZone(before, marked(applySettings(before, settings)), context.nowMs)
}

/**
 * Let go of a zone that the file has no more: everything is off, and its accounts wait for whoever switches it on again, or
 * removes it.
 *
 * @returns no `ops` where it is none of the file
 * @throws SecregError `ERR_NOT_FOUND`
 */
export function planReleaseZone(
  view: RowView,
  name: string,
  { nowMs }: { readonly nowMs: number },
): ZonePlan {
  const before = findZone(view, name)
  const { configured, ...rest } = before
  if (configured !== true) return { ops: [], zone: before }
  return rewriteZone(before, { ...rest, ...DEFAULT_ZONE_SWITCHES }, nowMs)
}

function marked(zone: Zone): Zone {
  return { ...zone, configured: true }
}
