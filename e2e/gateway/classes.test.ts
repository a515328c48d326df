/** Classes of weaknesses of secret servers that are about what is looked at, when, and of whom. */
import { readFileSync } from 'node:fs'
import { REQUESTS } from '@secreg/protocol/messages'
import { SETEC_OPERATIONS } from '@secreg/setec/server'
import { type RawAnswer, RawConnection, rawRequest } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { composeGateway, type GatewayOptions } from '../../apps/http-gateway/src/compose.ts'
import { load } from '../../apps/http-gateway/src/load-config.ts'
import { AUTHZEN_FORMS } from '../../apps/http-gateway/src/routes/authzen-route.ts'
import { OPEN_ROUTES } from '../../apps/http-gateway/src/routes/open-routes.ts'
import { REGISTRY_REQUESTS } from '../../apps/http-gateway/src/routes/registry-route.ts'
import type { Route } from '../../apps/http-gateway/src/routes/route.ts'
import {
  SECRETS_ENDPOINTS,
  SECRETS_EVENTS_PATH,
} from '../../apps/http-gateway/src/routes/secrets-endpoints.ts'
import { operationsOverHttp } from '../lib/gateway-processes.ts'
import {
  GatewaySite,
  makeCaller,
  type StartedGatewaySite,
  startGatewaySite,
} from '../lib/gateway-site.ts'
import { jsonHeaders } from '../lib/json-headers.ts'
import { ADMIN, PASSWORD } from '../lib/site.ts'

let running: StartedGatewaySite
let alice: string
beforeAll(async () => {
  running = await startGatewaySite({ http: 'workers = 2' })
  alice = await makeCaller(running.admin, 'alice')
})
afterAll(() => running[Symbol.asyncDispose]())

async function ask(bytes: string): Promise<RawAnswer> {
  using connection = await RawConnection.open(running.gateway.port)
  return await connection.ask(bytes)
}

/** A figure of all workers together. */
async function figure(name: string): Promise<number> {
  const basic = Buffer.from(`${ADMIN}:${PASSWORD}`).toString('base64')
  const { body } = await ask(rawRequest('GET', '/metrics', { Authorization: `Basic ${basic}` }))
  const line = body.split('\n').find((each) => each.startsWith(`secreg_gateway_${name} `))
  return Number(line?.split(' ').at(-1) ?? Number.NaN)
}

/** Do something of which the daemon must hear nothing: neither a login nor an operation. */
async function unheard(act: () => Promise<void>): Promise<void> {
  const records = running.site.records().length
  const operations = await operationsOverHttp(running.admin)
  await act()
  expect(await operationsOverHttp(running.admin)).toBe(operations)
  const { length } = running.site.records()
  // Each look at the figures is one.
  expect(length - records).toBe(2)
}

