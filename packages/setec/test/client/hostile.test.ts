import { getEventListeners } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { Client, type FetchAnswer, type SetecErrorCode } from '@secreg/setec'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { answer, BASE, base64, json, type Sent, stubFetch } from './support.ts'

const MIB = 1024 * 1024

function answering(respond: (sent: Sent) => FetchAnswer | Promise<FetchAnswer>, more = {}) {
  const { sent, fetch } = stubFetch(respond)
  return { sent, client: new Client(BASE, { fetch, ...more }) }
}

const failsWith = (code: SetecErrorCode, more: object = {}) => ({
  name: 'SetecError',
  code,
  ...more,
})

/** A server of the test; @returns its address */
async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('answers that are none', () => {
  const value = { Value: 'dg==', Version: 1 }
  test.each([
    ['nothing', ''],
    ['no JSON', 'ok'],
    ['half of it', '{"Value":"dg=='],
    ['more than one', '{"Value":"dg==","Version":1}{}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['text', '"dg=="'],
    ['a byte order mark', '\ufeff{"Value":"dg==","Version":1}'],
    ['no version', JSON.stringify({ Value: 'dg==' })],
    ['a negative version', JSON.stringify({ ...value, Version: -1 })],
    ['a version with a fraction', JSON.stringify({ ...value, Version: 1.5 })],
    ['a version of more than 32 bits', JSON.stringify({ ...value, Version: 2 ** 32 })],
    ['a version that is text', JSON.stringify({ ...value, Version: '1' })],
    ['a value that is no base64', JSON.stringify({ ...value, Value: 'canary!' })],
    ['a value that is a number', JSON.stringify({ ...value, Value: 7 })],
    ['no value', JSON.stringify({ Version: 1 })],
  ])('%s', async (_, body) => {
    const { client } = answering(() => answer(200, body))
    for (const failed of [client.get('n'), client.getIfChanged('n', 1)]) {
      await expect(failed).rejects.toMatchObject(
        failsWith('ERR_SETEC_ANSWER', {
          status: 200,
          message: expect.not.stringContaining('canary'),
        }),
      )
    }
  })

  test('another version than was asked for', async () => {
    const { client } = answering(() => json({ Value: 'dg==', Version: 2 }))
    await expect(client.getVersion('n', 1)).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
    expect((await client.getVersion('n', 2)).version).toBe(2)
  })

  test.each([
    ['{}'],
    ['[null]'],
    ['[{}]'],
    ['"a"'],
    ['[{"Name":7,"Versions":[1],"ActiveVersion":1}]'],
    ['[{"Name":"a","Versions":[1]}]'],
    ['[{"Name":"a","Versions":{},"ActiveVersion":1}]'],
    ['[{"Name":"a","Versions":[true],"ActiveVersion":1}]'],
  ])('of list: %s', async (body) => {
    const { client } = answering(() => answer(200, body))
    await expect(client.list()).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
  })

  test.each([['{}'], ['null'], ['"1"'], ['4294967296']])('of put: %s', async (body) => {
    const { client } = answering(() => answer(200, body))
    await expect(client.put('n', 'v')).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
  })

  test.each([[''], ['7'], ['[]'], ['true']])('of a change: %j', async (body) => {
    const { client } = answering(() => answer(200, body))
    for (const failed of [
      client.activate('n', 1),
      client.createVersion('n', 1, 'v'),
      client.deleteVersion('n', 1),
      client.delete('n'),
    ]) {
      await expect(failed).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
    }
  })

  test('any bytes are an answer or one of our errors', async () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
    )
    await fc.assert(
      fc.asyncProperty(body, fc.integer({ min: 200, max: 599 }), async (bytes, status) => {
        const empty = [204, 205, 304].includes(status)
        const { client } = answering(() => answer(status, empty ? null : Uint8Array.from(bytes)))
        for (const call of [client.list(), client.get('n'), client.put('n', 'v')]) {
          const error = await call.then(
            () => undefined,
            (error: unknown) => error,
          )
          if (error !== undefined) expect(error).toMatchObject({ name: 'SetecError' })
          else expect(status).toBe(200)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('answers that setec gives', () => {
  test('null and {} where nothing is answered, null where nothing is listed', async () => {
    for (const body of ['null', '{}', '{"more":1}', ' {}\n']) {
      const { client } = answering(() => answer(200, body))
      await client.activate('n', 1)
      await client.createVersion('n', 1, 'v')
      await client.deleteVersion('n', 1)
      await client.delete('n')
    }
    for (const body of ['null', '[]']) {
      expect(await answering(() => answer(200, body)).client.list()).toEqual([])
    }
  })

  test('more members than are known, no bytes as null, and any content type', async () => {
    const { client } = answering(({ url }) =>
      url.endsWith('info')
        ? json({ Name: 'n', Versions: [10, 9], ActiveVersion: 9, CreatedAt: {} })
        : answer(200, '{"Note":1,"Value":null,"Version":4294967295}\n', { 'content-type': 'x/y' }),
    )
    expect(await client.get('n')).toEqual({ value: new Uint8Array(0), version: 4_294_967_295 })
    expect(await client.info('n')).toEqual({ name: 'n', versions: [9, 10], activeVersion: 9 })
  })
})

describe('statuses', () => {
  test.each([
    [201, 'ERR_SETEC_STATUS'],
    [204, 'ERR_SETEC_STATUS'],
    [302, 'ERR_SETEC_STATUS'],
    [304, 'ERR_SETEC_STATUS'],
    [400, 'ERR_SETEC_STATUS'],
    [401, 'ERR_SETEC_UNIDENTIFIED'],
    [403, 'ERR_SETEC_ACCESS_DENIED'],
    [404, 'ERR_SETEC_NOT_FOUND'],
    [409, 'ERR_SETEC_STATUS'],
    [412, 'ERR_SETEC_VERSION_CLAIMED'],
    [429, 'ERR_SETEC_TOO_MANY_REQUESTS'],
    [500, 'ERR_SETEC_STATUS'],
    [503, 'ERR_SETEC_UNAVAILABLE'],
  ] as const)('%d is %s', async (status, code) => {
    const empty = status === 204 || status === 304
    const { client } = answering(() => answer(status, empty ? null : 'null'))
    await expect(client.get('n')).rejects.toMatchObject(failsWith(code, { status }))
  })

  test.each([
    ['17', 17],
    ['0', 0],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    ['-1', undefined],
    ['9999999999', undefined],
    ['', undefined],
  ])('429 with Retry-After %j', async (header, seconds) => {
    const { client } = answering(() => answer(429, 'slow down', { 'retry-after': header }))
    await expect(client.get('n')).rejects.toMatchObject({ retryAfterSeconds: seconds })
  })

  test('the text of a refusal is short and printable', async () => {
    const said = `\u001b[31m\r\nbad\u0000 ${'x'.repeat(5000)}`
    const { client } = answering(() => answer(500, said))
    const error = (await client.get('n').catch((error: unknown) => error)) as Error
    expect(error.message).toMatch(/^get "n": status 500: \[31m bad x+$/)
    expect(error.message.length).toBeLessThan(250)
  })

  test('a page that quotes the request is not quoted', async () => {
    const respond = ({ url, headers }: Sent) =>
      answer(502, `Cannot POST ${url} ${Object.entries(headers)}`)
    const { fetch } = stubFetch(respond)
    const messages: string[] = []
    for (const client of [
      new Client('http://can%61ry-user:canary-pw@setec.test', { fetch }),
      new Client('http://setec.test/t/canary-path/', { fetch }),
      new Client(BASE, { token: 'canary-token', fetch }),
      new Client(BASE, { headers: { 'x-key': 'canary-header' }, fetch }),
    ]) {
      const error = (await client.list().catch((e: unknown) => e)) as Error
      messages.push(error.message)
    }
    expect(messages).toEqual(Array(4).fill('list: status 502'))
    const decoded = new Client('http://can%61ry-user:canary-pw@setec.test', {
      fetch: async () => answer(502, 'who is canary-user?'),
    })
    await expect(decoded.list()).rejects.toMatchObject({ message: 'list: status 502' })
    const cut = new Client(BASE, {
      token: 'canary-token',
      fetch: async () => answer(502, `${' '.repeat(4096 - 6)}canary-token`),
    })
    await expect(cut.list()).rejects.toMatchObject({ message: 'list: status 502' })
    const short = answering(({ body }) => answer(400, `what is ${body}?`))
    await expect(short.client.put('n', 'canary')).rejects.toMatchObject({
      message: expect.not.stringContaining(base64('canary')),
    })
  })
})

describe('redirects', () => {
  test.each([301, 302, 303, 307, 308])('%d is not followed', async (status) => {
    const reached: unknown[] = []
    const other = await listen((request, response) => {
      reached.push(request.headers)
      response.end('null')
    })
    const server = await listen((_, response) => {
      response.writeHead(status, { location: `${other}/api/list` }).end()
    })
    const client = new Client(server.replace('//', '//canary:canary@'))
    await expect(client.put('n', 'v')).rejects.toMatchObject(
      failsWith('ERR_SETEC_STATUS', { status }),
    )
    expect(reached).toEqual([])
  })

  test('an opaque one, as browsers tell of it, is a failure too', async () => {
    const { client } = answering(() => ({ status: 0, headers: new Headers(), body: null }))
    await expect(client.list()).rejects.toMatchObject(failsWith('ERR_SETEC_STATUS', { status: 0 }))
  })
})

describe('answers without end', () => {
  /** A body of so many pieces; tells how many were read, and whether it was let go. */
  function endless(piece: Uint8Array<ArrayBuffer>, most = Number.POSITIVE_INFINITY) {
    const seen = { pieces: 0, cancelled: false }
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (seen.pieces++ >= most) controller.close()
        else controller.enqueue(piece)
      },
      cancel: () => {
        seen.cancelled = true
      },
    })
    return { seen, body }
  }

  test('are read up to the limit', async () => {
    const { seen, body } = endless(new Uint8Array(64 * 1024))
    const { client } = answering(() => ({ status: 200, headers: new Headers(), body }))
    await expect(client.get('n')).rejects.toMatchObject(
      failsWith('ERR_SETEC_ANSWER', { message: expect.stringContaining('4194304') }),
    )
    expect(seen.pieces).toBeLessThanOrEqual(67)
    expect(seen.cancelled).toBe(true)
  })

  test('in single bytes too', async () => {
    const { seen, body } = endless(Uint8Array.of(0x20))
    const { client } = answering(() => ({ status: 200, headers: new Headers(), body }), {
      maxAnswerBytes: 20_000,
    })
    await expect(client.get('n')).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
    expect(seen.pieces).toBeLessThanOrEqual(20_003)
  })

  test('of a refusal are read for a few words', async () => {
    const { seen, body } = endless(new Uint8Array(4096).fill(0x61))
    const { client } = answering(() => ({ status: 404, headers: new Headers(), body }))
    await expect(client.get('n')).rejects.toMatchObject(failsWith('ERR_SETEC_NOT_FOUND'))
    expect(seen.pieces).toBeLessThanOrEqual(4)
    expect(seen.cancelled).toBe(true)
  })

  test('exactly as long as the limit are whole', async () => {
    const body = `{"Value":null,"Version":1}${' '.repeat(1024 - 26)}`
    const whole = answering(() => answer(200, body), { maxAnswerBytes: 1024 })
    expect((await whole.client.get('n')).version).toBe(1)
    const over = answering(() => answer(200, `${body} `), { maxAnswerBytes: 1024 })
    await expect(over.client.get('n')).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
  })

  test('deep JSON is no harm', async () => {
    const { client } = answering(() => answer(200, '['.repeat(MIB)))
    await expect(client.list()).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
  })

  test('100 MiB over a socket end early', async () => {
    let written = 0
    const server = await listen((_, response) => {
      const piece = Buffer.alloc(MIB, 0x20)
      const write = (): void => {
        while (written < 100 * MIB && !response.destroyed) {
          written += MIB
          if (!response.write(piece)) {
            response.once('drain', write)
            return
          }
        }
        response.end()
      }
      write()
    })
    await expect(new Client(server).get('n')).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
    expect(written).toBeLessThan(50 * MIB)
  })

  test('a small compressed answer does not become a large one', async () => {
    const { gzipSync } = await import('node:zlib')
    const bomb = gzipSync(Buffer.alloc(64 * MIB, 0x20))
    const server = await listen((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    })
    expect(bomb.length).toBeLessThan(MIB)
    await expect(new Client(server).get('n')).rejects.toMatchObject(failsWith('ERR_SETEC_ANSWER'))
    const plain = gzipSync('{"Value":"dg==","Version":1}')
    const honest = await listen((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(plain)
    })
    expect((await new Client(honest).get('n')).version).toBe(1)
  })
})

describe('answers that do not come', () => {
  test('fail when their time is up', async () => {
    const server = await listen(() => {})
    const client = new Client(server, { timeoutMs: 50 })
    await expect(client.get('n')).rejects.toMatchObject(
      failsWith('ERR_SETEC_TIMEOUT', { message: 'get "n": no answer within 50 ms' }),
    )
  })

  test('also when the head came', async () => {
    const server = await listen((_, response) => {
      response.writeHead(200)
      response.write('{"Value":')
    })
    const client = new Client(server, { timeoutMs: 50 })
    await expect(client.get('n')).rejects.toMatchObject(failsWith('ERR_SETEC_TIMEOUT'))
  })

  test('also when nobody listens to the signal, and a late answer is let go', async () => {
    let cancelled = false
    let give = (_: FetchAnswer): void => {}
    const late = new Promise<FetchAnswer>((resolve) => {
      give = resolve
    })
    const { sent, client } = answering(() => late, { timeoutMs: 20 })
    await expect(client.get('n')).rejects.toMatchObject(failsWith('ERR_SETEC_TIMEOUT'))
    expect(sent[0]?.signal.aborted).toBe(true)
    const body = new ReadableStream<Uint8Array>({
      cancel: () => {
        cancelled = true
      },
    })
    give({ status: 200, headers: new Headers(), body })
    await new Promise((resolve) => setImmediate(resolve))
    expect(cancelled).toBe(true)
  })

  test('may be waited for without end', async () => {
    const { client } = answering(() => json({ Value: '', Version: 1 }), { timeoutMs: 0 })
    expect((await client.get('n')).version).toBe(1)
  })

  test('are given up by the caller, with his reason', async () => {
    const server = await listen(() => {})
    const client = new Client(server)
    const stop = new AbortController()
    const reason = new Error('enough')
    const failed = expect(client.get('n', { signal: stop.signal })).rejects.toBe(reason)
    stop.abort(reason)
    await failed
    const { sent, client: unasked } = answering(() => json(null))
    await expect(unasked.list({ signal: stop.signal })).rejects.toBe(reason)
    expect(sent).toEqual([])
  })

  test('leave nothing behind at a signal that outlives them', async () => {
    const { client } = answering(() => json(null))
    const failing = answering(() => answer(500, 'no')).client
    const { signal } = new AbortController()
    await client.list({ signal })
    await failing.list({ signal }).catch(() => {})
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('because the connection was cut are failures of transport', async () => {
    const tcp = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Value"')
        socket.end()
      })
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void tcp.close())
    await new Promise((resolve) => tcp.once('listening', resolve))
    const client = new Client(`http://127.0.0.1:${(tcp.address() as AddressInfo).port}`)
    await expect(client.get('n')).rejects.toMatchObject(failsWith('ERR_SETEC_TRANSPORT'))
  })

  test('a fetch that throws is one that failed', async () => {
    const client = new Client(BASE, {
      fetch: () => {
        throw new Error('no socket')
      },
    })
    await expect(client.list()).rejects.toMatchObject(
      failsWith('ERR_SETEC_TRANSPORT', { cause: expect.any(Error) }),
    )
  })
})
