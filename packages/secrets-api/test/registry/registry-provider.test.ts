import type { RegistryApi } from '@secreg/protocol'
import {
  copySecret,
  deleteSecret,
  listSecretVersions,
  moveSecret,
  parseSecretPrefix,
  parseSecretUri,
  readSecret,
  type SecretMap,
  type SecretProvider,
  searchSecrets,
  setSecretOwner,
  undeleteSecretVersions,
  writeSecret,
} from '@secreg/secrets-api'
import { registryProvider } from '@secreg/secrets-api/registry'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUTHOR } from '../operations/secrets.ts'
import { testProvider } from '../provider/provider-contract.ts'
import { laterReasonOf } from '../reason-of.ts'
import { passing, providerInRoom, type RegistrySite, registrySite } from './site.ts'

let site: RegistrySite
let admin: RegistryApi
beforeAll(async () => {
  site = await registrySite()
  admin = site.admin
})
afterAll(() => site.close())

const fresh = () => providerInRoom(admin)
const place = (...segments: string[]) => ({ mount: 'secret', segments })
const keyOf = (provider: { room: string }, path: string) => `/${provider.room}/secret/${path}`
const one: SecretMap = new Map([['k', 'v']])
const uriOf = (tail: string) => parseSecretUri(`secreg://secret/${tail}`)
const set = (provider: SecretProvider, tail: string, value: unknown) =>
  writeSecret(provider, uriOf(tail), value, AUTHOR)
const get = async (provider: SecretProvider, tail: string) =>
  (await readSecret(provider, uriOf(tail))).value

testProvider('a registry', fresh)

