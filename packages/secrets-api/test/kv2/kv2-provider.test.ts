import {
  copySecret,
  deleteSecret,
  type JsonValue,
  listSecretVersions,
  moveSecret,
  parseSecretPrefix,
  readSecret,
  type SecretProvider,
  searchSecrets,
  setSecretOwner,
  undeleteSecretVersions,
} from '@secreg/secrets-api'
import { kv2Provider } from '@secreg/secrets-api/kv2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUTHOR, get, set, uriOf } from '../operations/secrets.ts'
import { testProvider } from '../provider/provider-contract.ts'
import { laterReasonOf } from '../reason-of.ts'
import { type Kv2Site, kv2Site, roomOf } from './kv2-site.ts'

let site: Kv2Site
beforeAll(async () => {
  site = await kv2Site()
})
afterAll(() => site[Symbol.asyncDispose]())

const fresh = (): SecretProvider => kv2Provider({ client: roomOf(site.client), name: 'openbao' })
const place = (...segments: string[]) => ({ mount: 'secret', segments })
const one = new Map([['k', 'v']])

testProvider('KV version 2, over the stand-in', fresh)

describe('states', () => {
  test('a version is found, deleted, brought back and destroyed', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    const found = await provider.read(place('a'))
    await provider.remove(place('a'), found.token)
    const deleted = await provider.read(place('a'))
    expect(deleted).toMatchObject({ kind: 'deleted', version: 1 })
    await provider.undelete(place('a'), [1])
    expect(await provider.read(place('a'))).toEqual(found)
    await provider.destroyVersions(place('a'), [1])
    const destroyed = await provider.read(place('a'))
    expect(destroyed).toMatchObject({ kind: 'destroyed', version: 1 })
    await provider.undelete(place('a'), [1])
    expect(await provider.read(place('a'))).toEqual(destroyed)
    await provider.destroy(place('a'), destroyed.token)
    const absent = await provider.read(place('a'))
    expect(absent).toMatchObject({ kind: 'absent' })
    const tokens = [found, deleted, destroyed, absent].map(({ token }) => token)
    expect(new Set(tokens).size).toBe(4)
  })

  test('versions are read by their number, and by no other', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    await provider.write(place('a'), new Map([['k', 'w']]))
    await provider.destroyVersions(place('a'), [1])
    expect(await provider.readVersion(place('a'), 2)).toEqual({
      kind: 'found',
      version: 2,
      data: new Map([['k', 'w']]),
    })
    expect(await provider.readVersion(place('a'), 1)).toEqual({ kind: 'destroyed', version: 1 })
    expect(await provider.readVersion(place('a'), 3)).toEqual({ kind: 'absent' })
    expect(await provider.readVersion(place('b'), 1)).toEqual({ kind: 'absent' })
  })

  test('values of every kind come back as they were', async () => {
    const provider = fresh()
    const values = { t: 'ü', n: 1.5, b: false, z: null, a: [1, ['x']], o: { k: {} } }
    const data = new Map<string, JsonValue>(Object.entries(values))
    data.set('__proto__', 'own')
    await provider.write(place('a'), data)
    expect(await provider.read(place('a'))).toMatchObject({ data })
  })

  test('a version with an end ahead of it is found until then', async () => {
    const own = await kv2Site()
    await own.client.writeMetadata('a', { deleteVersionAfter: '1h' })
    expect(await own.provider.read(place('a'))).toMatchObject({ kind: 'absent', token: '0' })
    const { first } = await own.provider.write(place('a'), one, { cas: '0' })
    expect(first).toBe(true)
    const found = await own.provider.read(place('a'))
    expect(found.kind).toBe('found')
    own.server.advance(3_600_001)
    expect((await own.provider.read(place('a'))).kind).toBe('deleted')
    const stale = own.provider.write(place('a'), one, { cas: found.token })
    expect(await laterReasonOf(stale)).toBe('CAS_MISMATCH')
    await own[Symbol.asyncDispose]()
  })
})

