/** Private and ephemeral entries (DESIGN §4; specs/libvirt.md §8). */
import { createMemoryFiles } from '@secreg/audit/testing'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { describe, expect, test } from 'vitest'
import { addUser, type Home, reason, restart, start } from './fixture.ts'

const KEY = '/app/a'

async function durableRows({ engine }: Pick<Home, 'engine'>, prefix: string): Promise<string[]> {
  const rows: string[] = []
  for await (const { key } of engine.iterate({ gte: prefix, lt: `${prefix}~` })) rows.push(key)
  return rows
}

describe('private', () => {
  test('nobody reads it back without the right to, by whichever way', async () => {
    const home = await start()
    await home.api.set({ key: KEY, value: 'canary', private: true })
    // The first administrator has the right; an operator has not.
    expect(await home.api.get({ key: KEY })).toMatchObject({ value: 'canary' })
    const { api } = await addUser(home, 'op', ['operator', 'auditor'])
    const denied = reason('ACCESS_DENIED')
    await expect(api.get({ key: KEY })).rejects.toEqual(denied)
    await expect(api.get({ key: KEY, version: 1 })).rejects.toEqual(denied)
    await expect(api.txn({ then: [{ op: 'get', key: KEY }] })).rejects.toEqual(denied)
    await expect(api.txn({ compare: [{ key: KEY, value: 'canary' }] })).rejects.toEqual(denied)
    await expect(api.transfer({ op: 'copy', from: KEY, to: '/app/b' })).rejects.toEqual(denied)
    expect(await api.export({})).toMatchObject({ entries: [], omitted: 1 })
    expect(await api.meta({ op: 'get', key: KEY })).toMatchObject({ private: true })
  })

  test.each([false, true])('nor by any other way (encrypted: %s)', async (encrypt) => {
    const home = await start()
    const root = home.api
    await root.set({ key: KEY, value: 'canary', private: true, encrypt })
    await root.set({ key: KEY, value: 'canary' })
    const { api } = await addUser(home, 'op', ['operator'])
    const principals = ['user:op']
    const all = ['decrypt', 'delete', 'undelete', 'destroy', 'activate', 'write-metadata', 'grant']
    await root.policy({
      op: 'set',
      document: {
        id: 'all-but-internal',
        rules: [{ id: 'a', effect: 'allow', principals, actions: all, resources: ['/app/**'] }],
      },
    })
    await root.set({ key: '/app/public', value: 'x' })
    const denied = reason('ACCESS_DENIED')
    for (const more of [{}, { version: 1 }, { version: 2 }, { if_changed: 2 }, { detail: true }]) {
      await expect(api.get({ key: KEY, decrypt: true, ...more })).rejects.toEqual(denied)
    }
    const copies = [
      { op: 'copy', from: KEY, to: '/app/b' },
      { op: 'copy', from: KEY, to: '/app/public', force: true },
      { op: 'move', from: KEY, to: '/app/b' },
      { op: 'copy', from: '/app', to: '/app2', recursive: true },
      { op: 'move', from: '/app', to: '/app2', recursive: true },
    ] as const
    for (const copy of copies) await expect(api.transfer(copy)).rejects.toEqual(denied)
    expect(await api.export({ prefix: '/app', with_secrets: true })).toMatchObject({
      entries: [{ key: '/app/public' }],
      omitted: 1,
    })
    for (const value of ['canary', 'other']) {
      const { import: id = '' } = await api.import({ op: 'begin' })
      await api.import({ op: 'stage', import: id, entries: [{ key: KEY, value, encrypt }] })
      const { changes } = await api.import({ op: 'diff', import: id })
      expect(changes).toMatchObject([{ change: 'update' }])
      await expect(api.import({ op: 'commit', import: id })).rejects.toEqual(
        reason('ALREADY_EXISTS'),
      )
    }
    // Whatever is done with its versions, they stay as private as it is.
    await api.versions({ op: 'rollback', key: KEY, version: 1 })
    await api.delete({ key: KEY })
    await api.versions({ op: 'undelete', key: KEY })
    for (const version of [1, 2, 3]) {
      await expect(api.get({ key: KEY, version, decrypt: true })).rejects.toEqual(denied)
    }
    expect(await root.get({ key: KEY, version: 3, decrypt: true })).toMatchObject({
      value: 'canary',
    })
  })

  test('it stays private until it is purged', async () => {
    const { api } = await start()
    await api.set({ key: KEY, value: '1', private: true })
    await api.set({ key: KEY, value: '2' })
    await expect(api.set({ key: KEY, value: '3', private: false })).rejects.toEqual(
      reason('INVALID_ARGUMENT'),
    )
    expect(await api.meta({ op: 'get', key: KEY })).toMatchObject({ private: true, latest: 2 })
    await api.transfer({ op: 'copy', from: KEY, to: '/app/b' })
    expect(await api.meta({ op: 'get', key: '/app/b' })).toMatchObject({ private: true })
    await api.versions({ op: 'purge', key: KEY })
    await api.set({ key: KEY, value: '4' })
    expect(await api.meta({ op: 'get', key: KEY })).toMatchObject({ private: false })
  })
})

