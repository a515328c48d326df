/** Quotas of mounts: what is counted, what is refused, and that nothing that takes away is. */
import type { Dialect, MountInfo, RegistryApi } from '@secreg/protocol'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addUser, type Home, linesOf, restart, start } from './fixture.ts'
import { expectExact, expectSameAnew, recount } from './usage-recount.ts'

type Limits = Pick<MountInfo, 'max_entries' | 'max_bytes'>

const TEAM = '/team'
const FULL = expect.objectContaining({ reason: 'QUOTA_EXCEEDED', statusName: 'InvalidState' })

async function mounts(api: RegistryApi): Promise<readonly MountInfo[]> {
  return (await api.mount({ op: 'list' })).mounts
}

async function infoOf(api: RegistryApi, path = TEAM): Promise<MountInfo | undefined> {
  return (await mounts(api)).find((mount) => mount.path === path)
}

const limit = (api: RegistryApi, limits: Limits, path = TEAM) =>
  api.mount({ op: 'set', path, dialect: 'registry', ...limits })

/** Take all bytes that are left: not one more may be written. */
async function fill(home: Home): Promise<number> {
  await limit(home.api, { max_bytes: 1_000_000_000 })
  const { bytes = 0 } = (await infoOf(home.api)) ?? {}
  await limit(home.api, { max_bytes: bytes })
  return bytes
}

async function expectCounted({ api, engine }: Home): Promise<void> {
  await expectExact(engine, await mounts(api))
  await expectSameAnew(api)
}

describe('what is in use', () => {
  test('entries, and the bytes of their records, versions and large values, as stored', async () => {
    const home = await start()
    const { api, engine } = home
    await limit(api, { max_entries: 10 })
    expect(await infoOf(api)).toMatchObject({ max_entries: 10, entries: 0, bytes: 0 })
    await api.set({ key: '/team/a', value: 'x' })
    await api.set({ key: '/team/b', value: 'y'.repeat(5000), encrypt: true })
    const [a] = Object.values(await recount(engine, [{ path: TEAM }]))
    const sizeOf = (key: string): number => {
      const row = engine.get(key)
      return row === undefined || row instanceof Promise ? 0 : row.value.length
    }
    expect(sizeOf('e/team/a')).toBeGreaterThan(0)
    expect(await infoOf(api)).toMatchObject({ entries: 2, bytes: a?.bytes })
    expect(a?.bytes).toBeGreaterThan(5000 + sizeOf('e/team/a') + sizeOf('e/team/b'))
    await expectCounted(home)
  })

  test('is told of mounts with a quota only, and survives a restart', async () => {
    const medium = new MemoryEngine()
    const home = await start({ engine: new FaultEngine(medium) })
    await limit(home.api, { max_bytes: 100_000 })
    await home.api.set({ key: '/team/a', value: 'x' })
    const before = await mounts(home.api)
    expect(before.filter(({ entries }) => entries !== undefined)).toMatchObject([
      { path: TEAM, max_bytes: 100_000, entries: 1 },
    ])
    await home.registry.close()
    const again = await restart({ engine: new FaultEngine(medium), files: home.files })
    expect(await mounts(again.api)).toEqual(before)
  })

  test('of entries in memory counts as long as they are there', async () => {
    const medium = new MemoryEngine()
    const home = await start({ engine: new FaultEngine(medium) })
    await limit(home.api, { max_entries: 2 })
    await home.api.set({ key: '/team/kept', value: 'x' })
    const before = await infoOf(home.api)
    await home.api.set({ key: '/team/brief', value: 'x', ephemeral: true })
    expect(await infoOf(home.api)).toMatchObject({ entries: 2 })
    await expect(home.api.set({ key: '/team/more', value: 'x' })).rejects.toEqual(FULL)
    await expectSameAnew(home.api)
    await home.registry.close()
    const again = await restart({ engine: new FaultEngine(medium), files: home.files })
    expect(await infoOf(again.api)).toEqual(before)
    await again.api.set({ key: '/team/more', value: 'x' })
  })

  test('of an entry that becomes ephemeral, and durable again', async () => {
    const home = await start()
    await limit(home.api, { max_entries: 5 })
    for (const ephemeral of [false, true, false]) {
      await home.api.set({ key: '/team/a', value: 'y'.repeat(5000), ephemeral })
      await expectCounted(home)
    }
  })

  test('a mount below takes its entries over, and gives them back', async () => {
    const home = await start()
    const { api } = home
    await limit(api, { max_entries: 100 }, '/')
    await limit(api, { max_entries: 10 })
    for (const key of ['/team/a', '/team/in/a', '/team/in/b', '/team/in', '/team/in-b', '/other']) {
      await api.set({ key, value: 'x' })
    }
    expect(await infoOf(api)).toMatchObject({ entries: 5 })
    await api.mount({ op: 'set', path: '/team/in', dialect: 'registry' })
    expect(await infoOf(api)).toMatchObject({ entries: 2 })
    await expectCounted(home)
    await limit(api, { max_entries: 1 }, '/team/in')
    expect(await infoOf(api, '/team/in')).toMatchObject({ entries: 3 })
    await api.mount({ op: 'remove', path: '/team/in' })
    expect(await infoOf(api)).toMatchObject({ entries: 5 })
    await api.mount({ op: 'remove', path: TEAM })
    expect(await infoOf(api, '/')).toMatchObject({ entries: 6 })
    await expectCounted(home)
    await api.mount({ op: 'remove', path: '/' })
    expect(await infoOf(api, '/')).not.toHaveProperty('entries')
    await expectCounted(home)
  })
})

