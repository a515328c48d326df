/**
 * A socket in front of the one that the daemon serves gateways on, which passes everything on both ways, and asks
 * something of its own on the connections of the gateway: what whoever has taken the gateway over could ask there.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { frameOf, type Reply } from './wire.ts'

/** Ids of requests that the gateway does not use: it counts from 1. */
const FIRST_ID = 1_000_000_000

/** One connection of the gateway. */
class Line {
  readonly #daemon: Socket
  readonly #gateway: Socket
  readonly #asked = new Map<number, (reply: Reply) => void>()
  #fromGateway: Buffer = Buffer.alloc(0)
  #fromDaemon: Buffer = Buffer.alloc(0)
  #lastId = FIRST_ID
  closed = false

  constructor(gateway: Socket, daemon: Socket) {
    this.#gateway = gateway
    this.#daemon = daemon
    for (const [one, other] of [
      [gateway, daemon],
      [daemon, gateway],
    ] as const) {
      one.on('error', () => {})
      one.once('close', () => {
        this.closed = true
        other.destroy()
      })
    }
    // Frame by frame, so that what is asked here never comes into the middle of one.
    gateway.on('data', (chunk: Buffer) => {
      this.#fromGateway = takeFrames(Buffer.concat([this.#fromGateway, chunk]), (frame) => {
        daemon.write(frame)
      })
    })
    daemon.on('data', (chunk: Buffer) => {
      this.#fromDaemon = takeFrames(Buffer.concat([this.#fromDaemon, chunk]), (frame) => {
        this.#answered(frame)
      })
    })
  }

  ask(type: number, payload: object, session: string): Promise<Reply> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#asked.set(id, resolve)
      this.#daemon.write(frameOf(type, { ...payload, id }, { session }))
    })
  }

  close(): void {
    this.#gateway.destroy()
    this.#daemon.destroy()
  }

  #answered(frame: Buffer): void {
    const body = JSON.parse(frame.subarray(14 + frame.readUInt8(13)).toString())
    const resolve = this.#asked.get(body.id)
    if (resolve === undefined) this.#gateway.write(frame)
    else resolve({ type: frame.readUInt8(4), body })
  }
}

export class TappedSocket implements Disposable {
  readonly #server: Server
  readonly #lines = new Set<Line>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** @param path - where the gateway connects to; @param target - the socket of the daemon */
  static listen(path: string, target: string): Promise<TappedSocket> {
    const server = createServer((gateway) => tapped.#lines.add(new Line(gateway, connect(target))))
    const tapped = new TappedSocket(server)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, () => resolve(tapped))
    })
  }

  /** Ask in a session on every connection that the gateway has. */
  ask(type: number, payload: object, session: string): Promise<Reply[]> {
    const live = [...this.#lines].filter(({ closed }) => !closed)
    return Promise.all(live.map((line) => line.ask(type, payload, session)))
  }

  [Symbol.dispose](): void {
    for (const line of this.#lines) line.close()
    this.#server.close()
  }
}

/** Hand on every whole frame, with its length before it; answers the rest. */
function takeFrames(bytes: Buffer, take: (frame: Buffer) => void): Buffer {
  let rest = bytes
  while (rest.length >= 4) {
    const end = 4 + rest.readUInt32BE(0)
    if (rest.length < end) break
    take(rest.subarray(0, end))
    rest = rest.subarray(end)
  }
  return rest
}
