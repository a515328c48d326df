import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createTempHome, requireProgram, startChild } from '@secreg/testkit'
import { type Credentials, peerCredentials, weakerCredentials } from '@secreg/unix-socket'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { needNative, needRoot } from './support.ts'

const NOBODY = 65_534

describe('the weaker of both', () => {
  const of = (uid: number, pid: number): Credentials => ({ pid, uid, gid: uid })
  const peer = (uid: number): Credentials => of(uid, 1)
  const message = (uid: number): Credentials => of(uid, 2)

  test.each([
    ['same user', peer(5), message(5), message(5)],
    ['both root', peer(0), message(0), message(0)],
    ['a setuid program, or rights dropped', peer(0), message(5), message(5)],
    ['root states another, or sends on a connection of another', peer(5), message(0), peer(5)],
    ['two users', peer(5), message(6), undefined],
    ['only the connection', peer(5), undefined, peer(5)],
    ['only the packet', undefined, message(5), message(5)],
    ['none', undefined, undefined, undefined],
  ])('%s', (_, connection, packet, expected) => {
    expect(weakerCredentials(connection, packet)).toEqual(expected)
  })

  test('is root only when nothing says otherwise, and never somebody who was not named', () => {
    const uid = fc.constantFrom(0, 1, 2, NOBODY, 2 ** 32 - 2)
    const given = fc.option(uid, { nil: undefined })
    fc.assert(
      fc.property(given, given, (a, b) => {
        const uids = [a, b].filter((one) => one !== undefined)
        const result = weakerCredentials(
          a === undefined ? undefined : peer(a),
          b === undefined ? undefined : message(b),
        )
        const users = new Set(uids.filter((one) => one !== 0))
        if (uids.length === 0 || users.size > 1) expect(result).toBeUndefined()
        else expect(result?.uid).toBe([...users][0] ?? 0)
      }),
    )
  })
})

describe('of a stream socket', () => {
  async function accept(path: string): Promise<{ accepted: Promise<[Socket]>; close(): void }> {
    const server = createServer().listen(path)
    await once(server, 'listening')
    return {
      accepted: once(server, 'connection') as Promise<[Socket]>,
      close: () => server.close(),
    }
  }

  test('both ends know each other, until they are closed', async (context) => {
    needNative(context)
    await using home = createTempHome()
    const server = await accept(home.file('s'))
    const client = connect(home.file('s'))
    const [socket] = await server.accepted
    const own = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() }
    expect(peerCredentials(socket)).toEqual(own)
    expect(peerCredentials(client)).toEqual(own)
    const ended = once(socket, 'close')
    client.destroy()
    socket.resume()
    expect(peerCredentials(client)).toBeUndefined()
    await ended
    expect(peerCredentials(socket)).toBeUndefined()
    server.close()
  })

  test('a peer that has gone is still known', async (context) => {
    needNative(context)
    await using home = createTempHome()
    const server = await accept(home.file('s'))
    const client = connect(home.file('s'))
    const [socket] = await server.accepted
    client.destroy()
    await once(client, 'close')
    expect(peerCredentials(socket)?.uid).toBe(process.geteuid?.())
    socket.destroy()
    server.close()
  })

  test('effective ids when it connected, whatever became of them', async (context) => {
    needNative(context)
    needRoot(context)
    const python = requireProgram(context, 'python3')
    await using home = createTempHome()
    chmodSync(home.path, 0o711)
    const path = home.file('s')
    const server = await accept(path)
    chmodSync(path, 0o666)
    const code = `
import os, socket, sys
os.setresgid(1234, 4321, 4321); os.setresuid(1234, 4321, 0)
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
os.seteuid(0); os.setresuid(7, 7, 7)
print('connected', flush=True); sys.stdin.readline()
`
    await using child = startChild(python, ['-c', code, path], { keepInput: true })
    await child.line(/connected/)
    const [socket] = await server.accepted
    expect(peerCredentials(socket)).toEqual({ pid: child.pid, uid: 4321, gid: 4321 })
    socket.destroy()
    server.close()
  })

  test('TCP has none', async (context) => {
    needNative(context)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [[socket]] = (await Promise.all([
      once(server, 'connection'),
      once(client, 'connect'),
    ])) as [[Socket], unknown]
    expect(peerCredentials(socket)).toBeUndefined()
    expect(peerCredentials(client)).toBeUndefined()
    client.destroy()
    socket.destroy()
    server.close()
  })

  test.for([
    ['no handle', {}],
    ['a closed handle', { _handle: null }],
    ['a descriptor below zero', { _handle: { fd: -1 } }],
    ['one that is not open', { _handle: { fd: 1_000_000 } }],
    ['a word', { _handle: { fd: 'x' } }],
    ['a fraction', { _handle: { fd: 1e6 + 0.5 } }],
  ] as const)('%s is no peer', ([, socket], context) => {
    needNative(context)
    expect(peerCredentials(socket as unknown as Socket)).toBeUndefined()
  })

  test('a file is no peer', async (context) => {
    needNative(context)
    const { open } = await import('node:fs/promises')
    const file = await open('/dev/null')
    expect(peerCredentials({ _handle: { fd: file.fd } } as unknown as Socket)).toBeUndefined()
    await file.close()
  })
})
