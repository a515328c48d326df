/** Why a question to the egress child has no answer. */
import type { EgressFault } from './messages.ts'

/** Stable codes of {@link EgressError}. */
export type EgressErrorCode =
  | `ERR_EGRESS_${EgressFault}`
  /** More is under way than may be at once. */
  | 'ERR_EGRESS_BUSY'
  /** The question is longer than a message may be. */
  | 'ERR_EGRESS_TOO_LARGE'
  /** No answer within the time. Whether it was done is not known. */
  | 'ERR_EGRESS_TIMEOUT'
  /** The child ended, or cannot be started; another one is started for a later question. Whether it was done is not known. */
  | 'ERR_EGRESS_CHILD_GONE'
  /** This side was closed. */
  | 'ERR_EGRESS_CLOSED'

const MESSAGES: Readonly<Record<EgressErrorCode, string>> = {
  ERR_EGRESS_INVALID: 'the egress process does not know such a question',
  ERR_EGRESS_CANCELLED: 'it was taken back',
  ERR_EGRESS_UNSUPPORTED:
    'the optional package kafkajs is not installed: npm install it beside secregd',
  ERR_EGRESS_NOT_SENT: 'the peer was not reached',
  ERR_EGRESS_UNREACHABLE: 'the peer cannot be reached',
  ERR_EGRESS_TLS_FAILED: 'the certificate of the peer is not one that is trusted',
  ERR_EGRESS_NOT_ALLOWED: 'the peer does not allow it: check name, password and rights there',
  ERR_EGRESS_PEER_TIMEOUT: 'the peer does not answer in time',
  ERR_EGRESS_PEER_FAILED: 'the peer cannot do it at present',
  ERR_EGRESS_PEER_TOO_LARGE: 'the peer does not take that much at once',
  ERR_EGRESS_PEER_REFUSED: 'the peer does not take it',
  ERR_EGRESS_INTERNAL: 'a fault in the egress process',
  ERR_EGRESS_BUSY: 'too much is under way',
  ERR_EGRESS_TOO_LARGE: 'that is more than one message holds',
  ERR_EGRESS_TIMEOUT: 'the egress process does not answer in time',
  ERR_EGRESS_CHILD_GONE: 'the egress process has ended',
  ERR_EGRESS_CLOSED: 'the egress process is closed',
}

/** A question was not answered with a result. The message is one fixed text for each code. */
export class EgressError extends Error {
  override readonly name = 'EgressError'
  readonly code: EgressErrorCode
  /** The child was not asked, so that nothing can have been done. */
  readonly unasked: boolean

  constructor(code: EgressErrorCode, unasked = false) {
    super(MESSAGES[code])
    this.code = code
    this.unasked = unasked
  }
}
