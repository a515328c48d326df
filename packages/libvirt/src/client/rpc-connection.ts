/**
 * Calls over one connection. Each has a serial of its own, and replies are told by it: servers answer in any order.
 *
 * Source: libvirt, internals/rpc.html.
 */
import { ERROR } from '../wire/error-struct.ts'
import {
  FRAME_STATUS,
  FRAME_TYPES,
  type Frame,
  PROGRAM_VERSION,
  REMOTE_PROGRAM,
  readBody,
} from '../wire/frame.ts'
import { FrameReader } from '../wire/frame-reader.ts'
import { KEEPALIVE_PROGRAM, keepaliveOf, writeKeepalive } from '../wire/keepalive.ts'
import { LIBVIRT_LIMITS } from '../wire/limits.ts'
import {
  type ArgsOf,
  PROCEDURES,
  type Procedure,
  type ProcedureKey,
  type ResultOf,
} from '../wire/procedures.ts'
import { writeCall } from '../wire/remote-frames.ts'
import { LibvirtConnectionError } from './connection-error.ts'
import type { CloseReason } from './enums.ts'
import { type KeepaliveOptions, KeepaliveTimer } from './keepalive-timer.ts'
import type { ClientStream } from './stream.ts'

/** What a connection tells by itself. */
export interface RpcObserver {
  /** A message that answers nothing. @throws anything to end the connection */
  message(procedure: number, body: Uint8Array): void
  ended(error: LibvirtConnectionError): void
}

/** How a connection ended. */
export interface ConnectionEnd {
  readonly reason: CloseReason
  /** What every later call is rejected with. */
  readonly error: LibvirtConnectionError
}

interface Pending {
  readonly procedure: number
  readonly timer: ReturnType<typeof setTimeout> | undefined
  /** @throws anything to end the connection */
  readonly take: (status: number, body: Uint8Array) => void
  readonly reject: (error: Error) => void
}

/** Longest frame while the server has not been accepted; room for a long error. */
const UNOPENED_BYTES = 65_536
const SERIALS = 2 ** 32

export class RpcConnection {
  /** Settles once nothing more can be called. */
  readonly ended: Promise<ConnectionEnd>
  /** Settles once the stream has closed. */
  readonly closed: Promise<void>
  readonly #stream: ClientStream
  readonly #timeoutMs: number
  readonly #observer: RpcObserver
  readonly #reader: FrameReader = new FrameReader(UNOPENED_BYTES)
  readonly #pending: Map<number, Pending> = new Map()
  readonly #idlers: (() => void)[] = []
  #serial = 0
  #end: ConnectionEnd | undefined
  #tellEnd: (end: ConnectionEnd) => void = () => {}
  #keepalive: KeepaliveTimer | undefined
  /** The stream asked to wait for it to drain. */
  #full = false
  #owesPong = false
  #expected = false

