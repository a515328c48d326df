import { SecregError } from '@secreg/protocol'
import { type SetecRegistryApi, setecPort } from '@secreg/setec/registry'
import { describe, expect, test, vi } from 'vitest'
import { type RegistrySite, registrySite } from './site.ts'

const ALL = ['get', 'info', 'put', 'create-version', 'activate', 'delete'] as const
const bytesOf = (text: string) => new TextEncoder().encode(text)
const reason = (word: string) => expect.objectContaining({ reason: word })

async function site() {
  const registry = await registrySite()
  const rules = [{ action: ALL, secret: ['*'] }]
  const port = setecPort(await registry.userWith({ id: 'all', rules }))
  return { registry, admin: registry.admin, port }
}

async function portOf(registry: RegistrySite, id: string, action: string[], secret: string[]) {
  return setecPort(await registry.userWith({ id, rules: [{ action, secret }] }))
}

describe('what the door of the registry does in the same subtree', () => {
  test('values of every type are bytes here', async () => {
    const { admin, port } = await site()
    const values = {
      text: ['grüße', 'string'],
      number: [-42, 'integer'],
      flag: [true, 'boolean'],
      json: ['{"a": [1]}', 'json'],
      raw: ['/+8=', 'bytes'],
    } as const
    for (const [name, [value, type]] of Object.entries(values)) {
      await admin.set({ key: `/setec/${name}`, value, type })
    }
    const read = async (name: string) =>
      Buffer.from((await port.get(name, 0)).base64, 'base64').toString('latin1')
    expect(await read('text')).toBe(Buffer.from('grüße').toString('latin1'))
    expect(await read('number')).toBe('-42')
    expect(await read('flag')).toBe('true')
    expect(await read('json')).toBe('{"a": [1]}')
    expect(await read('raw')).toBe('\u00ff\u00ef')
    expect(await port.put('text', bytesOf('grüße'))).toBe(1)
  })

  test('what it has deleted is not there, until a put makes an active version of the next number', async () => {
    const { admin, port } = await site()
    await port.put('a', bytesOf('one'))
    await port.put('a', bytesOf('two'))
    await admin.delete({ key: '/setec/a' })
    expect(await port.list()).toEqual([])
    await expect(port.get('a', 0)).rejects.toEqual(reason('ENTRY_DELETED'))
    await expect(port.getIfChanged('a', 1)).rejects.toEqual(reason('ENTRY_DELETED'))
    await expect(port.info('a')).rejects.toEqual(reason('ENTRY_DELETED'))
    await expect(port.activate('a', 2)).rejects.toEqual(reason('NOT_FOUND'))
    await expect(port.deleteVersion('a', 2)).rejects.toEqual(reason('NOT_FOUND'))
    expect(await port.put('a', bytesOf('two'))).toBe(3)
    expect(await port.get('a', 0)).toEqual({ base64: 'dHdv', version: 3 })
  })

  test('delete erases what it has deleted', async () => {
    const { admin, port } = await site()
    await port.put('a', bytesOf('one'))
    await admin.delete({ key: '/setec/a' })
    await port.delete('a')
    await expect(admin.versions({ op: 'undelete', key: '/setec/a' })).rejects.toThrow(SecregError)
    expect(await port.put('a', bytesOf('one'))).toBe(2)
  })

  test('versions that it has destroyed are not there, nor a secret of which that was the active one', async () => {
    const { admin, port } = await site()
    for (const text of ['one', 'two', 'three']) await port.put('a', bytesOf(text))
    await admin.versions({ op: 'destroy', key: '/setec/a', versions: [2] })
    expect(await port.info('a')).toEqual({ Name: 'a', Versions: [1, 3], ActiveVersion: 1 })
    await expect(port.get('a', 2)).rejects.toEqual(reason('VERSION_DESTROYED'))
    await expect(port.activate('a', 2)).rejects.toEqual(reason('VERSION_NOT_FOUND'))
    await admin.versions({ op: 'destroy', key: '/setec/a', versions: [1] })
    expect(await port.list()).toEqual([])
    await expect(port.info('a')).rejects.toEqual(reason('VERSION_NOT_FOUND'))
    await expect(port.get('a', 0)).rejects.toEqual(reason('VERSION_DESTROYED'))
    await port.activate('a', 3)
    expect(await port.list()).toEqual([{ Name: 'a', Versions: [3], ActiveVersion: 3 }])
  })

  test('keys that stand for no name are passed over', async () => {
    const { admin, port } = await site()
    for (const key of ['/setec', '/setec/%61', '/setec/a/b', '/setec/_internal%2Fx', '/setec/ok']) {
      await admin.set({ key, value: 'x' })
    }
    expect((await port.list()).map(({ Name }) => Name)).toEqual(['ok'])
    await expect(port.get('', 0)).rejects.toEqual(reason('NOT_FOUND'))
    await expect(port.info('')).rejects.toEqual(reason('NOT_FOUND'))
    await expect(port.get('_internal/x', 0)).rejects.toEqual(reason('INVALID_ARGUMENT'))
    await expect(port.info('_internal/x')).rejects.toEqual(reason('INVALID_ARGUMENT'))
    await port.delete('')
    expect(await admin.get({ key: '/setec', decrypt: true })).toMatchObject({ value: 'x' })
  })

  test('what is private stays so', async () => {
    const { admin, port } = await site()
    await admin.set({ key: '/setec/a', value: 'x', private: true })
    await expect(port.get('a', 0)).rejects.toEqual(reason('ACCESS_DENIED'))
  })
})

