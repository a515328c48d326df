/** Exchanges over HTTP through a real egress child: what is sent, what is told, and what is never held or followed. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { CertificateMaker, createTempHome, waitFor } from '@secreg/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Egress } from '../src/egress/egress-process.ts'
import type { HttpQuestion } from '../src/egress/http-messages.ts'
import { HttpRequests } from '../src/egress/http-requests.ts'
import { EGRESS_LIMITS } from '../src/egress/messages.ts'
import { buildEgress, type EgressProgram, writeChild } from './egress-program.ts'
import { serveBytes, serveHttp } from './http-server.ts'

const MIB = 1024 * 1024
const TIME = { timeoutMs: 60_000 }

let program: EgressProgram
let egress: Egress
beforeAll(async () => {
  program = await buildEgress({ kafkajs: false })
  egress = freshEgress()
})
afterAll(async () => {
  await egress.close()
  program[Symbol.dispose]()
})

const home = createTempHome()
afterAll(() => home.remove())

/** With the heap that it has in operation. */
function freshEgress(): Egress {
  const [node, ...args] = program.command
  return new Egress({ command: [node, '--max-old-space-size=128', ...args] })
}

/** Most memory that a process has had, bytes. */
function peakOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024
}

function questionOf(url: string, more: Partial<HttpQuestion> = {}): HttpQuestion {
  return {
    method: 'GET',
    url,
    headers: {},
    verifyTls: true,
    connectTimeoutMs: 5000,
    poolSize: 10,
    maxAnswerBytes: 2 * MIB,
    ...more,
  }
}

const ask = (egress: Egress, url: string, more: Partial<HttpQuestion> = {}) =>
  egress.call('http.request', questionOf(url, more), TIME)

const code = (word: string): unknown => expect.objectContaining({ code: `ERR_EGRESS_${word}` })

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('an exchange', () => {
  test.each(['GET', 'POST', 'PATCH', 'DELETE'] as const)('%s is sent as asked', async (method) => {
    const server = await serveHttp(async (request, response) => {
      const { method: sent, url, headers } = request
      const body = await textOf(request)
      response.end(JSON.stringify({ sent, url, token: headers['x-vault-token'], body }))
    })
    const body = method === 'GET' ? undefined : '{"k":"ключ 😀 \\u0000"}'
    const headers = { 'X-Vault-Token': 'hvs.a b~' }
    const answer = await ask(egress, `${server.url}/v1/a%2Fb?list=true`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    })
    expect(JSON.parse(Buffer.from(answer.body, 'base64').toString())).toEqual({
      sent: method,
      url: '/v1/a%2Fb?list=true',
      token: 'hvs.a b~',
      body: body ?? '',
    })
  })

  test('is answered with its bytes, and of its headers with those that somebody needs', async () => {
    const bytes = Buffer.from([0, 255, 254, 10, 13, 0x22, 0x5c])
    const told = {
      'content-type': 'application/json',
      'retry-after': '7',
      'x-request-id': 'one',
      location: '/elsewhere',
    }
    const server = await serveHttp((_, response) => {
      response.writeHead(418, { ...told, 'set-cookie': 'a=b', server: 'x' }).end(bytes)
    })
    const answer = await ask(egress, server.url)
    expect(answer).toEqual({
      status: 418,
      headers: told,
      body: bytes.toString('base64'),
      truncated: false,
    })
  })

  test('goes nowhere else', async () => {
    let asked = 0
    const other = await serveHttp((_, response) => void response.end(String(++asked)))
    const server = await serveHttp((_, response) => {
      response.writeHead(307, { location: `${other.url}/` }).end()
    })
    const { status, headers } = await ask(egress, server.url)
    expect([status, headers.location, asked]).toEqual([307, `${other.url}/`, 0])
  })

  test('waits for others where there are enough connections, which are kept', async () => {
    const server = await serveHttp((_, response) => void response.end('{}'))
    await Promise.all(Array.from({ length: 40 }, () => ask(egress, server.url, { poolSize: 3 })))
    await ask(egress, server.url, { poolSize: 3 })
    expect(server.connections).toBe(3)
  })

  test('that is taken back ends its connection, and no other', async () => {
    let arrived = 0
    const server = await serveHttp((request, response) => {
      arrived++
      if (request.url === '/ok') response.end('{}')
    })
    const controller = new AbortController()
    const { signal } = controller
    const held = egress.call('http.request', questionOf(`${server.url}/held`), { ...TIME, signal })
    await waitFor(() => arrived === 1)
    await ask(egress, `${server.url}/ok`)
    controller.abort()
    await expect(held).rejects.toEqual(code('CANCELLED'))
    await waitFor(() => server.sockets.size === 1)
    await ask(egress, `${server.url}/ok`)
    expect(server.connections).toBe(2)
  })
})

