/** A server on a real socket, for tests of what is at its other end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ServeConnectionOptions,
  type ServedConnection,
  type SubauthPort,
  serveConnection,
} from '@secreg/subauth/server'
import { type SkippableContext, skipTest } from '@secreg/testkit'
import {
  createSeqpacketServer,
  nativeProblem,
  type ReceivedPacket,
  type SeqpacketSocket,
} from '@secreg/unix-socket'

export interface SeqpacketSite {
  readonly path: string
  readonly served: readonly ServedConnection[]
  close(): Promise<void>
}

/** The test is skipped, with a count, where there is no native part. */
export function requireSeqpacket(context: SkippableContext): void {
  const problem = nativeProblem()
  if (problem !== undefined) skipTest(context, problem)
}

/** Listen, and serve every connection over a port. */
export async function subauthSite(
  port: SubauthPort,
  options: Partial<ServeConnectionOptions<ReceivedPacket>> = {},
): Promise<SeqpacketSite> {
  const served: ServedConnection[] = []
  const { maxRequestBytes = 16_384 } = options
  const site = await rawSite(
    (socket) => {
      served.push(serveConnection(socket, { portOf: () => port, ...options }))
    },
    { maxPacketBytes: maxRequestBytes, pauseOnConnect: true },
  )
  return { ...site, served }
}

/** Listen, and leave every connection to a function. */
export async function rawSite(
  onConnection: (socket: SeqpacketSocket) => void,
  options: { readonly maxPacketBytes?: number; readonly pauseOnConnect?: boolean } = {},
): Promise<Omit<SeqpacketSite, 'served'>> {
  const directory = mkdtempSync(join(tmpdir(), 'subauth-'))
  const path = join(directory, 's')
  const sockets = new Set<SeqpacketSocket>()
  const server = createSeqpacketServer(options, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    onConnection(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.on('listening', resolve)
    server.on('error', reject)
    server.listen({ path, backlog: 511 })
  })
  return {
    path,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
      rmSync(directory, { recursive: true })
    },
  }
}
