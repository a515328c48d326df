import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import type { SyslogTransport } from './transport.ts'

export interface UdpTransportOptions {
  /** Name or address of the receiver. */
  readonly host: string
  readonly port: number
}

/**
 * Syslog over UDP (RFC 5426): one message a datagram. UDP promises nothing: a batch is taken for
 * delivered when this machine has sent it and no error came back at once. Datagrams get lost,
 * doubled and reordered; the numbers in the messages show it.
 *
 * Every batch has a socket of its own, so that a receiver that moves is found.
 */
export function createUdpTransport({ host, port }: UdpTransportOptions): SyslogTransport {
  return {
    async send(messages, signal) {
      const { address, family } = await lookup(host)
      signal.throwIfAborted()
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
      let fail = (_reason: unknown): void => {}
      const failed = new Promise<never>((_, reject) => {
        fail = reject
      })
      failed.catch(() => {})
      const aborted = (): void => fail(signal.reason)
      socket.on('error', fail)
      signal.addEventListener('abort', aborted)
      try {
        await Promise.race([sendAll(socket, messages, address, port), failed])
      } finally {
        signal.removeEventListener('abort', aborted)
        socket.close()
      }
    },
    close() {},
  }
}

async function sendAll(
  socket: Socket,
  messages: readonly Buffer[],
  address: string,
  port: number,
): Promise<void> {
  // Only a connected socket is told that nobody listens.
  await new Promise<void>((resolve, reject) => {
    // Not in its types: the callback also gets what goes wrong.
    socket.connect(port, address, (error?: Error) => (error ? reject(error) : resolve()))
  })
  for (const message of messages) {
    await new Promise<void>((resolve, reject) => {
      socket.send(message, (error) => (error === null ? resolve() : reject(error)))
    })
  }
  // What came back meanwhile, for example "port unreachable", is heard in the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
}