describe('an answer', () => {
  test.each([
    [2 * MIB, false],
    [2 * MIB + 1, true],
  ])('of %d bytes is told whole, or not at all', async (bytes, truncated) => {
    const server = await serveHttp((_, response) => void response.end(Buffer.alloc(bytes, 1)))
    const answer = await ask(egress, server.url)
    expect(answer.truncated).toBe(truncated)
    expect(Buffer.from(answer.body, 'base64').length).toBe(truncated ? 0 : bytes)
  })

  test('is not read any further than it may be long', async () => {
    const server = await serveHttp((_, response) => void response.end('12345'))
    expect(await ask(egress, server.url, { maxAnswerBytes: 4 })).toMatchObject({
      body: '',
      truncated: true,
    })
  })

  test('without end, fifty at a time, takes little memory on both sides', async () => {
    let sent = 0
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const server = await serveHttp((_, response) => {
      const more = (): void => {
        while (sent < 5000 * MIB && !response.destroyed) {
          sent += chunk.length
          if (!response.write(chunk)) return
        }
      }
      response.on('drain', more)
      more()
    })
    const egress = freshEgress()
    onTestFinished(() => egress.close())
    const before = process.memoryUsage.rss()
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => ask(egress, server.url, { poolSize: 50 })),
    )
    expect(answers.every(({ truncated, body }) => truncated && body === '')).toBe(true)
    expect(peakOf(egress.pid)).toBeLessThan(256 * MIB)
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * MIB)
  })

  test.each([
    ['shorter than it says', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}'],
    ['no HTTP', 'hello\r\n\r\n'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
    ],
    ['a header without end', `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(64 * 1024)}`],
    ['nothing', ''],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello',
    ],
  ])('that is %s is none', async (_, bytes) => {
    const server = await serveBytes((socket) => {
      socket.once('data', () => socket.end(bytes))
    })
    await expect(ask(egress, server.url)).rejects.toEqual(code('UNREACHABLE'))
    expect(egress.pid).toBeDefined()
  })

  test('of any bytes at all is an answer or none, and the child goes on', async () => {
    const bits = fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.0 999 \r\n',
      'HTTP/1.1 100 Continue\r\n\r\n',
      'Content-Length: 5\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: Upgrade\r\nUpgrade: h2c\r\n',
      'Location: \xff\x01\r\n',
      '\r\n',
      '5\r\nhello\r\n0\r\n\r\n',
    )
    const parts = fc.array(
      fc.oneof(
        bits.map((text) => Buffer.from(text, 'latin1')),
        fc.uint8Array({ maxLength: 40 }),
      ),
      { maxLength: 8 },
    )
    let bytes: Uint8Array = Buffer.alloc(0)
    const server = await serveBytes((socket) => {
      socket.once('data', () => socket.end(bytes))
    })
    await ask(egress, (await serveHttp((_, response) => void response.end())).url)
    const { pid } = egress
    await fc.assert(
      fc.asyncProperty(parts, async (all) => {
        bytes = Buffer.concat(all)
        const answer = await ask(egress, server.url).catch((error: unknown) => error)
        if (!(answer instanceof Error)) expect(answer).toMatchObject({ truncated: false })
        else expect(answer).toEqual(code('UNREACHABLE'))
      }),
      { numRuns: 300 },
    )
    expect(egress.pid).toBe(pid)
  })

  test('of all that it may be long, fifty at a time, fits the heap', async () => {
    const body = Buffer.alloc(2 * MIB, 'x')
    const server = await serveHttp((_, response) => void response.end(body))
    const egress = freshEgress()
    onTestFinished(() => egress.close())
    await ask(egress, server.url)
    const { pid } = egress
    const calls = Array.from({ length: 50 }, () => ask(egress, server.url, { poolSize: 50 }))
    for (const answer of await Promise.all(calls)) expect(answer.body.length).toBe(2_796_204)
    expect(egress.pid).toBe(pid)
    expect(peakOf(pid)).toBeLessThan(384 * MIB)
  })

  test('of more than may be read is not even begun', async () => {
    const server = await serveBytes((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n'),
      )
    })
    expect(await ask(egress, server.url)).toMatchObject({ truncated: true })
    await waitFor(() => server.sockets.size === 0)
  })
})

