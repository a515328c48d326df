import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { SecregError } from '@secreg/protocol'
import { parseRequest, SECRETS_ROUTES } from '@secreg/protocol/messages'
import {
  CertificateMaker,
  createCanary,
  createTempHome,
  RawConnection,
  rawRequest,
  waitFor,
} from '@secreg/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SECRETS_ENDPOINTS } from '../../src/routes/secrets-endpoints.ts'
import { ASKED_AT_ONCE, SMALL_BODY_BYTES } from '../../src/routes/secrets-gate.ts'
import { type AskOptions, ask } from '../support/ask.ts'
import type { AskedRequest } from '../support/fake-relay.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_'
const QUERY = 'uri=openbao+kv2://secret/app/test%23value&version=1'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const ENDPOINTS = Object.entries(SECRETS_ENDPOINTS).flatMap(([path, endpoint]) =>
  Object.entries(endpoint).map(([method, route]) => [method, path, route] as const),
)

let running: TestGateway
beforeEach(async () => {
  running = await startGateway()
  running.relay.answer = () => ({ status: 200, headers: {}, body: '{"value":"x"}' })
})
afterEach(() => running[Symbol.asyncDispose]())

const GET: AskOptions = { method: 'GET' }
const bearing = (token: string, scheme = 'Bearer'): AskOptions => ({
  method: 'GET',
  token: null,
  headers: { Authorization: `${scheme} ${token}` },
})

function last(): AskedRequest & { readonly payload: Record<string, unknown> } {
  return running.relay.asked.at(-1) as never
}

describe('every endpoint', () => {
  it('is one request of the protocol', () => {
    expect(ENDPOINTS.map(([, , route]) => route).sort()).toEqual([...SECRETS_ROUTES].sort())
  })

  it.each(ENDPOINTS)(
    '%s %s asks for %s, and answers what the daemon says',
    async (method, path, route) => {
      running.relay.answer = () => ({
        status: 207,
        headers: { 'Retry-After': '3', 'X-Of-The-Daemon': 'no' },
        body: '{"a":1}',
      })
      const body = method === 'POST' ? { body: '{"uri":"yaml://s/a"}' } : {}
      const headers = { 'X-Correlation-Id': 'c.1_-' }
      const answer = await ask(running, `${path}?${QUERY}`, { method, headers, ...body })
      expect([answer.status, answer.text]).toEqual([207, '{"a":1}'])
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-correlation-id': 'c.1_-',
        'retry-after': '3',
      })
      expect(answer.headers.has('x-of-the-daemon')).toBe(false)
      const { payload, sessionId } = last()
      expect(sessionId).toBe('session-1')
      expect(payload).toEqual({
        op: 'ask',
        route,
        query: QUERY,
        ...body,
        presented: {
          address: '127.0.0.1',
          method,
          url: `http://127.0.0.1:${running.port}${path}`,
        },
        correlation: 'c.1_-',
      })
      // What the daemon reads is what was sent.
      expect(parseRequest('secrets', payload)).toEqual(payload)
    },
  )

  it.each(ENDPOINTS.map(([, path]) => path))(
    '%s refuses other methods, and says which there are',
    async (path) => {
      const allowed = Object.keys(SECRETS_ENDPOINTS[path] ?? {})
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
        if (allowed.includes(method)) continue
        const { status, headers, text } = await ask(running, path, { method })
        expect([method, status, headers.get('allow')]).toEqual([method, 405, allowed.join(', ')])
        expect(headers.get('x-correlation-id')).toMatch(UUID)
        if (method === 'HEAD') continue
        expect(JSON.parse(text)).toEqual({
          error: 'Method Not Allowed',
          code: 'METHOD_NOT_ALLOWED',
          message: 'the method is not served there',
          correlation_id: headers.get('x-correlation-id'),
        })
      }
      expect(running.relay.asked).toEqual([])
    },
  )

  it.each([
    '/api/secrets/',
    '/api/secrets/nope',
    '/api/secrets/value/',
    '/api/secrets/Value',
    '/api/secrets//value',
    '/api/secrets/%76alue',
    '/api/secrets/metadata/',
    '/api/secrets/list',
    '/api/secrets/put',
    '/api/secrets/__proto__',
  ])('is not %s', async (path) => {
    using client = await RawConnection.open(running.port)
    client.send(rawRequest('GET', path))
    const { status, body, headers } = await client.answer()
    expect([status, JSON.parse(body).code]).toEqual([404, 'NOT_FOUND'])
    expect(headers['cache-control']).toBe('no-store')
    expect(running.relay.logins).toEqual([])
  })

  it('leaves everything else to setec', async () => {
    for (const path of ['/api/secret', '/api/secretsx', '/api/Secrets']) {
      const { status, text } = await ask(running, path, { body: '{}' })
      expect([status, text]).toEqual([400, 'invalid method\n'])
    }
  })
})

