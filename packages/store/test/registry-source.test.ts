import { type GetResponse, SecregError } from '@secreg/protocol'
import { openStore, type RegistryPort, registrySource, StoreError } from '@secreg/store'
import { describe, expect, test } from 'vitest'
import { bytes, denied, FakeClock, settle, text, unreachable } from './support.ts'

const options = { signal: new AbortController().signal }

const answerOf = (value: string | null, more: Partial<GetResponse> = {}): GetResponse => ({
  value,
  type: 'string',
  encrypted: false,
  version: 1,
  modify_revision: 1,
  ...more,
})

/** A registry in memory, whose connections a test cuts. */
class FakeRegistry {
  readonly entries = new Map<string, { value: string; version: number }>()
  readonly requests: object[] = []
  readonly connections: FakePort[] = []
  /** What connecting, asking or watching a key fails with. */
  failure: { connect?: unknown; get?: unknown; watch?: Record<string, unknown> } = {}

  set(key: string, value: string): void {
    const version = (this.entries.get(key)?.version ?? 0) + 1
    this.entries.set(key, { value, version })
    for (const { watches } of this.connections) {
      for (const watch of watches) if (watch.key === key) watch.push({ events: [{ key }] })
    }
  }

  connect = async (): Promise<FakePort> => {
    await settle()
    if (this.failure.connect !== undefined) throw this.failure.connect
    const port = new FakePort(this)
    this.connections.push(port)
    return port
  }

  get last(): FakePort {
    return this.connections.at(-1) as FakePort
  }
}

class FakeWatch {
  readonly key: string
  readonly #batches: unknown[] = []
  #wake = (): void => {}
  #end: { error: unknown } | undefined

  constructor(key: string, signal: AbortSignal) {
    this.key = key
    signal.addEventListener('abort', () => this.fail(signal.reason))
  }

  push(batch: unknown): void {
    this.#batches.push(batch)
    this.#wake()
  }

