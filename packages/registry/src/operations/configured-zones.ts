/** Zones of the configuration file: their rows are brought in line with it, each by one operation of the registry's own. */
import type { SecregError } from '@secreg/protocol'
import {
  type ConfiguredZone,
  decodeZone,
  isZoneName,
  planConfigureZone,
  planReleaseZone,
  type RowView,
  ZONE_SPACE,
  type Zone,
  type ZonePlan,
} from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import type { Identity } from '../identity.ts'
import { internalCaller } from '../internal-caller.ts'
import { type Facts, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { asSecregError } from '../store-failure.ts'

/** What became of the zones of the file. */
export interface AppliedZones {
  /** Names of those that changed. */
  readonly changed: readonly string[]
  /** Those that are not what the file says, and why. */
  readonly failed: readonly { readonly zone: string; readonly error: SecregError }[]
}

const CONFIGURATION = internalCaller('configuration')

interface Step {
  readonly name: string
  readonly word: 'zone-configure' | 'zone-release'
  readonly plan: (rows: RowView) => ZonePlan
}

/**
 * Bring the zones in line with the configuration file: missing ones are made, those that are there keep their ids and
 * accounts and become what it says, and those that it has no more are switched off. What is so already leaves no record. Zones
 * that it has never had are left alone.
 *
 * @param configured - zones of the file by their names
 * @throws SecregError `ERR_SEALED`, and the failures of the store when it cannot be told which zones there are
 */
export async function applyZones(
  identity: Identity,
  configured: ReadonlyMap<string, ConfiguredZone>,
): Promise<AppliedZones> {
  const { core } = identity
  core.keys.requireUnsealed()
  const changed: string[] = []
  const failed: { zone: string; error: SecregError }[] = []
  for (const step of stepsOf(identity, await zonesIn(identity), configured)) {
    try {
      if (await applied(identity, step)) changed.push(step.name)
    } catch (cause) {
      failed.push({ zone: step.name, error: asSecregError(cause) })
    }
  }
  return { changed, failed }
}

async function zonesIn({ core }: Identity): Promise<Zone[]> {
  const zones: Zone[] = []
  for await (const { key, value } of core.engine.iterate(ZONE_SPACE)) {
    zones.push(decodeZone(value, key.slice(ZONE_SPACE.gte.length)))
  }
  return zones
}

/** What takes something away comes first. */
function stepsOf(
  { core }: Identity,
  zones: readonly Zone[],
  configured: ReadonlyMap<string, ConfiguredZone>,
): readonly Step[] {
  const { crypto, now } = core
  const gone = zones.filter((zone) => zone.configured === true && !configured.has(zone.name))
  return [
    ...gone.map(
      ({ name }): Step => ({
        name,
        word: 'zone-release',
        plan: (rows) => planReleaseZone(rows, name, { nowMs: now() }),
      }),
    ),
    ...[...configured].map(
      ([name, settings]): Step => ({
        name,
        word: 'zone-configure',
        plan: (rows) => planConfigureZone(rows, name, settings, { nowMs: now(), crypto }),
      }),
    ),
  ]
}

/** Run one step. @returns whether anything had to change */
function applied(identity: Identity, { name, plan, word }: Step): Promise<boolean> {
  const { core } = identity
  const detail = isZoneName(name) ? `${word} ${name}` : word
  const facts: Facts = { action: 'admin', detail }
  return core.writer.submit({
    plan: (view) => {
      core.keys.requireUnsealed()
      const { ops } = plan(rowViewOf(view))
      if (ops.length === 0) return { ops, result: () => false }
      return {
        ops,
        record: auditBody(CONFIGURATION, facts.action, 'ok', facts),
        // What is checked next is checked against this.
        publish: () => identity.zoneChanged(ops),
        result: () => true,
      }
    },
    refusal: (error) => refusalBody(CONFIGURATION, facts, error),
  })
}
