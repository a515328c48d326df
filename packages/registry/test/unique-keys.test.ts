/** What no two entries of a dialect may share (`Dialect.unique`), through whichever door an entry changes. */
import { createMemoryFiles } from '@secreg/audit/testing'
import { type Dialect, parseValue } from '@secreg/protocol'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { waitFor } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addUser, type Home, linesOf, reason, restart, start } from './fixture.ts'

interface Ask {
  readonly use?: string | null
  readonly ephemeral?: boolean
  readonly value?: string
}

/** Entries are made for a use, which is one entry's only. */
const DIALECT: Dialect = {
  name: 'libvirt',
  encrypted: true,
  maxVersions: 3,
  maxVersion: 1000,
  activatesNew: true,
  unique: ({ isDeleted, custom }) => (isDeleted ? undefined : custom['use']),
  operations: {
    define: {
      action: (_, isPresent) => (isPresent ? 'update' : 'create'),
      audit: 'write',
      plan: (entry, request) => {
        const { use, ephemeral = false } = request as Ask
        const custom = use === undefined ? {} : { custom: { use } }
        const define = { do: 'define' as const, ephemeral, description: null, ...custom }
        return {
          effects: entry.isDeleted ? [{ do: 'purge' }, define] : [define],
          result: {},
        }
      },
    },
    put: {
      action: 'update',
      audit: 'write',
      plan: (_, request) => ({
        effects: [{ do: 'put', value: parseValue((request as Ask).value ?? '', 'string') }],
        result: {},
      }),
    },
  },
}

const TAKEN = reason('ALREADY_EXISTS')
const GONE = reason('STORAGE_KEY_NOT_FOUND')
const A = '/libvirt/a'
const B = '/libvirt/b'

function withRules<H extends Home>(home: H) {
  const { api } = home
  const run = (operation: string, key: string, request: Ask) =>
    api.dialect({ dialect: 'libvirt', operation, key, request: { ...request } })
  return {
    ...home,
    define: (key: string, request: Ask) => run('define', key, request),
    put: (key: string, value: string) => run('put', key, { value }),
    find: async (unique: string) =>
      (await api.meta({ op: 'find', dialect: 'libvirt', unique })).key,
  }
}

const site = async (options: Parameters<typeof start>[0] = {}) =>
  withRules(await start({ dialects: [DIALECT], ...options }))

describe('what one entry has, no other gets', () => {
  test('by the door of the dialect, until the first one no longer has it', async () => {
    const { define, find, api } = await site()
    await define(A, { use: 'disk' })
    await expect(define(B, { use: 'disk' })).rejects.toEqual(TAKEN)
    await expect(api.meta({ op: 'get', key: B })).rejects.toEqual(GONE)
    expect(await find('disk')).toBe(A)
    await define(A, { use: 'disk' })
    await define(A, { use: 'other' })
    await expect(find('disk')).rejects.toEqual(GONE)
    await define(B, { use: 'disk' })
    expect([await find('disk'), await find('other')]).toEqual([B, A])
    await define(A, { use: null })
    await expect(find('other')).rejects.toEqual(GONE)
  })

  test('by metadata that the registry door changes', async () => {
    const { define, find, api } = await site()
    await define(A, { use: 'disk' })
    await define(B, {})
    const use = (key: string, name: string | null) =>
      api.meta({ op: 'set', key, custom: { use: name } })
    await expect(use(B, 'disk')).rejects.toEqual(TAKEN)
    await use(A, null)
    await use(B, 'disk')
    expect(await find('disk')).toBe(B)
  })

  test('by a purge, a deletion and its undoing', async () => {
    const { define, find, api } = await site()
    await define(A, { use: 'disk' })
    await api.set({ key: A, value: 'x' })
    await api.delete({ key: A })
    await expect(find('disk')).rejects.toEqual(GONE)
    await define(B, { use: 'disk' })
    await expect(api.versions({ op: 'undelete', key: A })).rejects.toEqual(TAKEN)
    await api.versions({ op: 'purge', key: B })
    await api.versions({ op: 'undelete', key: A })
    expect(await find('disk')).toBe(A)
    await api.versions({ op: 'purge', key: A })
    await expect(find('disk')).rejects.toEqual(GONE)
  })

  test('by a move, which takes it along, and by a copy, which is refused', async () => {
    const { define, put, find, api } = await site()
    await define(A, { use: 'disk' })
    await put(A, 'x')
    await expect(api.transfer({ op: 'copy', from: A, to: B })).rejects.toEqual(TAKEN)
    await api.transfer({ op: 'move', from: A, to: B })
    expect(await find('disk')).toBe(B)
    await api.transfer({ op: 'copy', from: B, to: '/app/b' })
    await expect(api.transfer({ op: 'copy', from: '/app/b', to: A })).rejects.toEqual(TAKEN)
    await expect(
      api.transfer({ op: 'copy', from: '/app', to: '/libvirt/x', recursive: true }),
    ).rejects.toEqual(TAKEN)
  })

  test('by the expiry of an entry, before the sweeper comes and after', async () => {
    const time = { wall: 1_800_000_000_000, monotonic: 1000 }
    const options = { now: () => time.wall, monotonicMs: () => time.monotonic, housekeepingMs: 5 }
    const { define, find, api, engine } = await site(options)
    await define(A, { use: 'disk' })
    await define('/libvirt/c', { use: 'own' })
    for (const key of [A, '/libvirt/c']) await api.meta({ op: 'set', key, ttl_s: 10 })
    time.wall += 10_000
    time.monotonic += 10_000
    await expect(find('disk')).rejects.toEqual(GONE)
    await define(B, { use: 'disk' })
    await waitFor(() => engine.get(`e${A}`) === undefined)
    await waitFor(() => engine.get('e/libvirt/c') === undefined)
    expect(await find('disk')).toBe(B)
    await define('/libvirt/d', { use: 'own' })
    expect(await find('own')).toBe('/libvirt/d')
  })

  test('by many that ask at the same time: one of them gets it', async () => {
    const { define, find } = await site()
    const keys = Array.from({ length: 40 }, (_, at) => `/libvirt/${at}`)
    const made = await Promise.allSettled(keys.map((key) => define(key, { use: 'disk' })))
    const done = keys.filter((_, at) => made[at]?.status === 'fulfilled')
    expect(done).toEqual([await find('disk')])
  })
})

