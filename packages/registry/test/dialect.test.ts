/** Mounts and the write rules that doors bring, shown with rules like those of setec (specs/setec.md §1.3). */
import { type Dialect, type DialectEntry, parseValue, SecregError } from '@secreg/protocol'
import { describe, expect, test } from 'vitest'
import { addUser, linesOf, reason, start } from './fixture.ts'

const MAX = 4_294_967_295

function put(entry: DialectEntry, request: unknown) {
  const { value } = request as { value: string }
  const typed = parseValue(value, 'string')
  if (entry.exists && entry.holds(entry.latest, typed.bytes)) {
    return { effects: [], result: entry.latest }
  }
  return {
    effects: [{ do: 'put' as const, value: typed, activate: false }],
    result: entry.latest + 1,
  }
}

const SETEC: Dialect = {
  name: 'setec',
  encrypted: true,
  maxVersions: 1000,
  maxVersion: MAX,
  activatesNew: false,
  operations: {
    put: { action: 'update', audit: 'write', plan: put },
    'create-version': {
      action: 'create-version',
      audit: 'write',
      plan: (entry, request) => {
        const { version, value } = request as { version: number; value: string }
        if (entry.isClaimed(version)) throw new SecregError('ALREADY_EXISTS', 'already set')
        return {
          effects: [{ do: 'put', value: parseValue(value, 'string'), version }],
          result: {},
        }
      },
    },
    'delete-version': {
      action: 'destroy',
      audit: 'destroy',
      plan: (entry, request) => {
        const { version } = request as { version: number }
        if (version === entry.active) throw new SecregError('VERSION_ACTIVE', 'it is active')
        return { effects: [{ do: 'destroy', version }], result: {} }
      },
    },
    delete: {
      action: 'purge',
      audit: 'purge',
      plan: (entry) => ({ effects: entry.exists ? [{ do: 'purge' }] : [], result: {} }),
    },
  },
}

async function site() {
  const home = await start({ dialects: [SETEC] })
  const run = async (operation: string, key: string, request = {}) =>
    (await home.api.dialect({ dialect: 'setec', operation, key, request })).result
  return { ...home, run }
}

test('fault: a put told who may not have a private value whether he had guessed it', async () => {
  const home = await site()
  const { api, run } = home
  await run('put', '/setec/a', { value: 'one' })
  await api.set({ key: '/setec/a', value: 'guess', private: true })
  const { api: bob } = await addUser(home, 'bob', [])
  const rule = { id: 'put', effect: 'allow', principals: ['user:bob'], resources: ['/setec/**'] }
  const document = { id: 'putters', rules: [{ ...rule, actions: ['update'] }] }
  await api.policy({ op: 'set', document })
  const put = async (caller: typeof bob) => {
    const request = { value: 'guess' }
    return (await caller.dialect({ dialect: 'setec', operation: 'put', key: '/setec/a', request }))
      .result
  }
  expect(await put(api)).toBe(2)
  expect(await put(bob)).toBe(3)
})

