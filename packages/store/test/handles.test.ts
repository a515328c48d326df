import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openStore, type Secret, StoreError } from '@secreg/store'
import { describe, expect, test } from 'vitest'
import { bytes, denied, FakeClock, FakeSource, faultLog, settle, WatchedSource } from './support.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const open = async (secrets: Record<string, string>, options: object = {}) => {
  const clock = new FakeClock()
  const source = new FakeSource(clock, secrets)
  const store = await openStore<string>({
    source,
    secrets: Object.keys(secrets),
    clock,
    random: () => 0.5,
    ...options,
  })
  return { clock, source, store }
}

describe('handles', () => {
  test('a value is a fresh copy that the caller may wipe', async () => {
    const { store } = await open({ a: 'treasure' })
    const secret = store.secret('a') as Secret
    secret.value().fill(0)
    expect(secret.value()).toEqual(bytes('treasure'))
    await store.close()
  })

  test('what the source gave is copied, and stays its own', async () => {
    const clock = new FakeClock()
    let shared = bytes('first')
    let version = 1
    const answer = async () => ({ value: shared, version })
    const source = { get: answer, getIfChanged: answer }
    await using store = await openStore({ source, secrets: ['a'], clock })
    const kept = shared
    shared = bytes('second')
    version = 2
    await store.refresh()
    expect(kept).toEqual(bytes('first'))
    shared.fill(0)
    expect(store.secret('a').text()).toBe('second')
  })

  test('an empty value is a value', async () => {
    const { store } = await open({ a: '' })
    expect(store.secret('a')?.value()).toEqual(new Uint8Array(0))
    expect(store.secret('a')?.text()).toBe('')
    await store.close()
  })

  test('text is UTF-8 or an error that does not quote it', async () => {
    const clock = new FakeClock()
    const answer = async () => ({ value: Uint8Array.of(0x74, 0xff, 0x72), version: 1 })
    const source = { get: answer, getIfChanged: answer }
    await using store = await openStore({ source, secrets: ['a'], clock })
    expect(() => store.secret('a').text()).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_NOT_TEXT', names: ['a'] }),
    )
    expect(store.secret('a').value()).toHaveLength(3)
  })

  test('there is one handle of a secret while somebody holds it', async () => {
    const { store } = await open({ a: '1' })
    expect(store.secret('a')).toBe(store.secret('a'))
    await store.close()
  })

  test('nothing that prints a handle or a store shows a value', async () => {
    const { store } = await open({ a: 'treasure' })
    const secret = store.secret('a')
    const shown = [inspect(secret, { showHidden: true, depth: 9 }), JSON.stringify({ secret })]
    shown.push(`${secret}`, inspect(store, { showHidden: true, depth: 9 }), JSON.stringify(store))
    for (const printed of shown) {
      expect(printed).not.toContain('treasure')
      expect(printed).not.toContain('116, 114') // its bytes
    }
    expect(`${secret}`).toBe('Secret("a")')
    await store.close()
  })

  test('an unknown name is wrong use with lookups off, and undefined with lookups on', async () => {
    const off = await open({ a: '1' })
    expect(() => off.store.secret('b')).toThrow(TypeError)
    await expect(off.store.lookup('b')).rejects.toThrow(TypeError)
    expect(await off.store.lookup('a')).toBe(off.store.secret('a'))
    const on = await open({ a: '1' }, { allowLookup: true })
    expect(on.store.secret('b')).toBeUndefined()
    await off.store.close()
    await on.store.close()
  })

  test.each([
    [1, TypeError],
    [undefined, TypeError],
    ['', RangeError],
  ])('the name %j is wrong', async (name, type) => {
    const { store } = await open({ a: '1' }, { allowLookup: true })
    expect(() => store.secret(name as string)).toThrow(type)
    await expect(store.lookup(name as string)).rejects.toThrow(type)
    await store.close()
  })

  test('names are opaque', async () => {
    const names = ['/a/b', '../x', 'a b', '__proto__', 'constructor', '\0', 'ÄÖ', 'a//b']
    const { store } = await open(
      Object.fromEntries([['toString', 'x'], ...names.map((name) => [name, `=${name}`])]),
    )
    for (const name of names) expect(store.secret(name)?.text()).toBe(`=${name}`)
    await store.close()
  })

  test('an observer that throws breaks nothing', async () => {
    const onUpdate = () => {
      throw new Error('observer')
    }
    const { store, source } = await open({ a: '1' }, { onUpdate, onError: onUpdate })
    source.set('a', '2')
    await store.refresh()
    source.failures.set('a', denied())
    await expect(store.refresh()).rejects.toMatchObject({ code: 'ERR_STORE_REFRESH' })
    expect(store.secret('a')?.text()).toBe('2')
    await store.close()
  })
})

