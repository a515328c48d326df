/** The one error class of this package. */
import { getSystemErrorName } from 'node:util'

/** Stable codes of {@link UnixSocketError}. */
export type UnixSocketErrorCode =
  /** The native part is not there; the message says why and how to get it. */
  | 'ERR_UNIX_SOCKET_UNAVAILABLE'
  /** A system call failed: see `systemCode` and `syscall`. */
  | 'ERR_UNIX_SOCKET_SYSTEM'
  /** The packet is longer than the kernel sends on this socket (EMSGSIZE); nothing of it was sent. */
  | 'ERR_UNIX_SOCKET_TOO_LONG'
  /** More bytes wait to be sent than `maxQueuedBytes` allows; the connection is closed. */
  | 'ERR_UNIX_SOCKET_QUEUE_FULL'
  /** The server's backlog stayed full for `connectTimeoutMs`. */
  | 'ERR_UNIX_SOCKET_TIMEOUT'
  /** The socket was closed before the packet had left. */
  | 'ERR_UNIX_SOCKET_CLOSED'
  /** The server listens already. */
  | 'ERR_UNIX_SOCKET_LISTENING'
  /** The server does not listen. */
  | 'ERR_UNIX_SOCKET_NOT_LISTENING'

/** Optional parts of an error. */
export interface UnixSocketErrorOptions {
  readonly cause?: unknown
  readonly systemCode?: string
  readonly syscall?: string
}

const BRAND: symbol = Symbol.for('@secreg/unix-socket/UnixSocketError')

/** A failure of a socket. `code` is stable within a major version, the message is not. */
export class UnixSocketError extends Error {
  override readonly name: string = 'UnixSocketError'
  readonly code: UnixSocketErrorCode
  /** Name of the error of the kernel, for example `ECONNREFUSED`; undefined when the kernel had no part in it. */
  readonly systemCode: string | undefined
  /** System call that failed; undefined as above. */
  readonly syscall: string | undefined

  constructor(code: UnixSocketErrorCode, message: string, options: UnixSocketErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.systemCode = options.systemCode
    this.syscall = options.syscall
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, code?: UnixSocketErrorCode): value is UnixSocketError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || (value as UnixSocketError).code === code)
    )
  }
}

/** The error of a system call that answered a negative errno. */
export function systemError(syscall: string, result: number): UnixSocketError {
  const systemCode = getSystemErrorName(result)
  const code = systemCode === 'EMSGSIZE' ? 'ERR_UNIX_SOCKET_TOO_LONG' : 'ERR_UNIX_SOCKET_SYSTEM'
  return new UnixSocketError(code, `${syscall}: ${systemCode}`, { systemCode, syscall })
}

/** The error of what can no longer be sent. */
export function closedError(): UnixSocketError {
  return new UnixSocketError('ERR_UNIX_SOCKET_CLOSED', 'the socket is closed')
}
