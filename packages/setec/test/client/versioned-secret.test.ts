import {
  Client,
  memoryCache,
  openSetecStore,
  type SecretCache,
  type SetecStoreOptions,
  type StoreFault,
  staticSource,
} from '@secreg/setec'
import { manualClock, startSetecServer } from '@secreg/setec/testing'
import { waitFor } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  answer,
  asked,
  BASE,
  base64,
  bytes,
  json,
  recordingFetch,
  stubFetch,
  text,
} from './support.ts'

const HOUR = 3_600_000

async function started(options: Partial<SetecStoreOptions> = {}) {
  const server = await startSetecServer()
  onTestFinished(() => server.close())
  for (const version of [3, 4, 9]) {
    await server.db.createVersion('key', version, `key ${version}`)
  }
  const { sent, fetch } = recordingFetch()
  const faults: StoreFault[] = []
  const clock = manualClock()
  const store = await openSetecStore({
    client: new Client(server.url, { fetch }),
    allowLookup: true,
    clock,
    random: () => 0.5,
    onError: (fault) => void faults.push(fault),
    ...options,
  })
  onTestFinished(() => store.close())
  return { server, sent, faults, clock, store, key: store.versionedSecret('key') }
}

/** What a cache holds, parsed. */
async function heldBy(cache: SecretCache) {
  return JSON.parse(text(await cache.read())) as Record<string, { versions?: object }>
}

describe('getVersion', () => {
  test('asks once for each version, and gives copies', async () => {
    const { key, sent } = await started()
    const [first, second] = await Promise.all([key.getVersion(3), key.getVersion(3)])
    first.fill(0)
    second.fill(0)
    expect(text(await key.getVersion(3))).toBe('key 3')
    expect(text(await key.getVersion(9))).toBe('key 9')
    expect(asked(sent, 'get').map(({ Version }) => Version)).toEqual([3, 9])
  })

  test('keeps a failure to who asked', async () => {
    const { key, store, server } = await started()
    await expect(key.getVersion(5)).rejects.toMatchObject({ code: 'ERR_SETEC_NOT_FOUND' })
    await server.db.createVersion('key', 5, 'key 5')
    expect(text(await key.getVersion(5))).toBe('key 5')
    await expect(store.versionedSecret('none').getVersion(1)).rejects.toMatchObject({
      code: 'ERR_SETEC_NOT_FOUND',
    })
  })

  test('stops waiting when it is told to, and lets the others wait', async () => {
    const { key } = await started()
    const stop = new AbortController()
    const stopped = key.getVersion(3, { signal: stop.signal })
    const other = key.getVersion(3)
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(stopped).rejects.toBe(reason)
    expect(text(await other)).toBe('key 3')
    await expect(key.getVersion(4, { signal: stop.signal })).rejects.toBe(reason)
  })

  test('of many versions at a time listens no harder than Node.js likes', async () => {
    const { key, server } = await started()
    const warnings: Error[] = []
    // Others in this process may be warned of something else meanwhile.
    const onWarning = (warning: Error): void => {
      if (warning.name === 'MaxListenersExceededWarning') warnings.push(warning)
    }
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const versions = Array.from({ length: 20 }, (_, index) => 100 + index)
    for (const version of versions) await server.db.createVersion('key', version, 'v')
    await Promise.all(versions.map((version) => key.getVersion(version)))
    await new Promise((resolve) => setImmediate(resolve))
    expect(warnings).toEqual([])
  })

  test.each([
    [0, RangeError],
    [-1, RangeError],
    [1.5, RangeError],
    [2 ** 32, RangeError],
    ['3', TypeError],
    [undefined, TypeError],
  ])('of %j is refused', async (version, error) => {
    const { key, sent } = await started()
    await expect(key.getVersion(version as never)).rejects.toThrow(error)
    await expect(key.createVersion(version as never, 'v')).rejects.toThrow(error)
    expect(sent).toEqual([])
  })
})

