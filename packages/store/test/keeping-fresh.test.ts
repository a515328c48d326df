import { memoryCache, openStore, type SecretCache } from '@secreg/store'
import { describe, expect, test } from 'vitest'
import {
  bytes,
  denied,
  FakeClock,
  FakeSource,
  faultLog,
  settle,
  text,
  unreachable,
  WatchedSource,
} from './support.ts'

const HOUR = 3_600_000
const middle = () => 0.5

describe('polling', () => {
  test.each([
    [0, 0.9],
    [0.5, 1],
    [0.999999999, 1.1],
  ])('the interval has a jitter drawn once: %d gives %d of it', async (drawn, part) => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    let draws = 0
    const random = () => {
      draws++
      return drawn
    }
    await using store = await openStore({ source: fake, secrets: ['a'], clock, random })
    const interval = Math.round(HOUR * part)
    for (let round = 1; round <= 3; round++) {
      await clock.advance(interval - 1)
      expect(fake.called('a')).toBe(round)
      await clock.advance(1)
      expect(fake.called('a')).toBe(round + 1)
    }
    expect(draws).toBe(1)
    expect(store.secret('a').text()).toBe('1')
  })

  test.each([0, -1])('%d is no polling', async (pollIntervalMs) => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    await using store = await openStore({ source: fake, secrets: ['a'], clock, pollIntervalMs })
    expect(clock.pending).toBe(0)
    fake.set('a', '2')
    await store.refresh()
    expect(store.secret('a').text()).toBe('2')
  })

  test('it asks whether the value changed, and tells of those that did', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1', b: '1' })
    const updates: unknown[] = []
    await using store = await openStore({
      source: fake,
      secrets: ['a', 'b'],
      clock,
      random: middle,
      onUpdate: (update) => updates.push(update),
    })
    expect(updates).toEqual([])
    const [a, b] = [store.secret('a'), store.secret('b')]
    fake.set('a', '2')
    await clock.advance(HOUR)
    expect(fake.calls.slice(2)).toEqual([
      { method: 'getIfChanged', name: 'a' },
      { method: 'getIfChanged', name: 'b' },
    ])
    expect([a.text(), a.version, b.text(), b.version]).toEqual(['2', 2, '1', 1])
    expect(updates).toEqual([{ secret: 'a', version: 2 }])
  })

  test('a rollback to a lower number is a change', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    fake.set('a', '9', 9)
    await using store = await openStore({ source: fake, secrets: ['a'], clock })
    fake.set('a', '4', 4)
    await store.refresh()
    expect([store.secret('a').text(), store.secret('a').version]).toEqual(['4', 4])
  })

  test('another value under the same number is a change', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    fake.getIfChanged = (name, _, options) => fake.get(name, options)
    await using store = await openStore({ source: fake, secrets: ['a'], clock })
    fake.set('a', 'another', 1)
    await store.refresh()
    expect(store.secret('a').text()).toBe('another')
  })

  test('one name that fails does not keep the others from updating', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1', b: '1', c: '1' })
    const { faults, onError } = faultLog()
    await using store = await openStore({ source: fake, secrets: ['a', 'b', 'c'], clock, onError })
    fake.failures.set('b', denied())
    for (const name of ['a', 'b', 'c']) fake.set(name, '2')
    const error = await store.refresh().catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'ERR_STORE_REFRESH',
      names: ['b'],
      message: 'not refreshed: "b"',
      cause: { errors: [{ reason: 'ACCESS_DENIED' }] },
    })
    expect(['a', 'b', 'c'].map((name) => store.secret(name as 'a').text())).toEqual(['2', '1', '2'])
    expect(faults).toMatchObject([{ kind: 'fetch', secret: 'b' }])
  })

  test('one name that is slow does not keep the others waiting', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1', b: '1' })
    await using store = await openStore({
      source: fake,
      secrets: ['a', 'b'],
      clock,
      random: middle,
    })
    const get = fake.getIfChanged.bind(fake)
    fake.getIfChanged = (name, version, options) =>
      name === 'a' ? new Promise(() => {}) : get(name, version, options)
    fake.set('b', '2')
    await clock.advance(HOUR)
    expect(store.secret('b').text()).toBe('2')
  })

  test('a deleted secret keeps its value and is reported at each poll', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    const { faults, onError } = faultLog()
    const options = { source: fake, secrets: ['a'], clock, onError, random: middle } as const
    await using store = await openStore({ ...options, pollIntervalMs: 1000 })
    fake.active.delete('a')
    for (let poll = 1; poll <= 3; poll++) {
      await clock.advance(1000)
      expect(faults).toHaveLength(poll)
    }
    expect(store.secret('a').text()).toBe('1')
    fake.set('a', 'again', 2)
    await clock.advance(1000)
    expect(store.secret('a').text()).toBe('again')
  })

  test('what failed is asked for again before the next poll: after 1, 2, 4 … s', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    const { faults, onError } = faultLog()
    const options = { source: fake, secrets: ['a'], clock, onError, random: middle } as const
    await using store = await openStore({ ...options, pollIntervalMs: 60_000 })
    fake.failures.set('a', unreachable())
    await clock.advance(60_000)
    const at = [0]
    for (let second = 1; second <= 59; second++) {
      const before = faults.length
      await clock.advance(1000)
      if (faults.length > before) at.push(second)
    }
    expect(at).toEqual([0, 1, 3, 7, 15, 31])
    fake.failures.clear()
    fake.set('a', '2')
    await clock.advance(1000)
    expect(store.secret('a').text()).toBe('2')
    // It begins anew.
    fake.failures.set('a', unreachable())
    await clock.advance(60_000)
    const asked = fake.calls.length
    await clock.advance(1000)
    expect(fake.calls.length).toBe(asked + 1)
  })

  test('what is denied waits for the next poll', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    await using _ = await openStore({ source: fake, secrets: ['a'], clock, random: middle })
    fake.failures.set('a', denied())
    await clock.advance(2 * HOUR - 1)
    expect(fake.calls).toHaveLength(2)
  })

  test('at most so many requests are made at once', async () => {
    const clock = new FakeClock()
    const names = Array.from({ length: 50 }, (_, index) => `s${index}`)
    const fake = new FakeSource(clock, Object.fromEntries(names.map((name) => [name, 'x'])))
    fake.latency = [5, 5]
    const opened = openStore({ source: fake, secrets: names, clock, concurrency: 3 })
    await clock.advance(1000)
    await using store = await opened
    void store.refresh()
    await clock.advance(1000)
    expect(fake.mostInFlight).toBe(3)
    expect(fake.calls).toHaveLength(100)
  })
})

