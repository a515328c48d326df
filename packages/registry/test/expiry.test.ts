/** What expires, at the second it says for readers and by the sweeper on disk (weakness 25); DESIGN §4. */

import { createMemoryFiles } from '@secreg/audit/testing'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { linesOf, reason, restart, start } from './fixture.ts'

const KEY = '/app/a'

function clock() {
  const time = { wall: 1_800_000_000_000, monotonic: 1000 }
  return {
    time,
    options: { now: () => time.wall, monotonicMs: () => time.monotonic },
    pass: (ms: number): void => {
      time.wall += ms
      time.monotonic += ms
    },
  }
}

describe('an entry with a time to live', () => {
  test('is there until its second and gone from then on, for every reader', async () => {
    const { options, pass } = clock()
    const { api } = await start(options)
    await api.set({ key: KEY, value: 'x', ttl_s: 10 })
    pass(9999)
    expect(await api.get({ key: KEY, detail: true })).toMatchObject({
      value: 'x',
      expires_at: 1_800_000_010_000,
    })
    pass(1)
    await expect(api.get({ key: KEY })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    await expect(api.history({ key: KEY })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    await expect(api.meta({ op: 'get', key: KEY })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    await expect(api.delete({ key: KEY })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    await expect(api.versions({ op: 'undelete', key: KEY })).rejects.toEqual(
      reason('STORAGE_KEY_NOT_FOUND'),
    )
    expect((await api.list({ prefix: '/app' })).keys).toEqual([])
    expect((await api.search({ text: 'app' })).entries).toEqual([])
    expect((await api.export({})).entries).toEqual([])
    expect(await api.txn({ compare: [{ key: KEY, absent: true }] })).toMatchObject({
      succeeded: true,
    })
  })

  test('is erased by the sweeper, with one record, and its numbers stay used', async () => {
    const { options, pass } = clock()
    const { api, engine, files } = await start({ ...options, housekeepingMs: 5 })
    for (const key of [KEY, '/app/b']) await api.set({ key, value: 'x', ttl_s: 10 })
    await api.set({ key: '/app/c', value: 'x', ttl_s: 20 })
    pass(10_000)
    await waitFor(() => engine.get(`e${KEY}`) === undefined && engine.get('e/app/b') === undefined)
    expect(engine.get('e/app/c')).toBeDefined()
    const swept = linesOf(files).filter(({ body }) => body.action === 'expire')
    expect(swept.flatMap(({ body }) => body.paths)).toEqual([KEY, '/app/b'])
    expect(await api.set({ key: KEY, value: 'again' })).toMatchObject({ version: 2 })
  })

  test('a set without one makes it stay; a write after its time begins a new life', async () => {
    const { options, pass } = clock()
    const { api } = await start(options)
    await api.set({ key: KEY, value: 'x', ttl_s: 10 })
    await api.set({ key: KEY, value: 'y' })
    pass(20_000)
    expect(await api.get({ key: KEY })).toMatchObject({ value: 'y', version: 2 })
    await api.meta({ op: 'set', key: KEY, ttl_s: 5 })
    pass(5000)
    expect(await api.set({ key: KEY, value: 'z', if_version: 0 })).toMatchObject({ version: 3 })
    expect((await api.history({ key: KEY })).versions).toHaveLength(1)
  })

  test('does not come back when the wall clock is put back, also over a restart', async () => {
    const { time, options, pass } = clock()
    const files = createMemoryFiles()
    const medium = new MemoryEngine()
    const home = await start({
      ...options,
      housekeepingMs: 5,
      files,
      engine: new FaultEngine(medium),
    })
    await home.api.set({ key: KEY, value: 'x', ttl_s: 3600 })
    await home.api.set({ key: '/app/soon', value: 'x', ttl_s: 60 })
    pass(61_000)
    await waitFor(() => medium.get('e/app/soon') === undefined)
    time.wall -= 30_000
    expect(await home.api.get({ key: KEY })).toMatchObject({ value: 'x' })
    pass(3_540_000)
    await expect(home.api.get({ key: KEY })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    await home.registry.close()
    time.wall -= 10_000_000
    const again = await restart({ ...options, files, engine: new FaultEngine(medium) })
    await expect(again.api.get({ key: KEY })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
  })
})

describe('versions that are deleted some time after they were made', () => {
  test('softly, each at its time, never back to an older one', async () => {
    const { options, pass } = clock()
    const { api, engine } = await start({ ...options, housekeepingMs: 5 })
    await api.set({ key: KEY, value: 'one' })
    await api.meta({ op: 'set', key: KEY, delete_after_s: 10 })
    await api.set({ key: KEY, value: 'two' })
    pass(5000)
    await api.set({ key: KEY, value: 'three' })
    pass(5000)
    await expect(api.get({ key: KEY, version: 2 })).rejects.toEqual(reason('VERSION_DELETED'))
    expect(await api.get({ key: KEY })).toMatchObject({ value: 'three' })
    pass(5000)
    await expect(api.get({ key: KEY })).rejects.toEqual(reason('VERSION_DELETED'))
    expect(await api.get({ key: KEY, version: 1 })).toMatchObject({ value: 'one' })
    await waitFor(async () => {
      for await (const _ of engine.iterate({ gte: 't/', lt: 't0' })) return false
      return true
    })
    const { versions } = await api.history({ key: KEY })
    expect(versions.map(({ state }) => state)).toEqual(['expired', 'expired', 'kept'])
    await api.versions({ op: 'undelete', key: KEY })
    expect(await api.get({ key: KEY })).toMatchObject({ value: 'three' })
  })
})
