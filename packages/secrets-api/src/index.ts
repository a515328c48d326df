export type {
  ProviderReason,
  Refusal,
  RequestReason,
  SecretsApiErrorCode,
  SecretsApiErrorOptions,
  SecretsApiReason,
  SecretUriReason,
} from './errors.ts'
export { ProviderError, SECRETS_API_REFUSALS, SecretsApiError, SecretUriError } from './errors.ts'
export type { JsonBody } from './http/json-body.ts'
export { BODY_LIMITS, parseJsonBody } from './http/json-body.ts'
export { booleanParameter, integerParameter, parseQuery, QUERY_LIMITS } from './http/query.ts'
export { CAS_TRIES } from './operations/cas-retry.ts'
export type { CopyOptions, CopyOutcome, MoveOutcome, SecretAt } from './operations/copy-secret.ts'
export { assertCopyable, copySecret, moveSecret } from './operations/copy-secret.ts'
export type { DeleteOptions, DeleteOutcome } from './operations/delete-secret.ts'
export { deleteSecret } from './operations/delete-secret.ts'
export type { Page, SecretKeysItem, SecretSearchItem } from './operations/list-secrets.ts'
export {
  listSecretKeys,
  listSecrets,
  MAX_SEARCH_LENGTH,
  pageOf,
  searchSecrets,
} from './operations/list-secrets.ts'
export type { SecretPayload } from './operations/payload.ts'
export { payloadOf } from './operations/payload.ts'
export type { ReadOutcome } from './operations/read-secret.ts'
export { readSecret } from './operations/read-secret.ts'
export type { RotateOutcome } from './operations/rotate-secret.ts'
export { rotateSecret } from './operations/rotate-secret.ts'
export type { SecretVersionItem, VersionState } from './operations/secret-metadata.ts'
export {
  listSecretVersions,
  parseSecretOwner,
  readSecretMetadata,
  setSecretOwner,
  versionState,
} from './operations/secret-metadata.ts'
export {
  destroySecretVersions,
  MAX_VERSIONS_PER_REQUEST,
  parseSecretVersions,
  undeleteSecretVersions,
} from './operations/secret-versions.ts'
export type { Author, Stamped } from './operations/stamp-metadata.ts'
export { STAMPED_MEMBERS } from './operations/stamp-metadata.ts'
export type { WriteOptions, WriteOutcome } from './operations/write-secret.ts'
export { writeSecret } from './operations/write-secret.ts'
export type { YamlAccess } from './provider/environment.ts'
export { guardYaml, yamlAccess } from './provider/environment.ts'
export type { JsonValue, SecretMap } from './provider/json-value.ts'
export { isJsonObject, objectOfSecretMap, secretMapOf } from './provider/json-value.ts'
export type {
  CurrentSecret,
  FoundSecret,
  GoneSecret,
  ListedName,
  PinnedSecret,
  ProviderCallOptions,
  ProviderCapabilities,
  SecretKeys,
  SecretMetadata,
  SecretProvider,
  StateToken,
  VersionMetadata,
  WrittenSecret,
} from './provider/provider.ts'
export { UNSUPPORTED_OPERATIONS } from './provider/unsupported.ts'
export type { SecretReferences } from './ref/secret-references.ts'
export {
  openSecretReferences,
  resourceArn,
  SECRET_REFERENCE_LENGTH,
} from './ref/secret-references.ts'
export type { SecretUriLimits } from './uri/characters.ts'
export { isSecretFragment, isSecretSegment, SECRET_URI_LIMITS } from './uri/characters.ts'
export { formatSecretUri, makeSecretUri, withParts } from './uri/format-secret-uri.ts'
export { guardMount, parseAllowedMounts } from './uri/guard-mount.ts'
export type { ParseSecretUriOptions } from './uri/parse-secret-uri.ts'
export { parseSecretUri, parseSecretVersion } from './uri/parse-secret-uri.ts'
export { pinVersion } from './uri/pin-version.ts'
export { isUnderPrefix, parseSecretPrefix } from './uri/secret-prefix.ts'
export type {
  SecretPlace,
  SecretPrefix,
  SecretProviderName,
  SecretScheme,
  SecretUri,
  SecretUriParts,
} from './uri/secret-uri.ts'
export { SECRET_SCHEMES } from './uri/secret-uri.ts'
