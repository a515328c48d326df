/**
 * One connection of the registry socket: bytes to frames to requests, answers in order, and every bound that keeps one
 * peer from hurting the others (specs: rows 7 to 10).
 */
import type { Socket } from 'node:net'
import type { ByteLease } from '@secreg/host'
import { type Caller, LIMITS, MESSAGE_TYPE, SecregError } from '@secreg/protocol'
import { REQUESTS, type RequestName, requestNameOf } from '@secreg/protocol/messages'
import { asSecregError, errorPayload, type Peer, sessionInvalid } from '@secreg/registry'
import {
  decodePayload,
  encodeFrame,
  encodePayload,
  type Frame,
  FrameReader,
} from '@secreg/wire-codec'
import type { Session } from '@secreg/zones'
import type { RegistryHost } from '../registry-host.ts'
import { answerText } from './answer-text.ts'
import { authRequired, dispatch, type Standing } from './dispatch.ts'
import { ReplyQueue } from './reply-queue.ts'

export interface ConnectionOptions {
  readonly host: RegistryHost
  readonly socket: Socket
  readonly peer: Peer
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

type Correlation = string | number | undefined

/**
 * What may be under way together without an id, so that requests without one seem to run one after another: reads
 * beside reads; changes beside changes, which the writer takes in their order; anything else by itself.
 */
type Course = 'read' | 'change' | 'alone'

const COURSES: Readonly<Record<RequestName, Course>> = {
  auth: 'alone',
  get: 'read',
  set: 'change',
  delete: 'change',
  list: 'read',
  hello: 'read',
  logout: 'alone',
  status: 'read',
  audit: 'read',
  export: 'alone',
  import: 'alone',
  seal: 'alone',
  user: 'alone',
  whoami: 'read',
  password: 'alone',
  security: 'read',
}

/** Requests that cost a key derivation: one after another for each connection, or one peer could fill everybody's queue. */
const DERIVES: ReadonlySet<RequestName> = new Set(['auth', 'seal', 'password', 'user'])

/** A frame that has been read. */
interface Asked {
  readonly frame: Frame
  readonly id: Correlation
  readonly name: RequestName | undefined
  /** Its payload, or why it has none. */
  readonly payload: Record<string, unknown> | SecregError
}

export class Connection {
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #replies: ReplyQueue
  #handle: ReturnType<RegistryHost['sessionHandle']>
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
    this.#replies = new ReplyQueue(options.socket)
    this.#handle = options.host.sessionHandle()
    const { socket } = options
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => {
      this.#ended = true
      this.#finishIfDone()
    })
    socket.on('drain', () => this.#account())
    // A peer that goes away is no fault of ours: `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => {
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
    } else if (this.outstanding === 0 && nowMs - this.#activeMs > idleTimeoutMs) {
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

  #receive(chunk: Buffer): void {
    if (this.#ending) return
    this.#reader.push(chunk)
    this.#read()
  }

  #read(): void {
    if (this.#reading) return
    this.#reading = true
    try {
      while (!this.#ending && this.outstanding < LIMITS.outstandingRequests) {
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
      (this.outstanding >= LIMITS.outstandingRequests && this.#reader.bufferedBytes > 0)
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
    this.#activeMs = performance.now()
    const name = requestNameOf(frame.type)
    let id: Correlation
    try {
      this.#checkClock(frame)
      const payload = decodePayload(frame.payload)
      id = correlationOf(payload)
      if (name === undefined) {
        throw new SecregError('MESSAGE_UNKNOWN', `unknown message type ${frame.type}`)
      }
      return { frame, id, name, payload }
    } catch (error) {
      return { frame, id, name, payload: asSecregError(error) }
    }
  }

  #mayStart({ id, name }: Asked): boolean {
    if (id !== undefined || this.#replies.ordered === 0) return true
    const course = name === undefined ? 'read' : COURSES[name]
    return course === this.#course && course !== 'alone'
  }

  #start({ frame, id, name, payload }: Asked): void {
    if (id === undefined) this.#course = name === undefined ? 'read' : COURSES[name]
    const reply = this.#replies.open(id === undefined)
    if (name === undefined || SecregError.is(payload)) {
      this.#answerError(reply, payload as SecregError, frame.type, id)
      return
    }
    let answer: Promise<object> | object
    try {
      const standing = this.#standingOf(frame, name)
      const run = () => dispatch(this.#options.host, standing, name, payload)
      answer = DERIVES.has(name) ? this.#inTurn(run) : run()
    } catch (error) {
      this.#answerError(reply, asSecregError(error), frame.type, id)
      return
    }
    if (!(answer instanceof Promise)) {
      this.#answer(reply, name, id, answer)
      return
    }
    answer.then(
      (response) => {
        if (name === 'auth' && (response as { success: boolean }).success) this.#promote()
        this.#answer(reply, name, id, response)
      },
      (error: unknown) => {
        this.#answerError(reply, asSecregError(error), frame.type, id)
      },
    )
  }

  /** After whatever of this connection derives a key already. */
  #inTurn(run: () => Promise<object> | object): Promise<object> {
    const answer = this.#deriving.then(run)
    this.#deriving = answer.catch(() => {})
    return answer
  }

  #checkClock(frame: Frame): void {
    const { clockSkewMs } = this.#options
    if (clockSkewMs > 0 && Math.abs(frame.timestampMs - Date.now()) > clockSkewMs) {
      throw new SecregError(
        'CLOCK_SKEW',
        'the clocks of client and server differ by more than is allowed',
      )
    }
  }

  /** Whoever sends a session id must have a live session, whatever he asks. */
  #standingOf(frame: Frame, name: RequestName): Standing {
    const { host, peer } = this.#options
    if (frame.sessionId === '') {
      if (REQUESTS[name].session) throw authRequired()
      return { peer }
    }
    this.#handle = host.sessionHandle(this.#handle)
    const session: Session | undefined = this.#handle.handle.resolve(frame.sessionId)
    const caller: Caller | undefined =
      session === undefined ? undefined : host.registry.callerOf(session, peer)
    if (session === undefined || caller === undefined) {
      // A new login with an old id in the header is still a login.
      if (!REQUESTS[name].session) return { peer }
      throw sessionInvalid()
    }
    this.#promote()
    return { peer, session, caller }
  }

  #promote(): void {
    if (this.#authenticated) return
    this.#authenticated = true
    this.#reader.maxFrameBytes = LIMITS.frameBytes
  }

  #answer(
    reply: (frame: Uint8Array) => void,
    name: RequestName,
    id: Correlation,
    response: object,
  ): void {
    const text = answerText(name, id === undefined ? response : { ...response, id })
    this.#send(reply, REQUESTS[name].response, text)
  }

