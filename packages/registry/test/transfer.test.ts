/** Copy and move (DESIGN §4, §6), metadata and search. */
import { describe, expect, test } from 'vitest'
import { addUser, reason, start } from './fixture.ts'

describe('copy', () => {
  test('takes the active value, its protection and metadata, as a new version', async () => {
    const { api } = await start()
    await api.set({ key: '/a', value: 'old' })
    await api.set({ key: '/a', value: 'secret', encrypt: true, ttl_s: 3600 })
    await api.meta({ op: 'set', key: '/a', description: 'd', custom: { team: 'web' } })
    await api.meta({ op: 'set', key: '/a', custom: { owner: 'alice' }, granted: true })
    await api.transfer({ op: 'copy', from: '/a', to: '/b' })
    expect(await api.get({ key: '/b', decrypt: true })).toMatchObject({
      value: 'secret',
      version: 1,
    })
    expect(await api.meta({ op: 'get', key: '/b' })).toMatchObject({
      encrypted: true,
      description: 'd',
      custom: { team: 'web', owner: 'alice' },
      // What grants rights there is not carried over.
      granted: [],
    })
    await expect(api.transfer({ op: 'copy', from: '/a', to: '/b' })).rejects.toEqual(
      reason('ALREADY_EXISTS'),
    )
    await api.transfer({ op: 'copy', from: '/a', to: '/b', force: true })
    expect((await api.history({ key: '/b' })).latest).toBe(2)
  })

  test('a subtree with everything that the caller sees there', async () => {
    const { api } = await start()
    for (const key of ['/s', '/s/a', '/s/b/c']) await api.set({ key, value: key })
    expect(
      await api.transfer({ op: 'copy', from: '/s', to: '/t/u', recursive: true }),
    ).toMatchObject({ count: 3 })
    expect((await api.list({ prefix: '/t', recursive: true })).keys).toEqual([
      '/t/u',
      '/t/u/a',
      '/t/u/b/c',
    ])
  })
})