  fail(error: unknown): void {
    this.#end ??= { error }
    this.#wake()
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#batches.length > 0) {
        yield this.#batches.shift() as { events: readonly { key: string }[] }
      }
      if (this.#end !== undefined) throw this.#end.error
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

class FakePort implements RegistryPort {
  readonly registry: FakeRegistry
  readonly watches: FakeWatch[] = []
  closed = false

  constructor(registry: FakeRegistry) {
    this.registry = registry
  }

  async get(request: { key: string; if_changed?: number | undefined }): Promise<GetResponse> {
    if (this.closed) throw unreachable()
    const { registry } = this
    registry.requests.push(request)
    if (registry.failure.get !== undefined) throw registry.failure.get
    const entry = registry.entries.get(request.key)
    if (entry === undefined) throw new SecregError('STORAGE_KEY_NOT_FOUND', 'no such key')
    const { value, version } = entry
    if (request.if_changed === version) return answerOf(null, { version, unchanged: true })
    return answerOf(value, { version, encrypted: true })
  }

  async watch({ key }: { key: string }, { signal }: { signal?: AbortSignal } = {}) {
    if (this.closed) throw unreachable()
    const failure = this.registry.failure.watch?.[key]
    if (failure !== undefined) throw failure
    const watch = new FakeWatch(key, signal as AbortSignal)
    this.watches.push(watch)
    return watch
  }

  async close(): Promise<void> {
    this.closed = true
    for (const watch of this.watches) watch.fail(unreachable())
  }
}

describe('values', () => {
  const ask = (answer: unknown, version?: number) => {
    const port = { get: async () => answer as GetResponse }
    const source = registrySource(port)
    return version === undefined
      ? source.get('/a', options)
      : source.getIfChanged('/a', version, options)
  }

  test('text is its UTF-8, bytes are the bytes', async () => {
    expect(await ask(answerOf('ü', { version: 7 }))).toEqual({ value: bytes('ü'), version: 7 })
    expect(await ask(answerOf('42', { type: 'integer' }))).toMatchObject({ value: bytes('42') })
    expect(await ask(answerOf('AP8=', { type: 'bytes' }))).toMatchObject({
      value: Uint8Array.of(0, 255),
    })
    expect(await ask(answerOf('', { type: 'bytes' }))).toMatchObject({ value: new Uint8Array(0) })
  })

  test('unchanged is undefined, and only where it was asked', async () => {
    const unchanged = answerOf(null, { unchanged: true })
    expect(await ask(unchanged, 1)).toBeUndefined()
    await expect(ask(unchanged)).rejects.toMatchObject({ code: 'ERR_STORE_ANSWER' })
  })

  test.each([
    ['no value', answerOf(null)],
    ['a number', answerOf(1 as never)],
    ['no base64', answerOf('treasure!', { type: 'bytes' })],
    ['base64 that is not canonical', answerOf('AB==', { type: 'bytes' })],
  ])('%s is no answer, and not quoted', async (_, answer) => {
    const error = await ask(answer, 1).catch((error: unknown) => error)
    expect(StoreError.is(error, 'ERR_STORE_ANSWER')).toBe(true)
    expect(String(error)).not.toContain('treasure')
  })

  test('requests are decrypting, conditional from version 1 on, and carry the signal', async () => {
    const seen: unknown[] = []
    const port = {
      get: async (...request: unknown[]) => {
        seen.push(request)
        return answerOf('x')
      },
    }
    const source = registrySource(port)
    const { signal } = options
    await source.get('/a', options)
    await source.getIfChanged('/a', 3, options)
    await source.getIfChanged('/a', 0, options)
    expect(seen).toEqual([
      [{ key: '/a', decrypt: true }, { signal }],
      [{ key: '/a', decrypt: true, if_changed: 3 }, { signal }],
      [{ key: '/a', decrypt: true }, { signal }],
    ])
  })

  test.each([undefined, {}, null, 'x'])('%j is no connection', (connection) => {
    expect(() => registrySource(connection as never)).toThrow(TypeError)
  })
})

describe('connections', () => {
  test('one is made when it is needed, for all who ask', async () => {
    const registry = new FakeRegistry()
    registry.set('/a', '1')
    await using source = registrySource(registry.connect)
    expect(registry.connections).toHaveLength(0)
    await Promise.all([source.get('/a', options), source.get('/a', options)])
    await source.get('/a', options)
    expect(registry.connections).toHaveLength(1)
  })

  test.each(['UNREACHABLE', 'SESSION_INVALID', 'AUTH_REQUIRED'] as const)(
    'after %s on one that was kept, another is made and asked once',
    async (reason) => {
      const registry = new FakeRegistry()
      registry.set('/a', '1')
      await using source = registrySource(registry.connect)
      await source.get('/a', options)
      const first = registry.last
      const get = first.get.bind(first)
      first.get = async () => {
        throw new SecregError(reason, 'x')
      }
      expect(text((await source.get('/a', options)).value)).toBe('1')
      expect([registry.connections.length, first.closed]).toEqual([2, true])
      first.get = get
      // A new one that fails in the same way is not replaced at once.
      registry.last.closed = true
      registry.failure.get = new SecregError(reason, 'x')
      await expect(source.get('/a', options)).rejects.toMatchObject({ reason })
      expect(registry.connections).toHaveLength(3)
    },
  )

  test('another failure is passed on and the connection kept', async () => {
    const registry = new FakeRegistry()
    await using source = registrySource(registry.connect)
    await expect(source.get('/a', options)).rejects.toMatchObject({
      reason: 'STORAGE_KEY_NOT_FOUND',
    })
    expect(registry.connections).toHaveLength(1)
    expect(registry.last.closed).toBe(false)
  })

  test('connecting rests after failures: 100, 200 … 30,000 ms', async () => {
    const clock = new FakeClock()
    const registry = new FakeRegistry()
    let dials = 0
    const source = registrySource(
      async () => {
        dials++
        return registry.connect()
      },
      { clock },
    )
    registry.set('/a', '1')
    registry.failure.connect = unreachable()
    const at: number[] = []
    const begin = clock.now
    while (at.length < 11) {
      const before = dials
      await expect(source.get('/a', options)).rejects.toMatchObject({ reason: 'UNREACHABLE' })
      if (dials > before) at.push(clock.now - begin)
      await clock.advance(100)
    }
    const waits = at.slice(1).map((moment, index) => moment - (at[index] as number))
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000])
    registry.failure = {}
    await clock.advance(30_000)
    expect(text((await source.get('/a', options)).value)).toBe('1')
    await source.close()
    expect(clock.pending).toBe(0)
  })

  test('a refused login is not repeated so often that it locks the account out', async () => {
    const clock = new FakeClock()
    const registry = new FakeRegistry()
    let dials = 0
    const source = registrySource(
      async () => {
        dials++
        throw new SecregError('AUTH_FAILED', 'no')
      },
      { clock },
    )
    registry.set('/a', '1')
    for (let second = 0; second < 300; second++) {
      await expect(source.get('/a', options)).rejects.toMatchObject({ reason: 'AUTH_FAILED' })
      await clock.advance(1000)
    }
    expect(dials).toBe(4)
    await source.close()
  })

  test('connecting that does not end is given up after a minute, and what comes late is closed', async () => {
    const clock = new FakeClock()
    const registry = new FakeRegistry()
    let finish = (_: RegistryPort): void => {}
    const source = registrySource(
      () =>
        new Promise((resolve) => {
          finish = resolve
        }),
      { clock },
    )
    const asked = source.get('/a', options).catch((error: unknown) => error)
    await clock.advance(60_000)
    expect(await asked).toMatchObject({ code: 'ERR_STORE_TIMEOUT' })
    const late = new FakePort(registry)
    finish(late)
    await settle()
    expect(late.closed).toBe(true)
    await source.close()
  })

  test('close closes what it made, not what it was given, and ends connecting', async () => {
    const registry = new FakeRegistry()
    registry.set('/a', '1')
    const made = registrySource(registry.connect)
    await made.get('/a', options)
    await made.close()
    expect(registry.last.closed).toBe(true)
    await expect(made.get('/a', options)).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
    const port = await registry.connect()
    const given = registrySource(port)
    await given[Symbol.asyncDispose]()
    expect(port.closed).toBe(false)
    const dialling = registrySource(registry.connect)
    const asked = dialling.get('/a', options).catch((error: unknown) => error)
    await dialling.close()
    expect(await asked).toMatchObject({ code: 'ERR_STORE_CLOSED' })
    await settle()
    await settle()
    expect(registry.last.closed).toBe(true)
  })
})

