/** Limits of the protocol (libvirt, remote_protocol.x and virnetprotocol.x). */

/** Sizes in bytes, counts in items. */
export interface LibvirtLimits {
  /** Shortest frame: its header. */
  readonly headerBytes: number
  /** Longest frame libvirt sends or takes, its length word included. */
  readonly frameBytes: number
  /** Longest frame a server need take: a definition of 4 MiB of XML and some room. */
  readonly requestBytes: number
  /** Longest frame a server need take before the connection is open. */
  readonly unopenedBytes: number
  readonly stringBytes: number
  readonly valueBytes: number
  readonly secrets: number
  readonly authTypes: number
  readonly identityParams: number
}

export const LIBVIRT_LIMITS: LibvirtLimits = Object.freeze({
  headerBytes: 28,
  frameBytes: 33_554_436,
  requestBytes: 4_508_876,
  unopenedBytes: 1_024,
  stringBytes: 4_194_304,
  valueBytes: 65_536,
  secrets: 16_384,
  authTypes: 20,
  identityParams: 20,
})
