import { SecregError } from '@secreg/protocol'
import { RawConnection, rawRequest } from '@secreg/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../support/ask.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

let running: TestGateway
beforeEach(async () => {
  running = await startGateway()
})
afterEach(() => running[Symbol.asyncDispose]())

const GUARD = { 'Sec-X-Tailscale-No-Browsers': 'setec' }
const GET = '{"Name":"n","Version":0,"UpdateIfChanged":false}'

describe('POST /api/<op>', () => {
  it('serves a secret as setec does', async () => {
    running.relay.answer = () => ({
      value: 'aGk=',
      type: 'bytes',
      encrypted: true,
      version: 2,
      modify_revision: 9,
    })
    const answer = await ask(running, '/api/get', { body: GET, headers: GUARD })
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('{"Value":"aGk=","Version":2}')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(running.relay.asked).toMatchObject([
      { name: 'get', payload: { key: '/setec/n', decrypt: true }, sessionId: 'session-1' },
    ])
  })

  it('serves a conditional get with neither content type nor length', async () => {
    running.relay.answer = () => ({
      value: null,
      unchanged: true,
      type: 'bytes',
      encrypted: true,
      version: 2,
      modify_revision: 9,
    })
    using client = await RawConnection.open(running.port)
    const headers = {
      ...GUARD,
      'Content-Type': 'application/json',
      Authorization: 'Bearer sreg_0123456789abcdef_good',
    }
    const body = '{"Name":"n","Version":2,"UpdateIfChanged":true}'
    client.send(rawRequest('POST', '/api/get', headers, body))
    const answer = await client.answer()
    expect(answer.status).toBe(304)
    expect(answer.headers).not.toHaveProperty('content-type')
    expect(answer.headers).not.toHaveProperty('content-length')
    expect(answer.body).toBe('')
  })

  it('knows who asks by the prefix of the path, and by name and password of the address', async () => {
    running.relay.answer = () => ({ keys: [], entries: [] })
    const headers = GUARD
    const path = '/t/sreg_0123456789abcdef_good/api/list'
    const prefixed = await ask(running, path, { body: '{}', headers, token: null })
    expect(prefixed).toMatchObject({ status: 200, text: 'null' })
    const Authorization = `Basic ${Buffer.from('alice:right').toString('base64')}`
    const basic = { ...GUARD, Authorization }
    const named = await ask(running, '/api/list', { body: '{}', headers: basic, token: null })
    expect(named).toMatchObject({ status: 200, text: 'null' })
    expect(running.relay.logins).toMatchObject([
      { token: 'sreg_0123456789abcdef_good' },
      { username: 'alice', password: 'right' },
    ])
  })

  it.each([
    ['another method', 'PUT', '/api/get', {}, 400, 'only POST requests allowed\n'],
    ['GET', 'GET', '/api/get', {}, 400, 'only POST requests allowed\n'],
    [
      'another type',
      'POST',
      '/api/get',
      { 'Content-Type': 'application/json; charset=utf-8' },
      400,
      'request body must be json\n',
    ],
    [
      'a browser',
      'POST',
      '/api/get',
      { 'Sec-X-Tailscale-No-Browsers': 'SETEC' },
      403,
      'access denied\n',
    ],
    ['another operation', 'POST', '/api/get-all', {}, 400, 'invalid method\n'],
    ['an operation behind an operation', 'POST', '/api/get/', {}, 400, 'invalid method\n'],
    ['an encoded operation', 'POST', '/api/%67et', {}, 400, 'invalid method\n'],
    [
      'a body that is too large',
      'POST',
      '/api/put',
      { 'Content-Length': '99999999' },
      413,
      'the body is too large\n',
    ],
  ])(
    'refuses %s as setec does, before it asks who it is',
    async (_what, method, path, changed, status, text) => {
      using client = await RawConnection.open(running.port)
      const headers = { ...GUARD, 'Content-Type': 'application/json', ...changed }
      client.send(rawRequest(method, path, headers, method === 'GET' ? undefined : '{}'))
      const answer = await client.answer()
      expect(answer).toMatchObject({ status, body: text })
      expect(answer.headers).toMatchObject({
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
      })
      expect(running.relay.logins).toEqual([])
    },
  )

  it.each([
    '/%61pi/get',
    '//api/get',
    '/api%2Fget',
    '/./api/get',
    '/x/../api/get',
    '/API/get',
    '/api',
    '/api;x/get',
  ])('is at no other path, such as %s', async (path) => {
    using client = await RawConnection.open(running.port)
    client.send(rawRequest('POST', path, { ...GUARD, 'Content-Type': 'application/json' }, GET))
    expect((await client.answer()).status).toBe(404)
    expect(running.relay.logins).toEqual([])
  })

  it('does not read a body of somebody who is not known', async () => {
    const answer = await ask(running, '/api/put', { body: 'no JSON', headers: GUARD, token: null })
    expect(answer).toMatchObject({ status: 401, text: 'unable to identify caller\n' })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  it.each([
    ['ACCESS_DENIED', 403, 'access denied\n', null],
    ['NOT_FOUND', 404, 'not found\n', null],
    ['SEALED', 503, 'service unavailable\n', null],
    ['BUSY', 503, 'service unavailable\n', '7'],
    ['AUDIT_FAILED', 500, 'internal error\n', null],
  ] as const)('says %s as setec does', async (reason, status, text, after) => {
    running.relay.answer = () => {
      throw new SecregError(reason, 'canary', after === null ? {} : { retryAfterSeconds: 7 })
    }
    const answer = await ask(running, '/api/get', { body: GET, headers: GUARD })
    expect(answer).toMatchObject({ status, text })
    expect(answer.headers.get('retry-after')).toBe(after)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(running.log.join('').includes('internal fault')).toBe(status === 500)
  })
})