describe('what a caller may', () => {
  test('get needs no right to list, and info none to read', async () => {
    const { registry, port } = await site()
    await port.put('a', bytesOf('one'))
    const reader = await portOf(registry, 'reader', ['get'], ['*'])
    expect(await reader.get('a', 0)).toEqual({ base64: 'b25l', version: 1 })
    expect(await reader.getIfChanged('a', 1)).toBeUndefined()
    expect(await reader.list()).toEqual([])
    await expect(reader.info('a')).rejects.toEqual(reason('ACCESS_DENIED'))
    const viewer = await portOf(registry, 'viewer', ['info'], ['*'])
    expect(await viewer.info('a')).toEqual({ Name: 'a', Versions: [1], ActiveVersion: 1 })
    expect(await viewer.list()).toHaveLength(1)
    await expect(viewer.get('a', 0)).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(viewer.getIfChanged('a', 1)).rejects.toEqual(reason('ACCESS_DENIED'))
  })

  test('whoever may nothing is told so before he is told what is there', async () => {
    const { registry, port } = await site()
    await port.put('a', bytesOf('one'))
    const nobody = await portOf(registry, 'nobody', [], [])
    expect(await nobody.list()).toEqual([])
    for (const name of ['a', 'b', '', '_internal/x']) {
      for (const run of [
        () => nobody.get(name, 0),
        () => nobody.get(name, 9),
        () => nobody.getIfChanged(name, 1),
        () => nobody.info(name),
        () => nobody.put(name, bytesOf('x')),
        () => nobody.createVersion(name, 1, bytesOf('x')),
        () => nobody.activate(name, 1),
        () => nobody.deleteVersion(name, 1),
        () => nobody.delete(name),
      ]) {
        await expect(run()).rejects.toEqual(reason('ACCESS_DENIED'))
      }
    }
    expect(await port.list()).toEqual([{ Name: 'a', Versions: [1], ActiveVersion: 1 }])
  })

  test('of many secrets, all that may be seen are listed, and as one operation while one answer holds them', async () => {
    const { registry, port } = await site()
    const names = Array.from({ length: 1500 }, (_, at) => `${at % 2 === 0 ? 'even' : 'odd'}/${at}`)
    await Promise.all(names.map((name) => port.put(name, bytesOf(name))))
    const rules = [{ action: ['info'], secret: ['even/*'] }]
    const api = await registry.userWith({ id: 'even', rules })
    const list = vi.spyOn(api, 'list')
    const listed = (await setecPort(api).list()).map(({ Name }) => Name)
    expect(listed.sort()).toEqual(names.filter((name) => name.startsWith('even/')).sort())
    expect(list).toHaveBeenCalledTimes(1)

    // Longer names, which no single answer holds.
    const long = Array.from({ length: 2800 }, (_, at) => `even/${at}-`.padEnd(500, 'x'))
    await Promise.all(long.map((name) => port.put(name, bytesOf(name))))
    expect(await setecPort(api).list()).toHaveLength(750 + 2800)
    expect(list).toHaveBeenCalledTimes(3)
    expect(await port.list()).toHaveLength(1500 + 2800)
  })
})