describe('what is held', () => {
  /** A client whose answers are one array, which it changes afterwards. */
  function counting() {
    const asked: number[] = []
    const shared = bytes('v')
    return {
      asked,
      shared,
      get: async () => ({ value: shared, version: 1 }),
      getIfChanged: async () => undefined,
      info: async () => ({ name: 'key', versions: asked, activeVersion: 1 }),
      getVersion: async (_: string, version: number) => {
        asked.push(version)
        return { value: shared, version }
      },
      createVersion: async () => {},
    }
  }

  test('is a copy of what the client gave', async () => {
    const client = counting()
    await using store = await openSetecStore({ client, allowLookup: true })
    const key = store.versionedSecret('key')
    await key.getVersion(1)
    client.shared.fill(0)
    expect(text(await key.getVersion(1))).toBe('v')
  })

  test('is bounded: more is fetched each time', async () => {
    const client = counting()
    await using store = await openSetecStore({ client, allowLookup: true })
    const key = store.versionedSecret('key')
    for (let version = 1; version <= 10_001; version++) await key.getVersion(version)
    client.asked.length = 0
    await key.getVersion(10_000)
    await key.getVersion(10_001)
    expect(client.asked).toEqual([10_001])
    await store.refresh()
    await key.getVersion(10_001)
    await key.getVersion(10_001)
    expect(client.asked).toEqual([10_001, 10_001])
  })
})

describe('a poll', () => {
  test('drops what the server has deleted, and nothing else', async () => {
    const { key, server, store, sent } = await started()
    await key.getVersion(3)
    await key.getVersion(9)
    await server.db.deleteVersion('key', 3)
    await store.refresh()
    sent.length = 0
    expect(text(await key.getVersion(9))).toBe('key 9')
    await expect(key.getVersion(3)).rejects.toMatchObject({ code: 'ERR_SETEC_NOT_FOUND' })
    expect(asked(sent, 'get')).toHaveLength(1)
  })

  test('does so by itself, of a name of which only versions are known', async () => {
    const { key, server, clock, sent, faults } = await started()
    await key.getVersion(3)
    await server.db.deleteVersion('key', 3)
    await clock.advance(HOUR)
    await waitFor(async () => {
      const gone = await key.getVersion(3).then(
        () => false,
        () => true,
      )
      return gone
    })
    expect(asked(sent, 'info')).toEqual([{ Name: 'key' }])
    expect(faults).toEqual([])
  })

  test('that fails keeps everything, and goes on with the other names', async () => {
    const { key, store, server, faults } = await started()
    await server.db.createVersion('other', 1, 'one')
    await server.db.createVersion('other', 2, 'two')
    const other = store.versionedSecret('other')
    await key.getVersion(3)
    await other.getVersion(1)
    await server.db.delete('key')
    await server.db.deleteVersion('other', 1)
    await expect(store.refresh()).rejects.toMatchObject({ code: 'ERR_STORE_REFRESH', names: [] })
    expect(faults).toMatchObject([
      { kind: 'poll', error: { errors: [{ code: 'ERR_SETEC_NOT_FOUND', secret: 'key' }] } },
    ])
    expect(text(await key.getVersion(3))).toBe('key 3')
    await expect(other.getVersion(1)).rejects.toThrow()
    expect(store.metrics()).toMatchObject({ pollInitiated: 1, pollErrors: 1 })
  })

  test('keeps what came while the server answered', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { sent, fetch } = stubFetch(async ({ url, json: { Version } }) => {
      if (!url.endsWith('info')) return json({ Value: base64('v'), Version })
      await held
      return json({ Name: 'key', Versions: [1], ActiveVersion: 1 })
    })
    const client = new Client(BASE, { fetch })
    await using store = await openSetecStore({ client, allowLookup: true, clock: manualClock() })
    const key = store.versionedSecret('key')
    await key.getVersion(1)
    const refreshed = store.refresh()
    await waitFor(() => asked(sent, 'info').length === 1)
    await key.getVersion(2)
    release()
    await refreshed
    await key.getVersion(2)
    expect(asked(sent, 'get').map(({ Version }) => Version)).toEqual([1, 2])
  })

  test('asks anew for who came while it went on', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let present = [1, 2]
    const { sent, fetch } = stubFetch(async ({ url, json: { Version } }) => {
      if (!url.endsWith('info')) return json({ Value: base64('v'), Version })
      const seen = present
      await held
      return json({ Name: 'key', Versions: seen, ActiveVersion: 1 })
    })
    const client = new Client(BASE, { fetch })
    await using store = await openSetecStore({ client, allowLookup: true, clock: manualClock() })
    const key = store.versionedSecret('key')
    await key.getVersion(2)
    const first = store.refresh()
    await waitFor(() => asked(sent, 'info').length === 1)
    present = [1]
    const others = [store.refresh(), store.refresh()]
    release()
    await Promise.all([first, ...others])
    expect(asked(sent, 'info')).toHaveLength(2)
    sent.length = 0
    await key.getVersion(2)
    expect(asked(sent, 'get')).toHaveLength(1)
  })

  test('gives up what nobody has read for long', async () => {
    const { key, clock, sent, store } = await started({ expiryMs: 2 * HOUR })
    await key.getVersion(3)
    await clock.advance(2 * HOUR)
    await store.refresh()
    await key.getVersion(3)
    expect(asked(sent, 'get')).toHaveLength(1)
    await clock.advance(2 * HOUR)
    await store.refresh()
    await key.getVersion(3)
    expect(asked(sent, 'get')).toHaveLength(1)
    await clock.advance(2 * HOUR + 1)
    await store.refresh()
    await key.getVersion(3)
    expect(asked(sent, 'get')).toHaveLength(2)
  })
})

