import { once } from 'node:events'
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createTempHome, waitFor } from '@secreg/testkit'
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

const isSoak = process.env['SECREG_SOAK'] === '1'

describe('listening', () => {
  test('at a taken path is an error, and what is there stays', async () => {
    await using home = createTempHome()
    const path = home.write('s', 'mine')
    const server = createSeqpacketServer().listen({ path })
    const [error] = await once(server, 'error')
    expect(error).toMatchObject({ code: 'ERR_UNIX_SOCKET_SYSTEM', systemCode: 'EADDRINUSE' })
    expect(server.listening).toBe(false)
    expect(statSync(path).isFile()).toBe(true)

    await using other = createSeqpacketServer().listen({ path: home.file('t') })
    await once(other, 'listening')
    const [second] = await once(createSeqpacketServer().listen({ path: home.file('t') }), 'error')
    expect(second).toMatchObject({ systemCode: 'EADDRINUSE' })
    expect(other.listening).toBe(true)
  })

  test('where there is no directory is an error, and another path works then', async () => {
    await using home = createTempHome()
    const server = createSeqpacketServer().listen({ path: home.file('none', 's') })
    expect((await once(server, 'error'))[0]).toMatchObject({ systemCode: 'ENOENT' })
    server.listen({ path: home.file('s') })
    await once(server, 'listening')
    await server[Symbol.asyncDispose]()
  })

  test('twice is a fault of the program', async () => {
    await using server = await startServer()
    expect(() => server.server.listen({ path: server.home.file('t') })).toThrow(
      expect.objectContaining({ code: 'ERR_UNIX_SOCKET_LISTENING' }),
    )
  })

  test('takes a listener, as a server of node:net does', async () => {
    await using home = createTempHome()
    const server = createSeqpacketServer()
    await new Promise<void>((resolve) => server.listen({ path: home.file('s') }, resolve))
    expect(server.listening).toBe(true)
    await server[Symbol.asyncDispose]()
    expect(server.listening).toBe(false)
  })

  test.each([0, -1, 1.5, 65_536, '1'])('backlog %j', (backlog) => {
    const listen = () => createSeqpacketServer().listen({ path: '/x', backlog: backlog as number })
    expect(listen).toThrow(/backlog/)
  })
})

describe('closing', () => {
  test('removes the file, takes nobody more, and ends with the last connection', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    let closed = false
    server.server.close(() => {
      closed = true
    })
    expect(server.server.listening).toBe(false)
    expect(existsSync(server.path)).toBe(false)
    const answer = nextText(client)
    peer.send(Buffer.from('goes on'))
    expect(await answer).toBe('goes on')
    expect(closed).toBe(false)
    const order: string[] = []
    peer.once('close', () => order.push('connection'))
    server.server.once('close', () => order.push('server'))
    client.end()
    peer.on('packet', () => {})
    await waitFor(() => closed)
    expect(order).toEqual(['connection', 'server'])
    expect(server.server.connections).toBe(0)
  })

  test('leaves the file of another alone', async () => {
    await using server = await startServer()
    renameSync(server.path, `${server.path}2`)
    writeFileSync(server.path, 'mine')
    await server.server[Symbol.asyncDispose]()
    expect(existsSync(server.path)).toBe(true)
  })

  test('ends those who wait in the backlog', async () => {
    await using server = await startServer()
    const client = server.connect().on('error', () => {})
    // Before the event loop could accept it: connecting happens in the next tick, closing here at its event.
    const ended = closing(client)
    client.once('connect', () => server.server.close())
    client.on('packet', () => {})
    await ended
    expect(server.accepted).toEqual([])
  })

  test('in the handler of a connection stops with that one', async () => {
    await using server = await startServer()
    server.server.on('connection', (socket) => {
      socket.on('packet', () => {})
      if (server.server.listening) server.server.close()
    })
    const clients = Array.from({ length: 5 }, () => server.connect().on('error', () => {}))
    for (const client of clients) client.on('packet', () => {})
    await waitFor(
      () => server.accepted.length === 1 && clients.filter((c) => c.destroyed).length === 4,
    )
    expect(server.accepted).toHaveLength(1)
  })

  test('a server that does not listen says so', async () => {
    const server = createSeqpacketServer()
    const error = await new Promise<Error | undefined>((resolve) => server.close(resolve))
    expect(error).toMatchObject({ code: 'ERR_UNIX_SOCKET_NOT_LISTENING' })
    await server[Symbol.asyncDispose]()
  })

  test('and listening again', async () => {
    await using server = await startServer()
    await server.server[Symbol.asyncDispose]()
    server.server.listen({ path: server.path })
    await once(server.server, 'listening')
    const { client } = await server.pair()
    expect(client.destroyed).toBe(false)
  })
})

describe('many', () => {
  test('200 connections at once, each served', async () => {
    await using server = await startServer()
    server.server.on('connection', (socket) => {
      socket.on('packet', ({ data }) => socket.send(Buffer.from(`re ${data}`)))
    })
    const clients = Array.from({ length: 200 }, () => server.connect())
    const answers = clients.map(nextText)
    for (const [index, client] of clients.entries()) client.send(Buffer.from(`${index}`))
    expect(await Promise.all(answers)).toEqual(clients.map((_, index) => `re ${index}`))
    expect(server.server.connections).toBe(200)
  })

  test('more than maxConnections are closed and told', async () => {
    await using server = await startServer()
    server.server.maxConnections = 2
    let dropped = 0
    server.server.on('drop', () => dropped++)
    const [first] = [await server.pair(), await server.pair()]
    const third = server.connect().on('error', () => {})
    third.on('packet', () => {})
    await closing(third)
    expect(dropped).toBe(1)
    expect(server.server.connections).toBe(2)
    first?.client.destroy()
    first?.peer.on('packet', () => {})
    await waitFor(() => server.server.connections === 1)
    await server.pair()
    expect(dropped).toBe(1)
  })

  const COUNT = isSoak ? 100_000 : 10_000
  test(`${COUNT} connections leave no descriptor open`, { timeout: 600_000 }, async () => {
    await using server = await startServer()
    server.server.on('connection', (socket) => {
      socket.on('packet', ({ data }) => socket.send(data))
    })
    const oneByOne = async (): Promise<void> => {
      const client = await connected(connectSeqpacket({ path: server.path }))
      client.on('error', () => {})
      const answer = nextText(client)
      client.send(Buffer.from('x'))
      await answer
      const closed = closing(client)
      client.end()
      await closed
    }
    await oneByOne()
    await waitFor(() => server.server.connections === 0)
    const opened = watchDescriptors()
    const turns = Array.from({ length: 50 }, async () => {
      for (let index = 0; index < COUNT / 50; index++) await oneByOne()
    })
    await Promise.all(turns)
    await waitFor(() => server.server.connections === 0)
    expect(server.accepted).toHaveLength(COUNT + 1)
    expect(server.accepted.every(({ destroyed }: SeqpacketSocket) => destroyed)).toBe(true)
    await waitFor(() => opened() === 0)
  })
})
