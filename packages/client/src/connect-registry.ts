/** Opens a connection to the registry socket. */
import { connect, type Socket } from 'node:net'
import { SecregError } from '@secreg/protocol'
import { Connection } from './connection.ts'
import { unreachable } from './failure.ts'
import { type ConnectionSettings, type ConnectOptions, settingsOf } from './options.ts'
import type { RegistryConnection } from './types.ts'

/**
 * Connect to the daemon.
 *
 * @param options - socket, session, time-outs and limits
 * @returns a connection that stands; the caller closes it
 * @throws SecregError `ERR_UNREACHABLE` when nobody answers, `ERR_ACCESS_DENIED` when the socket's permissions forbid
 *   it; TypeError, RangeError for a wrong option
 *
 * @example
 * ```ts
 * await using registry = await connectRegistry({ socket: '/run/secreg/socket' })
 * const { state } = await registry.status()
 * ```
 */
export async function connectRegistry(options: ConnectOptions = {}): Promise<RegistryConnection> {
  const settings = settingsOf(options)
  return new Connection(await openSocket(settings, options.signal), settings)
}

/** A socket that stands. @throws SecregError as {@link connectRegistry} */
export async function openSocket(
  settings: Pick<ConnectionSettings, 'socket' | 'connectTimeoutMs'>,
  signal?: AbortSignal,
): Promise<Socket> {
  signal?.throwIfAborted()
  const socket = connect({ path: settings.socket })
  try {
    await established(socket, settings.connectTimeoutMs, signal)
  } catch (error) {
    // A late failure of a socket that is given up has no one to tell.
    socket.on('error', () => {})
    socket.destroy()
    throw signal?.aborted ? error : connectError(settings.socket, error)
  }
  return socket
}

function established(socket: Socket, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer =
      timeoutMs > 0
        ? setTimeout(() => settle(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs)
        : undefined
    const onAbort = (): void => settle(signal?.reason)
    const onError = (error: Error): void => settle(error)
    const onConnect = (): void => settle()
    const settle = (...failure: unknown[]): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      socket.off('connect', onConnect)
      if (failure.length === 0) resolve()
      else reject(failure[0])
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('error', onError)
    socket.once('connect', onConnect)
  })
}

function connectError(path: string, error: unknown): SecregError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'EACCES' || code === 'EPERM') {
    return new SecregError('ACCESS_DENIED', `no permission to use the socket ${path}`, {
      cause: error,
    })
  }
  return unreachable(path, 'no daemon listens', error)
}
