import { once } from 'node:events'
import { createServer } from 'node:net'
import { SubauthError } from '@secreg/subauth'
import { SubauthClient } from '@secreg/subauth/node'
import { UnixSocketError } from '@secreg/unix-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { userOf } from '../cases.ts'
import { modelSite } from '../model-port.ts'
import { portOf } from '../server/ports.ts'
import { rawSite, requireSeqpacket, type SeqpacketSite, subauthSite } from './seqpacket-site.ts'

const open: { close(): Promise<unknown> | undefined }[] = []
const keep = <T extends { close(): Promise<unknown> }>(one: T): T => {
  open.unshift(one)
  return one
}

beforeEach((context) => requireSeqpacket(context))
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const serving = async (...given: Parameters<typeof subauthSite>) =>
  keep<SeqpacketSite>(await subauthSite(...given))
const raw = async (...given: Parameters<typeof rawSite>) => keep(await rawSite(...given))
const connect = async (path: string, options = {}) =>
  keep(await SubauthClient.connect({ path, ...options }))
const reasonOf = async (run: Promise<unknown>) => {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error !== undefined && !SubauthError.is(error)) throw error
  return error?.reason
}

describe('a client', () => {
  test('does everything over one connection, and knows who listens', async () => {
    const { path, served } = await serving(modelSite().portOf(0, userOf(0)))
    const client = await connect(path)
    expect(client.server).toMatchObject({ uid: process.getuid?.(), pid: process.pid })
    await client.nop()
    await client.createAccount('mail', 'alice')
    const { token } = await client.createToken({ zone: 'mail', login: 'alice' })
    await client.login({ zone: 'mail', login: 'alice', passwd: token })
    expect(await reasonOf(client.login({ zone: 'mail', login: 'alice', passwd: 'x' }))).toBe(
      'REFUSED',
    )
    expect((await client.accounts({ login: 'alice' })).accounts.length).toBe(1)
    expect((await client.zones()).length).toBe(5)
    expect(served.length).toBe(1)
  })

  test('sends one request after the other, however many are made at once', async () => {
    let inProgress = 0
    let most = 0
    const port = portOf(async (_, zone) => {
      most = Math.max(most, ++inProgress)
      await new Promise((resolve) => setImmediate(resolve))
      inProgress--
      if (zone === 'wiki') throw new SubauthError('ACCOUNT_EXISTS')
    })
    const client = await connect((await serving(port)).path)
    const reasons = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        reasonOf(client.createAccount(n % 2 === 0 ? 'mail' : 'wiki', 'a')),
      ),
    )
    expect(reasons).toEqual(
      Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? undefined : 'REFUSED')),
    )
    expect(most).toBe(1)
  })

  test('that is closed answers what was asked before, and nothing after', async () => {
    const { path, served } = await serving(modelSite().portOf(0, 'root'))
    const client = await connect(path)
    const before = [client.nop(), client.zones()]
    const closing = client.close()
    const after = reasonOf(client.nop())
    await Promise.all([...before, closing, served[0]?.closed])
    expect(await after).toBe('CLOSED')
    await client.close()
  })
})

describe('what goes wrong', () => {
  test('no reply in time: the connection is over, since that reply may still come', async () => {
    const { path } = await raw((socket) => socket.on('packet', () => {}))
    const client = await connect(path, { timeoutMs: 30 })
    const asked = [client.nop(), client.nop()].map(reasonOf)
    expect(await Promise.all(asked)).toEqual(['TIMEOUT', 'TIMEOUT'])
    expect(await reasonOf(client.nop())).toBe('TIMEOUT')
  })

  test('the server ends: what is asked is lost, and what is asked later', async () => {
    const { path } = await raw((socket) => socket.on('packet', () => socket.destroy()))
    const client = await connect(path)
    expect(await Promise.all([client.nop(), client.nop()].map(reasonOf))).toEqual([
      'CONNECTION_LOST',
      'CONNECTION_LOST',
    ])
    expect(await reasonOf(client.nop())).toBe('CONNECTION_LOST')
  })

  test('a reply that is longer than is read', async () => {
    const { path } = await raw((socket) => {
      socket.on('packet', () => socket.send(Buffer.from('{"error":""}'.padEnd(301))))
    })
    const client = await connect(path, { maxReplyBytes: 300 })
    expect(await reasonOf(client.nop())).toBe('ANSWER_INVALID')
    expect(await reasonOf(client.nop())).toBe('ANSWER_INVALID')
  })

  test('a reply that nobody asked for is not taken for the next one', async () => {
    const ok = Buffer.from('{"error":""}')
    const { path } = await raw((socket) => {
      socket.on('packet', () => {
        socket.send(ok)
        socket.send(ok)
      })
    })
    const client = await connect(path)
    await client.nop()
    expect(await reasonOf(client.login({ zone: 'm', passwd: 'x' }))).toMatch(
      /ANSWER_INVALID|CONNECTION_LOST/,
    )
  })

  test('a request that the kernel does not send', async () => {
    const client = await connect((await serving(modelSite().portOf(0, 'root'))).path)
    const passwd = 'x'.repeat(1024 * 1024)
    expect(await reasonOf(client.login({ zone: 'm', passwd }))).toBe('CONNECTION_LOST')
  })

  test('nobody listens', async () => {
    const gone = await rawSite(() => {})
    await gone.close()
    const error = await SubauthClient.connect({ path: gone.path }).catch((it: unknown) => it)
    expect(SubauthError.is(error, 'UNREACHABLE')).toBe(true)
    const { cause } = error as SubauthError
    expect(UnixSocketError.is(cause) && cause.systemCode).toBe('ENOENT')
    expect((error as SubauthError).message).not.toContain(gone.path)
  })

  test('a server of streams listens', async () => {
    const { path } = await raw(() => {})
    const server = createServer().listen(`${path}.stream`)
    await once(server, 'listening')
    const error = SubauthClient.connect({ path: `${path}.stream` })
    expect(await reasonOf(error)).toBe('UNREACHABLE')
    server.close()
  })

  test.each([
    [{}, TypeError, 'path'],
    [{ path: '' }, RangeError, 'path'],
    [{ path: 'x'.repeat(108) }, RangeError, 'path'],
    [{ path: 'x', timeoutMs: '1' }, TypeError, 'timeoutMs'],
    [{ path: 'x', timeoutMs: -1 }, RangeError, 'timeoutMs'],
    [{ path: 'x', timeoutMs: 2 ** 31 }, RangeError, 'timeoutMs'],
    [{ path: 'x', maxReplyBytes: 0 }, RangeError, 'maxPacketBytes'],
  ])('wrong options: %j', async (options, type, name) => {
    const error = await SubauthClient.connect(options as never).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).toContain(`${name}: expected`)
  })
})
