/** Where the YAML provider may be used (specs: secrets-api §5.2). */

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
