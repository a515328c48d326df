import { connectRegistry, type RegistryConnection } from '@secreg/client'
import { SecregError } from '@secreg/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { REQUEST_TABLE } from '../src/requests.ts'
import { type Asked, answer, entry, type FakeDaemon, fakeDaemon, refuse } from './fake-daemon.ts'

async function opened(
  handle: (asked: Asked) => void,
  options: Parameters<typeof connectRegistry>[0] = {},
): Promise<{ daemon: FakeDaemon; registry: RegistryConnection }> {
  const daemon = await fakeDaemon(handle)
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const registry = await connectRegistry({ socket: daemon.path, ...options })
  onTestFinished(() => registry.close())
  return { daemon, registry }
}

const echo = ({ socket, payload }: Asked): void => {
  answer(socket, 0x04, entry(String(payload['key'])))
}

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (SecregError.is(error) ? error.reason : error),
  )

describe('requests', () => {
  test('the table is that of the protocol', async () => {
    const { REQUESTS } = await import('@secreg/protocol/messages')
    const own = Object.entries(REQUEST_TABLE).map(([name, row]) => [name, row.type])
    expect(Object.fromEntries(own)).toEqual(
      Object.fromEntries(Object.entries(REQUESTS).map(([name, row]) => [name, row.type])),
    )
  })

  test('many in flight are answered in order', async () => {
    const { registry } = await opened(echo)
    const keys = Array.from({ length: 1000 }, (_, index) => `/k/${index}`)
    const answers = await Promise.all(keys.map((key) => registry.get({ key })))
    expect(answers.map(({ value }) => value)).toEqual(keys)
  })

  test('no more than maxInFlight are sent before an answer', async () => {
    const held: Asked[] = []
    const { daemon, registry } = await opened((asked) => held.push(asked), { maxInFlight: 4 })
    const all = Promise.all(
      Array.from({ length: 9 }, (_, index) => registry.get({ key: `/${index}` })),
    )
    await daemon.until(4)
    expect(held).toHaveLength(4)
    for (const asked of held.splice(0)) echo(asked)
    await daemon.until(8)
    for (const asked of held.splice(0)) echo(asked)
    await daemon.until(9)
    for (const asked of held.splice(0)) echo(asked)
    expect((await all).map(({ value }) => value)).toEqual(
      Array.from({ length: 9 }, (_, index) => `/${index}`),
    )
  })

  test('answers may come byte by byte, and many in one piece', async () => {
    const { registry } = await opened(({ socket, payload }) => {
      const frame: Buffer[] = []
      const fake = { write: (bytes: Uint8Array) => frame.push(Buffer.from(bytes)) }
      answer(fake as never, 0x04, entry(String(payload['key'])))
      for (const byte of Buffer.concat(frame)) socket.write(Uint8Array.of(byte))
    })
    const got = await Promise.all([registry.get({ key: '/a' }), registry.get({ key: '/b' })])
    expect(got.map(({ value }) => value)).toEqual(['/a', '/b'])
  })

  test('more than maxWaiting are refused at once', async () => {
    const { registry } = await opened(() => {}, { maxInFlight: 1, maxWaiting: 1 })
    const kept = [registry.get({ key: '/a' }), registry.get({ key: '/b' })]
    expect(await reasonOf(registry.get({ key: '/c' }))).toBe('BUSY')
    await registry.close()
    for (const promise of kept) expect(await reasonOf(promise)).toBe('UNREACHABLE')
  })

  test('an id is refused, because it would change the order of the answers', async () => {
    const { registry } = await opened(echo)
    await expect(registry.request('get', { key: '/a', id: 1 } as never)).rejects.toThrow(TypeError)
    await expect(registry.request('nothing' as never, {} as never)).rejects.toThrow(TypeError)
  })
})