describe('a quota of entries', () => {
  test('refuses one more, names mount and limit, and leaves a record', async () => {
    const home = await start()
    const { api, files } = home
    await limit(api, { max_entries: 1 })
    await api.set({ key: '/team/a', value: 'x' })
    await expect(api.set({ key: '/team/b', value: 'x' })).rejects.toMatchObject({
      reason: 'QUOTA_EXCEEDED',
      status: 6,
      errno: 924,
      message: 'the quota of /team is used up: at most 1 entries',
    })
    expect(linesOf(files).at(-1)?.body).toMatchObject({
      action: 'write',
      outcome: 'failed',
      reason: 'QUOTA_EXCEEDED',
      paths: ['/team/b'],
    })
    await api.set({ key: '/team/a', value: 'another' })
    await api.set({ key: '/elsewhere', value: 'x' })
    await api.delete({ key: '/team/a' })
    await expect(api.set({ key: '/team/b', value: 'x' })).rejects.toEqual(FULL)
    await api.versions({ op: 'purge', key: '/team/a' })
    await api.set({ key: '/team/b', value: 'x' })
    await expectCounted(home)
  })

  test('who may not write there is told nothing of it', async () => {
    const home = await start()
    await limit(home.api, { max_entries: 1 })
    await home.api.set({ key: '/team/a', value: 'x' })
    const { api } = await addUser(home, 'carol', ['user'])
    const wrong = expect.objectContaining({ reason: 'ACCESS_DENIED' })
    await expect(api.set({ key: '/team/b', value: 'x' })).rejects.toEqual(wrong)
    await expect(api.set({ key: '/team/a', value: 'x' })).rejects.toEqual(wrong)
  })

  test('holds for requests that arrive together', async () => {
    const home = await start()
    await limit(home.api, { max_entries: 5 })
    const keys = Array.from({ length: 20 }, (_, i) => `/team/${i}`)
    const done = await Promise.allSettled(keys.map((key) => home.api.set({ key, value: 'x' })))
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    await expectCounted(home)
  })

  test('may be set below what is there: nothing new, until there is room', async () => {
    const { api } = await start()
    for (const key of ['/team/a', '/team/b', '/team/c']) await api.set({ key, value: 'x' })
    await limit(api, { max_entries: 1 })
    await api.set({ key: '/team/a', value: 'again' })
    await expect(api.set({ key: '/team/d', value: 'x' })).rejects.toEqual(FULL)
    for (const key of ['/team/a', '/team/b']) await api.versions({ op: 'purge', key })
    await expect(api.set({ key: '/team/d', value: 'x' })).rejects.toEqual(FULL)
    await api.versions({ op: 'purge', key: '/team/c' })
    await api.set({ key: '/team/d', value: 'x' })
  })
})

