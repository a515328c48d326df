/** A client of a subauth server on this machine. */
import { once } from 'node:events'
import { type Credentials, connectSeqpacket, type SeqpacketSocket } from '@secreg/unix-socket'
import { SubauthCommands } from '../client/subauth-commands.ts'
import { SubauthError } from '../errors.ts'
import { SUBAUTH_LIMITS } from '../wire/limits.ts'
import { SeqpacketExchange } from './seqpacket-exchange.ts'

export interface SubauthClientOptions {
  /** Of the socket of the server, 1 to 107 bytes. */
  readonly path: string
  /** Longest wait for the connection, and for each reply, milliseconds. Default 30,000; 0 = no limit. */
  readonly timeoutMs?: number
  /** Longest reply that is read, bytes. Default 65,536. */
  readonly maxReplyBytes?: number
}

const LONGEST_MS = 2 ** 31 - 1

/**
 * A client over one connection. The server knows it by its process' uid. After `ERR_SUBAUTH_CONNECTION_LOST`,
 * `ERR_SUBAUTH_TIMEOUT` and a reply that nobody has asked for, the connection is closed and every later request fails
 * alike; connect again.
 *
 * @example
 * ```ts
 * const client = await SubauthClient.connect({ path: '/run/secreg/subauth.sock' })
 * const { token } = await client.createToken({ zone: 'mail', comment: 'laptop' })
 * await client.close()
 * ```
 */
export class SubauthClient extends SubauthCommands {
  /** Effective ids of whoever listens at the path, from the kernel. */
  readonly server: Credentials | undefined

  private constructor(exchange: SeqpacketExchange, server: Credentials | undefined) {
    super(exchange)
    this.server = server
  }

  /**
   * Connect.
   *
   * @throws SubauthError `ERR_SUBAUTH_UNREACHABLE`, whose `cause` says why; TypeError, RangeError for wrong options
   */
  static async connect(options: SubauthClientOptions): Promise<SubauthClient> {
    const { path, timeoutMs = 30_000, maxReplyBytes = SUBAUTH_LIMITS.replyBytes } = options
    checkTimeout(timeoutMs)
    const socket = open(path, timeoutMs, maxReplyBytes)
    // It listens for the end of the connection from its beginning.
    const exchange = new SeqpacketExchange(socket, timeoutMs)
    await connected(socket)
    return new SubauthClient(exchange, socket.peer)
  }
}

function checkTimeout(timeoutMs: unknown): void {
  if (typeof timeoutMs !== 'number') {
    throw new TypeError(`timeoutMs: expected a number, got ${typeof timeoutMs}`)
  }
  if (!Number.isInteger(timeoutMs) || timeoutMs < 0 || timeoutMs > LONGEST_MS) {
    throw new RangeError(`timeoutMs: expected an integer from 0 to ${LONGEST_MS}, got ${timeoutMs}`)
  }
}

function open(path: string, timeoutMs: number, maxPacketBytes: number): SeqpacketSocket {
  try {
    const connectTimeoutMs = timeoutMs === 0 ? LONGEST_MS : timeoutMs
    return connectSeqpacket({ path, maxPacketBytes, connectTimeoutMs })
  } catch (cause) {
    if (cause instanceof TypeError || cause instanceof RangeError) throw cause
    throw new SubauthError('UNREACHABLE', { cause })
  }
}

async function connected(socket: SeqpacketSocket): Promise<void> {
  try {
    await once(socket, 'connect')
  } catch (cause) {
    throw new SubauthError('UNREACHABLE', { cause })
  }
}
