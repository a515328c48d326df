/** An authenticator: one-time codes of six digits (RFC 6238, SHA-1, 30 seconds), by what Node.js has alone. */
import { createHmac } from 'node:crypto'

const STEP_MS = 30_000
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * The code of a secret.
 *
 * @param secret base32 (RFC 4648 section 6), as the daemon shows it
 * @param steps from the present one; 1 is good too while the clock goes on, -1 may be over before it arrives
 */
export function codeOf(secret: string, steps = 0): string {
  return codeAt(keyOf(secret), Math.floor(Date.now() / STEP_MS) + steps)
}

/** The code of a counter (RFC 4226 section 5.3). */
export function codeAt(key: Uint8Array, counter: number): string {
  const message = Buffer.alloc(8)
  message.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', key).update(message).digest()
  const offset = mac.readUInt8(mac.length - 1) & 0x0f
  return String((mac.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).padStart(6, '0')
}

function keyOf(secret: string): Uint8Array {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const char of secret) {
    held = (held << 5) | BASE32.indexOf(char)
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >> bits) & 0xff)
    }
    held &= (1 << bits) - 1
  }
  return Uint8Array.from(bytes)
}
