/** The table of DESIGN §4 for the registry's own dialect, and the reason that each hindrance has. */
import { describe, expect, test } from 'vitest'
import { addUser, linesOf, reason, start } from './fixture.ts'

const KEY = '/app/a'

async function withVersions(count: number, encrypt = false) {
  const home = await start()
  for (let number = 1; number <= count; number++) {
    await home.api.set({ key: KEY, value: `value ${number}`, encrypt })
  }
  return home
}

describe('history', () => {
  test('newest first, in pages, with authors and states, never values', async () => {
    const { api } = await withVersions(5)
    const first = await api.history({ key: KEY, limit: 2 })
    expect(first).toMatchObject({ active: 5, latest: 5, next: 4 })
    expect(first.versions.map(({ version }) => version)).toEqual([5, 4])
    const rest = await api.history({ key: KEY, before: 4 })
    expect(rest.versions.map(({ version }) => version)).toEqual([3, 2, 1])
    expect(rest.next).toBeUndefined()
    expect(rest.versions[0]).toMatchObject({ state: 'kept', type: 'string', created_by: 'root' })
    expect(JSON.stringify([first, rest])).not.toContain('value ')
  })

  test('who polls is remembered, without a record', async () => {
    const home = await withVersions(2)
    const before = linesOf(home.files).length
    expect(await home.api.get({ key: KEY, if_changed: 2 })).toMatchObject({
      unchanged: true,
      value: null,
      version: 2,
    })
    expect(linesOf(home.files)).toHaveLength(before)
    expect((await home.api.history({ key: KEY })).polled).toMatchObject([{ by: 'root' }])
    expect(await home.api.get({ key: KEY, if_changed: 1 })).toMatchObject({ value: 'value 2' })
    const { api } = await addUser(home, 'op', ['operator'])
    expect((await api.history({ key: KEY })).polled).toBeUndefined()
  })
})

describe('reading a version', () => {
  test('by its number, also encrypted ones and after others came', async () => {
    const { api } = await withVersions(3, true)
    expect(await api.get({ key: KEY, version: 2, decrypt: true })).toMatchObject({
      value: 'value 2',
      version: 2,
    })
    expect(await api.get({ key: KEY, version: 2 })).toMatchObject({ value: null, encrypted: true })
  })

  test('each hindrance has its own reason', async () => {
    const { api } = await withVersions(3)
    const get = (version?: number) =>
      api.get({ key: KEY, ...(version === undefined ? {} : { version }) })
    await expect(api.get({ key: '/app/none' })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    await expect(get(9)).rejects.toEqual(reason('VERSION_NOT_FOUND'))
    await api.versions({ op: 'destroy', key: KEY, versions: [1] })
    await expect(get(1)).rejects.toEqual(reason('VERSION_DESTROYED'))
    await api.versions({ op: 'destroy', key: KEY, versions: [3] })
    // Never an older version instead.
    await expect(get()).rejects.toEqual(reason('VERSION_DESTROYED'))
    expect(await get(2)).toMatchObject({ value: 'value 2' })
    await api.versions({ op: 'activate', key: KEY, version: 2 })
    await api.delete({ key: KEY })
    await expect(get()).rejects.toEqual(reason('ENTRY_DELETED'))
    await expect(get(2)).rejects.toEqual(reason('ENTRY_DELETED'))
    await expect(api.versions({ op: 'activate', key: KEY, version: 2 })).rejects.toEqual(
      reason('ENTRY_DELETED'),
    )
    await api.versions({ op: 'undelete', key: KEY })
    expect(await get()).toMatchObject({ value: 'value 2' })
  })
})

describe('rollback and activate', () => {
  test('rollback writes a new version; activate moves the pointer', async () => {
    const { api } = await withVersions(3, true)
    expect(await api.versions({ op: 'rollback', key: KEY, version: 1 })).toMatchObject({
      version: 4,
    })
    expect(await api.get({ key: KEY, decrypt: true })).toMatchObject({
      value: 'value 1',
      version: 4,
    })
    expect(await api.versions({ op: 'activate', key: KEY, version: 2 })).toMatchObject({
      version: 2,
    })
    expect(await api.set({ key: KEY, value: 'next' })).toMatchObject({ version: 5 })
  })

  test('a stale rollback and a stale activation change nothing', async () => {
    const { api } = await withVersions(3)
    await expect(
      api.versions({ op: 'rollback', key: KEY, version: 1, if_version: 2 }),
    ).rejects.toEqual(reason('VERSION_CONFLICT'))
    const { modify_revision } = await api.get({ key: KEY })
    await api.versions({ op: 'activate', key: KEY, version: 1, if_revision: modify_revision })
    await expect(
      api.versions({ op: 'activate', key: KEY, version: 2, if_revision: modify_revision }),
    ).rejects.toEqual(reason('VERSION_CONFLICT'))
  })

  test('activating what is active changes nothing and leaves one record', async () => {
    const { api, files, engine } = await withVersions(2)
    const before = [linesOf(files).length, engine.head]
    await api.versions({ op: 'activate', key: KEY, version: 2 })
    expect([linesOf(files).length, engine.head]).toEqual([(before[0] as number) + 1, before[1]])
  })
})

test('fault: two changes of an entry in one commit had one revision, so that the first to compare lost the second', async () => {
  const { api } = await start()
  const [first, second] = await Promise.all([
    api.set({ key: KEY, value: 'first' }),
    api.set({ key: KEY, value: 'second' }),
    api.set({ key: '/app/b', value: 'beside' }),
  ])
  expect(second.revision).toBeGreaterThan(first.revision)
  await expect(api.set({ key: KEY, value: 'third', if_revision: first.revision })).rejects.toEqual(
    reason('VERSION_CONFLICT'),
  )
})

test('check-and-set that an entry requires holds for every new value', async () => {
  const { api } = await withVersions(2)
  await api.meta({ op: 'set', key: KEY, cas_required: true })
  const required = reason('VERSION_REQUIRED')
  await expect(api.versions({ op: 'rollback', key: KEY, version: 1 })).rejects.toEqual(required)
  await api.set({ key: '/app/b', value: 'b' })
  await expect(api.transfer({ op: 'copy', from: '/app/b', to: KEY, force: true })).rejects.toEqual(
    required,
  )
  await api.versions({ op: 'rollback', key: KEY, version: 1, if_version: 2 })
  expect(await api.get({ key: KEY })).toMatchObject({ value: 'value 1', version: 3 })
})

test('undelete of what was destroyed says so', async () => {
  const { api } = await withVersions(1)
  await api.versions({ op: 'destroy', key: KEY, versions: [1] })
  await expect(api.versions({ op: 'undelete', key: KEY })).rejects.toEqual(
    reason('VERSION_DESTROYED'),
  )
})

describe('pruning', () => {
  test('the newest are kept, and the active one whatever its age', async () => {
    const { api } = await withVersions(10)
    await api.versions({ op: 'activate', key: KEY, version: 1 })
    await api.meta({ op: 'set', key: KEY, max_versions: 3 })
    await api.versions({ op: 'rollback', key: KEY, version: 5 })
    const { versions, active } = await api.history({ key: KEY })
    expect(active).toBe(11)
    expect(versions.map(({ version }) => version)).toEqual([11, 10, 9])
  })

  test('10,000 versions of one entry are kept, listed in pages, and purged', async () => {
    const { api, engine } = await start()
    await api.set({ key: KEY, value: 'first' })
    await api.meta({ op: 'set', key: KEY, max_versions: 10_000 })
    for (let round = 0; round < 100; round++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          api.set({ key: KEY, value: `${round} ${index}` }),
        ),
      )
    }
    let before: number | undefined
    let count = 0
    do {
      const page = await api.history({
        key: KEY,
        limit: 1000,
        ...(before === undefined ? {} : { before }),
      })
      count += page.versions.length
      before = page.next
    } while (before !== undefined)
    expect(count).toBe(10_000)
    await expect(api.get({ key: KEY, version: 1 })).rejects.toEqual(reason('VERSION_NOT_FOUND'))
    const rows = engine.stats().rows
    expect(await api.versions({ op: 'purge', key: KEY })).toMatchObject({ erased: true })
    expect(rows - engine.stats().rows).toBeGreaterThan(9990)
  })
})

