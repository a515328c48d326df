import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { SecregError } from '@secreg/protocol'
import { CertificateMaker, createTempHome, RawConnection, rawRequest } from '@secreg/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AUTHZEN_BODY_BYTES } from '../../src/routes/authzen-route.ts'
import { MAX_ITEMS } from '../../src/routes/json-body.ts'
import { ask } from '../support/ask.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

const QUESTION = {
  subject: { type: 'user', id: 'alice' },
  action: { name: 'execute' },
  resource: { type: 'secret', id: '/app/a' },
}
const BODY = JSON.stringify(QUESTION)
const EVALUATION = '/access/v1/evaluation'
const FORMS = [
  [EVALUATION, 'evaluation'],
  ['/access/v1/evaluations', 'evaluations'],
  ['/access/v1/search/action', 'action-search'],
] as const

let running: TestGateway
beforeEach(async () => {
  running = await startGateway()
  running.relay.answer = () => ({ evaluated: { decision: true } })
})
afterEach(() => running[Symbol.asyncDispose]())

describe('POST /access/v1', () => {
  it.each(FORMS)('%s asks the daemon, and answers what it says', async (path, form) => {
    const answer = await ask(running, path, { body: BODY })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.text).toBe('{"decision":true}')
    expect(running.relay.asked).toEqual([
      {
        name: 'policy',
        payload: { op: 'evaluate', form, request: QUESTION },
        sessionId: 'session-1',
      },
    ])
  })

  it.each([
    '/access/v1',
    '/access/v1/',
    '/access/v1/search',
    '/access/v1/search/subject',
    '/access/v1/search/resource',
    '/access/v1/evaluation/',
    '/access/v1/Evaluation',
    '/access/v1/evaluation%73',
    '/access/v1/__proto__',
    '/access/v1/toString',
    '/access/v2/evaluation',
    '/access/v1//evaluation',
  ])('does not serve %s', async (path) => {
    using client = await RawConnection.open(running.port)
    client.send(rawRequest('POST', path, { 'Content-Type': 'application/json' }, BODY))
    expect((await client.answer()).status).toBe(404)
    expect(running.relay.logins).toEqual([])
  })

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/json ;x=y',
  ])('takes content of type %j', async (type) => {
    const headers = { 'Content-Type': type }
    expect((await ask(running, EVALUATION, { body: BODY, headers })).status).toBe(200)
  })

  it.each([
    'text/plain',
    'application/jsonp',
    'application/json-patch+json',
    'application/x-www-form-urlencoded',
    '',
  ])('refuses content of type %j as a mistake, before it asks who it is', async (type) => {
    const headers = { 'Content-Type': type }
    const answer = await ask(running, EVALUATION, { body: BODY, headers })
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text)).toBe('content type: expected application/json')
    expect(running.relay.logins).toEqual([])
  })

  it('refuses content of no type', async () => {
    using client = await RawConnection.open(running.port)
    client.send(rawRequest('POST', EVALUATION, {}, BODY))
    expect((await client.answer()).status).toBe(400)
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['something behind it', `${BODY} x`],
    ['a list', '[]'],
    ['a text', '"alice"'],
    ['null', 'null'],
    ['a name twice', `{"subject":1,${BODY.slice(1)}`],
    ['a name twice, spelled differently', `{"\\u0073ubject":1,${BODY.slice(1)}`],
    ['a name twice, far inside', '{"context":{"a":[{"b":1,"b":2}]}}'],
    ['a byte order mark', `\ufeff${BODY}`],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['32 levels', `{"a":${'['.repeat(31)}${']'.repeat(31)}}`],
    ['a million levels', `{"a":${'['.repeat(1_000_000)}`],
    [
      'too many members',
      `{"a":[${Array(MAX_ITEMS + 1)
        .fill(0)
        .join()}]}`,
    ],
  ])('refuses %s before the daemon hears of it', async (_what, body) => {
    const answer = await ask(running, EVALUATION, { body })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(typeof JSON.parse(answer.text)).toBe('string')
    expect(running.relay.asked).toEqual([])
  })

  it('passes on as many levels as a request of the registry may have', async () => {
    const body = `{"a":${'['.repeat(30)}${']'.repeat(30)}}`
    expect((await ask(running, EVALUATION, { body })).status).toBe(200)
  })

  it('reads a mebibyte, and no more', async () => {
    const body = (bytes: number): string => BODY.padEnd(bytes)
    expect((await ask(running, EVALUATION, { body: body(AUTHZEN_BODY_BYTES) })).status).toBe(200)
    const long = body(AUTHZEN_BODY_BYTES + 1)
    const answer = await ask(running, EVALUATION, { body: long })
    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.text)).toBe('the body is too large')
    using client = await RawConnection.open(running.port)
    const chunked = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`
    client.send(
      rawRequest(
        'POST',
        EVALUATION,
        {
          'Content-Type': 'application/json',
          Authorization: 'Bearer sreg_0123456789abcdef_good',
          'Transfer-Encoding': 'chunked',
        },
        chunked,
      ),
    )
    expect((await client.answer()).status).toBe(413)
    expect(running.relay.asked).toHaveLength(1)
  })

  it.each([
    ['no credential', null],
    ['a wrong one', 'sreg_0123456789abcdef_bad'],
  ])('answers 401 to %s', async (_what, token) => {
    const headers = { 'X-Request-ID': 'abc' }
    const answer = await ask(running, EVALUATION, { body: BODY, token, headers })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    expect(answer.headers.get('x-request-id')).toBe('abc')
    expect(typeof JSON.parse(answer.text)).toBe('string')
    expect(running.relay.asked).toEqual([])
  })

  it.each([
    ['INVALID_ARGUMENT', 400],
    ['ACCESS_DENIED', 403],
    ['SEALED', 503],
    ['STORAGE_FAILED', 500],
  ] as const)('says %s with status %i and a text', async (reason, status) => {
    running.relay.answer = () => {
      throw new SecregError(reason, 'in words')
    }
    const answer = await ask(running, EVALUATION, { body: BODY })
    expect(answer.status).toBe(status)
    expect(answer.text).toBe('"in words"')
    expect(answer.headers.has('retry-after')).toBe(status === 503)
  })

  it('says nothing of a fault of its own, and logs it', async () => {
    running.relay.answer = () => {
      throw new Error('canary')
    }
    const answer = await ask(running, EVALUATION, { body: BODY })
    expect(answer.status).toBe(500)
    expect(answer.text).toBe('"internal fault"')
    expect(running.log.join('')).toContain('"event":"internal fault"')
    expect(running.log.join('')).not.toContain('canary')
  })

  it('refuses pages, and other methods, in its own words', async () => {
    const page = await ask(running, EVALUATION, { body: BODY, headers: { Origin: 'null' } })
    expect(page.status).toBe(403)
    expect(typeof JSON.parse(page.text)).toBe('string')
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const answer = await ask(running, EVALUATION, { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toBe('POST')
      expect(typeof JSON.parse(answer.text)).toBe('string')
    }
    expect(running.relay.logins).toEqual([])
  })
})

describe('X-Request-ID', () => {
  const idOf = async (id?: string): Promise<string | null> => {
    const headers: Record<string, string> = id === undefined ? {} : { 'X-Request-ID': id }
    return (await ask(running, EVALUATION, { body: BODY, headers })).headers.get('x-request-id')
  }

  it.each(['abc', 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716', '!', 'a b', 'x'.repeat(256)])(
    'comes back: %s',
    async (id) => {
      expect(await idOf(id)).toBe(id)
    },
  )

  it('is one of ours without one, and in place of one that is none', async () => {
    for (const id of [undefined, '', 'x'.repeat(257), '\u00e9'])
      expect(await idOf(id)).toMatch(/^test-/)
    using client = await RawConnection.open(running.port)
    client.send(
      `POST ${EVALUATION} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: a\r\nX-Request-ID: b\r\nContent-Length: 0\r\n\r\n`,
    )
    expect((await client.answer()).headers['x-request-id']).toMatch(/^test-/)
  })

  it('comes back on this route alone', async () => {
    const headers = { 'X-Request-ID': 'abc' }
    const answer = await ask(running, '/registry/whoami', { body: '{}', headers })
    expect(answer.headers.get('x-request-id')).toMatch(/^test-/)
  })
})

describe('GET /.well-known/authzen-configuration', () => {
  const configuration = async (of: TestGateway, headers = {}): Promise<Record<string, unknown>> => {
    const path = '/.well-known/authzen-configuration'
    const answer = await ask(of, path, { method: 'GET', token: null, headers })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    return JSON.parse(answer.text) as Record<string, unknown>
  }

  it('names what there is, below what was asked', async () => {
    const base = `http://127.0.0.1:${running.port}`
    expect(await configuration(running)).toEqual({
      policy_decision_point: base,
      access_evaluation_endpoint: `${base}/access/v1/evaluation`,
      access_evaluations_endpoint: `${base}/access/v1/evaluations`,
      search_action_endpoint: `${base}/access/v1/search/action`,
      supported_obligations: ['custom'],
    })
  })

  it('names nothing that is not served', async () => {
    const found = await configuration(running)
    const endpoints = Object.entries(found).filter(([name]) => name.endsWith('_endpoint'))
    expect(endpoints).toHaveLength(3)
    for (const [, url] of endpoints) {
      const path = new URL(String(url)).pathname
      expect((await ask(running, path, { body: BODY })).status).toBe(200)
    }
  })

  it('names where clients reach it, if the configuration says it', async () => {
    const publicUrl = 'https://secrets.example.org'
    await using other = await startGateway({ http: { publicUrl } })
    expect(await configuration(other)).toMatchObject({
      policy_decision_point: publicUrl,
      access_evaluation_endpoint: `${publicUrl}/access/v1/evaluation`,
    })
  })

  it('says https where it is', async (context) => {
    using home = createTempHome()
    const maker = CertificateMaker.in(home, context)
    const authority = await maker.make('authority', { authority: true })
    const server = await maker.make('localhost', { issuer: authority, usage: 'serverAuth' })
    await using other = await startGateway({ http: { tlsCert: server.cert, tlsKey: server.key } })
    const base = `https://localhost:${other.port}`
    const text = await new Promise<string>((resolve, reject) => {
      const url = `${base}/.well-known/authzen-configuration`
      get(url, { ca: readFileSync(authority.cert), agent: false }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('end', () => resolve(Buffer.concat(chunks).toString()))
      }).once('error', reject)
    })
    expect(JSON.parse(text)).toMatchObject({
      policy_decision_point: base,
      access_evaluation_endpoint: `${base}/access/v1/evaluation`,
    })
  })

  it('does not say where it is to who does not say what he has asked', async () => {
    using client = await RawConnection.open(running.port)
    client.send('GET /.well-known/authzen-configuration HTTP/1.0\r\n\r\n')
    expect((await client.answer()).status).toBe(400)
  })

  it('is that of no tenant', async () => {
    const path = '/.well-known/authzen-configuration/acme'
    expect((await ask(running, path, { method: 'GET' })).status).toBe(404)
  })
})
