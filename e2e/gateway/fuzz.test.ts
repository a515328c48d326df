/**
 * class 26: no request ends a process. Valid requests of every route, changed at some places, from a seed that is told
 * when something fails: `SECREG_FUZZ_SEED`. `npm run soak` makes more of them.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createCanary, rawRequest } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { processesOf } from '../lib/gateway-processes.ts'
import { makeCaller, startGatewaySite } from '../lib/gateway-site.ts'
import { jsonHeaders } from '../lib/json-headers.ts'
import { type Dice, diceOf, mutated } from '../lib/mutate.ts'
import { ADMIN } from '../lib/site.ts'

const SEED = Number(process.env['SECREG_FUZZ_SEED'] ?? 26)
const COUNT = process.env['SECREG_SOAK'] === '1' ? 400_000 : 6_000
/** Requests that are made at once, and those of them that are under way at the same time. */
const ROUND = 6_000
const AT_ONCE = 400

const README = readFileSync(new URL('../../apps/http-gateway/README.md', import.meta.url), 'utf8')
/** What the README says there is, but for a store or a log that failed; setec adds its own for a number that is taken. */
const STATUSES = new Set([
  ...[100, 200, 304, 412],
  ...[...README.matchAll(/^\| ((?:\d{3}(?:, )?)+) \|/gm)]
    .flatMap(([, statuses = '']) => statuses.split(', ').map(Number))
    .filter((status) => status !== 500 && status !== 507),
])

/** Requests of everything that is served, to the caller whose token it is. */
function seedsOf(token: string): readonly string[] {
  const bodies: readonly [string, object][] = [
    ['/registry/set', { key: '/alice/a', value: 'text', type: 'string', ttl_s: 3600 }],
    ['/registry/set', { key: '/alice/b', value: 'dmFsdWU=', type: 'bytes', encrypt: true }],
    ['/registry/set', { key: '/alice/c', value: { a: [1, null] }, type: 'json', if_version: 0 }],
    ['/registry/get', { key: '/alice/a', version: 1, detail: true }],
    ['/registry/get', { key: '/alice/b', decrypt: true, if_changed: 1 }],
    ['/registry/list', { prefix: '/alice', recursive: true, limit: 10, detail: true }],
    ['/registry/history', { key: '/alice/a', limit: 2, before: 9 }],
    ['/registry/versions', { op: 'rollback', key: '/alice/a', version: 1 }],
    ['/registry/versions', { op: 'activate', key: '/alice/a', version: 1 }],
    ['/registry/meta', { op: 'get', key: '/alice/a', versions: true }],
    ['/registry/meta', { op: 'set', key: '/alice/a', tags: ['t'], custom: { a: 'b', c: null } }],
    ['/registry/search', { text: 'a', prefix: '/alice', metadata: { a: 'b' }, tag: 't' }],
    ['/registry/transfer', { op: 'copy', from: '/alice/a', to: '/alice/d', force: true }],
    [
      '/registry/txn',
      {
        compare: [{ key: '/alice/a', version: 1, is: '>' }],
        then: [
          { op: 'set', key: '/alice/a', value: 'v' },
          { op: 'get', key: '/alice/a' },
        ],
        else: [{ op: 'delete', key: '/alice/d' }],
      },
    ],
    ['/registry/delete', { key: '/alice/c', recursive: true }],
    ['/registry/whoami', {}],
    ['/registry/status', {}],
    ['/api/put', { Name: 'a', Value: 'dmFsdWU=' }],
    ['/api/list', {}],
    ['/api/get', { Name: 'a', Version: 1, UpdateIfChanged: true }],
    ['/api/info', { Name: 'a' }],
    ['/api/create-version', { Name: 'a', Version: 7, Value: 'dmFsdWU=' }],
    ['/api/activate', { Name: 'a', Version: 1 }],
    ['/api/delete-version', { Name: 'a', Version: 2 }],
    ['/api/delete', { Name: 'b' }],
    ['/api/secrets', { uri: 'yaml://secret/a#b', value: 'c' }],
    ['/api/secrets/bulk', { operations: [{ op: 'delete', uri: 'yaml://secret/a' }] }],
  ]
  const chunked = { ...jsonHeaders(token), 'Transfer-Encoding': 'chunked' }
  const basic = { Authorization: `Basic ${Buffer.from(`${token}:`).toString('base64')}` }
  return [
    ...bodies.map(([path, body]) =>
      rawRequest('POST', path, jsonHeaders(token), JSON.stringify(body)),
    ),
    ...['/health', '/ready', '/openapi.json', '/', '/metrics', '/api/secrets?uri=a%23b'].map(
      (path) => rawRequest('GET', path, { Authorization: `Bearer ${token}` }),
    ),
    rawRequest('POST', '/registry/whoami', chunked, '2;a=b\r\n{}\r\n0\r\nX-A: b\r\n\r\n'),
    rawRequest('POST', `/t/${token}/registry/whoami`, jsonHeaders(), '{}'),
    rawRequest('POST', 'http://localhost/registry/whoami', { ...jsonHeaders(), ...basic }, '{}'),
    rawRequest('POST', '/registry/whoami', { ...jsonHeaders(), 'X-Vault-Token': token }, '{}'),
    rawRequest('POST', '/registry/whoami', { ...jsonHeaders(token), Expect: '100-continue' }, '{}'),
    rawRequest('HEAD', '/health', { Connection: 'Upgrade', Upgrade: 'h2c' }),
  ]
}

