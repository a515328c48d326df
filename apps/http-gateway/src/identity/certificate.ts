/** What a verified client certificate says of the caller. */
import { createHash } from 'node:crypto'

/**
 * The assertion of one certificate: `cert:sha256:` and the SHA-256 of its DER form in 64 lower-case hexadecimal
 * digits. Names in it are not used, so a renewed certificate is another caller until the daemon is told.
 *
 * @param der - certificate that was verified up to a configured authority
 */
export function certificateAssertion(der: Uint8Array): string {
  return `cert:sha256:${createHash('sha256').update(der).digest('hex')}`
}
