import { rawHttp } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TOKEN } from '../support/fake-relay.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

/** A second request that must never be answered: it stands where another reader sees a body. */
const HIDDEN = 'GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'

const CRLF = '\r\n'
const lines = (...all: string[]): string => `${all.join(CRLF)}${CRLF}${CRLF}`
const post = (...headers: string[]): string =>
  lines('POST /registry/whoami HTTP/1.1', 'Host: 127.0.0.1', ...JSON_HEADERS, ...headers)
const MIB = 1024 * 1024
const FILLING = Array.from({ length: 64 }, (_, at) => `X-${at}: a`)
const JSON_HEADERS = ['Content-Type: application/json', `Authorization: Bearer ${TOKEN}`]

let running: TestGateway
beforeAll(async () => {
  running = await startGateway()
})
afterAll(() => running[Symbol.asyncDispose]())

/** Everything that is refused as malformed ends its connection: what follows is not a request any more. */
const MALFORMED: readonly [string, string][] = [
  ['two lengths that differ', `${post('Content-Length: 2', 'Content-Length: 3')}{}`],
  ['two lengths that are equal', `${post('Content-Length: 2', 'Content-Length: 2')}{}`],
  ['a list of lengths', `${post('Content-Length: 2, 2')}{}`],
  ['a length with a sign', `${post('Content-Length: +2')}{}`],
  ['a negative length', `${post('Content-Length: -2')}{}`],
  ['a hexadecimal length', `${post('Content-Length: 0x2')}{}`],
  ['a length with a space in it', `${post('Content-Length: 2 2')}{}`],
  ['an empty length', `${post('Content-Length: ')}{}`],
  ['a length beyond every number', `${post('Content-Length: 99999999999999999999999')}{}`],
  [
    'length and coding',
    `${post('Content-Length: 4', 'Transfer-Encoding: chunked')}0${CRLF}${CRLF}`,
  ],
  [
    'coding and length',
    `${post('Transfer-Encoding: chunked', 'Content-Length: 4')}0${CRLF}${CRLF}`,
  ],
  [
    'two codings',
    `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')}0${CRLF}${CRLF}`,
  ],
  [
    'chunked twice',
    `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0${CRLF}${CRLF}`,
  ],
  ['a list of codings', `${post('Transfer-Encoding: gzip, chunked')}0${CRLF}${CRLF}`],
  ['chunked not last', `${post('Transfer-Encoding: chunked, identity')}0${CRLF}${CRLF}`],
  ['an unknown coding', `${post('Transfer-Encoding: xchunked')}0${CRLF}${CRLF}`],
  ['a coding in quotes', `${post('Transfer-Encoding: "chunked"')}0${CRLF}${CRLF}`],
  ['a coding with a vertical tab', `${post('Transfer-Encoding: \x0bchunked')}0${CRLF}${CRLF}`],
  ['a space before the colon', `${post('Transfer-Encoding : chunked')}0${CRLF}${CRLF}`],
  ['a folded header', `${post('X-A: b', ' folded: c')}`],
  ['a folded coding', `${post('Transfer-Encoding:', ' chunked')}0${CRLF}${CRLF}`],
  ['a header that begins with a space', lines('GET /health HTTP/1.1', ' Host: 127.0.0.1')],
  ['a bare CR in a value', `${post('X-A: b\rX-B: c')}`],
  ['a bare CR as a line end', `GET /health HTTP/1.1\rHost: 127.0.0.1\r\r`],
  ['NUL in a value', `${post('X-A: b\x00c')}`],
  ['NUL in a name', `${post('X\x00A: b')}`],
  ['a header without a name', `${post(': b')}`],
  ['a header without a colon', `${post('X-A')}`],
  ['a name with a parenthesis', `${post('X(A): b')}`],
  ['a chunk size that is none', `${post('Transfer-Encoding: chunked')}zz${CRLF}`],
  [
    'a chunk size with a prefix',
    `${post('Transfer-Encoding: chunked')}0x2${CRLF}{}${CRLF}0${CRLF}${CRLF}`,
  ],
  [
    'a chunk longer than its size',
    `${post('Transfer-Encoding: chunked')}2${CRLF}{}xx${CRLF}0${CRLF}${CRLF}`,
  ],
  [
    'a chunk size beyond every number',
    `${post('Transfer-Encoding: chunked')}fffffffffffffffff${CRLF}`,
  ],
  [
    'a chunk size that ends in a bare LF',
    `${post('Transfer-Encoding: chunked')}2\n{}${CRLF}0${CRLF}${CRLF}`,
  ],
  [
    'a chunk extension with a bare LF',
    `${post('Transfer-Encoding: chunked')}2;a\n{}${CRLF}0${CRLF}${CRLF}`,
  ],
  ['no host', lines('GET /health HTTP/1.1')],
  ['two hosts', lines('GET /health HTTP/1.1', 'Host: 127.0.0.1', 'Host: evil.example')],
  ['two content types', `${post('Content-Type: application/json', 'Content-Length: 0')}`],
  [
    'two guards',
    lines(
      'POST /api/list HTTP/1.1',
      'Host: localhost',
      'Sec-X-Tailscale-No-Browsers: setec',
      'Sec-X-Tailscale-No-Browsers: setec',
    ),
  ],
  [
    'a coding in HTTP/1.0',
    `${lines('POST /registry/whoami HTTP/1.0', 'Host: localhost', ...JSON_HEADERS, 'Transfer-Encoding: chunked')}0${CRLF}${CRLF}`,
  ],
  ['another version', lines('GET /health HTTP/1.2', 'Host: localhost')],
  ['a major version that does not exist', lines('GET /health HTTP/3.0', 'Host: localhost')],
  ['HTTP/0.9', `GET /health${CRLF}`],
  ['the preface of HTTP/2', `PRI * HTTP/2.0${CRLF}${CRLF}SM${CRLF}${CRLF}`],
  ['a verb that is none', lines('GETS /health HTTP/1.1', 'Host: localhost')],
  ['a verb in lower case', lines('get /health HTTP/1.1', 'Host: localhost')],
  ['LIST', lines('LIST /health HTTP/1.1', 'Host: localhost')],
  ['a tab after the verb', lines('GET\t/health HTTP/1.1', 'Host: localhost')],
  ['a space in the target', lines('GET /hea lth HTTP/1.1', 'Host: localhost')],
  ['TLS in the clear', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['nothing but noise', '\x00\xff\xfe\r\n\r\n'],
]

describe('a request that two readers could read differently', () => {
  it.each(MALFORMED)('is refused and ends the connection: %s', async (_what, bytes) => {
    const answer = await rawHttp(running.port, bytes + HIDDEN)
    const statuses = answer.match(/^HTTP\/1\.1 \d+/gm) ?? []
    // Before the fault lies no request that could have been answered, and behind it none either.
    expect(statuses.length).toBeLessThanOrEqual(1)
    if (statuses.length === 1) {
      expect(statuses[0]).toMatch(/ (?:400|501|505)$/)
      expect(answer).toMatch(/^connection: close\r$/im)
      expect(answer).toMatch(/^content-security-policy: default-src 'none'/im)
    }
    expect(answer).not.toContain('"openapi"')
    expect(running.relay.asked).toEqual([])
  })

  it.each([
    ['CONNECT', lines('CONNECT example.com:443 HTTP/1.1', 'Host: example.com:443'), 405],
    ['TRACE', lines('TRACE /health HTTP/1.1', 'Host: localhost', 'Connection: close'), 501],
    [
      'a verb of WebDAV',
      lines('PROPFIND /health HTTP/1.1', 'Host: localhost', 'Connection: close'),
      501,
    ],
    ['asterisk form', lines('OPTIONS * HTTP/1.1', 'Host: localhost', 'Connection: close'), 400],
    [
      'a foreign host',
      lines('GET /health HTTP/1.1', 'Host: evil.example', 'Connection: close'),
      421,
    ],
    [
      'a foreign authority',
      lines('GET http://evil.example/health HTTP/1.1', 'Host: localhost', 'Connection: close'),
      421,
    ],
    [
      'a host that is none',
      lines('GET /health HTTP/1.1', 'Host: localhost/x', 'Connection: close'),
      421,
    ],
  ])('refuses %s', async (_what, bytes, status) => {
    expect(await rawHttp(running.port, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(running.relay.asked).toEqual([])
  })

  it('does not switch protocols', async () => {
    const answer = await rawHttp(
      running.port,
      lines(
        'GET /health HTTP/1.1',
        'Host: localhost',
        'Connection: Upgrade, close',
        'Upgrade: h2c',
      ),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).not.toMatch(/upgrade: h2c/i)
  })

  it.each([
    ['whose framing is refused', `${post('Transfer-Encoding: gzip, chunked')}0${CRLF}${CRLF}`, 400],
    ['that has too many headers', `${post(...FILLING, 'Content-Length: 2')}{}`, 431],
    ['that expects something else', `${post('Content-Length: 2', 'Expect: tea')}{}`, 417],
    ['whose body is too large', `${post(`Content-Length: ${MIB}`)}${'a'.repeat(MIB)}`, 413],
    ['that would switch protocols', post('Connection: Upgrade', 'Upgrade: h2c'), 200],
    [
      'that would switch protocols behind its body',
      `${post('Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 2')}{}`,
      200,
    ],
  ])(
    'serves nothing behind the last request of a connection, one %s',
    async (_what, bytes, status) => {
      await using own = await startGateway({ http: { maxBodyBytes: 65_536 } })
      const second = post('Content-Length: 0').replace('whoami', 'status')
      const answer = await rawHttp(own.port, bytes + second)
      expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual([`HTTP/1.1 ${status}`])
      expect(answer).toMatch(/^connection: close\r$/im)
      expect(own.relay.asked.filter(({ name }) => name === 'status')).toEqual([])
    },
  )

  it.each([
    ['that says so', post('Content-Length: 0', 'Connection: close')],
    ['of HTTP/1.0', lines('GET /health HTTP/1.0', 'Host: localhost')],
  ])(
    'serves nothing behind a last request %s, which may stay without its answer',
    async (_what, bytes) => {
      await using own = await startGateway()
      const second = post('Content-Length: 0').replace('whoami', 'status')
      const answer = await rawHttp(own.port, bytes + second)
      expect((answer.match(/^HTTP/gm) ?? []).length).toBeLessThanOrEqual(1)
      expect(own.relay.asked.filter(({ name }) => name === 'status')).toEqual([])
    },
  )

  it('takes a chunked body with an extension and a trailer as what it is', async () => {
    const body = `2;name=value${CRLF}{}${CRLF}0${CRLF}X-Trailer: a${CRLF}${CRLF}`
    const answer = await rawHttp(
      running.port,
      `${post('Transfer-Encoding: chunked', 'Connection: close')}${body}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(running.relay.asked.splice(0)).toHaveLength(1)
  })
})