const PUT: Dialect = {
  name: 'plain',
  encrypted: false,
  maxVersions: 10,
  maxVersion: 1000,
  activatesNew: true,
  operations: {
    put: {
      action: 'update',
      audit: 'write',
      plan: (_, request) => ({
        effects: [{ do: 'put', value: request as never, activate: true }],
        result: 'done',
      }),
    },
  },
}

/** Everything that can make the entries of a mount take more, by a name. */
const GROWING: Readonly<Record<string, (home: Home) => Promise<unknown>>> = {
  set: ({ api }) => api.set({ key: '/team/new', value: 'x' }),
  'set of another version': ({ api }) => api.set({ key: '/team/a', value: 'x' }),
  'set in memory only': ({ api }) => api.set({ key: '/team/new', value: 'x', ephemeral: true }),
  transaction: ({ api }) =>
    api.txn({
      then: [
        { op: 'set', key: '/free', value: 'x' },
        { op: 'set', key: '/team/new', value: 'x' },
      ],
    }),
  import: async ({ api }) => {
    const { import: id = '' } = await api.import({ op: 'begin' })
    await api.import({ op: 'stage', import: id, entries: [{ key: '/team/new', value: 'x' }] })
    await api.import({ op: 'commit', import: id })
  },
  copy: ({ api }) => api.transfer({ op: 'copy', from: '/other/b', to: '/team/new' }),
  'copy within': ({ api }) => api.transfer({ op: 'copy', from: '/team/a', to: '/team/new' }),
  'move from another mount': ({ api }) =>
    api.transfer({ op: 'move', from: '/other/b', to: '/team/new' }),
  'move of a subtree': ({ api }) =>
    api.transfer({ op: 'move', from: '/other', to: '/team/new', recursive: true }),
  rollback: ({ api }) => api.versions({ op: 'rollback', key: '/team/a', version: 1 }),
  undelete: ({ api }) => api.versions({ op: 'undelete', key: '/team/gone' }),
  metadata: ({ api }) => api.meta({ op: 'set', key: '/team/a', description: 'a description' }),
}

/** What takes away, or no more than before. */
const SHRINKING: Readonly<Record<string, (home: Home) => Promise<unknown>>> = {
  delete: ({ api }) => api.delete({ key: '/team/a' }),
  'delete of a subtree': ({ api }) => api.delete({ key: TEAM, recursive: true }),
  'delete in a transaction': ({ api }) => api.txn({ then: [{ op: 'delete', key: '/team/a' }] }),
  destroy: ({ api }) => api.versions({ op: 'destroy', key: '/team/a', versions: [1, 2] }),
  purge: ({ api }) => api.versions({ op: 'purge', key: '/team/a' }),
  'purge of a subtree': ({ api }) => api.versions({ op: 'purge', key: TEAM, recursive: true }),
  'move away': ({ api }) => api.transfer({ op: 'move', from: '/team/a', to: '/free' }),
  'copy away': ({ api }) => api.transfer({ op: 'copy', from: '/team/a', to: '/free' }),
  'a smaller value where one version is kept': ({ api }) =>
    api.set({ key: '/team/one', value: 'x' }),
  'a transaction that takes as much as it gives': ({ api }) =>
    api.txn({
      then: [
        { op: 'set', key: '/team/one', value: 'x' },
        { op: 'set', key: '/team/a', value: 'x' },
      ],
    }),
}