describe('class 17: a limit counts before the cost', () => {
  const BODY_BYTES = 2 * 1024 * 1024
  const TOO_LONG = String(BODY_BYTES + 1)
  const LONG = String(BODY_BYTES)
  const post = (path: string, headers: Record<string, string>): string =>
    rawRequest('POST', path, headers)
  const jsonBut = (more: Record<string, string>): Record<string, string> => ({
    ...jsonHeaders(alice),
    'Content-Length': LONG,
    ...more,
  })

  /** What is refused, with how it is, and whether the daemon hears of it. */
  type Refused = [string, string, Record<string, string>, number, boolean]

  /** Of the Secrets API, which is off here, and takes half of what others take. */
  const OF_SECRETS: readonly Refused[] = [
    ['another content type', '/api/secrets', { 'Content-Type': 'text/plain' }, 415, false],
    ['a page', '/api/secrets/bulk', { Origin: 'http://localhost' }, 403, false],
    ['no such path', '/api/secrets/putt', {}, 404, false],
    ['two credentials', '/api/secrets/move', { 'X-Vault-Token': 'a' }, 400, false],
    ['a credential that is none', '/api/secrets', { Authorization: 'Bearer ???' }, 401, false],
    ['a wrong credential', '/api/secrets', { Authorization: 'Bearer wrong' }, 401, true],
    ['no credential', '/api/secrets', { Authorization: '' }, 404, true],
  ]
  const REFUSED: readonly Refused[] = [
    ['a body that is too long', '/registry/set', { 'Content-Length': TOO_LONG }, 413, false],
    ['a body that is too long', '/api/put', { 'Content-Length': TOO_LONG }, 413, false],
    ['another content type', '/registry/set', { 'Content-Type': 'text/plain' }, 415, false],
    ['another content type', '/api/put', { 'Content-Type': 'text/plain' }, 400, false],
    ['no guard', '/api/put', { 'Sec-X-Tailscale-No-Browsers': 'no' }, 403, false],
    ['a page', '/registry/set', { Origin: 'http://localhost' }, 403, false],
    ['another host', '/registry/set', { Host: 'evil.example' }, 421, false],
    ['no such request', '/registry/sett', {}, 404, false],
    ['no such operation', '/api/putt', {}, 400, false],
    ['no such route', '/nowhere', {}, 404, false],
    ['no credential', '/registry/set', { Authorization: '' }, 401, false],
    ['no credential', '/api/put', { Authorization: '' }, 401, false],
    ['a credential that is none', '/registry/set', { Authorization: 'Bearer ???' }, 401, false],
    ['two credentials', '/registry/set', { 'X-Vault-Token': 'a' }, 400, false],
    ['a wrong credential', '/registry/set', { Authorization: 'Bearer wrong' }, 401, true],
    ['a wrong credential', '/api/put', { Authorization: 'Bearer wrong' }, 401, true],
    ['a body that is too long', '/api/secrets', { 'Content-Length': '1048577' }, 413, false],
    ...OF_SECRETS.map(
      ([what, path, more, status, isHeard]): Refused => [
        what,
        path,
        { ...more, 'Content-Length': '1048576' },
        status,
        isHeard,
      ],
    ),
  ]

  test.each(REFUSED)(
    'of %s at %s: no byte of the body was there',
    async (_what, path, more, status, isHeard) => {
      const headers = jsonBut(more)
      if (headers['Authorization'] === '') delete headers['Authorization']
      const act = async (): Promise<void> => {
        for (const framing of ['length', 'chunks', 'awaited']) {
          const framed = { ...headers }
          if (framing === 'awaited') framed['Expect'] = '100-continue'
          if (framing === 'chunks') {
            if (more['Content-Length'] !== undefined) continue
            delete framed['Content-Length']
            framed['Transfer-Encoding'] = 'chunked'
          }
          using connection = await RawConnection.open(running.gateway.port)
          const answer = await connection.ask(post(path, framed))
          // Not even 100, which would invite it.
          expect(answer.status).toBe(status)
          // What might still come is no request.
          expect(answer.headers['connection']).toBe('close')
          await connection.closed
        }
      }
      if (isHeard) await act()
      else await unheard(act)
      expect(await figure('buffer_bytes')).toBe(0)
    },
  )

  test('and who may is invited, and is read from', async () => {
    using connection = await RawConnection.open(running.gateway.port)
    const headers = { ...jsonHeaders(alice), Expect: '100-continue' }
    const body = JSON.stringify({ key: '/alice/a', value: 'v' })
    const head = { ...headers, 'Content-Length': String(body.length) }
    expect((await connection.ask(post('/registry/set', head))).status).toBe(100)
    expect((await connection.ask(body)).status).toBe(200)
  })
})

