import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type LogClock, systemClock } from '../../audit-log.ts'
import { SinkError } from '../errors.ts'
import type { SyslogTransport } from './transport.ts'
import { unacknowledgedBytes } from './unacknowledged.ts'

/** How a receiver is known, and how it knows us. */
export interface SyslogTlsOptions {
  /** Certificates in PEM that are trusted, instead of those of the system. */
  readonly ca?: string | Buffer
  /** Name that the receiver's certificate must have; default: the host. */
  readonly servername?: string
  /** Certificate and key of this sender in PEM (RFC 5425 §4.2.2). */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
}

export interface StreamTransportOptions {
  readonly host: string
  readonly port: number
  /** TLS 1.2 or later, always with a verified receiver; without it plain TCP. */
  readonly tls?: SyslogTlsOptions
  /** When a batch is taken for delivered; default `close`. See {@link createStreamTransport}. */
  readonly confirm?: 'close' | 'write'
  /** Default 10,000, to the end of the TLS handshake. */
  readonly connectTimeoutMs?: number
  readonly clock?: LogClock
}

/**
 * Syslog over TCP or TLS with octet counting (RFC 6587 §3.4.1, RFC 5425 §4.3.1).
 *
 * Syslog has no acknowledgement: that a write succeeded says that the bytes are in a buffer of this
 * machine, and whatever is there when the connection breaks is lost. Closing is the one answer that
 * a receiver gives. With `confirm: 'close'`, each batch has a connection of its own, which this side
 * closes behind the last message; the batch is delivered when the receiver then closes its side
 * without an error (with TLS it must answer so, RFC 5425 §4.4), because its system resets a
 * connection that is closed with bytes unread. So everything was read by the receiver's program,
 * though maybe not stored. A receiver that closes while bytes are still on the way does so without
 * an error at first; therefore this side closes only once they are across, and a receiver that was
 * quicker has not got the batch. Left is a receiver that ends before it has stored what it read, and
 * whoever sits in the middle and can forge the end of a connection; the numbers in the messages show
 * both. Where the system does not tell what is across, the time that it needs stands in.
 *
 * With `confirm: 'write'`, for receivers that keep half-closed connections open, one connection
 * serves all batches, and a batch is delivered when it is written: what is on the way when the
 * connection breaks is lost.
 */
export function createStreamTransport(options: StreamTransportOptions): SyslogTransport {
  return new StreamTransport(options)
}

class StreamTransport implements SyslogTransport {
  readonly #options: StreamTransportOptions
  /** Kept for the next batch with `confirm: 'write'`. */
  #kept: Connection | undefined

  constructor(options: StreamTransportOptions) {
    this.#options = options
  }

  async send(messages: readonly Buffer[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const keeps = this.#options.confirm === 'write'
    // A peer that closed while nothing was sent is heard of in the next turn at the latest.
    if (this.#kept !== undefined) await new Promise((resolve) => setImmediate(resolve))
    if (this.#kept?.over) this.#kept = undefined
    const connection = this.#kept ?? new Connection(this.#options)
    this.#kept = undefined
    const abort = (): void => connection.fail(signal.reason)
    signal.addEventListener('abort', abort)
    try {
      await connection.ready
      await connection.write(frame(messages))
      if (keeps) this.#kept = connection
      else await connection.finish()
    } catch (error) {
      connection.fail(error)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  close(): void {
    this.#kept?.fail(new SinkError('ERR_SINK_CLOSED', 'the sink is being closed'))
    this.#kept = undefined
  }
}

/**
 * Round trips in which the largest batch gets across, its speed doubling with each from about 14 KB
 * (RFC 6928), and what the systems may take besides.
 */
const DRAIN_ROUND_TRIPS = 8
const DRAIN_LEAST_MS = 20
const DRAIN_MOST_MS = 2000

/** One connection. What goes wrong with it, whenever it does, is what all its steps fail with. */
class Connection {
  /** The handshakes are done. */
  readonly ready: Promise<void>
  readonly #socket: Socket
  readonly #failed: Promise<never>
  readonly #closed: Promise<void>
  readonly #clock: LogClock
  #connectMs = 0
  #fail: (reason: unknown) => void = () => {}
  #finishing = false
  #over = false

  constructor(options: StreamTransportOptions) {
    const { host, port, tls, connectTimeoutMs = 10_000, clock = systemClock } = options
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.#failed.catch(() => {})
    this.#clock = clock
    const target = { host, port, allowHalfOpen: true }
    const socket =
      tls === undefined
        ? connectTcp(target)
        : connectTls({ ...target, ...tlsOptions(host, tls), rejectUnauthorized: true })
    this.#socket = socket
    const cancel = clock.after(connectTimeoutMs, () => {
      this.fail(new SinkError('ERR_SINK_TIMEOUT', 'the receiver does not answer'))
    })
    let startMs = clock.now()
    socket.once('lookup', () => {
      startMs = clock.now()
    })
    socket.once('connect', () => {
      this.#connectMs = clock.now() - startMs
    })
    const connected = new Promise<void>((resolve) => {
      socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve)
    })
    this.ready = this.#orFailure(connected).finally(cancel)
    this.ready.catch(() => {})
    socket.on('error', (error) => this.fail(error))
    socket.on('end', () => {
      if (!this.#finishing) this.fail(peerClosed())
    })
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        if (this.#finishing && socket.readableEnded) resolve()
        else this.fail(peerClosed())
      })
    })
    // A receiver says nothing; reading is what makes its end heard.
    socket.resume()
    socket.setKeepAlive(true, 30_000)
  }

  get over(): boolean {
    return this.#over
  }

  fail(reason: unknown): void {
    this.#over = true
    this.#fail(reason)
    this.#socket.destroy()
  }

  write(bytes: Buffer): Promise<void> {
    return this.#orFailure(
      new Promise((resolve) => {
        this.#socket.write(bytes, (error) => {
          // The error itself comes with its event.
          if (error === null || error === undefined) resolve()
        })
      }),
    )
  }

  /** Close this side once everything is across, and wait for the other. */
  async finish(): Promise<void> {
    let waitMs = Math.min(DRAIN_LEAST_MS + DRAIN_ROUND_TRIPS * this.#connectMs, DRAIN_MOST_MS)
    do {
      await this.#pass(waitMs)
      waitMs = Math.min(waitMs * 2, DRAIN_MOST_MS)
    } while (await this.#orFailure(unacknowledgedBytes(this.#socket)))
    this.#finishing = true
    this.#socket.end()
    await this.#orFailure(this.#closed)
  }

  async #pass(delayMs: number): Promise<void> {
    let cancel = (): void => {}
    const passed = new Promise<void>((resolve) => {
      cancel = this.#clock.after(delayMs, resolve)
    })
    await this.#orFailure(passed).finally(() => cancel())
  }

  #orFailure<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, this.#failed])
  }
}

function tlsOptions(host: string, tls: SyslogTlsOptions): object {
  const { ca, cert, key } = tls
  // A server name must not be an address (RFC 6066 §3); the certificate is then checked for it.
  const servername = tls.servername ?? (isIP(host) === 0 ? host : undefined)
  return {
    minVersion: 'TLSv1.2',
    ...(servername === undefined ? {} : { servername }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

function frame(messages: readonly Buffer[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [Buffer.from(`${message.length} `), message]))
}

function peerClosed(): SinkError {
  return new SinkError('ERR_SINK_PEER_CLOSED', 'the receiver closed the connection')
}
