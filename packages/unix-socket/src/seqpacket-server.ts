/** A SOCK_SEQPACKET server that feels like a server of `node:net`. */
import { EventEmitter } from 'node:events'
import { type BigIntStats, lstatSync, unlinkSync } from 'node:fs'
import { errno } from './errno.ts'
import { systemError, UnixSocketError } from './errors.ts'
import { Handle } from './handle.ts'
import { getNative, READABLE } from './native.ts'
import {
  type CompleteOptions,
  completeOptions,
  integer,
  type SeqpacketOptions,
  socketPath,
} from './options.ts'
import { SeqpacketSocket } from './seqpacket-socket.ts'

/** Options of {@link SeqpacketServer.listen}. */
export interface SeqpacketListenOptions {
  /** 1 to 107 bytes; nothing is there yet. The file gets the rights that the umask leaves. */
  readonly path: string
  /** Connections that wait to be accepted, 1 to 65,535; the kernel's `somaxconn` is a limit too. Default 511. */
  readonly backlog?: number
}

/** Events of {@link SeqpacketServer}. */
export interface SeqpacketServerEvents {
  listening: []
  connection: [socket: SeqpacketSocket]
  /** A connection was closed because there were `maxConnections` already. */
  drop: []
  /** No connection can be accepted for want of descriptors or memory; told once, until one has been accepted again. */
  exhausted: [error: UnixSocketError]
  error: [error: Error]
  close: []
}

/** Connections accepted before others have their turn. */
const ACCEPTS_PER_TURN = 64

/** Pause before it is tried again to accept: without one, the connection that waits would be ready all the time. */
const EXHAUSTED_PAUSE_MS = 100

export class SeqpacketServer extends EventEmitter<SeqpacketServerEvents> {
  /** Most connections at a time; undefined is no limit. */
  maxConnections: number | undefined
  readonly #options: CompleteOptions
  #handle: Handle | undefined
  #file: { readonly path: string; readonly stat: BigIntStats } | undefined
  #connections = 0
  #closing = false
  #held = true
  #isExhausted = false
  #timer: NodeJS.Timeout | undefined

  /** Made by {@link createSeqpacketServer}. */
  constructor(options: SeqpacketOptions = {}) {
    super()
    this.#options = completeOptions(options, true)
    getNative()
  }

  get listening(): boolean {
    return this.#handle !== undefined
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections
  }

  /**
   * Listen at a path.
   *
   * @param onListening - Listener of `listening`, once.
   * @throws TypeError, RangeError for wrong options; UnixSocketError ERR_UNIX_SOCKET_LISTENING. What the kernel refuses
   * is an `error` event.
   */
  listen(options: SeqpacketListenOptions, onListening?: () => void): this {
    const path = socketPath(options.path)
    const backlog = integer('backlog', options.backlog ?? 511, 65_535)
    if (this.#handle !== undefined || this.#closing) {
      throw new UnixSocketError('ERR_UNIX_SOCKET_LISTENING', 'the server listens or is closing')
    }
    if (onListening !== undefined) this.once('listening', onListening)
    const native = getNative()
    const id = native.open(this.#options.passCredentials)
    if (id < 0) return this.#failLater(systemError('socket', id))
    const result = native.listen(id, path, backlog)
    if (result < 0) {
      native.close(id)
      return this.#failLater(systemError('listen', result))
    }
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    this.#file = stat === undefined ? undefined : { path, stat }
    this.#handle = new Handle(id, () => this.#accept())
    this.#handle.hold(this.#held)
    this.#handle.poll(READABLE)
    process.nextTick(() => {
      if (this.#handle?.id === id) this.emit('listening')
    })
    return this
  }

  /**
   * Accept no more. Open connections go on; `close` follows the last of them.
   *
   * @param callback - Called at `close`, or with ERR_UNIX_SOCKET_NOT_LISTENING.
   */
  close(callback?: (error?: Error) => void): this {
    const handle = this.#handle
    if (handle === undefined) {
      if (callback !== undefined) {
        const error = new UnixSocketError(
          'ERR_UNIX_SOCKET_NOT_LISTENING',
          'the server does not listen',
        )
        process.nextTick(callback, error)
      }
      return this
    }
    if (callback !== undefined) this.once('close', () => callback())
    this.#handle = undefined
    this.#closing = true
    clearTimeout(this.#timer)
    this.#removeFile()
    handle.close()
    process.nextTick(() => this.#endIfDone())
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.listening) await new Promise<void>((resolve) => this.close(() => resolve()))
  }

  ref(): this {
    return this.#hold(true)
  }

  /** Let the process end though this server listens. */
  unref(): this {
    return this.#hold(false)
  }

  #hold(held: boolean): this {
    this.#held = held
    this.#handle?.hold(held)
    if (held) this.#timer?.ref()
    else this.#timer?.unref()
    return this
  }

  #failLater(error: UnixSocketError): this {
    process.nextTick(() => this.emit('error', error))
    return this
  }

  #accept(): void {
    for (let count = 0; count < ACCEPTS_PER_TURN; count++) {
      const handle = this.#handle
      if (handle === undefined) return
      const id = handle.native.accept(handle.id)
      if (id === errno.EAGAIN) return
      if (id < 0) {
        this.#onAcceptError(id)
        return
      }
      this.#isExhausted = false
      if (this.maxConnections !== undefined && this.#connections >= this.maxConnections) {
        handle.native.close(id)
        this.emit('drop')
      } else {
        this.#adopt(id)
      }
    }
  }

  #adopt(id: number): void {
    const onClose = (): void => {
      this.#connections--
      this.#endIfDone()
    }
    this.#connections++
    this.emit('connection', new SeqpacketSocket({ id, options: this.#options, onClose }))
  }

  /** Those who wait stay in the backlog, and nothing spins meanwhile. */
  #onAcceptError(result: number): void {
    const error = systemError('accept4', result)
    this.#handle?.poll(0)
    this.#timer = setTimeout(() => this.#handle?.poll(READABLE), EXHAUSTED_PAUSE_MS)
    if (!this.#held) this.#timer.unref()
    const isShortage = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM].includes(result)
    if (!isShortage) {
      this.emit('error', error)
    } else if (!this.#isExhausted) {
      this.#isExhausted = true
      this.emit('exhausted', error)
    }
  }

  /** Remove the socket's file, unless another has taken its place. */
  #removeFile(): void {
    const file = this.#file
    this.#file = undefined
    if (file === undefined) return
    const now = lstatSync(file.path, { bigint: true, throwIfNoEntry: false })
    if (now === undefined || now.dev !== file.stat.dev || now.ino !== file.stat.ino) return
    try {
      unlinkSync(file.path)
    } catch {
      // The directory may have lost its rights meanwhile; a dead socket harms nobody.
    }
  }

  #endIfDone(): void {
    if (!this.#closing || this.#connections > 0) return
    this.#closing = false
    // A connection is counted down before its own close event, and that is to come first.
    process.nextTick(() => this.emit('close'))
  }
}

/**
 * Make a server; call its `listen` then.
 *
 * @param onConnection - Listener of `connection`.
 * @throws TypeError, RangeError for wrong options; UnixSocketError ERR_UNIX_SOCKET_UNAVAILABLE without the native part.
 */
export function createSeqpacketServer(
  options: SeqpacketOptions = {},
  onConnection?: (socket: SeqpacketSocket) => void,
): SeqpacketServer {
  const server = new SeqpacketServer(options)
  if (onConnection !== undefined) server.on('connection', onConnection)
  return server
}
