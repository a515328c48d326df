/** What the tests of this workspace share. */
export { type CanaryFind, type CanaryForm, createCanary, findCanary } from './canary.ts'
export {
  CertificateMaker,
  type CertificateOptions,
  certificatePrincipal,
  type MadeCertificate,
  writeChain,
} from './certificates.ts'
export {
  type Child,
  type ChildOptions,
  cleanEnv,
  type Exit,
  type Finished,
  freePort,
  type LineOptions,
  runChild,
  runNode,
  startChild,
  startNode,
} from './child.ts'
export { createFixedRandom, fixNodeRandom, withFixedRandom } from './fixed-random.ts'
export { forgeShare, otherShare, SHARE_AT } from './forged-share.ts'
export { KAFKA_ERROR, KafkaStandIn, type KafkaStandInOptions } from './kafka/kafka-stand-in.ts'
export type { KafkaRecord } from './kafka/partition-log.ts'
export {
  checkLinearizable,
  type LinearizabilityOptions,
  type Operation,
  type SequentialModel,
  type Verdict,
} from './linearizability.ts'
export {
  findProgram,
  type ProgramResult,
  requireProgram,
  requirePython,
  type SkippableContext,
  skipTest,
} from './programs.ts'
export {
  type RawAnswer,
  RawConnection,
  type RawConnectionOptions,
  rawRequest,
} from './raw-connection.ts'
export { rawHttp } from './raw-http.ts'
export { shownByFailure } from './shown-by-failure.ts'
export { createTempHome, type TempHome } from './temp-home.ts'
export {
  fromHex,
  type ListedCase,
  loadHex,
  loadJson,
  loadJsonLines,
  loadList,
  parseList,
  toHex,
} from './vectors.ts'
export {
  type RegisterInput,
  type RegisterOperation,
  type RegisterOutput,
  type RegisterState,
  VERSIONED_REGISTER,
} from './versioned-register.ts'
export type { Violation } from './violation.ts'
export { type WaitForOptions, waitFor } from './wait-for.ts'