describe('tokens', () => {
  test('what was deleted since it was read is not brought back by a write', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    const { token } = await provider.read(place('a'))
    await provider.remove(place('a'), token)
    const write = provider.write(place('a'), one, { cas: token })
    expect(await laterReasonOf(write)).toBe('CAS_MISMATCH')
    expect((await provider.read(place('a'))).kind).toBe('deleted')
  })

  test('a token of another life of a secret is none of this one', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    const { token } = await provider.read(place('a'))
    await provider.destroy(place('a'), token)
    expect(await provider.write(place('a'), one)).toEqual({ version: 1, first: true })
    for (const call of [
      () => provider.write(place('a'), one, { cas: token }),
      () => provider.remove(place('a'), token),
      () => provider.destroy(place('a'), token),
    ]) {
      expect(await laterReasonOf(call)).toBe('CAS_MISMATCH')
    }
    expect(await provider.read(place('a'))).toMatchObject({ kind: 'found', version: 1 })
  })

  test('of two that destroy, one does, also where there is nothing but metadata', async () => {
    const provider = fresh()
    const room = roomOf(site.client)
    const other = kv2Provider({ client: room, name: 'openbao' })
    await room.mount(['secret']).writeMetadata(['a'], { customMetadata: { owner: 'o' } })
    await provider.write(place('a'), one)
    for (const each of [provider, other]) {
      const { token } = await each.read(place('a'))
      const reasons = await Promise.all(
        [1, 2, 3].map(() => laterReasonOf(each.destroy(place('a'), token))),
      )
      expect(reasons).toEqual([undefined, 'CAS_MISMATCH', 'CAS_MISMATCH'])
      expect(await each.metadata(place('a'))).toBeUndefined()
    }
  })

  test('a token that is none is refused', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    for (const cas of ['', '1', 'x', '1 live']) {
      const call = provider.write(place('a'), one, { cas })
      expect(await laterReasonOf(call)).toBe('CAS_MISMATCH')
      expect(await laterReasonOf(provider.remove(place('a'), cas))).toBe('CAS_MISMATCH')
      expect(await laterReasonOf(provider.destroy(place('a'), cas))).toBe('CAS_MISMATCH')
    }
  })

  test('what is deleted is the version that the token names, whatever another program writes', async () => {
    const room = roomOf(site.client)
    const elsewhere = room.mount(['secret'])
    const provider = kv2Provider({
      client: {
        mount: (name) => {
          const mount = room.mount(name)
          return Object.assign(Object.create(mount), {
            deleteVersions: async (...args: Parameters<typeof mount.deleteVersions>) => {
              await elsewhere.write(['a'], { k: 'newer' })
              return mount.deleteVersions(...args)
            },
          })
        },
      },
      name: 'openbao',
    })
    await provider.write(place('a'), one)
    await provider.remove(place('a'), (await provider.read(place('a'))).token)
    expect(await provider.read(place('a'))).toMatchObject({ kind: 'found', version: 2 })
    expect(await provider.readVersion(place('a'), 1)).toEqual({ kind: 'deleted', version: 1 })
  })

  test('a write with a check is one more request, and of what is new, none (W02)', async () => {
    const own = await kv2Site()
    await set(own.provider, 'app/new#value', { value: 'hello' })
    const sent = own.server.requests.filter(({ method }) => method === 'POST')
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({
      data: { value: 'hello' },
      options: { cas: 0 },
    })
    await own[Symbol.asyncDispose]()
  })

  test('a server that demands a check gets one, and nothing is lost to another program', async () => {
    const own = await kv2Site()
    await own.client.writeMetadata('a', { casRequired: true })
    expect(await own.provider.write(place('a'), one)).toEqual({ version: 1, first: true })
    expect(await own.provider.write(place('a'), one)).toEqual({ version: 2, first: false })
    own.server.fail(
      {
        kind: 'status',
        status: 400,
        errors: ['check-and-set parameter did not match the current version'],
      },
      2,
      ({ method, body }) => method === 'POST' && body.includes('"cas"'),
    )
    expect(await own.provider.write(place('a'), one)).toEqual({ version: 3, first: false })
    await own[Symbol.asyncDispose]()
  })
})