describe('purge', () => {
  test('numbers go on in the next life', async () => {
    const { api } = await withVersions(3)
    await api.versions({ op: 'purge', key: KEY })
    await expect(api.get({ key: KEY })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    expect(await api.set({ key: KEY, value: 'again', if_version: 0 })).toMatchObject({ version: 4 })
    expect((await api.history({ key: KEY })).versions).toHaveLength(1)
  })

  test('a subtree goes as one operation with one record', async () => {
    const { api, files } = await start()
    for (const key of ['/t/a', '/t/b/c', '/t/d', '/u']) await api.set({ key, value: 'x' })
    await api.delete({ key: '/t/d' })
    const before = linesOf(files).length
    expect(await api.versions({ op: 'purge', key: '/t', recursive: true })).toMatchObject({
      count: 3,
    })
    expect(linesOf(files).slice(before)).toMatchObject([
      { body: { action: 'purge', outcome: 'ok', paths: ['/t'], count: 3 } },
    ])
    expect((await api.list({ prefix: '/', recursive: true })).keys).toEqual(['/u'])
  })
})

test('rights: each change of versions needs its own', async () => {
  const home = await withVersions(3)
  const { api } = await addUser(home, 'op', ['operator'])
  await api.versions({ op: 'rollback', key: KEY, version: 1 })
  await expect(api.versions({ op: 'activate', key: KEY, version: 1 })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
  for (const key of [KEY, '/app/none']) {
    await expect(api.versions({ op: 'undelete', key })).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(api.versions({ op: 'purge', key })).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(api.versions({ op: 'purge', key, recursive: true })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    await expect(api.versions({ op: 'destroy', key, versions: [1] })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
  }
})

test('values that are large in themselves stand in rows of their own, in every version', async () => {
  const { api } = await start()
  const large = (letter: string) => letter.repeat(60_000)
  for (const letter of ['a', 'b', 'c']) {
    await api.set({ key: KEY, value: large(letter), encrypt: letter !== 'b' })
  }
  expect(await api.get({ key: KEY, version: 1, decrypt: true })).toMatchObject({
    value: large('a'),
  })
  expect(await api.get({ key: KEY, version: 2 })).toMatchObject({ value: large('b') })
  await api.versions({ op: 'activate', key: KEY, version: 2 })
  expect(await api.get({ key: KEY })).toMatchObject({ value: large('b'), encrypted: false })
  await api.versions({ op: 'destroy', key: KEY, versions: [1] })
  await api.versions({ op: 'rollback', key: KEY, version: 3 })
  expect(await api.get({ key: KEY, decrypt: true })).toMatchObject({ value: large('c') })
})
