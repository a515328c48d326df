import { memoryCache, openStore } from '@secreg/store'
import { describe, expect, test } from 'vitest'
import { bytes, denied, FakeClock, FakeSource, faultLog, settle, text } from './support.ts'

const HOUR = 3_600_000
const middle = () => 0.5

/** A store, and a change that writes to its source as the source's own write would. */
async function opened(options: { allowLookup?: boolean; maxUndeclared?: number } = {}) {
  const clock = new FakeClock()
  const source = new FakeSource(clock, { a: 'a1' })
  const log = faultLog()
  const store = await openStore({
    source,
    secrets: ['a'],
    clock,
    random: middle,
    onError: log.onError,
    ...options,
  })
  const write = (name: string, value: string, version: number) => async () => {
    source.set(name, value, version)
    return { value: bytes(value), version }
  }
  return { clock, source, store, write, ...log }
}

describe('a change', () => {
  test('is what the handle gives as soon as it is made, without another request', async () => {
    const { source, store, write } = await opened()
    await using _ = store
    const secret = store.secret('a')
    expect(await store.change('a', write('a', 'a9', 9))).toBe(secret)
    expect([secret.text(), secret.version, source.called('a')]).toEqual(['a9', 9, 1])
  })

  test('waits for a request under way, whose answer is from before', async () => {
    const { clock, source, store, write } = await opened()
    await using _ = store
    source.latency = [0, 100]
    const refreshed = store.refresh()
    await settle()
    const changed = store.change('a', write('a', 'a2', 2))
    await clock.advance(99)
    expect(source.active.get('a')?.version).toBe(1)
    await clock.advance(1)
    await Promise.all([refreshed, changed])
    expect(store.secret('a').text()).toBe('a2')
  })

  test('keeps requests waiting, which then find what it made', async () => {
    const { source, store } = await opened()
    await using _ = store
    let make = (): void => {}
    const changed = store.change('a', async () => {
      await new Promise<void>((resolve) => {
        make = resolve
      })
      source.set('a', 'a2', 2)
      return { value: bytes('a2'), version: 2 }
    })
    await settle()
    source.set('a', 'a3', 3)
    const refreshed = store.refresh()
    await settle()
    expect(source.called('a')).toBe(1)
    make()
    await Promise.all([changed, refreshed])
    expect(source.called('a')).toBe(2)
    expect(store.secret('a').text()).toBe('a2')
  })

  test('that fails is told to who made it only, and the secret is asked for again', async () => {
    const { source, store, faults } = await opened()
    await using _ = store
    source.set('a', 'a2', 2)
    await expect(store.change('a', () => Promise.reject(denied()))).rejects.toMatchObject({
      code: 'ERR_ACCESS_DENIED',
    })
    await settle()
    expect(store.secret('a').text()).toBe('a2')
    expect(faults).toEqual([])
  })

  test('that answers no value with a version has failed', async () => {
    const { store } = await opened()
    await using _ = store
    for (const answer of [undefined, { value: 'text', version: 1 }, { value: bytes('x') }]) {
      await expect(store.change('a', async () => answer as never)).rejects.toMatchObject({
        code: 'ERR_STORE_ANSWER',
      })
    }
    expect(store.secret('a').text()).toBe('a1')
  })

  test('that takes too long is given up', async () => {
    const { clock, source, store } = await opened()
    await using _ = store
    const signals: AbortSignal[] = []
    const changed = store.change('a', ({ signal }) => {
      signals.push(signal)
      return new Promise<never>(() => {})
    })
    const failed = expect(changed).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' })
    source.set('a', 'a2', 2)
    await clock.advance(30_000)
    await failed
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(store.secret('a').text()).toBe('a2')
  })

  test('of a name that is not here adds it', async () => {
    const { clock, source, store, write } = await opened({ allowLookup: true })
    await using _ = store
    const secret = await store.change('b', write('b', 'b1', 1))
    expect([secret.text(), store.names, source.called('b')]).toEqual(['b1', ['a', 'b'], 0])
    source.set('b', 'b2')
    await clock.advance(HOUR)
    expect(secret.text()).toBe('b2')
  })

  test('of a name that is looked up meanwhile ends with what is new', async () => {
    const { clock, source, store, write } = await opened({ allowLookup: true })
    await using _ = store
    source.set('b', 'b1')
    source.latency = [0, 100]
    const found = store.lookup('b')
    await settle()
    const changed = store.change('b', write('b', 'b2', 2))
    await clock.advance(300)
    expect((await changed).text()).toBe('b2')
    expect(await found).toBe(await changed)
  })

  test('of a name that is not here and fails adds nothing', async () => {
    const { store } = await opened({ allowLookup: true })
    await using _ = store
    await expect(store.change('b', () => Promise.reject(denied()))).rejects.toThrow()
    expect(store.names).toEqual(['a'])
  })

  test('needs room, lookups and a function', async () => {
    const full = await opened({ allowLookup: true, maxUndeclared: 0 })
    let made = 0
    const change = async () => ({ value: bytes(String(++made)), version: 1 })
    await expect(full.store.change('b', change)).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    const closed = await opened()
    await expect(closed.store.change('b', change)).rejects.toThrow(TypeError)
    await expect(closed.store.change('a', undefined as never)).rejects.toThrow(TypeError)
    await expect(closed.store.change('', change)).rejects.toThrow(RangeError)
    await closed.store.close()
    await expect(closed.store.change('a', change)).rejects.toMatchObject({
      code: 'ERR_STORE_CLOSED',
    })
    await full.store.close()
    expect(made).toBe(0)
  })
})

