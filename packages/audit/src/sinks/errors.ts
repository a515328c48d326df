/** Codes of {@link SinkError}; part of the API. */
export type SinkErrorCode =
  /** A batch, a connection or a program took too long. */
  | 'ERR_SINK_TIMEOUT'
  /** The peer closed before it had everything. */
  | 'ERR_SINK_PEER_CLOSED'
  /** The program did not take the lines: it ended otherwise than with 0, or complained. */
  | 'ERR_SINK_PROGRAM'
  /** The sink is being closed. */
  | 'ERR_SINK_CLOSED'
  /** What reads the log gave records that do not follow those before. */
  | 'ERR_SINK_SOURCE'
  /** Anything else. */
  | 'ERR_SINK_FAILED'

/** A failure of a sink. Its message never holds anything that a peer said. */
export class SinkError extends Error {
  override readonly name: string = 'SinkError'
  readonly code: SinkErrorCode

  constructor(code: SinkErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/

/**
 * The code by which a failure is shown: its own where that is one of the system, of OpenSSL or of
 * this package, otherwise `ERR_SINK_FAILED`. Messages are left out: a peer may have chosen them.
 */
export function sinkErrorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && CODE.test(code) ? code : 'ERR_SINK_FAILED'
}
