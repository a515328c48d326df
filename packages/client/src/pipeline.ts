/**
 * The requests of one connection: frames in the canonical form, many in flight, answers matched to them in order (no
 * request carries an id, so the daemon answers in order).
 */
import type { Socket } from 'node:net'
import {
  type ErrorPayload,
  LIMITS,
  MESSAGE_TYPE,
  type RequestName,
  type RequestOf,
  type ResponseOf,
  SecregError,
} from '@secreg/protocol'
import {
  decodePayload,
  encodeFrame,
  encodePayload,
  type Frame,
  FrameReader,
} from '@secreg/wire-codec'
import { errorOfAnswer, notUnderstood, tooLarge, unreachable } from './failure.ts'
import { Fifo } from './fifo.ts'
import { type ConnectionSettings, checkTimeout, type RequestOptions } from './options.ts'
import { ERROR_ANSWER, REQUEST_TABLE } from './requests.ts'

/** Characters of all requests that wait here; one request alone may be larger. */
const MAX_WAITING_CHARS = 64 * 1024 * 1024

/** Requests whose success does not show that the daemon knows who asks. */
const SHOWS_NOTHING: ReadonlySet<RequestName> = new Set(['hello', 'status', 'seal', 'logout'])

/** Who hears what is no answer to a waiting caller. */
export interface PipelineObserver {
  /** A frame that the daemon sent without a request. */
  readonly pushed: (frame: Frame) => void
  /** The connection has ended; called once. */
  readonly ended: (error: SecregError) => void
}

/** Options of one request for use inside this package. */
export interface PipelineRequestOptions extends RequestOptions {
  /**
   * Called as the answer is read, before any frame behind it, also when nobody waits for it any more.
   *
   * @param answer - undefined when the request was refused
   */
  readonly answered?: (answer: object | undefined, dropped: boolean) => void
  /** Not counted against `maxWaiting`; for requests that free something. */
  readonly always?: boolean
}

interface Pending {
  readonly name: RequestName
  readonly answered: PipelineRequestOptions['answered']
  /** Payload; emptied once it is sent or given up. */
  text: string
  /** Nobody waits for the answer any more. */
  dropped: boolean
  timer: NodeJS.Timeout | undefined
  unlisten: (() => void) | undefined
  readonly resolve: (answer: never) => void
  readonly reject: (error: unknown) => void
}

/** Sends requests over a socket that stands, and gives each its answer. */
export class Pipeline {
  readonly socketPath: string
  readonly #socket: Socket
  readonly #settings: ConnectionSettings
  readonly #observer: PipelineObserver
  readonly #reader: FrameReader
  readonly #waiting = new Set<Pending>()
  #waitingChars = 0
  /** Requests whose answers are still to come, in that order. */
  readonly #sent = new Fifo<Pending>()
  #sessionId: string | undefined
  /** The daemon knows who asks on this connection, so it takes frames above the limit before login. */
  #proven = false
  #proving = false
  #full = false
  #failure: SecregError | undefined
  /** Error that the daemon sent without a question, usually just before it closes. */
  #parting: SecregError | undefined
  readonly #gone: Promise<void>
  #lastSentMs = performance.now()

