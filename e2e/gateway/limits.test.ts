/** class 16: clients that are slow or send too much are cut off, memory stays where it was, and nobody else waits for them. */
import { connect as connectTls } from 'node:tls'
import { CertificateMaker, RawConnection, rawRequest, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  descriptors,
  MIB,
  processesOf,
  residentBytes,
  workersOf,
} from '../lib/gateway-processes.ts'
import {
  type Gateway,
  GatewaySite,
  makeCaller,
  type StartedGatewaySite,
  startGatewaySite,
} from '../lib/gateway-site.ts'
import { jsonHeaders } from '../lib/json-headers.ts'
import { Probe, slowdown } from '../lib/probe.ts'
import { ADMIN, PASSWORD } from '../lib/site.ts'

/** Of each kind. */
const SLOW = 100
/** Others may be slower by this meanwhile; measured is less than 2. */
const FACTOR = 5
/** Pause between two bytes of somebody slow, milliseconds. */
const DRIP_MS = 100
/**
 * Memory that a worker may take beyond `http.buffer_bytes`: what its heap keeps until it has to tidy, while bodies and
 * large answers pass through it. Measured is up to 100 MiB.
 */
const HEAP_BYTES = 192 * MIB
const WORKERS = 2
const BUFFER_BYTES = 16 * MIB

const HTTP = `
workers = ${WORKERS}
header_timeout = 1
body_timeout = 2
idle_timeout = 3
buffer_bytes = ${BUFFER_BYTES}`
const HEALTH = rawRequest('GET', '/health')

let running: StartedGatewaySite
let token: string
beforeAll(async () => {
  running = await startGatewaySite({ http: HTTP })
  const { admin } = running
  token = await makeCaller(admin, 'alice')
  const value = Buffer.alloc(MIB, 'a').toString('base64')
  await admin.ok('set', { key: '/alice/large', value, type: 'bytes' })
  await admin.ok('set', { key: '/alice/small', value: 'a' })
})
afterAll(() => running[Symbol.asyncDispose]())

const get = (key: string): string =>
  rawRequest('POST', '/registry/get', jsonHeaders(token), JSON.stringify({ key }))

function open(port: number, count: number): Promise<RawConnection[]> {
  return Promise.all(
    Array.from({ length: count }, () => RawConnection.open(port, { from: '127.0.0.2' })),
  )
}

