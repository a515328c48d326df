/** What comes beside the bytes of a packet, from a client that is not ours: descriptors and stated ids. */
import { chmodSync } from 'node:fs'
import {
  type Child,
  requireProgram,
  runChild,
  skipTest,
  startChild,
  waitFor,
} from '@secreg/testkit'
import type { ReceivedPacket } from '@secreg/unix-socket'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  collect,
  needNative,
  needRoot,
  startServer,
  type TestServer,
  watchDescriptors,
} from './support.ts'

beforeEach((context) => needNative(context))

/** Connects as the process is, then runs the lines it is given. */
const CLIENT = `
import array, os, socket, struct, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
def rights(*fds): return (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))
def creds(pid, uid, gid): return (socket.SOL_SOCKET, 2, struct.pack('iII', pid, uid, gid))
def attempt(call):
    try: call(); print('sent', flush=True)
    except OSError as error: print('error', error.errno, flush=True)
path = sys.argv[1]
exec(sys.argv[2])
print('done', flush=True); sys.stdin.readline()
`

/**
 * The last close of a TCP socket with unsent data waits, as long as `SO_LINGER` says, until its peer reads or goes away. In
 * the queue of another socket it cannot be told to not.
 */
const LINGERING = `
keep = []
def lingering():
    listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
    tcp = socket.socket(); tcp.connect(listener.getsockname()); keep.append((listener, listener.accept()))
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 45)); tcp.setblocking(False)
    try:
        while True: tcp.send(b'x' * 65536)
    except BlockingIOError: return tcp
def pass_nested():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    tcp = lingering(); a.sendmsg([b'x'], [rights(tcp.fileno())]); tcp.close()
    s.sendmsg([b'nested'], [rights(b.fileno())]); b.close(); a.close()
`

function run(python: string, server: TestServer, code: string): Child {
  return startChild(python, ['-c', CLIENT, server.path, code], { keepInput: true })
}

describe('descriptors', () => {
  for (const [name, code, count] of [
    ['one', `s.sendmsg([b'x'], [rights(0)])`, 1],
    ['three in one message', `s.sendmsg([b'x'], [rights(0, 1, 2)])`, 1],
    ['several messages', `s.sendmsg([b'x'], [rights(0), rights(1, 2), rights(0)])`, 1],
    ['as many as the kernel lets through', `s.sendmsg([b'x'], [rights(*([0] * 253))])`, 1],
    [
      'with stated ids',
      `s.sendmsg([b'x'], [rights(0), creds(os.getpid(), os.getuid(), os.getgid())])`,
      1,
    ],
    ['with every packet', `for i in range(100): s.sendmsg([b'x'], [rights(0, 0)])`, 100],
  ] as const) {
    test(`${name}: the packet comes whole, and they are closed`, async (context) => {
      const python = requireProgram(context, 'python3')
      await using server = await startServer()
      const opened = watchDescriptors()
      const got: ReceivedPacket[] = []
      server.server.on('connection', (socket) => {
        socket.on('packet', (packet) => got.push(packet))
      })
      await using child = run(python, server, `s.connect(path)\n${code}`)
      await child.line(/done/)
      await waitFor(() => got.length === count)
      expect(got.every(({ data, truncated }) => data.toString() === 'x' && !truncated)).toBe(true)
      // Three pipes to the child, and its connection.
      await waitFor(() => opened() === 4)
    })
  }

  test('those of packets that nobody receives are closed with the connection', async (context) => {
    const python = requireProgram(context, 'python3')
    await using server = await startServer({ pauseOnConnect: true })
    const opened = watchDescriptors()
    const code = `
s.connect(path)
s.sendmsg([b''], [rights(0)])
for i in range(20): s.sendmsg([b'x'], [rights(*([0] * 253))])
`
    await using child = run(python, server, code)
    await child.line(/done/)
    await waitFor(() => server.accepted.length === 1)
    server.accepted[0]?.destroy()
    await waitFor(() => opened() === 3)
  })

  test('one whose close waits for long holds nobody up', async (context) => {
    const python = requireProgram(context, 'python3')
    await using server = await startServer({ pauseOnConnect: true })
    const got: ReceivedPacket[] = []
    server.server.on('connection', (socket) => {
      socket.on('packet', (packet) => got.push(packet))
    })
    const code = `
${LINGERING}
s.connect(path)
pass_nested()
tcp = lingering(); s.sendmsg([b'plain'], [rights(tcp.fileno())]); tcp.close()
s.send(b'after')
`
    await using child = run(python, server, code)
    // Whoever closes it last waits, and that is not to be the client.
    await child.line(/done/)
    await waitFor(() => server.accepted.length === 1)
    server.accepted[0]?.resume()
    const start = performance.now()
    await waitFor(() => got.length === 3, { timeoutMs: 30_000 })
    const { client } = await server.pair()
    client.destroy()
    server.accepted[0]?.destroy()
    // Whoever waited would have waited for 45 s.
    expect(performance.now() - start).toBeLessThan(30_000)
    expect(got.map(({ data }) => data.toString())).toEqual(['nested', 'plain', 'after'])
    // Its peer's end lets the thread go on: the next test finds it free.
    await child.kill()
  })

  test('are refused while too many wait to be closed, and taken again after that', async (context) => {
    const python = requireProgram(context, 'python3')
    const { stdout } = await runChild(python, [
      '-c',
      "import socket; s = socket.socket(socket.AF_UNIX); s.setsockopt(socket.SOL_SOCKET, 83, 0); print('has it')",
    ])
    if (stdout === '') skipTest(context, 'the kernel has no SO_PASSRIGHTS (Linux 6.16)')
    await using server = await startServer({ pauseOnConnect: true })
    const opened = watchDescriptors()
    const got: string[] = []
    server.server.on('connection', (socket) => {
      socket.on('packet', ({ data }) => {
        got.push(data.toString())
        socket.send(data)
      })
    })
    const code = `
${LINGERING}
def ask(data, *control):
    s.sendmsg([data], control); s.recv(10)
s.connect(path); pass_nested()
print('passed', flush=True); sys.stdin.readline(); s.recv(10)
for i in range(3): ask(b'many', rights(*([0] * 100)))
attempt(lambda: ask(b'refused', rights(0)))
attempt(lambda: ask(b'plain'))
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(path); ask(b'other')
attempt(lambda: ask(b'refused', rights(0)))
`
    {
      await using child = run(python, server, code)
      await child.line(/passed/)
      server.server.on('connection', (socket) => socket.resume())
      await waitFor(() => server.accepted.length === 1)
      server.accepted[0]?.resume()
      child.process.stdin?.write('\n')
      await child.line(/done/)
      expect(child.stdout()).toBe('passed\nerror 1\nsent\nerror 1\ndone\n')
      expect(got).toEqual(['nested', 'many', 'many', 'many', 'plain', 'other'])
      expect(opened()).toBeGreaterThan(300)
    }
    await waitFor(() => opened() === 0)
    await using child = run(python, server, `s.connect(path); s.sendmsg([b'again'], [rights(0)])`)
    await child.line(/done/)
    await waitFor(() => got.includes('again'))
  })
})

