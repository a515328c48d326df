/**
 * One connection of the registry socket: bytes to frames to requests, answers in order, and every bound that keeps one
 * peer from hurting the others (specs: rows 7 to 10).
 */
import type { Socket } from 'node:net'
import type { ByteLease, OperationOutcome } from '@secreg/host'
import {
  LIMITS,
  MESSAGE_TYPE,
  type MessageType,
  SecregError,
  type WatchResponse,
} from '@secreg/protocol'
import { REQUESTS, type RequestName } from '@secreg/protocol/messages'
import { asSecregError, errorPayload, type Peer } from '@secreg/registry'
import { encodeFrame, encodePayload, type Frame, FrameReader } from '@secreg/wire-codec'
import type { CountedDoor } from '../metrics.ts'
import type { RegistryHost } from '../registry-host.ts'
import { answerText } from './answer-text.ts'
import { type Asked, readAsked } from './asked.ts'
import { ConnectionWatches } from './connection-watches.ts'
import { type Course, courseOf, DERIVES } from './courses.ts'
import { dispatch } from './dispatch.ts'
import { outcomeOf, outcomeOfAnswer } from './outcome.ts'
import { type Reply, ReplyQueue } from './reply-queue.ts'
import { Standings } from './standing.ts'

export interface ConnectionOptions {
  readonly host: RegistryHost
  readonly socket: Socket
  readonly peer: Peer & { readonly door: CountedDoor }
  readonly framing: 'auto' | 'length'
  readonly lease: ByteLease
  /** A started frame must be complete within this time, milliseconds. */
  readonly readTimeoutMs: number
  /** The first login must succeed within this time, milliseconds. */
  readonly authTimeoutMs: number
  /** A connection without a request for this long is closed, milliseconds. */
  readonly idleTimeoutMs: number
  /** Tolerated difference of the clocks, milliseconds; 0 does not look. */
  readonly clockSkewMs: number
  readonly closed: (connection: Connection) => void
}

/** Refused requests of a connection without a login, after which it is closed: they cost records. */
const STRANGER_REFUSALS = 16
/** What every connection has of the budget from its start, so that small requests work when others have used it up. */
const RESERVED_BYTES = 4096
/** Reading goes on when this many requests are left. */
const RESUME_AT = LIMITS.outstandingRequests / 2