const WORDS = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', '\0', '\t', ' ', ':', ',', '%', '/', '//', '/../', '?', '#'],
  ...['%00', '%2F', '%2e%2e', '\xff', '\xc0\xaf', '\xef\xbb\xbf', '"', '\\', '\\u0000', '\\ud800'],
  ...['{', '}', '[', ']', 'null', 'true', '1e999', '-1', '9007199254740993', '"__proto__":', '0.1'],
  ...[
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: close\r\n',
    'Host: a\r\n',
  ],
  ...[
    'Expect: 100-continue\r\n',
    'Upgrade: websocket\r\n',
    'Origin: null\r\n',
    'HTTP/1.0',
    'GET ',
    '0\r\n',
  ],
]

/** Change a request anywhere, or its body alone, which stays framed then. */
function changed(request: string, dice: Dice, seeds: readonly string[]): string {
  const end = request.indexOf('\r\n\r\n') + 4
  if (end === request.length || dice(3) === 0) return mutated(request, dice, seeds, WORDS)
  const body = mutated(request.slice(end), dice, seeds, WORDS)
  const head = request.slice(0, end)
  return head.replace(/^Content-Length: \d+/m, `Content-Length: ${body.length}`) + body
}

test('class 26: requests that are changed at some places end no process', {
  timeout: 3_600_000,
}, async () => {
  await using running = await startGatewaySite({
    http: 'workers = 2\nheader_timeout = 1\nbody_timeout = 1',
  })
  const { site, admin, gateway, daemon } = running
  const token = await makeCaller(admin, 'alice')
  await admin.ok('policy', { op: 'set', document: SECRETS })
  const canary = createCanary()
  await admin.ok('set', { key: '/bob/secret', value: canary })
  const seeds = seedsOf(token)
  const pids = processesOf(gateway.child)
  const dice = diceOf(SEED)
  const seen = new Map<number, number>()

  // Each of them as it is does something, so that what comes of them is worth trying.
  for (const request of seeds) {
    const answer = await answerTo(gateway.port, request)
    expect([100, 200, 304, 403, 404, 409, 412], request).toContain(statusesOf(answer)[0])
  }
  for (let made = 0; made < COUNT; made += ROUND) {
    const requests = Array.from({ length: Math.min(ROUND, COUNT - made) }, () =>
      changed(seeds[dice(seeds.length)] as string, dice, seeds),
    )
    await eachOf(requests, async (request) => {
      const answer = await answerTo(gateway.port, request)
      for (const status of statusesOf(answer)) {
        if (!STATUSES.has(status))
          throw new Error(`seed ${SEED}: ${status} to ${JSON.stringify(request)}`)
        seen.set(status, (seen.get(status) ?? 0) + 1)
      }
      if (answer.includes(canary))
        throw new Error(`seed ${SEED}: told to ${JSON.stringify(request)}`)
    })
  }

  process.stderr.write(
    `${JSON.stringify(Object.fromEntries([...seen].sort(([a], [b]) => a - b)))}\n`,
  )
  // Not all of it was refused at the door.
  for (const status of [200, 400, 401, 403, 404])
    expect(seen.get(status)).toBeGreaterThan(COUNT / 1000)
  expect(processesOf(gateway.child)).toEqual(pids)
  for (const child of [gateway.child, daemon]) {
    expect(child.exited).toBe(false)
    expect(child.stdout() + child.stderr()).not.toMatch(/internal fault|a worker has ended/)
  }
  // The chain of the log is whole, and nobody but alice has done anything there.
  const doers = site.records().flatMap(({ body: { action, actor } }) => {
    return action === 'auth' || action === 'init' ? [] : actor.user
  })
  expect(new Set(doers)).toEqual(new Set(['alice', ADMIN]))
  expect((await admin.ok('get', { key: '/bob/secret' })).value).toBe(canary)
})

const SECRETS = {
  id: 'secrets',
  rules: [
    {
      id: 'all',
      effect: 'allow',
      principals: ['user:alice'],
      actions: [
        'list',
        'read-metadata',
        'read',
        'decrypt',
        'create',
        'update',
        'create-version',
        'activate',
        'delete',
        'destroy',
        'purge',
      ],
      resources: ['/setec/**'],
    },
  ],
}

/** All that comes to a request; once its answer begins, nothing more is sent. */
function answerTo(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'))
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      if (/^HTTP\/1\.1 [2-5]/m.test(text)) socket.end()
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(text))
  })
}

/** Do something with all of them, some at the same time: one that is not whole is only answered when its time is over. */
async function eachOf(
  requests: readonly string[],
  act: (request: string) => Promise<void>,
): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < requests.length) await act(requests[next++] as string)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

function statusesOf(answer: string): number[] {
  return [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
}
