/** @secreg/setec: a client of setec servers, and the store that programs read from. */

export {
  asBytes,
  asJson,
  asSecret,
  asText,
  createUpdater,
  type Decoder,
  type Decoding,
  type Field,
  type FieldKind,
  type FieldStore,
  type FieldsOptions,
  type FieldValue,
  fieldSecrets,
  fields,
  jsonOf,
  type Live,
  live,
  memoryCache,
  type Secret,
  type SecretCache,
  type SecretSource,
  type SecretStore,
  type SecretValue,
  type StandardSchema,
  type StaticSecret,
  type StaticSecretOptions,
  type StoreClock,
  StoreError,
  type StoreErrorCode,
  type StoreFault,
  type StoreStats,
  type StoreUpdate,
  sealedCache,
  staticSecret,
  staticSource,
  staticUpdater,
  systemClock,
  type Updater,
  type UpdaterOptions,
  type WaitOptions,
} from '@secreg/store'
export type { SetecAction, SetecOperation } from './api/operation.ts'
export { MAX_VERSION } from './api/secret.ts'
export type { SecretMetadata } from './client/answers.ts'
export { Client } from './client/client.ts'
export {
  isPermanentSetecError,
  SetecError,
  type SetecErrorCode,
  type SetecErrorOptions,
} from './client/errors.ts'
export type { Fetch, FetchAnswer, FetchBody, FetchInit } from './client/fetch-types.ts'
export { Keyring, type KeyringClient } from './client/keyring.ts'
export { openSetecStore, type SetecStoreOptions } from './client/open-setec-store.ts'
export type { CallOptions, ClientOptions } from './client/options.ts'
export {
  type SetecSourceOptions,
  type SetecStoreClient,
  setecSource,
} from './client/setec-source.ts'
export type { SetecStore, SetecStoreMetrics } from './client/setec-store.ts'
export type { VersionedSecret } from './client/versioned-secret.ts'
export type { VersioningClient } from './client/versioned-secrets.ts'
