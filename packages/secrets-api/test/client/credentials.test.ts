import {
  createSecretsClient,
  type SecretsClientOptions,
  type SecretsFetchAnswer,
} from '@secreg/secrets-api/client'
import { describe, expect, test } from 'vitest'
import { failureOf, serve } from './server.ts'

const URI = 'openbao+kv2://secret/app/api#token'
const FOUND = [200, { uri: URI, value: 't1', version: 1 }] as const
const TOKEN = 'canary-token.with-parts_1'

describe('where it connects to', () => {
  test.each([
    'https://secrets.example.com',
    'https://secrets.example.com:8443/under/a/path/',
    'http://127.0.0.1:1',
    'http://127.9.9.9',
    'http://localhost:9100',
    'http://[::1]:9100',
  ])('%s', (url) => {
    createSecretsClient({ url })
  })

  test.each([
    'http://secrets.example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://10.0.0.1',
    'https://canary:canary@secrets.example.com',
    'https://secrets.example.com/?canary',
    'https://secrets.example.com/#canary',
    'ftp://canary',
    'canary',
    '',
    7,
  ])('not %s', (url) => {
    const make = () => createSecretsClient({ url: url as string })
    expect(make).toThrow(/^url: expected/)
    expect(make).not.toThrow(/canary/)
  })

  test('http elsewhere only where that is allowed', () => {
    createSecretsClient({ url: 'http://secrets.example.com', allowPlainHttp: true })
  })

  test('a path of the address stays in front', async () => {
    const { url, came } = await serve(() => FOUND)
    await createSecretsClient({ url: `${url}/t//` }).value(URI)
    expect(came[0]?.path).toBe('/t/api/secrets/value')
  })

  test('a redirect is not followed: nothing is sent there', async () => {
    const other = await serve(() => FOUND)
    for (const status of [301, 302, 303, 307, 308]) {
      const to = { Location: `${other.url}/api/secrets/value` }
      const { url } = await serve(() => [status, {}, to])
      const client = createSecretsClient({ url, token: TOKEN })
      expect(await failureOf(client.value(URI))).toMatchObject({ code: 'UNREACHABLE' })
      expect(await failureOf(client.write(URI, 'x'))).toMatchObject({ outcomeUnknown: true })
    }
    expect(other.came).toEqual([])
    // Also where a fetch of the caller's hands it over.
    const fetch = async (): Promise<SecretsFetchAnswer> => new Response(null, { status: 307 })
    const client = createSecretsClient({ url: 'https://x.example', fetch })
    expect(await failureOf(client.value(URI))).toMatchObject({ code: 'STATUS', status: 307 })
  })
})

