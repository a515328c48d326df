/** Options of {@link serveLibvirt}. */
import { LIBVIRT_LIMITS } from '../wire/limits.ts'
import type { SecretsPort } from './port.ts'
import { SYSTEM_TIMERS, type Timers } from './timers.ts'

/** A call that has been answered. */
export interface ServedCall {
  /** Number of the procedure. */
  readonly procedure: number
  /** Its name, such as `SECRET_GET_VALUE`; absent for one that is not served. */
  readonly name: string | undefined
  /** What the client was told, a `LibvirtError`; absent: it succeeded. */
  readonly error?: unknown
  /** What it was that the client was told as an internal failure. */
  readonly cause?: unknown
  /** From its arrival to its reply. */
  readonly durationMs: number
}

export interface LibvirtServeLimits {
  /** Longest frame once the connection is open, bytes. Default 4,508,876: 4 MiB of XML and some room. */
  readonly maxFrameBytes?: number
  /** Longest frame before that, bytes. Default 1,024. */
  readonly maxUnopenedFrameBytes?: number
  /** Calls of a connection that are worked on at the same time. Default 5, as libvirtd. */
  readonly maxCallsInWork?: number
  /** Callbacks for events that a connection may have. Default 1,024. */
  readonly maxCallbacks?: number
  /** Events that wait for the reply of a call, or for the peer to read. With one more the connection ends. Default 1,024. */
  readonly maxWaitingEvents?: number
  /** A connection that is not opened ends after so many milliseconds; 0: never. Default 30,000. */
  readonly openTimeoutMs?: number
  /** A frame that has begun is to be whole after so many milliseconds, or the connection ends; 0: never. Default 30,000. */
  readonly frameTimeoutMs?: number
  /** A peer that does not take what is sent is given up after so many milliseconds; 0: never. Default 30,000. */
  readonly stallTimeoutMs?: number
  /** Silence after which a client that can answer is asked, milliseconds; 0: never. Default 5,000. */
  readonly keepaliveIntervalMs?: number
  /** Questions that may stay unanswered. Default 5. */
  readonly keepaliveCount?: number
}

export interface ServeLibvirtOptions extends LibvirtServeLimits {
  /** The secrets as the caller may see and change them. Called once, when the connection is opened. */
  readonly portOf: () => SecretsPort | Promise<SecretsPort>
  /** Whatever the client asks for, it may only look. */
  readonly readOnly: boolean
  /** What GET_LIB_VERSION tells, major x 1,000,000 + minor x 1,000 + micro. Default 9,000,000. */
  readonly versionNumber?: number
  /**
   * Called with the token with which a client says that it is a daemon of libvirt's. What is returned takes the place of
   * the port; `undefined`, as without this option, changes nothing, and the client is not told. Compare tokens in
   * constant time.
   */
  readonly elevate?: (token: string) => SecretsPort | undefined | Promise<SecretsPort | undefined>
  /**
   * Called with each call that was worked on, as its reply is sent or would have been. What it throws ends the connection.
   */
  readonly onCall?: (call: ServedCall) => void
  /**
   * Called when the bytes that the connection holds have changed: what was read and is not answered, and what was sent and
   * is not taken. With `false`, for which there is no room, the connection ends.
   */
  readonly onHeld?: (bytes: number) => boolean
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number
  readonly timers?: Timers
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1
const MAX_COUNT = 2 ** 20

const DEFAULT_LIMITS: Readonly<Required<LibvirtServeLimits>> = Object.freeze({
  maxFrameBytes: LIBVIRT_LIMITS.requestBytes,
  maxUnopenedFrameBytes: LIBVIRT_LIMITS.unopenedBytes,
  maxCallsInWork: 5,
  maxCallbacks: 1_024,
  maxWaitingEvents: 1_024,
  openTimeoutMs: 30_000,
  frameTimeoutMs: 30_000,
  stallTimeoutMs: 30_000,
  keepaliveIntervalMs: 5_000,
  keepaliveCount: 5,
})

const RANGES: Readonly<Record<keyof LibvirtServeLimits, readonly [number, number]>> = {
  maxFrameBytes: [LIBVIRT_LIMITS.headerBytes, LIBVIRT_LIMITS.frameBytes],
  maxUnopenedFrameBytes: [LIBVIRT_LIMITS.headerBytes, LIBVIRT_LIMITS.frameBytes],
  maxCallsInWork: [1, MAX_COUNT],
  maxCallbacks: [0, MAX_COUNT],
  maxWaitingEvents: [0, MAX_COUNT],
  openTimeoutMs: [0, MAX_TIMEOUT_MS],
  frameTimeoutMs: [0, MAX_TIMEOUT_MS],
  stallTimeoutMs: [0, MAX_TIMEOUT_MS],
  keepaliveIntervalMs: [0, MAX_TIMEOUT_MS],
  keepaliveCount: [0, MAX_COUNT],
}

const DEFAULT_VERSION = 9_000_000

type Hooks = 'elevate' | 'onCall' | 'onHeld'

export type ServeSettings = Required<Omit<ServeLibvirtOptions, Hooks>> &
  Pick<ServeLibvirtOptions, Hooks>

/** @throws TypeError, RangeError for wrong options */
export function serveSettings(options: ServeLibvirtOptions): ServeSettings {
  if (typeof options?.portOf !== 'function') {
    throw new TypeError(`portOf: expected a function, got ${typeof options?.portOf}`)
  }
  if (typeof options.readOnly !== 'boolean') {
    throw new TypeError(`readOnly: expected a boolean, got ${typeof options.readOnly}`)
  }
  const limits: Record<string, number> = {}
  for (const name of Object.keys(RANGES) as (keyof LibvirtServeLimits)[]) {
    limits[name] = checkWhole(name, options[name] ?? DEFAULT_LIMITS[name], ...RANGES[name])
  }
  const { versionNumber = DEFAULT_VERSION } = options
  checkWhole('versionNumber', versionNumber, 0, Number.MAX_SAFE_INTEGER)
  return {
    ...options,
    ...(limits as unknown as Required<LibvirtServeLimits>),
    versionNumber,
    now: options.now ?? (() => performance.now()),
    timers: options.timers ?? SYSTEM_TIMERS,
  }
}

function checkWhole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name}: expected a number, got ${typeof value}`)
  }
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new RangeError(`${name}: expected a whole number from ${least} to ${most}, got ${value}`)
  }
  return value
}
