/**
 * A SOCK_SEQPACKET connection that feels like a socket of `node:net`, with packets in place of a stream.
 *
 * Nothing is received while it is paused, or as long as nobody listens for packets: what a peer sends then fills its own
 * share of the kernel's buffers, and the peer waits.
 */
import { EventEmitter } from 'node:events'
import { type Credentials, readCredentials } from './credentials.ts'
import { errno } from './errno.ts'
import { closedError, systemError, UnixSocketError } from './errors.ts'
import { Handle } from './handle.ts'
import { FLAG, INFO, READABLE, WRITABLE } from './native.ts'
import { type CompleteOptions, kind } from './options.ts'
import { takeRoom } from './room.ts'
import { type SendCallback, SendQueue } from './send-queue.ts'

/** One packet as it came. */
export interface ReceivedPacket {
  /** The bytes, a copy that is the receiver's own; at least one. */
  readonly data: Buffer
  /** Real ids of the sender when it sent this packet; absent unless `passCredentials` is on. */
  readonly credentials?: Credentials
  /** The packet was longer than `maxPacketBytes`, or something that came with it was cut: never to be parsed. */
  readonly truncated: boolean
}

/** Events of {@link SeqpacketSocket}. */
export interface SeqpacketSocketEvents {
  connect: []
  packet: [packet: ReceivedPacket]
  drain: []
  /** The peer has closed its side, or sent an empty packet, which cannot be told from that. */
  end: []
  error: [error: Error]
  close: [hadError: boolean]
}

/** How a socket comes to be: accepted, or opened to be connected by {@link Opening.connect}. */
export interface Opening {
  /** Number of the open socket, or a negative errno. */
  readonly id: number
  readonly options: CompleteOptions
  /** Absent for an accepted socket. Answers how to give up. */
  readonly connect?: (id: number, done: (error: Error | undefined) => void) => () => void
  /** Called when the socket has been closed, just before its `close` event. */
  readonly onClose?: () => void
}

/** Packets received from one socket before the others have their turn. */
const PACKETS_PER_TURN = 32

export class SeqpacketSocket extends EventEmitter<SeqpacketSocketEvents> {
  readonly #options: CompleteOptions
  readonly #queue = new SendQueue()
  readonly #onClose: (() => void) | undefined
  #handle: Handle | undefined
  #peer: Credentials | undefined
  #giveUp: (() => void) | undefined
  #connecting: boolean
  #held = true
  #paused: boolean
  /** Nobody has listened for packets so far: receiving waits for the first who does. */
  #unheard = false
  #ended = false
  #ending = false
  #destroyed = false
  #mustDrain = false

  /** Made by a server, or by {@link connectSeqpacket}. */
  constructor({ id, options, connect, onClose }: Opening) {
    super()
    this.#options = options
    this.#onClose = onClose
    this.#paused = options.pauseOnConnect
    this.#connecting = connect !== undefined
    if (id < 0) {
      this.destroy(systemError('socket', id))
      return
    }
    this.#handle = new Handle(id, (events) => this.#onReady(events))
    if (connect === undefined) this.#onConnected()
    else this.#giveUp = connect(id, (error) => this.#onConnect(error))
  }

  /** Effective ids of the peer when it connected, or, for a client, of the process that listens when it began to. */
  get peer(): Credentials | undefined {
    return this.#peer
  }

  /** Bytes that wait to be sent. */
  get bufferedBytes(): number {
    return this.#queue.bytes
  }

  get connecting(): boolean {
    return this.#connecting
  }

  get destroyed(): boolean {
    return this.#destroyed
  }

  /** Packets may still come. */
  get readable(): boolean {
    return !this.#destroyed && !this.#ended && !this.#ending
  }

  isPaused(): boolean {
    return this.#paused
  }

  /**
   * Send one packet, whole.
   *
   * @param packet - At least one byte; copied when it has to wait.
   * @param callback - Called once the kernel has taken the packet, or with the error when it will not.
   * @returns False when packets wait: go on after `drain`.
   * @throws TypeError for what is no Uint8Array, RangeError for an empty one, which its receiver would take for the end.
   *
   * A packet that is too long (ERR_UNIX_SOCKET_TOO_LONG) leaves the connection as it is if there is a callback to be told;
   * every other error closes it. Without a callback, a packet for a socket that is closed already is dropped.
   */
  send(packet: Uint8Array, callback?: SendCallback): boolean {
    if (!(packet instanceof Uint8Array)) {
      throw new TypeError(`packet: expected a Uint8Array, got ${kind(packet)}`)
    }
    if (packet.length === 0) throw new RangeError('packet: expected at least 1 byte, got 0')
    if (callback !== undefined && typeof callback !== 'function') {
      throw new TypeError(`callback: expected a function, got ${kind(callback)}`)
    }
    const handle = this.#handle
    if (handle === undefined || this.#ending) {
      if (callback !== undefined) process.nextTick(callback, closedError())
      return false
    }
    if (!this.#connecting && this.#queue.isEmpty) {
      const result = handle.native.send(handle.id, packet)
      if (result === packet.length) {
        if (callback !== undefined) process.nextTick(callback)
        return true
      }
      if (result !== errno.EAGAIN) {
        this.#onSendError(result, callback)
        return false
      }
    }
    this.#wait(packet, callback)
    return false
  }

  /** Receive nothing until {@link resume}. */
  pause(): this {
    this.#paused = true
    return this
  }

  resume(): this {
    this.#paused = false
    this.#poll()
    return this
  }

