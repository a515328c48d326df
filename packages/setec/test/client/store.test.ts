import { inspect } from 'node:util'
import {
  asText,
  Client,
  createUpdater,
  fieldSecrets,
  fields,
  live,
  memoryCache,
  openSetecStore,
  type SetecStoreOptions,
  type StoreFault,
  setecSource,
  staticSource,
} from '@secreg/setec'
import { manualClock, startSetecServer } from '@secreg/setec/testing'
import { openStore } from '@secreg/store'
import { waitFor } from '@secreg/testkit'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { answer, asked, BASE, base64, json, recordingFetch, stubFetch, text } from './support.ts'

const HOUR = 3_600_000

async function started(secrets: Readonly<Record<string, string>> = {}) {
  const server = await startSetecServer()
  onTestFinished(() => server.close())
  for (const [name, value] of Object.entries(secrets)) await server.db.put(name, value)
  const { sent, fetch } = recordingFetch()
  const faults: StoreFault[] = []
  const clock = manualClock()
  const base = {
    client: new Client(server.url, { fetch }),
    clock,
    random: () => 0.5,
    onError: (fault: StoreFault) => void faults.push(fault),
  }
  const open = async <const N extends string>(
    options: Omit<SetecStoreOptions<N>, 'client'>,
  ): Promise<Awaited<ReturnType<typeof openSetecStore<N>>>> => {
    const store = await openSetecStore({ ...base, ...options })
    onTestFinished(() => store.close())
    return store
  }
  return { server, sent, faults, clock, base, open }
}

/** A server that is told what to answer; the clock goes on by itself. */
function stubbed(respond: Parameters<typeof stubFetch>[0]) {
  const { sent, fetch } = stubFetch(respond)
  const clock = manualClock()
  return { sent, clock, client: new Client(BASE, { fetch }) }
}

const value = (name: string, version = 1) => json({ Value: base64(name), Version: version })

describe('opening', () => {
  test('has a value of every declared name, each asked for once', async () => {
    const { open, sent } = await started({ b: 'B', a: 'A' })
    const store = await open({ secrets: ['b', 'a', 'b'] })
    expect(store.names).toEqual(['a', 'b'])
    expect(store.secret('a').text() + store.secret('b').text()).toBe('AB')
    expect(asked(sent, 'get')).toHaveLength(2)
    expectTypeOf(store.secret).parameter(0).toEqualTypeOf<string>()
  })

  test.each([
    [{}, RangeError],
    [{ secrets: [] }, RangeError],
    [{ secrets: [''] }, RangeError],
    [{ secrets: 'a' }, TypeError],
    [{ secrets: ['a'], client: undefined }, TypeError],
    [{ secrets: ['a'], client: { get: () => {} } }, TypeError],
    [{ secrets: ['a'], pollIntervalMs: Number.NaN }, RangeError],
  ])('%j is refused', async (options, error) => {
    const { base } = await started()
    await expect(openSetecStore({ ...base, ...options } as never)).rejects.toThrow(error)
  })

  test.each([404, 500, 503, 429])('waits out %d, after 1, 2, 4 … 4096, 4096 ms', async (status) => {
    let answers = 0
    const { clock, client, sent } = stubbed(() =>
      ++answers <= 15 ? answer(status, 'later') : value('A'),
    )
    const opening = openSetecStore({ client, secrets: ['a'], clock })
    await clock.advance(8192 + 4096 - 2)
    expect(sent).toHaveLength(14)
    await clock.advance(1)
    expect(sent).toHaveLength(15)
    await clock.advance(4096)
    const store = await opening
    expect(store.secret('a').text()).toBe('A')
    const waits = clock.delays.filter((delay) => delay !== 30_000 && delay < HOUR / 2)
    expect(waits).toEqual([...Array.from({ length: 13 }, (_, i) => 2 ** i), 4096, 4096])
    await store.close()
  })

  test('until it is given up, with the last failure', async () => {
    const { clock, client } = stubbed(() => answer(404, 'not found'))
    const stop = new AbortController()
    const opening = openSetecStore({ client, secrets: ['a'], clock, signal: stop.signal })
    const failed = expect(opening).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      names: ['a'],
      cause: { errors: [{ code: 'ERR_SETEC_NOT_FOUND' }, expect.anything()] },
    })
    await clock.advance(100)
    stop.abort()
    await failed
  })

  test.each([
    [403, 'ERR_SETEC_ACCESS_DENIED'],
    [401, 'ERR_SETEC_UNIDENTIFIED'],
    [400, 'ERR_SETEC_STATUS'],
  ])('%d is not waited out', async (status, code) => {
    const { clock, client } = stubbed(({ json: { Name } }) =>
      Name === 'denied' ? answer(status, 'no') : value('A'),
    )
    const opening = openSetecStore({ client, secrets: ['a', 'denied'], clock })
    const failed = expect(opening).rejects.toMatchObject({
      code: 'ERR_STORE_REFUSED',
      names: ['denied'],
      cause: { errors: [{ code }] },
    })
    await clock.advance(1000)
    await failed
  })

  test('unless the caller knows better', async () => {
    let answers = 0
    const { clock, client } = stubbed(() => (answers++ === 0 ? answer(403, 'no') : value('A')))
    const opening = openSetecStore({ client, secrets: ['a'], clock, isPermanent: () => false })
    await clock.advance(1)
    await (await opening).close()
    expect(answers).toBe(2)
  })

  test('a fixed source has one round', async () => {
    const client = staticSource({ a: 'A' })
    await using store = await openSetecStore({ client, secrets: ['a'] })
    expect(store.secret('a').text()).toBe('A')
    await expect(openSetecStore({ client, secrets: ['a', 'b'] })).rejects.toMatchObject({
      names: ['b'],
    })
  })
})

