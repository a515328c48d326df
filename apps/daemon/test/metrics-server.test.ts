/** `GET /metrics`: what it answers, and what it costs somebody who means ill. */
import { lstatSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { HostError, parseMetricsAddress } from '@secreg/host'
import { createTempHome, freePort, rawHttp, waitFor } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { METRICS_CONNECTIONS, MetricsServer } from '../src/metrics-server.ts'

interface Opened {
  readonly server: MetricsServer
  /** Path, or port of 127.0.0.1. */
  readonly at: string | number
  readonly scrapes: () => number
}

async function open(
  kind: 'unix' | 'tcp',
  { text, connectionMs }: { text?: () => Promise<string>; connectionMs?: number } = {},
): Promise<Opened> {
  const home = createTempHome()
  const at = kind === 'unix' ? home.file('m') : await freePort()
  const address = parseMetricsAddress(kind === 'unix' ? String(at) : `127.0.0.1:${at}`)
  if (address === undefined) throw new Error('no address')
  let scrapes = 0
  const server = await MetricsServer.listen({
    address,
    contentType: 'text/plain; version=0.0.4',
    text: () => {
      scrapes++
      return text?.() ?? Promise.resolve('secreg_up 1\n')
    },
    ...(connectionMs === undefined ? {} : { connectionMs }),
  })
  onTestFinished(async () => {
    await server.close()
    home.remove()
  })
  return { server, at, scrapes: () => scrapes }
}

const get = (host: string, first = 'GET /metrics HTTP/1.1') => `${first}\r\nHost: ${host}\r\n\r\n`
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])

describe.each(['unix', 'tcp'] as const)('%s', (kind) => {
  test('answers GET and HEAD, and closes', async () => {
    const { at } = await open(kind)
    const answer = await rawHttp(at, get('localhost'))
    expect(statusOf(answer)).toBe(200)
    expect(answer).toContain('\r\nConnection: close\r\n')
    expect(answer).toContain('\r\nContent-Type: text/plain; version=0.0.4\r\n')
    expect(answer).toMatch(/\r\n\r\nsecreg_up 1\n$/)
    const head = await rawHttp(at, get('localhost', 'HEAD /metrics HTTP/1.1'))
    expect(statusOf(head)).toBe(200)
    expect(head).toMatch(/\r\n\r\n$/)
    expect(statusOf(await rawHttp(at, get('localhost', 'GET /metrics?x=1 HTTP/1.1')))).toBe(200)
  })

  test.each([
    ['POST /metrics HTTP/1.1', 405],
    ['PUT /metrics HTTP/1.1', 405],
    ['DELETE /metrics HTTP/1.1', 405],
    ['OPTIONS /metrics HTTP/1.1', 405],
    ['TRACE /metrics HTTP/1.1', 405],
    ['GET / HTTP/1.1', 404],
    ['GET /metrics/ HTTP/1.1', 404],
    ['GET /metrics/../metrics HTTP/1.1', 404],
    ['GET //metrics HTTP/1.1', 404],
    ['GET /Metrics HTTP/1.1', 404],
    ['GET /%6detrics HTTP/1.1', 404],
    ['GET http://localhost/metrics HTTP/1.1', 404],
    ['POST / HTTP/1.1', 404],
    ['OPTIONS * HTTP/1.1', 404],
    ['GET /metrics HTTP/9.9', 400],
    ['NONSENSE', 400],
  ])('%s: %d, and no scrape', async (first, status) => {
    const { at, scrapes } = await open(kind)
    expect(statusOf(await rawHttp(at, get('localhost', first)))).toBe(status)
    expect(scrapes()).toBe(0)
  })

  test('headers of more than 4 KiB are refused, and a body is not read', async () => {
    const { at, scrapes } = await open(kind)
    const large = `GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(8192)}\r\n\r\n`
    expect(statusOf(await rawHttp(at, large))).toBe(431)
    expect(scrapes()).toBe(0)
    const body = `GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx`
    expect(statusOf(await rawHttp(at, body))).toBe(200)
  })

  test('one connection is good for one request', async () => {
    const { at, scrapes } = await open(kind)
    const answer = await rawHttp(at, get('localhost').repeat(50))
    expect(answer.match(/secreg_up 1/g)).toHaveLength(1)
    expect(scrapes()).toBe(1)
  })

  test('those who ask at once share one scrape, the next one is anew', async () => {
    let go: (text: string) => void = () => {}
    const { at, scrapes } = await open(kind, {
      text: () =>
        new Promise((resolve) => {
          go = resolve
        }),
    })
    const asked = Array.from({ length: METRICS_CONNECTIONS }, () => rawHttp(at, get('localhost')))
    await waitFor(() => scrapes() === 1)
    // All have arrived once the last place is taken: one more is closed unheard.
    await waitFor(async () => (await rawHttp(at, get('localhost'))) === '')
    go('secreg_shared 1\n')
    for (const answer of await Promise.all(asked)) expect(answer).toContain('secreg_shared 1')
    expect(scrapes()).toBe(1)
    const later = rawHttp(at, get('localhost'))
    await waitFor(() => scrapes() === 2)
    go('secreg_later 1\n')
    expect(await later).toContain('secreg_later 1')
  })

  test('a failing scrape is 503 without its reason, and the next one works', async () => {
    let fails = 2
    const { at } = await open(kind, {
      text: () => {
        if (fails-- === 2) throw new Error('/secret/path')
        return fails >= 0 ? Promise.reject(new Error('/secret/path')) : Promise.resolve('ok 1\n')
      },
    })
    for (let i = 0; i < 2; i++) {
      const answer = await rawHttp(at, get('localhost'))
      expect(statusOf(answer)).toBe(503)
      expect(answer).not.toContain('secret')
    }
    expect(statusOf(await rawHttp(at, get('localhost')))).toBe(200)
  })

  test('who is slow in asking or reading is closed after the same time, whatever he sends', async () => {
    const size = 64 * 1024 * 1024
    const { at } = await open(kind, {
      connectionMs: 300,
      text: () => Promise.resolve('x'.repeat(size)),
    })
    const began = performance.now()
    const sockets: Socket[] = []
    const slow = (bytes: string): Promise<void> => {
      const socket = typeof at === 'string' ? connect(at) : connect(at, '127.0.0.1')
      sockets.push(socket)
      socket.on('error', () => {})
      socket.write(bytes)
      return new Promise((resolve) => socket.once('close', () => resolve()))
    }
    const silent = slow('')
    const half = slow('GET /metr')
    const dripping = slow('GET /metrics HTTP/1.1\r\n')
    const drip = setInterval(() => sockets[2]?.write('X: y\r\n'), 20)
    const reading = slow(get('localhost'))
    sockets[3]?.pause()
    for (const socket of sockets.slice(0, 3)) socket.resume()
    await Promise.all([silent, half, dripping])
    clearInterval(drip)
    expect(performance.now() - began).toBeGreaterThan(250)
    // One who reads nothing learns of it when he reads on: the rest is gone.
    let read = 0
    sockets[3]?.on('data', (chunk: Buffer) => {
      read += chunk.length
    })
    sockets[3]?.resume()
    await reading
    expect(read).toBeLessThan(size)
  })
})

