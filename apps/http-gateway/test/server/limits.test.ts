import { RawConnection, rawHttp, rawRequest, waitFor } from '@secreg/testkit'
import { describe, expect, it } from 'vitest'
import { MAX_PIPELINED } from '../../src/server/connection.ts'
import { MAX_HEADERS } from '../../src/server/request-head.ts'
import { TOKEN } from '../support/fake-relay.ts'
import { startGateway } from '../support/test-gateway.ts'

const JSON_HEADERS = {
  'Content-Type': 'application/json',
  Authorization: `Bearer ${TOKEN}`,
} as const
const CLOSE = { Connection: 'close' } as const

const head = (headers: Record<string, string>): string =>
  rawRequest('POST', '/registry/whoami', { ...JSON_HEADERS, ...headers })

describe('the head of a request', () => {
  it('has a size', async () => {
    await using running = await startGateway({ http: { maxHeaderBytes: 4096 } })
    const request = rawRequest('GET', '/health', { 'X-Big': 'a'.repeat(5000) })
    const answer = await rawHttp(running.port, request)
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect(answer).toMatch(/^connection: close\r$/im)
  })

  it.each([65, 96, 128, 1000])('has a number of headers: %i are refused', async (count) => {
    await using running = await startGateway()
    using client = await RawConnection.open(running.port)
    // What comes last would be dropped without a word, and with it what another reader goes by.
    const filling = Array.from({ length: count - 5 }, (_, at) => [`X-${at}`, 'a'])
    const last = { 'Transfer-Encoding': 'chunked', Origin: 'http://evil.example' }
    client.send(`${head({ ...Object.fromEntries(filling), ...last })}2\r\n{}\r\n0\r\n\r\n`)
    const answer = await client.answer()
    expect(answer.status).toBe(431)
    expect(answer.headers['connection']).toBe('close')
    await client.whenClosed()
    expect(running.relay.logins).toEqual([])
  })

  it('may have exactly the greatest number of headers', async () => {
    await using running = await startGateway()
    using client = await RawConnection.open(running.port)
    const filling = Array.from({ length: 64 - 4 }, (_, at) => [`X-${at}`, 'a'])
    client.send(`${head({ ...Object.fromEntries(filling), 'Content-Length': '2' })}{}`)
    expect((await client.answer()).status).toBe(200)
  })

  it('counts with a token in the target', async () => {
    await using running = await startGateway()
    const answer = await rawHttp(running.port, rawRequest('GET', `/${'a'.repeat(9000)}`, CLOSE))
    expect(answer).toMatch(/^HTTP\/1\.1 414 /)
  })

  it('has a number of headers, behind which nothing hides', async () => {
    await using running = await startGateway()
    const many = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`X-${at}`, 'a']))
    const most = { ...JSON_HEADERS, ...CLOSE, ...many(MAX_HEADERS - 4) }
    expect(await rawHttp(running.port, rawRequest('POST', '/registry/whoami', most))).toMatch(
      / 200 OK/,
    )
    const hidden = { ...most, ...many(3000), 'X-Vault-Token': 'another' }
    const answer = await rawHttp(running.port, rawRequest('POST', '/registry/whoami', hidden))
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect(running.relay.asked).toHaveLength(1)
    expect(
      await rawHttp(running.port, rawRequest('GET', '/health', { ...CLOSE, ...many(MAX_HEADERS) })),
    ).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('has a time, from the first moment of the connection', async () => {
    await using running = await startGateway({
      http: { headerTimeoutSeconds: 0.2, bodyTimeoutSeconds: 0.2 },
    })
    const silent = await RawConnection.open(running.port)
    const slow = await RawConnection.open(running.port)
    slow.send('GET /health HTTP/1.1\r\nHost: local')
    const trickle = setInterval(() => slow.send('h'), 20)
    await slow.whenClosed()
    clearInterval(trickle)
    expect(slow.text).toMatch(/^HTTP\/1\.1 408 /)
    await silent.whenClosed()
    // Everybody else is served meanwhile and afterwards.
    expect(await rawHttp(running.port, rawRequest('GET', '/health', CLOSE))).toMatch(/ 200 OK/)
  })
})