describe('lookups', () => {
  test('calls for one name share one request, and the secret is kept fresh', async () => {
    const { clock, store, source } = await open({ a: '1' }, { allowLookup: true })
    source.set('b', 'B')
    source.latency = [5, 5]
    const found = Promise.all([store.lookup('b'), store.lookup('b'), store.lookup('b')])
    await clock.advance(10)
    const [one, two] = await found
    expect(one).toBe(two)
    expect(one?.text()).toBe('B')
    expect(source.called('b')).toBe(1)
    expect(store.names).toEqual(['a', 'b'])
    source.set('b', 'B2')
    await clock.advance(3_600_010)
    expect(one?.text()).toBe('B2')
    await store.close()
  })

  test('one that fails is not tried again by itself, is told to who asked, and can be repeated', async () => {
    const { faults, onError } = faultLog()
    const { clock, store, source } = await open({ a: '1' }, { allowLookup: true, onError })
    await expect(store.lookup('b')).rejects.toMatchObject({ reason: 'NOT_FOUND' })
    await clock.advance(60_000)
    expect(source.called('b')).toBe(1)
    expect(faults).toEqual([])
    expect(store.secret('b')).toBeUndefined()
    source.set('b', 'B')
    expect((await store.lookup('b')).text()).toBe('B')
    await store.close()
  })

  test('who gives up does not end the request of the others', async () => {
    const { clock, store, source } = await open({ a: '1' }, { allowLookup: true })
    source.set('b', 'B')
    source.latency = [5, 5]
    const stop = new AbortController()
    const given = store.lookup('b', { signal: stop.signal }).catch((error: unknown) => error)
    const kept = store.lookup('b')
    stop.abort(new Error('enough'))
    expect(await given).toMatchObject({ message: 'enough' })
    await clock.advance(10)
    expect((await kept).text()).toBe('B')
    await expect(store.lookup('c', { signal: stop.signal })).rejects.toThrow('enough')
    await store.close()
  })

  test('without a limit of requests it ends after 5 minutes, and a late answer is dropped', async () => {
    const options = { allowLookup: true, requestTimeoutMs: 0 }
    const { clock, store, source } = await open({ a: '1' }, options)
    source.set('b', 'B')
    source.latency = [0, 400_000]
    const found = store.lookup('b').catch((error: unknown) => error)
    await clock.advance(300_000)
    expect(await found).toMatchObject({ code: 'ERR_STORE_TIMEOUT' })
    await clock.advance(100_000)
    expect(store.secret('b')).toBeUndefined()
    await store.close()
  })

  test('too many are refused, those under way counted', async () => {
    const options = { allowLookup: true, maxUndeclared: 2 }
    const { store, source } = await open({ a: '1' }, options)
    for (const name of ['b', 'c', 'd']) source.set(name, name)
    const first = store.lookup('b')
    const second = store.lookup('c')
    await expect(store.lookup('d')).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    await Promise.all([first, second])
    await expect(store.lookup('d')).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    await store.close()
  })

  test('failed ones take no place', async () => {
    const { store, source } = await open({ a: '1' }, { allowLookup: true, maxUndeclared: 1 })
    for (const name of ['x', 'y', 'z']) await store.lookup(name).catch(() => {})
    source.set('b', 'B')
    expect((await store.lookup('b')).text()).toBe('B')
    await store.close()
  })
})