/** Send a byte now and then to each, for as long as it listens. */
function drip(connections: readonly RawConnection[]): Disposable {
  const timer = setInterval(() => {
    for (const one of connections) if (!one.isClosed) one.send('a')
  }, DRIP_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** A figure of all workers together, with its labels as they are written. */
async function figure(name: string, gateway: Gateway = running.gateway): Promise<number> {
  using connection = await RawConnection.open(gateway.port)
  const basic = Buffer.from(`${ADMIN}:${PASSWORD}`).toString('base64')
  const answer = await connection.ask(
    rawRequest('GET', '/metrics', { Authorization: `Basic ${basic}` }),
  )
  expect(answer.status).toBe(200)
  const line = answer.body.split('\n').find((each) => each.startsWith(`secreg_gateway_${name} `))
  return Number(line?.split(' ').at(-1) ?? Number.NaN)
}

/** Do something; the same processes are there afterwards, with no more descriptors, and memory within its bound. */
async function unharmed(act: () => Promise<void>): Promise<void> {
  const { child, port } = running.gateway
  const pids = processesOf(child)
  const before = { bytes: residentBytes(pids), descriptors: descriptors(pids) }
  await act()
  await waitFor(() => descriptors(pids) <= before.descriptors, {
    what: 'the connections to be cut',
    timeoutMs: 20_000,
  })
  expect(residentBytes(pids)).toBeLessThan(before.bytes + BUFFER_BYTES + WORKERS * HEAP_BYTES)
  expect(processesOf(child)).toEqual(pids)
  expect(await figure('buffer_bytes')).toBe(0)
  using fresh = await RawConnection.open(port)
  expect((await fresh.ask(HEALTH)).status).toBe(200)
}

/** The same, while somebody else goes on as before. */
async function unnoticed(act: () => Promise<void>): Promise<void> {
  using probe = await Probe.open(running.gateway.port, get('/alice/small'))
  await probe.medianMs(200)
  const beforeMs = await probe.medianMs(200)
  await unharmed(async () => {
    const meanwhileMs = await probe.medianMsDuring(act())
    process.stderr.write(`${JSON.stringify({ beforeMs, meanwhileMs })}\n`)
    expect(slowdown(beforeMs, meanwhileMs)).toBeLessThan(FACTOR)
  })
}

describe(`class 16: ${SLOW} clients that are slow`, () => {
  const closed = (connections: readonly RawConnection[]): Promise<unknown> =>
    Promise.all(connections.map((one) => one.closed))

  test('to send a head', () =>
    unnoticed(async () => {
      const slowBefore = await figure('refused_connections_total{reason="slow"}')
      const all = await open(running.gateway.port, SLOW)
      for (const one of all) one.send('GET /health HTTP/1.1\r\nX-A: ')
      using _ = drip(all)
      await closed(all)
      const statuses = all.map(({ text }) => text.slice(0, 12))
      expect(new Set(statuses)).toEqual(new Set(['HTTP/1.1 408']))
      const slow = await figure('refused_connections_total{reason="slow"}')
      expect(slow - slowBefore).toBe(SLOW)
    }))

  test('to send anything', () =>
    unnoticed(async () => {
      await closed(await open(running.gateway.port, SLOW))
    }))

  test('to send a body', () =>
    unnoticed(async () => {
      const all = await open(running.gateway.port, SLOW)
      const headers = { ...jsonHeaders(token), 'Content-Length': '100000' }
      for (const one of all) one.send(rawRequest('POST', '/registry/set', headers, '{'))
      using _ = drip(all)
      expect((await Promise.all(all.map((one) => one.next()))).map((a) => a?.status)).toEqual(
        all.map(() => 408),
      )
      await closed(all)
    }))

  test('to send a body in chunks', () =>
    unnoticed(async () => {
      const all = await open(running.gateway.port, SLOW)
      const headers = { ...jsonHeaders(token), 'Transfer-Encoding': 'chunked' }
      for (const one of all) one.send(rawRequest('POST', '/api/put', headers, 'fffff\r\n{'))
      using _ = drip(all)
      await closed(all)
      const statuses = all.map(({ text }) => text.slice(0, 12))
      expect(new Set(statuses)).toEqual(new Set(['HTTP/1.1 408']))
    }))

  test('to send a body that nobody has asked for', () =>
    unharmed(async () => {
      const all = await open(running.gateway.port, SLOW)
      const headers = { ...jsonHeaders('nobody'), 'Content-Length': '100000' }
      for (const one of all) one.send(rawRequest('POST', '/registry/set', headers, '{'))
      using _ = drip(all)
      await closed(all)
      const statuses = all.map(({ text }) => text.slice(0, 12))
      expect(new Set(statuses)).toEqual(new Set(['HTTP/1.1 401']))
    }))

  test('to take an answer', () =>
    unnoticed(async () => {
      const pids = processesOf(running.gateway.child)
      const before = descriptors(pids)
      const all: RawConnection[] = []
      for (let at = 0; at < SLOW; at++) {
        const one = await RawConnection.open(running.gateway.port, { from: '127.0.0.2' })
        one.socket.pause()
        // The kernel keeps up to about 4 MiB for somebody; what is beyond is kept by the gateway.
        one.send(get('/alice/large').repeat(3))
        all.push(one)
      }
      await waitFor(() => descriptors(pids) <= before, {
        what: 'those who take nothing to be cut',
        timeoutMs: 45_000,
      })
      for (const one of all) one.socket.destroy()
    }))

  test('to ask again', () =>
    unnoticed(async () => {
      const all = await open(running.gateway.port, SLOW)
      for (const one of all) expect((await one.ask(HEALTH)).status).toBe(200)
      await closed(all)
    }))

  test('to greet in TLS', async (context) => {
    await using site = new GatewaySite()
    const maker = CertificateMaker.in(site.home, context)
    const { cert, key } = await maker.make('localhost', { usage: 'serverAuth' })
    const tls = `tls_cert = "${cert}"\ntls_key = "${key}"`
    site.configure({ http: `${HTTP}\n${tls}` })
    // Without a daemon: none of this comes as far.
    const { child, port } = await site.startGateway()
    const served = async (): Promise<void> => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      using connection = new RawConnection(socket)
      expect((await connection.ask(HEALTH)).status).toBe(200)
    }
    await served()
    const pids = processesOf(child)
    const before = descriptors(pids)
    const all = await open(port, 2 * SLOW)
    // The head of a ClientHello of 512 bytes, and not even that.
    for (const one of all.slice(SLOW)) one.send('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')
    await served()
    await closed(all)
    await waitFor(() => descriptors(pids) <= before, { what: 'the descriptors to be closed' })
    expect(processesOf(child)).toEqual(pids)
    await served()
  })
})

describe('class 16: a client that sends too much', () => {
  /** Send without an end until the server closes; answers how many bytes it was sent, and what it said. */
  async function pour(
    port: number,
    head: string,
    piece: string,
    maxBytes = 100 * MIB,
  ): Promise<{ sent: number; status: number | undefined }> {
    using connection = await RawConnection.open(port)
    connection.send(head)
    const answer = connection.next()
    let sent = head.length
    while (!connection.isClosed && !connection.socket.destroyed && sent < maxBytes) {
      sent += piece.length
      if (connection.socket.write(piece, 'latin1')) continue
      await Promise.race([
        connection.closed,
        new Promise((resolve) => connection.socket.once('drain', resolve)),
      ])
    }
    await connection.closed
    return { sent, status: (await answer)?.status }
  }
  const A_PIECE = 'a'.repeat(64 * 1024)
  const CHUNK = `10000\r\n${A_PIECE}\r\n`
  const post = (headers: Record<string, string>): string =>
    rawRequest('POST', '/registry/set', { ...jsonHeaders(token), ...headers })

  test('in a header', () =>
    unharmed(async () => {
      using connection = await RawConnection.open(running.gateway.port)
      const answer = await connection.ask(
        rawRequest('GET', '/health', { 'X-A': 'a'.repeat(17_000) }),
      )
      expect(answer.status).toBe(431)
      await connection.closed
    }))

  test.each([
    ['line without an end', 'GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: '],
    ['name without an end', 'GET /health HTTP/1.1\r\nHost: localhost\r\n'],
    ['request line without an end', 'GET /'],
  ])('in a %s', (_what, head) =>
    unharmed(async () => {
      const { sent, status } = await pour(running.gateway.port, head, A_PIECE)
      // What the buffers of the kernel take is sent too. A reset can overtake the answer.
      expect(sent).toBeLessThan(32 * MIB)
      expect([431, undefined]).toContain(status)
    }),
  )

  test('in ten thousand headers', () =>
    unharmed(async () => {
      using connection = await RawConnection.open(running.gateway.port)
      const headers = 'X-A: b\r\n'.repeat(10_000)
      connection.send(`GET /health HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`)
      expect((await connection.next())?.status).toBe(431)
      await connection.closed
    }))

  test('in ten thousand headers that are short enough', async () => {
    const { site, daemon } = running
    expect(daemon.exited).toBe(false)
    site.configure({ http: `${HTTP}\nmax_header = ${MIB}` })
    const { child, port } = await site.startGateway()
    const pids = workersOf(child)
    for (const count of [65, 100, 10_000, 100_000]) {
      using connection = await RawConnection.open(port)
      const headers = 'X-A: b\r\n'.repeat(count - 1)
      connection.send(`GET /health HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`)
      expect((await connection.next())?.status).toBe(431)
      await connection.closed
    }
    expect(workersOf(child)).toEqual(pids)
    await child.kill('SIGTERM')
    site.configure({ http: HTTP })
  })

  test('in a body that it announces, before it is sent', () =>
    unharmed(async () => {
      using connection = await RawConnection.open(running.gateway.port)
      const answer = await connection.ask(post({ 'Content-Length': String(100 * MIB) }))
      expect(answer.status).toBe(413)
      await connection.closed
    }))

  test('in a body that it announces and sends at once', () =>
    unharmed(async () => {
      const head = post({ 'Content-Length': String(100 * MIB) })
      expect([413, undefined]).toContain((await pour(running.gateway.port, head, A_PIECE)).status)
    }))

  test('in chunks', () =>
    unharmed(async () => {
      const head = post({ 'Transfer-Encoding': 'chunked' })
      expect([413, undefined]).toContain((await pour(running.gateway.port, head, CHUNK)).status)
      // Piece by piece the answer is there before the rest is sent.
      using connection = await RawConnection.open(running.gateway.port)
      connection.send(head)
      let isAnswered = false
      const answer = connection.next().finally(() => {
        isAnswered = true
      })
      let pieces = 0
      while (!isAnswered && pieces < 1600) {
        pieces++
        await new Promise((resolve) => connection.socket.write(CHUNK, 'latin1', resolve))
      }
      expect((await answer)?.status).toBe(413)
      await connection.closed
      expect(pieces).toBeLessThan(1600)
    }))

  test.each([
    ['chunk extension', '2;'],
    ['trailer', '2\r\n{}\r\n0\r\nX-A: '],
    ['name of a trailer', '2\r\n{}\r\n0\r\n'],
  ])('in a %s without an end', (_what, start) =>
    unharmed(async () => {
      const head = `${post({ 'Transfer-Encoding': 'chunked' })}${start}`
      const { sent, status } = await pour(running.gateway.port, head, A_PIECE)
      expect(sent).toBeLessThan(32 * MIB)
      expect([400, 413, 431, undefined]).toContain(status)
    }),
  )

  test('in a chunk size without an end, which costs nothing but time', () =>
    unharmed(async () => {
      const head = post({ 'Transfer-Encoding': 'chunked' })
      const { status } = await pour(running.gateway.port, head, '0'.repeat(64 * 1024))
      expect([400, 408, undefined]).toContain(status)
    }))

  test('in many trailers', () =>
    unharmed(async () => {
      const head = `${post({ 'Transfer-Encoding': 'chunked' })}2\r\n{}\r\n0\r\n`
      const { sent, status } = await pour(running.gateway.port, head, 'X-A: b\r\n'.repeat(8000))
      expect(sent).toBeLessThan(32 * MIB)
      expect([400, 413, 431, undefined]).toContain(status)
    }))

  test('in a target', () =>
    unharmed(async () => {
      using connection = await RawConnection.open(running.gateway.port)
      expect((await connection.ask(rawRequest('GET', `/${'a'.repeat(9000)}`))).status).toBe(414)
    }))

  test('of which the daemon has seen nothing', () => {
    const actions = running.site
      .records()
      .flatMap(({ body }) => (body.actor.user === 'alice' ? [body.action] : []))
    expect(new Set(actions)).toEqual(new Set(['auth', 'read']))
  })
})