describe('what is asked', () => {
  it.each(['', 'a', 'uri=a+b%2B%zz&uri=%C3%28', '&&==', 'uri=x?version=1', '%00%0a', 'a=1;b=2'])(
    'has the query as it was sent: %j',
    async (query) => {
      using client = await RawConnection.open(running.port)
      const headers = { Authorization: 'Bearer sreg_0123456789abcdef_good' }
      client.send(rawRequest('GET', `/api/secrets?${query}`, headers))
      expect((await client.answer()).status).toBe(200)
      expect(last().payload['query']).toBe(query)
    },
  )

  it('has no query where there is none', async () => {
    await ask(running, '/api/secrets', GET)
    expect(last().payload).not.toHaveProperty('query')
  })

  it.each([
    '{',
    '',
    '{"a":1,"a":2}',
    '{"__proto__":{}}',
    '\ufeff{}',
    '{"a":"ü\u2028"}',
    '[[[[',
    '\t\r\n',
  ])('has the body as it was sent, and nobody here reads it: %j', async (body) => {
    expect((await ask(running, '/api/secrets', { body })).status).toBe(200)
    expect(last().payload['body']).toBe(body)
  })

  it.each([
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff])],
    ['half of a character', Buffer.from('{"ü').subarray(0, 3)],
    ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ['control characters', Buffer.from('{"a":"\0"}')],
  ])('has no body of %s', async (_what, body) => {
    const { status, text } = await ask(running, '/api/secrets', { body })
    expect([status, JSON.parse(text).code]).toEqual([400, 'INVALID_REQUEST'])
    expect(running.relay.asked).toEqual([])
  })

  it('has up to 1 MiB of body', async () => {
    const body = `"${'"'.repeat(1024 * 1024 - 2)}"`
    expect((await ask(running, '/api/secrets/bulk', { body })).status).toBe(200)
    expect(last().payload['body'] === body).toBe(true)
    const more = await ask(running, '/api/secrets/bulk', { body: `${body} ` })
    expect([more.status, JSON.parse(more.text).code]).toEqual([413, 'BODY_TOO_LARGE'])
    using client = await RawConnection.open(running.port)
    const chunked = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' }
    const headers = { ...chunked, Authorization: 'Bearer sreg_0123456789abcdef_good' }
    const chunk = `${(1024 * 1024 + 1).toString(16)}\r\n${body}  \r\n0\r\n\r\n`
    client.send(rawRequest('POST', '/api/secrets', headers) + chunk)
    expect((await client.answer()).status).toBe(413)
    expect(running.relay.asked).toHaveLength(1)
  })

  it('has what the caller says of himself, where it is a word', async () => {
    const headers = {
      'X-Workflow-Run-Id': 'run-1',
      'X-Node-Id': 'a b',
      'X-System-Id': 'x'.repeat(129),
    }
    await ask(running, '/api/secrets', { ...GET, headers })
    expect(last().payload['said']).toEqual({ workflow_run: 'run-1' })
    const all = { 'X-Workflow-Run-Id': 'r', 'X-Node-Id': 'n', 'X-System-Id': 's' }
    await ask(running, '/api/secrets', { ...GET, headers: all })
    expect(last().payload['said']).toEqual({ workflow_run: 'r', node: 'n', system: 's' })
  })

  it.each(['', 'a b', 'ä', 'x'.repeat(129), 'a,b', 'a"b'])(
    'has an id of its own where the given one is none: %j',
    async (id) => {
      const headers = { 'X-Correlation-Id': Buffer.from(id).toString('latin1') }
      const answer = await ask(running, '/api/secrets', { ...GET, headers })
      const correlation = answer.headers.get('x-correlation-id')
      expect(correlation).toMatch(UUID)
      expect(last().payload['correlation']).toBe(correlation)
    },
  )

  it('is what the public URL names, or the request', async () => {
    await using behind = await startGateway({ http: { publicUrl: 'https://secrets.example:8443' } })
    behind.relay.answer = running.relay.answer
    await ask(behind, '/api/secrets/value?uri=a', GET)
    expect(behind.relay.asked[0]?.payload).toMatchObject({
      presented: { url: 'https://secrets.example:8443/api/secrets/value' },
    })
    // A token that is a prefix of the path is no part of the place.
    await ask(running, '/t/sreg_0123456789abcdef_good/api/secrets', { ...GET, token: null })
    expect(last().payload).toMatchObject({
      presented: { url: `http://127.0.0.1:${running.port}/api/secrets` },
    })
    using client = await RawConnection.open(running.port)
    const target = 'http://LOCALHOST:80/api/secrets/keys?x'
    client.send(rawRequest('GET', target, { Authorization: 'Bearer sreg_0123456789abcdef_good' }))
    expect((await client.answer()).status).toBe(200)
    expect(last().payload).toMatchObject({
      presented: { url: 'http://localhost/api/secrets/keys' },
    })
  })

  it.each([
    ['127.0.0.1', 200],
    ['localhost:1', 200],
    ['[::1]', 200],
    ['secrets.example', 200],
    ['192.0.2.9', 400],
    ['[2001:db8::1]', 400],
  ])(
    'is not where somebody else says that it is, who was shown the proof first: %s is answered %i',
    async (host, expected) => {
      await using named = await startGateway({ http: { hostNames: ['secrets.example'] } })
      named.relay.answer = running.relay.answer
      using client = await RawConnection.open(named.port)
      const shown = { Host: host, Authorization: `DPoP ${JWT}`, DPoP: 'a.b.c' }
      client.send(rawRequest('GET', '/api/secrets/value?uri=a', shown))
      const { status, body } = await client.answer()
      expect(status).toBe(expected)
      expect(named.relay.asked).toHaveLength(expected === 200 ? 1 : 0)
      if (expected === 400) expect(String(body)).toContain('http.public_url')
    },
  )

  it.each([
    ['text/plain', 415],
    ['application/jsonp', 415],
    ['', 415],
    ['application/json; charset=utf-8', 200],
    ['Application/JSON', 200],
  ])('comes as %j: %i', async (type, expected) => {
    const headers = { 'Content-Type': type }
    const { status, text } = await ask(running, '/api/secrets', { body: '{}', headers })
    expect(status).toBe(expected)
    if (expected === 415) expect(JSON.parse(text).code).toBe('UNSUPPORTED_MEDIA_TYPE')
  })

  it.each(['GET', 'DELETE'])('has no body with %s', async (method) => {
    for (const [framing, body] of [
      [{ 'Content-Length': '2' }, '{}'],
      [{ 'Transfer-Encoding': 'chunked' }, '0\r\n\r\n'],
    ] as const) {
      using client = await RawConnection.open(running.port)
      client.send(rawRequest(method, '/api/secrets', framing) + body)
      const answer = await client.answer()
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, 'INVALID_REQUEST'])
    }
    expect(running.relay.logins).toEqual([])
  })

  it('comes from no page', async () => {
    const headers = { Origin: 'http://localhost' }
    const { status, text } = await ask(running, '/api/secrets', { ...GET, headers })
    expect([status, JSON.parse(text).code]).toEqual([403, 'ORIGIN_REFUSED'])
  })
})

