/**
 * Many callers over one connection to the socket that the daemon serves gateways on: each request names its session and
 * carries an id, so that answers come as they are ready and a slow one delays no other.
 */
import type { Socket } from 'node:net'
import {
  type ErrorPayload,
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
import { openSocket } from './connect-registry.ts'
import { errorOfAnswer, notUnderstood, tooLarge, unreachable } from './failure.ts'
import { Fifo } from './fifo.ts'
import {
  type ConnectionSettings,
  type ConnectOptions,
  checkSessionId,
  checkTimeout,
  type RequestOptions,
  settingsOf,
} from './options.ts'
import { ERROR_ANSWER, REQUEST_TABLE } from './requests.ts'

/** Options of a relay; a session is named with each request. */
export type RelayOptions = Omit<ConnectOptions, 'sessionId' | 'keepAliveMs'>

/** What a request is asked in: the Secrets API also knows callers that the registry does not. */
export type SessionOf<N extends RequestName> = N extends 'secrets' ? string | undefined : string

/** A connection for many callers. It keeps no session and no credential. */
export interface RelayConnection extends AsyncDisposable {
  /** Whether the connection is closed or lost; it does not come back, and its sessions have ended. */
  readonly closed: boolean
  /** Resolves once the connection is closed or lost, with why. */
  readonly ended: Promise<SecregError>
  /** Log somebody in. A refused login is an answer with `success: false`, not an error. */
  auth(request: RequestOf<'auth'>, options?: RequestOptions): Promise<ResponseOf['auth']>
  status(options?: RequestOptions): Promise<ResponseOf['status']>
  /**
   * Ask in a session; `secrets` can be asked without one.
   *
   * @throws SecregError what the daemon answers: `ERR_SESSION_INVALID` once the session has ended, and then nothing was
   *   done; `ERR_BUSY` when more requests wait than may; `ERR_TIMEOUT`, `ERR_UNREACHABLE`
   */
  request<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    sessionId: SessionOf<N>,
    options?: RequestOptions,
  ): Promise<ResponseOf[N]>
  /** Close at once; what is still in flight fails with `UNREACHABLE`. Calling it again is harmless. */
  close(): Promise<void>
}

/**
 * Connect to the socket that the daemon serves gateways on.
 *
 * @throws SecregError `ERR_UNREACHABLE`, `ERR_ACCESS_DENIED`; TypeError, RangeError for a wrong option
 */
export async function connectRelay(options: RelayOptions = {}): Promise<RelayConnection> {
  const settings = settingsOf(options)
  return new Relay(await openSocket(settings, options.signal), settings)
}

interface Pending {
  readonly name: RequestName
  readonly sessionId: string | undefined
  readonly id: number
  /** Payload; emptied once it is sent or given up. */
  text: string
  dropped: boolean
  timer: NodeJS.Timeout | undefined
  unlisten: (() => void) | undefined
  readonly resolve: (answer: never) => void
  readonly reject: (error: unknown) => void
}

class Relay implements RelayConnection {
  readonly ended: Promise<SecregError>
  readonly #socket: Socket
  readonly #settings: ConnectionSettings
  readonly #reader: FrameReader
  readonly #waiting = new Fifo<Pending>()
  readonly #sent = new Map<number, Pending>()
  #lastId = 0
  #full = false
  #scheduled = false
  #failure: SecregError | undefined
  /** Error that the daemon sent to nobody, usually just before it closes. */
  #parting: SecregError | undefined
  #tellEnd: (error: SecregError) => void = () => {}

