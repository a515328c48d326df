/** What the client half stands on. */
export interface PacketExchange {
  /**
   * Send a packet and wait for the one that answers it. Packets are sent in the order of the calls, each once the one
   * before has been answered.
   *
   * @throws SubauthError `ERR_SUBAUTH_CONNECTION_LOST`, `ERR_SUBAUTH_TIMEOUT`, `ERR_SUBAUTH_ANSWER_INVALID`,
   *   `ERR_SUBAUTH_CLOSED`
   */
  request(packet: Uint8Array): Promise<Uint8Array>
  /** Close it once everything that was asked has been answered. */
  close(): Promise<void>
}
