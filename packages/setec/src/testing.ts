/** @secreg/setec/testing: a server and a clock for the tests of programs that use setec. */
export type { SetecAction } from './api/operation.ts'
export type { SecretMetadata } from './client/answers.ts'
export {
  type SetecServerOptions,
  type SetecTestServer,
  startSetecServer,
} from './node/testing/start-setec-server.ts'
export { type ManualClock, manualClock } from './testing/manual-clock.ts'
export type { SetecRule } from './testing/rules.ts'
export type { SetecDatabase } from './testing/setec-database.ts'