  constructor(socket: Socket, settings: ConnectionSettings) {
    this.#socket = socket
    this.#settings = settings
    this.#reader = new FrameReader({ framing: 'length', maxFrameBytes: settings.maxFrameBytes })
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve
    })
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('drain', () => {
      this.#full = false
      this.#pump()
    })
    for (const event of ['error', 'end', 'close']) socket.on(event, () => this.#lost())
  }

  get closed(): boolean {
    return this.#failure !== undefined
  }

  auth(request: RequestOf<'auth'>, options?: RequestOptions): Promise<ResponseOf['auth']> {
    return this.#ask('auth', request, undefined, options)
  }

  status(options?: RequestOptions): Promise<ResponseOf['status']> {
    return this.#ask('status', {}, undefined, options)
  }

  async request<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    sessionId: SessionOf<N>,
    options?: RequestOptions,
  ): Promise<ResponseOf[N]> {
    const session = name === 'secrets' ? sessionId : checkSessionId(sessionId as string)
    return this.#ask(name, payload, session, options)
  }

  close(): Promise<void> {
    this.#end(new SecregError('UNREACHABLE', 'the connection is closed'))
    return this.ended.then(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #ask<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    session: string | undefined,
    options: RequestOptions = {},
  ): Promise<ResponseOf[N]> {
    if (!Object.hasOwn(REQUEST_TABLE, name)) throw new TypeError('name: expected a request name')
    if (name === 'watch' || name === 'unwatch') {
      throw new TypeError('name: expected a request that has one answer')
    }
    const timeoutMs = checkTimeout(options.timeoutMs ?? this.#settings.timeoutMs, 'timeoutMs')
    const sessionId = session === undefined ? undefined : checkSessionId(session)
    options.signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    const { maxInFlight, maxWaiting } = this.#settings
    const waits = this.#full || this.#sent.size >= maxInFlight
    if (waits && this.#waiting.length >= maxWaiting) {
      throw new SecregError('BUSY', 'too many requests wait for the registry', {
        retryAfterSeconds: 1,
      })
    }
    const id = ++this.#lastId
    const text = encodePayload({ ...payload, id })
    return new Promise<ResponseOf[N]>((resolve, reject) => {
      const pending: Pending = {
        name,
        sessionId,
        id,
        text,
        dropped: false,
        timer: undefined,
        unlisten: undefined,
        resolve: resolve as (answer: never) => void,
        reject,
      }
      this.#limit(pending, timeoutMs, options.signal)
      this.#waiting.push(pending)
      this.#schedule()
    })
  }

  #limit(pending: Pending, timeoutMs: number, signal: AbortSignal | undefined): void {
    if (timeoutMs > 0) {
      pending.timer = setTimeout(() => {
        const change = this.#sent.has(pending.id) ? '; it may still be carried out' : ''
        this.#drop(pending, new SecregError('TIMEOUT', `no answer within ${timeoutMs} ms${change}`))
      }, timeoutMs)
    }
    if (signal === undefined) return
    const onAbort = (): void => this.#drop(pending, signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    pending.unlisten = () => signal.removeEventListener('abort', onAbort)
  }

  /** Give up on a request; one that was sent takes its place until it is answered. */
  #drop(pending: Pending, error: unknown): void {
    pending.dropped = true
    pending.text = ''
    settle(pending)
    pending.reject(error)
  }

  /** What is asked within one turn of the event loop is one write: each costs more than the request itself. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#failure !== undefined || this.#waiting.length === 0) return
    const socket = this.#socket
    socket.cork()
    while (!this.#full && this.#sent.size < this.#settings.maxInFlight) {
      const pending = this.#waiting.shift()
      if (pending === undefined) break
      if (!pending.dropped) this.#send(pending)
    }
    socket.uncork()
  }

  #send(pending: Pending): void {
    let frame: Uint8Array
    try {
      frame = encodeFrame('length', {
        type: REQUEST_TABLE[pending.name].type,
        timestampMs: Date.now(),
        sessionId: pending.sessionId,
        payload: pending.text,
      })
    } catch (error) {
      this.#drop(pending, tooLarge(error))
      return
    }
    if (frame.length - 4 > this.#settings.maxFrameBytes) {
      this.#drop(pending, tooLarge())
      return
    }
    pending.text = ''
    this.#sent.set(pending.id, pending)
    this.#full = !this.#socket.write(frame)
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
      this.#misunderstood('its frames are malformed', error)
      return
    }
    this.#pump()
  }

  #answer(frame: Frame): void {
    const payload = decoded(frame)
    const failed = frame.type === MESSAGE_TYPE.ErrorResponse
    const pending = this.#sent.get(payload?.['id'] as number)
    if (payload === undefined || pending === undefined) {
      const fault = payload === undefined ? 'payload' : ERROR_ANSWER(payload, 'error')
      if (!failed || fault !== undefined) this.#misunderstood('it answers what was not asked')
      else this.#parting = errorOfAnswer(payload as unknown as ErrorPayload)
      return
    }
    const { type, answer } = REQUEST_TABLE[pending.name]
    if (!failed && frame.type !== type + 1) {
      this.#misunderstood('an answer has the wrong type')
      return
    }
    this.#sent.delete(pending.id)
    settle(pending)
    if (pending.dropped) return
    const fault = (failed ? ERROR_ANSWER : answer)(payload, 'payload')
    if (fault !== undefined) {
      const what = `member "${fault}" of an answer is not valid`
      pending.reject(notUnderstood(this.#settings.socket, what))
    } else if (failed) pending.reject(errorOfAnswer(payload as unknown as ErrorPayload))
    else {
      delete payload['id']
      pending.resolve(payload as never)
    }
  }

  #misunderstood(what: string, cause?: unknown): void {
    this.#end(notUnderstood(this.#settings.socket, what, cause))
  }

  #lost(): void {
    this.#end(
      this.#parting ??
        unreachable(
          this.#settings.socket,
          'the connection was lost before an answer came (a change may have been made)',
        ),
    )
  }

  #end(error: SecregError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#socket.destroy()
    for (const pending of [...this.#sent.values(), ...this.#waiting.drain()]) {
      if (!pending.dropped) this.#drop(pending, error)
    }
    this.#sent.clear()
    this.#tellEnd(error)
  }
}

function settle(pending: Pending): void {
  clearTimeout(pending.timer)
  pending.unlisten?.()
  pending.unlisten = undefined
}

function decoded(frame: Frame): Record<string, unknown> | undefined {
  try {
    return decodePayload(frame.payload)
  } catch {
    return undefined
  }
}
