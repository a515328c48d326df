import { REASONS, SecregError } from '@secreg/protocol'
import { REQUESTS } from '@secreg/protocol/messages'
import { RawConnection, rawRequest, waitFor } from '@secreg/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errorAnswer } from '../../src/routes/error-answer.ts'
import { MAX_ITEMS } from '../../src/routes/json-body.ts'
import { REGISTRY_REQUESTS } from '../../src/routes/registry-route.ts'
import { STATUS_OF_REASON } from '../../src/routes/status-of-reason.ts'
import { ask } from '../support/ask.ts'
import { FakeRelay } from '../support/fake-relay.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

let running: TestGateway
beforeEach(async () => {
  running = await startGateway()
})
afterEach(() => running[Symbol.asyncDispose]())

const errorOf = (text: string): unknown => (JSON.parse(text) as { error: unknown }).error

describe('POST /registry/<request>', () => {
  it('asks the daemon in the session of the caller, and answers what it says', async () => {
    running.relay.answer = () => ({ value: 'x', type: 'string', encrypted: false, version: 3 })
    const answer = await ask(running, '/registry/get', { body: '{"key":"/a","other":1}' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(answer.text)).toEqual({
      value: 'x',
      type: 'string',
      encrypted: false,
      version: 3,
    })
    expect(running.relay.asked).toEqual([
      { name: 'get', payload: { key: '/a' }, sessionId: 'session-1' },
    ])
    // A second request of the same caller needs no second login.
    await ask(running, '/registry/whoami')
    expect(running.relay.asked[1]).toEqual({ name: 'whoami', payload: {}, sessionId: 'session-1' })
    expect(running.relay.logins).toHaveLength(1)
  })

  it('takes the credential out of the path', async () => {
    const path = '/t/sreg_0123456789abcdef_good/registry/whoami'
    expect((await ask(running, path, { token: null })).status).toBe(200)
    expect(running.relay.logins).toMatchObject([
      { token: 'sreg_0123456789abcdef_good', address: '127.0.0.1' },
    ])
  })

  it.each([
    ['no member that is needed', 'get', '{}'],
    ['a wrong type', 'get', '{"key":7}'],
    ['a number as body', 'get', '7'],
    ['a list as body', 'get', '[]'],
    ['null as body', 'get', 'null'],
    ['no JSON', 'get', '{"key":'],
    ['JSON with something behind it', 'get', '{"key":"/a"} x'],
    ['a byte order mark', 'get', '\ufeff{"key":"/a"}'],
    ['bytes that are no UTF-8', 'get', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['33 levels', 'set', `{"key":"/a","value":${'['.repeat(33)}${']'.repeat(33)}}`],
    ['a million levels', 'set', `{"key":"/a","value":${'['.repeat(1_000_000)}`],
    [
      'a million levels in a member nobody reads',
      'get',
      `{"key":"/a","x":${'{"a":'.repeat(300_000)}`,
    ],
  ])('refuses %s before the daemon hears of it', async (_what, name, body) => {
    const answer = await ask(running, `/registry/${name}`, { body })
    expect(answer.status).toBe(400)
    expect(errorOf(answer.text)).toMatchObject({ code: 1, name: 'InvalidArgument' })
    expect(running.relay.asked).toEqual([])
  })

  it('never quotes what was sent', async () => {
    for (const body of ['{"key":"canary', '{"key":{"canary":"canary"}}', 'canary', '["canary"]']) {
      expect((await ask(running, '/registry/get', { body })).text).not.toContain('canary')
    }
    expect(running.log.join()).not.toContain('canary')
  })

  it('reads brackets in texts as texts', async () => {
    const key = `/a${'x'.repeat(20)}`
    const value = `${'[{'.repeat(100)}\\"${'['.repeat(100)}`
    const body = JSON.stringify({ key, value })
    expect((await ask(running, '/registry/set', { body })).status).toBe(200)
    expect(running.relay.asked[0]?.payload).toMatchObject({ key, value })
  })

  it('drops members that nobody knows, and refuses too many of them unread', async () => {
    const body = (count: number): string =>
      `{"key":"/a",${Array.from({ length: count }, (_, at) => `"m${at}":0`).join()}}`
    expect((await ask(running, '/registry/get', { body: body(MAX_ITEMS - 1) })).status).toBe(200)
    expect(running.relay.asked.splice(0)[0]?.payload).toEqual({ key: '/a' })
    for (const count of [MAX_ITEMS, 150_000]) {
      expect((await ask(running, '/registry/get', { body: body(count) })).status).toBe(400)
    }
    expect(running.relay.asked).toEqual([])
  })

  it.each(
    Object.keys(REQUESTS).filter(
      (name) => !(REGISTRY_REQUESTS as readonly string[]).includes(name),
    ),
  )('does not serve %s', async (name) => {
    expect((await ask(running, `/registry/${name}`, { body: '{}' })).status).toBe(404)
    expect(running.relay.logins).toEqual([])
  })

  it.each([
    '',
    'GET',
    'g%65t',
    'get/',
    'get%2F',
    'toString',
    '__proto__',
    'constructor',
    '..',
    '%2e%2e',
  ])('does not serve %j', async (name) => {
    const { relay, port } = running
    using client = await RawConnection.open(port)
    client.send(
      rawRequest('POST', `/registry/${name}`, { 'Content-Type': 'application/json' }, '{}'),
    )
    expect((await client.answer()).status).toBe(404)
    expect(relay.logins).toEqual([])
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/jsonp',
    '',
  ])('refuses content of type %j, before it asks who it is', async (type) => {
    const headers = { 'Content-Type': type }
    const answer = await ask(running, '/registry/whoami', { body: '{}', headers })
    expect(answer.status).toBe(415)
    expect(running.relay.logins).toEqual([])
  })

  it('refuses pages, also of its own origin, and allows no other', async () => {
    for (const Origin of ['null', 'https://evil.example', `http://127.0.0.1:${running.port}`]) {
      const answer = await ask(running, '/registry/whoami', { headers: { Origin } })
      expect(answer.status).toBe(403)
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      const headers = { Origin, 'Access-Control-Request-Method': 'POST' }
      const preflight = await ask(running, '/registry/whoami', { method: 'OPTIONS', headers })
      expect(preflight.status).toBe(405)
      expect([...preflight.headers.keys()].join()).not.toContain('access-control')
    }
    expect(running.relay.logins).toEqual([])
  })

  it('says in which method it is asked', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']) {
      const answer = await ask(running, '/registry/get', { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toBe('POST')
    }
  })

  it('opens a session that has ended again, once, and repeats what was not done', async () => {
    await ask(running, '/registry/whoami')
    running.relay.sessions.clear()
    expect((await ask(running, '/registry/whoami')).status).toBe(200)
    expect(running.relay.logins).toHaveLength(2)
    expect(running.relay.asked.map(({ sessionId }) => sessionId)).toEqual([
      'session-1',
      'session-2',
    ])

    running.relay.answer = () => {
      throw new SecregError('SESSION_INVALID', 'the session has ended')
    }
    const answer = await ask(running, '/registry/whoami')
    expect(answer.status).toBe(401)
    // The request of before, the one that failed, and its only repetition.
    expect(running.relay.asked).toHaveLength(4)
  })

  it.each([
    ['no credential', null],
    ['a wrong one', 'sreg_0123456789abcdef_bad'],
  ])('answers 401 to %s', async (_what, token) => {
    const answer = await ask(running, '/registry/whoami', { token })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    expect(errorOf(answer.text)).toMatchObject({ code: 4, name: 'AuthFailed' })
    expect(running.relay.asked).toEqual([])
  })

  it('tells the reasons of the daemon with everything that belongs to them', async () => {
    running.relay.answer = () => {
      throw new SecregError('BUSY', 'later', { retryAfterSeconds: 2.5, cause: 'canary' })
    }
    const answer = await ask(running, '/registry/whoami')
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('3')
    expect(errorOf(answer.text)).toEqual({
      code: 6,
      name: 'InvalidState',
      reason: 'BUSY',
      message: 'later',
      errno: 909,
      retry_after: 2.5,
    })
  })

  it('says nothing of a fault of its own, and logs it', async () => {
    running.relay.answer = () => {
      throw new Error('canary')
    }
    const answer = await ask(running, '/registry/whoami')
    expect(answer.status).toBe(500)
    expect(errorOf(answer.text)).toEqual({
      code: 7,
      name: 'DatabaseError',
      reason: 'INTERNAL',
      message: 'internal fault',
      errno: 999,
    })
    const lines = running.log.join('')
    expect(lines).toContain('"event":"internal fault"')
    expect(lines).not.toContain('canary')
  })

  it('answers 503 while the daemon is away, and 200 when it is back', async () => {
    let away = true
    await using other = await startGateway({
      connect: async () => {
        if (away) throw new SecregError('UNREACHABLE', 'nobody listens')
        return new FakeRelay()
      },
    })
    const refused = await ask(other, '/registry/whoami')
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    away = false
    await waitFor(async () => (await ask(other, '/registry/whoami')).status === 200)
  })
})

describe('the table of statuses', () => {
  it.each(Object.entries(STATUS_OF_REASON))('says %s in one answer', (reason, status) => {
    expect(Object.hasOwn(REASONS, reason)).toBe(true)
    const error = new SecregError(reason as keyof typeof REASONS, 'message')
    const answer = errorAnswer(error)
    expect(answer.status).toBe(status)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(JSON.parse(answer.body as string)).toEqual({
      error: {
        code: error.status,
        name: error.statusName,
        reason,
        message: 'message',
        errno: error.errno,
      },
    })
    expect(answer.headers?.includes('Retry-After') ?? false).toBe(status === 503)
    expect(answer.headers?.includes('WWW-Authenticate') ?? false).toBe(status === 401)
  })
})