describe('a body', () => {
  it('is refused by the length that it says it has, before who asks is looked at', async () => {
    await using running = await startGateway({ http: { maxBodyBytes: 1000 } })
    using client = await RawConnection.open(running.port)
    client.send(head({ 'Content-Length': '1001' }))
    const answer = await client.answer()
    expect(answer.status).toBe(413)
    expect(answer.headers['connection']).toBe('close')
    expect(JSON.parse(answer.body)).toMatchObject({
      error: { code: 1, reason: 'GATEWAY_BODY_TOO_LARGE' },
    })
    expect(running.relay.logins).toEqual([])
  })

  it('is told to be too large also to a client that goes on sending it', async () => {
    await using running = await startGateway({ http: { maxBodyBytes: 1000 } })
    using client = await RawConnection.open(running.port)
    const length = 8 * 1024 * 1024
    client.send(head({ 'Content-Length': String(length) }))
    for (let sent = 0; sent < length; sent += 65_536) client.send('a'.repeat(65_536))
    expect((await client.answer()).status).toBe(413)
    await client.whenClosed()
  })

  it('is counted while it is read when it says no length', async () => {
    await using running = await startGateway({ http: { maxBodyBytes: 1000 } })
    using client = await RawConnection.open(running.port)
    client.send(head({ 'Transfer-Encoding': 'chunked' }))
    for (let at = 0; at < 11; at++) client.send(`64\r\n${' '.repeat(100)}\r\n`)
    const answer = await client.answer()
    expect(answer.status).toBe(413)
    expect(answer.headers['connection']).toBe('close')
    await client.whenClosed()
    expect(running.gateway.server.usedBytes).toBe(0)
    expect(running.relay.asked).toEqual([])
  })

  it('may have exactly the greatest length', async () => {
    await using running = await startGateway({ http: { maxBodyBytes: 1000 } })
    const body = `{${' '.repeat(998)}}`
    const request = rawRequest('POST', '/registry/whoami', { ...JSON_HEADERS, ...CLOSE }, body)
    expect(await rawHttp(running.port, request)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('is not read of somebody who is not known', async () => {
    await using running = await startGateway()
    using client = await RawConnection.open(running.port)
    client.send(
      rawRequest('POST', '/registry/whoami', {
        'Content-Type': 'application/json',
        Authorization: 'Bearer sreg_0123456789abcdef_bad',
        'Content-Length': '2000000',
      }),
    )
    const answer = await client.answer()
    expect(answer.status).toBe(401)
    expect(answer.headers['connection']).toBe('close')
    expect(running.gateway.server.usedBytes).toBe(0)
  })

  it('has a time and a least rate', async () => {
    await using running = await startGateway({
      http: { headerTimeoutSeconds: 5, bodyTimeoutSeconds: 1 },
    })
    using client = await RawConnection.open(running.port)
    client.send(`${head({ 'Content-Length': '100000' })}{`)
    const trickle = setInterval(() => client.send(' '), 20)
    const answer = await client.answer()
    clearInterval(trickle)
    expect(answer.status).toBe(408)
    await client.whenClosed()
    expect(running.relay.asked).toEqual([])
    expect(running.gateway.server.usedBytes).toBe(0)
  })

  it('that ends with its connection is forgotten', async () => {
    await using running = await startGateway()
    const client = await RawConnection.open(running.port)
    client.send(`${head({ 'Content-Length': '100000' })}{${' '.repeat(5000)}`)
    await waitFor(() => running.gateway.server.usedBytes > 5000)
    client.socket.destroy()
    await waitFor(() => running.gateway.server.usedBytes === 0)
    expect(running.relay.asked).toEqual([])
  })

  it('finds no room when others take it all, and harms none of them', async () => {
    const http = { maxBodyBytes: 64 * 1024, bufferBytes: 64 * 1024 }
    await using running = await startGateway({ http })
    using first = await RawConnection.open(running.port)
    using second = await RawConnection.open(running.port)
    const body = `{${' '.repeat(60_000)}}`
    const request = rawRequest('POST', '/registry/whoami', JSON_HEADERS, body)
    first.send(request.slice(0, -1))
    await waitFor(() => running.gateway.server.usedBytes >= 60_000)
    second.send(request)
    const refused = await second.answer()
    expect(refused.status).toBe(503)
    expect(refused.headers['retry-after']).toBe('1')
    first.send('}')
    expect((await first.answer()).status).toBe(200)
    await waitFor(() => running.gateway.server.usedBytes === 0)
  })
})

describe('Expect', () => {
  it('is answered with 100 only to who may send a body', async () => {
    await using running = await startGateway()
    using client = await RawConnection.open(running.port)
    client.send(head({ 'Content-Length': '2', Expect: '100-continue' }))
    await waitFor(() => client.text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
    client.send('{}')
    expect((await client.answer()).status).toBe(100)
    expect((await client.answer()).status).toBe(200)
  })

  it.each([
    [413, { 'Content-Length': '99999999' }],
    [415, { 'Content-Type': 'text/plain', 'Content-Length': '2' }],
    [401, { Authorization: 'Bearer sreg_0123456789abcdef_bad', 'Content-Length': '2' }],
  ])('is answered with %i where the body would be refused', async (status, headers) => {
    await using running = await startGateway()
    const answer = await rawHttp(running.port, head({ Expect: '100-continue', ...headers }))
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toMatch(/^connection: close\r$/im)
  })

  it('of anything else is refused', async () => {
    await using running = await startGateway()
    const answer = await rawHttp(running.port, head({ 'Content-Length': '2', Expect: 'tea' }))
    expect(answer).toMatch(/^HTTP\/1\.1 417 /)
  })
})

describe('a connection', () => {
  it('serves one request after the other', async () => {
    await using running = await startGateway()
    using client = await RawConnection.open(running.port)
    const ids = new Set<string | undefined>()
    for (let at = 0; at < 5; at++) {
      client.send(rawRequest('GET', '/health'))
      const { status, headers } = await client.answer()
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        connection: 'keep-alive',
      })
      expect(headers).not.toHaveProperty('server')
      expect(headers).not.toHaveProperty('strict-transport-security')
      expect(Object.keys(headers).join()).not.toContain('access-control')
      ids.add(headers['x-request-id'])
    }
    expect(ids.size).toBe(5)
  })

  it('ends when it is idle for too long', async () => {
    await using running = await startGateway({ http: { idleTimeoutSeconds: 0.1 } })
    using client = await RawConnection.open(running.port)
    client.send(rawRequest('GET', '/health'))
    expect((await client.answer()).status).toBe(200)
    await client.whenClosed()
  })

  it('beyond the greatest number is closed, and those that are open go on', async () => {
    await using running = await startGateway({ http: { maxConnections: 2 } })
    using first = await RawConnection.open(running.port)
    const second = await RawConnection.open(running.port)
    await waitFor(() => running.gateway.server.connections === 2)
    using third = await RawConnection.open(running.port)
    third.send(rawRequest('GET', '/health'))
    await third.whenClosed()
    expect(third.text).toBe('')
    first.send(rawRequest('GET', '/health'))
    expect((await first.answer()).status).toBe(200)
    second.socket.destroy()
    await waitFor(() => running.gateway.server.connections === 1)
    using fourth = await RawConnection.open(running.port)
    fourth.send(rawRequest('GET', '/health'))
    expect((await fourth.answer()).status).toBe(200)
  })

  it('may send some requests ahead, in whose order it is answered, and no more', async () => {
    await using running = await startGateway()
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    running.relay.answer = async ({ name }) => {
      if (name === 'whoami') await held
      return { name }
    }
    const ask = (name: string): string =>
      rawRequest('POST', `/registry/${name}`, JSON_HEADERS, name === 'get' ? '{"key":"/a"}' : '{}')
    using client = await RawConnection.open(running.port)
    client.send(ask('whoami') + ask('get'))
    await waitFor(() => running.relay.asked.length === 1)
    release()
    expect((await client.answer()).body).toBe('{"name":"whoami"}')
    expect((await client.answer()).body).toBe('{"name":"get"}')
    expect(running.relay.asked.map(({ name }) => name)).toEqual(['whoami', 'get'])

    using greedy = await RawConnection.open(running.port)
    running.relay.answer = () => new Promise(() => {})
    greedy.send(ask('whoami').repeat(MAX_PIPELINED + 1))
    await greedy.whenClosed()
    expect(greedy.text).toBe('')
  })

  it('that does not take its answers is ended when their bytes are too many', async () => {
    const http = { bufferBytes: 1024 * 1024, maxBodyBytes: 1024 * 1024 }
    await using running = await startGateway({ http })
    const value = 'a'.repeat(16 * 1024 * 1024)
    running.relay.answer = () => ({ value })
    using client = await RawConnection.open(running.port)
    client.socket.pause()
    client.send(rawRequest('POST', '/registry/get', JSON_HEADERS, '{"key":"/a"}'))
    await waitFor(() => running.relay.asked.length === 1)
    await waitFor(() => running.gateway.server.connections === 0)
    expect(running.gateway.server.usedBytes).toBe(0)
    expect(await rawHttp(running.port, rawRequest('GET', '/health', CLOSE))).toMatch(/ 200 OK/)
  })

  it('that does not take an answer in time is ended', async () => {
    await using running = await startGateway({ http: { bodyTimeoutSeconds: 0.3 } })
    const value = 'a'.repeat(16 * 1024 * 1024)
    running.relay.answer = () => ({ value })
    const client = await RawConnection.open(running.port)
    client.socket.pause()
    client.send(rawRequest('POST', '/registry/get', JSON_HEADERS, '{"key":"/a"}'))
    await waitFor(() => running.gateway.server.usedBytes > 0)
    await waitFor(() => running.gateway.server.connections === 0)
    expect(running.gateway.server.usedBytes).toBe(0)
    client.socket.destroy()
  })
})