export class Connection {
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #replies: ReplyQueue
  readonly #standings: Standings
  readonly #watches: ConnectionWatches
  #authenticated = false
  #refusals = 0
  /** Nothing more is read, and it closes once everything is answered. */
  #ending = false
  /** The peer will send nothing more. */
  #ended = false
  #finished = false
  #reading = false
  /** Reading stands still until answers have left. */
  #stopped = false
  /** Waits for the answers before it. */
  #held: Asked | undefined
  /** Ends with the last request that derives a key. */
  #deriving: Promise<unknown> = Promise.resolve()
  /** Of the requests without an id that are under way. */
  #course: Course = 'read'
  #frameSinceMs: number | undefined
  #activeMs: number
  readonly #openedMs: number

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#socket = options.socket
    this.#openedMs = performance.now()
    this.#activeMs = this.#openedMs
    this.#reader = new FrameReader({
      framing: options.framing,
      maxFrameBytes: LIMITS.unauthenticatedFrameBytes,
    })
    // Who may connect there is known without a login.
    if (this.#isGateway) this.#promote()
    this.#replies = new ReplyQueue(options.socket)
    this.#standings = new Standings(options.host, options.peer)
    this.#watches = new ConnectionWatches({
      host: options.host,
      replies: this.#replies,
      frameOf: (payload) => this.#frameOf(MESSAGE_TYPE.WatchEvent, payload),
      pushed: () => this.#account(),
      idle: () => {
        this.#activeMs = performance.now()
      },
    })
    const { socket } = options
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => {
      this.#ended = true
      this.#finishIfDone()
    })
    socket.on('drain', () => {
      this.#account()
      if (this.#stopped && !this.#ending) this.#read()
    })
    // A peer that goes away is no fault of ours: `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#watches.close()
      options.lease.close()
      options.closed(this)
    })
    if (!options.lease.tryTake(RESERVED_BYTES)) this.#fail(noSpace())
  }

  /** Requests that are not answered. */
  get outstanding(): number {
    return this.#replies.outstanding
  }

  /** Close what has waited too long; called now and then with a monotonic time. */
  enforceTimeouts(nowMs: number): void {
    const { readTimeoutMs, authTimeoutMs, idleTimeoutMs } = this.#options
    if (this.#frameSinceMs !== undefined && nowMs - this.#frameSinceMs > readTimeoutMs) {
      this.#fail(new SecregError('TIMEOUT', 'the frame was not completed in time'))
    } else if (
      !this.#authenticated &&
      nowMs - this.#openedMs > authTimeoutMs &&
      this.outstanding === 0
    ) {
      this.#fail(new SecregError('TIMEOUT', 'no login in time'))
    } else if (this.#isIdle && nowMs - this.#activeMs > idleTimeoutMs) {
      this.#fail(new SecregError('TIMEOUT', 'nothing was asked for too long'))
    }
    // An answer that is not taken holds memory: an error behind it would not be taken either.
    if (this.#replies.stalledMs(nowMs) > readTimeoutMs) this.destroy()
  }

  /** Read nothing more, and close once everything asked is answered. */
  end(): void {
    this.#ending = true
    this.#socket.pause()
    this.#finishIfDone()
  }

  /** Close at once. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Answer that there is no room, and close. */
  refuse(error: SecregError): void {
    this.#fail(error)
  }

  /** A watch lasts as long as the session that it is of, and ends with it. */
  get #isIdle(): boolean {
    return this.outstanding === 0 && this.#watches.size === 0
  }

  /**
   * A gateway asks for many callers, and what some of them ask for must not end the connection of all: it is not read
   * from until it has taken its answers. So it can have as many too large ones as it may have requests under way.
   */
  get #isFull(): boolean {
    return this.#isGateway && this.#replies.bufferedBytes > LIMITS.connectionWriteBytes
  }

  get #isGateway(): boolean {
    return this.#options.peer.gateway !== undefined
  }

  #receive(chunk: Buffer): void {
    if (this.#ending) return
    this.#reader.push(chunk)
    this.#read()
  }

  #read(): void {
    if (this.#reading) return
    this.#reading = true
    try {
      while (!this.#ending && !this.#isFull && this.outstanding < LIMITS.outstandingRequests) {
        const held = this.#held
        if (held !== undefined) {
          if (!this.#mayStart(held)) break
          this.#held = undefined
          this.#start(held)
          continue
        }
        const frame = this.#reader.next()
        if (frame === undefined) break
        const asked = this.#asked(frame)
        if (this.#mayStart(asked)) this.#start(asked)
        else this.#held = asked
      }
    } catch (error) {
      this.#fail(asSecregError(error))
    } finally {
      this.#reading = false
    }
    if (this.#ending) return
    // At the limit it stands still once there is something it may not take: stopping costs system calls.
    this.#stopped =
      this.#held !== undefined ||
      ((this.outstanding >= LIMITS.outstandingRequests || this.#isFull) &&
        this.#reader.bufferedBytes > 0)
    // What was not read for our sake is not late.
    if (this.#stopped || !this.#reader.inFrame) this.#frameSinceMs = undefined
    else this.#frameSinceMs ??= performance.now()
    if (this.#stopped) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
    this.#account()
    this.#finishIfDone()
  }

  #asked(frame: Frame): Asked {
    this.#frameSinceMs = undefined
    const asked = readAsked(frame, this.#options.clockSkewMs)
    this.#activeMs = asked.sinceMs
    return asked
  }

  #mayStart({ id, name, payload }: Asked): boolean {
    if (id !== undefined || this.#replies.ordered === 0) return true
    const course = courseOf(name, SecregError.is(payload) ? {} : payload)
    return course === this.#course && course !== 'alone'
  }

  #start(asked: Asked): void {
    const { frame, id, name, payload } = asked
    if (id === undefined) this.#course = courseOf(name, SecregError.is(payload) ? {} : payload)
    const reply = this.#replies.open(id === undefined)
    if (name === undefined || SecregError.is(payload)) {
      this.#answerError(reply, asked, payload as SecregError)
      return
    }
    let answer: Promise<object> | object
    try {
      const { host, peer } = this.#options
      if (!host.admission.isOpen) {
        host.admission.require(peer, name, payload, () => this.#standings.has(frame.sessionId))
      }
      const standing = this.#standings.of(frame.sessionId, name)
      if (standing.session !== undefined) this.#promote()
      const run = () => dispatch(host, standing, name, payload, this.#watches)
      answer = DERIVES.has(name) ? this.#inTurn(run) : run()
    } catch (error) {
      this.#answerError(reply, asked, asSecregError(error))
      return
    }
    if (!(answer instanceof Promise)) {
      this.#answer(reply, asked, name, answer)
      return
    }
    answer.then(
      (response) => {
        if (name === 'auth' && (response as { success: boolean }).success) this.#promote()
        this.#answer(reply, asked, name, response)
      },
      (error: unknown) => {
        this.#answerError(reply, asked, asSecregError(error))
      },
    )
  }

  /** After whatever of this connection derives a key already. */
  #inTurn(run: () => Promise<object> | object): Promise<object> {
    const answer = this.#deriving.then(run)
    this.#deriving = answer.catch(() => {})
    return answer
  }

  #promote(): void {
    if (this.#authenticated) return
    this.#authenticated = true
    this.#reader.maxFrameBytes = LIMITS.frameBytes
  }

  #answer(reply: Reply, asked: Asked, name: RequestName, response: object): void {
    this.#count(asked, outcomeOfAnswer(name, response))
    const { id } = asked
    const text = answerText(name, id === undefined ? response : { ...response, id })
    if (name !== 'watch') this.#send(reply, REQUESTS[name].response, text)
    else {
      const { watch_id: watchId } = response as WatchResponse
      this.#send(reply, REQUESTS[name].response, text, () => this.#watches.begin(watchId))
    }
  }

  #answerError(reply: Reply, asked: Asked, error: SecregError): void {
    this.#count(asked, outcomeOf(error))
    const { id } = asked
    const { type } = asked.frame
    const payload = errorPayload(error, { type, ...(id === undefined ? {} : { id }) })
    const stranger = error.reason === 'AUTH_REQUIRED' || error.reason === 'SESSION_INVALID'
    if (!stranger) {
      this.#send(reply, MESSAGE_TYPE.ErrorResponse, encodePayload(payload))
      return
    }
    const { host, peer } = this.#options
    this.#refusals++
    const enough = !this.#authenticated && this.#refusals >= STRANGER_REFUSALS
    host.registry.refuse(peer, 'auth', error).catch((recorded: unknown) => {
      const told = asSecregError(recorded)
      const body = told === error ? payload : errorPayload(told, { type })
      this.#send(reply, MESSAGE_TYPE.ErrorResponse, encodePayload(body))
      if (enough) this.end()
    })
  }

  #count({ name, sinceMs }: Asked, outcome: OperationOutcome): void {
    const { host, peer } = this.#options
    const seconds = (performance.now() - sinceMs) / 1000
    host.operations.observe(peer.door, name ?? 'unknown', outcome, seconds)
  }

  #send(reply: Reply, type: MessageType, payload: string, left?: () => void): void {
    reply(this.#frameOf(type, payload), left)
    this.#account()
    const goOn = this.#held !== undefined || this.outstanding <= RESUME_AT
    if (this.#stopped && !this.#ending && goOn) this.#read()
    else this.#finishIfDone()
  }

  #frameOf(type: MessageType, payload: string): Uint8Array {
    const framing = this.#reader.framing ?? 'length'
    return encodeFrame(framing, { type, timestampMs: Date.now(), payload })
  }

  /** Hold what this connection buffers against the budget of all. */
  #account(): void {
    const { lease } = this.#options
    const written = this.#replies.bufferedBytes
    if (written > LIMITS.connectionWriteBytes && !this.#isGateway) {
      this.destroy()
      return
    }
    const bytes = Math.max(RESERVED_BYTES, this.#reader.bufferedBytes + written)
    const delta = bytes - lease.heldBytes
    if (delta < 0) lease.release(-delta)
    else if (delta > 0 && !lease.tryTake(delta)) {
      this.#fail(noSpace())
    }
  }

  /** One error, after the answers before it, then close. */
  #fail(error: SecregError): void {
    if (this.#ending) return
    this.#ending = true
    this.#socket.pause()
    this.#watches.close()
    const payload = encodePayload(errorPayload(error))
    this.#replies.open(true)(this.#frameOf(MESSAGE_TYPE.ErrorResponse, payload))
    this.#finishIfDone()
  }

  #finishIfDone(): void {
    const nothingComes = this.#ending || (this.#ended && !this.#stopped)
    if (!nothingComes || this.outstanding > 0 || this.#finished) return
    this.#finished = true
    this.#watches.close()
    this.#replies.flush()
    this.#socket.end()
    // A peer that does not read its last answer must not keep the connection.
    this.#socket.resume()
    setTimeout(() => this.#socket.destroy(), 1000).unref()
  }
}

function noSpace(): SecregError {
  return new SecregError('BUSY', 'the server has no buffer space left', { retryAfterSeconds: 1 })
}