describe('a registry that answers something else', () => {
  const api = (answer: unknown): SetecRegistryApi => {
    const give = async () => answer as never
    return { get: give, list: give, meta: give, dialect: give }
  }
  const entry = { key: '/setec/a', version: 1, versions: [1] }

  test.each([
    {},
    { value: null, type: 'bytes', version: 1 },
    { value: 7, type: 'bytes', version: 1 },
    { value: '"', type: 'bytes', version: 1 },
    { value: 'aGk=","Version":9,"x":"', type: 'bytes', version: 1 },
    { value: 'aGk', type: 'bytes', version: 1 },
    { value: 'aGk=', type: 'bytes', version: 0 },
    { value: 'aGk=', type: 'bytes', version: '1' },
    { value: 'aGk=', type: 'bytes', version: 4_294_967_296 },
  ])('get: %j', async (answer) => {
    await expect(setecPort(api(answer)).get('a', 0)).rejects.toEqual(reason('INTERNAL'))
    await expect(setecPort(api(answer)).getIfChanged('a', 1)).rejects.toEqual(reason('INTERNAL'))
  })

  test('get: unchanged is no value', async () => {
    const port = setecPort(api({ unchanged: true, value: null }))
    await expect(port.get('a', 0)).rejects.toEqual(reason('INTERNAL'))
    expect(await port.getIfChanged('a', 1)).toBeUndefined()
  })

  test.each([
    {},
    { active: 1, versions: 'x' },
    { active: 1, versions: [0, 1] },
    { active: 1, versions: [1, 1] },
    { active: 2, versions: [2, 1] },
    { active: 1, versions: [1, '2'] },
  ])('info: %j', async (answer) => {
    await expect(setecPort(api(answer)).info('a')).rejects.toEqual(reason('INTERNAL'))
  })

  test.each([{}, { result: '1' }, { result: 0 }, { result: 1.5 }, { result: {} }])(
    'put: %j',
    async (answer) => {
      await expect(setecPort(api(answer)).put('a', bytesOf('x'))).rejects.toEqual(
        reason('INTERNAL'),
      )
    },
  )

  test('list: what is no entry is passed over, what is no list is refused', async () => {
    const list = (answer: unknown) => setecPort(api(answer)).list()
    expect(
      await list({
        keys: [],
        entries: [
          { ...entry, key: 7 },
          { ...entry, key: '/other/a' },
          { ...entry, key: '/setec' },
          { ...entry, key: '/setec/_internal%2Fa' },
          { ...entry, versions: undefined },
          { ...entry, versions: [2] },
          { ...entry, version: '1' },
          entry,
        ],
      }),
    ).toEqual([{ Name: 'a', Versions: [1], ActiveVersion: 1 }])
    await expect(list({ keys: [] })).rejects.toEqual(reason('INTERNAL'))
    await expect(list({ entries: [], next: '/setec/a' })).rejects.toEqual(reason('INTERNAL'))
  })

  test('failures are passed on, of listing all but that nothing may be listed', async () => {
    for (const word of ['SESSION_INVALID', 'SEALED', 'UNREACHABLE'] as const) {
      const fail = () => Promise.reject(new SecregError(word, 'no'))
      const port = setecPort({ get: fail, list: fail, meta: fail, dialect: fail })
      for (const run of [
        () => port.list(),
        () => port.get('', 0),
        () => port.get('_internal/x', 0),
        () => port.info('a'),
        () => port.put('a', bytesOf('x')),
      ]) {
        await expect(run()).rejects.toEqual(reason(word))
      }
    }
  })

  test('a name that has no path never reaches it', async () => {
    const port = setecPort(api({}))
    for (const run of [
      () => port.get('n'.repeat(506), 0),
      () => port.getIfChanged('n'.repeat(506), 1),
      () => port.info('\ud800'),
      () => port.put('/'.repeat(200), bytesOf('x')),
      () => port.delete('n'.repeat(506)),
    ]) {
      await expect(run()).rejects.toEqual(reason('PATH_INVALID'))
    }
  })
})
