/** Bodies of answers, of a known largest size. */
import type { SecretsFetchBody } from './fetch-types.ts'

const FIRST_BYTES = 4096

/** As much of a body as was read. */
export interface Read {
  /** A fresh copy. */
  readonly bytes: Uint8Array
  /** Whether that is all of it. */
  readonly whole: boolean
}

/**
 * Read a body as it comes, into one buffer, so that neither its length nor the number of its pieces costs more than
 * twice the limit. Of a longer one, the beginning is read.
 */
export async function readBody(body: SecretsFetchBody | null, maxBytes: number): Promise<Read> {
  if (body === null) return { bytes: new Uint8Array(0), whole: true }
  const reader = body.getReader()
  let buffer = new Uint8Array(Math.min(FIRST_BYTES, maxBytes))
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { bytes: buffer.slice(0, length), whole: true }
    const piece = (value ?? new Uint8Array(0)).subarray(0, maxBytes - length + 1)
    const needed = Math.min(length + piece.length, maxBytes)
    if (needed > buffer.length) {
      const larger = new Uint8Array(Math.min(maxBytes, Math.max(needed, 2 * buffer.length)))
      larger.set(buffer.subarray(0, length))
      buffer = larger
    }
    buffer.set(piece.subarray(0, needed - length), length)
    if (length + piece.length > maxBytes) {
      // Nobody waits for the end of what is not wanted.
      reader.cancel().catch(() => {})
      return { bytes: buffer, whole: false }
    }
    length = needed
  }
}

/** Let go of a body that nobody reads. */
export function dropBody(body: SecretsFetchBody | null): void {
  try {
    body
      ?.getReader()
      .cancel()
      .catch(() => {})
  } catch {}
}