describe('values', () => {
  test('an entry is its path, and what is new is encrypted JSON', async () => {
    const provider = registryProvider(admin)
    await provider.write({ mount: 'm', segments: ['p', 'q'] }, new Map([['f', 'x']]))
    expect(await admin.get({ key: '/m/p/q', decrypt: true })).toMatchObject({
      value: '{"f":"x"}',
      type: 'json',
      encrypted: true,
    })
    const uri = parseSecretUri('secreg://m/p/q#f?version=1')
    expect(await readSecret(provider, uri)).toEqual({ value: 'x', version: 1 })
  })

  test.each([
    ['string', 'some text', { value: 'some text' }],
    ['integer', '-9007199254740993', { value: '-9007199254740993' }],
    ['boolean', 'true', { value: 'true' }],
    ['bytes', 'AP8=', { value_base64: 'AP8=' }],
    ['json', '[1, 2]', { value: '[1, 2]' }],
    ['json', '"text"', { value: '"text"' }],
    ['json', '{"a":{"b":1}}', { a: { b: 1 } }],
    ['json', '{"n":9007199254740993}', { n: '9007199254740993' }],
  ])('a %s %s is %j', async (type, value, wanted) => {
    const provider = fresh()
    const { version } = await admin.set({ key: keyOf(provider, 'a'), type, value })
    expect(await get(provider, 'a')).toEqual(wanted)
    expect(await get(provider, `a?version=${version}`)).toEqual(wanted)
  })

  test('members that are not changed keep their text', async () => {
    const provider = fresh()
    const key = keyOf(provider, 'a')
    const value = '{ "n": 9007199254740993, "f": 1.50, "t": "x", "o": {"d": 1e400} }'
    await admin.set({ key, type: 'json', value })
    await set(provider, 'a#t', 'y')
    expect((await admin.get({ key, decrypt: true })).value).toBe(
      '{"n":9007199254740993,"f":1.50,"t":"y","o":{"d": 1e400}}',
    )
    await deleteSecret(provider, uriOf('a#f'))
    expect((await admin.get({ key, decrypt: true })).value).toBe(
      '{"n":9007199254740993,"t":"y","o":{"d": 1e400}}',
    )
  })

  test('an entry keeps its type', async () => {
    const provider = fresh()
    const key = keyOf(provider, 'a')
    for (const [type, value, next, bad] of [
      ['string', 'x', 'y', 'value_base64'],
      ['integer', '1', '2', 'k'],
      ['boolean', 'true', 'false', 'k'],
      ['bytes', 'AP8=', 'AA==', 'value'],
    ] as const) {
      await admin.set({ key, type, value })
      const name = type === 'bytes' ? 'value_base64' : 'value'
      for (const cas of [undefined, 'read']) {
        const token = async () =>
          cas === undefined ? {} : { cas: (await provider.read(place('a'))).token }
        const write = async (data: [string, string | number][]) =>
          provider.write(place('a'), new Map(data), await token())
        for (const data of [
          [[bad, next]],
          [],
          [
            [name, next],
            ['k', 'v'],
          ],
          [[name, 1]],
        ]) {
          const failed = write(data as [string, string | number][])
          expect(await laterReasonOf(failed)).toBe('INCOMPATIBLE_PAYLOAD')
        }
        expect(await write([[name, next]])).toMatchObject({ first: false })
        expect(await admin.get({ key, decrypt: true })).toMatchObject({ type, value: next })
      }
    }
    await admin.set({ key, type: 'integer', value: '1' })
    const failed = provider.write(place('a'), new Map([['value', 'no number']]))
    expect(await laterReasonOf(failed)).toBe('INCOMPATIBLE_PAYLOAD')
  })

  test('what is written is encrypted, whatever it was', async () => {
    const provider = fresh()
    for (const [tail, type, value] of [
      ['a', 'json', '{"k":"v"}'],
      ['b', 'string', 'x'],
    ] as const) {
      const key = keyOf(provider, tail)
      await admin.set({ key, type, value })
      expect((await admin.get({ key })).encrypted).toBe(false)
      const current = await provider.read(place(tail))
      if (current.kind !== 'found') throw new Error(current.kind)
      await provider.write(place(tail), current.data, { cas: current.token })
      expect((await admin.get({ key })).encrypted).toBe(true)
    }
  })

  test('what is too large is refused', async () => {
    const data = new Map([['k', 'x'.repeat(1_048_576)]])
    expect(await laterReasonOf(fresh().write(place('a'), data))).toBe('INCOMPATIBLE_PAYLOAD')
  })

  test('JSON of too many levels is a failure', async () => {
    const provider = fresh()
    const value = `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`
    await admin.set({ key: keyOf(provider, 'a'), type: 'json', value })
    expect(await laterReasonOf(provider.read(place('a')))).toBe('PROVIDER_ERROR')
  })
})

