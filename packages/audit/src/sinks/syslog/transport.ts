/** How messages get to a receiver. */
export interface SyslogTransport {
  /**
   * Hand messages over, in order. Resolves once they are delivered as far as the transport can
   * tell; after a rejection any beginning of them may have arrived. One call at a time; settles
   * when `signal` aborts.
   */
  send(messages: readonly Buffer[], signal: AbortSignal): Promise<void>
  /** Let go of connections. */
  close(): void
}