describe('write rules of a door', () => {
  test('put: the first version is active, a later one is not, an equal value is nothing new', async () => {
    const { api, run, files } = await site()
    expect(await run('put', '/setec/a', { value: 'one' })).toBe(1)
    expect(await run('put', '/setec/a', { value: 'two' })).toBe(2)
    expect(await api.get({ key: '/setec/a', decrypt: true })).toMatchObject({
      value: 'one',
      version: 1,
      encrypted: true,
    })
    const before = linesOf(files).length
    expect(await run('put', '/setec/a', { value: 'two' })).toBe(2)
    expect(linesOf(files).slice(before)).toHaveLength(1)
    expect((await api.history({ key: '/setec/a' })).latest).toBe(2)
  })

  test('create-version: any number that nobody used, active at once; the rest stays usable', async () => {
    const { api, run } = await site()
    await run('create-version', '/setec/a', { version: 100, value: 'hundred' })
    await run('create-version', '/setec/a', { version: 50, value: 'fifty' })
    expect((await api.history({ key: '/setec/a' })).active).toBe(50)
    await expect(run('create-version', '/setec/a', { version: 100, value: 'x' })).rejects.toEqual(
      reason('ALREADY_EXISTS'),
    )
    expect(await run('put', '/setec/a', { value: 'next' })).toBe(101)
  })

  test('put at the highest number is refused, and nothing wraps', async () => {
    const { run, api } = await site()
    await run('create-version', '/setec/a', { version: MAX, value: 'last' })
    await expect(run('put', '/setec/a', { value: 'more' })).rejects.toEqual(
      reason('VERSIONS_EXHAUSTED'),
    )
    expect((await api.history({ key: '/setec/a' })).latest).toBe(MAX)
  })

  test('numbers of earlier lives stay used, one by one, and only those', async () => {
    const { run } = await site()
    await run('create-version', '/setec/a', { version: 5, value: 'five' })
    await run('create-version', '/setec/a', { version: 100, value: 'hundred' })
    await run('delete', '/setec/a')
    for (const version of [5, 100]) {
      await expect(run('create-version', '/setec/a', { version, value: 'x' })).rejects.toEqual(
        reason('ALREADY_EXISTS'),
      )
    }
    await run('create-version', '/setec/a', { version: 7, value: 'seven' })
    expect(await run('put', '/setec/a', { value: 'next' })).toBe(101)
  })

  test('a destroyed number is not reused, and the active version is left alone', async () => {
    const { run, api } = await site()
    await run('put', '/setec/a', { value: 'one' })
    await run('put', '/setec/a', { value: 'two' })
    await run('delete-version', '/setec/a', { version: 2 })
    await expect(run('delete-version', '/setec/a', { version: 1 })).rejects.toEqual(
      reason('VERSION_ACTIVE'),
    )
    expect(await run('put', '/setec/a', { value: 'two' })).toBe(3)
    await expect(api.get({ key: '/setec/a', version: 2 })).rejects.toEqual(
      reason('VERSION_DESTROYED'),
    )
  })
})

test('a record names the version that was made or changed, whichever is active', async () => {
  const { run, files } = await site()
  const before = linesOf(files).length
  await run('put', '/setec/a', { value: 'one' })
  await run('put', '/setec/a', { value: 'two' })
  await run('put', '/setec/a', { value: 'two' })
  await run('create-version', '/setec/a', { version: 70, value: 'seventy' })
  await run('delete-version', '/setec/a', { version: 1 })
  await run('delete', '/setec/a')
  const versions = linesOf(files)
    .slice(before)
    .map((line) => line.body.versions)
  expect(versions).toEqual([[1], [2], undefined, [70], [1], undefined])
})

