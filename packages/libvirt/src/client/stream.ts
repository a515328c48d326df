/** What the client needs of a connection: a part of `Socket` of node:net. */
export interface ClientStream {
  /**
   * @param bytes - read until `done` is called
   * @returns whether more should be written before `drain`
   */
  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean
  /** Send the end once what was written has been sent. */
  end(): unknown
  /** End at once. */
  destroy(): unknown
  /** Chunks belong to the listener, which wipes them. */
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'end' | 'close' | 'drain', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}