test('many secrets at once give no warning of leaking listeners', async () => {
  const warnings: unknown[] = []
  const warn = (warning: Error) => warnings.push(warning.name)
  process.on('warning', warn)
  try {
    const clock = new FakeClock()
    const names = Array.from({ length: 60 }, (_, index) => `s${index}`)
    const source = new WatchedSource(clock)
    source.latency = [5, 5]
    const options = { source, secrets: names, clock, concurrency: 64, allowLookup: true } as const
    const opened = openStore<string>(options)
    await clock.advance(30)
    for (const name of [...names, 'x']) source.set(name, name)
    await clock.advance(5000)
    const store = await opened
    void Promise.allSettled(names.map(() => store.refresh()))
    void Promise.allSettled(names.map((name) => store.lookup(`${name} more`)))
    await clock.advance(5)
    await store.close()
    await settle()
    expect(warnings).toEqual([])
  } finally {
    process.off('warning', warn)
  }
})

describe('refresh', () => {
  test('calls at the same time share their requests', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    await using store = await openStore({ source: fake, secrets: ['a'], clock })
    fake.set('a', '2')
    await Promise.all([store.refresh(), store.refresh(), store.refresh()])
    expect(fake.called('a')).toBe(2)
  })

  test('a call during a request gets an answer of its own time', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    await using store = await openStore({ source: fake, secrets: ['a'], clock })
    fake.latency = [0, 10]
    const first = store.refresh()
    await clock.advance(5)
    fake.set('a', '2')
    let seen = ''
    const later = [store.refresh(), store.refresh()]
    void Promise.all(later).then(() => {
      seen = store.secret('a').text()
    })
    await clock.advance(5)
    await first
    expect([store.secret('a').text(), seen]).toEqual(['1', ''])
    await clock.advance(10)
    expect(seen).toBe('2')
    expect(fake.called('a')).toBe(3)
  })

  test('an aborted call stops waiting, and nothing else', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    await using store = await openStore({ source: fake, secrets: ['a'], clock })
    fake.latency = [10, 0]
    fake.set('a', '2')
    const stop = new AbortController()
    const refreshed = store.refresh({ signal: stop.signal })
    const caught = refreshed.catch((error: unknown) => error)
    stop.abort(new Error('enough'))
    expect(await caught).toMatchObject({ message: 'enough' })
    await clock.advance(10)
    expect(store.secret('a').text()).toBe('2')
    await expect(store.refresh({ signal: stop.signal })).rejects.toThrow('enough')
  })

  test('the late answer of a request that was given up is dropped', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    await using store = await openStore({
      source: fake,
      secrets: ['a'],
      clock,
      requestTimeoutMs: 10,
    })
    fake.set('a', '2')
    fake.latency = [0, 50]
    const slow = store.refresh().catch((error: unknown) => error)
    await clock.advance(10)
    expect(await slow).toMatchObject({ cause: { errors: [{ code: 'ERR_STORE_TIMEOUT' }] } })
    fake.latency = [0, 0]
    fake.set('a', '3')
    await store.refresh()
    await clock.advance(100)
    expect(store.secret('a').text()).toBe('3')
  })
})

