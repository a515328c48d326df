/** @secreg/secrets-api/service: the whole API without HTTP. */
export type { ErrorParts } from './service/answers.ts'
export { errorAnswer, refusedAnswer } from './service/answers.ts'
export { MAX_BULK_OPERATIONS } from './service/bulk.ts'
export { createSecretsService } from './service/create-service.ts'
export { EVENTS_AT_ONCE } from './service/event-ring.ts'
export type {
  SecretsAnswer,
  SecretsAuditPort,
  SecretsEvents,
  SecretsRequest,
  SecretsRoute,
  SecretsService,
  SecretsServiceOptions,
} from './service/service.ts'