  constructor(socket: Socket, settings: ConnectionSettings, observer: PipelineObserver) {
    this.#socket = socket
    this.#settings = settings
    this.#observer = observer
    this.socketPath = settings.socket
    this.#sessionId = settings.sessionId
    this.#reader = new FrameReader({ framing: 'length', maxFrameBytes: settings.maxFrameBytes })
    this.#gone = new Promise((resolve) => {
      socket.once('close', () => resolve())
    })
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('drain', () => {
      this.#full = false
      this.#pump()
    })
    socket.on('error', (error) => this.#lost(error))
    socket.on('end', () => this.#lost())
    socket.on('close', () => this.#lost())
  }

  get sessionId(): string | undefined {
    return this.#sessionId
  }

  get closed(): boolean {
    return this.#failure !== undefined
  }

  /** Monotonic time of the last request that was sent, or of the start, milliseconds. */
  get lastSentMs(): number {
    return this.#lastSentMs
  }

  request<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    options: PipelineRequestOptions = {},
  ): Promise<ResponseOf[N]> {
    const promise = new Promise<ResponseOf[N]>((resolve, reject) => {
      this.#enqueue(name, payload, options, resolve as (answer: never) => void, reject)
    })
    // Of many requests in flight, the caller often awaits one after the other: when the connection is lost, the
    // later ones must not end the process before their turn.
    promise.catch(() => {})
    return promise
  }

  /** Whether an answer to such a request is still to come. */
  awaits(name: RequestName): boolean {
    return this.#sent.some((item) => item.name === name)
  }

  /** End the connection, because what was read is not the protocol. */
  misunderstood(what: string, cause?: unknown): SecregError {
    const error = notUnderstood(this.socketPath, what, cause)
    this.#end(error)
    return error
  }

  async close(): Promise<void> {
    this.#end(new SecregError('UNREACHABLE', 'the connection is closed'))
    await this.#gone
  }

  #enqueue(
    name: RequestName,
    payload: object,
    options: PipelineRequestOptions,
    resolve: (answer: never) => void,
    reject: (error: unknown) => void,
  ): void {
    if (!Object.hasOwn(REQUEST_TABLE, name)) throw new TypeError('name: expected a request name')
    if ('id' in payload) throw new TypeError('payload: answers come in order, an id is not sent')
    const timeoutMs = checkTimeout(options.timeoutMs ?? this.#settings.timeoutMs, 'timeoutMs')
    const { signal } = options
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    const text = encodePayload(payload)
    const waits = this.#full || this.#proving || this.#sent.length >= this.#settings.maxInFlight
    if (
      options.always !== true &&
      ((waits && this.#waiting.size >= this.#settings.maxWaiting) ||
        (this.#waiting.size > 0 && this.#waitingChars + text.length > MAX_WAITING_CHARS))
    ) {
      throw new SecregError('BUSY', 'too many requests wait on this connection')
    }
    const item: Pending = {
      name,
      answered: options.answered,
      text,
      dropped: false,
      timer: undefined,
      unlisten: undefined,
      resolve,
      reject,
    }
    if (timeoutMs > 0) item.timer = setTimeout(() => this.#timeOut(item, timeoutMs), timeoutMs)
    if (signal !== undefined) {
      const onAbort = (): void => this.#drop(item, signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      item.unlisten = () => signal.removeEventListener('abort', onAbort)
    }
    this.#waiting.add(item)
    this.#waitingChars += text.length
    this.#pump()
  }

  #timeOut(item: Pending, timeoutMs: number): void {
    const change = this.#waiting.has(item) ? '' : '; it may still be carried out'
    this.#drop(item, new SecregError('TIMEOUT', `no answer within ${timeoutMs} ms${change}`))
  }

  /** Give up on a request; the place of its answer is kept if it was sent. */
  #drop(item: Pending, error: unknown): void {
    item.dropped = true
    this.#unqueue(item)
    this.#settle(item)
    item.reject(error)
  }

  #unqueue(item: Pending): void {
    if (!this.#waiting.delete(item)) return
    this.#waitingChars -= item.text.length
    item.text = ''
  }

  #settle(item: Pending): void {
    clearTimeout(item.timer)
    item.unlisten?.()
    item.unlisten = undefined
  }

  /** Send what may be sent: bounded by the requests in flight and by what the socket takes. */
  #pump(): void {
    if (this.#failure !== undefined || this.#proving || this.#waiting.size === 0) return
    const socket = this.#socket
    socket.cork()
    for (const item of this.#waiting) {
      if (this.#full || this.#sent.length >= this.#settings.maxInFlight) break
      if (!this.#send(item)) break
    }
    process.nextTick(() => socket.uncork())
  }

  /** Send one request. @returns false if the next one must wait */
  #send(item: Pending): boolean {
    let frame: Uint8Array
    try {
      frame = encodeFrame('length', {
        type: REQUEST_TABLE[item.name].type,
        timestampMs: Date.now(),
        sessionId: item.name === 'auth' ? undefined : this.#sessionId,
        payload: item.text,
      })
    } catch (error) {
      this.#refuse(item, tooLarge(error))
      return true
    }
    const body = frame.length - 4
    if (body > this.#settings.maxFrameBytes) {
      this.#refuse(item, tooLarge())
      return true
    }
    if (body > LIMITS.unauthenticatedFrameBytes && !this.#proven) {
      this.#prove(item)
      return false
    }
    this.#unqueue(item)
    this.#sent.push(item)
    this.#lastSentMs = performance.now()
    this.#full = !this.#socket.write(frame)
    return true
  }

  #refuse(item: Pending, error: SecregError): void {
    this.#unqueue(item)
    this.#settle(item)
    item.reject(error)
  }

  /**
   * Show the session in a small frame first: the daemon reads a long one only on a connection that is logged in, and
   * it learns that from a frame that it has read. Without a session it may still know the caller from the kernel.
   */
  #prove(head: Pending): void {
    const done = (error?: unknown): void => {
      this.#proving = false
      if (error !== undefined && this.#waiting.has(head)) this.#drop(head, error)
      this.#pump()
    }
    const probe: Pending = {
      name: 'whoami',
      answered: undefined,
      text: '{}',
      dropped: false,
      timer: undefined,
      unlisten: undefined,
      resolve: () => done(),
      reject: done,
    }
    this.#proving = true
    this.#send(probe)
  }

  #read(chunk: Buffer): void {
    const reader = this.#reader
    try {
      reader.push(chunk)
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        if (this.#failure !== undefined) return
        this.#answer(frame)
      }
    } catch (error) {
      this.misunderstood('its frames are malformed', error)
      return
    }
    this.#pump()
  }

  #answer(frame: Frame): void {
    if (frame.type === MESSAGE_TYPE.WatchEvent) {
      this.#observer.pushed(frame)
      return
    }
    const item = this.#sent.first
    if (item === undefined) {
      if (frame.type !== MESSAGE_TYPE.ErrorResponse) {
        this.misunderstood('it answers what was not asked')
        return
      }
      const payload = this.#decode(frame)
      if (payload === undefined || ERROR_ANSWER(payload, 'error') !== undefined) return
      this.#parting = errorOfAnswer(payload as unknown as ErrorPayload)
      return
    }
    const { type, answer } = REQUEST_TABLE[item.name]
    const failed = frame.type === MESSAGE_TYPE.ErrorResponse
    if (!failed && frame.type !== type + 1) {
      this.misunderstood('an answer has the wrong type')
      return
    }
    this.#sent.shift()
    const payload = this.#decode(frame)
    const fault =
      payload === undefined ? 'the payload' : (failed ? ERROR_ANSWER : answer)(payload, 'payload')
    if (fault !== undefined) {
      const error = notUnderstood(this.socketPath, `member "${fault}" of an answer is not valid`)
      this.#settle(item)
      item.reject(error)
      item.answered?.(undefined, item.dropped)
      return
    }
    if (!failed) this.#learn(item.name, payload as Record<string, unknown>)
    this.#settle(item)
    item.answered?.(failed ? undefined : (payload as object), item.dropped)
    if (item.dropped) return
    if (failed) item.reject(errorOfAnswer(payload as unknown as ErrorPayload))
    else item.resolve(payload as never)
  }

  #decode(frame: Frame): Record<string, unknown> | undefined {
    try {
      return decodePayload(frame.payload)
    } catch {
      return undefined
    }
  }

  /** Keep what an answer says about the session. */
  #learn(name: RequestName, answer: Record<string, unknown>): void {
    if (name === 'auth') {
      const id = answer['session_id']
      if (answer['success'] !== true || typeof id !== 'string') return
      if (!/^[\x20-\x7e]{1,255}$/.test(id)) return
      this.#sessionId = id
      this.#proven = true
    } else if (name === 'logout') {
      this.#sessionId = undefined
      this.#proven = false
    } else if (!SHOWS_NOTHING.has(name)) {
      this.#proven = true
    }
  }

  #lost(cause?: Error): void {
    if (this.#failure !== undefined) return
    this.#end(
      this.#parting ??
        unreachable(
          this.socketPath,
          'the connection was lost before an answer came (a change may have been made)',
          cause,
        ),
    )
  }

  /** End the connection; everything that waits fails with `error`. */
  #end(error: SecregError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#socket.destroy()
    const items = [...this.#sent.drain(), ...this.#waiting]
    this.#waiting.clear()
    this.#waitingChars = 0
    for (const item of items) {
      item.text = ''
      this.#settle(item)
      if (!item.dropped) item.reject(error)
    }
    this.#observer.ended(error)
  }
}
