/**
 * Finds the end of a JSON object in a stream of bytes without parsing it: counts braces outside strings.
 *
 * For every valid JSON object the end found is its end (RFC 8259 §7: inside a string, a quote is always escaped). For
 * anything else the end is arbitrary but the same however the bytes arrive, and the payload check refuses the text.
 * Each byte is looked at once.
 */
export class BraceScanner {
  #depth = 0
  #inString = false
  #escaped = false

  /** Forget everything, for the next object. */
  reset(): void {
    this.#depth = 0
    this.#inString = false
    this.#escaped = false
  }

  /**
   * Go on with the bytes from `start` to `end`, the first of all being the opening brace.
   *
   * @returns the index behind the closing brace, or -1 if it is not among them
   */
  scan(bytes: Uint8Array, start: number, end: number): number {
    let depth = this.#depth
    let inString = this.#inString
    let escaped = this.#escaped
    for (let i = start; i < end; i++) {
      const byte = bytes[i]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === 0x5c) escaped = true
        else if (byte === 0x22) inString = false
      } else if (byte === 0x22) {
        inString = true
      } else if (byte === 0x7b) {
        depth++
      } else if (byte === 0x7d) {
        depth--
        if (depth === 0) {
          this.reset()
          return i + 1
        }
      }
    }
    this.#depth = depth
    this.#inString = inString
    this.#escaped = escaped
    return -1
  }
}