describe('class 18: who shows no credential gets nothing', () => {
  /** The real table, as the program makes it of a configuration. */
  function routesOf(): readonly Route[] {
    const site = new GatewaySite()
    const { routes, figures } = composeGateway({
      config: load(site.config),
      log: { debug() {}, info() {}, warn() {}, error() {} } as unknown as GatewayOptions['log'],
      version: '0',
      idPrefix: 'a',
      connect: () => Promise.reject(new Error('of the table alone')),
    })
    figures.close()
    site.home.remove()
    return routes.routes
  }
  const routes = routesOf()
  const README = readFileSync(new URL('../../apps/http-gateway/README.md', import.meta.url), 'utf8')

  /** Targets below the pattern of a route. */
  function targetsOf({ path }: Route): readonly string[] {
    if (path === '/api/*') return SETEC_OPERATIONS.map((operation) => `/api/${operation}`)
    if (path === '/access/v1/*')
      return Object.keys(AUTHZEN_FORMS).map((form) => `/access/v1/${form}`)
    if (path === '/api/secrets/*') return ['/api/secrets/none']
    if (path === '/registry/:request') return REGISTRY_REQUESTS.map((name) => `/registry/${name}`)
    expect(path).not.toMatch(/[*:]/)
    return [path]
  }
  const methodsOf = ({ methods }: Route): readonly string[] =>
    methods === 'any' ? ['POST'] : methods.filter((method) => method !== 'HEAD')

  const isOfSecrets = ({ name }: Route): boolean => name.startsWith('secrets')
  const ours = routes.filter((route) => !isOfSecrets(route))

  test.each(ours.map((route) => [route.name, route] as const))('%s', async (name, route) => {
    const reason = OPEN_ROUTES[name]
    for (const target of targetsOf(route)) {
      for (const method of methodsOf(route)) {
        const { status, headers, body } = await ask(
          rawRequest(method, target, jsonHeaders(), method === 'POST' ? '{}' : ''),
        )
        if (reason === undefined) {
          expect(status, `${method} ${target}`).toBe(401)
          expect(headers['www-authenticate']).toBe('Bearer')
          expect(body.length).toBeLessThan(200)
        } else {
          expect(status, `${method} ${target}`).toBe(200)
          expect(README).toContain(`\`${method} ${target}\` | ${reason}`)
        }
      }
    }
  })

  test('the Secrets API, where it is off, is not there: for nobody, and for whoever may', async () => {
    const targets = routes.filter(isOfSecrets).flatMap(targetsOf)
    expect(targets.sort()).toEqual(
      [...Object.keys(SECRETS_ENDPOINTS), SECRETS_EVENTS_PATH, '/api/secrets/none'].sort(),
    )
    for (const target of targets) {
      for (const method of Object.keys(SECRETS_ENDPOINTS[target] ?? { GET: '' })) {
        for (const token of [undefined, alice]) {
          const body = method === 'POST' ? '{}' : ''
          const answer = await ask(rawRequest(method, target, jsonHeaders(token), body))
          const told = JSON.parse(answer.body)
          expect([answer.status, told.code], `${method} ${target}`).toEqual([404, 'NOT_FOUND'])
        }
      }
    }
  })

  test('of the open routes, none says anything of this registry', async () => {
    const open = Object.keys(OPEN_ROUTES)
    expect(open).toEqual(['health', 'ready', 'authzen-metadata', 'openapi'])
    const answers = await Promise.all(
      ['/health', '/ready', '/.well-known/authzen-configuration', '/openapi.json'].map((path) =>
        ask(rawRequest('GET', path)),
      ),
    )
    expect(answers[0]?.body).toBe('{"status":"ok"}')
    expect(answers[1]?.body).toBe('{"state":"unsealed"}')
    for (const { body } of answers.slice(2)) expect(body).not.toContain('alice')
  })
})