describe('who asks', () => {
  test('nobody, a token, and a token that is asked for each time', async () => {
    const { url, came } = await serve(() => FOUND)
    await createSecretsClient({ url }).value(URI)
    await createSecretsClient({ url, token: TOKEN }).value(URI)
    let count = 0
    const client = createSecretsClient({ url, getToken: async () => `fresh-${++count}` })
    await client.value(URI)
    await client.value(URI)
    expect(came.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      `Bearer ${TOKEN}`,
      'Bearer fresh-1',
      'Bearer fresh-2',
    ])
    expect(came.map(({ headers }) => headers['dpop'])).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  test('a proof of each request, about its method and its URL without the query', async () => {
    const { url, came } = await serve(({ method }) =>
      method === 'GET' ? FOUND : [200, { uri: URI, version: 2 }],
    )
    const asked: string[][] = []
    const client = createSecretsClient({
      url,
      token: TOKEN,
      proof: async (...args) => `proof-${asked.push(args)}`,
    })
    await client.value(URI)
    await client.write(URI, 'x')
    expect(asked).toEqual([
      ['GET', `${url}/api/secrets/value`, TOKEN],
      ['POST', `${url}/api/secrets`, TOKEN],
    ])
    expect(came.map(({ headers }) => [headers.authorization, headers['dpop']])).toEqual([
      [`DPoP ${TOKEN}`, 'proof-1'],
      [`DPoP ${TOKEN}`, 'proof-2'],
    ])
  })

  test('what gives no token, or none that can be sent, ends the call', async () => {
    const { url, came } = await serve(() => FOUND)
    const failing = async (options: Partial<SecretsClientOptions>) =>
      await failureOf(createSecretsClient({ url, ...options }).value(URI))
    const own = new Error('no token today')
    expect(await failing({ getToken: () => Promise.reject(own) })).toBe(own)
    for (const text of ['', 'canary\r\nX: y', 'canary é', 'x'.repeat(16_385), 7]) {
      const getToken = async () => text as string
      const { name, message } = await failing({ getToken })
      expect(name).toMatch(/^(?:Type|Range)Error$/)
      expect(message).not.toContain('canary')
      const proven = await failing({ token: TOKEN, proof: getToken })
      expect(proven['message']).toMatch(/^proof: expected/)
    }
    expect(came).toEqual([])
  })

  test('wrong options', () => {
    const url = 'https://secrets.example.com'
    const wrong: [Partial<Record<keyof SecretsClientOptions, unknown>>, RegExp][] = [
      [{ token: 'canary\n' }, /^token: /],
      [{ token: 7 }, /^token: /],
      [{ token: TOKEN, getToken: async () => TOKEN }, /^token: /],
      [{ getToken: TOKEN }, /^getToken: /],
      [{ proof: async () => 'p' }, /^proof: /],
      [{ fetch: 'x' }, /^fetch: /],
      [{ timeoutMs: 0 }, /^timeoutMs: /],
      [{ timeoutMs: 2 ** 31 }, /^timeoutMs: /],
      [{ maxAnswerBytes: 1 }, /^maxAnswerBytes: /],
      [{ readRetries: 11 }, /^readRetries: /],
      [{ maxRetryWaitMs: Number.NaN }, /^maxRetryWaitMs: /],
    ]
    for (const [options, message] of wrong) {
      const make = () => createSecretsClient({ url, ...options } as SecretsClientOptions)
      expect(make).toThrow(message)
      expect(make).not.toThrow(/canary/)
    }
    expect(() => createSecretsClient(undefined as never)).toThrow('options: expected an object')
  })
})

describe('what is tried again', () => {
  const busy = (headers: Record<string, string> = {}) =>
    [503, { code: 'PROVIDER_UNAVAILABLE' }, headers] as const

  test('reads, as often as it is said, with a token of its own each', async () => {
    for (const status of [429, 503]) {
      let count = 0
      const { url, came } = await serve(() =>
        ++count < 3 ? [status, { code: 'PROVIDER_BUSY' }, { 'Retry-After': '0' }] : FOUND,
      )
      let tokens = 0
      const getToken = async () => `t${++tokens}`
      const client = createSecretsClient({ url, getToken, readRetries: 2 })
      expect((await client.value(URI)).value).toBe('t1')
      expect(came.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer t1',
        'Bearer t2',
        'Bearer t3',
      ])
    }
  })

  test('not by itself, not more often, and no change at all', async () => {
    const { url, came } = await serve(() => busy({ 'Retry-After': '0' }))
    const once = createSecretsClient({ url })
    expect(await failureOf(once.value(URI))).toMatchObject({ status: 503, retryAfterSeconds: 0 })
    expect(came).toHaveLength(1)
    const thrice = createSecretsClient({ url, readRetries: 2 })
    expect(await failureOf(thrice.value(URI))).toMatchObject({ status: 503 })
    expect(came).toHaveLength(4)
    const changes = [
      thrice.write(URI, 'x'),
      thrice.rotate(URI, 'x'),
      thrice.delete(URI),
      thrice.move(URI, `${URI}2`),
      thrice.bulk([{ op: 'delete', uri: URI }]),
    ]
    for (const error of await Promise.all(changes.map(failureOf))) {
      expect(error).toMatchObject({ status: 503 })
    }
    expect(came).toHaveLength(9)
  })

  test('nothing else, and not after a wait that is too long', async () => {
    for (const [status, headers] of [
      [500, {}],
      [502, {}],
      [404, {}],
      [401, {}],
      [503, { 'Retry-After': '6' }],
      [429, { 'Retry-After': '999999999' }],
    ] as const) {
      const { url, came } = await serve(() => [status, { code: 'X' }, headers])
      const client = createSecretsClient({ url, readRetries: 5 })
      expect(await failureOf(client.value(URI))).toMatchObject({ status })
      expect(came).toHaveLength(1)
    }
  })

  test('a wait ends with the signal', async () => {
    const { url, came } = await serve(() => busy({ 'Retry-After': '4' }))
    const controller = new AbortController()
    const client = createSecretsClient({ url, readRetries: 5 })
    const reading = failureOf(client.value(URI, { signal: controller.signal }))
    while (came.length === 0) await new Promise(setImmediate)
    controller.abort(new Error('enough'))
    expect(await reading).toMatchObject({ message: 'enough' })
    const gone = failureOf(client.value(URI, { signal: controller.signal }))
    expect(await gone).toMatchObject({ message: 'enough' })
    expect(came).toHaveLength(1)
  })
})
