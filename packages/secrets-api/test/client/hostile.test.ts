import { createServer } from 'node:net'
import {
  createSecretsClient,
  type SecretBulkOperation,
  type SecretsClient,
  type SecretsFetchAnswer,
  type SecretsFetchBody,
} from '@secreg/secrets-api/client'
import { freePort } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Answered, allOf, failureOf, serve } from './server.ts'

const URI = 'openbao+kv2://secret/app/api#token'
const TOKEN = 'canary-token-7'
const FOUND = { uri: URI, value: 't1', version: 1 }

/** A client of a server that gives one answer to everything. */
function answering(
  body: string | Uint8Array<ArrayBuffer> | null,
  status = 200,
  headers: Record<string, string> = {},
): SecretsClient {
  const fetch = async (): Promise<SecretsFetchAnswer> => new Response(body, { status, headers })
  return createSecretsClient({ url: 'https://secrets.example.com', token: TOKEN, fetch })
}

const OPERATIONS: readonly SecretBulkOperation[] = [{ op: 'delete', uri: URI }]

/** Every call. */
const CALLS: Readonly<Record<string, (client: SecretsClient) => Promise<unknown>>> = {
  value: (client) => client.value(URI),
  write: (client) => client.write(URI, 'x'),
  rotate: (client) => client.rotate(URI, 'x'),
  delete: (client) => client.delete(URI),
  destroy: (client) => client.destroy(URI),
  keys: (client) => client.keys(URI),
  list: (client) => client.list('yaml://secret'),
  metadata: (client) => client.metadata(URI),
  versions: (client) => client.versions(URI),
  setOwner: (client) => client.setOwner(URI, 'x'),
  undelete: (client) => client.undelete(URI, [1]),
  destroyVersions: (client) => client.destroyVersions(URI, [1]),
  search: (client) => allOf(client.search('x')),
  bulk: (client) => client.bulk(OPERATIONS),
  copy: (client) => client.copy(URI, `${URI}2`),
  move: (client) => client.move(URI, `${URI}2`),
  read: (client) => client.read(URI),
}
const READS = new Set(['value', 'read', 'keys', 'list', 'metadata', 'versions', 'search'])

