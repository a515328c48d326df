/** @secreg/store: platform-neutral entry point. */
export { memoryCache, type SecretCache } from './cache.ts'
export { type StoreClock, systemClock } from './clock.ts'
export { StoreError, type StoreErrorCode, type StoreErrorOptions } from './errors.ts'
export {
  asSecret,
  type Field,
  type FieldKind,
  type FieldStore,
  type FieldsOptions,
  type FieldValue,
  fieldSecrets,
  fields,
  type Live,
  live,
} from './fields.ts'
export { openStore } from './open-store.ts'
export { isPermanent, type StoreFault, type StoreOptions, type StoreUpdate } from './options.ts'
export type { Connect } from './redial.ts'
export type { RegistryChanges, RegistryPort } from './registry-port.ts'
export {
  type RegistrySource,
  type RegistrySourceOptions,
  registrySource,
} from './registry-source.ts'
export {
  asBytes,
  asJson,
  asText,
  type Decoder,
  type Decoding,
  jsonOf,
  type SchemaResult,
  type StandardSchema,
} from './schema.ts'
export { type SealedCacheOptions, sealedCache } from './sealed-cache.ts'
export type { Secret } from './secret.ts'
export type { OnChange, SecretSource, SecretValue, SourceOptions } from './source.ts'
export { type StaticSecretOptions, staticSecret } from './static-secret.ts'
export { type StaticSecret, staticSource } from './static-source.ts'
export { staticUpdater } from './static-updater.ts'
export type { SecretStore, StoreStats, WaitOptions } from './store.ts'
export { createUpdater, type Updater, type UpdaterOptions } from './updater.ts'