describe('who asks', () => {
  it.each([
    ['Bearer', 'bearer', JWT],
    ['bEARER', 'bearer', JWT],
    // The daemon says no to an unsigned one.
    ['Bearer', 'bearer', 'eyJhbGciOiJub25lIn0.e30.'],
    ['DPoP', 'dpop', JWT],
    ['dpop', 'dpop', 'opaque~+/token=='],
    ['DPoP', 'dpop', 'sreg_0123456789abcdef_good'],
  ])('by %s (%s) is shown to the daemon, and has no session: %s', async (word, scheme, text) => {
    expect((await ask(running, '/api/secrets', bearing(text, word))).status).toBe(200)
    expect(last().sessionId).toBeUndefined()
    expect(last().payload['presented']).toMatchObject({ token: { scheme, text } })
    expect(running.relay.logins).toEqual([])
  })

  it.each([
    ['Bearer', 'sreg_a.b.c'],
    ['Bearer', 'a.b'],
    ['Bearer', 'a.b.c.d.e'],
    ['Bearer', '..'],
    ['Bearer', 'sreg_0123456789abcdef_bad'],
    ['Basic', Buffer.from('alice:wrong').toString('base64')],
    ['Digest', 'x'],
    ['DPoP', 'a"b'],
    ['DPoP', ''],
  ])('by %s %s is refused, and asks nothing', async (word, text) => {
    const { status, headers, text: body } = await ask(running, '/api/secrets', bearing(text, word))
    expect([status, JSON.parse(body).code]).toEqual([401, 'UNAUTHENTICATED'])
    expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect(running.relay.asked).toEqual([])
  })

  it.each<[string, Record<string, string>]>([
    ['X-Vault-Token', { 'X-Vault-Token': 'sreg_0123456789abcdef_good' }],
    ['Basic', { Authorization: `Basic ${Buffer.from('alice:right').toString('base64')}` }],
    [
      'a token as user',
      { Authorization: `Basic ${Buffer.from('sreg_0123456789abcdef_good:').toString('base64')}` },
    ],
  ])('by %s has a session', async (_what, headers) => {
    expect((await ask(running, '/api/secrets', { ...GET, token: null, headers })).status).toBe(200)
    expect(last().sessionId).toBe('session-1')
    expect(last().payload['presented']).not.toHaveProperty('token')
  })

  it('has one credential', async () => {
    for (const token of ['sreg_0123456789abcdef_good', JWT]) {
      const headers = { Authorization: `Bearer ${token}`, 'X-Vault-Token': token }
      const { status, text } = await ask(running, '/api/secrets', { ...GET, token: null, headers })
      expect([status, JSON.parse(text).code]).toEqual([400, 'INVALID_REQUEST'])
      const path = `/t/${token}/api/secrets`
      expect((await ask(running, path, bearing(JWT))).status).toBe(400)
    }
    // Nowhere else is a token of another issuer one.
    const vault = await ask(running, '/api/secrets', {
      ...GET,
      token: null,
      headers: { 'X-Vault-Token': JWT },
    })
    expect(vault.status).toBe(401)
    expect(
      (await ask(running, '/registry/whoami', { ...bearing(JWT), method: 'POST', body: '{}' }))
        .status,
    ).toBe(401)
    expect(running.relay.asked).toEqual([])
  })

  it('proves a key once', async () => {
    const options = bearing(JWT, 'DPoP')
    await ask(running, '/api/secrets', {
      ...options,
      headers: { ...options.headers, DPoP: 'a.b.c' },
    })
    expect(last().payload['presented']).toMatchObject({ proof: 'a.b.c', method: 'GET' })
    using client = await RawConnection.open(running.port)
    const twice = `GET /api/secrets HTTP/1.1\r\nHost: localhost\r\nAuthorization: DPoP ${JWT}\r\nDPoP: a\r\nDPoP: b\r\n\r\n`
    client.send(twice)
    expect((await client.answer()).status).toBe(400)
    expect(running.relay.asked).toHaveLength(1)
  })

  it('is told from who has gone: a session that has ended is opened again, and nobody asks in its place', async () => {
    await ask(running, '/api/secrets', GET)
    running.relay.sessions.clear()
    await ask(running, '/api/secrets', GET)
    expect(running.relay.asked.map(({ sessionId }) => sessionId)).toEqual([
      'session-1',
      'session-2',
    ])
  })

  it('is nobody: the daemon says whether he is served, and reads his body only if he is', async () => {
    const body = '{"uri":"yaml://s/a","value":1}'
    running.relay.answer = ({ payload }) =>
      (payload as { body?: string }).body === undefined
        ? { status: 400, headers: {}, body: '{}' }
        : { status: 200, headers: {}, body: '{"status":"ok"}' }
    expect((await ask(running, '/api/secrets', { body, token: null })).status).toBe(200)
    expect(running.relay.asked.map(({ payload }) => (payload as { body?: string }).body)).toEqual([
      undefined,
      body,
    ])
    expect(last().sessionId).toBeUndefined()

    running.relay.answer = () => ({
      status: 401,
      headers: { 'WWW-Authenticate': 'Bearer' },
      body: '{"code":"UNAUTHENTICATED"}',
    })
    using client = await RawConnection.open(running.port)
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': '1000000',
      Expect: '100-continue',
    }
    client.send(rawRequest('POST', '/api/secrets', headers))
    const answer = await client.answer()
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer'])
    expect(answer.body).toBe('{"code":"UNAUTHENTICATED"}')
    await client.whenClosed()
  })

  it('shows a client certificate, with a token and without', async (context) => {
    await using home = createTempHome()
    const maker = CertificateMaker.in(home, context)
    const authority = await maker.make('authority', { authority: true })
    const server = await maker.make('localhost', { issuer: authority, usage: 'serverAuth' })
    const client = await maker.make('client', { issuer: authority, usage: 'clientAuth' })
    await using secure = await startGateway({
      http: { tlsCert: server.cert, tlsKey: server.key, tlsClientCa: authority.cert },
    })
    secure.relay.answer = running.relay.answer
    const call = (Authorization?: string) =>
      new Promise((resolve, reject) => {
        const asked = get({
          port: secure.port,
          host: '127.0.0.1',
          servername: 'localhost',
          path: '/api/secrets',
          agent: false,
          ca: readFileSync(authority.cert),
          cert: readFileSync(client.cert),
          key: readFileSync(client.key),
          headers: { ...(Authorization === undefined ? {} : { Authorization }) },
        })
        asked.once('error', reject)
        asked.once('response', (response) => {
          response.resume()
          response.once('end', () => resolve(response.statusCode))
        })
      })
    const pem = readFileSync(client.cert, 'utf8')
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    const certificate = createHash('sha256').update(der).digest('base64url')
    expect(await call(`Bearer ${JWT}`)).toBe(200)
    expect(secure.relay.logins).toEqual([])
    expect(secure.relay.asked[0]?.sessionId).toBeUndefined()
    expect(await call('Bearer sreg_0123456789abcdef_good')).toBe(200)
    expect(await call()).toBe(200)
    expect(secure.relay.logins.at(-1)).toMatchObject({
      assertions: [`cert:sha256:${createHash('sha256').update(der).digest('hex')}`],
    })
    for (const { payload } of secure.relay.asked) {
      expect(payload).toMatchObject({
        presented: { certificate, url: `https://127.0.0.1:${secure.port}/api/secrets` },
      })
    }
  })
})

