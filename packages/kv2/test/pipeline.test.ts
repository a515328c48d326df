/** Retries, deadlines, room, the end of a client, and what is known of a write that failed. */
import { type Kv2CallEvent, Kv2TransportError } from '@secreg/kv2'
import { describe, expect, test } from 'vitest'
import { answer, failureOf, fakeClient, liveAnswer, versionFacts } from './fake-transport.ts'
import { turn } from './manual-clock.ts'

const WRITTEN = answer(200, { data: versionFacts() })

describe('what changes nothing', () => {
  test.each([412, 472, 473, 500, 502, 503, 504])(
    'is tried twice after status %s',
    async (status) => {
      const { client, transport, clock } = fakeClient(() =>
        transport.calls.length === 1 ? answer(status, {}) : liveAnswer(),
      )
      expect(await clock.until(client.read('a'))).toMatchObject({ state: 'live' })
      expect(transport.calls).toHaveLength(2)
    },
  )

  test.each([
    ['reads', 'read'],
    ['structures', 'subkeys'],
    ['metadata', 'readMetadata'],
    ['lists', 'list'],
  ] as const)(
    '%s are tried twice, and no more, when the connection breaks',
    async (_what, name) => {
      const { client, transport, clock } = fakeClient(() => {
        throw new Kv2TransportError(false, 'ECONNRESET')
      })
      expect(await failureOf(clock.until<unknown>(client[name]('a')))).toMatchObject({
        code: 'ERR_KV2_UNAVAILABLE',
        transportCode: 'ECONNRESET',
        outcomeUnknown: false,
      })
      expect(transport.calls).toHaveLength(2)
    },
  )

  test.each([400, 403, 404, 405, 429, 501])(
    'is not tried again after status %s',
    async (status) => {
      const { client, transport, clock } = fakeClient(() => answer(status, {}))
      await failureOf(clock.until(client.read('a')))
      expect(transport.calls).toHaveLength(1)
    },
  )

  test('waits between two tries, for a time that is spread', async () => {
    for (const random of [0, 0.5, 0.999]) {
      const { client, transport, clock } = fakeClient(() => answer(500, {}), {
        random: () => random,
      })
      const call = failureOf(client.read('a'))
      await turn()
      clock.advance(50 * (1 + random) - 1)
      await turn()
      expect(transport.calls).toHaveLength(1)
      clock.advance(1.1)
      await call
      expect(transport.calls).toHaveLength(2)
    }
  })
})

describe('a write', () => {
  test.each([500, 502, 503, 504, 412])(
    'is sent once, also when it ends with %s',
    async (status) => {
      const { client, transport } = fakeClient(() => answer(status, {}))
      const error = await failureOf(client.write('a', { k: 1 }))
      expect(error).toMatchObject({ code: 'ERR_KV2_UNAVAILABLE', status })
      expect(error.outcomeUnknown).toBe(status !== 412)
      expect(transport.calls).toHaveLength(1)
    },
  )

  test('that was never sent is known not to be done', async () => {
    const { client } = fakeClient(() => {
      throw new Kv2TransportError(true, 'ECONNREFUSED')
    })
    const error = await failureOf(client.deleteLatest('a'))
    expect(error).toMatchObject({ code: 'ERR_KV2_UNAVAILABLE', outcomeUnknown: false })
    expect(error.message).toBe('delete-latest: the server is unavailable (ECONNREFUSED)')
  })

  test.each([
    ['cut off', () => Promise.reject(new Kv2TransportError(false))],
    ['answered with what is no answer', () => answer(200, '<html>')],
    ['answered with too much', () => ({ ...answer(200, ''), truncated: true })],
    ['answered with another version', () => answer(200, { data: versionFacts(9) })],
  ])('that is %s may be done', async (_what, handler) => {
    const { client } = fakeClient(handler)
    expect(await failureOf(client.write('a', {}, { cas: 0 }))).toMatchObject({
      outcomeUnknown: true,
    })
  })

  test('that is refused is not done', async () => {
    for (const status of [400, 403, 404, 405, 413, 415, 429]) {
      const { client } = fakeClient(() => answer(status, { errors: ['no'] }))
      expect(await failureOf(client.write('a', {}))).toMatchObject({
        outcomeUnknown: false,
        status,
      })
    }
  })
})