describe('expiry', () => {
  const options = { allowLookup: true, expiryMs: 10_000, pollIntervalMs: 1000, maxUndeclared: 1 }

  test('what was looked up and is no longer used is given up, what is declared never', async () => {
    const { clock, store, source } = await open({ a: '1' }, options)
    source.set('b', 'B')
    await (async () => {
      await store.lookup('b')
    })()
    await clock.advance(9000)
    expect(store.names).toEqual(['a', 'b'])
    collect()
    await settle()
    collect()
    await clock.advance(2000)
    expect(store.names).toEqual(['a'])
    expect(store.secret('b')).toBeUndefined()
    const asked = source.called('b')
    await clock.advance(5000)
    expect(source.called('b')).toBe(asked)
    // Its place is free again.
    expect((await store.lookup('b')).text()).toBe('B')
    await store.close()
  })

  test('a handle that somebody holds keeps it', async () => {
    const { clock, store, source } = await open({ a: '1' }, options)
    source.set('b', 'B')
    const held = await store.lookup('b')
    collect()
    await clock.advance(100_000)
    source.set('b', 'B2')
    await clock.advance(1000)
    expect(held.text()).toBe('B2')
    expect(store.secret('b')).toBe(held)
    await store.close()
  })

  test('reading makes it young', async () => {
    const { clock, store, source } = await open({ a: '1' }, options)
    source.set('b', 'B')
    await (async () => {
      const held = await store.lookup('b')
      await clock.advance(9000)
      held.value()
    })()
    collect()
    await settle()
    collect()
    await clock.advance(9000)
    expect(store.names).toEqual(['a', 'b'])
    await clock.advance(2000)
    expect(store.names).toEqual(['a'])
    await store.close()
  })
})

describe('closing', () => {
  test('everything stops, and values are gone', async () => {
    const clock = new FakeClock()
    const source = new WatchedSource(clock, { a: '1' })
    const store = await openStore({ source, secrets: ['a'], clock, allowLookup: true })
    const secret = store.secret('a')
    await settle()
    source.latency = [50, 50]
    const pending = [store.refresh(), store.lookup('b')].map((promise) =>
      promise.catch((error: unknown) => error),
    )
    await settle()
    await store.close()
    await store.close()
    for (const error of await Promise.all(pending)) {
      expect(StoreError.is(error, 'ERR_STORE_CLOSED')).toBe(true)
    }
    expect(source.watching.signal.aborted).toBe(true)
    for (const use of [() => secret.value(), () => secret.text(), () => store.secret('a')]) {
      expect(use).toThrow(expect.objectContaining({ code: 'ERR_STORE_CLOSED' }))
    }
    await expect(store.lookup('a')).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
    await expect(store.refresh()).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
    expect([secret.name, secret.version]).toEqual(['a', 1])
    await clock.advance(100)
    expect(clock.pending).toBe(0)
  })

  test('a lookup that is answered in the moment of closing leaves nothing behind', async () => {
    const { store, source } = await open({ a: '1' }, { allowLookup: true })
    source.set('b', 'B')
    for (let turns = 0; turns < 40; turns++) {
      const other = await open({ a: '1' }, { allowLookup: true })
      other.source.set('b', 'B')
      const found = other.store.lookup('b').then(
        () => 'found',
        (error: unknown) => (error as StoreError).code,
      )
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      await other.store.close()
      expect(['found', 'ERR_STORE_CLOSED']).toContain(await found)
      expect(() => other.store.secret('b')).toThrow(StoreError)
    }
    await store.close()
  })

  test('the values that were held are overwritten', async () => {
    // The one place where a held array can be seen is the cache's snapshot of it, so this looks at the entry itself.
    const { Entry } = await import('../src/entry.ts')
    const entry = new Entry('a', true, 0)
    entry.put({ value: bytes('first'), version: 1 })
    const first = entry.peek() as Uint8Array
    entry.put({ value: bytes('second'), version: 2 })
    expect(first).toEqual(new Uint8Array(5))
    const second = entry.peek() as Uint8Array
    entry.drop()
    expect(second).toEqual(new Uint8Array(6))
    expect(entry.loaded).toBe(false)
  })
})
