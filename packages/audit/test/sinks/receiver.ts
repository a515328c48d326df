import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { onTestFinished } from 'vitest'

export function certificate(name: 'ca' | 'receiver' | 'sender'): Buffer {
  return readFileSync(new URL(`certs/${name}.pem`, import.meta.url))
}

export interface Receiver {
  readonly port: number
  /** Messages of all connections, in the order in which they were whole. */
  readonly messages: string[]
  readonly connections: Set<Socket>
  /** Connections so far. */
  accepted: number
  /** Read nothing from now on. */
  paused: boolean
  /** Close the connection after so many more messages, whatever is still to be read. */
  dieAfter: number
  /** Go away, and come back on the same port. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** A syslog receiver with octet counting (RFC 6587 §3.4.1), closed after the test. */
export async function startReceiver(tls?: TlsOptions): Promise<Receiver> {
  let server: Server
  let port = 0
  const serve = (socket: Socket): void => {
    receiver.accepted++
    receiver.connections.add(socket)
    socket.on('close', () => receiver.connections.delete(socket))
    socket.on('error', () => {})
    if (receiver.paused) return
    let pending = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk])
      for (;;) {
        const space = pending.indexOf(0x20)
        if (space === -1) return
        const length = Number(/^[1-9]\d*$/.exec(pending.toString('latin1', 0, space))?.[0])
        if (Number.isNaN(length)) throw new Error('a frame without its length')
        if (pending.length < space + 1 + length) return
        receiver.messages.push(pending.toString('utf8', space + 1, space + 1 + length))
        pending = pending.subarray(space + 1 + length)
        // Whole frames that were read are kept, as far as they came in this turn.
        if (--receiver.dieAfter === 0) setImmediate(() => socket.destroy())
      }
    })
  }
  const receiver: Receiver = {
    get port() {
      return port
    },
    messages: [],
    connections: new Set(),
    accepted: 0,
    paused: false,
    dieAfter: Number.POSITIVE_INFINITY,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of receiver.connections) socket.destroy()
      await closed
    },
    async start() {
      server = tls === undefined ? createServer() : createTlsServer(tls)
      server.on(tls === undefined ? 'connection' : 'secureConnection', serve)
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    },
  }
  await receiver.start()
  onTestFinished(() => receiver.stop())
  return receiver
}

/** The sequence numbers in the lines of messages. */
export function sequencesOf(messages: readonly string[]): number[] {
  return messages.map((message) => {
    return (JSON.parse(message.slice(message.indexOf('\ufeff') + 1)) as { seq: number }).seq
  })
}
