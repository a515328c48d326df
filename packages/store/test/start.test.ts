import { SecregError } from '@secreg/protocol'
import { memoryCache, openStore, StoreError, staticSource } from '@secreg/store'
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
} from './support.ts'

const nothing = () => Promise.reject(new Error('not asked'))
const source = { get: nothing, getIfChanged: nothing }

describe('wrong options', () => {
  const base = { source, secrets: ['a'] }
  const cases: [string, unknown, typeof TypeError | typeof RangeError][] = [
    ['no options', undefined, TypeError],
    ['no source', { secrets: ['a'] }, TypeError],
    ['a source that cannot get', { source: { getIfChanged: nothing }, secrets: ['a'] }, TypeError],
    ['a source that cannot compare', { source: { get: nothing }, secrets: ['a'] }, TypeError],
    ['no names while lookups are off', { source }, RangeError],
    ['an empty list while lookups are off', { source, secrets: [] }, RangeError],
    ['an empty name', { source, secrets: ['a', ''] }, RangeError],
    ['a name that is a number', { source, secrets: [1] }, TypeError],
    ['names that are text', { source, secrets: 'a' }, TypeError],
    ['a cache that cannot write', { ...base, cache: { read: nothing } }, TypeError],
    ['allowLookup: 1', { ...base, allowLookup: 1 }, TypeError],
    ['watch: null', { ...base, watch: null }, TypeError],
    ['pollIntervalMs: text', { ...base, pollIntervalMs: '1' }, TypeError],
    ['pollIntervalMs: NaN', { ...base, pollIntervalMs: Number.NaN }, RangeError],
    ['pollIntervalMs above the timers', { ...base, pollIntervalMs: 2 ** 31 }, RangeError],
    ['expiryMs: -1', { ...base, expiryMs: -1 }, RangeError],
    ['requestTimeoutMs: -1', { ...base, requestTimeoutMs: -1 }, RangeError],
    ['requestTimeoutMs: 0.5', { ...base, requestTimeoutMs: 0.5 }, RangeError],
    ['concurrency: 0', { ...base, concurrency: 0 }, RangeError],
    ['maxUndeclared: -1', { ...base, maxUndeclared: -1 }, RangeError],
    ['onError: text', { ...base, onError: 'x' }, TypeError],
    ['onUpdate: null', { ...base, onUpdate: null }, TypeError],
    ['isPermanent: true', { ...base, isPermanent: true }, TypeError],
    ['random: 0.5', { ...base, random: 0.5 }, TypeError],
    ['a clock without timers', { ...base, clock: { nowMs: () => 0 } }, TypeError],
    ['a signal that is none', { ...base, signal: {} }, TypeError],
  ]
  test.each(cases)('%s', async (_, options, type) => {
    await expect(openStore(options as never)).rejects.toThrow(type)
  })
})

