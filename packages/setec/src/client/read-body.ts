/** Bodies of answers, of a known largest size. */
import type { FetchBody } from './fetch-types.ts'

const FIRST_BYTES = 4096

/**
 * Read a body as it comes, into one buffer, so that neither its length nor the number of its pieces costs more than
 * twice the limit.
 *
 * @returns a fresh copy; `undefined` when it is longer than `maxBytes`: the rest is not read then
 */
export async function readBody(
  body: FetchBody | null,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (body === null) return new Uint8Array(0)
  const reader = body.getReader()
  let buffer = new Uint8Array(Math.min(FIRST_BYTES, maxBytes))
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return buffer.slice(0, length)
    const piece = value ?? new Uint8Array(0)
    const needed = length + piece.length
    if (needed > maxBytes) {
      // Nobody waits for the end of what is not wanted.
      reader.cancel().catch(() => {})
      return undefined
    }
    if (needed > buffer.length) {
      const larger = new Uint8Array(Math.min(maxBytes, Math.max(needed, 2 * buffer.length)))
      larger.set(buffer.subarray(0, length))
      buffer = larger
    }
    buffer.set(piece, length)
    length = needed
  }
}

/** Let go of a body that nobody reads. */
export function dropBody(body: FetchBody | null): void {
  try {
    body
      ?.getReader()
      .cancel()
      .catch(() => {})
  } catch {}
}
