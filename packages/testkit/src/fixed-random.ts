/** Random bytes that are always the same, so that what is made from them can be compared byte by byte. */
import crypto, { createHash } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** Make a source of bytes: SHA-256 of `seed` and a counter of four bytes, block after block. */
export function createFixedRandom(seed: string): (length: number) => Uint8Array {
  let counter = 0
  let block = new Uint8Array(0)
  return (length) => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      if (block.length === 0) {
        const number = Buffer.alloc(4)
        number.writeUInt32BE(counter++)
        block = Uint8Array.from(createHash('sha256').update(seed).update(number).digest())
      }
      const part = block.subarray(0, length - at)
      out.set(part, at)
      at += part.length
      block = block.slice(part.length)
    }
    return out
  }
}

/** The same object with this source of random bytes. */
export function withFixedRandom<T extends { randomBytes(length: number): Uint8Array }>(
  backend: T,
  seed: string,
): T {
  return { ...backend, randomBytes: createFixedRandom(seed) }
}

/**
 * Do something while `randomBytes` of `node:crypto` gives fixed bytes to the whole process: for libraries that take no
 * source of their own.
 */
export async function fixNodeRandom<T>(seed: string, work: () => Promise<T>): Promise<T> {
  const real = crypto.randomBytes
  const random = createFixedRandom(seed)
  const fixed = (size: number): Buffer => Buffer.from(random(size).buffer as ArrayBuffer)
  crypto.randomBytes = fixed as typeof real
  syncBuiltinESMExports()
  try {
    return await work()
  } finally {
    crypto.randomBytes = real
    syncBuiltinESMExports()
  }
}
