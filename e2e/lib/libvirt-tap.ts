/** A socket before the daemon's that passes everything on both ways and counts what goes by. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import {
  type Frame,
  FrameReader,
  keepaliveOf,
  PROCEDURES,
  type ProcedureKey,
} from '@secreg/libvirt'

const REPLY = 1
const MESSAGE = 2

export class LibvirtTap implements Disposable {
  readonly path: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #counts = new Map<string, number>()

  private constructor(path: string, server: Server) {
    this.path = path
    this.#server = server
  }

  /** @param path - where clients connect to; @param target - the socket of the daemon */
  static listen(path: string, target: string): Promise<LibvirtTap> {
    const server = createServer((near) => tap.#join(near, connect(target)))
    const tap = new LibvirtTap(path, server)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, () => resolve(tap))
    })
  }

  /** Replies to a procedure that have gone by. */
  replies(key: ProcedureKey): number {
    return this.#count(`reply ${PROCEDURES[key].number}`)
  }

  /** Messages of keepalive that one side has sent. */
  keepalive(from: 'client' | 'server', kind: 'ping' | 'pong'): number {
    return this.#count(`${from} ${kind}`)
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #count(what: string): number {
    return this.#counts.get(what) ?? 0
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, socket, other] of [
      ['client', near, far],
      ['server', far, near],
    ] as const) {
      this.#sockets.add(socket)
      const reader = new FrameReader()
      socket.on('data', (chunk: Buffer) => {
        reader.push(Uint8Array.from(chunk))
        other.write(chunk)
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          const what = whatOf(from, frame)
          this.#counts.set(what, this.#count(what) + 1)
        }
      })
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}

function whatOf(from: string, frame: Frame): string {
  const kind = keepaliveOf(frame)
  if (kind !== undefined) return `${from} ${kind}`
  const type = frame.type === REPLY ? 'reply' : frame.type === MESSAGE ? 'message' : 'call'
  return `${type} ${frame.procedure}`
}
