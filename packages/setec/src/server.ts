export type { SetecAction, SetecOperation } from './api/operation.ts'
export {
  GUARD_HEADER,
  GUARD_VALUE,
  JSON_TYPE,
  operationAt,
  pathOf,
  SETEC_ACTION_OF,
  SETEC_OPERATIONS,
} from './api/operation.ts'
export {
  secretInfoSchema,
  secretValueSchema,
  versionSchema,
} from './api/schema.ts'
export type { SecretInfo, SecretValue } from './api/secret.ts'
export { isReservedName, isVersion, MAX_VERSION } from './api/secret.ts'
export type { SetecAnswer } from './server/answer.ts'
export { serveDashboard } from './server/dashboard.ts'
export type { PortValue, SetecPort } from './server/port.ts'
export type { Refusal } from './server/refusal.ts'
export { REFUSALS } from './server/refusal.ts'
export type { SetecExchange, SetecHead } from './server/serve-setec.ts'
export { serveSetec } from './server/serve-setec.ts'
