/** The client side of SOCK_SEQPACKET sockets. */

import { errno } from './errno.ts'
import { systemError, UnixSocketError } from './errors.ts'
import { getNative } from './native.ts'
import { completeOptions, integer, type SeqpacketOptions, socketPath } from './options.ts'
import { SeqpacketSocket } from './seqpacket-socket.ts'

/** Options of {@link connectSeqpacket}. */
export interface ConnectSeqpacketOptions extends SeqpacketOptions {
  /** 1 to 107 bytes. */
  readonly path: string
  /** How long to try while the backlog of the server is full, milliseconds. Default 5,000. */
  readonly connectTimeoutMs?: number
}

/** Pauses between two attempts, milliseconds: doubled from the first to the last. */
const FIRST_PAUSE_MS = 2
const LAST_PAUSE_MS = 100

/**
 * Connect to a server that listens with SOCK_SEQPACKET.
 *
 * @returns At once; `connect` or `error` follow. What is sent before that waits.
 * @throws TypeError, RangeError for wrong options; UnixSocketError ERR_UNIX_SOCKET_UNAVAILABLE without the native part.
 */
export function connectSeqpacket(options: ConnectSeqpacketOptions): SeqpacketSocket {
  const path = socketPath(options.path)
  const timeoutMs = integer('connectTimeoutMs', options.connectTimeoutMs ?? 5000, 2 ** 31 - 1)
  const complete = completeOptions(options, false)
  return new SeqpacketSocket({
    id: getNative().open(complete.passCredentials),
    options: complete,
    connect: (id, done) => attempt(id, path, timeoutMs, done),
  })
}

/** A full backlog is no event that can be polled for (unix(7): EAGAIN), so it is tried again. */
function attempt(
  id: number,
  path: string,
  timeoutMs: number,
  done: (error: Error | undefined) => void,
): () => void {
  const native = getNative()
  const end = performance.now() + timeoutMs
  let isOver = false
  let pauseMs = FIRST_PAUSE_MS
  let timer: NodeJS.Timeout | undefined
  const finish = (error: Error | undefined): void => {
    isOver = true
    done(error)
  }
  const tryOnce = (): void => {
    if (isOver) return
    const result = native.connect(id, path)
    if (result === 0) {
      finish(undefined)
    } else if (result !== errno.EAGAIN) {
      finish(systemError('connect', result))
    } else if (performance.now() >= end) {
      const message = `connect: the backlog of the server stayed full for ${timeoutMs} ms`
      finish(
        new UnixSocketError('ERR_UNIX_SOCKET_TIMEOUT', message, {
          systemCode: 'EAGAIN',
          syscall: 'connect',
        }),
      )
    } else {
      timer = setTimeout(tryOnce, pauseMs)
      pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)
    }
  }
  process.nextTick(tryOnce)
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
