import { writeFileSync } from 'node:fs'
import { SecregError } from '@secreg/protocol'
import {
  createCanary,
  createTempHome,
  findCanary,
  RawConnection,
  rawRequest,
} from '@secreg/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TOKEN } from '../support/fake-relay.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

let running: TestGateway
beforeAll(async () => {
  running = await startGateway()
  running.relay.answer = ({ name }) => {
    if (name === 'secrets') return { status: 200, headers: {}, body: '{}' }
    if (name === 'list') return { keys: [], entries: [] }
    throw new SecregError('NOT_FOUND', 'not found')
  }
})
afterAll(() => running[Symbol.asyncDispose]())

/** An internal fault is one that no client should be able to make. */
function faults(): number {
  return running.log.filter((line) => line.includes('internal fault')).length
}

async function survives(): Promise<void> {
  using client = await RawConnection.open(running.port)
  client.send(rawRequest('GET', '/health'))
  expect((await client.answer()).status).toBe(200)
  expect(faults()).toBe(0)
}

const PATHS = [
  '/api/get',
  '/api/put',
  '/api/list',
  '/api/x',
  '/registry/get',
  '/registry/set',
  '/registry/txn',
  '/registry/search',
  '/access/v1/evaluation',
  '/access/v1/evaluations',
  '/access/v1/search/action',
  '/.well-known/authzen-configuration',
  '/api/secrets',
  '/api/secrets/bulk',
  '/api/secrets/value',
  '/api/secrets/nope',
  '/health',
  '/ready',
  '/metrics',
  '/openapi.json',
  '/',
  '/nowhere',
]
const HEADERS = {
  'Content-Type': 'application/json',
  'Sec-X-Tailscale-No-Browsers': 'setec',
  Authorization: `Bearer ${TOKEN}`,
}

const body = fc.oneof(
  fc.json({ maxDepth: 6 }),
  fc.string({ unit: 'binary' }),
  fc.record({ Name: fc.anything(), Version: fc.anything(), Value: fc.anything() }).map(toJson),
  fc.record({ key: fc.anything(), value: fc.anything(), limit: fc.anything() }).map(toJson),
)

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return '{'
  }
}

describe('whatever comes in', () => {
  it('as a body is answered, by every route and method', async () => {
    using client = await RawConnection.open(running.port)
    let current = client
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...PATHS),
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
        body,
        async (path, method, text) => {
          if (current.isClosed) current = await RawConnection.open(running.port)
          const bytes = Buffer.from(
            rawRequest(
              method,
              path,
              { ...HEADERS, 'Content-Length': String(Buffer.byteLength(text)) },
              text,
            ),
          )
          current.send(bytes)
          const { status } = await current.answer()
          expect(status).toBeGreaterThanOrEqual(200)
          expect(status).not.toBe(500)
        },
      ),
      { numRuns: 300 },
    )
    current.socket.destroy()
    await survives()
  })

  it('as a whole request is answered or ends the connection', async () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.constantFrom(
        'GET ',
        'POST ',
        '/api/get',
        ' HTTP/1.1',
        '\r\n',
        '\r\n\r\n',
        'Host: h\r\n',
        'Content-Length: 5\r\n',
        'Transfer-Encoding: chunked\r\n',
        '0\r\n\r\n',
        ':',
        '\t',
        '\x00',
        '/t/',
        '%',
        'http://',
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { maxLength: 12 }), async (parts) => {
        using client = await RawConnection.open(running.port)
        client.send(Buffer.from(parts.join(''), 'latin1'))
        client.socket.end()
        await client.whenClosed()
        if (client.text !== '') expect(client.text).toMatch(/^HTTP\/1\.1 [1-5]\d\d /)
      }),
      { numRuns: 150 },
    )
    await survives()
  })

  it('as a target is answered, and nothing else than its route is told of it', async () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      'api',
      'get',
      'secrets',
      'value',
      'events',
      'registry',
      '..',
      '.',
      '%2e',
      '%2F',
      '%00',
      '%zz',
      '%',
      '?',
      ';',
      'health',
      '__proto__',
      'constructor',
      '*',
      ':request',
      '(',
      '[',
      '+',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (parts) => {
        using client = await RawConnection.open(running.port)
        client.send(rawRequest('POST', `/${parts.join('')}`, HEADERS, '{}'))
        const { status } = await client.answer()
        expect(status).toBeGreaterThanOrEqual(200)
        expect(status).toBeLessThan(500)
      }),
      { numRuns: 200 },
    )
    await survives()
  })
})

it('a credential is in no answer, no line of the log and no figure, wherever it was and whatever went wrong', async () => {
  const canary = createCanary()
  const texts: string[] = []
  const basic = Buffer.from(`${canary}:${canary}`).toString('base64')
  const places: readonly [string, Record<string, string>][] = [
    ['/registry/get', { Authorization: `Bearer ${canary}` }],
    ['/registry/get', { Authorization: `Basic ${basic}` }],
    ['/registry/get', { Authorization: `Digest ${canary}` }],
    ['/api/secrets', { Authorization: `Bearer ${canary}` }],
    ['/api/secrets', { Authorization: `DPoP ${canary}`, 'X-Vault-Token': canary }],
    [`/api/secrets/${canary}`, { DPoP: canary }],
    ['/registry/get', { 'X-Vault-Token': canary }],
    ['/registry/get', { 'X-Vault-Token': canary, Authorization: `Bearer ${canary}` }],
    [`/t/${canary}/registry/get`, {}],
    [`/t/${canary}/api/get`, {}],
    [`/t/${canary}/nowhere`, {}],
    [`/t/${canary}%00/x`, {}],
    [`/t/${canary}/t/${canary}/x`, {}],
    [`/registry/${canary}`, {}],
    [`/${canary}?token=${canary}`, { Referer: `http://h/t/${canary}/` }],
    ['/registry/get', { Host: `${canary}.example` }],
    ['/registry/get', { 'Content-Type': canary }],
    ['/registry/get', { [canary]: 'x', Expect: canary }],
  ]
  for (const [path, headers] of places) {
    for (const text of [`{"key":"${canary}`, `{"key":{"${canary}":1}}`, '{"key":"/a"}']) {
      using client = await RawConnection.open(running.port)
      client.send(rawRequest('POST', path, { ...HEADERS, Authorization: '', ...headers }, text))
      const { status, body: answer, headers: told } = await client.answer()
      expect(status).toBeGreaterThanOrEqual(400)
      texts.push(answer, JSON.stringify(told))
    }
  }
  texts.push(...running.log, await running.gateway.figures.registry.metrics())
  await using home = createTempHome()
  writeFileSync(home.file('everything'), texts.join('\n'))
  expect(findCanary(canary, home.path)).toEqual([])
})
