/** @secreg/testkit/kv2: a stand-in of a server of KV version 2, and the runner of its conformance cases. */
export {
  type CaseTarget,
  type Kv2Case,
  type Kv2CaseOutcome,
  Kv2CaseRunner,
} from './kv2/case-runner.ts'
export type { Kv2Fault } from './kv2/faults.ts'
export { Kv2StandIn, type Kv2StandInOptions } from './kv2/kv2-stand-in.ts'
export type { SeenRequest } from './kv2/seen-request.ts'
export type { AppRole, Lease } from './kv2/tokens.ts'