describe('watching', () => {
  const open = async (secrets: Record<string, string>, options: object = {}) => {
    const clock = new FakeClock()
    const source = new WatchedSource(clock, secrets)
    const log = faultLog()
    const store = await openStore({
      source,
      secrets: Object.keys(secrets),
      clock,
      random: middle,
      onError: log.onError,
      ...options,
    })
    await settle()
    return { clock, source, store, faults: log.faults }
  }

  test('a change that is told is fetched at once, only that one', async () => {
    const { source, store } = await open({ a: '1', b: '1' })
    expect(source.watching.names).toEqual(['a', 'b'])
    const asked = source.calls.length
    source.set('b', '2')
    source.watching.change(['b', 'unknown'])
    await settle()
    expect(source.calls.slice(asked)).toEqual([{ method: 'getIfChanged', name: 'b' }])
    expect(store.secret('b')?.text()).toBe('2')
    await store.close()
  })

  test('everything is asked for as soon as the watching stands', async () => {
    const { source, store } = await open({ a: '1', b: '1' })
    expect(source.calls.slice(2).map(({ name }) => name)).toEqual(['a', 'b'])
    await store.close()
  })

  test('a thousand changes at once are two requests', async () => {
    const { clock, source, store } = await open({ a: '0' })
    source.latency = [1, 1]
    const asked = source.calls.length
    for (let change = 1; change <= 1000; change++) {
      source.set('a', String(change))
      source.watching.change(['a'])
      if (change === 500) await settle()
    }
    await clock.advance(10)
    expect(store.secret('a')?.text()).toBe('1000')
    expect(source.calls.length - asked).toBe(2)
    await store.close()
  })

  test('when it ends it is tried again after 100, 200 … 30,000 ms, and polling goes on', async () => {
    const { clock, source, store, faults } = await open({ a: '1' })
    source.watching.end(unreachable())
    source.watch = async () => {
      throw unreachable()
    }
    await settle()
    source.set('a', '2')
    const waits: number[] = []
    let at = clock.now
    for (let tries = 0; tries < 10; tries++) {
      const before = faults.length
      while (faults.length === before) await clock.advance(100)
      waits.push(clock.now - at)
      at = clock.now
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000])
    await clock.advance(HOUR)
    expect(store.secret('a')?.text()).toBe('2')
    await store.close()
  })

  test('one that ends without an error is a fault too', async () => {
    const { clock, source, store, faults } = await open({ a: '1' })
    source.watching.end()
    await settle()
    expect(faults).toMatchObject([{ kind: 'watch', error: { code: 'ERR_STORE_WATCH_ENDED' } }])
    source.set('a', '2')
    await clock.advance(100)
    expect(source.watches).toHaveLength(2)
    expect(store.secret('a')?.text()).toBe('2')
    await store.close()
  })

  test('names that are looked up are watched too, together', async () => {
    const { clock, source, store } = await open({ a: '1' }, { allowLookup: true })
    source.set('b', 'B')
    source.set('c', 'C')
    await store.lookup('c')
    await clock.advance(500)
    await store.lookup('b')
    expect(source.watches).toHaveLength(1)
    await clock.advance(500)
    expect(source.watches).toHaveLength(2)
    expect(source.watches[0]?.signal.aborted).toBe(true)
    expect(source.watching.names).toEqual(['a', 'b', 'c'])
    await store.close()
    expect(source.watching.signal.aborted).toBe(true)
  })

  test('with nothing to watch it waits for a name', async () => {
    const { clock, source, store, faults } = await open({}, { allowLookup: true })
    expect(source.watches).toHaveLength(0)
    source.set('b', 'B')
    await store.lookup('b')
    await clock.advance(1000)
    expect(source.watching.names).toEqual(['b'])
    expect(faults).toEqual([])
    await store.close()
  })

  test('a watch that was replaced is not listened to any more', async () => {
    const { clock, source, store } = await open({ a: '1' }, { allowLookup: true })
    source.set('b', 'B')
    await store.lookup('b')
    await clock.advance(1000)
    const asked = source.calls.length
    source.watches[0]?.change()
    await settle()
    expect(source.calls.length).toBe(asked)
    await store.close()
  })

  test('watch: false does not', async () => {
    const { source, store } = await open({ a: '1' }, { watch: false })
    expect(source.watches).toHaveLength(0)
    await store.close()
  })

  test('a source that can neither be polled nor watched is asked only by refresh', async () => {
    const { clock, source, store } = await open({ a: '1' }, { watch: false, pollIntervalMs: 0 })
    source.failures.set('a', unreachable())
    await store.refresh().catch(() => {})
    expect(clock.pending).toBe(0)
    await store.close()
  })
})

