/** Many callers over one connection: a session and an id with each request, answers as they come. */
import { connectRelay, type RelayConnection } from '@secreg/client'
import { LIMITS } from '@secreg/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { type Asked, answer, fakeDaemon, push, refuse } from './fake-daemon.ts'

const GET = 0x04
const STATUS = 0x45
const AUTH = 0x02

const found = (id: unknown, value = 'x') => ({
  value,
  type: 'string',
  encrypted: false,
  version: 1,
  modify_revision: 1,
  id,
})

async function relayTo(
  handle: (asked: Asked) => void,
  options: Parameters<typeof connectRelay>[0] = {},
) {
  const daemon = await fakeDaemon(handle)
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const relay = await connectRelay({ socket: daemon.path, ...options })
  onTestFinished(() => relay.close())
  return { daemon, relay }
}

const reasonOf = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => 'answered',
    (error: { reason?: string }) => error.reason ?? error,
  )

const ask = (relay: RelayConnection, key: string, sessionId = 's') =>
  relay.request('get', { key }, sessionId)

test('answers come in any order, each to its request, and carry no id', async () => {
  const asked: Asked[] = []
  const { daemon, relay } = await relayTo((one) => void asked.push(one))
  const all = [ask(relay, '/a', 'alice'), ask(relay, '/b', 'bob'), relay.status()]
  await daemon.until(3)
  expect(asked.map(({ sessionId }) => sessionId)).toEqual(['alice', 'bob', ''])
  for (const { socket, payload } of [...asked].reverse()) {
    const { id, key } = payload
    if (key === undefined) {
      answer(socket, STATUS, {
        status: 'ok',
        state: 'unsealed',
        initialized: true,
        version: '1',
        id,
      })
    } else answer(socket, GET, found(id, String(key)))
  }
  const [a, b, status] = await Promise.all(all)
  expect([a, b]).toMatchObject([{ value: '/a' }, { value: '/b' }])
  expect(status).toMatchObject({ state: 'unsealed' })
  for (const one of [a, b, status]) expect(one).not.toHaveProperty('id')
})

test('a login is nobody else’s: what it opened is sent only where it is named', async () => {
  const { daemon, relay } = await relayTo(({ socket, type, payload: { id } }) => {
    if (type === 0x01) answer(socket, AUTH, { success: true, session_id: 'secret-session', id })
    else if (type === 0x44) refuse(socket, 'BUSY', 6, { id })
    else answer(socket, GET, found(id))
  })
  await relay.auth({ token: 't', address: '192.0.2.1' })
  expect(await reasonOf(relay.status())).toBe('BUSY')
  await ask(relay, '/a', 'other')
  expect(daemon.asked.map(({ sessionId }) => sessionId)).toEqual(['', '', 'other'])
})

test('the Secrets API can be asked without a session, and nothing else', async () => {
  const { daemon, relay } = await relayTo(({ socket, payload: { id } }) => {
    answer(socket, 0x83, { status: 401, headers: {}, body: '{}', id })
  })
  const payload = { op: 'ask', route: 'value' } as const
  expect(await relay.request('secrets', payload, undefined)).toMatchObject({ status: 401 })
  await relay.request('secrets', payload, 's')
  expect(daemon.asked.map(({ sessionId }) => sessionId)).toEqual(['', 's'])
  const nobody = relay.request('get', { key: '/a' }, undefined as never)
  await expect(nobody).rejects.toThrow(TypeError)
})

test('refusals keep their reason, and touch nobody else', async () => {
  const { relay } = await relayTo(({ socket, payload: { id, key } }) => {
    if (key === '/a') refuse(socket, 'SESSION_INVALID', 4, { id })
    else answer(socket, GET, found(id))
  })
  const [a, b] = await Promise.all([reasonOf(ask(relay, '/a')), ask(relay, '/b')])
  expect(a).toBe('SESSION_INVALID')
  expect(b.value).toBe('x')
})

