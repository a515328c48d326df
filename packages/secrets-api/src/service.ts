/** @secreg/secrets-api/service: the whole API without HTTP. */
export type { SecretsRoute } from '@secreg/protocol'
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
  SecretsService,
  SecretsServiceOptions,
} from './service/service.ts'