  #answerError(
    reply: (frame: Uint8Array) => void,
    error: SecregError,
    type: number,
    id: Correlation,
  ): void {
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

  #send(reply: (frame: Uint8Array) => void, type: number, payload: string): void {
    reply(
      encodeFrame(this.#reader.framing ?? 'length', {
        type,
        timestampMs: Date.now(),
        payload,
      }),
    )
    this.#account()
    const goOn = this.#held !== undefined || this.outstanding <= RESUME_AT
    if (this.#stopped && !this.#ending && goOn) this.#read()
    else this.#finishIfDone()
  }

  /** Hold what this connection buffers against the budget of all. */
  #account(): void {
    const { lease } = this.#options
    const written = this.#replies.bufferedBytes
    if (written > LIMITS.connectionWriteBytes) {
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
    const frame = encodeFrame(this.#reader.framing ?? 'length', {
      type: MESSAGE_TYPE.ErrorResponse,
      timestampMs: Date.now(),
      payload: encodePayload(errorPayload(error)),
    })
    this.#replies.open(true)(frame)
    this.#finishIfDone()
  }

  #finishIfDone(): void {
    const nothingComes = this.#ending || (this.#ended && !this.#stopped)
    if (!nothingComes || this.outstanding > 0 || this.#finished) return
    this.#finished = true
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

/** The member `id` of a payload (specs: row 8), when it is of the accepted form. */
function correlationOf(payload: Record<string, unknown>): Correlation {
  const { id } = payload
  if (id === undefined) return undefined
  if (typeof id === 'string' && id.length <= LIMITS.requestIdChars) return id
  if (Number.isSafeInteger(id)) return id as number
  throw new SecregError(
    'PAYLOAD_INVALID',
    `id must be an integer or a text of at most ${LIMITS.requestIdChars} characters`,
  )
}