describe('metadata and names', () => {
  test('the first write is stamped, and an owner is set among others', async () => {
    const provider = fresh()
    expect(await set(provider, 'a#k', 'v')).toMatchObject({ created: true, stamped: 'done' })
    expect(await set(provider, 'a#k', 'w')).toMatchObject({ created: false, stamped: 'unneeded' })
    await provider.patchMetadata(place('a'), new Map([['foreign', 'x']]))
    await setSecretOwner(provider, uriOf('a'), 'team')
    const metadata = await provider.metadata(place('a'))
    expect(Object.fromEntries(metadata?.customMetadata ?? [])).toEqual({
      created_by: AUTHOR.subject,
      created_at: '2025-01-25T12:34:56Z',
      owner: 'team',
      foreign: 'x',
    })
    expect(metadata).toMatchObject({ currentVersion: 2, oldestVersion: 0, casRequired: false })
    expect(metadata?.versions).toMatchObject([
      { version: 1, deletionTime: '', destroyed: false },
      { version: 2, deletionTime: '', destroyed: false },
    ])
    const none = provider.patchMetadata(place('none'), new Map([['owner', 'o']]))
    expect(await laterReasonOf(none)).toBe('SECRET_NOT_FOUND')
    expect(await provider.metadata(place('none'))).toBeUndefined()
  })

  test('a stamp that fails leaves the write as it is', async () => {
    const own = await kv2Site()
    own.server.fail({ kind: 'status', status: 403 }, 100, ({ target }) =>
      target.includes('/metadata/'),
    )
    expect(await set(own.provider, 'a#k', 'v')).toMatchObject({ version: 1, stamped: 'failed' })
    await own[Symbol.asyncDispose]()
  })

  test('what the server does not take as metadata is a failure, without its text', async () => {
    const provider = fresh()
    await provider.write(place('a'), one)
    for (const value of ['', 'x'.repeat(513), 'a\u200bb']) {
      const call = provider.patchMetadata(place('a'), new Map([['owner', value]]))
      expect(await laterReasonOf(call)).toBe('PROVIDER_ERROR')
    }
  })

  test('what is right below a place', async () => {
    const provider = fresh()
    for (const path of ['app/api', 'app/api/deep', 'app/test', 'top'])
      await set(provider, path, { k: 'v' })
    const listed = await provider.list(place('app'))
    expect(listed).toEqual([
      { name: 'api', kind: 'secret' },
      { name: 'api', kind: 'folder' },
      { name: 'test', kind: 'secret' },
    ])
    expect(await provider.list(place('none'))).toEqual([])
    expect(await provider.list(place())).toContainEqual({ name: 'top', kind: 'secret' })
    const found = await searchSecrets(provider, parseSecretPrefix('openbao+kv2://secret/app'), 'AP')
    expect(found.map(({ uri, kind }) => [uri.canonical, kind])).toEqual([
      ['openbao+kv2://secret/app/api', 'path'],
      ['openbao+kv2://secret/app/api', 'folder'],
    ])
  })
})

test('the operations over it', async () => {
  const provider = fresh()
  const at = (tail: string) => ({ provider, uri: uriOf(tail) })
  await set(provider, 'app/api', { token: 't1', user: 'u' })
  await set(provider, 'app/api#token', 't2')
  expect(await get(provider, 'app/api')).toEqual({ token: 't2', user: 'u' })
  expect(await get(provider, 'app/api#token?version=1')).toBe('t1')
  await copySecret(at('app/api?version=1'), at('copy'), AUTHOR)
  const moved = await moveSecret(at('app/api'), at('moved'), AUTHOR)
  expect(moved).toMatchObject({ version: 1, deleted: { mode: 'version_deleted', version: 2 } })
  expect(await laterReasonOf(readSecret(provider, uriOf('app/api')))).toBe('SECRET_NOT_FOUND')
  const pinned = readSecret(provider, uriOf('app/api?version=2'))
  expect(await laterReasonOf(pinned)).toBe('SECRET_VERSION_DELETED')
  await undeleteSecretVersions(provider, uriOf('app/api'), [2])
  expect(await get(provider, 'app/api#token')).toBe('t2')
  expect(await deleteSecret(provider, uriOf('app/api#user'))).toMatchObject({ mode: 'key_removed' })
  await deleteSecret(provider, uriOf('app/api'), { destroy: true })
  expect(await provider.metadata(uriOf('app/api'))).toBeUndefined()
  const { versions } = await listSecretVersions(provider, uriOf('copy'), Date.now())
  expect(versions).toMatchObject([{ version: 1, state: 'active' }])
})

test('arguments', () => {
  const { client } = site
  expect(() => kv2Provider({ client, name: 'vault' as never })).toThrow(TypeError)
  expect(() => kv2Provider({ client: {} as never, name: 'openbao' })).toThrow(TypeError)
  expect(kv2Provider({ client, name: 'hashicorp' }).name).toBe('hashicorp')
})