  /** Receive no more, and close once everything sent has left. A peer that does not read holds this up. */
  end(): this {
    if (this.#destroyed || this.#ending) return this
    this.#ending = true
    if (this.#queue.isEmpty && !this.#connecting) this.destroy()
    return this
  }

  /** Close at once; packets that wait to be sent, and those that have not been received, are lost. */
  destroy(error?: Error): this {
    if (this.#destroyed) return this
    this.#destroyed = true
    this.#giveUp?.()
    this.#handle?.close()
    this.#handle = undefined
    const callbacks = this.#queue.clear()
    process.nextTick(() => {
      for (const callback of callbacks) callback(error ?? closedError())
      this.#onClose?.()
      try {
        if (error !== undefined) this.emit('error', error)
      } finally {
        this.emit('close', error !== undefined)
      }
    })
    return this
  }

  ref(): this {
    return this.#hold(true)
  }

  /** Let the process end though this socket is open. */
  unref(): this {
    return this.#hold(false)
  }

  #hold(held: boolean): this {
    this.#held = held
    this.#handle?.hold(held)
    return this
  }

  #onConnect(error: Error | undefined): void {
    this.#giveUp = undefined
    if (error !== undefined) {
      this.destroy(error)
      return
    }
    this.#connecting = false
    this.#onConnected()
    this.emit('connect')
    if (!this.#destroyed) this.#flush()
  }

  #onConnected(): void {
    const handle = this.#handle
    if (handle === undefined) return
    const info = new Uint32Array(INFO.length)
    if (handle.native.peer(handle.id, info) === 0) this.#peer = readCredentials(info)
    if (!this.#held) handle.hold(false)
    this.#poll()
  }

  get #isReceiving(): boolean {
    return this.readable && !this.#paused && !this.#unheard && !this.#connecting
  }

  /** Poll for what is wanted, and no more. */
  #poll(): void {
    const handle = this.#handle
    if (handle === undefined || this.#connecting) return
    const receive = this.#isReceiving ? READABLE : 0
    const send = this.#queue.isEmpty ? 0 : WRITABLE
    try {
      handle.poll(receive | send)
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #onReady(events: number): void {
    if ((events & WRITABLE) !== 0) this.#flush()
    if ((events & READABLE) !== 0) this.#receive()
    // Only now does a pause reach the kernel: whoever pauses for each packet and resumes does so without system calls.
    this.#poll()
  }

  #receive(): void {
    for (let count = 0; count < PACKETS_PER_TURN; count++) {
      const handle = this.#handle
      if (handle === undefined || !this.#isReceiving) return
      if (this.listenerCount('packet') === 0) {
        this.#waitForListener()
        return
      }
      const room = takeRoom(this.#options.maxPacketBytes)
      const result = handle.native.receive(handle.id, room.bytes, room.info)
      if (result > 0) this.emit('packet', packetOf(room.bytes, room.info, result))
      else if (result === 0) this.#onEnd()
      else if (result === errno.EAGAIN) return
      else this.destroy(systemError('recvmsg', result))
    }
  }

  #waitForListener(): void {
    this.#unheard = true
    // The map of events leaves out those that every emitter has.
    const emitter = this as unknown as EventEmitter
    const onListener = (name: string | symbol): void => {
      if (name !== 'packet') return
      emitter.off('newListener', onListener)
      this.#unheard = false
      this.#poll()
    }
    emitter.on('newListener', onListener)
  }

  #onEnd(): void {
    this.#ended = true
    this.emit('end')
    this.end()
  }

  #wait(packet: Uint8Array, callback: SendCallback | undefined): void {
    const { maxQueuedBytes } = this.#options
    if (this.#queue.bytes + packet.length > maxQueuedBytes) {
      const error = new UnixSocketError(
        'ERR_UNIX_SOCKET_QUEUE_FULL',
        `more than ${maxQueuedBytes} bytes wait to be sent`,
      )
      this.destroy(error)
      if (callback !== undefined) process.nextTick(callback, error)
      return
    }
    this.#queue.add(Buffer.from(packet), callback)
    this.#mustDrain = true
    this.#poll()
  }

  #flush(): void {
    for (;;) {
      const handle = this.#handle
      const packet = this.#queue.head
      if (handle === undefined) return
      if (packet === undefined) break
      const result = handle.native.send(handle.id, packet)
      if (result === errno.EAGAIN) {
        this.#poll()
        return
      }
      const callback = this.#queue.take()
      if (result !== packet.length) this.#onSendError(result, callback)
      else if (callback !== undefined) process.nextTick(callback)
    }
    if (this.#ending) {
      this.destroy()
    } else if (this.#mustDrain) {
      this.#mustDrain = false
      this.emit('drain')
    }
  }

  #onSendError(result: number, callback: SendCallback | undefined): void {
    const error = systemError('sendmsg', result < 0 ? result : errno.EIO)
    const isHarmless = error.code === 'ERR_UNIX_SOCKET_TOO_LONG' && callback !== undefined
    if (callback !== undefined) process.nextTick(callback, error)
    if (!isHarmless) this.destroy(error)
  }
}

function packetOf(room: Buffer, info: Uint32Array, length: number): ReceivedPacket {
  const received = room.subarray(0, length)
  const data = Buffer.from(received)
  // The next packet is another caller's.
  received.fill(0)
  const credentials = readCredentials(info)
  const truncated = ((info[INFO.flags] ?? 0) & FLAG.truncated) !== 0
  return credentials === undefined ? { data, truncated } : { data, credentials, truncated }
}
