import {
  AccessDeniedException,
  AuthResult,
  Client,
  KeyNotFoundException,
  SecRegException,
  ValueType,
} from '@secreg/client'
import { expect, onTestFinished, test } from 'vitest'
import { type Asked, answer, entry, fakeDaemon, refuse } from './fake-daemon.ts'

async function clientOf(handle: (asked: Asked) => void): Promise<Client> {
  const daemon = await fakeDaemon(handle)
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const client = new Client(daemon.path)
  await client.connect()
  onTestFinished(() => client.close())
  return client
}

test('logs in', async () => {
  const client = await clientOf(({ socket, payload }) => {
    if (payload['password'] === 'right') {
      answer(socket, 0x02, { success: true, session_id: 's', roles: ['admin'], expires_in: 3600 })
    } else {
      answer(socket, 0x02, {
        success: false,
        error: {
          code: 4,
          name: 'AuthFailed',
          message: 'no',
          reason: 'AUTH_LOCKED_OUT',
          errno: 106,
          retry_after: 9,
        },
      })
    }
  })
  const refused = await client.login('root', 'wrong')
  expect(refused).toBeInstanceOf(AuthResult)
  expect(refused).toMatchObject({
    success: false,
    sessionId: undefined,
    roles: [],
    mfaRequired: false,
  })
  expect(refused.error).toMatchObject({ reason: 'AUTH_LOCKED_OUT', status: 4, retryAfter: 9 })
  expect(await client.login('root', 'right')).toMatchObject({
    success: true,
    sessionId: 's',
    roles: ['admin'],
    expiresIn: 3600,
  })
})

test('sets, gets, removes and lists, all pages', async () => {
  const asked: object[] = []
  const client = await clientOf(({ socket, type, payload }) => {
    asked.push(payload)
    if (type === 0x03)
      answer(socket, 0x04, entry(payload['decrypt'] ? 'open' : null, 'string', true))
    if (type === 0x05) answer(socket, 0x06, { success: true, version: 7, revision: 1 })
    if (type === 0x07) answer(socket, 0x08, { success: true, deleted: 2, revision: 2 })
    if (type === 0x09) {
      answer(
        socket,
        0x0a,
        payload['after'] === undefined ? { keys: ['/a', '/b'], next: '/b' } : { keys: ['/c'] },
      )
    }
  })
  expect(await client.set('/a', 'x', ValueType.String, true)).toBe(7)
  expect(await client.set('/n', 5)).toBe(7)
  expect(await client.get('/a', true)).toBe('open')
  expect(await client.get('/a')).toBeUndefined()
  expect(await client.remove('/a', true)).toBe(2)
  expect(await client.list('/', true)).toEqual(['/a', '/b', '/c'])
  expect(asked).toEqual([
    { key: '/a', value: 'x', encrypt: true, type: 'string' },
    { key: '/n', value: 5, encrypt: false },
    { key: '/a', decrypt: true },
    { key: '/a', decrypt: false },
    { key: '/a', recursive: true },
    { prefix: '/', recursive: true },
    { prefix: '/', recursive: true, after: '/b' },
  ])
})

test('an absent key throws', async () => {
  const client = await clientOf(({ socket, payload }) => {
    if (payload['key'] === '/absent') refuse(socket, 'STORAGE_KEY_NOT_FOUND', 2)
    else if (payload['key'] === '/forbidden') refuse(socket, 'ACCESS_DENIED', 3)
    else refuse(socket, 'SEALED', 6)
  })
  const absent = await client.get('/absent').catch((error: unknown) => error)
  expect(absent).toBeInstanceOf(KeyNotFoundException)
  expect(absent).toBeInstanceOf(SecRegException)
  expect(absent).toMatchObject({
    reason: 'STORAGE_KEY_NOT_FOUND',
    status: 2,
    errno: 401,
    code: 'ERR_STORAGE_KEY_NOT_FOUND',
  })
  expect(await client.get('/forbidden').catch((error: unknown) => error)).toBeInstanceOf(
    AccessDeniedException,
  )
  const sealed = await client.get('/else').catch((error: unknown) => error)
  expect(sealed).toBeInstanceOf(SecRegException)
  expect(sealed).not.toBeInstanceOf(KeyNotFoundException)
  expect(SecRegException.is(sealed)).toBe(true)
})

test('before connect, and with nobody there', async () => {
  const client = new Client('/nonexistent/socket')
  await expect(client.get('/a')).rejects.toThrow(TypeError)
  await expect(client.connect()).rejects.toMatchObject({
    name: 'SecRegException',
    reason: 'UNREACHABLE',
  })
  expect(() => new Client('')).toThrow(RangeError)
  await client.close()
})

test('connects again after a loss, with its session', async () => {
  const daemon = await fakeDaemon(({ socket, type }) => {
    if (type === 0x01) answer(socket, 0x02, { success: true, session_id: 's' })
    else answer(socket, 0x04, entry('x'))
  })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  await using client = new Client(daemon.path)
  await client.connect()
  await client.login('a', 'b')
  for (const socket of daemon.sockets) socket.destroy()
  await expect(client.get('/a')).rejects.toThrow(SecRegException)
  await Promise.all([client.connect(), client.connect()])
  expect(await client.get('/a')).toBe('x')
  expect(daemon.asked.at(-1)?.sessionId).toBe('s')
})

test.each(['ENTRY_DELETED', 'VERSION_DELETED', 'VERSION_DESTROYED', 'VERSION_NOT_FOUND'])(
  '%s is a key that is not there',
  async (reason) => {
    const client = await clientOf(({ socket }) => refuse(socket, reason, 2))
    const error = await client.get('/a').catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(KeyNotFoundException)
    expect(error).toMatchObject({ reason, status: 2 })
  },
)
