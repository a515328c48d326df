/** The settings of the Secrets API, from the configuration, the variables of the environment and files (specs: secrets-api §6). */
import { ConfigError, type LoadedConfig } from '@secreg/host'
import { yamlAccess } from '@secreg/secrets-api'
import { isWithin } from '../is-within.ts'
import type { PdpSettings, SecretsApiSettings } from './settings.ts'
import { issuerSettings, tenantSettings } from './settings-issuers.ts'
import { checkKafkaVariables } from './settings-kafka.ts'
import { kv2Settings } from './settings-kv2.ts'
import { OUTSIDE_DEVELOPMENT, SettingsReader } from './settings-reader.ts'
import type { SecretsVariables } from './settings-variables.ts'

/** Least length of the key of references outside of development, bytes. */
const SALT_BYTES = 32

/**
 * Read them; undefined where the Secrets API is off. Variables count over the file. Files with secrets are read anew each
 * time, so that a reload takes up what is in them.
 *
 * @param variables - as the process was started with them
 * @throws ConfigError with everything that is wrong, in words that name variables and keys and repeat no value
 */
export async function readSecretsSettings(
  loaded: LoadedConfig,
  variables: SecretsVariables,
): Promise<SecretsApiSettings | undefined> {
  if (!loaded.config.secrets.enabled) return undefined
  const reader = new SettingsReader(loaded, variables)
  const { isDevelopment, secrets } = reader
  checkSwitches(reader)
  checkKafkaVariables(reader, loaded.config)
  const settings: SecretsApiSettings = {
    environment: secrets.environment,
    isDevelopment,
    requireAuth: secrets.requireAuth ?? !isDevelopment,
    enforceScopes: secrets.enforceScopes ?? !isDevelopment,
    authorization: secrets.authorization ?? !isDevelopment,
    audience: secrets.audience,
    inboundAuthMode: secrets.inboundAuthMode,
    clockSkewSeconds: secrets.clockSkewSeconds,
    issuers: await issuerSettings(reader),
    ...tenantSettings(reader),
    salt: await saltOf(reader),
    legacyUris: isDevelopment && secrets.acceptLegacyUris,
    grants: { ttlSeconds: secrets.grantTtlSeconds, maxUses: secrets.grantMaxUses },
    requestLimit: { perSecond: secrets.ratePerSecond, burst: secrets.rateBurst },
    negativeCacheSeconds: secrets.negativeCacheSeconds,
    antiReplay: { mode: secrets.antiReplay, ttlSeconds: secrets.antiReplayTtlSeconds },
    yamlPath: yamlPathOf(reader, loaded),
    ...(await kv2Settings(reader)),
    pdp: await pdpOf(reader),
    sampleCacheHits: secrets.auditSample,
    auditMode: secrets.auditMode,
    auditBufferSize: secrets.auditBuffer,
    devEndpoints: secrets.devEndpoints ?? isDevelopment,
  }
  if (reader.faults.length > 0) throw new ConfigError(reader.faults)
  return settings
}

function checkSwitches(reader: SettingsReader): void {
  const { auditMode, authorization, enforceScopes, environment, requireAuth } = reader.secrets
  reader.refuse(requireAuth === false, 'secrets.require_auth', 'true')
  reader.refuse(enforceScopes === false, 'secrets.enforce_scopes', 'true')
  reader.refuse(authorization === false, 'secrets.authorization', 'true')
  if (auditMode === 'best_effort' && isProduction(environment)) {
    reader.fault('secrets.audit_mode', 'expected spool or required in production')
  }
  // To ignore it would leave paths open that somebody believes to be closed.
  if (reader.text('BINDING_REQUIRED_PATHS') !== undefined) {
    const instead = 'INBOUND_AUTH_MODE, or the obligation "binding" of the decision point'
    reader.faultOf(['BINDING_REQUIRED_PATHS'], `expected none: it is not supported; see ${instead}`)
  }
}

function isProduction(environment: string): boolean {
  return yamlAccess(environment) === 'none'
}

async function saltOf(reader: SettingsReader): Promise<string | undefined> {
  const [one, other] = [reader.text('TENANT_SALT'), reader.text('SECRET_TENANT_SALT')]
  if (one !== undefined && other !== undefined && one !== other) {
    reader.faultOf(['TENANT_SALT', 'SECRET_TENANT_SALT'], 'expected one of them, or the same twice')
  }
  const given = one ?? other
  const { saltFile } = reader.secrets
  const salt = given ?? (await reader.secretIn(saltFile, 'secrets.salt_file'))
  // A file that could not be read has been told.
  const isTold = given === undefined && saltFile !== undefined && salt === undefined
  if (!reader.isDevelopment && !isTold && Buffer.byteLength(salt ?? '') < SALT_BYTES) {
    const least = `${SALT_BYTES} bytes or more ${OUTSIDE_DEVELOPMENT}`
    if (given === undefined) {
      reader.fault('secrets.salt_file', `expected it, or TENANT_SALT, of ${least}`)
    } else {
      const variable = one === undefined ? 'SECRET_TENANT_SALT' : 'TENANT_SALT'
      reader.faultOf([variable], `expected ${least}`)
    }
  }
  return salt
}

function yamlPathOf(reader: SettingsReader, { config }: LoadedConfig): string | undefined {
  const { environment, yamlPath } = reader.secrets
  if (yamlPath === undefined || isProduction(environment)) return undefined
  for (const [key, directory] of [
    ['database.path', config.database.path],
    ['audit.path', config.audit.path],
  ] as const) {
    // Store and log own what is in theirs.
    if (isWithin(yamlPath, directory)) {
      reader.fault('secrets.yaml_path', `expected a place outside of ${key}`)
    }
  }
  return yamlPath
}

async function pdpOf(reader: SettingsReader): Promise<PdpSettings | undefined> {
  const { caFile, timeoutMs, tokenFile, url } = reader.secrets.pdp
  const given = reader.tokenOf('AUTHZEN_PDP_TOKEN')
  const token = given ?? (await reader.tokenIn(tokenFile, 'secrets.pdp.token_file'))
  const ca = await reader.certificatesIn(caFile, 'secrets.pdp.ca_file')
  reader.refusePlain(url, 'secrets.pdp.url')
  if (url !== undefined) return { url, token, ca, timeoutMs }
  // Somebody believes that it is asked.
  if (given !== undefined || tokenFile !== undefined) {
    reader.fault('secrets.pdp.url', 'expected it, or AUTHZEN_PDP_URL, with a token for it')
  }
  return undefined
}
