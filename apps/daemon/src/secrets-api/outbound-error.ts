/** Why a server elsewhere, which is no provider of secrets, gave no answer that counts. */

/** Stable codes of {@link OutboundError}. */
export type OutboundErrorCode =
  /** Too much is under way, or the question is too long; nothing was sent. */
  | 'ERR_OUTBOUND_REFUSED'
  /** No connection, or it broke. */
  | 'ERR_OUTBOUND_UNREACHABLE'
  /** No answer within the time. */
  | 'ERR_OUTBOUND_TIMEOUT'
  /** An answer of another status than 200, redirects included. */
  | 'ERR_OUTBOUND_STATUS'
  /** An answer that is too long, or not what it should be. */
  | 'ERR_OUTBOUND_ANSWER'

const MESSAGES: Readonly<Record<OutboundErrorCode, string>> = {
  ERR_OUTBOUND_REFUSED: 'too much is under way, or the question is too long',
  ERR_OUTBOUND_UNREACHABLE: 'the server cannot be reached',
  ERR_OUTBOUND_TIMEOUT: 'the server does not answer in time',
  ERR_OUTBOUND_STATUS: 'the server answers with another status than 200',
  ERR_OUTBOUND_ANSWER: 'the answer is too long, or not what it should be',
}

/** What more is known. */
export interface OutboundErrorOptions {
  /** Of the answer, where there was one. */
  readonly status?: number
  /** Word of the transport for why there was none, such as `TLS_FAILED`. */
  readonly transportCode?: string | undefined
}

/** No answer that counts. The message is one fixed text for each code, with a status or word: it quotes nothing. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly code: OutboundErrorCode
  /** Status of the answer, where there was one. */
  readonly status: number | undefined

  constructor(code: OutboundErrorCode, { status, transportCode }: OutboundErrorOptions = {}) {
    const why = status ?? transportCode
    super(why === undefined ? MESSAGES[code] : `${MESSAGES[code]} (${why})`)
    this.code = code
    this.status = status
  }
}