it('shows the certificate that a proxy has seen, where there is one', async (context) => {
  await using home = createTempHome()
  const { cert } = await CertificateMaker.in(home, context).make('client')
  const base64 = readFileSync(cert, 'utf8').replace(/-----[^-]+-----|\s/g, '')
  const der = Buffer.from(base64, 'base64')
  const certificate = createHash('sha256').update(der).digest('base64url')
  await using behind = await startGateway({
    http: { certificateProxies: ['127.0.0.1'], certificateHeader: 'Client-Cert' },
  })
  behind.relay.answer = running.relay.answer
  const headers = (value: string) => ({ Authorization: `Bearer ${JWT}`, 'Client-Cert': value })
  const options = (value: string) => ({ ...GET, token: null, headers: headers(value) })
  expect((await ask(behind, '/api/secrets', options(`:${base64}:`))).status).toBe(200)
  expect(behind.relay.asked[0]?.payload).toMatchObject({ presented: { certificate } })
  const refused = await ask(behind, '/api/secrets', options('x'))
  expect([refused.status, JSON.parse(refused.text).code]).toEqual([400, 'INVALID_REQUEST'])
  expect(behind.relay.asked).toHaveLength(1)
  // It is no word of who asks: nobody is let in by it.
  const alone = { ...GET, token: null, headers: { 'Client-Cert': `:${base64}:` } }
  await ask(behind, '/api/secrets', alone)
  expect(behind.relay.asked[1]?.sessionId).toBeUndefined()
  expect(behind.relay.logins).toEqual([])
  // Where there is no such proxy, it is a header like any other.
  await ask(running, '/api/secrets', options(`:${base64}:`))
  expect(last().payload['presented']).not.toHaveProperty('certificate')
})

