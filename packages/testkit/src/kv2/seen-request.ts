/** A request that came, as it was sent. */
export interface SeenRequest {
  readonly method: string
  /** Path and query, undecoded. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}
