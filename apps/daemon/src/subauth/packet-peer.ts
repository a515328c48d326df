/**
 * Who has sent a packet (specs: subauth §1.6). The connection has the effective ids of the process that opened it, the
 * packet the real ids of the one that sent it: a setuid program, a process that has dropped its rights and a connection
 * that was handed on differ in the two, and only what both grant is granted.
 */
import { SecregError } from '@secreg/protocol'
import type { KernelPeer, Peer } from '@secreg/registry'
import { type Credentials, weakerCredentials } from '@secreg/unix-socket'

/** Address of all peers of this door. */
const ADDRESS = 'subauth'

/** A peer by the word of the kernel. */
export function peerOf({ gid, pid, uid }: Credentials): KernelPeer<'subauth'> {
  // A process of another namespace has no number here (pid_namespaces(7)).
  return { door: 'subauth', address: ADDRESS, uid, gid, ...(pid === 0 ? {} : { pid }) }
}

/**
 * The sender of a packet.
 *
 * @param connection - SO_PEERCRED
 * @param packet - SCM_CREDENTIALS; all packets have them, because the server asks for them
 * @returns undefined when the two are different users, neither of them root, or when one is missing
 */
export function senderOf(
  connection: Credentials | undefined,
  packet: Credentials | undefined,
): KernelPeer<'subauth'> | undefined {
  if (connection === undefined || packet === undefined) return undefined
  const weaker = weakerCredentials(connection, packet)
  return weaker === undefined ? undefined : peerOf(weaker)
}

/** Whom a record names when the two differ: whoever has sent the packet. */
export function conflictingPeer(
  connection: Credentials | undefined,
  packet: Credentials | undefined,
): Peer {
  const known = packet ?? connection
  return known === undefined ? { door: 'subauth', address: ADDRESS } : peerOf(known)
}

/** What its record tells. */
export function credentialsConflict(): SecregError {
  return new SecregError(
    'ACCESS_DENIED',
    'the user who opened the connection and the one who sent the packet differ',
  )
}
