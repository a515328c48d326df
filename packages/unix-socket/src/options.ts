/** Options of sockets, checked and completed. */

/** Options of {@link createSeqpacketServer} (for its connections) and {@link connectSeqpacket}. */
export interface SeqpacketOptions {
  /** Longest packet that is received whole, bytes, 1 to 16,777,216. Default 65,536. */
  readonly maxPacketBytes?: number
  /** Most bytes that may wait to be sent; beyond, the connection is closed. Default 4,194,304. */
  readonly maxQueuedBytes?: number
  /** Receive the sender's ids with each packet (SO_PASSCRED). Default: true on a server, false on a client. */
  readonly passCredentials?: boolean
  /** Begin paused. Default false. */
  readonly pauseOnConnect?: boolean
}

/** Options with nothing left open. */
export interface CompleteOptions extends Required<SeqpacketOptions> {}

const MIB = 1024 * 1024
const MAX_PACKET_BYTES = 16 * MIB
const MAX_QUEUED_BYTES = 1024 * MIB

/** Longest path of a Unix socket, bytes: `sun_path` without its end (unix(7)). */
const MAX_PATH_BYTES = 107

/**
 * @throws TypeError or RangeError naming the option, what was expected and what was given.
 */
export function completeOptions(
  options: SeqpacketOptions,
  passCredentials: boolean,
): CompleteOptions {
  return {
    maxPacketBytes: integer('maxPacketBytes', options.maxPacketBytes ?? 65_536, MAX_PACKET_BYTES),
    maxQueuedBytes: integer('maxQueuedBytes', options.maxQueuedBytes ?? 4 * MIB, MAX_QUEUED_BYTES),
    passCredentials: boolean('passCredentials', options.passCredentials ?? passCredentials),
    pauseOnConnect: boolean('pauseOnConnect', options.pauseOnConnect ?? false),
  }
}

/** @throws TypeError, RangeError */
export function integer(name: string, value: unknown, max: number): number {
  if (typeof value !== 'number')
    throw new TypeError(`${name}: expected a number, got ${kind(value)}`)
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new RangeError(`${name}: expected an integer from 1 to ${max}, got ${value}`)
  }
  return value
}

function boolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new TypeError(`${name}: expected a boolean, got ${kind(value)}`)
  }
  return value
}

/** @throws TypeError, RangeError */
export function socketPath(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`path: expected a string, got ${kind(value)}`)
  const bytes = Buffer.byteLength(value)
  if (bytes === 0 || bytes > MAX_PATH_BYTES || value.includes('\0')) {
    throw new RangeError(
      `path: expected 1 to ${MAX_PATH_BYTES} bytes without a zero byte, got ${bytes} bytes`,
    )
  }
  return value
}

/** Words for a value of the wrong type, without the value. */
export function kind(value: unknown): string {
  return value === null ? 'null' : typeof value
}