describe('states', () => {
  test('a version is deleted with its entry, brought back, and destroyed', async () => {
    const provider = fresh()
    await admin.set({ key: keyOf(provider, 'a'), type: 'json', value: '{"k":"old"}' })
    await provider.write(place('a'), one)
    const found = await provider.read(place('a'))
    expect(found).toMatchObject({ kind: 'found', version: 2 })
    await provider.remove(place('a'), found.token)
    const deleted = await provider.read(place('a'))
    expect(deleted).toMatchObject({ kind: 'deleted', version: 2 })
    expect(await provider.readVersion(place('a'), 1)).toEqual({ kind: 'deleted', version: 1 })
    expect(await provider.readVersion(place('a'), 3)).toEqual({ kind: 'absent' })
    const older = provider.undelete(place('a'), [1])
    expect(await laterReasonOf(older)).toBe('OPERATION_NOT_SUPPORTED')
    await provider.undelete(place('a'), [7])
    expect(await provider.read(place('a'))).toEqual(deleted)
    await provider.undelete(place('a'), [2])
    expect(await provider.read(place('a'))).toEqual(found)
    expect(await provider.readVersion(place('a'), 1)).toMatchObject({ kind: 'found' })
    await provider.destroyVersions(place('a'), [2, 7])
    const destroyed = await provider.read(place('a'))
    expect(destroyed).toMatchObject({ kind: 'destroyed', version: 2 })
    expect(await provider.readVersion(place('a'), 2)).toEqual({ kind: 'destroyed', version: 2 })
    expect(await provider.readVersion(place('a'), 1)).toMatchObject({ kind: 'found' })
    await provider.undelete(place('a'), [2])
    expect((await provider.read(place('a'))).kind).toBe('destroyed')
    await provider.destroy(place('a'), destroyed.token)
    expect((await provider.read(place('a'))).kind).toBe('absent')
    expect(await provider.metadata(place('a'))).toBeUndefined()
    expect(new Set([found, deleted].map(({ token }) => token)).size).toBe(2)
  })

  test('a destroyed version of what is deleted is told so', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    await provider.write(place('a'), one)
    await provider.destroyVersions(place('a'), [1])
    await provider.remove(place('a'), (await provider.read(place('a'))).token)
    expect(await provider.readVersion(place('a'), 1)).toEqual({ kind: 'destroyed', version: 1 })
  })

  test('a write brings back what was deleted, and is not the first', async () => {
    const provider = fresh()
    for (const checked of [true, false]) {
      await provider.write(place('a'), one)
      await provider.remove(place('a'), (await provider.read(place('a'))).token)
      const { token } = await provider.read(place('a'))
      const options = checked ? { cas: token } : {}
      expect(await provider.write(place('a'), one, options)).toMatchObject({ first: false })
    }
    await admin.set({ key: keyOf(provider, 's'), value: 'text' })
    await admin.delete({ key: keyOf(provider, 's') })
    expect(await provider.write(place('s'), one)).toEqual({ version: 2, first: false })
    expect(await get(provider, 's')).toEqual({ k: 'v' })
  })

  test('another life has other numbers, and tokens of the one before are none of it', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    const { token } = await provider.read(place('a'))
    await provider.destroy(place('a'), token)
    expect(await provider.write(place('a'), one)).toEqual({ version: 2, first: true })
    for (const call of [
      () => provider.write(place('a'), one, { cas: token }),
      () => provider.remove(place('a'), token),
      () => provider.destroy(place('a'), token),
      () => provider.destroy(place('a'), 'gone 0'),
      () => provider.destroy(place('a'), 'gone 2'),
      () => provider.destroy(place('a'), 'x'),
      () => provider.remove(place('a'), 'gone 2'),
      () => provider.write(place('a'), one, { cas: '2' }),
    ]) {
      expect(await laterReasonOf(call)).toBe('CAS_MISMATCH')
    }
    expect((await provider.read(place('a'))).kind).toBe('found')
  })

  test('an older version that is made active is another state; metadata are none', async () => {
    const provider = fresh()
    const key = keyOf(provider, 'a')
    await provider.write(place('a'), one)
    await provider.write(place('a'), new Map([['k', 'w']]))
    const { token } = await provider.read(place('a'))
    await admin.meta({ op: 'set', key, description: 'changed' })
    expect((await provider.read(place('a'))).token).toBe(token)
    await admin.versions({ op: 'activate', key, version: 1 })
    expect(await provider.read(place('a'))).toMatchObject({ version: 1, data: one })
    const write = provider.write(place('a'), one, { cas: token })
    expect(await laterReasonOf(write)).toBe('CAS_MISMATCH')
    await admin.versions({ op: 'activate', key, version: 2 })
    await provider.write(place('a'), one, { cas: token })
    expect(await provider.read(place('a'))).toMatchObject({ version: 3 })
  })

  test('of two that destroy what is deleted, one does', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    await provider.remove(place('a'), (await provider.read(place('a'))).token)
    const { token } = await provider.read(place('a'))
    const reasons = await Promise.all(
      [1, 2].map(() => laterReasonOf(provider.destroy(place('a'), token))),
    )
    expect(reasons.toSorted()).toEqual(['CAS_MISMATCH', undefined])
  })

  test('an entry that demands a check is written all the same', async () => {
    const provider = fresh()
    for (const [tail, type, value, data] of [
      ['a', 'json', '{"k":"v"}', one],
      ['b', 'string', 'x', new Map([['value', 'y']])],
    ] as const) {
      const key = keyOf(provider, tail)
      await admin.set({ key, type, value })
      await admin.meta({ op: 'set', key, cas_required: true })
      expect(await provider.write(place(tail), data)).toEqual({ version: 2, first: false })
      const { token } = await provider.read(place(tail))
      await provider.write(place(tail), data, { cas: token })
      await admin.delete({ key })
      expect(await provider.write(place(tail), data)).toEqual({ version: 4, first: false })
    }
  })
})