describe('without a cache', () => {
  test('names are sorted and fetched once each', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { b: '2', a: '1' })
    await using store = await openStore({ source: fake, secrets: ['b', 'a', 'b'], clock })
    expect(store.names).toEqual(['a', 'b'])
    expect(fake.calls.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(store.secret('a').text()).toBe('1')
    expect(store.secret('b').version).toBe(1)
  })

  test('a name that fails is asked for again after 1, 2, 4 … 4096, 4096 ms', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock)
    const { faults, onError } = faultLog()
    const opened = openStore({ source: fake, secrets: ['a'], clock, requestTimeoutMs: 0, onError })
    await clock.advance(8191 + 2 * 4096)
    expect(clock.delays.slice(0, 15)).toEqual([
      1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096,
    ])
    expect(faults[0]).toMatchObject({ kind: 'fetch', secret: 'a', error: { reason: 'NOT_FOUND' } })
    expect(faults).toHaveLength(fake.calls.length)
    fake.set('a', 'late')
    await clock.advance(4096)
    await using store = await opened
    expect(store.secret('a').text()).toBe('late')
  })

  test('one name that waits does not keep the others waiting', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { b: '2', c: '3' })
    const opened = openStore({ source: fake, secrets: ['a', 'b', 'c'], clock })
    await clock.advance(100)
    expect(fake.called('b')).toBe(1)
    expect(fake.called('c')).toBe(1)
    fake.set('a', '1')
    await clock.advance(4096)
    await (await opened).close()
  })

  test('what waiting cannot mend fails at once and names every such name, never more', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { c: 'treasure' })
    fake.failures.set('d', denied()).set('b', denied())
    const opened = openStore({ source: fake, secrets: ['a', 'b', 'c', 'd'], clock })
    const error = await opened.catch((error: unknown) => error)
    expect(StoreError.is(error, 'ERR_STORE_REFUSED')).toBe(true)
    expect((error as StoreError).names).toEqual(['b', 'd'])
    expect((error as StoreError).message).toBe('the source refuses "b", "d"')
    expect((error as { cause: AggregateError }).cause.errors).toHaveLength(2)
    expect(fake.called('a')).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('a refusal waits at most a second for the others', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { slow: 'x' })
    fake.failures.set('b', denied())
    const slow = { ...fake, get: fake.get.bind(fake), getIfChanged: fake.getIfChanged.bind(fake) }
    slow.get = (name, options) =>
      name === 'slow' ? new Promise(() => {}) : fake.get(name, options)
    const opened = openStore({ source: slow, secrets: ['b', 'slow'], clock }).catch((e) => e)
    await clock.advance(1000)
    expect(await opened).toMatchObject({ code: 'ERR_STORE_REFUSED', names: ['b'] })
    expect(clock.pending).toBe(0)
  })

  const reasons: [string, boolean][] = [
    ['ACCESS_DENIED', true],
    ['AUTH_FAILED', true],
    ['AUTH_REQUIRED', true],
    ['PATH_INVALID', true],
    ['NOT_FOUND', false],
    ['STORAGE_KEY_NOT_FOUND', false],
    ['UNREACHABLE', false],
    ['SEALED', false],
    ['BUSY', false],
    ['TIMEOUT', false],
    ['SESSION_INVALID', false],
    ['AUTH_LOCKED_OUT', false],
    ['INTERNAL', false],
  ]
  test.each(reasons)('%s is final: %s', async (reason, final) => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    fake.failures.set('a', new SecregError(reason as 'INTERNAL', 'x'))
    const opened = openStore({ source: fake, secrets: ['a'], clock }).then(
      (store) => store,
      (error: unknown) => error,
    )
    await settle()
    fake.failures.clear()
    await clock.advance(10)
    const result = await opened
    expect(StoreError.is(result, 'ERR_STORE_REFUSED')).toBe(final)
    if (!final) await (result as AsyncDisposable)[Symbol.asyncDispose]()
  })

  test('another predicate decides; one that fails decides nothing', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock)
    const options = { source: fake, secrets: ['a'], clock }
    await expect(openStore({ ...options, isPermanent: () => true })).rejects.toThrow('refuses')
    const broken = () => {
      throw new Error('predicate')
    }
    const opened = openStore({ ...options, isPermanent: broken })
    await settle()
    fake.set('a', '1')
    await clock.advance(10)
    await (await opened).close()
  })

  test('an aborted start names what is missing and says what the source said', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    fake.failures.set('b', unreachable())
    const stop = new AbortController()
    const opened = openStore({ source: fake, secrets: ['a', 'b'], clock, signal: stop.signal })
    const caught = opened.catch((error: unknown) => error)
    await clock.advance(50)
    stop.abort(new Error('enough'))
    const error = (await caught) as StoreError & { cause: AggregateError }
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', names: ['b'] })
    expect(error.cause.errors.map(({ message }: Error) => message)).toEqual([
      'nobody listens',
      'enough',
    ])
    expect(clock.pending).toBe(0)
  })

  test('a signal that is aborted already asks nothing', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    const signal = AbortSignal.abort(new Error('early'))
    await expect(openStore({ source: fake, secrets: ['a'], clock, signal })).rejects.toThrow(
      'early',
    )
    expect(fake.calls).toEqual([])
  })

  test('the signal of the start has no effect on a store that stands', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    const stop = new AbortController()
    await using store = await openStore({
      source: fake,
      secrets: ['a'],
      clock,
      signal: stop.signal,
    })
    stop.abort()
    await store.refresh()
    expect(store.secret('a').text()).toBe('1')
  })

  test('of a fixed source one failure is final, and nothing is polled', async () => {
    const clock = new FakeClock()
    const fixed = staticSource({ a: '1' })
    await expect(openStore({ source: fixed, secrets: ['a', 'b'], clock })).rejects.toMatchObject({
      code: 'ERR_STORE_REFUSED',
      names: ['b'],
    })
    await using store = await openStore({ source: fixed, secrets: ['a'], clock })
    expect(store.secret('a').text()).toBe('1')
    expect(clock.pending).toBe(0)
  })

  test('a request that does not end is given up after its time and made again', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: '1' })
    const { faults, onError } = faultLog()
    fake.latency = [40_000, 0]
    const opened = openStore({ source: fake, secrets: ['a'], clock, onError })
    await clock.advance(30_000)
    expect(faults).toMatchObject([{ error: { code: 'ERR_STORE_TIMEOUT' } }])
    fake.latency = [0, 0]
    await clock.advance(10)
    await using store = await opened
    expect(store.secret('a').text()).toBe('1')
  })

  test('an answer that is no value is a failure like another', async () => {
    const clock = new FakeClock()
    const answers: unknown[] = [
      undefined,
      null,
      { value: 'text', version: 1 },
      { value: bytes('x'), version: -1 },
      { value: bytes('x'), version: 1.5 },
      { value: bytes('x'), version: '1' },
      { value: bytes('fine'), version: 0 },
    ]
    const odd = { get: async () => answers.shift() as never, getIfChanged: async () => undefined }
    const { faults, onError } = faultLog()
    const opened = openStore({ source: odd, secrets: ['a'], clock, onError })
    await clock.advance(10_000)
    await using store = await opened
    expect(store.secret('a').text()).toBe('fine')
    expect(faults).toHaveLength(6)
    for (const { error } of faults) expect(error).toMatchObject({ code: 'ERR_STORE_ANSWER' })
  })

  test('a source that throws instead of rejecting does no harm', async () => {
    const clock = new FakeClock()
    let broken = true
    const odd = {
      get(): never | Promise<{ value: Uint8Array; version: number }> {
        if (broken) throw new Error('thrown')
        return Promise.resolve({ value: bytes('x'), version: 1 })
      },
      getIfChanged: async () => undefined,
    }
    const opened = openStore({ source: odd, secrets: ['a'], clock })
    await settle()
    broken = false
    await clock.advance(10)
    await (await opened).close()
  })
})

