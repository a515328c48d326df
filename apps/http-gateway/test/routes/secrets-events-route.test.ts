import { SecregError, type SecretsEvent } from '@secreg/protocol'
import { parseRequest } from '@secreg/protocol/messages'
import { RawConnection, rawRequest, waitFor } from '@secreg/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallerContext } from '../../src/caller.ts'
import { createIdentity, createSessionSource } from '../../src/identity/identify.ts'
import { secretsEventsRoute } from '../../src/routes/secrets-events-route.ts'
import { secretsGates } from '../../src/routes/secrets-gate.ts'
import { ask } from '../support/ask.ts'
import { FakeRelay, TOKEN } from '../support/fake-relay.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

const PATH = '/api/secrets/events'
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'
const REFUSED = {
  status: 401,
  headers: { 'WWW-Authenticate': 'Bearer' },
  body: '{"code":"UNAUTHENTICATED"}',
}

/** The stream of a daemon, which waits as it is told. */
class Events {
  readonly all: SecretsEvent[] = []
  /** What requests have asked, in their order. */
  readonly asked: { after?: number; wait: number; correlation?: string }[] = []
  waiting = 0
  refuses = false
  #wake: (() => void)[] = []

  emit(data = '{}'): void {
    this.all.push({ id: this.all.length + 1, event: 'SECRET_READ', data })
    this.wake()
  }

