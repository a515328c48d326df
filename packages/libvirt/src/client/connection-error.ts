/** What goes wrong between a client and its server, as opposed to what the server refuses. */

/** Stable words, one for each cause. */
export type LibvirtConnectionReason =
  | 'UNREACHABLE'
  | 'AUTH_UNSUPPORTED'
  | 'CONNECTION_LOST'
  | 'KEEPALIVE_TIMEOUT'
  | 'TIMEOUT'
  | 'ANSWER_INVALID'
  | 'EVENTS_OVERFLOW'
  | 'CLOSED'

const TEXTS: Readonly<Record<LibvirtConnectionReason, string>> = Object.freeze({
  UNREACHABLE: 'no connection to the server',
  AUTH_UNSUPPORTED: 'the server asks for an authentication that this client does not know',
  CONNECTION_LOST: 'the connection ended before the reply; a change may have been made',
  KEEPALIVE_TIMEOUT: 'the server has been silent for too long; a change may have been made',
  TIMEOUT: 'no reply in time; a change may have been made',
  ANSWER_INVALID: 'the server has sent what is no answer to what was asked',
  EVENTS_OVERFLOW: 'more events came than were taken',
  CLOSED: 'the connection is closed',
})

/** Stable code of an error: `ERR_LIBVIRT_` and its reason. */
export type LibvirtConnectionErrorCode = `ERR_LIBVIRT_${LibvirtConnectionReason}`

const BRAND: symbol = Symbol.for('@secreg/libvirt/LibvirtConnectionError')

/** A call that got no answer, or a connection that ended. No message holds what was sent or received. */
export class LibvirtConnectionError extends Error {
  override readonly name: string = 'LibvirtConnectionError'
  readonly reason: LibvirtConnectionReason
  readonly code: LibvirtConnectionErrorCode

  /** @param options - `cause`: what led to it */
  constructor(reason: LibvirtConnectionReason, options: { readonly cause?: unknown } = {}) {
    super(TEXTS[reason], 'cause' in options ? { cause: options.cause } : undefined)
    this.reason = reason
    this.code = `ERR_LIBVIRT_${reason}`
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, reason?: LibvirtConnectionReason): value is LibvirtConnectionError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (reason === undefined || (value as LibvirtConnectionError).reason === reason)
    )
  }
}