describe('with a cache', () => {
  const cached = (secrets: Record<string, string>) =>
    memoryCache(
      bytes(
        JSON.stringify(
          Object.fromEntries(
            Object.entries(secrets).map(([name, value]) => [
              name,
              { secret: { Value: btoa(value), Version: 7 }, lastAccess: '1700000000' },
            ]),
          ),
        ),
      ),
    )

  test('everything cached: the store is there while the source is not', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: 'new' })
    fake.failures.set('*', unreachable())
    const { faults, onError } = faultLog()
    const cache = cached({ a: 'old' })
    await using store = await openStore({ source: fake, secrets: ['a'], clock, cache, onError })
    const secret = store.secret('a')
    expect([secret.text(), secret.version, secret.checkedAtMs]).toEqual(['old', 7, undefined])
    await settle()
    expect(fake.calls).toEqual([{ method: 'getIfChanged', name: 'a' }])
    expect(faults).toMatchObject([{ kind: 'fetch', secret: 'a' }])
    fake.failures.clear()
    await clock.advance(1000)
    expect([secret.text(), secret.version, secret.checkedAtMs]).toEqual(['new', 1, clock.now])
  })

  test('partly cached: only the rest is waited for', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: 'A', b: 'B' })
    fake.failures.set('a', unreachable())
    const cache = cached({ a: 'old' })
    await using store = await openStore({ source: fake, secrets: ['a', 'b'], clock, cache })
    expect([store.secret('a').text(), store.secret('b').text()]).toEqual(['old', 'B'])
  })

  test('what is cached and denied now is kept, and said', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock)
    fake.failures.set('a', denied())
    const { faults, onError } = faultLog()
    const cache = cached({ a: 'old' })
    await using store = await openStore({ source: fake, secrets: ['a'], clock, cache, onError })
    await settle()
    expect(store.secret('a').text()).toBe('old')
    expect(faults).toMatchObject([{ kind: 'fetch', error: { reason: 'ACCESS_DENIED' } }])
  })

  test('undeclared names of the cache are taken only where lookups are on', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: 'A' })
    const options = { source: fake, secrets: ['a'], clock }
    const off = await openStore({ ...options, cache: cached({ a: 'old', x: 'X' }) })
    expect(off.names).toEqual(['a'])
    await off.close()
    const on = await openStore({
      ...options,
      cache: cached({ a: 'old', x: 'X' }),
      allowLookup: true,
    })
    expect(on.names).toEqual(['a', 'x'])
    expect(on.secret('x')?.text()).toBe('X')
    await on.close()
  })

  const bad: [string, string][] = [
    ['no JSON', '{"a":"dHJlYXN1cmU'],
    ['an array', '[]'],
    ['null', 'null'],
    ['an empty name', '{"":{"secret":{"Value":"","Version":1}}}'],
    ['a member that is no object', '{"a":1}'],
    ['a member without secret', '{"a":{"lastAccess":"1"}}'],
    ['a version that is text', '{"a":{"secret":{"Value":"","Version":"1"}}}'],
    ['a value that is no base64', '{"a":{"secret":{"Value":"!treasure!","Version":1}}}'],
    ['a last access that is a number', '{"a":{"secret":{"Value":"","Version":1},"lastAccess":1}}'],
  ]
  test.each(bad)('damage counts as empty, and is said: %s', async (_, content) => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: 'A' })
    const { faults, onError } = faultLog()
    const cache = memoryCache(bytes(content))
    await using store = await openStore({ source: fake, secrets: ['a'], clock, cache, onError })
    expect(store.secret('a').text()).toBe('A')
    expect(faults).toMatchObject([{ kind: 'cache-read', error: { code: 'ERR_STORE_FORMAT' } }])
    expect(String((faults[0] as { error: unknown }).error)).not.toContain('treasure')
  })

  test('a cache that cannot be read counts as empty; one that is empty is no fault', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: 'A' })
    const { faults, onError } = faultLog()
    const options = { source: fake, secrets: ['a'], clock, onError }
    const broken = { read: nothing, write: async () => {} }
    await (await openStore({ ...options, cache: broken })).close()
    expect(faults).toMatchObject([{ kind: 'cache-read' }])
    await (await openStore({ ...options, cache: memoryCache() })).close()
    await (await openStore({ ...options, cache: memoryCache(new Uint8Array(0)) })).close()
    expect(faults).toHaveLength(1)
  })

  test.each(['', '"secret":null,'])(
    'an entry of explicit versions alone, with %j, does not spoil the cache',
    async (secret) => {
      const clock = new FakeClock()
      const fake = new FakeSource(clock, { a: 'A' })
      const { faults, onError } = faultLog()
      const cache = memoryCache(
        bytes(
          `{"v":{${secret}"versions":{"5":"eA=="},"lastAccess":"1"},"a":{"secret":{"Value":"b2xk","Version":3},"lastAccess":"1"}}`,
        ),
      )
      fake.failures.set('*', unreachable())
      await using store = await openStore({ source: fake, secrets: ['a'], clock, cache, onError })
      expect(store.secret('a').text()).toBe('old')
      expect(faults.filter(({ kind }) => kind === 'cache-read')).toEqual([])
    },
  )

  test('what was fetched is written, in the format of setec', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { b: 'B', a: 'A' })
    const cache = memoryCache()
    const store = await openStore({ source: fake, secrets: ['a', 'b'], clock, cache })
    await settle()
    expect(text((await cache.read()) as Uint8Array)).toBe(
      '{"a":{"secret":{"Value":"QQ==","Version":1},"lastAccess":"1700000000"},' +
        '"b":{"secret":{"Value":"Qg==","Version":1},"lastAccess":"1700000000"}}',
    )
    await store.close()
  })

  test('a start that fails writes nothing', async () => {
    const clock = new FakeClock()
    const fake = new FakeSource(clock, { a: 'A' })
    fake.failures.set('b', denied())
    const cache = memoryCache()
    await expect(openStore({ source: fake, secrets: ['a', 'b'], clock, cache })).rejects.toThrow()
    await settle()
    expect(await cache.read()).toBeUndefined()
  })
})