describe('reading', () => {
  test('what is not declared', async () => {
    const { open } = await started({ a: 'A', b: 'B' })
    const off = await open({ secrets: ['a'] })
    expect(() => off.secret('b')).toThrow(TypeError)
    await expect(off.lookup('b')).rejects.toThrow(TypeError)
    const on = await open({ allowLookup: true })
    expect(on.secret('b')).toBeUndefined()
    expect((await on.lookup('b')).text()).toBe('B')
    expect(on.secret('b')?.text()).toBe('B')
    await expect(on.lookup('c')).rejects.toMatchObject({ code: 'ERR_SETEC_NOT_FOUND' })
  })

  test('lookups of a name share one request, and are not repeated', async () => {
    const { open, sent } = await started({ a: 'A' })
    const store = await open({ allowLookup: true })
    const [first, second] = await Promise.all([store.lookup('a'), store.lookup('a')])
    expect(first).toBe(second)
    expect(await store.lookup('a')).toBe(first)
    await expect(store.lookup('none')).rejects.toThrow()
    expect(asked(sent, 'get').map(({ Name }) => Name)).toEqual(['a', 'none'])
  })

  test('what has not been read for long is given up, unless it is declared', async () => {
    const { open, clock } = await started({ a: 'A', b: 'B', c: 'C' })
    const first = memoryCache()
    const options = { secrets: ['a'], allowLookup: true, expiryMs: 2 * HOUR } as const
    const before = await open({ ...options, cache: first })
    await before.lookup('b')
    await before.close()
    // Whoever holds a handle keeps the secret, so that one comes from the cache, of which there is none.
    const store = await open({ ...options, cache: first })
    const held = await store.lookup('c')
    await clock.advance(2 * HOUR - 1)
    expect(store.names).toEqual(['a', 'b', 'c'])
    await clock.advance(HOUR + 1)
    expect(store.names).toEqual(['a', 'c'])
    expect(held.text() + store.secret('a').text()).toBe('CA')
  })

  test('shows no value to who prints a store', async () => {
    const { open } = await started({ a: 'canary' })
    const store = await open({ secrets: ['a'] })
    expect(inspect(store, { depth: 9 }) + JSON.stringify(store)).not.toContain('canary')
  })
})