describe('ephemeral', () => {
  test('is like any entry, but in memory only, and gone at restart', async () => {
    const files = createMemoryFiles()
    const medium = new MemoryEngine()
    const home = await start({ files, engine: new FaultEngine(medium) })
    const { api } = home
    await api.set({ key: '/app/kept', value: 'durable' })
    await api.set({ key: KEY, value: 'one', ephemeral: true, encrypt: true })
    await api.set({ key: KEY, value: 'two' })
    await api.meta({ op: 'set', key: KEY, description: 'short-lived', tags: ['x'] })
    expect(await api.get({ key: KEY, decrypt: true })).toMatchObject({ value: 'two', version: 2 })
    expect(await api.get({ key: KEY, version: 1, decrypt: true })).toMatchObject({ value: 'one' })
    expect((await api.list({ prefix: '/app' })).keys).toEqual([KEY, '/app/kept'])
    expect((await api.search({ tag: 'x' })).entries).toMatchObject([{ key: KEY }])
    expect(await durableRows({ engine: medium }, 'e')).toEqual(['e/app/kept'])
    expect((await api.export({ with_secrets: true })).entries.map(({ key }) => key)).toEqual([
      '/app/kept',
    ])
    expect(home.registry.status(home.admin).entries).toBe(2)
    await home.registry.close()
    const again = await restart({ files, engine: new FaultEngine(medium) })
    await expect(again.api.get({ key: KEY })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    // Nobody who holds an old number can take the new value for it.
    expect((await again.api.set({ key: KEY, value: 'new' })).version).toBeGreaterThan(2)
    expect(again.registry.status(again.admin).entries).toBe(2)
  })

  test('the switch to it erases what was on disk; the switch back writes it', async () => {
    const { api, engine } = await start()
    const large = 'l'.repeat(10_000)
    await api.set({ key: KEY, value: large, type: 'string' })
    await api.set({ key: KEY, value: 'two', ephemeral: true })
    expect(await durableRows({ engine }, 'v/')).toEqual([])
    expect(await durableRows({ engine }, 'w/')).toEqual([])
    expect((await api.history({ key: KEY })).versions.map(({ version }) => version)).toEqual([2])
    await api.set({ key: KEY, value: large })
    expect(await durableRows({ engine }, 'w/')).toEqual([])
    await api.set({ key: KEY, value: 'four', ephemeral: false })
    expect((await durableRows({ engine }, 'v/')).length).toBe(3)
    expect(await durableRows({ engine }, 'w/')).toHaveLength(1)
    expect(await api.get({ key: KEY, version: 3 })).toMatchObject({ value: large })
    expect(await api.meta({ op: 'get', key: KEY })).toMatchObject({ ephemeral: false, latest: 4 })
  })

  test('what does not fit into memory is refused, and the rest goes on', async () => {
    const { api } = await start({ ephemeralBytes: 20_000 })
    await api.set({ key: '/m/a', value: 'x'.repeat(3000), ephemeral: true })
    await expect(
      api.set({ key: '/m/b', value: 'x'.repeat(60_000), ephemeral: true }),
    ).rejects.toMatchObject({ reason: 'LIMIT_EXCEEDED' })
    await api.set({ key: '/m/c', value: 'y' })
    expect((await api.list({ prefix: '/m' })).keys).toEqual(['/m/a', '/m/c'])
  })
})
