/** Servers of HTTP, and of bytes, that a test says everything for. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createByteServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Listening {
  /** Without a slash at its end. */
  readonly url: string
  readonly port: number
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>
  /** Connections that were made so far. */
  readonly connections: number
}

/** Answers requests until the test has finished; with `tls`, a key and certificate in PEM. */
export async function serveHttp(
  answer: RequestListener,
  tls?: { readonly key: string; readonly cert: string },
): Promise<Listening> {
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer)
  // Who counts connections keeps them for as long as he likes.
  server.keepAliveTimeout = 0
  return listening(server, tls)
}

/** Is told of every connection until the test has finished. */
export async function serveBytes(connected: (socket: Socket) => void): Promise<Listening> {
  return listening(createByteServer(connected))
}

async function listening(
  server: Server | ReturnType<typeof createByteServer>,
  tls?: object,
): Promise<Listening> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    sockets,
    get connections() {
      return connections
    },
  }
}
