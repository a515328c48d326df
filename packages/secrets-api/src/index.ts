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
export type { JsonValue, SecretMap } from './provider/json-value.ts'
export { isJsonObject, objectOfSecretMap, secretMapOf } from './provider/json-value.ts'
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
