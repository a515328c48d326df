/** Stand-in of tailscaled: a socket that answers as told. */
import { createServer, type Server, type Socket } from 'node:net'
import { createTempHome } from '@secreg/testkit'

/** What one connection is answered with; it has sent `request` so far. */
export type Answering = (request: string, socket: Socket) => void

export interface TailscaledStandIn extends AsyncDisposable {
  readonly socket: string
  /** Requests in full, in the order of arrival. */
  readonly asked: string[]
  answering: Answering
}

/** An HTTP answer with the length of its body. */
export function httpAnswer(status: number, body: string): string {
  return `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** Answer every question with one JSON text. */
export function says(answer: unknown, status = 200): Answering {
  return (_, socket) => void socket.end(httpAnswer(status, JSON.stringify(answer)))
}

export async function startTailscaled(answering: Answering): Promise<TailscaledStandIn> {
  const home = createTempHome()
  const socket = home.file('tailscaled.sock')
  const sockets = new Set<Socket>()
  const server: Server = createServer((peer) => {
    sockets.add(peer)
    peer.on('close', () => sockets.delete(peer))
    peer.on('error', () => {})
    let text = ''
    peer.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (!text.endsWith('\r\n\r\n')) return
      standIn.asked.push(text)
      standIn.answering(text, peer)
    })
  })
  const standIn: TailscaledStandIn = {
    socket,
    asked: [],
    answering,
    async [Symbol.asyncDispose]() {
      for (const peer of sockets) peer.destroy()
      await new Promise((resolve) => server.close(resolve))
      home.remove()
    },
  }
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return standIn
}