describe('session', () => {
  test('that of a login is carried by what is sent after its answer', async () => {
    const { daemon, registry } = await opened(({ socket, type }) => {
      if (type === 0x01) answer(socket, 0x02, { success: true, session_id: 'abc', roles: [] })
      else if (type === 0x42) answer(socket, 0x43, { success: true })
      else answer(socket, 0x04, entry('x'))
    })
    await registry.auth({ username: 'root', password: 'secret' })
    expect(registry.sessionId).toBe('abc')
    await registry.get({ key: '/a' })
    await registry.logout()
    await registry.get({ key: '/a' })
    expect(daemon.asked.map(({ sessionId }) => sessionId)).toEqual(['', 'abc', 'abc', ''])
    expect(registry.sessionId).toBeUndefined()
  })

  test('a refused login keeps the session', async () => {
    const { registry } = await opened(
      ({ socket }) =>
        answer(socket, 0x02, {
          success: false,
          error: { code: 4, message: 'no', reason: 'AUTH_FAILED' },
        }),
      { sessionId: 'old' },
    )
    expect(await registry.auth({ username: 'a', password: 'b' })).toMatchObject({ success: false })
    expect(registry.sessionId).toBe('old')
  })

  test('a large request shows its session in a small frame first', async () => {
    const value = 'x'.repeat(200_000)
    const { daemon, registry } = await opened(
      ({ socket, type }) => {
        if (type === 0x5c) {
          answer(socket, 0x5d, {
            user: 'a',
            account: 'b',
            roles: [],
            groups: [],
            mfa: false,
            proof: 'credential',
            door: 'registry',
          })
        } else answer(socket, type + 1, { success: true, version: 1, revision: 1 })
      },
      { sessionId: 'abc' },
    )
    await Promise.all([
      registry.set({ key: '/a', value }),
      registry.set({ key: '/b', value: 'small' }),
      registry.set({ key: '/c', value }),
    ])
    expect(daemon.asked.map(({ type }) => type)).toEqual([0x5c, 0x05, 0x05, 0x05])
    expect(daemon.asked.map(({ payload }) => payload['key'])).toEqual([undefined, '/a', '/b', '/c'])
  })

  test('a large request without a login, or with a dead session, fails alone', async () => {
    const value = 'x'.repeat(200_000)
    const { daemon, registry } = await opened(({ socket, type }) =>
      type === 0x5c ? refuse(socket, 'SESSION_INVALID', 4) : answer(socket, 0x04, entry('x')),
    )
    expect(await reasonOf(registry.set({ key: '/a', value }))).toBe('SESSION_INVALID')
    const other = await connectRegistry({ socket: daemon.path, sessionId: 'dead' })
    onTestFinished(() => other.close())
    const [set, get] = await Promise.all([
      reasonOf(other.set({ key: '/a', value })),
      other.get({ key: '/a' }),
    ])
    expect(set).toBe('SESSION_INVALID')
    expect(get.value).toBe('x')
  })

  test('a request above the frame limit is refused here', async () => {
    const { daemon, registry } = await opened(echo, { sessionId: 'abc' })
    const value = 'x'.repeat(5_000_000)
    expect(await reasonOf(registry.set({ key: '/a', value }))).toBe('FRAME_TOO_LARGE')
    expect((await registry.get({ key: '/a' })).value).toBe('/a')
    expect(daemon.asked).toHaveLength(1)
  })
})

