/** The client against a server that does everything wrong, over real HTTP; and that nothing secret shows anywhere. */
import { inspect } from 'node:util'
import { createKv2Client, type Kv2ClientOptions, Kv2Error } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import { createCanary, waitFor } from '@secreg/testkit'
import { type Kv2Fault, Kv2StandIn } from '@secreg/testkit/kv2'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { failureOf } from './fake-transport.ts'

const MIB = 1024 * 1024
const opened: (() => Promise<void>)[] = []
let server: Kv2StandIn

beforeEach(async () => {
  server = await Kv2StandIn.start({ namespaces: ['team-a'] })
  const one = server
  opened.push(() => one.close())
})
afterAll(async () => {
  for (const close of opened) await close()
})

function clientOf(options: Partial<Kv2ClientOptions> = {}) {
  const client = createKv2Client({
    url: server.url,
    transport: createNodeTransport(),
    auth: { token: server.rootToken },
    random: () => 0,
    renewBelowSeconds: 0,
    ...options,
  })
  opened.unshift(() => client.close())
  return client
}

/** A fault, the error of a read and of a write that meet it, and whether the write may be done. */
const FAULTS: readonly (readonly [
  what: string,
  fault: Kv2Fault,
  read: string,
  write: string,
  unknown: boolean,
])[] = [
  [
    'throttles',
    { kind: 'status', status: 429, headers: { 'retry-after': '3' } },
    ...(['ERR_KV2_THROTTLED', 'ERR_KV2_THROTTLED', false] as const),
  ],
  [
    'is inconsistent',
    { kind: 'status', status: 412 },
    ...(['ERR_KV2_UNAVAILABLE', 'ERR_KV2_UNAVAILABLE', false] as const),
  ],
  [
    'fails',
    { kind: 'status', status: 500, errors: ['internal'] },
    ...(['ERR_KV2_UNAVAILABLE', 'ERR_KV2_UNAVAILABLE', true] as const),
  ],
  [
    'denies',
    { kind: 'status', status: 403, errors: ['permission denied'] },
    ...(['ERR_KV2_DENIED', 'ERR_KV2_DENIED', false] as const),
  ],
  ['cuts off', { kind: 'reset' }, 'ERR_KV2_UNAVAILABLE', 'ERR_KV2_UNAVAILABLE', true],
  [
    'cuts off after the work',
    { kind: 'reset', done: true },
    ...(['ERR_KV2_UNAVAILABLE', 'ERR_KV2_UNAVAILABLE', true] as const),
  ],
  [
    'cuts off within its answer',
    { kind: 'truncate' },
    ...(['ERR_KV2_UNAVAILABLE', 'ERR_KV2_UNAVAILABLE', true] as const),
  ],
  [
    'answers garbage',
    { kind: 'garbage' },
    ...(['ERR_KV2_ANSWER_INVALID', 'ERR_KV2_ANSWER_INVALID', true] as const),
  ],
  [
    'answers what is no text',
    { kind: 'garbage', text: new Uint8Array([0xff, 0xfe, 0]) },
    ...(['ERR_KV2_ANSWER_INVALID', 'ERR_KV2_ANSWER_INVALID', true] as const),
  ],
  [
    'answers 100 MiB',
    { kind: 'huge', bytes: 100 * MIB },
    ...(['ERR_KV2_ANSWER_TOO_LARGE', 'ERR_KV2_ANSWER_TOO_LARGE', true] as const),
  ],
  [
    'sends elsewhere',
    { kind: 'redirect', to: 'http://127.0.0.1:1' },
    ...(['ERR_KV2_REDIRECT_REFUSED', 'ERR_KV2_REDIRECT_REFUSED', false] as const),
  ],
]

describe.each(FAULTS)('a server that %s', (_what, fault, read, write, unknown) => {
  test('is told apart, and works again afterwards', async () => {
    const client = clientOf()
    await client.write('a', { k: 1 })
    const end = server.fail(fault, Number.POSITIVE_INFINITY)
    const reading = await failureOf(client.read('a'))
    expect(reading).toMatchObject({ code: read, operation: 'read', outcomeUnknown: false })
    const writing = await failureOf(client.write('a', { k: 2 }))
    expect(writing).toMatchObject({ code: write, operation: 'write', outcomeUnknown: unknown })
    end()
    expect(await client.read('a')).toMatchObject({ state: 'live' })
  })
})

test('a fault that happens once does not reach who reads', async () => {
  const client = clientOf()
  await client.write('a', { k: 1 })
  for (const fault of [
    { kind: 'reset' },
    { kind: 'truncate' },
    { kind: 'status', status: 503, errors: ['Vault is sealed'] },
    { kind: 'status', status: 412 },
  ] as const) {
    server.fail(fault)
    expect(await client.read('a')).toMatchObject({ data: { k: 1 } })
  }
})

test('a sealed server is told, and used again once it is open', async () => {
  const client = clientOf()
  server.seal()
  expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_SEALED', status: 503 })
  expect(await failureOf(client.write('a', {}))).toMatchObject({ code: 'ERR_KV2_SEALED' })
  server.unseal()
  expect(await client.read('a')).toEqual({ state: 'absent' })
})

