/** The zones of the configuration file, given to the registry whenever it can take them. */
import type { Config, ConfigZone, Logger } from '@secreg/host'
import { asSecregError, type Registry } from '@secreg/registry'
import type { ConfiguredZone } from '@secreg/zones'

/**
 * Bring the zones of an unsealed registry in line with the configuration. What fails is logged and tried again at the next
 * unsealing or reload: the daemon goes on, as whoever is to mend it needs it.
 */
export async function applyConfiguredZones(
  registry: Registry,
  { zones }: Pick<Config, 'zones'>,
  log: Logger,
): Promise<void> {
  if (registry.state !== 'unsealed') return
  const configured = new Map([...zones].map(([name, zone]) => [name, configuredZone(zone)]))
  try {
    const { changed, failed } = await registry.applyZones(configured)
    if (changed.length > 0) {
      log.info('zones are as configured', { count: changed.length, detail: changed.join(' ') })
    }
    for (const { error, zone } of failed) {
      log.error('a zone is not as configured', { detail: zone, code: error.code })
    }
  } catch (error) {
    log.error('zones are not as configured', { code: asSecregError(error).code })
  }
}

function configuredZone({ maxTempValiditySeconds, ...zone }: ConfigZone): ConfiguredZone {
  return { ...zone, maxTempValidityS: maxTempValiditySeconds }
}