describe('what is not sent is told', () => {
  test('nobody listens', async () => {
    await expect(ask(egress, 'http://127.0.0.1:1')).rejects.toEqual(code('NOT_SENT'))
    await expect(ask(egress, 'http://no-such-host.invalid')).rejects.toEqual(code('NOT_SENT'))
  })

  test('a connection that does not come to stand', async () => {
    const server = await serveBytes(() => {})
    const url = server.url.replace('http:', 'https:')
    await expect(ask(egress, url, { connectTimeoutMs: 50 })).rejects.toEqual(code('NOT_SENT'))
  })

  test('TLS', async (context) => {
    const maker = CertificateMaker.in(home, context)
    const authority = await maker.make('authority', { authority: true })
    const other = await maker.make('other', { authority: true })
    const usage = 'serverAuth' as const
    const made = await maker.make('server', { issuer: authority, usage })
    const tls = { key: readFileSync(made.key, 'utf8'), cert: readFileSync(made.cert, 'utf8') }
    let asked = 0
    const server = await serveHttp((_, response) => void response.end(String(++asked)), tls)
    const plain = await serveHttp((_, response) => void response.end(String(++asked)))
    const ca = readFileSync(authority.cert, 'utf8')
    const wrong = [
      ask(egress, server.url),
      ask(egress, server.url, { ca: readFileSync(other.cert, 'utf8') }),
      ask(egress, server.url.replace('127.0.0.1', '127.0.0.2'), { ca }),
      ask(egress, plain.url.replace('http:', 'https:'), { ca }),
      ask(egress, server.url, {
        ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      }),
    ]
    const failures = await Promise.all(wrong.map((call) => call.catch((error: unknown) => error)))
    expect(failures[2]).toEqual(code('NOT_SENT'))
    for (const [at, failure] of failures.entries()) {
      if (at !== 2) expect(failure, String(at)).toEqual(code('TLS_FAILED'))
    }
    expect(asked).toBe(0)
    expect(await ask(egress, server.url, { ca })).toMatchObject({ status: 200 })
    expect(await ask(egress, server.url, { verifyTls: false })).toMatchObject({ status: 200 })
    await expect(ask(egress, server.url)).rejects.toEqual(code('TLS_FAILED'))
  })
})

describe('a question', () => {
  const URL_ = 'http://127.0.0.1:1/'
  test.each<[string, object]>([
    ['another method', { method: 'PUT' }],
    ['no address', { url: 'a' }],
    ['an address of another kind', { url: 'ftp://127.0.0.1/' }],
    ['an address with a user', { url: 'http://user@127.0.0.1/' }],
    ['an address with a password', { url: 'http://:secret@127.0.0.1/' }],
    ['an address with a space', { url: `${URL_}a b` }],
    ['an address that is too long', { url: URL_.padEnd(8193, 'a') }],
    ['a header that ends', { headers: { a: 'b\r\nc: d' } }],
    ['a header beyond ASCII', { headers: { a: 'ä' } }],
    ['a header whose name ends', { headers: { 'a: b\r\nc': 'd' } }],
    ['too long a header', { headers: { a: 'b'.repeat(8449) } }],
    [
      'too many headers',
      { headers: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`a${at}`, ''])) },
    ],
    ['a body that is none', { body: {} }],
    ['too long an answer', { maxAnswerBytes: 2 * MIB + 1 }],
    ['no connections', { poolSize: 0 }],
    ['no time to connect', { connectTimeoutMs: 0 }],
    ['nothing about TLS', { verifyTls: undefined }],
    ['a member too many', { redirect: 'follow' }],
  ])('with %s is refused by the child', async (_, more) => {
    await expect(ask(egress, URL_, more)).rejects.toEqual(code('INVALID'))
  })

  test('and its failure quote neither what was sent nor what was answered', async () => {
    const canary = 'hvs.canary-in-the-question'
    const theirs = 'text-of-the-peer'
    const server = await serveBytes((socket) => {
      socket.once('data', () => socket.end(`${theirs} ${canary}\r\n\r\n`))
    })
    const headers = { 'X-Vault-Token': canary }
    const error = await ask(egress, `${server.url}/${canary}`, {
      method: 'POST',
      headers,
      body: canary,
    }).catch((failure: Error) => failure)
    const said = `${String(error)} ${JSON.stringify(error)} ${(error as Error).stack}`
    expect(said).toContain('cannot be reached')
    expect(said).not.toMatch(new RegExp(`${canary}|${theirs}`))
    for (const file of ['environ', 'cmdline']) {
      expect(readFileSync(`/proc/${egress.pid}/${file}`, 'utf8')).not.toContain(canary)
    }
  })
})

