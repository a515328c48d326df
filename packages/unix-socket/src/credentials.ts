/**
 * Who is at the other end of a Unix socket, by the word of the kernel (unix(7)).
 *
 * SO_PEERCRED holds the effective ids of the process that connected, at that moment. SCM_CREDENTIALS holds the real ids of
 * whoever sends a packet, when it is sent. A setuid program, a process that has dropped its rights, and one that was given
 * somebody else's connection differ in the two, so neither alone is the caller.
 */
import type { Socket } from 'node:net'
import { systemError } from './errors.ts'
import { FLAG, getNative, INFO } from './native.ts'

/** Ids in the namespaces of this process; a user that has none here appears as 65534 (user_namespaces(7)). */
export interface Credentials {
  /** Process; 0 when it is in a namespace that this process does not see. */
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/** What the native part has filled in; undefined when it brought no credentials. */
export function readCredentials(info: Uint32Array): Credentials | undefined {
  const { flags = 0, pid = 0, uid, gid } = membersOf(info)
  if ((flags & FLAG.credentials) === 0 || uid === undefined || gid === undefined) return undefined
  return { pid, uid, gid }
}

function membersOf(info: Uint32Array): {
  flags: number | undefined
  pid: number | undefined
  uid: number | undefined
  gid: number | undefined
} {
  return {
    flags: info[INFO.flags],
    pid: info[INFO.pid],
    uid: info[INFO.uid],
    gid: info[INFO.gid],
  }
}

/** The answers of a descriptor that is no connected Unix socket. */
const NO_PEER: readonly string[] = ['EBADF', 'ENOTSOCK', 'ENOTCONN']

/**
 * Effective ids of the peer of a stream socket when it connected (SO_PEERCRED).
 *
 * @param socket - A connected socket of `node:net`.
 * @returns Undefined when the socket is closed or is not a Unix socket.
 * @throws UnixSocketError ERR_UNIX_SOCKET_UNAVAILABLE without the native part.
 */
export function peerCredentials(socket: Socket): Credentials | undefined {
  const native = getNative()
  // There is no public name for the descriptor of a socket.
  const handle = (socket as { _handle?: { readonly fd?: unknown } | null })._handle
  const fd = handle?.fd
  if (typeof fd !== 'number' || fd < 0) return undefined
  const info = new Uint32Array(INFO.length)
  const result = native.peerOfDescriptor(fd, info)
  if (result === 0) return readCredentials(info)
  const error = systemError('getsockopt', result)
  if (NO_PEER.includes(error.systemCode ?? '')) return undefined
  throw error
}

/**
 * The caller when both kinds of credentials are looked at: the one with fewer rights. Needs no native part.
 *
 * @param peer - SO_PEERCRED of the connection.
 * @param message - SCM_CREDENTIALS of the packet.
 * @returns Same user: those of the packet. One is root: the other. Only one given: that one. Two different users neither
 * of whom is root, or none given: undefined, which is to be refused.
 */
export function weakerCredentials(
  peer: Credentials | undefined,
  message: Credentials | undefined,
): Credentials | undefined {
  if (peer === undefined || message === undefined) return message ?? peer
  if (peer.uid === message.uid || peer.uid === 0) return message
  return message.uid === 0 ? peer : undefined
}
