/** The connections of one producer: ours to cut, and bounded in what a broker may make us hold. */
import { connect as connectNet, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const KEEP_ALIVE_MS = 60_000
/** Longest answer of a broker: the description of a cluster with some 10,000 partitions. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const HEAD_BYTES = 4

export class KafkaSockets {
  readonly #open = new Set<Socket>()
  #cut = false

  /** What kafkajs makes its connections with. */
  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (this.#cut) throw new Error('cut')
    const name = isIP(host) === 0 ? { servername: host } : {}
    // kafkajs hands on whatever stands for no TLS in its configuration.
    const socket = ssl
      ? connectTls({ host, port, ...name, ...ssl }, onConnect)
      : connectNet({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    boundAnswers(socket)
    return socket
  }

  /** Cut what is open, and open nothing any more: what was not sent by now is not sent later. */
  cut(): void {
    this.#cut = true
    for (const socket of this.#open) socket.destroy(new Error('cut'))
  }
}

/** kafkajs holds an answer of any length: end the connection when one is announced that is too long. */
function boundAnswers(socket: Socket): void {
  let head = Buffer.alloc(0)
  let body = 0
  socket.on('data', (chunk: Buffer) => {
    let at = 0
    while (at < chunk.length) {
      if (body > 0) {
        const part = Math.min(body, chunk.length - at)
        body -= part
        at += part
        continue
      }
      const part = chunk.subarray(at, at + HEAD_BYTES - head.length)
      head = Buffer.concat([head, part])
      at += part.length
      if (head.length < HEAD_BYTES) return
      body = head.readUInt32BE()
      head = Buffer.alloc(0)
      if (body > MAX_ANSWER_BYTES) {
        socket.destroy(new Error('an answer is too long'))
        return
      }
    }
  })
}