test('a server that does not answer is given up in time', async () => {
  const client = clientOf({ timeoutMs: 100 })
  server.fail({ kind: 'hold', until: new Promise(() => {}) }, Number.POSITIVE_INFINITY)
  expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_TIMEOUT' })
})

test('an answer that comes late but in time is one', async () => {
  const client = clientOf()
  server.fail({ kind: 'delay', ms: 100 })
  expect(await client.read('a')).toEqual({ state: 'absent' })
})

test('an AppRole is logged in for, and again when its tokens are revoked', async () => {
  const role = server.addRole({ ttlSeconds: 3600 })
  const client = clientOf({ auth: role, renewBelowSeconds: 600 })
  await client.write('a', { k: 1 })
  server.revokeTokens()
  expect(await client.read('a')).toMatchObject({ data: { k: 1 } })
  server.fail({ kind: 'status', status: 403, errors: ['permission denied'] })
  await client.write('a', { k: 2 })
  const logins = server.requests.filter(({ target }) => target.endsWith('/login'))
  expect(logins).toHaveLength(3)
})

test('a token is looked up and renewed', async () => {
  const token = server.createToken({ ttlSeconds: 300 })
  const client = clientOf({ auth: { token }, renewBelowSeconds: 600 })
  await client.read('a')
  const seen = (end: string): boolean => server.requests.some(({ target }) => target.endsWith(end))
  await waitFor(() => seen('/lookup-self'))
  server.revokeTokens()
  expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_DENIED' })
})

test('a namespace is used, and one that is not there is told', async () => {
  const client = clientOf({ namespace: 'team-a' })
  await client.write('a', { k: 1 })
  expect(await client.read('a')).toMatchObject({ state: 'live' })
  expect(await clientOf().read('a')).toEqual({ state: 'absent' })
  expect(await failureOf(clientOf({ namespace: 'nobody' }).read('a'))).toMatchObject({
    code: 'ERR_KV2_NO_ROUTE',
  })
})

test('answers of 100 MiB, one after another and at once, take no memory', async () => {
  const client = clientOf({ circuit: { failures: 1000 } })
  server.fail({ kind: 'huge', bytes: 100 * MIB }, Number.POSITIVE_INFINITY)
  const before = process.memoryUsage()
  for (let round = 0; round < 3; round++) {
    const errors = await Promise.all(
      Array.from({ length: 10 }, () => failureOf(client.write('a', {}))),
    )
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['ERR_KV2_ANSWER_TOO_LARGE']))
  }
  const after = process.memoryUsage()
  // 3,000 MiB were on offer.
  expect(after.rss - before.rss).toBeLessThan(300 * MIB)
})

describe('nothing secret shows', () => {
  const [token, secretId, value, name, text] = Array.from({ length: 5 }, () => createCanary())
  const all = [token, secretId, value, name, text] as string[]

  function expectNothing(error: unknown): void {
    const shown = [
      inspect(error, { depth: 10, showHidden: true, getters: true }),
      String((error as Error).stack),
      JSON.stringify(error),
    ].join('\n')
    for (const canary of all) expect(shown).not.toContain(canary)
  }

  test('in errors, in clients, or on the terminal', async () => {
    const spies = (['log', 'error', 'warn', 'info', 'debug'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(() => {}),
    )
    const role = { roleId: 'r', secretId: secretId as string }
    const circuit = { failures: 1_000_000 }
    const clients = [
      clientOf({ auth: { token: token as string }, circuit }),
      clientOf({ auth: role, circuit }),
      clientOf({ auth: { token: server.rootToken }, circuit }),
    ]
    // A server and a proxy that quote what they were sent.
    const quoting = JSON.stringify({
      errors: [...all],
      data: { keys: [text], [text as string]: all },
    })
    for (const client of clients) {
      expectNothing(client)
      let failures = 0
      for (const status of [200, 204, 400, 403, 404, 405, 429, 500, 503]) {
        const end = server.fail(
          { kind: 'garbage', status, text: quoting },
          Number.POSITIVE_INFINITY,
        )
        for (const call of [
          () => client.read(name as string),
          () => client.write([name as string], { [name as string]: value as string }, { cas: 1 }),
          () => client.patch(name as string, { k: value as string }),
          () => client.deleteLatest(name as string),
          () => client.readMetadata(name as string),
          () => client.patchMetadata(name as string, { customMetadata: { k: value as string } }),
        ]) {
          const error = await call().then(
            () => undefined,
            (error) => error,
          )
          if (error !== undefined) {
            failures++
            expect(Kv2Error.is(error)).toBe(true)
            expect(error.code).not.toBe('ERR_KV2_CIRCUIT_OPEN')
            expectNothing(error)
          }
        }
        end()
      }
      expect(failures).toBeGreaterThan(40)
    }
    for (const path of [`${name}/..`, [`${name}`, ''], `${name}\n`]) {
      expectNothing(await failureOf((clients[0] as (typeof clients)[0]).read(path)))
    }
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled()
      spy.mockRestore()
    }
  })
})
