/** HTTP by hand: bytes as they are, also such as no client would send. */
import { connect } from 'node:net'

/**
 * Send bytes and read until the server closes.
 *
 * @param at - path of a socket, or port of 127.0.0.1
 * @returns what it has sent; empty when it closed unheard, or nobody listens
 */
export function rawHttp(at: string | number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = typeof at === 'string' ? connect(at) : connect(at, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    // A server that refuses closes while it is still sent to.
    socket.on('error', () => {})
    socket.once('close', () => resolve(text))
    socket.once('connect', () => socket.write(bytes))
  })
}