describe('room', () => {
  const silent = (): Egress => {
    const egress = new Egress({ command: writeChild(home, 'silent', 'onMessage(() => {})') })
    onTestFinished(() => egress.close())
    return egress
  }
  const start = (egress: Egress, more: Partial<HttpQuestion> = {}): void => {
    ask(egress, 'http://a/', more).catch(() => {})
  }

  test('is left for events, however many exchanges there are', async () => {
    const egress = silent()
    for (let at = 0; at < EGRESS_LIMITS.httpQuestions; at++) start(egress)
    const refused = await ask(egress, 'http://a/').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'ERR_EGRESS_BUSY', unasked: true })
    const ended = expect(egress.call('kafka.close', {}, TIME)).rejects.toEqual(code('CLOSED'))
    await egress.close()
    await ended
  })

  test('is not given to more bytes than the child can hold, until they are answered', async () => {
    const egress = silent()
    const body = 'b'.repeat(4 * MIB - 1000)
    for (let at = 0; at < 6; at++) start(egress, { method: 'POST', body })
    await expect(ask(egress, 'http://a/', { method: 'POST', body })).rejects.toEqual(code('BUSY'))
    start(egress)
    await expect(ask(egress, 'http://a/', { body: 'b'.repeat(4 * MIB) })).rejects.toEqual(
      code('TOO_LARGE'),
    )
  })

  test('is there again after answers', async () => {
    const answering = writeChild(
      home,
      'answering',
      `onMessage(({ id }) => answer({ id, ok: false, error: 'NOT_SENT' }))`,
    )
    const egress = new Egress({ command: answering })
    onTestFinished(() => egress.close())
    const body = 'b'.repeat(3 * MIB)
    for (let round = 0; round < 20; round++) {
      await expect(ask(egress, 'http://a/', { body })).rejects.toEqual(code('NOT_SENT'))
    }
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: EGRESS_LIMITS.httpQuestions }, () =>
        ask(egress, 'http://a/'),
      )
      for (const { status, ...rest } of await Promise.allSettled(calls)) {
        expect([status, rest]).toEqual(['rejected', { reason: code('NOT_SENT') }])
      }
    }
  })

  test('is no more than there is heap for', async () => {
    const server = await serveHttp(async (request, response) => {
      await textOf(request)
      response.end('{}')
    })
    const egress = freshEgress()
    onTestFinished(() => egress.close())
    // One character that takes two bytes makes all of them take two.
    const body = `€${'b'.repeat(4 * MIB - 1000)}`
    await ask(egress, server.url)
    const { pid } = egress
    for (let round = 0; round < 2; round++) {
      const calls = Array.from({ length: 6 }, () =>
        ask(egress, server.url, { method: 'POST', body }),
      )
      for (const { status } of await Promise.all(calls)) expect(status).toBe(200)
    }
    expect(egress.pid).toBe(pid)
  })
})

describe('connections of many kinds', () => {
  const never = new AbortController().signal

  test('are closed when others are used, and not under whoever still uses them', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const server = await serveHttp(async (request, response) => {
      if (request.url === '/held') await held
      response.end('{}')
    })
    const requests = new HttpRequests()
    const first = requests.send(questionOf(`${server.url}/held`, { poolSize: 1 }), never)
    for (let poolSize = 2; poolSize <= 40; poolSize++) {
      await requests.send(questionOf(`${server.url}/`, { poolSize }), never)
    }
    expect(requests.size).toBe(16)
    await waitFor(() => server.sockets.size === 17)
    release()
    expect((await first)()).toMatchObject({ status: 200 })
    await waitFor(() => server.sockets.size === 16)
  })

  test('stay while they are used, however many others there were', async () => {
    const server = await serveHttp((_, response) => void response.end('{}'))
    const requests = new HttpRequests()
    for (let poolSize = 1; poolSize <= 40; poolSize++) {
      await requests.send(questionOf(server.url, { poolSize: 1000 }), never)
      await requests.send(questionOf(server.url, { poolSize }), never)
    }
    expect(server.connections).toBe(41)
  })
})