describe('a failure', () => {
  it.each([
    ['AUTH_LOCKED_OUT', 429, 'RATE_LIMITED', '7'],
    ['BUSY', 429, 'RATE_LIMITED', '7'],
    ['SEALED', 503, 'UNAVAILABLE', '7'],
    ['UNREACHABLE', 503, 'UNAVAILABLE', '7'],
    ['AUDIT_FAILED', 503, 'AUDIT_UNAVAILABLE', '7'],
    ['NOT_FOUND', 404, 'NOT_FOUND', null],
    ['TIMEOUT', 504, 'TIMEOUT', null],
    ['PAYLOAD_INVALID', 400, 'INVALID_REQUEST', null],
    ['ACCESS_DENIED', 403, 'ACCESS_DENIED', null],
    ['STORAGE_FAILED', 500, 'INTERNAL', null],
    ['VALUE_INVALID', 500, 'INTERNAL', null],
  ] as const)('of the registry, %s, is %i %s', async (reason, status, code, wait) => {
    const canary = createCanary()
    running.relay.answer = () => {
      throw new SecregError(reason, canary, { retryAfterSeconds: 7 })
    }
    const answer = await ask(running, '/api/secrets', GET)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, wait])
    const told = JSON.parse(answer.text)
    expect(Object.keys(told)).toEqual(['error', 'code', 'message', 'correlation_id'])
    expect([told.code, told.correlation_id]).toEqual([code, answer.headers.get('x-correlation-id')])
    expect(answer.text).not.toContain(canary)
  })

  it('says when to come again though the daemon does not', async () => {
    running.relay.answer = () => {
      throw new SecregError('SEALED', 'sealed')
    }
    expect((await ask(running, '/api/secrets', GET)).headers.get('retry-after')).toBe('1')
  })

  it('of the connection is 503', async () => {
    await using away = await startGateway({
      connect: () => Promise.reject(new SecregError('UNREACHABLE', 'gone')),
    })
    for (const token of ['sreg_0123456789abcdef_good', JWT]) {
      const answer = await ask(away, '/api/secrets', bearing(token))
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, 'UNAVAILABLE'])
      expect(answer.headers.get('retry-after')).toBe('1')
    }
  })

  it('of the program is told to nobody but the log', async () => {
    const canary = createCanary()
    running.relay.answer = () => {
      throw new Error(canary)
    }
    const answer = await ask(running, '/api/secrets', GET)
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([500, 'INTERNAL'])
    expect(answer.text).not.toContain(canary)
    expect(running.log.some((line) => line.includes('internal fault'))).toBe(true)
  })
})

