/** A client of a libvirt daemon on this machine. */
import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { checkString } from '../client/check-arguments.ts'
import { LibvirtConnectionError } from '../client/connection-error.ts'
import { parseLibvirtUri } from '../client/libvirt-uri.ts'
import {
  checkOpenOptions,
  type OpenRegistryOptions,
  openSecretRegistry,
} from '../client/open-secret-registry.ts'
import type { SecretRegistry } from '../client/secret-registry.ts'
import { socketPathOf } from './socket-path.ts'

export interface ConnectLibvirtOptions extends OpenRegistryOptions {
  /** Path of the socket. Default: the one of the URI. */
  readonly socket?: string
}

/**
 * Connect over a Unix socket: the one of `socket`, or of `socket=` in the URI, or where libvirt's daemons listen:
 * `virtsecretd-sock` when it is there and `libvirt-sock` otherwise, in `/run/libvirt`, or of `secret:///session` in the
 * user's runtime directory; with `readOnly`, those that end in `-ro`.
 *
 * @throws LibvirtConnectionError `ERR_LIBVIRT_UNREACHABLE`, whose `cause` says why; LibvirtError as the server refuses;
 *   the reason of the signal; TypeError, RangeError for wrong options
 *
 * @example
 * ```ts
 * await using registry = await connectLibvirt({ uri: 'secret:///system' })
 * const secret = await registry.getByUsage('ceph', 'client.libvirt secret')
 * const key = await secret.getValue()
 * ```
 */
export async function connectLibvirt(options: ConnectLibvirtOptions = {}): Promise<SecretRegistry> {
  const { uri, readOnly, timeoutMs, signal } = checkOpenOptions(options)
  const path = options.socket ?? socketPathOf(parseLibvirtUri(uri), readOnly, surroundings())
  checkString('socket', path)
  if (path === '' || path.includes('\0')) {
    throw new RangeError('socket: expected a path, got none')
  }
  signal?.throwIfAborted()
  return await openSecretRegistry(await connected(path, timeoutMs, signal), options)
}

function surroundings(): Parameters<typeof socketPathOf>[2] {
  return { uid: process.geteuid?.() ?? -1, env: process.env, exists: existsSync }
}

function connected(
  path: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    const settle = (done: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abandon)
      socket.removeListener('error', refused)
      done()
    }
    const fail = (error: unknown): void =>
      settle(() => {
        // It may have more to say, and nobody listens.
        socket.on('error', () => {})
        socket.destroy()
        reject(error)
      })
    const refused = (cause: unknown): void =>
      fail(new LibvirtConnectionError('UNREACHABLE', { cause }))
    const abandon = (): void => fail(signal?.reason)
    const timer =
      timeoutMs === 0
        ? undefined
        : setTimeout(() => fail(new LibvirtConnectionError('UNREACHABLE')), timeoutMs)
    signal?.addEventListener('abort', abandon)
    socket.on('error', refused)
    socket.once('connect', () => settle(() => resolve(socket)))
  })
}
