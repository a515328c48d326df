/** Where the YAML provider may be used (specs: secrets-api §0, step P6, and §5.2). */
import { ProviderError } from '../errors.ts'

/** What may be done with it. */
export type YamlAccess = 'write' | 'read' | 'none'

/**
 * Look an environment up: `dev` and `test`, written exactly so, allow everything. Production, and what is not told,
 * allow nothing; it has no case and may be abbreviated, since a guard that a capital letter lifts is none. All others
 * allow reading.
 *
 * @param environment - value of `ENVIRONMENT`, undefined where it is not set
 */
export function yamlAccess(environment: string | undefined): YamlAccess {
  if (environment === 'dev' || environment === 'test') return 'write'
  const name = (environment ?? '').trim().toLowerCase()
  return name === '' || name === 'prod' || name === 'production' ? 'none' : 'read'
}

/**
 * Refuse what the environment does not allow. To be asked before policy; the provider asks as well.
 *
 * @param kind - what a request is going to do, whatever it does first
 * @throws ProviderError `YAML_WRITE_FORBIDDEN` for a write; `PROVIDER_NOT_CONFIGURED` for a read where there is none
 */
export function guardYaml(environment: string | undefined, kind: 'read' | 'write'): void {
  const access = yamlAccess(environment)
  if (access === 'write' || access === kind) return
  throw new ProviderError(kind === 'write' ? 'YAML_WRITE_FORBIDDEN' : 'PROVIDER_NOT_CONFIGURED')
}