describe('class 20: what nobody serves', () => {
  /** Verbs that the parser knows and no route has; CONNECT is no request for a path at all. */
  const VERBS = [
    ...['ACL', 'BIND', 'CHECKOUT', 'COPY', 'LINK', 'LOCK', 'M-SEARCH', 'MERGE', 'MKACTIVITY'],
    ...['MKCALENDAR', 'MKCOL', 'MOVE', 'NOTIFY', 'PROPFIND', 'PROPPATCH', 'PURGE', 'REBIND'],
    ...['REPORT', 'SEARCH', 'SOURCE', 'SUBSCRIBE', 'TRACE', 'UNBIND', 'UNLINK', 'UNLOCK'],
    'UNSUBSCRIBE',
  ]
  const UNKNOWN = ['LIST', 'SCAN', 'GETS', 'post', 'Get', 'RENEW', 'PRI', 'X', 'INTERNAL']
  const TARGETS = [
    '/registry/set',
    '/api/put',
    '/api/secrets',
    '/health',
    '/',
    '/nowhere',
    '/../x',
    '/%',
    '*',
    '//',
    '/t/',
  ]

  test.each(VERBS)('a verb is refused before the path is looked at: %s', (verb) =>
    unheard(async () => {
      const answers = await Promise.all(
        TARGETS.map((target) => ask(rawRequest(verb, target, jsonHeaders(alice), '{}'))),
      )
      expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1)
      expect(answers[0]?.status).toBe(501)
    }),
  )

  test.each(UNKNOWN)('a word that is no verb ends the connection: %s', (verb) =>
    unheard(async () => {
      for (const target of TARGETS) {
        using connection = await RawConnection.open(running.gateway.port)
        connection.send(rawRequest(verb, target, jsonHeaders(alice), '{}'))
        expect((await connection.rest()).map(({ status }) => status)).toEqual([400])
      }
    }),
  )

  test('a verb of another route is refused, and which would be served is told', () =>
    unheard(async () => {
      for (const [target, allowed] of [
        ['/registry/set', 'POST'],
        ['/metrics', 'GET'],
        ['/api/secrets', 'GET, POST, DELETE'],
        ['/api/secrets/events', 'GET'],
        ['/health', 'GET, HEAD'],
        ['/', 'GET, HEAD'],
      ] as const) {
        for (const verb of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
          if (allowed.split(', ').includes(verb)) continue
          const { status, headers } = await ask(rawRequest(verb, target, jsonHeaders(alice), '{}'))
          expect([status, headers['allow']], `${verb} ${target}`).toEqual([405, allowed])
        }
      }
      const connected = await ask(rawRequest('CONNECT', 'localhost:443', jsonHeaders(alice)))
      expect(connected.status).toBe(405)
    }))

  const INTERNAL = Object.keys(REQUESTS).filter(
    (name) => !(REGISTRY_REQUESTS as readonly string[]).includes(name),
  )

  test('there are requests of the protocol that are not served', () => {
    expect(INTERNAL).toEqual(expect.arrayContaining(['auth', 'seal', 'token', 'policy', 'dialect']))
  })

  test.each([
    ...INTERNAL,
    ...['GET', 'Get', 'gett', 'ge', '0x03', '3', 'toString', '__proto__', 'constructor', 'valueOf'],
  ])('a request that is not served is unknown, whoever asks: %s', (name) =>
    unheard(async () => {
      for (const path of [`/registry/${name}`, `/registry/${name}?request=get`]) {
        for (const token of [alice, undefined, 'wrong']) {
          const answer = await ask(
            rawRequest('POST', path, jsonHeaders(token), '{"key":"/alice/a"}'),
          )
          expect(answer.status).toBe(404)
          expect(JSON.parse(answer.body).error.reason).toBe('GATEWAY_ROUTE_UNKNOWN')
        }
      }
    }),
  )

  test.each(['set', 'dialect', 'auth', 'GET', 'Put', 'delete-all', 'toString', '__proto__', ''])(
    'an operation of setec that is none: %j',
    (name) =>
      unheard(async () => {
        for (const token of [alice, undefined, 'wrong']) {
          const answer = await ask(rawRequest('POST', `/api/${name}`, jsonHeaders(token), '{}'))
          expect([answer.status, answer.body]).toEqual([400, 'invalid method\n'])
        }
      }),
  )
})