async function fullHome(): Promise<Home> {
  const home = await start({ dialects: [PUT] })
  const { api } = home
  await api.mount({ op: 'set', path: '/other', dialect: 'registry' })
  for (const [key, value] of [
    ['/team/a', 'first'],
    ['/team/a', 'second'],
    ['/team/gone', 'g'.repeat(500)],
    ['/team/one', 'z'.repeat(6000)],
    ['/other/b', 'b'.repeat(7000)],
  ] as const) {
    await api.set({ key, value })
  }
  await api.meta({ op: 'set', key: '/team/one', max_versions: 1 })
  await api.delete({ key: '/team/gone' })
  await fill(home)
  return home
}

describe('a quota of bytes that is used up', () => {
  test.each(Object.entries(GROWING))('refuses %s, and nothing of it is done', async (_, run) => {
    const home = await fullHome()
    const before = await mounts(home.api)
    const keys = await home.api.list({ prefix: '/', recursive: true })
    await expect(run(home)).rejects.toEqual(FULL)
    expect(await mounts(home.api)).toEqual(before)
    expect(await home.api.list({ prefix: '/', recursive: true })).toEqual(keys)
    await expectCounted(home)
  })

  test.each(Object.entries(SHRINKING))('lets %s through', async (_, run) => {
    const home = await fullHome()
    await run(home)
    await expectCounted(home)
  })

  test.each(Object.entries(GROWING))('counts %s when there is room', async (_, run) => {
    const home = await fullHome()
    const { bytes = 0 } = (await infoOf(home.api)) ?? {}
    await limit(home.api, { max_bytes: 2 * bytes + 100_000 })
    await run(home)
    expect((await infoOf(home.api))?.bytes).toBeGreaterThan(bytes)
    await expectCounted(home)
  })

  test('refuses operations of a door', async () => {
    const home = await start({ dialects: [PUT] })
    const put = (text: string) =>
      home.api.dialect({
        dialect: 'plain',
        operation: 'put',
        key: '/team/a',
        request: { type: 'bytes', bytes: Buffer.from(text) },
      })
    await home.api.mount({ op: 'set', path: TEAM, dialect: 'plain', max_bytes: 6000 })
    await put('x')
    await expectExact(home.engine, await mounts(home.api))
    await expect(put('y'.repeat(8000))).rejects.toEqual(FULL)
    await put('z')
    await expectExact(home.engine, await mounts(home.api))
  })

  test('does not keep the sweeper from its work, of entries and of versions', async () => {
    const time = { wall: 1_800_000_000_000, monotonic: 1000 }
    const home = await start({ now: () => time.wall, monotonicMs: () => time.monotonic })
    const { api, registry } = home
    const pass = async (ms: number): Promise<void> => {
      time.wall += ms
      time.monotonic += ms
      await registry.housekeep()
    }
    await api.set({ key: '/team/entry', value: 'x', ttl_s: 100 })
    await api.set({ key: '/team/version', value: 'x' })
    await api.meta({ op: 'set', key: '/team/version', delete_after_s: 10 })
    await api.set({ key: '/team/version', value: 'y' })
    await api.meta({ op: 'set', key: '/team/version', delete_after_s: null })
    await api.set({ key: '/team/version', value: 'z' })
    const bytes = await fill(home)
    await pass(11_000)
    expect((await api.history({ key: '/team/version' })).versions[1]).toMatchObject({
      state: 'expired',
    })
    // The header of a deleted version is longer than before.
    expect((await infoOf(api))?.bytes).toBeGreaterThan(bytes)
    await pass(100_000)
    expect(await infoOf(api)).toMatchObject({ entries: 1 })
    await expectCounted(home)
  })

  test('lets a history that is pruned go on at its size', async () => {
    const home = await start()
    const { api } = home
    for (let version = 1; version <= 20; version++) {
      await api.set({ key: '/team/a', value: `value ${10 + version}` })
    }
    await fill(home)
    for (let version = 21; version <= 40; version++) {
      await api.set({ key: '/team/a', value: `value ${version}` })
    }
    await expect(api.set({ key: '/team/a', value: 'a longer value' })).rejects.toEqual(FULL)
    await expectCounted(home)
  })
})