describe('move', () => {
  test('takes the history, and the numbers go on', async () => {
    const { api } = await start()
    for (const value of ['1', '2', '3']) await api.set({ key: '/a', value, encrypt: true })
    await api.transfer({ op: 'move', from: '/a', to: '/b' })
    await expect(api.get({ key: '/a' })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    expect(await api.get({ key: '/b', version: 2, decrypt: true })).toMatchObject({ value: '2' })
    expect(await api.set({ key: '/b', value: '4' })).toMatchObject({ version: 4 })
    // And back, to where it was.
    await api.transfer({ op: 'move', from: '/b', to: '/a' })
    expect((await api.history({ key: '/a' })).versions.map(({ version }) => version)).toEqual([
      4, 3, 2, 1,
    ])
    // What is new at a path that numbers have left does not repeat them.
    expect(await api.set({ key: '/b', value: 'new' })).toMatchObject({ version: 5 })
  })

  test('to a path that has used such numbers, the versions get higher ones', async () => {
    const { api } = await start()
    for (const value of ['x', 'y']) await api.set({ key: '/b', value })
    await api.versions({ op: 'purge', key: '/b' })
    const large = 'l'.repeat(9000)
    for (const value of ['1', large, '3']) await api.set({ key: '/a', value, encrypt: true })
    await api.versions({ op: 'destroy', key: '/a', versions: [1] })
    await api.versions({ op: 'activate', key: '/a', version: 2 })
    await api.transfer({ op: 'move', from: '/a', to: '/b' })
    expect(await api.history({ key: '/b' })).toMatchObject({
      active: 4,
      latest: 5,
      versions: [{ version: 5 }, { version: 4 }, { version: 3, state: 'destroyed' }],
    })
    expect(await api.get({ key: '/b', decrypt: true })).toMatchObject({ value: large })
    expect(await api.get({ key: '/b', version: 5, decrypt: true })).toMatchObject({ value: '3' })
  })

  test('a subtree, atomically; never onto what is there, or into itself', async () => {
    const { api, engine } = await start()
    for (const key of ['/s/a', '/s/b/c']) await api.set({ key, value: key })
    const before = engine.head
    const answer = await api.transfer({ op: 'move', from: '/s', to: '/t', recursive: true })
    expect(answer).toMatchObject({ count: 2, revision: before + 1 })
    expect((await api.list({ prefix: '/', recursive: true })).keys).toEqual(['/t/a', '/t/b/c'])
    await api.set({ key: '/v/b/c', value: 'there' })
    await expect(
      api.transfer({ op: 'move', from: '/t', to: '/v', recursive: true }),
    ).rejects.toEqual(reason('ALREADY_EXISTS'))
    for (const to of ['/t', '/t/a', '/t/a/b']) {
      await expect(api.transfer({ op: 'move', from: '/t/a', to })).rejects.toEqual(
        reason('INVALID_ARGUMENT'),
      )
    }
  })

  test('needs the right to read here, to delete here, and to create there', async () => {
    const home = await start()
    await home.api.set({ key: '/app/a', value: 'x' })
    await home.api.set({ key: '/app/s', value: 'x', encrypt: true })
    const { api } = await addUser(home, 'op', ['operator'])
    await expect(api.transfer({ op: 'move', from: '/app/a', to: '/b' })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    await expect(api.transfer({ op: 'copy', from: '/app/s', to: '/b' })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    await expect(api.transfer({ op: 'copy', from: '/app/a', to: '/security/b' })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    await expect(home.api.transfer({ op: 'move', from: '/app/none', to: '/b' })).rejects.toEqual(
      reason('STORAGE_KEY_NOT_FOUND'),
    )
  })
})

describe('fault: what policy relies on was changed by who has no grant', () => {
  async function withGranted() {
    const home = await start()
    const { api } = await addUser(home, 'bob', ['user'])
    for (const key of ['/user/bob/a', '/user/bob/b']) await api.set({ key, value: key })
    const custom = { team: 'web', frozen: 'yes' }
    await home.api.meta({ op: 'set', key: '/user/bob/a', custom: { frozen: 'yes' }, granted: true })
    await home.api.meta({ op: 'set', key: '/user/bob/b', custom: { ...custom, frozen: 'no' } })
    return { root: home.api, api }
  }

  test('a copy over it, which took it away', async () => {
    const { api } = await withGranted()
    await api.transfer({ op: 'copy', from: '/user/bob/b', to: '/user/bob/a', force: true })
    await api.delete({ key: '/user/bob/a' })
    await api.transfer({ op: 'copy', from: '/user/bob/b', to: '/user/bob/a' })
    expect(await api.meta({ op: 'get', key: '/user/bob/a' })).toMatchObject({
      custom: { team: 'web', frozen: 'yes' },
      granted: ['frozen'],
    })
  })

  test('a move, which took it along', async () => {
    const { api, root } = await withGranted()
    const move = { op: 'move', from: '/user/bob/a', to: '/user/bob/c' } as const
    await expect(api.transfer(move)).rejects.toEqual(reason('ACCESS_DENIED'))
    await root.transfer(move)
    expect(await api.meta({ op: 'get', key: move.to })).toMatchObject({ granted: ['frozen'] })
  })
})

describe('metadata (weakness 27)', () => {
  test('what is set is returned, changed member by member, and outlives new values', async () => {
    const { api } = await start()
    await api.set({ key: '/a', value: '1' })
    await api.meta({
      op: 'set',
      key: '/a',
      description: 'database',
      tags: ['b', 'a', 'b'],
      custom: { team: 'web', old: 'x' },
      max_versions: 5,
    })
    await api.meta({ op: 'set', key: '/a', custom: { old: null, ['__proto__']: 'kept' } })
    await api.set({ key: '/a', value: '2' })
    expect(await api.meta({ op: 'get', key: '/a' })).toMatchObject({
      description: 'database',
      tags: ['a', 'b'],
      max_versions: 5,
      latest: 2,
      dialect: 'registry',
    })
    const { custom } = await api.meta({
      op: 'set',
      key: '/a',
      description: null,
      max_versions: null,
    })
    expect(Object.entries(custom)).toEqual([
      ['team', 'web'],
      ['__proto__', 'kept'],
    ])
  })

  test('members that policy relies on are changed under grant only', async () => {
    const home = await start()
    await home.api.set({ key: '/app/a', value: '1' })
    await home.api.meta({ op: 'set', key: '/app/a', custom: { owner: 'alice' }, granted: true })
    const { api } = await addUser(home, 'ed', ['admin'])
    expect(await api.meta({ op: 'get', key: '/app/a' })).toMatchObject({ granted: ['owner'] })
    const { api: op } = await addUser(home, 'op', ['operator'])
    await expect(op.meta({ op: 'set', key: '/app/a', custom: { owner: 'op' } })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    await home.api.meta({ op: 'set', key: '/app/a', custom: { owner: 'bob' } })
    expect(await home.api.meta({ op: 'get', key: '/app/a' })).toMatchObject({ granted: [] })
  })

  test('a search finds by path, name, member and tag; pages; and values by nothing', async () => {
    const { api } = await start()
    for (const key of ['/app/Database/url', '/app/web/port', '/srv/database']) {
      await api.set({ key, value: 'needle' })
    }
    await api.meta({ op: 'set', key: '/app/web/port', custom: { team: 'web' }, tags: ['net'] })
    const keys = async (request: object) =>
      (await api.search(request)).entries.map(({ key }) => key)
    expect(await keys({ text: 'database' })).toEqual(['/app/Database/url', '/srv/database'])
    expect(await keys({ key: 'DATA' })).toEqual(['/srv/database'])
    expect(await keys({ metadata: { team: 'web' } })).toEqual(['/app/web/port'])
    expect(await keys({ tag: 'net', prefix: '/srv' })).toEqual([])
    expect(await keys({ metadata: { toString: 'x' } })).toEqual([])
    expect(await keys({ text: 'needle' })).toEqual([])
    const first = await api.search({ limit: 2 })
    expect(first).toMatchObject({ next: '/app/web/port' })
    expect(await keys({ limit: 2, after: first.next })).toEqual(['/srv/database'])
  })

  test('who may not read metadata does not find by it', async () => {
    const home = await start()
    const { api } = await addUser(home, 'bob', ['user'])
    await home.api.set({ key: '/app/a', value: '1' })
    await home.api.meta({ op: 'set', key: '/app/a', tags: ['x'] })
    await expect(api.search({ prefix: '/app', tag: 'x' })).rejects.toEqual(reason('ACCESS_DENIED'))
    expect((await api.search({ tag: 'x' })).entries).toEqual([])
  })
})
