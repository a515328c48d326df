/** @secreg/secrets-api/client: asks a server of the Secrets API over HTTP. */
export type { SecretsRoute } from './service/service.ts'
