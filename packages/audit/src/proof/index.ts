export {
  type Checkpoint,
  formatCheckpoint,
  formatKeyStatement,
  formatRetention,
  type KeyStatement,
  parseCheckpoint,
  parseKeyStatement,
  parseRetention,
  parseStatement,
  type RetentionStatement,
  type Statement,
} from './checkpoint.ts'
export {
  isSigned,
  type KeyChain,
  type KeyPeriod,
  type NoteFault,
  readKeyChain,
} from './key-chain.ts'
export type { PresentSegment, RemovedSegment } from './log-walk.ts'
export { equalHashes, Frontier, HASH_BYTES, hashLeaf, hashNode } from './merkle.ts'
export {
  createSigner,
  formatVkey,
  KEY_BYTES,
  MAX_SIGNATURES,
  type Note,
  type NoteKey,
  type NoteSignature,
  type NoteSigner,
  parseNote,
  parseVkey,
  signNote,
  verifyNote,
} from './note.ts'
export {
  formatStoredNote,
  type NotesFile,
  type NotesRest,
  readNotes,
  type StoredNote,
  scanNotes,
} from './notes-file.ts'
export {
  type ConsistencyProof,
  formatProof,
  type InclusionProof,
  parseProof,
} from './proof-text.ts'
export {
  consistencyProof,
  inclusionProof,
  MAX_PROOF_HASHES,
  type Subtree,
  verifyConsistency,
  verifyInclusion,
} from './proofs.ts'
export { type LeafReader, subtreeOf } from './subtree.ts'
export { type LogVerifyResult, type VerifyLogOptions, verifyLog } from './verify-log.ts'
