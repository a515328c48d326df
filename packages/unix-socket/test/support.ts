/** What the tests share: pairs of sockets, what is needed to run, and the package as a child process loads it. */
import { once } from 'node:events'
import { mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import {
  createTempHome,
  runNode,
  type SkippableContext,
  skipTest,
  type TempHome,
} from '@secreg/testkit'
import {
  type ConnectSeqpacketOptions,
  connectSeqpacket,
  createSeqpacketServer,
  nativeProblem,
  type ReceivedPacket,
  type SeqpacketOptions,
  type SeqpacketServer,
  type SeqpacketSocket,
} from '@secreg/unix-socket'
import { buildSync } from 'esbuild'

export const PACKAGE: string = fileURLToPath(new URL('..', import.meta.url))

/** Skip a test where the native part is not there. */
export function needNative(context: SkippableContext): void {
  const problem = nativeProblem()
  if (problem !== undefined) skipTest(context, problem)
}

/** Skip a test that acts as other users. */
export function needRoot(context: SkippableContext): void {
  if (process.geteuid?.() !== 0) skipTest(context, 'needs root to act as other users')
}

/** Skip a test that compiles where that cannot be done; the sentence of the build says why. */
export async function needBuild(context: SkippableContext): Promise<void> {
  needNative(context)
  await using home = createTempHome()
  const { stdout } = await runNode(join(PACKAGE, 'native/build.mjs'), [
    '--out',
    home.file('x.node'),
  ])
  if (stdout !== '') skipTest(context, stdout.trimEnd())
}

/** A server that listens in a directory of its own; disposing of it closes everything. */
export interface TestServer extends AsyncDisposable {
  readonly server: SeqpacketServer
  readonly path: string
  readonly home: TempHome
  /** Accepted connections, in order. */
  readonly accepted: SeqpacketSocket[]
  connect(options?: Partial<ConnectSeqpacketOptions>): SeqpacketSocket
  /** A connection from both its ends, each of which ignores errors. */
  pair(
    options?: Partial<ConnectSeqpacketOptions>,
  ): Promise<{ client: SeqpacketSocket; peer: SeqpacketSocket }>
}

export async function startServer(
  options: SeqpacketOptions = {},
  listen: { backlog?: number } = {},
): Promise<TestServer> {
  const home = createTempHome()
  const path = join(home.path, 's')
  const accepted: SeqpacketSocket[] = []
  const clients = new Set<SeqpacketSocket>()
  const server = createSeqpacketServer(options, (socket) => {
    socket.on('error', () => {})
    accepted.push(socket)
  })
  server.listen({ path, ...listen })
  await once(server, 'listening')
  const connect = (more: Partial<ConnectSeqpacketOptions> = {}): SeqpacketSocket => {
    const client = connectSeqpacket({ path, ...more })
    clients.add(client)
    client.once('close', () => clients.delete(client))
    return client
  }
  return {
    server,
    path,
    home,
    accepted,
    connect,
    pair: async (more) => {
      const [client, [peer]] = await Promise.all([
        connected(connect(more)),
        once(server, 'connection') as Promise<[SeqpacketSocket]>,
      ])
      client.on('error', () => {})
      return { client, peer }
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...clients, ...accepted]) socket.on('error', () => {}).destroy()
      await server[Symbol.asyncDispose]()
      home.remove()
    },
  }
}

export async function connected(socket: SeqpacketSocket): Promise<SeqpacketSocket> {
  await once(socket, 'connect')
  return socket
}

/** Whether a socket closes with an error; `once` of node:events would fail with that error. */
export function closing(socket: SeqpacketSocket): Promise<boolean> {
  return new Promise((resolve) => socket.once('close', resolve))
}

/** Collect what a socket receives from now on. */
export function collect(socket: SeqpacketSocket): ReceivedPacket[] {
  const packets: ReceivedPacket[] = []
  socket.on('packet', (packet) => packets.push(packet))
  return packets
}

/** The next packet as text. */
export async function nextText(socket: SeqpacketSocket): Promise<string> {
  const [packet] = (await once(socket, 'packet')) as [ReceivedPacket]
  return packet.data.toString()
}

/**
 * Count descriptors that are opened from now on and still are. Those that are there already do not count: other files of
 * tests may have left some to the process that close meanwhile.
 */
export function watchDescriptors(): () => number {
  const before = new Set(openDescriptors())
  return () => openDescriptors().filter((one) => !before.has(one)).length
}

/** Numbers, and what they are of: a number alone may be that of another one later. */
function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`
    } catch {
      // That of reading the directory.
      return []
    }
  })
}

/** Turns of the event loop so far. */
export function loopTurns(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount
}

/** The package in a folder of its own, as a child process loads it; with what is built of its native part, or without. */
export function layOut(home: TempHome, withNative = true): string {
  const root = join(home.path, 'unix-socket')
  mkdirSync(root, { recursive: true })
  buildSync({
    entryPoints: [join(PACKAGE, 'src/index.ts')],
    outfile: join(root, 'dist/index.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  })
  symlinkSync(join(PACKAGE, '../../node_modules'), join(root, 'node_modules'))
  symlinkSync(join(PACKAGE, 'package.json'), join(root, 'package.json'))
  symlinkSync(join(PACKAGE, 'native'), join(root, 'native'))
  if (withNative) symlinkSync(join(PACKAGE, 'build'), join(root, 'build'))
  return join(root, 'dist/index.mjs')
}