  wake(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  async answer(payload: unknown): Promise<unknown> {
    const asked = parseRequest('secrets', payload as never)
    if (asked.op !== 'follow') throw new TypeError('op: expected follow')
    this.asked.push(asked as never)
    const after = asked.after ?? this.all.length
    if (this.all.length <= after && asked.wait > 0) {
      this.waiting++
      await new Promise<void>((resolve) => this.#wake.push(resolve))
      this.waiting--
    }
    if (this.refuses) return REFUSED
    return {
      status: 200,
      headers: {},
      body: '',
      events: this.all.slice(after),
      after: this.all.length,
    }
  }
}

let running: TestGateway
let events: Events
beforeEach(async () => {
  running = await startGateway()
  events = new Events()
  running.relay.answer = ({ payload }) => events.answer(payload)
})
afterEach(() => running[Symbol.asyncDispose]())

async function open(headers: Record<string, string> = {}, token = `Bearer ${TOKEN}`) {
  const client = await RawConnection.open(running.port)
  client.send(rawRequest('GET', PATH, { Authorization: token, ...headers }))
  await waitFor(() => client.text.includes('\r\n\r\n'))
  return client
}

/** What has come of the body, without the framing of its chunks. */
const bodyOf = (client: RawConnection): string =>
  client.text.slice(client.text.indexOf('\r\n\r\n') + 4).replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '')

describe('GET /api/secrets/events', () => {
  it('sends what comes, from where it begins', async () => {
    events.emit('{"old":1}')
    using client = await open({ 'X-Correlation-Id': 'of-the-stream' })
    await waitFor(() => bodyOf(client).includes('id: 1'))
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(client.text).toContain('\r\nContent-Type: text/event-stream\r\n')
    expect(client.text).toContain('\r\nCache-Control: no-store\r\n')
    expect(client.text).toContain('\r\nX-Correlation-Id: of-the-stream\r\n')
    expect(client.text).toContain('\r\nConnection: close\r\n')
    expect(bodyOf(client).trimEnd()).toBe(': open\nid: 1')
    await waitFor(() => events.waiting === 1)
    events.emit('{"a":1}')
    await waitFor(() => bodyOf(client).includes('data: '))
    expect(bodyOf(client)).toContain('id: 2\nevent: SECRET_READ\ndata: {"a":1}\n\n')
    expect(bodyOf(client)).not.toContain('old')
    expect(events.asked[0]).toMatchObject({ wait: 0, correlation: 'of-the-stream' })
    expect(events.asked[0]).not.toHaveProperty('after')
    expect(events.asked[1]).toMatchObject({ after: 1, wait: 5000 })
    await waitFor(() => events.asked.length === 3)
    expect(events.asked[2]).toMatchObject({ after: 2 })
  })

  it('goes on behind the last event that a reader has seen', async () => {
    for (let at = 0; at < 4; at++) events.emit(`{"n":${at + 1}}`)
    using client = await open({ 'Last-Event-ID': '2' })
    await waitFor(() => bodyOf(client).includes('"n":4'))
    expect(bodyOf(client)).toMatch(/^: open\nid: 2\n\nid: 3\n.*"n":3.*id: 4\n/s)
    expect(bodyOf(client)).not.toContain('"n":2')
  })

  it.each(['x', '-1', '1.5', '01', '9'.repeat(20)])('refuses a last event of %j', async (id) => {
    const answer = await ask(running, PATH, { method: 'GET', headers: { 'Last-Event-ID': id } })
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([400, 'INVALID_REQUEST'])
    expect(events.asked).toEqual([])
  })

  it('takes a last event that is empty for none', async () => {
    using _ = await open({ 'Last-Event-ID': '' })
    expect(events.asked[0]).not.toHaveProperty('after')
  })

  it.each([401, 403, 404, 503])(
    'answers %i as everything else, if the daemon does',
    async (status) => {
      running.relay.answer = () => ({
        status,
        headers: { 'Retry-After': '2' },
        body: '{"code":"X"}',
      })
      const answer = await ask(running, PATH, { method: 'GET' })
      expect([answer.status, answer.text]).toEqual([status, '{"code":"X"}'])
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(running.gateway.server.connections).toBeLessThanOrEqual(1)
      expect(await streams()).toBe(0)
    },
  )

  it('refuses a credential that is not good', async () => {
    const answer = await ask(running, PATH, { method: 'GET', token: 'sreg_0123456789abcdef_bad' })
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([401, 'UNAUTHENTICATED'])
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  })
})

async function streams(): Promise<number> {
  const text = await running.gateway.figures.registry.metrics()
  return Number(/^secreg_gateway_event_streams (\d+)$/m.exec(text)?.[1])
}

describe('a stream', () => {
  it('ends when its reader may no longer', async () => {
    using client = await open()
    await waitFor(() => events.waiting === 1)
    events.refuses = true
    events.emit('{"secret":1}')
    await client.whenClosed()
    expect(client.text).toMatch(/\r\n0\r\n\r\n$/)
    expect(bodyOf(client)).not.toContain('secret')
    expect(await streams()).toBe(0)
  })

  it('is asked for with its session, or its token, each time', async () => {
    using one = await open()
    using other = await open({}, `Bearer ${JWT}`)
    await waitFor(() => events.waiting === 2)
    running.relay.sessions.clear()
    events.emit()
    await waitFor(() => bodyOf(one).includes('data') && bodyOf(other).includes('data'))
    await waitFor(() => events.waiting === 2)
    // Of the session that has ended, another login has made one.
    expect(running.relay.logins).toHaveLength(2)
    const shown = running.relay.asked.filter(({ sessionId }) => sessionId === undefined)
    expect(shown.length).toBeGreaterThanOrEqual(3)
    for (const { payload } of shown) {
      expect(payload).toMatchObject({ presented: { token: { scheme: 'bearer', text: JWT } } })
    }
  })

  it('ends when the daemon is gone', async () => {
    using client = await open()
    await waitFor(() => events.waiting === 1)
    running.relay.answer = () => {
      throw new SecregError('UNREACHABLE', 'gone')
    }
    events.wake()
    await client.whenClosed()
    expect(client.text).toMatch(/\r\n0\r\n\r\n$/)
    expect(running.log.join('')).not.toContain('internal fault')
  })

  it('ends when the gateway stops, and is not waited for', async () => {
    using client = await open()
    await waitFor(() => events.waiting === 1)
    // Longer than this test may take.
    await running.gateway.close(600_000)
    await client.whenClosed()
    expect(client.text).toMatch(/\r\n0\r\n\r\n$/)
    events.wake()
  })

  it('whose reader has gone before it began leaves nothing behind', async () => {
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    running.relay.answer = async ({ payload }) => {
      await held
      return events.answer(payload)
    }
    using client = await RawConnection.open(running.port)
    client.send(rawRequest('GET', PATH, { Authorization: `Bearer ${TOKEN}` }))
    await waitFor(() => running.relay.asked.length === 1)
    client.socket.destroy()
    await waitFor(() => running.gateway.server.connections === 0)
    release()
    await waitFor(() => running.log.some((line) => line.includes('"secrets-events"')))
    await waitFor(async () => (await streams()) === 0)
    expect(events.asked).toHaveLength(1)
    expect(running.log.join('')).not.toContain('internal fault')
  })

  it('with a proof is one wait, as proofs are good once', async () => {
    const proof = { DPoP: 'a.b.c' }
    const opening = open(proof, `DPoP ${JWT}`)
    await waitFor(() => events.waiting === 1)
    events.emit('{"a":1}')
    using client = await opening
    await client.whenClosed()
    expect(bodyOf(client)).toContain(
      ': open\nid: 0\n\nid: 1\nevent: SECRET_READ\ndata: {"a":1}\n\n',
    )
    expect(events.asked).toHaveLength(1)
    expect(events.asked[0]).toMatchObject({ wait: 5000 })

    // Without an event, it is known where to go on.
    const again = open({ ...proof, 'Last-Event-ID': '1' }, `DPoP ${JWT}`)
    await waitFor(() => events.waiting === 1)
    events.wake()
    using second = await again
    await second.whenClosed()
    expect(bodyOf(second).trimEnd()).toMatch(/^: open\nid: 1/)
  })

  it('of a fault is cut off, and the log has it', async () => {
    using client = await open()
    await waitFor(() => events.waiting === 1)
    events.emit('{\n}')
    await client.whenClosed()
    expect(client.text).not.toMatch(/\r\n0\r\n\r\n$/)
    await waitFor(() => running.log.some((line) => line.includes('internal fault')))
    expect(await streams()).toBe(0)
  })
})

describe('there are 16 streams at most', () => {
  it('and the next is told so; the place of one that has gone is free after its wait', async () => {
    const clients = await Promise.all(Array.from({ length: 16 }, () => open()))
    await waitFor(() => events.waiting === 16)
    expect(await streams()).toBe(16)
    const refused = await ask(running, PATH, { method: 'GET' })
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([429, 'RATE_LIMITED'])
    expect(refused.headers.get('retry-after')).toBe('5')
    const proving = { DPoP: 'a.b.c', Authorization: `DPoP ${JWT}` }
    expect(
      (await ask(running, PATH, { method: 'GET', token: null, headers: proving })).status,
    ).toBe(429)
    // The others of the daemon's 64 are for everybody else.
    running.relay.answer = ({ name, payload }) =>
      name === 'secrets' ? events.answer(payload) : { user: 'alice' }
    expect((await ask(running, '/registry/whoami', { body: '{}' })).status).toBe(200)

    const { connections } = running.gateway.server
    clients[0]?.socket.destroy()
    await waitFor(() => running.gateway.server.connections < connections)
    // The daemon waits on for nobody, and as long as it does, the place is taken.
    expect(await streams()).toBe(16)
    events.wake()
    await waitFor(async () => (await streams()) === 15)
    using next = await open()
    expect(next.text).toMatch(/^HTTP\/1\.1 200 /)
    for (const client of clients) client[Symbol.dispose]()
    events.wake()
  })

  it('an equal part in each worker', async () => {
    await using two = await startGateway({ http: { workers: 16 } })
    two.relay.answer = ({ payload }) => events.answer(payload)
    const ask2 = () => ask(two, PATH, { method: 'GET' })
    using client = await RawConnection.open(two.port)
    client.send(rawRequest('GET', PATH, { Authorization: `Bearer ${TOKEN}` }))
    await waitFor(() => events.waiting === 1)
    expect((await ask2()).status).toBe(429)
  })
})

describe('a reader who does not take what is sent', () => {
  it('is disconnected, and what is kept for him is bounded', async () => {
    await using slow = await startGateway({ http: { bodyTimeoutSeconds: 1 } })
    slow.relay.answer = ({ payload }) => events.answer(payload)
    using client = await RawConnection.open(slow.port)
    client.send(rawRequest('GET', PATH, { Authorization: `Bearer ${TOKEN}` }))
    await waitFor(() => events.waiting === 1)
    client.socket.pause()
    const data = JSON.stringify('x'.repeat(1024))
    let asked = 0
    let most = 0
    const fill = (): void => {
      for (let at = 0; at < 1000; at++) events.emit(data)
      most = Math.max(most, slow.gateway.server.usedBytes)
    }
    await waitFor(
      () => {
        if (events.waiting > 0) fill()
        asked = events.asked.length
        return slow.gateway.server.connections === 0
      },
      { timeoutMs: 20_000 },
    )
    // Nothing is asked for him while he has not taken what there is.
    expect(most).toBeLessThan(8 * 1024 * 1024)
    expect(slow.gateway.server.usedBytes).toBe(0)
    expect(events.asked.length).toBe(asked)
    events.wake()
  })

  it('and gets nothing that there is no room for', async () => {
    await using full = await startGateway({ http: { bufferBytes: 1, maxBodyBytes: 1000 } })
    full.relay.answer = ({ payload }) => events.answer(payload)
    using client = await RawConnection.open(full.port)
    client.send(rawRequest('GET', PATH, { Authorization: `Bearer ${TOKEN}` }))
    await waitFor(() => events.waiting === 1)
    events.emit(JSON.stringify('x'.repeat(2000)))
    await client.whenClosed()
    expect(client.text).not.toContain('xxx')
  })
})

it('whoever is not known yet takes no place, whatever he shows a proof of', async () => {
  let refuse: () => void = () => {}
  const slow = new Promise<void>((resolve) => {
    refuse = resolve
  })
  const { relay } = running
  const auth = relay.auth.bind(relay)
  relay.auth = async (request) => {
    if (request.password !== undefined) await slow
    return auth(request)
  }
  const shown = { Authorization: `Basic ${btoa('alice:wrong')}`, DPoP: 'a.b.c' }
  const strangers = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const client = await RawConnection.open(running.port)
      client.send(rawRequest('GET', PATH, shown))
      return client
    }),
  )
  try {
    await waitFor(() => running.gateway.server.connections >= 40)
    events.emit()
    using known = await RawConnection.open(running.port)
    known.send(
      rawRequest('GET', PATH, {
        Authorization: `Bearer ${TOKEN}`,
        DPoP: 'a.b.c',
        'Last-Event-ID': '0',
      }),
    )
    expect((await known.answer()).status).toBe(200)
  } finally {
    refuse()
    for (const stranger of strangers) stranger[Symbol.dispose]()
  }
})