describe('the name of the server on a port', () => {
  test.each(['127.0.0.1', '127.0.0.1:9', '[::1]', '[::1]:9', 'localhost', 'LOCALHOST:80'])(
    '%s is one',
    async (host) => {
      const { at } = await open('tcp')
      expect(statusOf(await rawHttp(at, get(host)))).toBe(200)
    },
  )

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:9090',
    'localhost:99999999',
    'localhost:',
    'user@localhost',
    '127.0.0.2',
    '0.0.0.0',
    'metrics',
  ])('%s is none', async (host) => {
    const { at, scrapes } = await open('tcp')
    expect(statusOf(await rawHttp(at, get(host)))).toBe(421)
    expect(scrapes()).toBe(0)
  })

  test('none at all is none, also in HTTP/1.0, and a second one changes nothing', async () => {
    const { at, scrapes } = await open('tcp')
    expect(statusOf(await rawHttp(at, 'GET /metrics HTTP/1.1\r\n\r\n'))).toBe(400)
    expect(statusOf(await rawHttp(at, 'GET /metrics HTTP/1.0\r\n\r\n'))).toBe(421)
    const two = 'GET /metrics HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n'
    expect(statusOf(await rawHttp(at, two))).not.toBe(200)
    expect(scrapes()).toBe(0)
  })

  test('a socket has no name', async () => {
    const { at } = await open('unix')
    expect(statusOf(await rawHttp(at, get('anything.example')))).toBe(200)
  })
})

describe('where it listens', () => {
  test('a socket is of its user alone, and goes with the server', async () => {
    const { at, server } = await open('unix')
    expect(lstatSync(String(at)).mode & 0o777).toBe(0o600)
    await server.close()
    expect(lstatSync(String(at), { throwIfNoEntry: false })).toBeUndefined()
  })

  test('what is there already is left alone', async () => {
    using home = createTempHome()
    const path = home.file('m')
    writeFileSync(path, 'mine')
    const options = { contentType: '', text: async () => '' }
    const listen = MetricsServer.listen({ ...options, address: { kind: 'unix', path } })
    await expect(listen).rejects.toMatchObject({ code: 'ERR_HOST_SOCKET_OCCUPIED' })
    expect(lstatSync(path).size).toBe(4)
    const port = await freePort()
    const other = createServer().listen(port, '127.0.0.1')
    onTestFinished(() => void other.close())
    await waitFor(() => other.listening)
    const address = { kind: 'tcp', host: '127.0.0.1', port } as const
    const failure: unknown = await MetricsServer.listen({ ...options, address }).catch((e) => e)
    expect(HostError.is(failure) && failure.code).toBe('ERR_HOST_SOCKET_IN_USE')
  })
})
