import { CryptoError } from '@secreg/crypto'

/** A deep, mutable copy by way of JSON. */
export function json<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

/** Code of the CryptoError that a call ends with; any other error is thrown on. */
export async function codeOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
  } catch (error) {
    if (error instanceof CryptoError) return error.code
    throw error
  }
  return undefined
}

/**
 * Every document that differs from this one by a bit of its JSON text and is still JSON; each character is flipped in
 * a bit that depends on its place, so that all bits are met.
 */
export function* everyFlip(document: unknown): Generator<unknown> {
  const bytes = Buffer.from(JSON.stringify(document))
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [at % 7, (at + 3) % 7]) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] as number) ^ (1 << bit)
      try {
        yield JSON.parse(flipped.toString('latin1'))
      } catch {
        // No longer JSON: its reader refuses it.
      }
    }
  }
}

/** Decode hexadecimal. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

/** Encode text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