it('comments keep a connection open', async () => {
  const relay = new FakeRelay()
  relay.answer = ({ payload }) => events.answer(payload)
  const context: CallerContext = {
    identity: createIdentity({ tailscaleWhois: undefined, tailscaleServe: false }),
    sessions: createSessionSource(relay),
    relay,
  }
  const { route } = secretsEventsRoute({
    context,
    publicUrl: 'http://h',
    hostNames: new Set(),
    certificateOf: () => undefined,
    gates: secretsGates(),
    maxStreams: 1,
    pingMs: 5,
  })
  const written: string[] = []
  const over = new AbortController()
  const answer = await route.answer({
    method: 'GET',
    head: {
      host: 'h',
      contentType: undefined,
      contentLength: undefined,
      chunked: false,
      guard: undefined,
      origin: undefined,
    },
    facts: {
      headers: ['Authorization', `Bearer ${TOKEN}`],
      target: {
        form: 'origin',
        authority: undefined,
        path: PATH,
        query: undefined,
        token: undefined,
      },
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      localAddress: '127.0.0.1',
      tls: undefined,
    },
    rest: '',
    readBody: () => Promise.reject(new Error('there is none')),
  })
  const done = answer.stream?.({
    signal: over.signal,
    write: async (piece) => {
      written.push(piece)
    },
  })
  await waitFor(() => written.filter((piece) => piece === ': ping\n\n').length > 2)
  over.abort()
  events.wake()
  await done
  const { length } = written
  events.emit()
  expect(written).toHaveLength(length)
})