test('an entry that is moved under new numbers is counted where it is', async () => {
  const home = await start()
  const { api } = home
  await limit(api, { max_entries: 10 })
  await limit(api, { max_entries: 10 }, '/other')
  await api.set({ key: '/team/a', value: 'a'.repeat(5000), encrypt: true })
  await api.set({ key: '/other/a', value: 'before' })
  await api.versions({ op: 'purge', key: '/other/a' })
  await api.transfer({ op: 'move', from: '/team/a', to: '/other/a' })
  expect(await infoOf(api)).toMatchObject({ entries: 0, bytes: 0 })
  expect(await infoOf(api, '/other')).toMatchObject({ entries: 1 })
  await expectCounted(home)
})

test('a rotation is counted, and refused by no quota', async () => {
  const home = await start()
  const { api } = home
  for (const key of ['/team/a', '/team/b']) await api.set({ key, value: 'sealed', encrypt: true })
  const bytes = await fill(home)
  await api.rotate({ op: 'start' })
  await home.registry.housekeep()
  expect((await infoOf(api))?.bytes).toBeGreaterThan(bytes)
  await expectCounted(home)
})

test('a quota that would be refused for its form', async () => {
  const { api } = await start()
  const { parseRequest } = await import('@secreg/protocol/messages')
  for (const wrong of [0, -1, 1.5, '5', null, 2 ** 60]) {
    for (const name of ['max_entries', 'max_bytes']) {
      const request = { op: 'set', path: TEAM, dialect: 'registry', [name]: wrong }
      expect(() => parseRequest('mount', request), `${name} ${wrong}`).toThrow(
        expect.objectContaining({ reason: 'PAYLOAD_INVALID' }),
      )
    }
  }
  expect(await infoOf(api)).toBeUndefined()
})

/** Changes of the mount table at any time, among writes. */
test('whatever is mounted and written, what is kept is what is there', async () => {
  const path = fc.constantFrom('/', '/a', '/a/b', '/a/b/c')
  const key = fc.constantFrom('/a', '/a/b', '/a/b/c', '/a/b/c/d', '/a/x', '/a-b', '/z')
  const size = fc.constantFrom(1, 100, 4096, 4097, 9000)
  const step = fc.oneof(
    fc.record({ do: fc.constant('mount' as const), path, quota: fc.boolean() }),
    fc.record({ do: fc.constant('unmount' as const), path }),
    fc.record({
      do: fc.constant('set' as const),
      key,
      size,
      ephemeral: fc.boolean(),
      encrypt: fc.boolean(),
    }),
    fc.record({ do: fc.constant('move' as const), key, to: key }),
    fc.record({ do: fc.constant('purge' as const), key }),
    fc.record({ do: fc.constant('delete' as const), key }),
  )
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 5, maxLength: 40 }),
    async (steps) => {
      const home = await start()
      const { api } = home
      for (const each of steps) await runStep(api, each).catch(isRefusal)
      await expectCounted(home)
      await home.registry.close()
    },
  )
  await fc.assert(property, { numRuns: 40 })

  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
  function runStep(api: RegistryApi, each: Step): Promise<unknown> {
    switch (each.do) {
      case 'mount':
        return limit(api, each.quota ? { max_bytes: 30_000, max_entries: 4 } : {}, each.path)
      case 'unmount':
        return api.mount({ op: 'remove', path: each.path })
      case 'set':
        return api.set({ ...each, value: 'x'.repeat(each.size) })
      case 'move':
        return api.transfer({ op: 'move', from: each.key, to: each.to })
      case 'purge':
        return api.versions({ op: 'purge', key: each.key })
      case 'delete':
        return api.delete({ key: each.key })
    }
  }
  /** Of a step that does not fit the state; a fault would have another status. */
  function isRefusal(error: { status?: number }): void {
    if (error.status === undefined || error.status > 6) throw error
  }
}, 120_000)