test('it holds after a restart, and after that of an entry in memory it is free', async () => {
  const files = createMemoryFiles()
  const medium = new MemoryEngine()
  const home = await site({ files, engine: new FaultEngine(medium) })
  await home.define(A, { use: 'disk' })
  await home.define(B, { use: 'memory', ephemeral: true })
  await expect(home.define('/libvirt/c', { use: 'memory' })).rejects.toEqual(TAKEN)
  await home.registry.close()
  const options = { dialects: [DIALECT], files, engine: new FaultEngine(medium) }
  const again = withRules(await restart(options))
  expect(await again.find('disk')).toBe(A)
  await expect(again.find('memory')).rejects.toEqual(GONE)
  await expect(again.define(B, { use: 'disk' })).rejects.toEqual(TAKEN)
  await again.define('/libvirt/c', { use: 'memory' })
})

test('made ephemeral, an entry keeps its value, and nothing of it is in any row of the store', async () => {
  const home = await site()
  const { define, put, find, api, engine } = home
  const large = 'canary-value'.repeat(1000)
  for (const [key, value] of [
    [A, 'canary-value'],
    [B, large],
  ] as const) {
    await define(key, { use: `canary${key}` })
    await api.meta({ op: 'set', key, description: 'canary-text' })
    for (const each of ['canary-old', value]) await put(key, each)
    await define(key, { use: `canary${key}`, ephemeral: true })
    expect(await api.get({ key, decrypt: true })).toMatchObject({ value, version: 2 })
    expect(await find(`canary${key}`)).toBe(key)
    await expect(api.get({ key, version: 1 })).rejects.toEqual(reason('VERSION_NOT_FOUND'))
  }
  const rows: string[] = []
  for await (const { key, value } of engine.iterate({})) {
    const text = Buffer.from(value).toString('latin1')
    expect(text, key).not.toMatch(/canary/)
    rows.push(key)
  }
  expect(rows.filter((key) => /^[eivw]\//.test(key))).toEqual([])
  await define(A, { use: 'plain', ephemeral: false })
  expect(engine.get(`e${A}`)).toBeDefined()
  expect(await api.get({ key: A, decrypt: true })).toMatchObject({ value: 'canary-value' })
  expect(await find('plain')).toBe(A)
})

test('who may not read the metadata of what is found is told that there is nothing', async () => {
  const home = await site()
  await home.define(A, { use: 'disk' })
  const { api } = await addUser(home, 'bob', [])
  const find = (unique: string) => api.meta({ op: 'find', dialect: 'libvirt', unique })
  const told = async (unique: string) => find(unique).catch((error: Error) => error.message)
  expect(await told('disk')).toBe(await told('nothing'))
  const outcomes = linesOf(home.files).slice(-2)
  expect(outcomes.map(({ body }) => body.outcome)).toEqual(['denied', 'failed'])
  await expect(api.meta({ op: 'find', dialect: 'setec', unique: 'x' })).rejects.toEqual(
    reason('DIALECT_REFUSED'),
  )
})

test('no mount brings entries under such write rules, or from under them', async () => {
  const { api } = await site()
  const refused = reason('DIALECT_REFUSED')
  await expect(api.mount({ op: 'set', path: '/x', dialect: 'libvirt' })).rejects.toEqual(refused)
  await expect(api.mount({ op: 'set', path: '/libvirt/x', dialect: 'registry' })).rejects.toEqual(
    refused,
  )
  await api.mount({ op: 'set', path: '/libvirt/x', dialect: 'libvirt', max_entries: 5 })
  await api.mount({ op: 'remove', path: '/libvirt/x' })
})

test('a purge that comes with a write needs its own right', async () => {
  const home = await site()
  await home.define(A, { use: 'disk' })
  await home.put(A, 'x')
  await home.api.delete({ key: A })
  const { api } = await addUser(home, 'bob', [])
  await home.api.policy({
    op: 'set',
    document: {
      id: 'makers',
      rules: [
        {
          id: 'make',
          effect: 'allow',
          principals: ['user:bob'],
          actions: ['create', 'update'],
          resources: ['/libvirt/**'],
        },
      ],
    },
  })
  const define = { dialect: 'libvirt', operation: 'define', key: A, request: {} }
  await expect(api.dialect(define)).rejects.toEqual(reason('ACCESS_DENIED'))
  await api.dialect({ ...define, key: B })
})

test('a listing tells also of what has no value, with its metadata, where that is asked for', async () => {
  const home = await site()
  const { define, put, api } = home
  await define(A, { use: 'disk' })
  await define(B, { use: 'memory', ephemeral: true })
  await put(B, 'x')
  await define('/libvirt/c', {})
  await put('/libvirt/c', 'x')
  await api.delete({ key: '/libvirt/c' })
  const asked = { prefix: '/libvirt', detail: true } as const
  expect((await api.list(asked)).keys).toEqual([B])
  expect((await api.list({ ...asked, unset: true })).keys).toEqual([A, B])
  const { entries } = await api.list({ ...asked, unset: true, metadata: true })
  expect(entries).toMatchObject([
    { key: A, version: 0, private: false, ephemeral: false, custom: { use: 'disk' } },
    { key: B, version: 1, private: false, ephemeral: true, custom: { use: 'memory' } },
  ])
  const { api: bob } = await addUser(home, 'bob', [])
  await api.policy({
    op: 'set',
    document: {
      id: 'names',
      rules: [
        {
          id: 'list',
          effect: 'allow',
          principals: ['user:bob'],
          actions: ['list'],
          resources: ['/libvirt/**'],
        },
      ],
    },
  })
  const seen = await bob.list({ ...asked, unset: true, metadata: true })
  expect(seen.keys).toEqual([A, B])
  expect(JSON.stringify(seen)).not.toMatch(/custom|disk|private/)
})

test('whatever is done in whatever order, each has at most one holder, and it is the one found', async () => {
  const names = fc.constantFrom('a', 'b', 'c')
  const uses = fc.constantFrom('x', 'y', null)
  const step = fc.oneof(
    fc.record({
      do: fc.constant('define' as const),
      name: names,
      use: uses,
      ephemeral: fc.boolean(),
    }),
    fc.record({ do: fc.constantFrom('purge', 'delete', 'undelete', 'put'), name: names }),
    fc.record({ do: fc.constant('move' as const), name: names, to: names }),
    fc.record({ do: fc.constant('meta' as const), name: names, use: uses }),
  )
  const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
    const { define, put, find, api, registry } = await site()
    for (const each of steps) {
      const key = `/libvirt/${each.name}`
      const run = async (): Promise<unknown> => {
        switch (each.do) {
          case 'define':
            return 'ephemeral' in each ? define(key, each) : undefined
          case 'put':
            return put(key, 'v')
          case 'delete':
            return api.delete({ key })
          case 'move':
            return 'to' in each
              ? api.transfer({ op: 'move', from: key, to: `/libvirt/${each.to}` })
              : undefined
          case 'meta':
            return 'use' in each
              ? api.meta({ op: 'set', key, custom: { use: each.use } })
              : undefined
          default:
            return api.versions({ op: each.do as 'purge' | 'undelete', key })
        }
      }
      await run().catch(() => {})
      const asked = { prefix: '/libvirt', detail: true, unset: true, metadata: true } as const
      const entries = (await api.list(asked)).entries ?? []
      for (const use of ['x', 'y']) {
        const holders = entries.filter(({ custom }) => custom?.['use'] === use)
        expect(holders.length).toBeLessThanOrEqual(1)
        const found = await find(use).catch(() => undefined)
        expect(found).toBe(holders[0]?.key)
      }
    }
    await registry.close()
  })
  await fc.assert(property, { numRuns: 40 })
})

test.each([false, true])(
  'a commit that fails gives it to nobody who does not have the entry (applied: %s)',
  async (applied) => {
    const engine = new FaultEngine(new MemoryEngine())
    const { define, find, api } = await site({ engine, onFault: () => {} })
    engine.failCommit(1, { errno: 'EIO', applied })
    // The second is planned on what the first would have written, and anew when that has failed.
    const first = define(A, { use: 'disk' }).then(
      () => true,
      () => false,
    )
    await new Promise((resume) => setImmediate(resume))
    const second = await define(B, { use: 'disk' }).then(
      () => true,
      () => false,
    )
    await first
    const { keys } = await api.list({ prefix: '/libvirt', unset: true })
    expect(keys).toHaveLength(1)
    expect(await find('disk')).toBe(keys[0])
    if (applied) expect(keys).toEqual([A])
    else expect({ keys, second }).toEqual({ keys: [B], second: true })
    await expect(define('/libvirt/c', { use: 'disk' })).rejects.toEqual(TAKEN)
  },
)