test('not more are in flight than the daemon reads, and what waits is bounded', async () => {
  const asked: Asked[] = []
  const { daemon, relay } = await relayTo((one) => void asked.push(one), {
    maxInFlight: 2,
    maxWaiting: 1,
  })
  const all = [1, 2, 3].map((n) => ask(relay, `/${n}`))
  await daemon.until(2)
  expect(await reasonOf(ask(relay, '/4'))).toBe('BUSY')
  expect(asked).toHaveLength(2)
  for (let at = 0; at < 3; at++) {
    await daemon.until(at + 1)
    const { socket, payload } = asked[at] as Asked
    answer(socket, GET, found(payload['id']))
  }
  await Promise.all(all)
})

test('a request that is given up has no answer, and the others have theirs', async () => {
  const asked: Asked[] = []
  const { daemon, relay } = await relayTo((one) => void asked.push(one))
  const controller = new AbortController()
  const given = relay.request('get', { key: '/a' }, 's', { signal: controller.signal })
  const late = reasonOf(relay.request('get', { key: '/b' }, 's', { timeoutMs: 20 }))
  const kept = ask(relay, '/c')
  await daemon.until(3)
  controller.abort(new Error('no longer'))
  await expect(given).rejects.toThrow('no longer')
  expect(await late).toBe('TIMEOUT')
  for (const { socket, payload } of asked) answer(socket, GET, found(payload['id']))
  expect((await kept).value).toBe('x')
})

test.each<[string, (asked: Asked) => void]>([
  ['an id that nobody sent', ({ socket }) => answer(socket, GET, found(99))],
  ['no id', ({ socket }) => answer(socket, GET, found(undefined))],
  ['the wrong type', ({ socket, payload: { id } }) => answer(socket, STATUS, found(id))],
  ['no JSON', ({ socket }) => answer(socket, GET, '{')],
  ['an event', ({ socket }) => push(socket, { revision: 1 })],
  [
    'an answer twice',
    ({ socket, payload: { id } }) => {
      answer(socket, GET, found(id))
      answer(socket, GET, found(id))
    },
  ],
  ['no frames', ({ socket }) => socket.write(Buffer.alloc(64, 0xff))],
])('%s ends the connection with an error', async (_, handle) => {
  const { relay } = await relayTo(handle)
  await reasonOf(ask(relay, '/a'))
  expect((await relay.ended).reason).toBe('UNREACHABLE')
  expect(relay.closed).toBe(true)
  expect(await reasonOf(ask(relay, '/b'))).toBe('UNREACHABLE')
})

test('a wrong member of an answer fails that request alone', async () => {
  const { relay } = await relayTo(({ socket, payload: { id, key } }) => {
    answer(socket, GET, key === '/a' ? { ...found(id), version: 'one' } : found(id))
  })
  expect(await reasonOf(ask(relay, '/a'))).toBe('UNREACHABLE')
  expect((await ask(relay, '/b')).value).toBe('x')
})

test('what is under way fails when the connection is lost, with what the daemon said last', async () => {
  const { relay } = await relayTo(({ socket }) => {
    refuse(socket, 'SHUTTING_DOWN', 6)
    socket.end()
  })
  expect(await reasonOf(ask(relay, '/a'))).toBe('SHUTTING_DOWN')
  expect((await relay.ended).reason).toBe('SHUTTING_DOWN')
})

test('wrong arguments', async () => {
  const { relay } = await relayTo(() => {})
  await expect(relay.request('watch', {}, 's')).rejects.toThrow(TypeError)
  await expect(relay.request('nothing' as never, {} as never, 's' as never)).rejects.toThrow(
    TypeError,
  )
  await expect(ask(relay, '/a', '')).rejects.toThrow(RangeError)
  await expect(ask(relay, '/a', 'ä')).rejects.toThrow(RangeError)
  const large = { key: '/a', value: 'x'.repeat(LIMITS.frameBytes) }
  expect(await reasonOf(relay.request('set', large, 's'))).toBe('FRAME_TOO_LARGE')
  await expect(connectRelay({ socket: '/nowhere' })).rejects.toThrow('/nowhere')
})
