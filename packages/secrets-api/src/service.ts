/** @secreg/secrets-api/service: the whole API without HTTP. */
export type {
  SecretsAnswer,
  SecretsAuditPort,
  SecretsEvents,
  SecretsRequest,
  SecretsRoute,
  SecretsService,
  SecretsServiceOptions,
} from './service/service.ts'
