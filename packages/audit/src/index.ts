export {
  type AuditLog,
  DEFAULT_LOG_OPTIONS,
  type LogClock,
  type LogEvent,
  type OpenLogOptions,
} from './audit-log.ts'
export type { ChainFault, FaultKind, KnownLine } from './chain.ts'
export type { LogCursor } from './cursor.ts'
export { AuditError, type AuditErrorCode, type AuditErrorDetail } from './errors.ts'
export { ENVELOPE_BYTES, GENESIS_HASH, MAX_LINE_BYTES } from './line.ts'
export type { LogItem } from './line-encoder.ts'
export { openLog } from './log.ts'
export type { LineProof, LogEvidence, LogKey, LogSigner, Removed } from './log-evidence.ts'
export type { FileFacts, LogFile, LogFiles } from './log-files.ts'
export { nodeFiles } from './node-files.ts'
export { createSigner } from './proof/note.ts'
export type { LogVerifyResult, VerifyLogOptions } from './proof/verify-log.ts'
export { DEFAULT_QUERY_LIMIT, type LogRecord, type QueryFilter } from './query.ts'
export type { Recovered } from './recover.ts'
export type { ArchiveEvent } from './segments/archiver.ts'
export type { TermSource } from './segments/block-summary.ts'
export type { ForwardBatch, ForwardLimits, ForwardRecord } from './segments/read-after.ts'
export type { VerifyOptions, VerifyProgress, VerifyResult } from './verify.ts'
export { type VerifyDirectoryOptions, verifyDirectory } from './verify-directory.ts'
