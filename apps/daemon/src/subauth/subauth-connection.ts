/** One connection of the subauth socket: who has sent each packet, what may be done for him, and what it all holds. */
import type { ByteLease, Logger, OperationOutcome } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { asSecregError } from '@secreg/registry'
import { SubauthError } from '@secreg/subauth'
import {
  type PacketConnection,
  type ServedConnection,
  type SubauthAnswer,
  type SubauthPort,
  serveConnection,
} from '@secreg/subauth/server'
import type { Credentials, ReceivedPacket } from '@secreg/unix-socket'
import { isMappableUid } from '@secreg/zones'
import type { RegistryHost } from '../registry-host.ts'
import type { SystemUsers } from '../users/system-users.ts'
import { conflictingPeer, credentialsConflict, senderOf } from './packet-peer.ts'
import { ZonePorts } from './zone-ports.ts'

/** What of a `SeqpacketSocket` is needed. */
export interface PacketSocket extends PacketConnection<ReceivedPacket> {
  readonly peer: Credentials | undefined
  /** Bytes that the peer has not taken. */
  readonly bufferedBytes: number
}

export interface SubauthConnectionOptions {
  readonly host: RegistryHost
  readonly users: SystemUsers
  readonly log: Pick<Logger, 'error'>
  readonly lease: ByteLease
  readonly maxRequestBytes: number
  readonly maxReplyBytes: number
  /** Least time of a refusal, milliseconds. */
  readonly failureDelayMs: number
  /** A connection without a request for this long is closed, milliseconds. */
  readonly idleTimeoutMs: number
}

/** What every connection has of the budget from its start, so that small requests work when others have used it up. */
export const RESERVED_BYTES: number = 4096

/** Serve a connection until it is closed; its lease is closed then. The lease holds {@link RESERVED_BYTES} already. */
export function serveSubauth(
  socket: PacketSocket,
  options: SubauthConnectionOptions,
): ServedConnection {
  const { host, users, lease, log } = options
  const ports = new ZonePorts(host)
  let packetBytes = 0

  /** Hold what this connection buffers against the budget of all; false when there is no room for it. */
  const account = (): boolean => {
    const bytes = Math.max(RESERVED_BYTES, packetBytes + socket.bufferedBytes)
    const delta = bytes - lease.heldBytes
    if (delta < 0) lease.release(-delta)
    return delta <= 0 || lease.tryTake(delta)
  }

  const admit = (packet: ReceivedPacket): undefined | Promise<void> => {
    packetBytes = packet.data.length
    if (!account()) throw new SubauthError('BUSY')
    if (senderOf(socket.peer, packet.credentials) !== undefined) return undefined
    return refuseConflict(host, socket.peer, packet.credentials)
  }

  const portOf = async (packet: ReceivedPacket): Promise<SubauthPort> => {
    const peer = senderOf(socket.peer, packet.credentials)
    if (peer === undefined) throw new SubauthError('CREDENTIALS_CONFLICT')
    return ports.of(peer, await loginOf(users, peer.uid))
  }

  const onAnswer = (answer: SubauthAnswer, durationMs: number): void => {
    host.operations.observe('subauth', operationOf(answer), outcomeOf(answer), durationMs / 1000)
    if (answer.reason === 'INTERNAL') {
      log.error('a request of the subauth socket failed', { detail: faultOf(answer.fault) })
    }
    packetBytes = 0
    // The reply leaves within this turn, or is buffered then.
    queueMicrotask(() => {
      if (!account()) socket.destroy()
    })
  }

  socket.on('drain', account)
  socket.on('close', () => lease.close())
  return serveConnection(socket, { ...options, admit, portOf, onAnswer })
}

/**
 * The login of a uid. One that only stands for users of other name spaces is nobody's, whatever the database says.
 *
 * @throws SubauthError `ERR_SUBAUTH_BUSY`
 */
async function loginOf(users: SystemUsers, uid: number): Promise<string | undefined> {
  if (!isMappableUid(uid)) return undefined
  try {
    return await users.loginOf(uid)
  } catch (cause) {
    throw new SubauthError('BUSY', { cause })
  }
}

/** It leaves a record, before the answer. @throws SubauthError always */
async function refuseConflict(
  host: RegistryHost,
  connection: Credentials | undefined,
  packet: Credentials | undefined,
): Promise<void> {
  const peer = conflictingPeer(connection, packet)
  const error = credentialsConflict()
  try {
    if (!host.admission.isOpen) host.admission.require(peer, 'zone', {}, () => false)
    await host.registry.refuse(peer, 'auth', error)
  } catch (thrown) {
    if (thrown !== error) throw new SubauthError('UNAVAILABLE', { cause: thrown })
  }
  throw new SubauthError('CREDENTIALS_CONFLICT', { cause: error })
}

/** By the requests of the registry: all are about zones, but what only asks whether somebody is there. */
function operationOf({ cmd }: SubauthAnswer): 'hello' | 'zone' | 'unknown' {
  if (cmd === undefined) return 'unknown'
  return cmd === 'nop' ? 'hello' : 'zone'
}

function outcomeOf({ outcome }: SubauthAnswer): OperationOutcome {
  return outcome === 'ok' || outcome === 'denied' ? outcome : 'failed'
}

/** Code of what went wrong; any other text may hold what somebody sent. */
function faultOf(fault: unknown): string {
  const cause = SubauthError.is(fault) ? fault.cause : fault
  if (SecregError.is(cause)) return cause.code
  return cause === undefined ? 'unknown' : asSecregError(cause).code
}
