/** For tests of engines, and of what is built on them. */
export {
  type ContractFactory,
  type ContractFramework,
  type ContractSubject,
  createTestCheck,
  ORDERED_KEYS,
  runEngineContract,
} from './testing/contract.ts'
export {
  type CommitFault,
  FaultEngine,
  type FaultEngineOptions,
  type FaultPoint,
} from './testing/fault-engine.ts'
export { forgeRow, replaceRow, takeRow } from './testing/tamper.ts'
