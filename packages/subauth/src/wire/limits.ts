/** Limits of packets and of what is in them (specs: subauth §1, §4). */

/** Sizes of packets, bytes. */
export interface PacketLimits {
  /** Longest request. Default 16,384. */
  readonly maxRequestBytes?: number
  /** Longest reply. Default 65,536; at least 256, so that every error fits. */
  readonly maxReplyBytes?: number
}

/** Limits, and defaults of those that can be set. */
export interface SubauthLimits {
  /** Default longest request, bytes. */
  readonly requestBytes: number
  /** Default longest reply, bytes. */
  readonly replyBytes: number
  /** A reply that is an error fits into so many bytes. */
  readonly leastReplyBytes: number
  /** Of a login, characters as JavaScript counts them. */
  readonly loginChars: number
  /** Of a comment, characters as JavaScript counts them. */
  readonly commentChars: number
  /** Of a new password, bytes of UTF-8. */
  readonly newPasswdBytes: number
  /** Of what is presented as a password or token, characters as JavaScript counts them. */
  readonly passwdChars: number
  /** Nesting of objects and arrays, the outermost included. */
  readonly depth: number
}

export const SUBAUTH_LIMITS: SubauthLimits = Object.freeze({
  requestBytes: 16_384,
  replyBytes: 65_536,
  leastReplyBytes: 256,
  loginChars: 64,
  commentChars: 255,
  newPasswdBytes: 256,
  passwdChars: 1024,
  depth: 64,
})

/** Put defaults in. @throws TypeError, RangeError naming the limit */
export function packetLimits(limits: PacketLimits): Required<PacketLimits> {
  const {
    maxRequestBytes = SUBAUTH_LIMITS.requestBytes,
    maxReplyBytes = SUBAUTH_LIMITS.replyBytes,
  } = limits
  checkBytes('maxRequestBytes', maxRequestBytes, 1)
  checkBytes('maxReplyBytes', maxReplyBytes, SUBAUTH_LIMITS.leastReplyBytes)
  return { maxRequestBytes, maxReplyBytes }
}

function checkBytes(name: string, value: unknown, least: number): void {
  if (typeof value !== 'number') {
    throw new TypeError(`${name}: expected a number, got ${typeof value}`)
  }
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name}: expected a whole number of at least ${least}, got ${value}`)
  }
}