describe('slow providers', () => {
  /** Requests that hang until they are let go. */
  function hang(): { readonly underWay: () => number; readonly release: () => void } {
    let underWay = 0
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    running.relay.answer = async ({ name }) => {
      if (name !== 'secrets') return { user: 'alice' }
      underWay++
      await held
      underWay--
      return { status: 200, headers: {}, body: '{}' }
    }
    return { underWay: () => underWay, release: () => release() }
  }

  it('take half of the connection at most, and nobody else waits for them', async () => {
    const slow = hang()
    const all = Array.from({ length: 2 * ASKED_AT_ONCE }, () => ask(running, '/api/secrets', GET))
    await waitFor(() => slow.underWay() === ASKED_AT_ONCE)
    expect((await ask(running, '/registry/whoami', { body: '{}' })).status).toBe(200)
    expect(slow.underWay()).toBe(ASKED_AT_ONCE)
    slow.release()
    for (const { status } of await Promise.all(all)) expect(status).toBe(200)
    expect(running.relay.asked.filter(({ name }) => name === 'secrets')).toHaveLength(
      2 * ASKED_AT_ONCE,
    )
  })

  it('a few long bodies of strangers are read at once, and any number of short ones', async () => {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${JWT}` }
    const length = SMALL_BODY_BYTES + 1
    const clients = await Promise.all(
      Array.from({ length: 9 }, () => RawConnection.open(running.port)),
    )
    const head = rawRequest('POST', '/api/secrets', {
      ...headers,
      'Content-Length': String(length),
      Expect: '100-continue',
    })
    for (const client of clients) client.send(head)
    const invited = (): RawConnection[] => clients.filter(({ text }) => text.includes(' 100 '))
    await waitFor(() => invited().length === 8)
    expect(
      (await ask(running, '/api/secrets', { ...bearing(JWT), method: 'POST', body: 'x', headers }))
        .status,
    ).toBe(200)
    const [first] = invited()
    expect(invited()).toHaveLength(8)
    first?.send('x'.repeat(length))
    await waitFor(() => invited().length === 9)
    for (const client of clients) client[Symbol.dispose]()
  })
})

it('no token is in an answer, the log or a figure, whatever becomes of it', async () => {
  const canary = createCanary().replaceAll(/[^A-Za-z0-9_-]/g, '')
  const token = `eyJ.${canary}.x`
  const texts: string[] = []
  for (const status of [200, 401, 500]) {
    running.relay.answer = () => {
      if (status === 500) throw new Error(canary)
      return { status, headers: {}, body: '{}' }
    }
    for (const options of [
      bearing(token),
      bearing(token, 'DPoP'),
      { ...bearing(token), headers: { Authorization: `Bearer ${token}`, DPoP: canary } },
      { ...bearing(token), headers: { Authorization: `Bearer ${token}`, 'X-Vault-Token': canary } },
      { ...bearing(token), headers: { Authorization: `DPoP ${token}"` } },
    ]) {
      const { text, headers } = await ask(running, `/api/secrets?${canary}`, options)
      texts.push(text, JSON.stringify([...headers]))
    }
  }
  texts.push(...running.log, await running.gateway.figures.registry.metrics())
  expect(texts.join('\n')).not.toContain(canary)
})
