/** Answers about the audit log; type only. */
import type { AuditBody } from './audit-body.ts'

/** One record of the audit log, with its envelope. */
export interface AuditRecord extends AuditBody {
  readonly sequence: number
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string
  readonly revision?: number
}

export interface AuditResponse {
  /** Newest first; oldest first of a log that is followed. */
  readonly records: readonly AuditRecord[]
  /** Present when there may be more: ask again with `before` set to it. */
  readonly next?: number
  /** Of a log that is followed: ask again with it. */
  readonly cursor?: string
  /** Of a log that is followed: records that retention has removed before they could be told. */
  readonly missed?: number
}

/** What is wrong with an audit log, at the first place where it shows. */
export interface AuditFault {
  readonly kind: string
  readonly message: string
  /** Number of the record at fault. */
  readonly sequence: number
  /** Where only a stretch can be named: its last record. */
  readonly until?: number
  readonly segment: number
}

/** How far a verification is. */
export interface VerificationInfo {
  /** Number of the verification since the start of the daemon, from 1. */
  readonly job: number
  readonly done: boolean
  /** Records verified so far; at the end those up to the first fault. */
  readonly records: number
  /** Records of the log when it began. */
  readonly total: number
  /** Signed checkpoints that were held against the log. */
  readonly checkpoints: number
  /** Once it is done. */
  readonly ok?: boolean
  readonly fault?: AuditFault
}

/** A key that the log was signed with. */
export interface AuditKeyInfo {
  /** Verifier key (C2SP signed-note): `name+hash+base64`. */
  readonly key: string
  /** Records before it came into force. */
  readonly from: number
  readonly current: boolean
}

/** Members by what was asked. */
export interface EvidenceResponse {
  /** Signed checkpoint (C2SP tlog-checkpoint): of `checkpoint`, `prove` and `consistency`. */
  readonly checkpoint?: string
  /** Of `prove`: proof that the record is in the log of the checkpoint (C2SP tlog-proof). Of `consistency`: that the log continues. */
  readonly proof?: string
  /** Of `prove`: the record as it stands in the log, without its newline. */
  readonly line?: string
  readonly verification?: VerificationInfo
  /** Of `keys` and `rotate-key`: oldest first. */
  readonly keys?: readonly AuditKeyInfo[]
}