describe('answers that are none', () => {
  const deep = (levels: number) => `{"value":${'['.repeat(levels)}${']'.repeat(levels)}}`

  test.each([
    ['nothing', ''],
    ['no JSON', 'ok'],
    ['half of it', '{"value":"canary'],
    ['two', '{}{}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['an empty object', '{}'],
    ['a byte order mark', `\ufeff${JSON.stringify(FOUND)}`],
    ['a name twice', '{"uri":"a","value":1,"value":2,"version":1,"keys":[]}'],
    ['too deep', deep(100_000)],
    ['members that are inherited', '{"__proto__":{"uri":"x","value":1,"version":1}}'],
    [
      'wrong kinds',
      '{"uri":7,"version":"1","keys":"x","items":{},"versions":[],"results":7,"fromUri":1,"owner":0,"mode":"x"}',
    ],
  ])('%s', async (_, body) => {
    for (const [name, call] of Object.entries(CALLS)) {
      const error = await call(answering(body)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      // A value may be anything, and only its own call knows that.
      if (name === 'read' && body.startsWith('{"uri":"a"')) continue
      expect(error, name).toMatchObject({
        name: 'SecretsClientError',
        code: 'ANSWER_INVALID',
        status: 200,
        message: 'the answer is malformed',
        outcomeUnknown: !READS.has(name),
      })
    }
  })

  test.each([
    ['no value', { uri: URI, version: 1 }],
    ['another secret', { ...FOUND, uri: 'openbao+kv2://secret/app/other#token' }],
    ['another key', { ...FOUND, uri: 'openbao+kv2://secret/app/api#other' }],
    ['the whole secret', { ...FOUND, uri: 'openbao+kv2://secret/app/api' }],
    ['no URI', { ...FOUND, uri: 'canary' }],
    ['a version with a fraction', { ...FOUND, version: 1.5 }],
    ['a negative version', { ...FOUND, version: -1 }],
    ['no version', { uri: URI, value: 'canary' }],
  ])('of value: %s', async (_, body) => {
    const error = await failureOf(answering(JSON.stringify(body)).value(URI))
    expect(error).toMatchObject({ code: 'ANSWER_INVALID' })
    expect(error['message']).not.toContain('canary')
  })

  test.each([
    ['too few', { results: [], summary: { succeeded: 0, failed: 0, skipped: 0 } }],
    [
      'another order',
      {
        results: [{ index: 1, ok: true, status: 200 }],
        summary: { succeeded: 1, failed: 0, skipped: 0 },
      },
    ],
    ['no summary', { results: [{ index: 0, ok: true, status: 200 }] }],
    [
      'a code that is none',
      {
        results: [{ index: 0, ok: false, status: 400, error: { code: 'canary' } }],
        summary: { succeeded: 0, failed: 1, skipped: 0 },
      },
    ],
  ])('of bulk: %s', async (_, body) => {
    const call = answering(JSON.stringify(body), 207).bulk(OPERATIONS)
    expect(await failureOf(call)).toMatchObject({ code: 'ANSWER_INVALID', outcomeUnknown: true })
  })

  test('pages that never end, that are another, or larger than they say', async () => {
    const item = { uri: 'yaml://secret/a', kind: 'path' }
    for (const page of [
      { items: [item], total: 5, offset: 1, limit: 100 },
      { items: [item, item], total: 5, offset: 0, limit: 1 },
      { items: [{ uri: 'x', kind: 'other' }], total: 1, offset: 0, limit: 1 },
    ]) {
      const search = allOf(answering(JSON.stringify(page)).search('x'))
      expect(await failureOf(search)).toMatchObject({ code: 'ANSWER_INVALID' })
    }
    // Nothing on a page ends it, whatever there is said to be.
    const empty = { items: [], total: 1_000_000, offset: 0, limit: 100 }
    expect(await allOf(answering(JSON.stringify(empty)).search('x'))).toEqual([])
  })

  test('any bytes with any status are an answer or an error of ours', async () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .record({ code: fc.string(), message: fc.string(), details: fc.jsonValue() })
        .map((value) => new TextEncoder().encode(JSON.stringify(value))),
    )
    const status = fc.integer({ min: 200, max: 599 })
    await fc.assert(
      fc.asyncProperty(
        body,
        status,
        fc.constantFrom(...Object.keys(CALLS)),
        async (bytes, number, name) => {
          const empty = [204, 205, 304].includes(number)
          const client = answering(empty ? null : Uint8Array.from(bytes), number)
          const error = await CALLS[name]?.(client).then(
            () => undefined,
            (thrown: unknown) => thrown,
          )
          if (error === undefined) expect([200, 207]).toContain(number)
          else expect(error).toMatchObject({ name: 'SecretsClientError', status: number })
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('refusals', () => {
  const refusal = (body: unknown, status = 403, headers: Record<string, string> = {}) =>
    failureOf(answering(JSON.stringify(body), status, headers).value(URI))

  test('what is known of an answer is told, by texts of our own', async () => {
    const details = {
      purpose: 'execute',
      effect: 'Deny',
      decision_id: 'd-1',
      failures: [{ uri: URI, code: 'DENY', reason: 'policy' }],
      acr_values: ['mfa'],
      other_keys: 2,
      copied: true,
    }
    const body = {
      error: 'Forbidden',
      code: 'SECRET_AUTHZ_FAILED',
      message: 'canary',
      details,
      correlation_id: 'c-9',
    }
    expect(await refusal(body, 403, { 'Retry-After': '7' })).toMatchObject({
      code: 'SECRET_AUTHZ_FAILED',
      status: 403,
      message: 'not authorized for this purpose',
      details,
      correlationId: 'c-9',
      retryAfterSeconds: 7,
      outcomeUnknown: false,
    })
    expect(await refusal({ code: 'SOMETHING_NEW' }, 418)).toMatchObject({
      code: 'SOMETHING_NEW',
      message: 'the server has answered 418',
      details: undefined,
    })
    expect(await refusal('x', 502, { 'X-Correlation-Id': 'c-8' })).toMatchObject({
      code: 'STATUS',
      correlationId: 'c-8',
    })
  })

  test('of changes, whether they may have been made', async () => {
    for (const [status, unknown] of [
      [201, true],
      [400, false],
      [409, false],
      [429, false],
      [501, false],
      [500, true],
      [502, true],
      [503, true],
    ] as const) {
      const client = answering('{"code":"X"}', status)
      expect(await failureOf(client.write(URI, 'x'))).toMatchObject({ outcomeUnknown: unknown })
      expect(await failureOf(client.value(URI))).toMatchObject({ outcomeUnknown: false })
    }
  })

  test('nothing that a server makes up is in an error, least of all the credential', async () => {
    const echo = `<html>canary ${TOKEN}</html>`
    for (const body of [
      echo,
      { code: TOKEN, message: TOKEN },
      { code: 'CANARY TOKEN' },
      { code: `A${'B'.repeat(64)}` },
      { code: 'X', message: echo, correlation_id: TOKEN },
      { code: 'X', correlation_id: 'a b' },
      { code: 'X', details: { decision_id: TOKEN } },
      { code: 'X', details: { failures: [{ uri: `x${TOKEN}` }] } },
      { code: 'X', details: { canary: 'canary', value: 'canary', '</script>': 1 } },
      { code: 'X', details: { purpose: ['canary'], failures: ['canary'], deep: { canary: 1 } } },
      { code: 'X', details: { purpose: 'x'.repeat(2049), failures: new Array(101).fill({}) } },
      { code: 'X', details: 'canary' },
    ]) {
      const error = await refusal(body, 403, { 'X-Correlation-Id': TOKEN })
      const told = JSON.stringify({ ...error, message: error['message'], stack: error['stack'] })
      expect(told).not.toContain('canary')
      expect(told.length).toBeLessThan(2000)
      expect(error['cause']).toBeUndefined()
    }
  })

  test('a credential of capitals, taken for a code', async () => {
    const token = 'CANARY_TOKEN'
    const fetch = async () => new Response(JSON.stringify({ code: token }), { status: 403 })
    const client = createSecretsClient({ url: 'https://x.example', token, fetch })
    expect(await failureOf(client.value(URI))).toMatchObject({ code: 'STATUS' })
  })
})

describe('servers that are slow, endless or broken', () => {
  test('100 MiB are not read', async () => {
    let sent = 0
    const piece = Buffer.alloc(64 * 1024, 'x')
    const { url } = await serve(({ response }) => {
      response.writeHead(200, { 'Content-Length': String(100 * 1024 * 1024) })
      const more = (): void => {
        while (!response.destroyed && sent < 100 * 1024 * 1024) {
          sent += piece.length
          if (!response.write(piece)) {
            response.once('drain', more)
            return
          }
        }
      }
      more()
      return undefined
    })
    const client = createSecretsClient({ url, maxAnswerBytes: 64 * 1024 })
    expect(await failureOf(client.value(URI))).toMatchObject({ code: 'ANSWER_TOO_LARGE' })
    expect(await failureOf(client.write(URI, 'x'))).toMatchObject({ outcomeUnknown: true })
    expect(sent).toBeLessThan(32 * 1024 * 1024)
  })

  test('an endless refusal is one, and its end is not waited for', async () => {
    let cancelled = 0
    const endless = (): SecretsFetchBody => ({
      getReader: () => ({
        read: async () => ({ done: false, value: new Uint8Array(16 * 1024) }),
        cancel: async () => void cancelled++,
      }),
    })
    const fetch = async (): Promise<SecretsFetchAnswer> => ({
      status: 502,
      headers: new Headers(),
      body: endless(),
    })
    const client = createSecretsClient({ url: 'https://x.example', fetch })
    expect(await failureOf(client.value(URI))).toMatchObject({ code: 'STATUS', status: 502 })
    expect(cancelled).toBe(1)
  })

  test.each([
    ['says nothing', () => {}],
    ['stops after its headers', (response: { flushHeaders(): void }) => response.flushHeaders()],
    ['stops within its body', (response: { write(text: string): void }) => response.write('{"v')],
  ] as const)('one that %s', async (_, begin) => {
    const { url } = await serve(({ response }) => {
      begin(response)
      return undefined
    })
    const client = createSecretsClient({ url, timeoutMs: 50 })
    expect(await failureOf(client.value(URI))).toMatchObject({
      code: 'TIMEOUT',
      outcomeUnknown: false,
    })
    expect(await failureOf(client.write(URI, 'x'))).toMatchObject({
      code: 'TIMEOUT',
      outcomeUnknown: true,
    })
    const controller = new AbortController()
    const waiting = failureOf(
      createSecretsClient({ url }).value(URI, { signal: controller.signal }),
    )
    controller.abort(new Error('enough'))
    expect(await waiting).toMatchObject({ message: 'enough' })
  })

  test('a fetch, a token and a proof that never come end in time too', async () => {
    const never = () => new Promise<never>(() => {})
    const url = 'https://secrets.example.com'
    for (const options of [{ fetch: never }, { getToken: never }, { token: TOKEN, proof: never }]) {
      const client = createSecretsClient({ url, timeoutMs: 20, ...options })
      expect(await failureOf(client.value(URI))).toMatchObject({ code: 'TIMEOUT' })
    }
  })

  test('a lie about the length, an answer that breaks off, and no HTTP at all', async () => {
    const bytes = [
      'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"uri"',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc',
      'SSH-2.0-OpenSSH_9.2\r\n',
      '',
    ]
    for (const text of bytes) {
      const server = createServer((socket) => {
        socket.on('error', () => {})
        socket.once('data', () => socket.end(text))
      }).listen(0, '127.0.0.1')
      onTestFinished(() => void server.close())
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as { port: number }
      const client = createSecretsClient({ url: `http://127.0.0.1:${port}`, token: TOKEN })
      const error = await failureOf(client.value(URI))
      expect(error).toMatchObject({ name: 'SecretsClientError', code: 'UNREACHABLE' })
      expect(`${error['message']}${error['stack']}`).not.toContain(TOKEN)
    }
  })

  test('nobody there: the code of the platform is told', async () => {
    const client = createSecretsClient({ url: `http://127.0.0.1:${await freePort()}` })
    expect(await failureOf(client.value(URI))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/^the server was not reached \(E[A-Z]+\)$/),
    })
  })

  test('what a fetch throws is not told', async () => {
    for (const thrown of [new Error(`canary ${TOKEN}`), 'canary', null, { code: 'canary' }]) {
      const fetch = () => Promise.reject(thrown)
      const client = createSecretsClient({ url: 'https://x.example', token: TOKEN, fetch })
      const error = await failureOf(client.value(URI))
      expect(error).toMatchObject({ code: 'UNREACHABLE', message: 'the server was not reached' })
      expect(error['cause']).toBeUndefined()
    }
  })
})

test('members that are not known are passed over', async () => {
  const more: Answered = [200, { ...FOUND, lease: 1 }]
  const { url } = await serve(() => more)
  expect(await createSecretsClient({ url }).value(URI)).toEqual(FOUND)
})
