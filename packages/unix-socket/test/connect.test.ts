import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createTempHome, requireProgram, startChild, waitFor } from '@secreg/testkit'
import { connectSeqpacket, createSeqpacketServer, type SeqpacketSocket } from '@secreg/unix-socket'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  closing,
  connected,
  needNative,
  nextText,
  startServer,
  watchDescriptors,
} from './support.ts'

beforeEach((context) => needNative(context))

async function failure(socket: SeqpacketSocket): Promise<unknown> {
  const closed = closing(socket)
  const [error] = await once(socket, 'error')
  expect(await closed).toBe(true)
  return error
}

describe('what the kernel refuses', () => {
  test('nothing there', async () => {
    await using home = createTempHome()
    const error = await failure(connectSeqpacket({ path: home.file('none') }))
    expect(error).toMatchObject({
      code: 'ERR_UNIX_SOCKET_SYSTEM',
      systemCode: 'ENOENT',
      syscall: 'connect',
    })
  })

  test('a socket that nobody listens on', async (context) => {
    await using home = createTempHome()
    const path = home.file('s')
    const python = requireProgram(context, 'python3')
    const code = `import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind('${path}')`
    await startChild(python, ['-c', code]).exit
    expect(await failure(connectSeqpacket({ path }))).toMatchObject({ systemCode: 'ECONNREFUSED' })
  })

  test('a stream server; and a stream client here', async () => {
    await using home = createTempHome()
    const path = home.file('s')
    const stream = createServer().listen(path)
    await once(stream, 'listening')
    expect(await failure(connectSeqpacket({ path }))).toMatchObject({ systemCode: 'EPROTOTYPE' })
    stream.close()

    await using server = await startServer()
    const { connect } = await import('node:net')
    const client = connect(server.path)
    const [error] = await once(client, 'error')
    expect(error).toMatchObject({ code: 'EPROTOTYPE' })
    expect(server.accepted).toEqual([])
  })

  test('leaves no descriptor open', async () => {
    await using home = createTempHome()
    const opened = watchDescriptors()
    await Promise.all(
      Array.from({ length: 50 }, () => failure(connectSeqpacket({ path: home.file('none') }))),
    )
    await waitFor(() => opened() === 0)
  })
})

describe('a full backlog', () => {
  /** A server that has a backlog and accepts nothing until it is told to. */
  const SERVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1]); s.listen(1); print('ready', flush=True)
sys.stdin.readline()
while True:
    c, _ = s.accept(); c.sendall(b'hello'); c.close()
`

  test('is waited for, then the connection comes', async (context) => {
    const python = requireProgram(context, 'python3')
    await using home = createTempHome()
    const path = home.file('s')
    await using child = startChild(python, ['-c', SERVER, path], { keepInput: true })
    await child.line(/ready/)
    const clients = Array.from({ length: 6 }, () => connectSeqpacket({ path }))
    await waitFor(() => clients.filter(({ connecting }) => !connecting).length === 2)
    expect(clients.some(({ destroyed }) => destroyed)).toBe(false)
    const texts = Promise.all(clients.map(nextText))
    child.process.stdin?.write('\n')
    expect(await texts).toEqual(Array(6).fill('hello'))
  })

  test('for too long is an error', async (context) => {
    const python = requireProgram(context, 'python3')
    await using home = createTempHome()
    const path = home.file('s')
    await using child = startChild(python, ['-c', SERVER, path], { keepInput: true })
    await child.line(/ready/)
    const first = await Promise.all([1, 2].map(() => connected(connectSeqpacket({ path }))))
    const late = connectSeqpacket({ path, connectTimeoutMs: 150 })
    expect(await failure(late)).toMatchObject({
      code: 'ERR_UNIX_SOCKET_TIMEOUT',
      systemCode: 'EAGAIN',
    })
    for (const socket of first) socket.destroy()
  })
})

describe('arguments', () => {
  test.each([
    [undefined, TypeError],
    [1, TypeError],
    [null, TypeError],
    ['', RangeError],
    ['a\0b', RangeError],
    ['\0abstract', RangeError],
    ['x'.repeat(108), RangeError],
    ['é'.repeat(54), RangeError],
  ])('path %j', (path, kind) => {
    expect(() => connectSeqpacket({ path: path as string })).toThrow(kind)
    expect(() => createSeqpacketServer().listen({ path: path as string })).toThrow(kind)
  })

  test.each([
    [{ maxPacketBytes: 0 }, RangeError],
    [{ maxPacketBytes: 1.5 }, RangeError],
    [{ maxPacketBytes: Number.NaN }, RangeError],
    [{ maxPacketBytes: 2 ** 24 + 1 }, RangeError],
    [{ maxPacketBytes: '1' }, TypeError],
    [{ maxQueuedBytes: -1 }, RangeError],
    [{ passCredentials: 1 }, TypeError],
    [{ pauseOnConnect: 'yes' }, TypeError],
  ])('options %j', (options, kind) => {
    expect(() => connectSeqpacket({ path: '/x', ...(options as object) })).toThrow(kind)
    expect(() => createSeqpacketServer(options as object)).toThrow(kind)
  })

  test('the longest path works', async () => {
    await using home = createTempHome()
    const path = join(home.path, 'x'.repeat(107 - home.path.length - 1))
    expect(path.length).toBe(107)
    await using server = createSeqpacketServer().listen({ path })
    const accepted = once(server, 'connection')
    const client = await connected(connectSeqpacket({ path }))
    const [peer] = (await accepted) as [SeqpacketSocket]
    peer.destroy()
    client.destroy()
  })
})