describe('createVersion', () => {
  test('is the active value of this store at once', async () => {
    const { key, store, sent, server } = await started({ secrets: ['key'] })
    const secret = store.secret('key')
    expect(secret?.version).toBe(9)
    await key.createVersion(2, 'new')
    expect([secret?.text(), secret?.version]).toEqual(['new', 2])
    expect(text(await key.getVersion(2))).toBe('new')
    expect(asked(sent, 'get')).toHaveLength(1)
    expect(await server.db.get('key')).toEqual({ value: bytes('new'), version: 2 })
  })

  test('makes a secret that was not there', async () => {
    const { store } = await started()
    await store.versionedSecret('fresh').createVersion(7, Uint8Array.of(1, 2))
    expect(store.secret('fresh')?.value()).toEqual(Uint8Array.of(1, 2))
    expect(store.names).toEqual(['fresh'])
  })

  test('of one number at a time has one winner, and the others know', async () => {
    const { key, store, server } = await started()
    const values = Array.from({ length: 10 }, (_, index) => `value ${index}`)
    const results = await Promise.allSettled(values.map((value) => key.createVersion(50, value)))
    const winners = results.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []))
    expect(winners).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected') {
        expect(result.reason).toMatchObject({ code: 'ERR_SETEC_VERSION_CLAIMED' })
      }
    }
    const [winner = -1] = winners
    expect(text((await server.db.get('key', 50)).value)).toBe(values[winner])
    expect(text(await key.getVersion(50))).toBe(values[winner])
    expect((await store.lookup('key')).text()).toBe(values[winner])
  })

  test('that fails holds nothing', async () => {
    const { key, sent } = await started()
    await expect(key.createVersion(3, 'again')).rejects.toMatchObject({
      code: 'ERR_SETEC_VERSION_CLAIMED',
    })
    expect(text(await key.getVersion(3))).toBe('key 3')
    expect(asked(sent, 'get')).toHaveLength(1)
  })

  test('is not undone by a poll that was asked before', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let active = 1
    const { sent, fetch } = stubFetch(async ({ url, json: body }) => {
      if (url.endsWith('create-version')) {
        active = body['Version'] as number
        return json({})
      }
      const seen = active
      if (body['UpdateIfChanged'] === true) await held
      return body['Version'] === seen
        ? answer(304)
        : json({ Value: base64(`v${seen}`), Version: seen })
    })
    const client = new Client(BASE, { fetch })
    const clock = manualClock()
    await using store = await openSetecStore({
      client,
      secrets: ['key'],
      allowLookup: true,
      clock,
    })
    const refreshed = store.refresh()
    await waitFor(() => asked(sent, 'get').length === 2)
    const created = store.versionedSecret('key').createVersion(5, 'v5')
    release()
    await Promise.all([created, refreshed])
    expect(store.secret('key')?.version).toBe(5)
  })

  test('takes the value as it is when called', async () => {
    const { key, server } = await started()
    const value = bytes('value')
    const created = key.createVersion(60, value)
    value.fill(0)
    await created
    expect(text((await server.db.get('key', 60)).value)).toBe('value')
    await expect(key.createVersion(61, 7 as never)).rejects.toThrow(TypeError)
  })
})