describe('metadata and names', () => {
  test('the first write is stamped, and an owner is set among others', async () => {
    const provider = fresh()
    expect(await set(provider, 'a#k', 'v')).toMatchObject({ created: true, stamped: 'done' })
    expect(await set(provider, 'a#k', 'w')).toMatchObject({ created: false, stamped: 'unneeded' })
    const key = keyOf(provider, 'a')
    await admin.meta({ op: 'set', key, custom: { foreign: 'x' }, max_versions: 5 })
    await setSecretOwner(provider, uriOf('a'), 'team')
    const metadata = await provider.metadata(place('a'))
    expect(Object.fromEntries(metadata?.customMetadata ?? [])).toEqual({
      created_by: AUTHOR.subject,
      created_at: '2025-01-25T12:34:56Z',
      owner: 'team',
      foreign: 'x',
    })
    expect(metadata).toMatchObject({
      currentVersion: 2,
      oldestVersion: 1,
      maxVersions: 5,
      casRequired: false,
      deleteVersionAfter: '0s',
    })
    const { versions } = await listSecretVersions(provider, uriOf('a'), Date.now())
    expect(versions).toMatchObject([
      { version: 2, deletionTime: '', state: 'active' },
      { version: 1, deletionTime: '', state: 'active' },
    ])
    const none = provider.patchMetadata(place('none'), new Map([['owner', 'o']]))
    expect(await laterReasonOf(none)).toBe('SECRET_NOT_FOUND')
  })

  test('what is deleted has versions, and no custom metadata to be told', async () => {
    const provider = fresh()
    await set(provider, 'a', { k: 'v' })
    await deleteSecret(provider, uriOf('a'))
    const { versions } = await listSecretVersions(provider, uriOf('a'), Date.now() + 1000)
    expect(versions).toMatchObject([{ version: 1, state: 'deleted', destroyed: false }])
    expect((await provider.metadata(place('a')))?.customMetadata.size).toBe(0)
    const patch = provider.patchMetadata(place('a'), new Map([['owner', 'o']]))
    expect(await laterReasonOf(patch)).toBe('SECRET_NOT_FOUND')
    await undeleteSecretVersions(provider, uriOf('a'), [1])
    expect((await provider.metadata(place('a')))?.customMetadata.get('owner')).toBe(AUTHOR.subject)
  })

  test('a version with an end', async () => {
    const provider = fresh()
    const key = keyOf(provider, 'a')
    await provider.write(place('a'), one)
    await admin.meta({ op: 'set', key, delete_after_s: 3600 })
    await provider.write(place('a'), one)
    const metadata = await provider.metadata(place('a'))
    expect(metadata?.deleteVersionAfter).toBe('3600s')
    const [, second] = metadata?.versions ?? []
    expect(Date.parse(second?.deletionTime ?? '')).toBeGreaterThan(Date.now())
  })

  test('versions of a long history, in pages', async () => {
    const provider = fresh()
    const key = keyOf(provider, 'a')
    await provider.write(place('a'), one)
    await provider.write(place('a'), one)
    await provider.write(place('a'), one)
    const paged = registryProvider({
      ...passing(admin),
      history: (request) => admin.history({ ...request, limit: 1 }),
    })
    const [mount = '', ...segments] = key.slice(1).split('/')
    const metadata = await paged.metadata({ mount, segments })
    expect(metadata?.versions.map(({ version }) => version)).toEqual([1, 2, 3])
  })

  test('what is right below a place, without what is private or deleted', async () => {
    const provider = fresh()
    for (const path of ['app/api', 'app/api/deep', 'app/test', 'app/gone', 'top']) {
      await set(provider, path, { k: 'v' })
    }
    await deleteSecret(provider, uriOf('app/gone'))
    await admin.set({ key: keyOf(provider, 'app/own'), value: 'x', private: true })
    const listed = await provider.list(place('app'))
    expect(listed).toHaveLength(3)
    expect(listed).toEqual(
      expect.arrayContaining([
        { name: 'api', kind: 'secret' },
        { name: 'api', kind: 'folder' },
        { name: 'test', kind: 'secret' },
      ]),
    )
    expect(await provider.list(place('none'))).toEqual([])
    const prefix = parseSecretPrefix('secreg://secret/app')
    const found = await searchSecrets(provider, prefix, 'TES')
    expect(found.map(({ uri, kind }) => [uri.canonical, kind])).toEqual([
      ['secreg://secret/app/test', 'path'],
    ])
  })
})