describe('mounts', () => {
  test('a door writes only into mounts of its dialect, and what nobody serves is written by nobody', async () => {
    const { run, api } = await site()
    await expect(run('put', '/app/a', { value: 'x' })).rejects.toEqual(reason('DIALECT_REFUSED'))
    await expect(run('no-such', '/setec/a')).rejects.toEqual(reason('DIALECT_REFUSED'))
    await expect(
      api.dialect({ dialect: 'x', operation: 'put', key: '/setec/a', request: {} }),
    ).rejects.toEqual(reason('DIALECT_REFUSED'))
    await expect(api.set({ key: '/libvirt/a', value: 'x' })).rejects.toEqual(
      reason('DIALECT_REFUSED'),
    )
    await expect(api.mount({ op: 'set', path: '/kv/secret', dialect: 'kv' })).rejects.toEqual(
      reason('DIALECT_REFUSED'),
    )
  })

  test('the registry door writes by the rules of the mount', async () => {
    const { api } = await site()
    await api.set({ key: '/setec/a', value: 'one' })
    expect(await api.set({ key: '/setec/a', value: 'two' })).toMatchObject({ version: 2 })
    expect(await api.get({ key: '/setec/a' })).toMatchObject({ version: 1, encrypted: true })
    await api.versions({ op: 'activate', key: '/setec/a', version: 2 })
    expect(await api.get({ key: '/setec/a', decrypt: true })).toMatchObject({ value: 'two' })
  })

  test('limits of a mount hold below it, survive a restart, and need the right to mount', async () => {
    const home = await site()
    const { api } = home
    await api.mount({
      op: 'set',
      path: '/app',
      dialect: 'registry',
      max_versions: 2,
      cas_required: true,
    })
    expect((await api.mount({ op: 'list' })).mounts.map(({ path }) => path)).toEqual([
      '/',
      '/app',
      '/libvirt',
      '/setec',
    ])
    await expect(api.set({ key: '/app/a', value: '1' })).rejects.toEqual(reason('VERSION_REQUIRED'))
    for (const version of [0, 1, 2]) {
      await api.set({ key: '/app/a', value: String(version), if_version: version })
    }
    expect((await api.history({ key: '/app/a' })).versions.map(({ version }) => version)).toEqual([
      3, 2,
    ])
    await api.set({ key: '/app2', value: 'elsewhere' })
    const { api: bob } = await addUser(home, 'bob', ['operator'])
    await expect(bob.mount({ op: 'set', path: '/b', dialect: 'registry' })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    await expect(bob.mount({ op: 'list' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await api.mount({ op: 'remove', path: '/app' })
    await api.set({ key: '/app/a', value: 'free again' })
    await expect(api.mount({ op: 'remove', path: '/app' })).rejects.toEqual(reason('NOT_FOUND'))
    await expect(api.mount({ op: 'set', path: '/setec', dialect: 'registry' })).rejects.toEqual(
      reason('INVALID_ARGUMENT'),
    )
  })
})

describe('numbers of the versions that can be read', () => {
  test('are listed and told where they are asked for, without those that are gone', async () => {
    const { api, run } = await site()
    for (const value of ['one', 'two', 'three']) await run('put', '/setec/a', { value })
    await run('delete-version', '/setec/a', { version: 2 })
    await run('create-version', '/setec/b', { version: 70, value: 'x' })
    const { entries } = await api.list({ prefix: '/setec', detail: true, versions: true })
    expect(entries).toMatchObject([
      { key: '/setec/a', version: 1, versions: [1, 3] },
      { key: '/setec/b', version: 70, versions: [70] },
    ])
    expect(await api.meta({ op: 'get', key: '/setec/a', versions: true })).toMatchObject({
      active: 1,
      versions: [1, 3],
    })
    expect((await api.meta({ op: 'get', key: '/setec/a' })).versions).toBeUndefined()
    expect(
      (await api.list({ prefix: '/setec', detail: true })).entries?.[0]?.versions,
    ).toBeUndefined()
  })

  test('are told of nothing whose metadata may not be read', async () => {
    const home = await site()
    await home.run('put', '/setec/a', { value: 'one' })
    await home.run('put', '/setec/b', { value: 'one' })
    await home.api.policy({
      op: 'set',
      document: {
        id: 'names',
        rules: [
          {
            id: 'list',
            effect: 'allow',
            principals: ['*'],
            actions: ['list'],
            resources: ['/setec/**'],
          },
          {
            id: 'b',
            effect: 'allow',
            principals: ['*'],
            actions: ['read-metadata'],
            resources: ['/setec/b'],
          },
        ],
      },
    })
    const { api } = await addUser(home, 'bob', [])
    const { entries } = await api.list({ prefix: '/setec', detail: true, versions: true })
    expect(entries?.map(({ key, versions }) => [key, versions])).toEqual([
      ['/setec/a', undefined],
      ['/setec/b', [1]],
    ])
  })
})

test('what a caller made up is not written into the log', async () => {
  const { run, files } = await site()
  await expect(run('hunter2', '/setec/a')).rejects.toEqual(reason('DIALECT_REFUSED'))
  expect(linesOf(files).at(-1)?.body).toMatchObject({ outcome: 'failed', paths: ['/setec/a'] })
  expect(JSON.stringify(linesOf(files).at(-1))).not.toContain('hunter2')
})

test('a right may depend on whether there is something', async () => {
  const home = await start({
    dialects: [
      {
        ...SETEC,
        operations: {
          put: {
            action: (isLive) => (isLive ? 'update' : 'create'),
            audit: 'write',
            plan: put,
          },
        },
      },
    ],
  })
  const { api } = await addUser(home, 'bob', [])
  await home.api.policy({
    op: 'set',
    document: {
      id: 'makers',
      rules: [
        {
          id: 'create',
          effect: 'allow',
          principals: ['user:bob'],
          actions: ['create'],
          resources: ['/setec/**'],
        },
      ],
    },
  })
  const write = (value: string) =>
    api.dialect({ dialect: 'setec', operation: 'put', key: '/setec/a', request: { value } })
  expect(await write('one')).toEqual({ result: 1 })
  await expect(write('two')).rejects.toEqual(reason('ACCESS_DENIED'))
})