describe('watching', () => {
  const site = async (names: readonly string[], more: object = {}) => {
    const clock = new FakeClock()
    const registry = new FakeRegistry()
    for (const name of names) registry.set(name, `${name} 1`)
    const source = registrySource(registry.connect, { clock, ...more })
    const store = await openStore<string>({ source, secrets: names, clock, random: () => 0.5 })
    await clock.advance(0)
    await clock.advance(0)
    return { clock, registry, source, store }
  }

  test('a change is there at once', async () => {
    const { clock, registry, source, store } = await site(['/a', '/b'])
    expect(registry.last.watches.map(({ key }) => key)).toEqual(['/a', '/b'])
    registry.set('/b', 'new')
    await clock.advance(0)
    expect(store.secret('/b')?.text()).toBe('new')
    await store.close()
    expect(registry.last.watches.every(({ ended }) => ended)).toBe(true)
    await source.close()
    expect(clock.pending).toBe(0)
  })

  test('after a lost connection everything is watched and asked for again', async () => {
    const { clock, registry, source, store } = await site(['/a', '/b'])
    registry.failure.connect = unreachable()
    await registry.last.close()
    registry.set('/a', 'meanwhile')
    await clock.advance(1000)
    expect(store.secret('/a')?.text()).toBe('/a 1')
    registry.failure = {}
    await clock.advance(5000)
    expect(registry.connections).toHaveLength(2)
    expect(store.secret('/a')?.text()).toBe('meanwhile')
    registry.set('/b', 'after')
    await clock.advance(0)
    expect(store.secret('/b')?.text()).toBe('after')
    await store.close()
    await source.close()
  })

  test('when one watch ends, all are ended and made again', async () => {
    const { clock, registry, source, store } = await site(['/a', '/b'])
    const [one, two] = registry.last.watches
    one?.fail(new SecregError('BUSY', 'too slow'))
    await clock.advance(0)
    expect(two?.ended).toBe(true)
    await clock.advance(200)
    expect(registry.connections).toHaveLength(1)
    expect(registry.last.watches).toHaveLength(4)
    await store.close()
    await source.close()
  })

  test('a name that may not be watched is polled, the others are watched', async () => {
    const unwatched: unknown[] = []
    const clock = new FakeClock()
    const registry = new FakeRegistry()
    for (const name of ['/a', '/b']) registry.set(name, '1')
    registry.failure.watch = { '/a': denied() }
    const onUnwatched = (name: string, error: unknown) => unwatched.push([name, error])
    const source = registrySource(registry.connect, { clock, onUnwatched })
    const faults: unknown[] = []
    const store = await openStore<string>({
      source,
      secrets: ['/a', '/b'],
      clock,
      random: () => 0.5,
      onError: (fault) => faults.push(fault),
    })
    await clock.advance(0)
    expect(unwatched).toMatchObject([['/a', { reason: 'ACCESS_DENIED' }]])
    expect(faults).toEqual([])
    registry.set('/a', '2')
    registry.set('/b', '2')
    await clock.advance(0)
    expect([store.secret('/a')?.text(), store.secret('/b')?.text()]).toEqual(['1', '2'])
    await clock.advance(3_600_000)
    expect(store.secret('/a')?.text()).toBe('2')
    await store.close()
    await source.close()
  })

  test('when none may be watched that is a fault of watching', async () => {
    const clock = new FakeClock()
    const registry = new FakeRegistry()
    registry.set('/a', '1')
    registry.failure.watch = { '/a': denied() }
    const faults: unknown[] = []
    const source = registrySource(registry.connect, { clock })
    const onError = (fault: unknown) => faults.push(fault)
    const store = await openStore({ source, secrets: ['/a'], clock, onError })
    await clock.advance(0)
    expect(faults).toMatchObject([{ kind: 'watch', error: { reason: 'ACCESS_DENIED' } }])
    await store.close()
    await source.close()
  })

  test('at most as many as a connection may have are watched', async () => {
    const names = Array.from({ length: 1030 }, (_, index) => `/s/${index}`)
    const { registry, source, store } = await site(names)
    expect(registry.last.watches).toHaveLength(1024)
    await store.close()
    await source.close()
  })

  test('a connection that cannot watch is a source without watch', async () => {
    const port = { get: async () => answerOf('1') }
    expect(registrySource(port).watch).toBeUndefined()
    const clock = new FakeClock()
    const faults: unknown[] = []
    const source = registrySource(async () => port, { clock })
    const onError = (fault: unknown) => faults.push(fault)
    const store = await openStore({ source, secrets: ['/a'], clock, onError })
    await clock.advance(0)
    expect(faults).toMatchObject([{ kind: 'watch', error: { code: 'ERR_STORE_WATCH_ENDED' } }])
    await store.close()
  })
})
