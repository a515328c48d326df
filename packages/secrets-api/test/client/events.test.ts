import {
  createSecretsClient,
  type SecretEventResult,
  type SecretsEventsOptions,
} from '@secreg/secrets-api/client'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { type Answered, allOf, type Came, failureOf, serve } from './server.ts'

const frame = (id: number | string, data: unknown = { n: id }, event = 'SECRET_READ'): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** A server that answers each connection with the next text, and then ends it unless it is told to stay. */
async function streaming(texts: readonly (string | Answered)[], stay = false) {
  let at = 0
  const server = await serve(({ response }: Came) => {
    const next = texts[Math.min(at++, texts.length - 1)] ?? ''
    if (typeof next !== 'string') return next
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
    response.write(next)
    if (!stay || at < texts.length) response.end()
    return undefined
  })
  const client = createSecretsClient({ url: server.url, token: 'canary-token' })
  const events = (options: SecretsEventsOptions = {}) =>
    client.events({ reconnectMs: 1, ...options })
  return { ...server, events }
}

/** So many events. */
async function take(events: AsyncIterable<SecretEventResult>, count: number) {
  const taken: SecretEventResult[] = []
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

describe('connections', () => {
  test('where one ends, the next goes on behind the last event', async () => {
    const { events, came } = await streaming([frame(7) + frame(9), '', frame(12)])
    expect((await take(events(), 3)).map(({ id }) => id)).toEqual([7, 9, 12])
    expect(came.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '9', '9'])
    expect(came[0]).toMatchObject({
      method: 'GET',
      path: '/api/secrets/events',
      headers: { accept: 'text/event-stream', authorization: 'Bearer canary-token' },
    })
    const from = await streaming([frame(4)])
    await take(from.events({ lastEventId: 3 }), 1)
    expect(from.came[0]?.headers['last-event-id']).toBe('3')
  })

  test('a server that is away, or busy, is asked again', async () => {
    const away: Answered[] = [
      [503, { code: 'PROVIDER_UNAVAILABLE' }, { 'Retry-After': '0' }],
      [429, { code: 'RATE_LIMITED' }, { 'Retry-After': '0' }],
      [502, '<html>'],
      [500, {}],
    ]
    const { events, came } = await streaming([...away, frame(1)])
    expect(await take(events(), 1)).toEqual([{ id: 1, event: 'SECRET_READ', data: { n: 1 } }])
    expect(came).toHaveLength(5)
  })

  test.each([400, 401, 403, 404, 501])('%i ends it', async (status) => {
    const { events, came } = await streaming([frame(1), [status, { code: 'X' }]])
    const seen: number[] = []
    const reading = (async () => {
      for await (const { id } of events()) seen.push(id)
    })()
    expect(await failureOf(reading)).toMatchObject({ code: 'X', status })
    expect(seen).toEqual([1])
    expect(came).toHaveLength(2)
  })

  test('a connection without a sign of life is given up', async () => {
    const { events, came } = await streaming([`${frame(1)}: ping\n\n`], true)
    const ids: number[] = []
    for await (const { id } of events({ idleMs: 30 })) {
      ids.push(id)
      if (ids.length === 2) break
    }
    expect(came.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1'])
  })

  test('whoever stops reading closes the connection', async () => {
    const { events, came } = await streaming([frame(1) + frame(2)], true)
    await take(events(), 1)
    await waitFor(() => came[0]?.response.destroyed === true)
    const controller = new AbortController()
    const iterator = events({ signal: controller.signal })[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.next()
    const waiting = failureOf(iterator.next())
    controller.abort(new Error('enough'))
    expect(await waiting).toMatchObject({ message: 'enough' })
    await waitFor(() => came[1]?.response.destroyed === true)
    expect(await failureOf(allOf(events({ signal: controller.signal })))).toMatchObject({
      message: 'enough',
    })
    expect(came).toHaveLength(2)
  })

  test('a wait ends with the signal', async () => {
    const { events, came } = await streaming([[503, {}, { 'Retry-After': '20' }]])
    const controller = new AbortController()
    const reading = failureOf(allOf(events({ signal: controller.signal })))
    await waitFor(() => came.length === 1)
    controller.abort(new Error('enough'))
    expect(await reading).toMatchObject({ message: 'enough' })
  })
})

describe('streams that are none', () => {
  test.each([
    ['JSON', [200, {}] as Answered, 'ANSWER_INVALID'],
    ['a page', [200, '', { 'Content-Type': 'text/html' }] as Answered, 'ANSWER_INVALID'],
    ['an id that is no number', frame('x'), 'ANSWER_INVALID'],
    ['an id that is too large', frame('9999999999999999'), 'ANSWER_INVALID'],
    ['no id', 'event: SECRET_READ\ndata: {}\n\n', 'ANSWER_INVALID'],
    ['no name', 'id: 1\ndata: {}\n\n', 'ANSWER_INVALID'],
    ['a name of markup', frame(1, {}, '<canary>'), 'ANSWER_INVALID'],
    ['data that is no object', frame(1, ['canary']), 'ANSWER_INVALID'],
    ['data that is no JSON', 'id: 1\nevent: A\ndata: canary\n\n', 'ANSWER_INVALID'],
    ['a line that is too long', `data: ${'canary'.repeat(1000)}`, 'ANSWER_TOO_LARGE'],
    ['an event that is too long', 'data: canary\n'.repeat(1000), 'ANSWER_TOO_LARGE'],
  ] as const)('%s', async (_, answer, code) => {
    const { events, came } = await streaming([answer], true)
    const error = await failureOf(allOf(events({ maxEventChars: 1024 })))
    expect(error).toMatchObject({ name: 'SecretsClientError', code, status: 200 })
    expect(`${error['message']}${error['stack']}`).not.toContain('canary')
    expect(came).toHaveLength(1)
    await waitFor(() => came[0]?.response.destroyed === true)
  })

  test('one that ends at once is not asked for all the time', async () => {
    const { events, came } = await streaming([''])
    const controller = new AbortController()
    const startMs = performance.now()
    const reading = failureOf(allOf(events({ signal: controller.signal, reconnectMs: 4 })))
    await waitFor(() => came.length === 6)
    // 4, 8, 16, 32 and 64 ms lie between six of them.
    expect(performance.now() - startMs).toBeGreaterThan(120)
    controller.abort(new Error('enough'))
    await reading
  })
})