  /**
   * @param stream - connected; it belongs to this from now on
   * @param timeoutMs - of one call, milliseconds; 0 = no limit
   */
  constructor(stream: ClientStream, timeoutMs: number, observer: RpcObserver) {
    this.#stream = stream
    this.#timeoutMs = timeoutMs
    this.#observer = observer
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve
    })
    this.closed = new Promise((resolve) => {
      stream.on('close', () => {
        this.#lost()
        resolve()
      })
    })
    stream.on('end', () => this.#lost())
    stream.on('error', (cause) => this.#lost(cause))
    stream.on('data', (chunk) => this.#receive(chunk))
    stream.on('drain', () => this.#drained())
  }

  /** Take frames as long as the protocol allows. */
  opened(): void {
    this.#reader.maxFrameBytes = LIBVIRT_LIMITS.frameBytes
  }

  /** Ask the server for signs of life from now on. */
  watch(options: Required<KeepaliveOptions>): void {
    if (this.#end !== undefined) return
    this.#keepalive = new KeepaliveTimer(options, {
      ping: () => this.#write(writeKeepalive('ping')),
      dead: () => this.end('keepalive', new LibvirtConnectionError('KEEPALIVE_TIMEOUT')),
    })
  }

  /**
   * Call a procedure. What was sent and what was received is wiped.
   *
   * @param keep - makes of a result what is returned, while the bytes of the reply are still there
   * @throws LibvirtError as the server tells it; LibvirtConnectionError; TypeError, RangeError for wrong arguments
   */
  async call<K extends ProcedureKey, T>(
    key: K,
    args: ArgsOf<K>,
    keep: (result: ResultOf<K>) => T,
  ): Promise<T> {
    if (this.#end !== undefined) throw this.#end.error
    const procedure: Procedure<ArgsOf<K>, ResultOf<K>> = PROCEDURES[key]
    const serial = this.#nextSerial()
    const frame = writeCall(key, args, serial)
    return await new Promise<T>((resolve, reject) => {
      this.#pending.set(serial, {
        procedure: procedure.number,
        timer: this.#timer(),
        take(status, body) {
          if (status === FRAME_STATUS.OK) resolve(keep(readBody(procedure.result, body)))
          else reject(readBody(ERROR, body))
        },
        reject,
      })
      this.#write(frame)
    })
  }

  /** Wait until every call has its reply, or the connection has ended. */
  async idle(): Promise<void> {
    if (this.#pending.size === 0) return
    await new Promise<void>((resolve) => this.#idlers.push(resolve))
  }

  /** The end of the stream is what was asked for. */
  expectEnd(): void {
    this.#expected = true
  }

  /** End at once. Pending calls are rejected, each once. */
  end(reason: CloseReason, error: LibvirtConnectionError): void {
    if (this.#end !== undefined) return
    this.#end = { reason, error }
    this.#keepalive?.stop()
    this.#reader.wipe()
    this.#stream.destroy()
    for (const [, { timer, reject }] of this.#pending) {
      clearTimeout(timer)
      reject(error)
    }
    this.#pending.clear()
    this.#tellIdle()
    this.#tellEnd(this.#end)
    this.#observer.ended(error)
  }

  #lost(cause?: Error): void {
    if (this.#expected) this.end('client', new LibvirtConnectionError('CLOSED'))
    const error = new LibvirtConnectionError(
      'CONNECTION_LOST',
      cause === undefined ? {} : { cause },
    )
    this.end(cause === undefined ? 'eof' : 'error', error)
  }

  #timer(): ReturnType<typeof setTimeout> | undefined {
    if (this.#timeoutMs === 0) return undefined
    return setTimeout(
      () => this.end('error', new LibvirtConnectionError('TIMEOUT')),
      this.#timeoutMs,
    )
  }

  #nextSerial(): number {
    let serial = this.#serial
    while (this.#pending.has(serial)) serial = (serial + 1) % SERIALS
    this.#serial = (serial + 1) % SERIALS
    return serial
  }

  #write(frame: Uint8Array): void {
    this.#full = !this.#stream.write(frame, () => frame.fill(0))
  }

  #receive(chunk: Uint8Array): void {
    if (this.#end !== undefined) return
    this.#keepalive?.heard()
    try {
      this.#reader.push(chunk)
      for (;;) {
        const frame = this.#reader.next()
        if (frame === undefined) break
        try {
          this.#take(frame)
        } finally {
          frame.body.fill(0)
        }
        if (this.#end !== undefined) break
      }
    } catch (cause) {
      this.end('error', new LibvirtConnectionError('ANSWER_INVALID', { cause }))
    } finally {
      chunk.fill(0)
    }
  }

  #take(frame: Frame): void {
    const { program, version, procedure, type, serial, status, body } = frame
    if (program === KEEPALIVE_PROGRAM) {
      if (keepaliveOf(frame) === 'ping') this.#pong()
      return
    }
    if (program !== REMOTE_PROGRAM || version !== PROGRAM_VERSION) {
      throw new RangeError('program: expected version 1 of remote or keepalive')
    }
    if (type === FRAME_TYPES.MESSAGE) {
      this.#observer.message(procedure, body)
      return
    }
    const pending = this.#pending.get(serial)
    if (type !== FRAME_TYPES.REPLY || pending === undefined || pending.procedure !== procedure) {
      throw new RangeError('reply: expected one to a call without a reply')
    }
    if (status !== FRAME_STATUS.OK && status !== FRAME_STATUS.ERROR) {
      throw new RangeError('status: expected ok or error')
    }
    // It stays pending when the body is not what it should be, and is rejected with the others.
    pending.take(status, body)
    clearTimeout(pending.timer)
    this.#pending.delete(serial)
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#pending.size > 0) return
    for (const idle of this.#idlers.splice(0)) idle()
  }

  /** A server that asks and does not read is owed one answer, however often it asks. */
  #pong(): void {
    if (this.#full) this.#owesPong = true
    else this.#write(writeKeepalive('pong'))
  }

  #drained(): void {
    this.#full = false
    if (this.#end !== undefined || !this.#owesPong) return
    this.#owesPong = false
    this.#write(writeKeepalive('pong'))
  }
}
