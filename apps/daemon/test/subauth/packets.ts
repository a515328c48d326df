/** Connections of the subauth door without a kernel: packets and credentials as a test states them. */

import { EventEmitter } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { ByteBudget } from '@secreg/host'
import type { Door } from '@secreg/protocol'
import type { Credentials, ReceivedPacket } from '@secreg/unix-socket'
import {
  type PacketSocket,
  RESERVED_BYTES,
  type SubauthConnectionOptions,
  serveSubauth,
} from '../../src/subauth/subauth-connection.ts'
import type { SystemUsers } from '../../src/users/system-users.ts'
import type { RunningDaemon } from '../running-daemon.ts'

export const ROOT: Credentials = { pid: 100, uid: 0, gid: 0 }
export const ALICE: Credentials = { pid: 101, uid: 1001, gid: 1001 }
export const BOB: Credentials = { pid: 102, uid: 1002, gid: 1002 }
/** A service; nobody is called so. */
export const NAMELESS: Credentials = { pid: 103, uid: 4321, gid: 4321 }

const LOGINS: ReadonlyMap<number, string> = new Map([
  [0, 'root'],
  [1001, 'alice'],
  [1002, 'bob'],
  [65_534, 'nobody'],
])

export const USERS: SystemUsers = {
  loginOf: async (uid) => LOGINS.get(uid),
  find: async (login) => {
    const [user] = [...LOGINS].filter(([, name]) => name === login)
    return user === undefined ? undefined : { uid: user[0] }
  },
  check: async () => {},
}

export type Reply = Record<string, unknown> & { readonly error: string }

export class TestSocket extends EventEmitter implements PacketSocket {
  readonly peer: Credentials | undefined
  destroyed = false
  bufferedBytes = 0
  paused = true
  /** Whether the peer takes what is sent. */
  reads = true
  readonly #replies: Reply[] = []

  constructor(peer: Credentials | undefined) {
    super()
    this.peer = peer
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  send(packet: Uint8Array): boolean {
    this.#replies.push(JSON.parse(Buffer.from(packet).toString()))
    if (!this.reads) this.bufferedBytes += packet.length
    this.emit('reply')
    return this.reads
  }

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    process.nextTick(() => this.emit('close'))
  }

  /** The peer takes everything. */
  drain(): void {
    this.bufferedBytes = 0
    this.emit('drain')
  }

  /** @param packet - a JSON value, or the bytes themselves */
  put(packet: object | Buffer, credentials: Credentials | undefined, truncated = false): void {
    if (this.paused) throw new Error('the connection is not read from')
    const data = Buffer.isBuffer(packet) ? packet : Buffer.from(JSON.stringify(packet))
    const received: ReceivedPacket =
      credentials === undefined ? { data, truncated } : { data, truncated, credentials }
    this.emit('packet', received)
  }

  async reply(): Promise<Reply> {
    while (this.#replies.length === 0) {
      await new Promise<void>((resolve) => this.once('reply', resolve))
    }
    return this.#replies.shift() as Reply
  }
}

export interface Opened {
  readonly socket: TestSocket
  readonly budget: ByteBudget
  readonly errors: unknown[]
  /** Ask, as the credentials say or else as whoever has connected. */
  ask(packet: object | Buffer, credentials?: Credentials): Promise<Reply>
}

/** Open a connection of the door, over the registry of a daemon. */
export function open(
  { daemon }: RunningDaemon,
  peer: Credentials | undefined,
  options: Partial<SubauthConnectionOptions> & { readonly budget?: ByteBudget } = {},
): Opened {
  const { budget = new ByteBudget(1024 * 1024), ...more } = options
  const socket = new TestSocket(peer)
  const lease = budget.lease()
  lease.tryTake(RESERVED_BYTES)
  const errors: unknown[] = []
  serveSubauth(socket, {
    host: daemon.host,
    users: USERS,
    log: { error: (event, fields) => errors.push([event, fields]) },
    lease,
    maxRequestBytes: 16_384,
    maxReplyBytes: 65_536,
    failureDelayMs: 0,
    idleTimeoutMs: 60_000,
    ...more,
  })
  const ask = async (packet: object | Buffer, credentials = peer): Promise<Reply> => {
    socket.put(packet, credentials)
    return socket.reply()
  }
  return { socket, budget, errors, ask }
}

/** Bodies of the records that this door has left. */
export function recordsOf(
  { home }: RunningDaemon,
  door: Door = 'subauth',
): Record<string, unknown>[] {
  const directory = home.file('audit')
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readFileSync(`${directory}/${name}`, 'utf8').trimEnd().split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).body)
    .filter((body) => body.actor?.door === door)
}