describe('writing the cache', () => {
  class SlowCache implements SecretCache {
    readonly written: string[] = []
    failure: Error | undefined
    async read(): Promise<undefined> {}
    async write(content: Uint8Array): Promise<void> {
      const copy = text(content)
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
      if (this.failure !== undefined) throw this.failure
      this.written.push(copy)
    }
    get last(): string {
      const { secret } = JSON.parse(this.written.at(-1) ?? '{}').a
      return atob(secret.Value)
    }
  }

  test('changes are written, at most once a second, the last one always', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '0' })
    const cache = new SlowCache()
    const store = await openStore({ source: fake, secrets: ['a'], clock, cache, watch: false })
    for (let change = 1; change <= 300; change++) {
      fake.set('a', String(change))
      await store.refresh()
      await clock.advance(10)
    }
    expect(cache.written.length).toBeLessThanOrEqual(5)
    await clock.advance(1000)
    expect(cache.last).toBe('300')
    const count = cache.written.length
    await clock.advance(60_000)
    expect(cache.written.length).toBe(count)
    fake.set('a', 'final')
    await store.refresh()
    await store.close()
    expect(cache.last).toBe('final')
    expect(clock.pending).toBe(0)
  })

  test('a write that fails is said and tried again, ever more seldom', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '0' })
    const cache = new SlowCache()
    cache.failure = new Error('disk full')
    const { faults, onError } = faultLog()
    const store = await openStore({ source: fake, secrets: ['a'], clock, cache, onError })
    await clock.advance(600_000)
    expect(faults.length).toBeGreaterThan(5)
    expect(faults.length).toBeLessThan(20)
    expect(faults[0]).toMatchObject({ kind: 'cache-write', error: { message: 'disk full' } })
    expect(store.secret('a').text()).toBe('0')
    cache.failure = undefined
    await clock.advance(64_000)
    expect(cache.last).toBe('0')
    await store.close()
  })

  test('a close that cannot write says so and closes', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '0' })
    const cache = new SlowCache()
    cache.failure = new Error('disk full')
    const { faults, onError } = faultLog()
    const store = await openStore({ source: fake, secrets: ['a'], clock, cache, onError })
    await store.close()
    expect(faults.at(-1)).toMatchObject({ kind: 'cache-write' })
    expect(clock.pending).toBe(0)
  })

  test('the time of the last access is written at the end', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: 'A' })
    const cache = memoryCache()
    const store = await openStore({ source: fake, secrets: ['a'], clock, cache })
    await clock.advance(5000)
    store.secret('a').value()
    await store.close()
    expect(text((await cache.read()) as Uint8Array)).toContain('"lastAccess":"1700000005"')
  })

  test('what is handed to the cache is wiped after the write', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: 'A' })
    const handed: Uint8Array[] = []
    const cache: SecretCache = {
      read: async () => undefined,
      write: async (content) => void handed.push(content),
    }
    const store = await openStore({ source: fake, secrets: ['a'], clock, cache })
    await store.close()
    expect(handed.length).toBeGreaterThan(0)
    for (const content of handed) expect(content.every((byte) => byte === 0)).toBe(true)
    expect(bytes('x')[0]).not.toBe(0)
  })
})
