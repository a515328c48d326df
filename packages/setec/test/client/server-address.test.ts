import { inspect } from 'node:util'
import { Client, type ClientOptions } from '@secreg/setec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BASE, json, stubFetch } from './support.ts'

async function requestOf(server: string, options: ClientOptions = {}) {
  const { sent, fetch } = stubFetch(() => json(null))
  await new Client(server, { ...options, fetch }).list()
  const [{ url, headers } = { url: '', headers: {} as Record<string, string> }] = sent
  return { url, headers }
}

const basic = (credentials: string | Uint8Array) =>
  `Basic ${Buffer.from(credentials).toString('base64')}`

describe('where a request goes', () => {
  test.each([
    ['http://setec.test', 'http://setec.test/api/list'],
    ['http://setec.test/', 'http://setec.test/api/list'],
    ['http://setec.test//', 'http://setec.test//api/list'],
    ['https://setec.test:8443/t/tok3n', 'https://setec.test:8443/t/tok3n/api/list'],
    ['https://setec.test/t/tok3n/', 'https://setec.test/t/tok3n/api/list'],
    ['HTTP://SETEC.TEST/A%2fb', 'http://setec.test/A%2fb/api/list'],
    ['http://[::1]:80/x', 'http://[::1]/x/api/list'],
    ['http://user:pass@setec.test/p/', 'http://setec.test/p/api/list'],
  ])('of %s to %s', async (server, url) => {
    expect((await requestOf(server)).url).toBe(url)
  })

  test.each([
    '',
    'setec.test',
    '127.0.0.1:8080',
    'unix:///run/setec.sock',
    'ftp://setec.test',
    'file:///etc/passwd',
    'http:setec.test',
    'http:///setec.test',
    'http://',
    'http://setec.test?a=b',
    'http://setec.test/?',
    'http://setec.test/#',
    'http://setec.test/a b',
    ' http://setec.test',
    'http://setec.test\n',
    'http:\\\\setec.test',
    'http://setec.test/a\\b',
    'http://setec.test:99999',
    'http://us%3Aer:pass@setec.test',
    'http://user:100%@setec.test',
    'http://user:%zz@setec.test',
  ])('%j is no address', (server) => {
    expect(() => new Client(server)).toThrow(RangeError)
  })

  test.each([[undefined], [null], [7], [new URL(BASE)]])('%j is no text', (server) => {
    expect(() => new Client(server as never)).toThrow(TypeError)
  })

  test('an address that is refused is not quoted', () => {
    for (const server of [
      'http://canary:canary@setec.test?q',
      'ftp://canary@setec.test',
      'http://canary:100%zz-canary@setec.test',
      'http://canary@setec.test:canary',
      'http://can%3aary:canary@setec.test',
    ]) {
      expect(() => new Client(server)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('canary') }),
      )
    }
  })
})

describe('credentials', () => {
  test.each([
    ['http://user:pass@setec.test', basic('user:pass')],
    ['http://token@setec.test', basic('token:')],
    ['http://token:@setec.test', basic('token:')],
    ['http://:pass@setec.test', basic(':pass')],
    ['http://a%40b:p%3Aw%2Fd@setec.test', basic('a@b:p:w/d')],
    ['http://user:a:b@setec.test', basic('user:a:b')],
    ['http://gr%C3%BC%C3%9Fe:ü@setec.test', basic('grüße:ü')],
    ['http://user:%ff%00@setec.test', basic(Uint8Array.of(...Buffer.from('user:'), 0xff, 0))],
  ])('of %s', async (server, expected) => {
    const { url, headers } = await requestOf(server)
    expect(url).toBe('http://setec.test/api/list')
    expect(headers['Authorization']).toBe(expected)
  })

  test('any that percent-encoding can say arrive', async () => {
    const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(part, part, async (user, password) => {
        fc.pre(!user.includes(':'))
        const at = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
        const { headers } = await requestOf(`http://${at}@setec.test`)
        expect(headers['Authorization']).toBe(basic(`${user}:${password}`))
      }),
      { numRuns: 50 },
    )
  })

  test('a token is a bearer', async () => {
    const { headers } = await requestOf(BASE, { token: 't0ken-._~+/=' })
    expect(headers['Authorization']).toBe('Bearer t0ken-._~+/=')
    expect((await requestOf(BASE)).headers).not.toHaveProperty('Authorization')
  })

  test('two of them are refused, and none is quoted', () => {
    const token = 'canary'
    const cases: (() => Client)[] = [
      () => new Client('http://canary@setec.test', { token }),
      () => new Client(BASE, { token, headers: { authorization: 'canary' } }),
      () => new Client('http://canary@setec.test', { headers: { AUTHORIZATION: 'canary' } }),
      () => new Client(BASE, { token: 'canary\r\nx: y' }),
      () => new Client(BASE, { token: 'canary two' }),
      () => new Client(BASE, { token: '' }),
      () => new Client(BASE, { headers: { 'x-key': 'canary\n' } }),
      () => new Client(BASE, { headers: { 'x-key': 'canary-ü' } }),
      () => new Client(BASE, { headers: { 'x key': 'canary' } }),
      () => new Client(BASE, { headers: { 'x-key': 7 as never } }),
    ]
    for (const make of cases) {
      expect(make).toThrow(
        expect.objectContaining({
          name: expect.stringMatching(/^(?:Type|Range)Error$/),
          message: expect.not.stringContaining('canary'),
        }),
      )
    }
  })

  test('show to nobody who prints the client', () => {
    const client = new Client('http://canary:canary@setec.test/t/canary', {
      headers: { 'x-key': 'canary' },
    })
    const shown = inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client)
    expect(shown).not.toContain('canary')
  })
})

describe('headers', () => {
  test('are those of the protocol, and those of the caller', async () => {
    const { headers } = await requestOf(BASE, {
      headers: { 'X-Team': 'web', authorization: 'AWS4 x' },
    })
    expect(headers).toEqual({
      'X-Team': 'web',
      authorization: 'AWS4 x',
      'Content-Type': 'application/json',
      'Sec-X-Tailscale-No-Browsers': 'setec',
    })
  })

  test.each(['content-type', 'Content-Type', 'SEC-X-TAILSCALE-NO-BROWSERS'])(
    '%s is not the caller’s',
    (name) => {
      expect(() => new Client(BASE, { headers: { [name]: 'x' } })).toThrow(RangeError)
    },
  )
})

describe('wrong options', () => {
  test.each([
    [{ timeoutMs: -1 }, RangeError],
    [{ timeoutMs: 0.5 }, RangeError],
    [{ timeoutMs: 2 ** 31 }, RangeError],
    [{ timeoutMs: '1' }, TypeError],
    [{ maxAnswerBytes: 1023 }, RangeError],
    [{ maxAnswerBytes: 2 ** 31 }, RangeError],
    [{ fetch: 'fetch' }, TypeError],
    [{ token: 7 }, TypeError],
    [{ headers: 'x' }, TypeError],
    [null, TypeError],
  ] as const)('%j', (options, error) => {
    expect(() => new Client(BASE, options as never)).toThrow(error)
  })
})
