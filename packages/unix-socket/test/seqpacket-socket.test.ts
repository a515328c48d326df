import { once } from 'node:events'
import { waitFor } from '@secreg/testkit'
import {
  connectSeqpacket,
  type ReceivedPacket,
  type SeqpacketSocket,
  UnixSocketError,
} from '@secreg/unix-socket'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { closing, collect, loopTurns, needNative, nextText, startServer } from './support.ts'

beforeEach((context) => needNative(context))

const bytes = (length: number, value = 7): Buffer => Buffer.alloc(length, value)

/** Send until the kernel has no room; answers how many packets were given to it or to the queue. */
function fill(socket: SeqpacketSocket, packet: Buffer): number {
  let count = 1
  while (socket.send(packet)) count++
  return count
}

describe('packets', () => {
  test('arrive whole, in order, both ways, with any bytes in them', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (packets, isUp) => {
          const [from, to] = isUp ? [client, peer] : [peer, client]
          const got = collect(to)
          for (const packet of packets) from.send(packet)
          await waitFor(() => got.length === packets.length, { intervalMs: 1 })
          to.removeAllListeners('packet')
          expect(got.map(({ data }) => [...data])).toEqual(packets.map((packet) => [...packet]))
          expect(got.every(({ truncated }) => !truncated)).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('that come at once are told one by one, more than fit in one turn', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client, peer } = await server.pair()
    for (let index = 0; index < 150; index++) client.send(Buffer.from(`${index}`))
    const got = collect(peer)
    peer.resume()
    await waitFor(() => got.length === 150)
    expect(got.map(({ data }) => data.toString())).toEqual(
      Array.from({ length: 150 }, (_, index) => `${index}`),
    )
  })

  test('wait for somebody who listens for them', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    client.send(Buffer.from('early'))
    // The other way round proves that the event loop has turned meanwhile.
    const answer = nextText(client)
    peer.send(Buffer.from('go on'))
    expect(await answer).toBe('go on')
    await new Promise(setImmediate)
    expect(await nextText(peer)).toBe('early')
  })

  test('are copies of their own', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    const got = collect(peer)
    client.send(bytes(5000, 1))
    client.send(bytes(5000, 2))
    await waitFor(() => got.length === 2)
    expect(got[0]?.data.equals(bytes(5000, 1))).toBe(true)
  })

  test('that are longer than the room are marked, and the next is whole', async () => {
    await using server = await startServer({ maxPacketBytes: 100 })
    const { client, peer } = await server.pair()
    const got = collect(peer)
    for (const length of [100, 101, 60_000, 99]) client.send(bytes(length))
    await waitFor(() => got.length === 4)
    expect(got.map(({ data, truncated }) => [data.length, truncated])).toEqual([
      [100, false],
      [100, true],
      [100, true],
      [99, false],
    ])
  })

  test('bring the ids of their sender where these are asked for', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    const [up, down] = [collect(peer), collect(client)]
    client.send(bytes(1))
    peer.send(bytes(1))
    await waitFor(() => up.length + down.length === 2)
    const own = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() }
    expect(up[0]?.credentials).toEqual(own)
    expect(down[0]).not.toHaveProperty('credentials')
    expect(peer.peer).toEqual(own)
    expect(client.peer).toEqual(own)
  })

  test('a client can ask for them too, a server can do without', async () => {
    await using server = await startServer({ passCredentials: false })
    const { client, peer } = await server.pair({ passCredentials: true })
    const [up, down] = [collect(peer), collect(client)]
    client.send(bytes(1))
    peer.send(bytes(1))
    await waitFor(() => up.length + down.length === 2)
    expect(up[0]).not.toHaveProperty('credentials')
    expect(down[0]?.credentials?.pid).toBe(process.pid)
  })
})

