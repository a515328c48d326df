import { readFileSync } from 'node:fs'
import { RawConnection, rawRequest } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPEN_FOR_DEVELOPMENT, OPEN_ROUTES } from '../../src/routes/open-routes.ts'
import { REGISTRY_REQUESTS } from '../../src/routes/registry-route.ts'
import { ROUTE_NAMES, type RouteName } from '../../src/routes/route.ts'
import { ask } from '../support/ask.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** Something of each route that would be served to whoever may. */
const TRIALS: Readonly<Record<Exclude<RouteName, 'none'>, readonly [string, string, string]>> = {
  setec: ['POST', '/api/list', '{}'],
  dashboard: ['GET', '/', ''],
  registry: ['POST', '/registry/whoami', '{}'],
  secrets: ['GET', '/api/secrets/value', ''],
  'secrets-events': ['GET', '/api/secrets/events', ''],
  authzen: ['POST', '/access/v1/evaluation', '{}'],
  'authzen-metadata': ['GET', '/.well-known/authzen-configuration', ''],
  health: ['GET', '/health', ''],
  ready: ['GET', '/ready', ''],
  metrics: ['GET', '/metrics', ''],
  openapi: ['GET', '/openapi.json', ''],
}
const HEADERS = { 'Sec-X-Tailscale-No-Browsers': 'setec' }

let running: TestGateway
beforeAll(async () => {
  running = await startGateway()
  running.relay.answer = ({ name, sessionId }) =>
    name === 'secrets'
      ? { status: sessionId === undefined ? 401 : 200, headers: {}, body: '{}' }
      : { keys: [], entries: [], evaluated: { decision: true } }
})
afterAll(() => running[Symbol.asyncDispose]())

describe('a route', () => {
  it('is tried here, whichever there are', () => {
    const served = [...new Set(running.gateway.routes.routes.map(({ name }) => name))].sort()
    expect(served).toEqual(Object.keys(TRIALS).sort())
    expect([...served, 'none'].sort()).toEqual([...ROUTE_NAMES].sort())
  })

  it.each(Object.entries(TRIALS))(
    '%s answers without a credential only if it is listed',
    async (name, trial) => {
      const [method, path, body] = trial
      const options = { method, headers: HEADERS, ...(body === '' ? {} : { body }) }
      const unknown = await ask(running, path, { ...options, token: null })
      const reason = OPEN_ROUTES[name as RouteName]
      expect(unknown.status).toBe(reason === undefined ? 401 : 200)
      if (reason !== undefined) {
        expect(README).toContain(`\`${method} ${path}\` | ${reason}`)
        return
      }
      const wrong = await ask(running, path, { ...options, token: 'sreg_0123456789abcdef_bad' })
      expect(wrong.status).toBe(401)
      expect((await ask(running, path, options)).status).toBe(200)
    },
  )

  it.each(Object.entries(OPEN_FOR_DEVELOPMENT))(
    '%s answers without a credential what the daemon says, who alone knows',
    async (name, reason) => {
      const [method, path] = TRIALS[name as keyof typeof TRIALS]
      await using open = await startGateway()
      open.relay.answer = () => ({ status: 200, headers: {}, body: '{}' })
      expect((await ask(open, path, { method, token: null })).status).toBe(200)
      expect(open.relay.asked[0]?.sessionId).toBeUndefined()
      expect(README).toContain(` | ${reason} |`)
    },
  )

  it.each(REGISTRY_REQUESTS)('of request %s answers nobody without a credential', async (name) => {
    const answer = await ask(running, `/registry/${name}`, { body: '{}', token: null })
    expect(answer.status).toBe(401)
  })

  it.each([
    '//',
    '/favicon.ico',
    '/robots.txt',
    '/.env',
    '/debug/pprof',
    '/v1/sys/health',
    '/static/x',
    '/health/',
    '/healthz',
    '/Health',
    '/%68ealth',
    '/ready/../metrics',
    '/ready/%2e%2e/metrics',
    '/metrics%00',
    '/metrics;x',
  ])('that is none is not found: %s', async (path) => {
    using client = await RawConnection.open(running.port)
    client.send(rawRequest('GET', path))
    const { status, headers } = await client.answer()
    expect(status).toBe(404)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
  })

  it.each([
    ['/health', 'GET, HEAD'],
    ['/ready', 'GET, HEAD'],
    ['/metrics', 'GET'],
    ['/openapi.json', 'GET, HEAD'],
    ['/.well-known/authzen-configuration', 'GET, HEAD'],
    ['/api/secrets/value', 'GET'],
    ['/api/secrets/events', 'GET'],
  ])('%s says which methods it has', async (path, allowed) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await ask(running, path, { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toBe(allowed)
    }
  })
})