describe('polling', () => {
  test.each([
    [0, 0.9],
    [0.5, 1],
    [0.999999999, 1.1],
  ])('after an hour, 10 % more or less, drawn once: %d', async (drawn, part) => {
    const { open, clock, server } = await started({ a: '1' })
    let draws = 0
    const random = (): number => {
      draws++
      return drawn
    }
    const store = await open({ secrets: ['a'], random })
    const interval = Math.round(HOUR * part)
    for (let round = 1; round <= 3; round++) {
      await server.db.rotate('a', `new ${round}`)
      await clock.advance(interval - 1)
      expect(store.metrics().pollInitiated).toBe(round - 1)
      await clock.advance(1)
      expect(store.metrics().pollInitiated).toBe(round)
      await waitFor(() => store.secret('a').text() === `new ${round}`)
    }
    expect(draws).toBe(1)
  })

  test('never, with an interval of less than nothing', async () => {
    const { open, clock, server } = await started({ a: '1' })
    const store = await open({ secrets: ['a'], pollIntervalMs: -1 })
    await server.db.rotate('a', '2')
    await clock.advance(30 * 24 * HOUR)
    expect(store.metrics().pollInitiated).toBe(0)
    await store.refresh()
    expect(store.secret('a').text()).toBe('2')
  })

  test('asks with the version that it has, and is told when nothing changed', async () => {
    const { open, sent } = await started({ a: '1' })
    const store = await open({ secrets: ['a'] })
    await store.refresh()
    expect(asked(sent, 'get').at(-1)).toEqual({ Name: 'a', Version: 1, UpdateIfChanged: true })
    expect(store.secret('a').text()).toBe('1')
  })

  test('goes on with the others when one fails, and says that some did', async () => {
    const { open, server, faults } = await started({ a: '1', b: '1', c: '1' })
    const store = await open({ secrets: ['a', 'b', 'c'] })
    for (const name of ['a', 'c']) await server.db.rotate(name, '2')
    await server.db.delete('b')
    await expect(store.refresh()).rejects.toMatchObject({
      code: 'ERR_STORE_REFRESH',
      names: ['b'],
      cause: { errors: [{ code: 'ERR_SETEC_NOT_FOUND' }] },
    })
    expect(['a', 'b', 'c'].map((name) => store.secret(name as 'a').text())).toEqual(['2', '1', '2'])
    expect(faults).toMatchObject([{ kind: 'fetch', secret: 'b' }])
    await expect(store.refresh()).rejects.toMatchObject({ names: ['b'] })
    expect(store.metrics()).toMatchObject({ pollInitiated: 2, pollErrors: 2, secretFetch: 3 })
  })

  test('goes back when the active version does', async () => {
    const { open, server } = await started({ a: '1' })
    const store = await open({ secrets: ['a'] })
    await server.db.rotate('a', '2')
    await store.refresh()
    await server.db.activate('a', 1)
    await store.refresh()
    expect([store.secret('a').text(), store.secret('a').version]).toEqual(['1', 1])
  })

  test('is counted', async () => {
    const { open, clock } = await started({ a: '1' })
    const store = await open({ secrets: ['a'] })
    expect(store.metrics()).toEqual({
      pollInitiated: 0,
      pollErrors: 0,
      secretFetch: 0,
      latestPollSeconds: 0,
    })
    await clock.advance(1234)
    const refreshed = store.refresh()
    const seconds = clock.nowMs() / 1000
    store.secret('a').value()
    await refreshed
    expect(store.metrics()).toEqual({
      pollInitiated: 1,
      pollErrors: 0,
      secretFetch: 1,
      latestPollSeconds: seconds,
    })
  })

  test('a server that wants to be left alone is', async () => {
    let limited = false
    const { clock, client, sent } = stubbed(() =>
      limited ? answer(429, 'slow down', { 'retry-after': '60' }) : value('A'),
    )
    const store = await openSetecStore({ client, secrets: ['a', 'b'], clock })
    limited = true
    await expect(store.refresh()).rejects.toThrow()
    const asked = sent.length
    await clock.advance(59_000)
    await expect(store.refresh()).rejects.toMatchObject({
      cause: { errors: Array(2).fill(expect.objectContaining({ status: 429 })) },
    })
    expect(sent).toHaveLength(asked)
    limited = false
    await clock.advance(1000)
    await store.refresh()
    expect(sent.length).toBeGreaterThan(asked)
    await store.close()
  })

  test('but for no more than an hour', async () => {
    let limited = false
    const { clock, client, sent } = stubbed(() =>
      limited ? answer(429, 'go away', { 'retry-after': '999999999' }) : value('A'),
    )
    const store = await openSetecStore({ client, secrets: ['a'], clock, pollIntervalMs: -1 })
    limited = true
    await expect(store.refresh()).rejects.toThrow()
    await clock.advance(HOUR - 1)
    await expect(store.refresh()).rejects.toThrow()
    expect(sent).toHaveLength(2)
    limited = false
    await clock.advance(1)
    await store.refresh()
    expect(sent).toHaveLength(3)
    await store.close()
  })

  test('ends with the store', async () => {
    const { open, clock, sent } = await started({ a: '1' })
    const store = await open({ secrets: ['a'] })
    await store.close()
    await store.close()
    const before = sent.length
    await clock.advance(3 * HOUR)
    expect(sent).toHaveLength(before)
    expect(() => store.secret('a')).toThrow(expect.objectContaining({ code: 'ERR_STORE_CLOSED' }))
  })
})