describe('sending', () => {
  test('a packet that is too long leaves the connection as it is, when somebody is told', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    const told = new Promise<Error | undefined>((resolve) =>
      client.send(bytes(4 * 1024 * 1024), resolve),
    )
    const error = await told
    expect(UnixSocketError.is(error, 'ERR_UNIX_SOCKET_TOO_LONG')).toBe(true)
    expect(error).toMatchObject({ systemCode: 'EMSGSIZE' })
    const next = nextText(peer)
    client.send(Buffer.from('still here'))
    expect(await next).toBe('still here')
  })

  test('a packet that is too long closes the connection when nobody is told', async () => {
    await using server = await startServer()
    const { client } = await server.pair()
    const failed = once(client, 'error')
    const closed = closing(client)
    client.send(bytes(4 * 1024 * 1024))
    expect((await failed)[0]).toMatchObject({ code: 'ERR_UNIX_SOCKET_TOO_LONG' })
    expect(await closed).toBe(true)
  })

  test('waits when the peer does not read, keeps the order, and says when it can go on', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client, peer } = await server.pair()
    let sent = 0
    let called = 0
    const packet = (): Buffer => {
      const data = bytes(4000)
      data.writeUInt32BE(sent++)
      return data
    }
    while (client.send(packet(), () => called++));
    for (let index = 0; index < 100; index++) {
      expect(client.send(packet(), () => called++)).toBe(false)
    }
    expect(client.bufferedBytes).toBe(101 * 4000)
    await new Promise(setImmediate)
    expect(called).toBe(sent - 101)

    const drained = once(client, 'drain')
    const got = collect(peer)
    peer.resume()
    await drained
    expect(client.bufferedBytes).toBe(0)
    await waitFor(() => got.length === sent)
    expect(got.map(({ data }) => data.readUInt32BE())).toEqual([...Array(sent).keys()])
    expect(called).toBe(sent)
    expect(client.send(bytes(1))).toBe(true)
  })

  test('keeps a copy of what has to wait', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client, peer } = await server.pair()
    const full = fill(client, bytes(4000))
    const data = Buffer.from('before')
    expect(client.send(data)).toBe(false)
    data.write('after!')
    const got = collect(peer)
    peer.resume()
    await waitFor(() => got.length === full + 1)
    expect(got.at(-1)?.data.toString()).toBe('before')
  })

  test('more than may wait closes the connection', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client } = await server.pair({ maxQueuedBytes: 10_000 })
    const errors: (Error | undefined)[] = []
    const failed = once(client, 'error')
    fill(client, bytes(4000))
    client.send(bytes(4000), (error) => errors.push(error))
    expect(client.destroyed).toBe(false)
    client.send(bytes(4000), (error) => errors.push(error))
    expect(client.destroyed).toBe(true)
    expect((await failed)[0]).toMatchObject({ code: 'ERR_UNIX_SOCKET_QUEUE_FULL' })
    expect(errors).toEqual([
      expect.objectContaining({ code: 'ERR_UNIX_SOCKET_QUEUE_FULL' }),
      expect.objectContaining({ code: 'ERR_UNIX_SOCKET_QUEUE_FULL' }),
    ])
  })

  test('a packet in the queue that turns out too long is told, and the others follow', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client, peer } = await server.pair()
    const full = fill(client, bytes(4000))
    const told = new Promise<Error | undefined>((resolve) =>
      client.send(bytes(3 * 1024 * 1024), resolve),
    )
    client.send(Buffer.from('after'))
    const got = collect(peer)
    peer.resume()
    expect(await told).toMatchObject({ code: 'ERR_UNIX_SOCKET_TOO_LONG' })
    await waitFor(() => got.length === full + 1)
    expect(got.at(-1)?.data.toString()).toBe('after')
  })

  test('to a peer that has gone is an error, and no signal', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client, peer } = await server.pair({ pauseOnConnect: true })
    const gone = closing(client)
    client.destroy()
    await gone
    const failed = once(peer, 'error')
    const told = new Promise<Error | undefined>((resolve) => peer.send(bytes(1), resolve))
    expect(await told).toMatchObject({ systemCode: 'EPIPE', code: 'ERR_UNIX_SOCKET_SYSTEM' })
    expect((await failed)[0]).toMatchObject({ systemCode: 'EPIPE' })
  })

  test('on a closed socket tells the callback, and nobody without one', async () => {
    await using server = await startServer()
    const { client } = await server.pair()
    client.destroy()
    expect(client.send(bytes(1))).toBe(false)
    const told = new Promise<Error | undefined>((resolve) => client.send(bytes(1), resolve))
    expect(await told).toMatchObject({ code: 'ERR_UNIX_SOCKET_CLOSED' })
  })
})

describe('pause', () => {
  test('stops at the very packet whose handler pauses', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    const got: string[] = []
    peer.on('packet', ({ data }: ReceivedPacket) => {
      got.push(data.toString())
      peer.pause()
    })
    for (const text of ['a', 'b', 'c']) client.send(Buffer.from(text))
    for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      await waitFor(() => got.length === expected.length)
      expect(peer.isPaused()).toBe(true)
      const answer = nextText(client)
      peer.send(Buffer.from('turn'))
      await answer
      expect(got).toEqual(expected)
      peer.resume()
    }
  })

  test('makes the peer wait', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client, peer } = await server.pair()
    expect(peer.isPaused()).toBe(true)
    fill(client, bytes(1000))
    let drained = false
    client.once('drain', () => {
      drained = true
    })
    const answer = nextText(client)
    peer.send(Buffer.from('still paused'))
    await answer
    expect(drained).toBe(false)
    peer.on('packet', () => {})
    peer.resume()
    await waitFor(() => drained)
  })

  test('that ends at once costs nothing and loses nothing', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    const got: number[] = []
    peer.on('packet', ({ data }: ReceivedPacket) => {
      peer.pause()
      got.push(data.readUInt32BE())
      setImmediate(() => peer.resume())
    })
    for (let index = 0; index < 200; index++) {
      const data = Buffer.alloc(4)
      data.writeUInt32BE(index)
      client.send(data)
    }
    await waitFor(() => got.length === 200)
    expect(got).toEqual([...Array(200).keys()])
  })

  test('does not spin when the peer goes away meanwhile', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client, peer } = await server.pair()
    client.send(bytes(1))
    client.destroy()
    const before = loopTurns()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(loopTurns() - before).toBeLessThan(100)
    const ended = closing(peer)
    const got = collect(peer)
    peer.resume()
    await ended
    expect(got).toHaveLength(1)
  })
})