describe('the time of a call', () => {
  test('ends it, and what was sent of a write may be done', async () => {
    const { client, clock } = fakeClient(() => new Promise(() => {}))
    const [read, write] = [failureOf(client.read('a')), failureOf(client.write('a', {}))]
    await turn()
    clock.advance(29_999)
    await turn()
    clock.advance(1)
    expect(await read).toMatchObject({ code: 'ERR_KV2_TIMEOUT', outcomeUnknown: false })
    expect(await write).toMatchObject({ code: 'ERR_KV2_TIMEOUT', outcomeUnknown: true })
    // Only the look-up of the token, which nobody waits for.
    expect(clock.pending).toBeLessThanOrEqual(1)
  })

  test('counts retries and logins', async () => {
    const { client, clock } = fakeClient(() => new Promise(() => {}), {
      auth: { roleId: 'r', secretId: 's' },
      timeoutMs: 100,
    })
    const call = failureOf(client.write('a', {}))
    await turn()
    clock.advance(100)
    expect(await call).toMatchObject({ code: 'ERR_KV2_TIMEOUT', outcomeUnknown: false })
  })

  test('ends the exchange', async () => {
    let ended = false
    const { client, clock } = fakeClient(
      (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            ended = true
            reject(signal.reason)
          })
        }),
    )
    const call = failureOf(client.read('a'))
    await turn()
    clock.advance(30_000)
    await call
    expect(ended).toBe(true)
  })
})

test('a signal ends a call with its reason, before and while it runs', async () => {
  const { client, transport, clock } = fakeClient(() => new Promise(() => {}))
  const reason = new Error('enough')
  await expect(client.read('a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(transport.requests).toEqual([])
  const controller = new AbortController()
  const call = client.write('a', {}, { signal: controller.signal })
  await turn()
  controller.abort(reason)
  await expect(call).rejects.toBe(reason)
  expect(clock.pending).toBeLessThanOrEqual(1)
})

test('no more calls run at a time than there is room for', async () => {
  const waiting: (() => void)[] = []
  const { client } = fakeClient(
    () => new Promise((resolve) => waiting.push(() => resolve(liveAnswer()))),
    { maxConcurrent: 3 },
  )
  const other = client.mount('other')
  const running = [client.read('a'), client.read('b'), other.read('c')]
  await turn()
  expect(await failureOf(client.read('d'))).toMatchObject({ code: 'ERR_KV2_BUSY' })
  expect(await failureOf(other.read('d'))).toMatchObject({ code: 'ERR_KV2_BUSY' })
  for (const answerNow of waiting) answerNow()
  await Promise.all(running)
  const next = client.read('e')
  await turn()
  waiting.at(-1)?.()
  expect(await next).toMatchObject({ state: 'live' })
})

test('the end of a client ends its calls and lets the transport go, once', async () => {
  const { client, transport, clock } = fakeClient(() => new Promise(() => {}))
  const call = failureOf(client.write('a', {}))
  await turn()
  await client.close()
  await client[Symbol.asyncDispose]()
  expect(await call).toMatchObject({ code: 'ERR_KV2_CLOSED' })
  expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_CLOSED' })
  expect(transport.closed).toBe(1)
  expect(clock.pending).toBe(0)
})

test('the observer hears of every call, how it ended and how long it took', async () => {
  const events: Kv2CallEvent[] = []
  const { client } = fakeClient(
    (request) => {
      if (request.method === 'GET') return answer(404, { errors: [] })
      return request.method === 'DELETE' ? answer(403, {}) : WRITTEN
    },
    { observer: { onCall: (event) => events.push(event) } },
  )
  await client.write('a', {})
  await client.read('a')
  await failureOf(client.deleteLatest('a'))
  await failureOf(client.read('..'))
  const controller = new AbortController()
  controller.abort(new Error('enough'))
  await failureOf(client.read('a', { signal: controller.signal }))
  expect(
    events.filter(({ op }) => op !== 'lookup').map(({ op, outcome }) => [op, outcome]),
  ).toEqual([
    ['write', 'ok'],
    ['read', 'ok'],
    ['delete-latest', 'ERR_KV2_DENIED'],
    ['read', 'aborted'],
  ])
  expect(events.every(({ durationMs }) => durationMs >= 0)).toBe(true)
})

test('every request has the headers of a client, and only what was asked for', async () => {
  const { client, transport } = fakeClient(() => WRITTEN, { namespace: 'team-a', mount: 'kv/x' })
  await client.write(['a b', 'c%'], { k: 'v' }, { cas: 3 }).catch(() => {})
  expect(transport.requests.find(({ method }) => method === 'POST')).toEqual({
    method: 'POST',
    url: 'https://kv.example:8200/v1/kv/x/data/a%20b/c%25',
    headers: {
      Accept: 'application/json',
      'Content-Type': 'application/json',
      'X-Vault-Namespace': 'team-a',
      'X-Vault-Request': 'true',
      'X-Vault-Token': 'hvs.token',
    },
    body: '{"options":{"cas":3},"data":{"k":"v"}}',
  })
})
