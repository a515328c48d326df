/** Options of a connection and of one request. */
import { LIMITS } from '@secreg/protocol'

/** Path of the daemon's socket when none is given (SecReg-Linux docs, "Socket configuration"). */
export const DEFAULT_SOCKET = '/run/secreg/socket'

/** Bytes that a path may have in a socket address (sockaddr_un of unix(7): 108 with its terminator). */
const SOCKET_PATH_BYTES = 107

/** Options of one request. */
export interface RequestOptions {
  /** Stops waiting. A request that was sent is not taken back: its answer is dropped. */
  readonly signal?: AbortSignal
  /** Milliseconds until the answer must have come; 0 waits for ever. Default: that of the connection. */
  readonly timeoutMs?: number
}

/** Options of one watch. */
export interface WatchOptions {
  /** Stops waiting for the answer; afterwards it ends the watch, whose iteration then fails with its reason. */
  readonly signal?: AbortSignal
  /** Milliseconds until the watch must stand; 0 waits for ever. Default: that of the connection. */
  readonly timeoutMs?: number
  /** Events that wait here for a consumer who does not read, 1 to 1,000,000. Default 100,000; 16 MiB in any case. */
  readonly maxBufferedEvents?: number
}

/** Options of a connection. */
export interface ConnectOptions {
  /** Path of the daemon's socket, at most 107 bytes. Default `/run/secreg/socket`. */
  readonly socket?: string
  /** Session of an earlier login. Default none. */
  readonly sessionId?: string
  /** Milliseconds until the connection must stand; 0 waits for ever. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** Milliseconds until an answer must have come; 0 waits for ever. Default 60,000. */
  readonly timeoutMs?: number
  /** Requests that are sent and not answered, 1 to 64; more wait here. Default 64, as many as the daemon reads. */
  readonly maxInFlight?: number
  /** Requests that wait here; one more is refused with `BUSY`. Default 10,000. */
  readonly maxWaiting?: number
  /** Documented bytes of one frame, in both directions. Default 4 MiB. */
  readonly maxFrameBytes?: number
  /**
   * While a watch is open: milliseconds after which a `status` is asked when nothing else was, so that the session
   * and the connection do not end as idle; 0 never asks. Default 60,000.
   */
  readonly keepAliveMs?: number
  /** Stops connecting; it has no effect on a connection that stands. */
  readonly signal?: AbortSignal
}

/** Options with every default filled in. */
export interface ConnectionSettings {
  readonly socket: string
  readonly sessionId: string | undefined
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly maxInFlight: number
  readonly maxWaiting: number
  readonly maxFrameBytes: number
  readonly keepAliveMs: number
}

/** Check an integer and give it back. */
export function integer(value: number, least: number, most: number, name: string): number {
  if (typeof value !== 'number') throw new TypeError(`${name}: expected a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name}: expected an integer from ${least} to ${most}`)
  }
  return value
}

/** Longest wait that a timer keeps, milliseconds (setTimeout takes 32 signed bits). */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** Check a number of milliseconds; 0 is none. */
export function checkTimeout(value: number, name: string): number {
  return integer(value, 0, MAX_TIMEOUT_MS, name)
}

/** Check a session id: 1 to 255 characters of printable ASCII. */
export function checkSessionId(value: string): string {
  if (typeof value !== 'string') throw new TypeError('sessionId: expected a string')
  if (!/^[\x20-\x7e]{1,255}$/.test(value)) {
    throw new RangeError('sessionId: expected 1 to 255 characters of printable ASCII')
  }
  return value
}

/** Check options and fill in the defaults. */
export function settingsOf(options: ConnectOptions): ConnectionSettings {
  const socket = options.socket ?? DEFAULT_SOCKET
  if (typeof socket !== 'string') throw new TypeError('socket: expected a string')
  const bytes = Buffer.byteLength(socket)
  // The system cuts a longer path, which would reach another socket.
  if (bytes === 0 || bytes > SOCKET_PATH_BYTES || socket.includes('\0')) {
    throw new RangeError(`socket: expected a path of 1 to ${SOCKET_PATH_BYTES} bytes`)
  }
  return {
    socket,
    sessionId: options.sessionId === undefined ? undefined : checkSessionId(options.sessionId),
    connectTimeoutMs: checkTimeout(options.connectTimeoutMs ?? 10_000, 'connectTimeoutMs'),
    timeoutMs: checkTimeout(options.timeoutMs ?? 60_000, 'timeoutMs'),
    maxInFlight: integer(
      options.maxInFlight ?? LIMITS.outstandingRequests,
      1,
      LIMITS.outstandingRequests,
      'maxInFlight',
    ),
    maxWaiting: integer(options.maxWaiting ?? 10_000, 0, 1_000_000, 'maxWaiting'),
    maxFrameBytes: integer(
      options.maxFrameBytes ?? LIMITS.frameBytes,
      1024,
      LIMITS.frameBytes,
      'maxFrameBytes',
    ),
    keepAliveMs: checkTimeout(options.keepAliveMs ?? 60_000, 'keepAliveMs'),
  }
}
