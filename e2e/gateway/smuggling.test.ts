/**
 * Requests that two readers of the same bytes could read differently (RFC 9112 §11.2): each carries a second request at
 * a place where another reader would see a body. It is answered once or not at all, and the second request is never
 * carried out, which the log of the daemon shows: neither for nobody, nor for its own caller, nor for that of the first.
 */
import { RawConnection, rawRequest } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCaller, type StartedGatewaySite, startGatewaySite } from '../lib/gateway-site.ts'
import { jsonHeaders } from '../lib/json-headers.ts'

const CRLF = '\r\n'
/** Ends each connection that was kept. */
const MARKER = rawRequest('GET', '/health', { Connection: 'close' })

let running: StartedGatewaySite
let alice: string
let bob: string
beforeAll(async () => {
  running = await startGatewaySite({ http: 'workers = 2\nmax_body = 65536' })
  alice = await makeCaller(running.admin, 'alice')
  bob = await makeCaller(running.admin, 'bob')
})
afterAll(() => running[Symbol.asyncDispose]())

/** Head of a request of alice with these lines, and what follows it. */
function post(lines: readonly string[], rest: string, version = '1.1'): string {
  const all = [
    `POST /registry/whoami HTTP/${version}`,
    'Host: localhost',
    'Content-Type: application/json',
    `Authorization: Bearer ${alice}`,
    ...lines,
  ]
  return `${all.join(CRLF)}${CRLF}${CRLF}${rest}`
}

const chunk = (text: string): string => `${text.length.toString(16)}${CRLF}${text}${CRLF}`
const END = `0${CRLF}${CRLF}`

/** From the second request to all bytes. */
type Payload = (hidden: string) => string

/** In front of a chunked body that ends at once for who sees it, the second request is behind it; with a length too. */
const coded =
  (...lines: string[]): Payload =>
  (hidden) =>
    post([...lines, `Content-Length: ${END.length + hidden.length}`], `${END}${hidden}`)
const codedAlone =
  (...lines: string[]): Payload =>
  (hidden) =>
    post(lines, `${END}${hidden}`)
const lengthOf =
  (...values: string[]): Payload =>
  (hidden) =>
    post(
      values.map((value) => `Content-Length: ${value.replace('N', String(2 + hidden.length))}`),
      `{}${hidden}`,
    )
const chunks =
  (before: string): Payload =>
  (hidden) =>
    post(['Transfer-Encoding: chunked'], `${before}${hidden}`)

