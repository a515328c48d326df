/** Receivers of syslog, in this process. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** One that takes octet-counted messages (RFC 6587 section 3.4.1), and can be away. */
export class SyslogReceiver implements AsyncDisposable {
  /** In the order in which they were whole. */
  readonly messages: string[] = []
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  #paused = false

  /** Listen on a free port of 127.0.0.1. */
  static async start(): Promise<SyslogReceiver> {
    const receiver = new SyslogReceiver()
    await receiver.start()
    return receiver
  }

  /** What the configuration names; the same after a restart. */
  get target(): string {
    return `tcp://127.0.0.1:${this.#port}`
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#sockets.size
  }

  async start(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Go away: connections are cut, new ones refused. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Take connections, and read nothing from them. */
  pause(): void {
    this.#paused = true
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    this.#paused = false
    for (const socket of this.#sockets) socket.resume()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    let pending = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      for (;;) {
        const space = pending.indexOf(0x20)
        if (space === -1) return
        const length = Number(/^[1-9]\d*$/.exec(pending.toString('latin1', 0, space))?.[0])
        if (Number.isNaN(length)) {
          this.messages.push(`a frame without its length: ${pending.toString('latin1', 0, 40)}`)
          socket.destroy()
          return
        }
        if (pending.length < space + 1 + length) return
        this.messages.push(pending.toString('utf8', space + 1, space + 1 + length))
        pending = pending.subarray(space + 1 + length)
      }
    })
    if (this.#paused) socket.pause()
  }
}

/** One that takes datagrams. */
export class DatagramReceiver implements AsyncDisposable {
  readonly messages: string[] = []
  readonly #socket = createSocket('udp4')

  static async start(): Promise<DatagramReceiver> {
    const receiver = new DatagramReceiver()
    receiver.#socket.on('message', (bytes) => receiver.messages.push(bytes.toString()))
    receiver.#socket.bind(0, '127.0.0.1')
    await once(receiver.#socket, 'listening')
    return receiver
  }

  get target(): string {
    return `udp://127.0.0.1:${this.#socket.address().port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }
}

/** The line of the log in a message (RFC 5424 section 6.4: behind a mark of byte order). */
export function lineOf(message: string): string {
  return message.slice(message.indexOf('\ufeff') + 1)
}

/** Numbers of the records in messages, each once, in the order of their first arrival. */
export function sequencesOf(messages: readonly string[]): number[] {
  return [
    ...new Set(messages.map((message) => (JSON.parse(lineOf(message)) as { seq: number }).seq)),
  ]
}