describe('the end', () => {
  test('is told after all packets, and closes both sides', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    const events: string[] = []
    peer.on('packet', ({ data }) => events.push(data.toString()))
    peer.on('end', () => events.push('end'))
    peer.on('close', (hadError) => events.push(`close ${hadError}`))
    client.send(Buffer.from('1'))
    client.send(Buffer.from('2'))
    client.end()
    await waitFor(() => events.includes('close false'))
    expect(events).toEqual(['1', '2', 'end', 'close false'])
    expect(peer.readable).toBe(false)
    expect(client.destroyed).toBe(true)
  })

  test('comes once what waits has left', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client, peer } = await server.pair()
    let sent = fill(client, bytes(4000))
    for (let index = 0; index < 20; index++, sent++) client.send(bytes(4000))
    client.end()
    expect(client.destroyed).toBe(false)
    expect(client.send(bytes(1))).toBe(false)
    const got = collect(peer)
    const ended = once(peer, 'end')
    peer.resume()
    await ended
    expect(got).toHaveLength(sent)
    await waitFor(() => client.destroyed)
  })

  test('lets the last answer through though packets of the peer were not received', async () => {
    await using server = await startServer()
    const { client, peer } = await server.pair()
    const got = collect(client)
    peer.once('packet', () => {
      peer.pause()
      peer.send(Buffer.from('refused'))
      peer.end()
    })
    const errors: Error[] = []
    client.on('error', (error) => errors.push(error))
    const closed = closing(client)
    for (let index = 0; index < 50; index++) client.send(bytes(100))
    await closed
    expect(got.map(({ data }) => data.toString())).toEqual(['refused'])
    expect(errors).toEqual([])
  })

  test('destroy tells the error, what waited, and that it closed', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const { client } = await server.pair()
    fill(client, bytes(4000))
    const told: unknown[] = []
    client.send(bytes(1), (error) => told.push(error))
    const closed = closing(client)
    const why = new Error('why')
    client.on('error', (error) => told.push(error))
    client.destroy(why).destroy(new Error('too late'))
    expect(await closed).toBe(true)
    expect(told).toEqual([why, why])
  })

  test.each(['packet', 'end', 'connect', 'drain'] as const)('destroy in %s', async (event) => {
    await using server = await startServer({ pauseOnConnect: event === 'drain' })
    const client = server.connect()
    client.on('error', () => {})
    const hadError = await new Promise<boolean>((resolve) => {
      const destroy = (socket: SeqpacketSocket): void => {
        socket.once('close', resolve).destroy()
        expect(socket.destroyed).toBe(true)
      }
      if (event === 'connect') {
        client.once('connect', () => destroy(client))
        return
      }
      server.server.once('connection', (peer) => {
        if (event === 'drain') {
          client.once('drain', () => destroy(client))
          fill(client, bytes(4000))
          peer.on('packet', () => {})
          peer.resume()
          return
        }
        const listener = (): void => destroy(peer)
        if (event === 'packet') peer.once('packet', listener)
        else peer.on('packet', () => {}).once('end', listener)
        for (let index = 0; index < 100; index++) client.send(bytes(10))
        if (event === 'end') client.end()
      })
    })
    expect(hadError).toBe(false)
  })

  test('a socket that is destroyed before it has connected closes without an error', async () => {
    await using server = await startServer()
    const client = connectSeqpacket({ path: server.path })
    client.destroy()
    expect(await closing(client)).toBe(false)
  })

  test('ended while connecting, it connects, sends and closes', async () => {
    await using server = await startServer({ pauseOnConnect: true })
    const client = connectSeqpacket({ path: server.path })
    const accepted = once(server.server, 'connection') as Promise<[SeqpacketSocket]>
    expect(client.connecting).toBe(true)
    expect(client.send(Buffer.from('hello'))).toBe(false)
    client.end()
    const [peer] = await accepted
    const text = nextText(peer)
    peer.resume()
    expect(await text).toBe('hello')
    await waitFor(() => client.destroyed)
  })
})

describe('arguments', () => {
  test('of send', async () => {
    await using server = await startServer()
    const { client } = await server.pair()
    for (const packet of [
      'text',
      null,
      undefined,
      1,
      [1],
      new Uint16Array(1),
      new ArrayBuffer(1),
    ]) {
      expect(() => client.send(packet as never), String(packet)).toThrow(TypeError)
    }
    expect(() => client.send(new Uint8Array(0))).toThrow(RangeError)
    expect(() => client.send(bytes(1), 'callback' as never)).toThrow(TypeError)
  })
})