describe('stated ids', () => {
  const STATE = `
s.connect(path)
attempt(lambda: s.sendmsg([b'own'], [creds(os.getpid(), os.getuid(), os.getgid())]))
attempt(lambda: s.sendmsg([b'forged'], [creds(os.getpid(), 4321, os.getgid())]))
attempt(lambda: s.sendmsg([b'forged pid'], [creds(1, os.getuid(), os.getgid())]))
`

  test('of another are refused to whoever is not root', async (context) => {
    needRoot(context)
    const python = requireProgram(context, 'python3')
    await using server = await startServer()
    chmodSync(server.home.path, 0o711)
    chmodSync(server.path, 0o666)
    const packets = new Promise<ReceivedPacket[]>((resolve) =>
      server.server.once('connection', (socket) => resolve(collect(socket))),
    )
    await using child = run(
      python,
      server,
      `os.setresgid(1234, 1234, 1234); os.setresuid(1234, 1234, 1234)${STATE}`,
    )
    await child.line(/done/)
    expect(child.stdout().split('\n').slice(0, 3)).toEqual(['sent', 'error 1', 'error 1'])
    const got = await packets
    await waitFor(() => got.length === 1)
    expect(got[0]).toMatchObject({ credentials: { pid: child.pid, uid: 1234, gid: 1234 } })
    expect(server.accepted[0]?.peer).toEqual({ pid: child.pid, uid: 1234, gid: 1234 })
  })

  test('of another arrive when root states them', async (context) => {
    needRoot(context)
    const python = requireProgram(context, 'python3')
    await using server = await startServer()
    const packets = new Promise<ReceivedPacket[]>((resolve) =>
      server.server.once('connection', (socket) => resolve(collect(socket))),
    )
    await using child = run(python, server, STATE)
    await child.line(/done/)
    const got = await packets
    await waitFor(() => got.length === 3)
    expect(got.map(({ credentials }) => credentials)).toEqual([
      { pid: child.pid, uid: 0, gid: 0 },
      { pid: child.pid, uid: 4321, gid: 0 },
      { pid: 1, uid: 0, gid: 0 },
    ])
    expect(server.accepted[0]?.peer).toEqual({ pid: child.pid, uid: 0, gid: 0 })
  })

  test('are the real ones of the sender at each packet', async (context) => {
    needRoot(context)
    const python = requireProgram(context, 'python3')
    await using server = await startServer()
    chmodSync(server.home.path, 0o711)
    const packets = new Promise<ReceivedPacket[]>((resolve) =>
      server.server.once('connection', (socket) => resolve(collect(socket))),
    )
    const code = `
s.connect(path); s.send(b'root')
os.setresuid(1234, 0, 0); s.send(b'real 1234')
os.setresuid(1235, 1235, 1235); s.send(b'dropped')
`
    await using child = run(python, server, code)
    await child.line(/done/)
    const got = await packets
    await waitFor(() => got.length === 3)
    expect(got.map(({ credentials }) => credentials?.uid)).toEqual([0, 1234, 1235])
    expect(server.accepted[0]?.peer?.uid).toBe(0)
  })
})

test('an empty packet is the end, though its sender goes on', async (context) => {
  const python = requireProgram(context, 'python3')
  await using server = await startServer()
  const events: string[] = []
  server.server.on('connection', (socket) => {
    socket.on('packet', ({ data }) => events.push(data.toString()))
    socket.on('end', () => events.push('end'))
    socket.on('close', () => events.push('close'))
  })
  const code = `
s.connect(path)
s.send(b'a'); s.send(b''); attempt(lambda: s.send(b'b'))
print('read', s.recv(10), flush=True)
`
  await using child = run(python, server, code)
  expect(await child.line(/read/)).toBe(`read b''`)
  await waitFor(() => events.includes('close'))
  expect(events).toEqual(['a', 'end', 'close'])
})
