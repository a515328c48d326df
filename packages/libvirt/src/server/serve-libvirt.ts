/**
 * One connection of libvirt's RPC, from its first byte to its end (libvirt, virnetserverclient.c, virnetserverprogram.c).
 * Replies leave in the order of their calls, events of what a call did behind its reply. Nothing is read while as many
 * calls are in work as may be, or while the peer does not take what it is sent.
 */
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import {
  FRAME_STATUS,
  FRAME_TYPES,
  type Frame,
  PROGRAM_VERSION,
  REMOTE_PROGRAM,
} from '../wire/frame.ts'
import { FrameReader } from '../wire/frame-reader.ts'
import { type KeepaliveProcedure, keepaliveOf, writeKeepalive } from '../wire/keepalive.ts'
import { CallOrder } from './call-order.ts'
import { type Call, callOf, refusedCall } from './calls.ts'
import { HeldBytes } from './held-bytes.ts'
import { KeepaliveTimer } from './keepalive-timer.ts'
import { type ServeLibvirtOptions, type ServeSettings, serveSettings } from './options.ts'
import { Outlet } from './outlet.ts'
import type { SecretEvent } from './port.ts'
import { type Outgoing, ReplyLine } from './reply-line.ts'
import { writeEvent } from './secret-messages.ts'
import { Session } from './session.ts'
import type { StreamConnection } from './stream-connection.ts'
import { Subscriptions } from './subscriptions.ts'
import { type Told, toldAs } from './told-as.ts'

const NOTHING: Outgoing = { bytes: new Uint8Array(0), isSecret: false }

/** A connection that is being served. */
export interface ServedLibvirt {
  /** Settles, never rejected, once the connection is closed. */
  readonly closed: Promise<void>
  /** Close it once what is in work has been answered; nothing more is read. */
  finish(): void
}

/**
 * Serve a connection. It belongs to this from now on, and is closed behind the reply to CLOSE, when its peer has closed
 * it, and at a frame that is none.
 *
 * @param connection - with `allowHalfOpen`, so that a peer that has said all it has to is answered
 * @throws TypeError, RangeError for wrong options
 */
export function serveLibvirt(
  connection: StreamConnection,
  options: ServeLibvirtOptions,
): ServedLibvirt {
  const served = new Served(connection, serveSettings(options))
  connection.resume()
  return served
}

class Served implements ServedLibvirt {
  readonly closed: Promise<void>
  readonly #connection: StreamConnection
  readonly #settings: ServeSettings
  readonly #reader: FrameReader
  readonly #outlet: Outlet
  readonly #line: ReplyLine
  readonly #order = new CallOrder()
  readonly #subscriptions: Subscriptions
  readonly #session: Session
  readonly #keepalive: KeepaliveTimer
  readonly #held: HeldBytes
  readonly #openTimer: unknown
  /** Of a frame that has begun; absent: none has, or it is of our making that nothing more of it is read. */
  #frameTimer: unknown
  /** What was read and is in the reader still; wiped when it no longer is. */
  #chunks: Uint8Array[] = []
  /** Events of a change whose reply has not been sent; absent: none is in work. */
  #heldEvents: Uint8Array[] | undefined
  #isFinishing = false
  #hasEnded = false