describe('objects and fields', () => {
  test('an updater is made anew when a poll brought another version', async () => {
    const { open, server } = await started({ a: '1' })
    const store = await open({ secrets: ['a'] })
    const closed: string[] = []
    const updater = createUpdater(store.secret('a'), (value) => {
      const made = text(value)
      if (made === 'bad') throw new Error('unfit')
      return { made, close: () => void closed.push(made) }
    })
    await server.db.rotate('a', 'bad')
    await store.refresh()
    expect([updater.get().made, updater.error]).toMatchObject(['1', { message: 'unfit' }])
    await server.db.rotate('a', '3')
    await store.refresh()
    expect([updater.get().made, updater.error]).toEqual(['3', undefined])
    await updater.close()
    expect(closed).toEqual(['1', '3'])
  })

  test('the prefix of fields is put before names, which are not cleaned', async () => {
    const { open, server } = await started({ 'web//a/../b': 'one', 'web/port': '80' })
    const wanted = { b: { secret: '/a/../b', as: live(asText) }, port: (v: Uint8Array) => +text(v) }
    const prefix = 'web/'
    const store = await open({ secrets: fieldSecrets(wanted, { prefix }) })
    const made = await fields(store, wanted, { prefix })
    expect([made.b.get(), made.port]).toEqual(['one', 80])
    await server.db.rotate('web//a/../b', 'two')
    await store.refresh()
    expect(made.b.get()).toBe('two')
  })

  test('a store of @secreg/store takes a client as its source', async () => {
    const { base, server } = await started({ a: '1' })
    await using store = await openStore({ source: setecSource(base.client), secrets: ['a'] })
    await server.db.rotate('a', '2')
    await store.refresh()
    expect(store.secret('a').text()).toBe('2')
    expect(() => setecSource({} as never)).toThrow(TypeError)
  })
})

describe('the cache', () => {
  test('starts a program while the server is away', async () => {
    const { open, base, server } = await started({ a: 'A' })
    const cache = memoryCache()
    await (await open({ secrets: ['a'], cache })).close()
    await server.close()
    const store = await openSetecStore({ ...base, secrets: ['a'], cache })
    expect(store.secret('a').text()).toBe('A')
    expect(store.secret('a').checkedAtMs).toBeUndefined()
    await store.close()
  })
})
