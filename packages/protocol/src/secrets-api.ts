/** Answers of the Secrets API. */

/** One event, for a stream of events (HTML standard, "Server-sent events"). */
export interface SecretsEvent {
  /** Ascending. */
  readonly id: number
  readonly event: string
  /** JSON, on one line. */
  readonly data: string
}

/** What is answered over HTTP. */
export interface SecretsResponse {
  readonly status: number
  /** Of the answer, beside those that every answer has. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON; empty where events are answered. */
  readonly body: string
  readonly events?: readonly SecretsEvent[]
  /** What to go on behind. */
  readonly after?: number
}
