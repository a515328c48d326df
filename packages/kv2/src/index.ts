/** @secreg/kv2: a client of the key-value secrets, version 2, of OpenBao and Vault. */
export type { CircuitOptions, CircuitState } from './circuit.ts'
export {
  createKv2Client,
  type Kv2Client,
  type Kv2ListOptions,
  type Kv2MetadataWriteOptions,
  type Kv2Mount,
  type Kv2ReadOptions,
  type Kv2SubkeysOptions,
  type Kv2WriteOptions,
} from './client.ts'
export type { Kv2Clock } from './clock.ts'
export {
  KV2_ERROR_CODES,
  Kv2Error,
  type Kv2ErrorCode,
  type Kv2ErrorOptions,
  type Kv2Operation,
} from './errors.ts'
export type { JsonObject, JsonValue } from './json.ts'
export type { Kv2MetadataPatch, Kv2MetadataSettings } from './metadata-settings.ts'
export type { Kv2CallEvent, Kv2Observer, Kv2Outcome } from './observer.ts'
export type {
  AppRoleCredentials,
  Kv2CallOptions,
  Kv2ClientOptions,
  TokenCredentials,
} from './options.ts'
export type { Kv2Path } from './path.ts'
export type {
  Kv2Absent,
  Kv2Config,
  Kv2Gone,
  Kv2KeyMetadata,
  Kv2Live,
  Kv2LiveSubkeys,
  Kv2Patched,
  Kv2PatchResult,
  Kv2ReadResult,
  Kv2SubkeysResult,
  Kv2Version,
  Kv2VersionMetadata,
} from './results.ts'
export {
  type Kv2Answer,
  type Kv2Limits,
  type Kv2OwnFault,
  type Kv2Request,
  type Kv2Transport,
  Kv2TransportError,
} from './transport.ts'