test.each(['setec', 'libvirt', 'kv'])('the subtree /%s is read, and not changed', async (mount) => {
  // The registry of these tests does not serve the dialects: what they would say is elsewhere in it.
  const key = `/stands-for-${mount}/a`
  await admin.set({ key, type: 'bytes', value: 'AP8=' })
  const provider = registryProvider({
    ...passing(admin),
    get: (request) => admin.get({ ...request, key }),
    meta: () => admin.meta({ op: 'get', key }),
    history: (request) => admin.history({ ...request, key }),
  })
  const at = { mount, segments: ['a'] }
  const current = await provider.read(at)
  expect(current).toMatchObject({ data: new Map([['value_base64', 'AP8=']]) })
  expect(await provider.readVersion(at, 1)).toMatchObject({ kind: 'found' })
  for (const call of [
    () => provider.write(at, new Map([['value_base64', 'AA==']])),
    () => provider.write(at, new Map([['value_base64', 'AA==']]), { cas: current.token }),
    () => provider.remove(at, current.token),
    () => provider.destroy(at, current.token),
    () => provider.undelete(at, [1]),
    () => provider.destroyVersions(at, [1]),
    () => provider.patchMetadata(at, new Map([['owner', 'o']])),
  ]) {
    expect(await laterReasonOf(call)).toBe('OPERATION_NOT_SUPPORTED')
  }
  expect(await provider.read(at)).toEqual(current)
  expect((await provider.metadata(at))?.customMetadata.size).toBe(0)
})

test('the operations over it', async () => {
  const provider = fresh()
  const at = (tail: string) => ({ provider, uri: uriOf(tail) })
  await set(provider, 'app/api', { token: 't1', user: 'u' })
  await set(provider, 'app/api#token', 't2')
  expect(await get(provider, 'app/api')).toEqual({ token: 't2', user: 'u' })
  expect(await get(provider, 'app/api#token?version=1')).toBe('t1')
  await copySecret(at('app/api?version=1'), at('copy'), AUTHOR)
  expect(await laterReasonOf(copySecret(at('app/api'), at('copy'), AUTHOR))).toBe(
    'DESTINATION_EXISTS',
  )
  const moved = await moveSecret(at('app/api'), at('moved'), AUTHOR)
  expect(moved).toMatchObject({ version: 1, deleted: { mode: 'version_deleted', version: 2 } })
  expect(await laterReasonOf(readSecret(provider, uriOf('app/api')))).toBe('SECRET_NOT_FOUND')
  const pinned = readSecret(provider, uriOf('app/api?version=2'))
  expect(await laterReasonOf(pinned)).toBe('SECRET_VERSION_DELETED')
  await undeleteSecretVersions(provider, uriOf('app/api'), [2])
  expect(await get(provider, 'app/api#token')).toBe('t2')
  const stale = writeSecret(provider, uriOf('app/api'), { k: 'v' }, { ...AUTHOR, cas: 1 })
  expect(await laterReasonOf(stale)).toBe('CAS_MISMATCH')
  await deleteSecret(provider, uriOf('app/api'), { destroy: true })
  expect(await provider.metadata(place('app', 'api'))).toBeUndefined()
})