describe('what belongs to a poll', () => {
  test('runs with each poll and refresh, which is over when it is', async () => {
    const clock = new FakeClock()
    const source = new FakeSource(clock, { a: '1' })
    let runs = 0
    let release = (): void => {}
    const onPoll = () => {
      runs++
      return new Promise<void>((resolve) => {
        release = resolve
      })
    }
    await using store = await openStore({
      source,
      secrets: ['a'],
      clock,
      random: middle,
      onPoll,
    })
    expect(runs).toBe(0)
    await clock.advance(HOUR)
    expect(runs).toBe(1)
    release()
    let over = false
    const refreshed = store.refresh().then(() => {
      over = true
    })
    await settle()
    expect([runs, over]).toEqual([2, false])
    release()
    await refreshed
  })

  test('fails the refresh, and is told of', async () => {
    const clock = new FakeClock()
    const source = new FakeSource(clock, { a: '1' })
    const log = faultLog()
    const failure = new Error('no')
    await using store = await openStore({
      source,
      secrets: ['a'],
      clock,
      onError: log.onError,
      onPoll: () => {
        throw failure
      },
    })
    source.set('a', '2')
    const refreshed = store.refresh()
    await expect(refreshed).rejects.toMatchObject({
      code: 'ERR_STORE_REFRESH',
      names: [],
      cause: { errors: [failure] },
    })
    expect(store.secret('a').text()).toBe('2')
    expect(log.faults).toEqual([{ kind: 'poll', error: failure }])
  })

  test('is told when the store is closed, and not waited for', async () => {
    const clock = new FakeClock()
    const source = new FakeSource(clock, { a: '1' })
    const signals: AbortSignal[] = []
    const store = await openStore({
      source,
      secrets: ['a'],
      clock,
      onPoll: ({ signal }) => {
        signals.push(signal)
        return new Promise<never>(() => {})
      },
    })
    const refreshed = expect(store.refresh()).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
    await settle()
    await store.close()
    await refreshed
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })
})

describe('numbers of a store', () => {
  test('count polls, their failures and reads', async () => {
    const { clock, source, store } = await opened()
    await using _ = store
    expect(store.stats()).toEqual({ polls: 0, pollErrors: 0, reads: 0, latestPollMs: undefined })
    store.secret('a').text()
    store.secret('a').value()
    await clock.advance(HOUR)
    const polledMs = clock.now
    expect(store.stats()).toEqual({ polls: 1, pollErrors: 0, reads: 2, latestPollMs: polledMs })
    source.failures.set('a', denied())
    await clock.advance(500)
    await expect(store.refresh()).rejects.toThrow()
    expect(store.stats()).toMatchObject({
      polls: 2,
      pollErrors: 1,
      latestPollMs: polledMs + 500,
    })
  })
})

test('the cache is written when it is asked for', async () => {
  const clock = new FakeClock()
  const source = new FakeSource(clock, { a: '1' })
  const memory = memoryCache()
  let writes = 0
  const cache = {
    read: () => memory.read(),
    write: async (written: Uint8Array) => {
      writes++
      await memory.write(written)
    },
  }
  await using store = await openStore({ source, secrets: ['a'], clock, cache })
  await clock.advance(5000)
  expect(writes).toBe(1)
  store.saveCache()
  await settle()
  expect(writes).toBe(2)
  expect(text((await memory.read()) as Uint8Array)).toContain('"a"')
})