  constructor(connection: StreamConnection, settings: ServeSettings) {
    const { timers } = settings
    this.#connection = connection
    this.#settings = settings
    this.#reader = new FrameReader(settings.maxUnopenedFrameBytes)
    this.#outlet = new Outlet(connection, {
      ...settings,
      onRoom: () => this.#pump(),
      onLeft: () => this.#held.tell(),
    })
    this.#held = new HeldBytes({
      onHeld: settings.onHeld,
      others: () => this.#reader.bodyBytes + (connection.writableLength ?? 0),
      onNoRoom: () => this.#outlet.destroy(),
    })
    this.#line = new ReplyLine((reply) => this.#outlet.send(reply))
    this.#subscriptions = new Subscriptions(
      settings.maxCallbacks,
      (id, event) => this.#tell(id, event),
      // A client that would miss what comes would not know.
      () => this.#outlet.destroy(),
    )
    this.#keepalive = new KeepaliveTimer({
      intervalMs: settings.keepaliveIntervalMs,
      count: settings.keepaliveCount,
      timers,
      onPing: () => this.#sendKeepalive('ping'),
      onDead: () => this.#outlet.destroy(),
      isDeaf: () => this.#isBusy,
    })
    this.#session = new Session({
      portOf: settings.portOf,
      readOnly: settings.readOnly,
      elevate: settings.elevate,
      versionNumber: settings.versionNumber,
      subscriptions: this.#subscriptions,
      onKeepalive: () => this.#keepalive.start(),
    })
    if (settings.openTimeoutMs > 0) {
      this.#openTimer = timers.set(() => this.#outlet.destroy(), settings.openTimeoutMs)
    }
    this.closed = new Promise((resolve) => {
      connection.on('close', () => {
        this.#onClosed()
        resolve()
      })
    })
    // It says why the connection ends, which is nobody's fault here; `close` follows.
    connection.on('error', () => {})
    connection.on('data', (chunk) => this.#onData(chunk))
    connection.on('end', () => {
      this.#hasEnded = true
      this.#pump()
    })
  }

  finish(): void {
    this.#isFinishing = true
    this.#connection.pause()
    this.#endWhenDone()
  }

  /** As many calls are in work as may be: one until the connection is open, as that decides what is read next. */
  get #isBusy(): boolean {
    return this.#line.length >= (this.#session.isOpen ? this.#settings.maxCallsInWork : 1)
  }

  #onClosed(): void {
    this.#isFinishing = true
    this.#outlet.closed()
    this.#keepalive.stop()
    this.#settings.timers.clear(this.#openTimer)
    this.#clearFrameTimer()
    this.#subscriptions.close()
    this.#reader.wipe()
    this.#wipeChunks()
  }

  #onData(chunk: Uint8Array): void {
    if (this.#isFinishing) {
      chunk.fill(0)
      return
    }
    this.#reader.push(chunk)
    this.#chunks.push(chunk)
    this.#held.hold(chunk.length)
    this.#pump()
    this.#held.tell()
  }

  #pump(): void {
    try {
      while (!this.#isFinishing && !this.#isBusy && !this.#outlet.isFull) {
        const frame = this.#reader.next()
        if (frame === undefined) break
        this.#clearFrameTimer()
        this.#accept(frame)
      }
    } catch {
      // What follows a length that is none cannot be read.
      this.#isFinishing = true
    }
    if (this.#reader.pendingBytes === 0) this.#wipeChunks()
    if (this.#hasEnded && !this.#isBusy && !this.#outlet.isFull) this.#isFinishing = true
    if (this.#isFinishing || this.#isBusy || this.#outlet.isFull) {
      this.#clearFrameTimer()
      this.#connection.pause()
    } else {
      this.#limitFrame()
      this.#connection.resume()
    }
    this.#endWhenDone()
  }

  /** What has come of a frame takes memory until the rest has come. */
  #limitFrame(): void {
    const { timers, frameTimeoutMs } = this.#settings
    if (frameTimeoutMs === 0 || this.#reader.isBetweenFrames) return
    this.#frameTimer ??= timers.set(() => this.#outlet.destroy(), frameTimeoutMs)
  }

  #clearFrameTimer(): void {
    this.#settings.timers.clear(this.#frameTimer)
    this.#frameTimer = undefined
  }

  #accept(frame: Frame): void {
    this.#keepalive.heard()
    if (keepaliveOf(frame) === 'ping') {
      this.#sendKeepalive('pong')
    } else if (frame.type === FRAME_TYPES.CALL_FDS) {
      // Descriptors cannot be received, and what follows would be read as something else.
      this.#isFinishing = true
    } else if (frame.type === FRAME_TYPES.CALL) {
      this.#call(frame)
    }
  }

  #call(frame: Frame): void {
    const since = this.#settings.now()
    const { length } = frame.body
    this.#held.hold(length)
    let refused: Told | undefined
    let isDropped = false
    const call = expectCall(frame)
    const { name, changes, closes } = call
    // Nothing is read behind a CLOSE.
    if (closes) this.#isFinishing = true
    const reply = this.#line.take(() => {
      this.#held.release(length)
      const durationMs = this.#settings.now() - since
      if (!isDropped) {
        this.#settings.onCall?.({ procedure: frame.procedure, name, durationMs, ...refused?.call })
      }
      if (changes) this.#releaseEvents()
      if (this.#session.isOpen) this.#onOpen()
      this.#pump()
      this.#held.tell()
    })
    const answer = async (): Promise<Outgoing> => {
      try {
        // Whoever is gone is not to change anything any more.
        if (this.#outlet.isOver) {
          isDropped = true
          return NOTHING
        }
        if (changes) this.#heldEvents = []
        return await call.answer(this.#session, frame)
      } catch (error) {
        refused = toldAs(frame, error)
        return { bytes: refused.bytes, isSecret: false }
      } finally {
        frame.body.fill(0)
      }
    }
    // The next in order waits for the reply too, so that the events of each call are behind its own.
    this.#order.run(changes, async () => reply(await answer())).catch(() => this.#outlet.destroy())
  }

  #sendKeepalive(procedure: KeepaliveProcedure): void {
    this.#outlet.send({ bytes: writeKeepalive(procedure), isSecret: false })
  }

  #onOpen(): void {
    this.#settings.timers.clear(this.#openTimer)
    this.#reader.maxFrameBytes = this.#settings.maxFrameBytes
  }

  #tell(callbackId: number, event: SecretEvent): void {
    let bytes: Uint8Array
    try {
      bytes = writeEvent(callbackId, event)
    } catch {
      // A client that misses an event would not know, and the port is not to pay for one that cannot be told.
      this.#outlet.destroy()
      return
    }
    if (this.#heldEvents === undefined) this.#outlet.sendEvent(bytes)
    else if (this.#heldEvents.length < this.#settings.maxWaitingEvents) this.#heldEvents.push(bytes)
    else this.#outlet.destroy()
  }

  #releaseEvents(): void {
    const held = this.#heldEvents ?? []
    this.#heldEvents = undefined
    for (const bytes of held) this.#outlet.sendEvent(bytes)
  }

  #endWhenDone(): void {
    if (this.#isFinishing && this.#line.length === 0) this.#outlet.end()
  }

  #wipeChunks(): void {
    for (const chunk of this.#chunks) {
      chunk.fill(0)
      this.#held.release(chunk.length)
    }
    this.#chunks = []
  }
}

/** The call of a frame; of one that is none, a call that is refused. */
function expectCall({ program, version, procedure, status }: Frame): Call {
  if (program !== REMOTE_PROGRAM || version !== PROGRAM_VERSION) {
    return refusedCall(LIBVIRT_ERRORS.unknownProgram(program, version))
  }
  if (status !== FRAME_STATUS.OK) return refusedCall(LIBVIRT_ERRORS.unexpectedStatus(status))
  return callOf(procedure) ?? refusedCall(LIBVIRT_ERRORS.unknownProcedure(procedure))
}