describe('the cache', () => {
  test('keeps versions beside the active value, through a start without the server', async () => {
    const cache = memoryCache()
    const { key, server, store } = await started({ cache, secrets: ['key'] })
    await key.getVersion(4)
    await key.getVersion(3)
    await store.close()
    expect(await heldBy(cache)).toEqual({
      key: {
        secret: { Value: base64('key 9'), Version: 9 },
        versions: { 3: base64('key 3'), 4: base64('key 4') },
        lastAccess: '1704067200',
      },
    })
    await server.close()
    const again = await openSetecStore({
      client: new Client(server.url),
      clock: manualClock(),
      allowLookup: true,
      cache,
    })
    expect(text(await again.versionedSecret('key').getVersion(3))).toBe('key 3')
    await expect(again.versionedSecret('key').getVersion(9)).rejects.toMatchObject({
      code: 'ERR_SETEC_TRANSPORT',
    })
    await again.close()
  })

  test('fetches the active value for that, where only versions were asked for', async () => {
    const cache = memoryCache()
    const { key, clock, store } = await started({ cache })
    await key.getVersion(4)
    await waitFor(() => store.secret('key') !== undefined)
    await clock.advance(1000)
    const { key: held } = await waitFor(() => heldBy(cache))
    expect(held).toMatchObject({ secret: { Version: 9 }, versions: { 4: base64('key 4') } })
  })

  test('forgets what a poll has dropped', async () => {
    const cache = memoryCache()
    const { key, clock, store, server } = await started({ cache, secrets: ['key'] })
    await key.getVersion(3)
    await clock.advance(1000)
    await waitFor(async () => (await heldBy(cache))['key']?.versions !== undefined)
    await server.db.deleteVersion('key', 3)
    await store.refresh()
    await clock.advance(2000)
    await waitFor(async () => (await heldBy(cache))['key']?.versions === undefined)
  })

  test('is not read for versions with lookups off', async () => {
    const cache = memoryCache()
    const { key, store, server } = await started({ cache, secrets: ['key'] })
    await key.getVersion(3)
    await store.close()
    const client = new Client(server.url)
    await using off = await openSetecStore({ client, secrets: ['key'], cache })
    expect(() => off.versionedSecret('key')).toThrow(TypeError)
  })
})

describe('what it needs', () => {
  test('lookups, a client that knows versions, and a name', async () => {
    const { store } = await started()
    expect(() => store.versionedSecret('')).toThrow(RangeError)
    expect(() => store.versionedSecret(7 as never)).toThrow(TypeError)
    const client = staticSource({ key: 'v' })
    await using fixed = await openSetecStore({ client, secrets: ['key'], allowLookup: true })
    expect(() => fixed.versionedSecret('key')).toThrow(/getVersion/)
  })

  test('a store that is open', async () => {
    const silent = { get: async () => ({ value: bytes('v'), version: 1 }) }
    const client = {
      ...silent,
      getIfChanged: async () => undefined,
      info: () => new Promise<never>(() => {}),
      getVersion: () => new Promise<never>(() => {}),
      createVersion: () => new Promise<never>(() => {}),
    }
    const store = await openSetecStore({ client, secrets: ['key'], allowLookup: true })
    const key = store.versionedSecret('key')
    const closed = { code: 'ERR_STORE_CLOSED' }
    const waiting = [key.getVersion(1), key.createVersion(2, 'v')].map((call) =>
      expect(call).rejects.toMatchObject(closed),
    )
    await store.close()
    await Promise.all(waiting)
    await expect(key.getVersion(1)).rejects.toMatchObject(closed)
    await expect(key.createVersion(2, 'v')).rejects.toMatchObject(closed)
  })
})