describe('errors', () => {
  test('carry reason, status, errno and the time to wait', async () => {
    const { registry } = await opened(({ socket }) => {
      refuse(socket, 'AUTH_LOCKED_OUT', 4, { retry_after: 30 })
    })
    const error = await registry.get({ key: '/a' }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      reason: 'AUTH_LOCKED_OUT',
      status: 4,
      errno: 106,
      retryAfterSeconds: 30,
    })
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('an unknown reason keeps its code %i', async (code) => {
    const { registry } = await opened(({ socket }) => {
      refuse(socket, 'OF_THE_FUTURE', code)
    })
    const error = await registry.get({ key: '/a' }).catch((caught: unknown) => caught)
    expect(SecregError.is(error) && error.status).toBe(code)
  })

  test('nobody listens: it says how to start the daemon', async () => {
    const error = await connectRegistry({ socket: '/nonexistent/socket' }).catch((e: unknown) => e)
    expect(error).toMatchObject({ reason: 'UNREACHABLE', status: 6 })
    expect((error as Error).message).toContain('/nonexistent/socket')
    expect((error as Error).message).toContain('secregd --config FILE')
    expect((error as Error).message).toContain('systemctl start secregd')
  })

  test('a lost connection fails everything in flight, without an unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', onUnhandled)
    onTestFinished(() => void process.off('unhandledRejection', onUnhandled))
    const { daemon, registry } = await opened(() => {}, { maxInFlight: 2 })
    const promises = Array.from({ length: 5 }, () => registry.get({ key: '/a' }))
    await daemon.until(2)
    for (const socket of daemon.sockets) socket.destroy()
    expect(await reasonOf(promises[4] as Promise<unknown>)).toBe('UNREACHABLE')
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
    expect(registry.closed).toBe(true)
    expect(await reasonOf(registry.get({ key: '/a' }))).toBe('UNREACHABLE')
  })

  test('an error that nobody asked for explains the close', async () => {
    const daemon = await fakeDaemon(() => {})
    onTestFinished(() => daemon[Symbol.asyncDispose]())
    const registry = await connectRegistry({ socket: daemon.path })
    while (daemon.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve))
    for (const socket of daemon.sockets) {
      refuse(socket, 'TOO_MANY_CONNECTIONS', 6)
      socket.end()
    }
    while (!registry.closed) await new Promise((resolve) => setImmediate(resolve))
    expect(await reasonOf(registry.get({ key: '/a' }))).toBe('TOO_MANY_CONNECTIONS')
  })

  test('wrong options', async () => {
    await expect(connectRegistry({ socket: '/x'.repeat(60) })).rejects.toThrow(RangeError)
    await expect(connectRegistry({ socket: '' })).rejects.toThrow(RangeError)
    await expect(connectRegistry({ socket: 1 as never })).rejects.toThrow(TypeError)
    await expect(connectRegistry({ sessionId: 'a\nb' })).rejects.toThrow(RangeError)
    await expect(connectRegistry({ maxInFlight: 65 })).rejects.toThrow(RangeError)
    await expect(connectRegistry({ timeoutMs: -1 })).rejects.toThrow(RangeError)
  })
})

describe('time-outs and abort', () => {
  test('a request that is given up keeps its place: the next answer is not mistaken for its own', async () => {
    const held: Asked[] = []
    const { daemon, registry } = await opened((asked) => void held.push(asked))
    const controller = new AbortController()
    const first = registry.get({ key: '/first' }, { signal: controller.signal })
    const second = registry.get({ key: '/second' })
    await daemon.until(2)
    controller.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    for (const asked of held) echo(asked)
    expect((await second).value).toBe('/second')
  })

  test('no answer in time', async () => {
    const { registry } = await opened(() => {})
    expect(await reasonOf(registry.get({ key: '/a' }, { timeoutMs: 5 }))).toBe('TIMEOUT')
  })

  test('aborted before it starts, and while it waits here', async () => {
    const { registry } = await opened(() => {}, { maxInFlight: 1 })
    await expect(
      registry.get({ key: '/a' }, { signal: AbortSignal.abort(new Error('no')) }),
    ).rejects.toThrow('no')
    registry.get({ key: '/a' })
    const controller = new AbortController()
    const waiting = registry.get({ key: '/b' }, { signal: controller.signal })
    controller.abort(new Error('stop'))
    await expect(waiting).rejects.toThrow('stop')
    await expect(
      connectRegistry({ socket: '/nonexistent', signal: AbortSignal.abort(new Error('never')) }),
    ).rejects.toThrow('never')
  })
})
