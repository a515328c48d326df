/** `@secreg/audit/verify`: everything that checks a log, its checkpoints and proofs, and nothing that writes one. */
export * from './proof/index.ts'
export {
  type ChainFault,
  type FaultKind,
  GENESIS_HASH,
  hashLine,
  type KnownLine,
  type LineHead,
  parseLine,
  type SegmentSource,
  type VerifyOptions,
  type VerifyProgress,
  type VerifyResult,
  verifySegments,
} from './verify.ts'
export { type VerifyDirectoryOptions, verifyDirectory } from './verify-directory.ts'
