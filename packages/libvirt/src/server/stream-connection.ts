/** What of a stream socket is needed; `node:net`'s `Socket` is one. */
export interface StreamConnection {
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'end' | 'drain' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Bytes that were written and not taken; absent: it is not known. */
  readonly writableLength?: number
  pause(): unknown
  resume(): unknown
  /**
   * @param callback - called once the bytes have left, or never will
   * @returns `false`: nothing more should be sent until `drain`
   */
  write(bytes: Uint8Array, callback?: () => void): boolean
  /** Close once everything that was written has left, then call back. */
  end(callback?: () => void): unknown
  destroy(error?: Error): unknown
}
