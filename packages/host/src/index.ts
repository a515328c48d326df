/** Configuration, log, metrics, signals, hardening, readiness and sockets of a secreg process. */

export { type AssertionRule, parseAssertion } from './assertion.ts'
export { ByteBudget, type ByteBudgetOptions, type ByteLease } from './byte-budget.ts'
export type { Collected, CollectedSample } from './collected-metric.ts'
export {
  type LoadConfigOptions,
  type LoadedConfig,
  loadConfig,
  MAX_CONFIG_BYTES,
  parseConfig,
} from './config.ts'
export type { ConfigKey } from './config-row.ts'
export { CONFIG_KEYS } from './config-schema.ts'
export { SECRETS_ISSUER_KEYS, SECRETS_TENANT_KEYS } from './config-secrets.ts'
export type {
  ConfigIssuer,
  ConfigKv2,
  ConfigPdp,
  ConfigSecrets,
  ConfigTenant,
  SecretsAuthMode,
} from './config-secrets-values.ts'
export { summarizeConfig } from './config-summary.ts'
export { type ConfigWithTexts, withConfigTexts } from './config-texts.ts'
export type {
  Config,
  ConfigZone,
  LogLevel,
  SaslMechanism,
  SyslogFacility,
} from './config-values.ts'
export { ZONE_KEYS } from './config-zones.ts'
export {
  ConfigError,
  type ConfigFault,
  formatFault,
  HostError,
  type HostErrorCode,
} from './errors.ts'
export { type EventLoopDelay, type EventLoopSample, sampleEventLoop } from './event-loop.ts'
export { resolveGroup } from './group.ts'
export {
  assertEnvironment,
  type CoreDumpReport,
  disableCoreDumps,
  type HardeningOptions,
  type HardeningReport,
  hardenProcess,
  readCoreDumps,
} from './hardening.ts'
export {
  type AddressRange,
  type HttpAddress,
  parseAddressRange,
  parseHttpAddress,
} from './http-address.ts'
export {
  createLogger,
  type LogDestination,
  type LogFields,
  type Logger,
  type LoggerOptions,
} from './logger.ts'
export { createMetrics, type Metrics, type MetricsOptions } from './metrics.ts'
export { type MetricsAddress, parseMetricsAddress } from './metrics-address.ts'
export {
  createOperationMeter,
  OPERATION_OUTCOMES,
  type OperationLabels,
  type OperationMeter,
  type OperationOutcome,
} from './operation-meter.ts'
export { createReadiness, type Readiness, type ReadinessOptions } from './readiness.ts'
export {
  guardSignals,
  installSignals,
  type SignalActions,
  type SignalHandlers,
  type SignalSource,
} from './signals.ts'
export {
  assertSocketPath,
  type ListenUnixOptions,
  listenUnix,
  type UnixListener,
  type UnixSocketFile,
} from './socket-file.ts'
export { MAX_SOCKET_PATH_BYTES } from './socket-path.ts'
export {
  formatTomlKey,
  locateTomlKeys,
  type TextPosition,
  type TomlPositions,
} from './toml-locator.ts'
export { resolveUser } from './user.ts'
