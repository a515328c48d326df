/** @secreg/secrets-api/client: asks a server of the Secrets API over HTTP. */

export type { SecretsRoute } from '@secreg/protocol'
export type {
  SecretsClientErrorCode,
  SecretsClientErrorOptions,
  SecretsClientFault,
  SecretsErrorDetails,
} from './client/client-error.ts'
export { SECRETS_CLIENT_FAULTS, SecretsClientError } from './client/client-error.ts'
export { createSecretsClient } from './client/create-secrets-client.ts'
export type {
  SecretsFetch,
  SecretsFetchAnswer,
  SecretsFetchBody,
  SecretsFetchInit,
} from './client/fetch-types.ts'
export type { SecretsEventsOptions } from './client/follow-events.ts'
export type { SecretsCallOptions, SecretsClientOptions, SecretsProof } from './client/options.ts'
export type {
  SecretBulkItem,
  SecretBulkOperation,
  SecretBulkResult,
  SecretDeleteResult,
  SecretEventResult,
  SecretFound,
  SecretKeysResult,
  SecretMetadataResult,
  SecretOwnerResult,
  SecretRotateResult,
  SecretsPage,
  SecretTransferResult,
  SecretValueResult,
  SecretVersionResult,
  SecretVersionsChanged,
  SecretVersionsResult,
  SecretWriteResult,
} from './client/results.ts'
export type { SecretsClient } from './client/secrets-client.ts'
export type { JsonValue } from './provider/json-value.ts'
