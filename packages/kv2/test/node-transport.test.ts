/** The transport over Node.js: kept connections, TLS, limits, and what its failures tell. */
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { type Kv2Request, Kv2TransportError } from '@secreg/kv2'
import { createNodeTransport, type NodeTransportOptions } from '@secreg/kv2/node'
import { CertificateMaker, createTempHome, freePort, waitFor } from '@secreg/testkit'
import { Kv2StandIn } from '@secreg/testkit/kv2'
import { describe, expect, test } from 'vitest'

const MIB = 1024 * 1024

function requestOf(url: string, path = '/v1/sys/health'): Kv2Request {
  return { method: 'GET', url: `${url}${path}`, headers: {} }
}

function limits(maxAnswerBytes = 2 * MIB, signal = new AbortController().signal) {
  return { signal, maxAnswerBytes }
}

async function failing(sending: Promise<unknown>): Promise<Kv2TransportError> {
  const error = await sending.then(
    () => undefined,
    (error) => error,
  )
  expect(error).toBeInstanceOf(Kv2TransportError)
  return error
}

/** A server of bytes. */
async function raw(
  connected: (socket: Socket) => void,
): Promise<AsyncDisposable & { url: string }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    connected(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('connections are kept, and no more than the pool has', async () => {
  await using server = await Kv2StandIn.start()
  const transport = createNodeTransport({ poolSize: 3 })
  await Promise.all(
    Array.from({ length: 12 }, () => transport.send(requestOf(server.url), limits())),
  )
  await transport.send(requestOf(server.url), limits())
  expect(server.requests).toHaveLength(13)
  expect(server.connections).toBe(3)
  await transport.close?.()
  await transport.send(requestOf(server.url), limits())
  expect(server.connections).toBe(4)
})

test('a body is sent as UTF-8, with its length', async () => {
  await using server = await Kv2StandIn.start()
  const transport = createNodeTransport()
  const body = '{"data":{"k":"ключ 😀"}}'
  const headers = { 'X-Vault-Token': server.rootToken, 'Content-Type': 'application/json' }
  const url = `${server.url}/v1/secret/data/a`
  const answer = await transport.send({ method: 'POST', url, headers, body }, limits())
  expect(answer.status).toBe(200)
  expect(server.requests[0]).toMatchObject({
    body,
    headers: { 'content-length': String(Buffer.byteLength(body)) },
  })
  await transport.close?.()
})

describe('what is too long', () => {
  test('is not read, however much there is', async () => {
    await using server = await Kv2StandIn.start()
    const transport = createNodeTransport()
    const before = process.memoryUsage().rss
    server.fail({ kind: 'huge', bytes: 100 * MIB }, 5)
    for (let calls = 0; calls < 5; calls++) {
      const answer = await transport.send(requestOf(server.url), limits())
      expect(answer).toMatchObject({ status: 200, truncated: true })
      expect(answer.body.length).toBe(0)
    }
    // The server could not get rid of its 500 MiB.
    await waitFor(() => server.bytesOfHuge > 0)
    expect(server.bytesOfHuge).toBeLessThan(5 * 20 * MIB)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB)
    await transport.close?.()
  })

  test('is not even begun when its length says so', async () => {
    await using server = await raw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${3 * MIB}\r\n\r\n`)
    })
    const transport = createNodeTransport()
    expect(await transport.send(requestOf(server.url), limits())).toMatchObject({ truncated: true })
  })

  test('begins one byte above the limit', async () => {
    for (const [bytes, truncated] of [
      [1024, false],
      [1025, true],
    ] as const) {
      await using server = await raw((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        const size = bytes.toString(16)
        socket.write(`${size}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`)
      })
      const answer = await createNodeTransport().send(requestOf(server.url), limits(1024))
      expect(answer.truncated).toBe(truncated)
      expect(answer.body.length).toBe(truncated ? 0 : bytes)
    }
  })
})

describe('a failure', () => {
  test('to reach anybody is known not to have sent anything', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const error = await failing(createNodeTransport().send(requestOf(url), limits()))
    expect(error).toMatchObject({ unsent: true, code: 'ECONNREFUSED' })
  })

  test('after something was sent leaves that open', async () => {
    await using server = await raw((socket) => {
      socket.once('data', () => socket.destroy())
    })
    const error = await failing(createNodeTransport().send(requestOf(server.url), limits()))
    expect(error).toMatchObject({ unsent: false, code: 'ECONNRESET' })
  })

  test('on a kept connection leaves it open too', async () => {
    let requests = 0
    await using server = await raw((socket) => {
      socket.on('data', () => {
        if (++requests > 1) socket.destroy()
        else socket.write('HTTP/1.1 204 No Content\r\n\r\n')
      })
    })
    const transport = createNodeTransport()
    expect((await transport.send(requestOf(server.url), limits())).status).toBe(204)
    const error = await failing(transport.send(requestOf(server.url), limits()))
    expect([requests, error.unsent]).toEqual([2, false])
  })

  test('tells no more of its cause than a code of the platform', () => {
    for (const code of ['a secret text', 'hvs.CAES', 'lower', '', 'E'.repeat(65), 'A B']) {
      expect(new Kv2TransportError(true, code).code).toBeUndefined()
    }
    expect(new Kv2TransportError(true, 'ERR_TLS_CERT_ALTNAME_INVALID').code).toBeDefined()
  })

  test('within the body is one too', async () => {
    await using server = await Kv2StandIn.start()
    server.fail({ kind: 'truncate' })
    const error = await failing(createNodeTransport().send(requestOf(server.url), limits()))
    expect(error.unsent).toBe(false)
  })

  test('of what is no HTTP quotes none of it', async () => {
    await using server = await raw((socket) => {
      socket.once('data', () => socket.end('SSH-2.0-secret-banner\r\n'))
    })
    const error = await failing(createNodeTransport().send(requestOf(server.url), limits()))
    expect(error.code).toMatch(/^HPE_/)
    expect(Object.keys(error).sort()).toEqual(['code', 'name', 'own', 'unsent'])
    expect(String(error.stack)).not.toContain('banner')
    expect(error.cause).toBeUndefined()
  })

  test('is a server that goes on in another protocol', async () => {
    const answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nx'
    await using server = await raw((socket) => {
      socket.once('data', () => socket.write(answer))
    })
    const error = await failing(createNodeTransport().send(requestOf(server.url), limits()))
    expect(error.unsent).toBe(false)
  })

  test('to connect in time is one of nothing sent', async () => {
    // TLS towards a server that never answers the greeting.
    await using server = await raw(() => {})
    const url = server.url.replace('http:', 'https:')
    const transport = createNodeTransport({ connectTimeoutMs: 50 })
    const error = await failing(transport.send(requestOf(url), limits()))
    expect(error).toMatchObject({ unsent: true, code: 'ETIMEDOUT' })
  })

  test('does not come of a server that is slow once it is connected', async () => {
    await using server = await Kv2StandIn.start()
    const transport = createNodeTransport({ connectTimeoutMs: 1000 })
    server.fail({ kind: 'delay', ms: 1100 })
    expect((await transport.send(requestOf(server.url), limits())).status).toBe(200)
    await transport.close?.()
  })
})

test('a signal ends an exchange, before it and within it', async () => {
  await using server = await Kv2StandIn.start()
  const transport = createNodeTransport()
  const reason = new Error('enough')
  const early = transport.send(requestOf(server.url), limits(MIB, AbortSignal.abort(reason)))
  await expect(early).rejects.toBe(reason)

  server.fail({ kind: 'hold', until: new Promise(() => {}) })
  const controller = new AbortController()
  const late = transport.send(requestOf(server.url), limits(MIB, controller.signal))
  await waitFor(() => server.requests.length > 0)
  controller.abort(reason)
  await expect(late).rejects.toBe(reason)
  await transport.close?.()

  let closed = false
  const next = new AbortController()
  let sent = false
  await using heard = await raw((socket) => {
    socket.once('data', () => {
      sent = true
    })
    socket.once('close', () => {
      closed = true
    })
  })
  const cut = createNodeTransport().send(requestOf(heard.url), limits(MIB, next.signal))
  await waitFor(() => sent)
  next.abort(reason)
  await expect(cut).rejects.toBe(reason)
  // Nobody is left who waits for the answer.
  await waitFor(() => closed)
})

test('the certificate of the server is checked, unless told otherwise', async (context) => {
  await using home = createTempHome()
  const maker = CertificateMaker.in(home, context)
  const authority = await maker.make('authority', { authority: true })
  const issued = await maker.make('server', { issuer: authority, usage: 'serverAuth' })
  const tls = { key: readFileSync(issued.key, 'utf8'), cert: readFileSync(issued.cert, 'utf8') }
  const ca = readFileSync(authority.cert, 'utf8')
  await using server = await Kv2StandIn.start({ tls })
  const sending = async (options: NodeTransportOptions) => {
    const transport = createNodeTransport(options)
    try {
      return await transport.send(requestOf(server.url), limits())
    } finally {
      await transport.close?.()
    }
  }
  expect((await sending({ ca })).status).toBe(200)
  expect((await sending({ ca: [ca], serverName: 'localhost' })).status).toBe(200)
  expect((await sending({ verifyTls: false })).status).toBe(200)
  expect(await failing(sending({}))).toMatchObject({
    unsent: true,
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  })
  expect(await failing(sending({ ca, serverName: 'other.example' }))).toMatchObject({
    unsent: true,
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
})