/** What is refused ends its connection: what follows is no request any more. */
const REFUSED: readonly [string, Payload][] = [
  ['length and coding', (hidden) => coded('Transfer-Encoding: chunked')(hidden)],
  [
    'coding and length',
    (hidden) => post(['Transfer-Encoding: chunked', 'Content-Length: 4'], chunk(hidden) + END),
  ],
  [
    'a short length and coding',
    (hidden) => post(['Content-Length: 4', 'Transfer-Encoding: chunked'], chunk(hidden) + END),
  ],
  ['length and coding in HTTP/1.0', (h) => post(['Transfer-Encoding: chunked'], END + h, '1.0')],
  ['two lengths, the greater first', lengthOf('N', '2')],
  ['two lengths, the lesser first', lengthOf('2', 'N')],
  ['two equal lengths', lengthOf('2', '2')],
  ['a list of lengths', lengthOf('2, N')],
  ['a list of equal lengths', lengthOf('2, 2')],
  ['a length with a plus', lengthOf('+2')],
  ['a length with a minus', lengthOf('-2')],
  ['a length with a space in it', lengthOf('2 N')],
  ['a length with a tab in it', lengthOf('2\tN')],
  ['a hexadecimal length', lengthOf('0x2')],
  ['a length with an exponent', lengthOf('2e0')],
  ['a length with a fraction', lengthOf('2.0')],
  ['a length with a parameter', lengthOf('2;a')],
  ['a length with NUL', lengthOf('2\0')],
  ['a length with a separator', lengthOf('1_0')],
  ['a length of nothing', lengthOf('')],
  ['a length beyond 64 bits', lengthOf('18446744073709551618')],
  ['a length of wide digits', lengthOf('\xef\xbc\x92')],
  ['a space before the colon of a length', (h) => post(['Content-Length : 2'], `{}${h}`)],
  ['an unknown coding', coded('Transfer-Encoding: xchunked')],
  ['an unknown coding alone', codedAlone('Transfer-Encoding: xchunked')],
  ['identity', codedAlone('Transfer-Encoding: identity')],
  ['chunked twice', codedAlone('Transfer-Encoding: chunked, chunked')],
  [
    'chunked in two headers',
    codedAlone('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  ],
  ['chunked and identity', codedAlone('Transfer-Encoding: chunked, identity')],
  ['gzip and chunked', codedAlone('Transfer-Encoding: gzip, chunked')],
  [
    'chunked and identity in two headers',
    codedAlone('Transfer-Encoding: chunked', 'Transfer-Encoding: identity'),
  ],
  ['an empty coding', codedAlone('Transfer-Encoding:')],
  ['a coding in quotes', codedAlone('Transfer-Encoding: "chunked"')],
  ['a coding with a parameter', codedAlone('Transfer-Encoding: chunked;q=1')],
  ['a coding with a comma', codedAlone('Transfer-Encoding: chunked,')],
  ['a coding with a vertical tab', codedAlone('Transfer-Encoding: \x0bchunked')],
  ['a coding with a form feed', codedAlone('Transfer-Encoding: \x0cchunked')],
  ['a coding with NUL', codedAlone('Transfer-Encoding: chunked\0')],
  ['a coding with a no-break space', codedAlone('Transfer-Encoding: \xa0chunked')],
  ['a coding with a long s', codedAlone('Transfer-Encoding: chun\xc5\xbfed')],
  ['a space before the colon of a coding', coded('Transfer-Encoding : chunked')],
  ['a tab before the colon of a coding', coded('Transfer-Encoding\t: chunked')],
  ['NUL in the name of a coding', coded('Transfer-\0Encoding: chunked')],
  ['a space before the name of a coding', coded('X-A: b', ' Transfer-Encoding: chunked')],
  ['a folded coding', coded('Transfer-Encoding:', ' chunked')],
  ['a folded coding with a tab', coded('Transfer-Encoding:', '\tchunked')],
  ['a folded value', coded('X-A: b', ' c')],
  ['a coding behind a bare CR', coded('X-A: b\rTransfer-Encoding: chunked')],
  ['a coding behind a bare LF', coded('X-A: b\nTransfer-Encoding: chunked')],
  ['a coding before a bare LF', codedAlone('Transfer-Encoding: chunked\nX-A: b')],
  ['a coding with a bare CR in its name', coded('Transfer\r-Encoding: chunked')],
  ['a coding behind too many headers', coded(...filling(128), 'Transfer-Encoding: chunked')],
  ['a bare CR in a value', coded('X-A: b\rc')],
  ['a bare CR as an end', (h) => `${post(['Content-Length: 2'], '').replaceAll(CRLF, '\r')}{}${h}`],
  ['a bare LF as an end', (h) => `${post(['Content-Length: 2'], '').replaceAll(CRLF, '\n')}{}${h}`],
  ['a bare LF as the end of all', (h) => `${post(['X-A: b'], '').slice(0, -2)}\n${h}`],
  ['NUL in a value', coded('X-A: b\0c')],
  ['NUL in a name', coded('X\0A: b')],
  ['a header without a name', coded(': b')],
  ['a header without a colon', coded('X-A')],
  ['a name in quotes', coded('"X-A": b')],
  ['a chunk size of nothing', chunks(`${CRLF}${END}`)],
  ['a chunk size that is none', chunks(`zz${CRLF}`)],
  ['a chunk size with a prefix', chunks(`0x0${CRLF}${CRLF}`)],
  ['a chunk size with a plus', chunks(`+0${CRLF}${CRLF}`)],
  ['a chunk size with a minus', chunks(`-0${CRLF}${CRLF}`)],
  ['a space before a chunk size', chunks(` 0${CRLF}${CRLF}`)],
  ['a chunk size with a NUL', chunks(`0\0${CRLF}${CRLF}`)],
  ['a chunk size beyond 64 bits', chunks(`10000000000000002${CRLF}{}${CRLF}${END}`)],
  ['a chunk size that ends in a bare LF', chunks(`2\n{}${CRLF}${END}`)],
  ['a chunk size that ends in a bare CR', chunks(`2\r{}${CRLF}${END}`)],
  ['a chunk extension with a bare LF', chunks(`2;a\n{}${CRLF}${END}`)],
  ['a chunk extension with a bare CR', chunks(`2;a\rb${CRLF}{}${CRLF}${END}`)],
  ['a chunk longer than its size', chunks(`2${CRLF}{} ${CRLF}${END}`)],
  ['a chunk without an end', chunks(`2${CRLF}{}${END}`)],
  ['a chunk that ends in a bare LF', chunks(`2${CRLF}{}\n${END}`)],
  ['a last chunk that ends in bare LFs', chunks(`2${CRLF}{}${CRLF}0\n\n`)],
  ['a last chunk without its empty line', chunks(`2${CRLF}{}${CRLF}0${CRLF}`)],
  ['a trailer that ends in a bare LF', chunks(`2${CRLF}{}${CRLF}0${CRLF}X-A: b\n${CRLF}`)],
  ['a folded trailer', chunks(`2${CRLF}{}${CRLF}0${CRLF}X-A: b${CRLF} c${CRLF}${CRLF}`)],
  ['two hosts', coded('Host: localhost')],
  ['a tab in the request line', (h) => `POST\t/registry/whoami HTTP/1.1${CRLF}${h}`],
  [
    'a target of two words',
    (h) => `GET /health x HTTP/1.1${CRLF}Host: localhost${CRLF}${CRLF}${h}`,
  ],
  ['a space behind the version', (h) => `GET /health HTTP/1.1 ${CRLF}Host: localhost${CRLF}${h}`],
  ['HTTP/0.9', (h) => `GET /health${CRLF}${h}`],
  ['HTTP/1.2', (h) => post(['Content-Length: 2'], `{}${h}`, '1.2')],
  ['HTTP/2.0', (h) => post(['Content-Length: 2'], `{}${h}`, '2.0')],
  ['the preface of HTTP/2', (h) => `PRI * HTTP/2.0${CRLF}${CRLF}SM${CRLF}${CRLF}${h}`],
  ['CONNECT', (h) => `${rawRequest('CONNECT', 'localhost:80')}${h}`],
  ['a body that is refused and awaited', (h) => post(['Expect: 100-continue', length(70_000)], h)],
  ['another expectation', (h) => post(['Expect: 200-ok', length(h.length)], h)],
  ['a body that is too large', (h) => post([length(70_000)], h)],
  ['noise', (h) => `\0\xff\xfe${CRLF}${CRLF}${h}`],
  ['TLS in the clear', (h) => `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${h}`],
]

/** The second request is a body for all readers; after it the connection goes on. */
const BODIES: readonly [string, number, Payload][] = [
  ['of a request that takes one', 400, (h) => post([length(h.length)], h)],
  ['in chunks', 400, (h) => post(['Transfer-Encoding: chunked'], chunk(h) + END)],
  [
    'in a trailer',
    200,
    (h) =>
      post(
        ['Transfer-Encoding: chunked'],
        `${chunk('{}')}0${CRLF}X-A: ${h.slice(0, 40).split(CRLF)[0]}${CRLF}${CRLF}`,
      ),
  ],
  ['of GET', 200, (h) => rawRequest('GET', '/health', {}, h)],
  ['of DELETE', 405, (h) => rawRequest('DELETE', '/health', {}, h)],
  ['of OPTIONS', 405, (h) => rawRequest('OPTIONS', '/registry/set', {}, h)],
  ['of a verb of WebDAV', 501, (h) => rawRequest('PROPFIND', '/registry/set', {}, h)],
  ['without a credential', 401, (h) => rawRequest('POST', '/registry/whoami', jsonHeaders(), h)],
  ['of another content type', 415, (h) => rawRequest('POST', '/registry/whoami', {}, h)],
  ['where nothing is served', 404, (h) => rawRequest('POST', '/nowhere', jsonHeaders(alice), h)],
  ['for another host', 421, (h) => rawRequest('POST', '/', { Host: 'evil.example' }, h)],
  ['for another authority', 421, (h) => rawRequest('POST', 'http://evil.example/', {}, h)],
]

/** What Node.js reads behind a request to switch protocols is lost, so that such a connection has to end. */
const UPGRADES: readonly [string, Payload][] = [
  ['in the clear', (h) => `${rawRequest('GET', '/health', upgrade('h2c'))}${h}`],
  ['in the clear, as a body', (h) => rawRequest('GET', '/health', upgrade('h2c'), h)],
  ['to WebSocket', (h) => `${rawRequest('GET', '/health', upgrade('websocket'))}${h}`],
  ['to WebSocket, as a body', (h) => rawRequest('GET', '/health', upgrade('websocket'), h)],
]

function length(bytes: number): string {
  return `Content-Length: ${bytes}`
}

function upgrade(protocol: string): Record<string, string> {
  return { Connection: 'Upgrade, HTTP2-Settings', Upgrade: protocol, 'HTTP2-Settings': 'AAMAAABk' }
}

function filling(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `X-${at}: a`)
}

let last = 0

/** A request that writes, of a caller or of nobody; each at a path of its own. */
function hiddenRequest(user: 'alice' | 'bob', token: string | undefined): string {
  const body = JSON.stringify({ key: `/${user}/hidden-${++last}`, value: 'smuggled' })
  return rawRequest('POST', '/registry/set', { ...jsonHeaders(token), Connection: 'close' }, body)
}

/** Send all at once, or each line when the one before it is on its way. */
async function send(connection: RawConnection, bytes: string, inLines: boolean): Promise<void> {
  for (const part of inLines ? bytes.split(/(?<=\n)/) : [bytes]) {
    if (connection.socket.destroyed) return
    await new Promise<void>((resolve) =>
      connection.socket.write(part, 'latin1', () => setImmediate(resolve)),
    )
  }
}

/** Every way to carry a second request: without a credential, or with that of another, in one piece or in lines. */
async function statusesOf(payload: Payload): Promise<number[][]> {
  const all: number[][] = []
  for (const hidden of [() => hiddenRequest('alice', undefined), () => hiddenRequest('bob', bob)]) {
    for (const inLines of [false, true]) {
      using connection = await RawConnection.open(running.gateway.port)
      await send(connection, payload(hidden()) + MARKER, inLines)
      all.push((await connection.rest()).map(({ status }) => status))
    }
  }
  return all
}

/** What the daemon has heard of second requests, and of the only one who would come with them. */
function traces(): unknown[] {
  return running.site
    .records()
    .map(({ body }) => body)
    .filter(({ paths, actor }) => actor.user === 'bob' || paths.some((p) => p.includes('hidden')))
}

describe('a second request that one reader sees', () => {
  it.each(REFUSED)('is not carried out behind %s', async (_what, payload) => {
    for (const statuses of await statusesOf(payload)) {
      expect(statuses.length).toBeLessThanOrEqual(1)
      if (statuses.length === 1) expect([400, 405, 413, 417, 431]).toContain(statuses[0])
    }
    expect(traces()).toEqual([])
  })

  it.each(UPGRADES)('is not carried out behind an upgrade %s', async (_what, payload) => {
    for (const statuses of await statusesOf(payload)) expect(statuses).toEqual([200])
    expect(traces()).toEqual([])
  })

  it.each(BODIES)('is not carried out as a body %s', async (_what, status, payload) => {
    for (const statuses of await statusesOf(payload)) {
      // The last is that of the request that follows, which is where both readers see one.
      expect(statuses).toEqual([status, 200])
    }
    expect(traces()).toEqual([])
  })
})

describe('a second request that all readers see', () => {
  const ask = (token: string | undefined, key: string, target = '/registry/set'): string =>
    rawRequest('POST', target, jsonHeaders(token), JSON.stringify({ key, value: 'v' }))

  it('is carried out, and its trace is found', async () => {
    using connection = await RawConnection.open(running.gateway.port)
    const request = hiddenRequest('bob', bob)
    connection.send(request)
    expect((await connection.rest()).map(({ status }) => status)).toEqual([200])
    const path = /"(\/bob\/hidden-\d+)"/.exec(request)?.[1]
    expect(traces()).toContainEqual(expect.objectContaining({ action: 'write', paths: [path] }))
  })

  it('is of nobody when it shows no credential, whoever the one before it was of', async () => {
    using connection = await RawConnection.open(running.gateway.port)
    const first = [
      ask(alice, '/alice/first'),
      ask(undefined, '/alice/path', `/t/${alice}/registry/set`),
    ]
    for (const one of first) {
      connection.send(one + ask(undefined, '/alice/second'))
      expect((await connection.next())?.status).toBe(200)
      expect((await connection.next())?.status).toBe(401)
    }
    const written = running.site.records().flatMap(({ body }) => body.paths)
    expect(written).toContain('/alice/path')
    expect(written).not.toContain('/alice/second')
  })

  it('is of its own caller, whoever the one before it was of', async () => {
    using connection = await RawConnection.open(running.gateway.port)
    connection.send(ask(alice, '/alice/a') + ask(bob, '/bob/b') + ask(bob, '/alice/c'))
    const statuses = [await connection.next(), await connection.next(), await connection.next()]
    expect(statuses.map((answer) => answer?.status)).toEqual([200, 200, 403])
    const writes = running.site
      .records()
      .flatMap(({ body: { paths, actor, outcome } }) =>
        paths.map((path) => `${actor.user} ${path} ${outcome}`),
      )
    expect(writes).toEqual(
      expect.arrayContaining(['alice /alice/a ok', 'bob /bob/b ok', 'bob /alice/c denied']),
    )
  })

  it('is not carried out behind one that ends the connection', async () => {
    using connection = await RawConnection.open(running.gateway.port)
    const first = rawRequest('GET', '/health', { Connection: 'close' })
    connection.send(first + ask(alice, '/alice/after-the-end'))
    expect((await connection.rest()).length).toBeLessThanOrEqual(1)
    const written = running.site.records().flatMap(({ body }) => body.paths)
    expect(written).not.toContain('/alice/after-the-end')
  })
})
