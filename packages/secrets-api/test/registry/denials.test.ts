/** The registry decides too: what its callers may not see is absent, whether it is there or not. */
import type { RegistryApi } from '@secreg/protocol'
import type { SecretProvider } from '@secreg/secrets-api'
import { registryProvider } from '@secreg/secrets-api/registry'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { laterReasonOf } from '../reason-of.ts'
import { type RegistrySite, registrySite } from './site.ts'

const VALUE = 'value-of-a-secret'
const ALL = ['list', 'read-metadata', 'read', 'decrypt', 'create', 'update', 'delete', 'undelete']
const place = (...segments: string[]) => ({ mount: 'secret', segments })
const one = new Map([['k', 'v']])

let site: RegistrySite
let admin: RegistryApi
let all: SecretProvider
beforeAll(async () => {
  site = await registrySite()
  admin = site.admin
  all = registryProvider(admin)
  for (const path of ['there', 'deleted', 'other']) {
    await all.write(place(path), new Map([['k', VALUE]]))
  }
  await admin.delete({ key: '/secret/deleted' })
  await admin.set({ key: '/secret/plain', value: VALUE })
  await admin.set({ key: '/secret/private', value: VALUE, private: true })
})
afterAll(() => site.close())

const userWith = async (...actions: string[]) => registryProvider(await site.userWith(actions))

/** What a caller is told of a place, by every method. */
async function toldOf(provider: SecretProvider, path: string) {
  const at = place(path)
  const told = async (run: () => Promise<unknown>) => {
    let answer: unknown
    const reason = await laterReasonOf(async () => {
      answer = await run()
    })
    return reason ?? answer
  }
  return {
    read: await told(() => provider.read(at)),
    pinned: await told(() => provider.readVersion(at, 1)),
    metadata: await told(() => provider.metadata(at)),
    write: await told(() => provider.write(at, one)),
    writeFirst: await told(() => provider.write(at, one, { cas: 'gone 0' })),
    writeOver: await told(() => provider.write(at, one, { cas: 'found 1' })),
    remove: await told(() => provider.remove(at, 'found 1')),
    destroy: await told(() => provider.destroy(at, 'found 1')),
    destroyGone: await told(() => provider.destroy(at, 'gone 0')),
    undelete: await told(() => provider.undelete(at, [1])),
    destroyVersions: await told(() => provider.destroyVersions(at, [1])),
    patch: await told(() => provider.patchMetadata(at, new Map([['owner', 'o']]))),
  }
}

test('whoever may do nothing is told of what is there what he is told of what is not', async () => {
  const provider = await userWith('watch')
  const ofNothing = await toldOf(provider, 'nothing')
  expect(ofNothing).toMatchObject({
    read: { kind: 'absent' },
    pinned: { kind: 'absent' },
    metadata: undefined,
    write: 'PROVIDER_ERROR',
    remove: 'PROVIDER_ERROR',
    patch: 'PROVIDER_ERROR',
  })
  for (const path of ['there', 'deleted', 'plain', 'private']) {
    expect(await toldOf(provider, path), path).toEqual(ofNothing)
  }
  expect(await provider.list(place())).toEqual([])
  expect(await all.read(place('there'))).toMatchObject({ kind: 'found', version: 1 })
})

describe('whoever may do a part', () => {
  test.each([
    ['read-metadata'],
    ['read-metadata', 'read'],
    ['read', 'decrypt'],
    ['read-metadata', 'decrypt'],
  ])('%j %j does not have the value of what is encrypted', async (...actions) => {
    const provider = await userWith(...actions)
    const nothing = await provider.read(place('nothing'))
    expect(await provider.read(place('there'))).toEqual(nothing)
    expect(await provider.readVersion(place('there'), 1)).toEqual({ kind: 'absent' })
  })

  test('a plain value needs no right to decrypt', async () => {
    const provider = await userWith('read-metadata', 'read')
    expect(await provider.read(place('plain'))).toMatchObject({ kind: 'found' })
  })

  test('names are told of those alone that can be seen', async () => {
    expect(await (await userWith('list')).list(place())).toEqual([])
    const names = (await (await userWith('list', 'read-metadata')).list(place())).map(
      ({ name }) => name,
    )
    expect(names).toContain('there')
    expect(names).not.toContain('private')
    expect(names).not.toContain('deleted')
  })

  test('who may write alone writes, and sees nothing', async () => {
    const provider = await userWith('create', 'update')
    expect(await provider.write(place('drop'), one)).toEqual({ version: 1, first: true })
    expect(await provider.write(place('drop'), one)).toEqual({ version: 2, first: false })
    expect((await provider.read(place('drop'))).kind).toBe('absent')
    const blind = provider.write(place('drop'), one, {
      cas: (await provider.read(place('drop'))).token,
    })
    expect(await laterReasonOf(blind)).toBe('CAS_MISMATCH')
    // Of another type than he can know.
    expect(await laterReasonOf(provider.write(place('plain'), one))).toBe('INCOMPATIBLE_PAYLOAD')
    expect(await all.read(place('plain'))).toMatchObject({ data: new Map([['value', VALUE]]) })
  })

  test('who may not delete, deletes nothing', async () => {
    const provider = await userWith(...ALL.filter((action) => action !== 'delete'))
    const { token } = await provider.read(place('other'))
    expect(await laterReasonOf(provider.remove(place('other'), token))).toBe('PROVIDER_ERROR')
    expect(await laterReasonOf(provider.destroy(place('other'), token))).toBe('PROVIDER_ERROR')
    expect(await laterReasonOf(provider.destroyVersions(place('other'), [1]))).toBe(
      'PROVIDER_ERROR',
    )
    expect(await provider.read(place('other'))).toMatchObject({ kind: 'found', token })
  })

  test('who may delete, but not purge, leaves what can be brought back', async () => {
    const provider = await userWith(...ALL)
    const { token } = await provider.read(place('other'))
    expect(await laterReasonOf(provider.destroy(place('other'), token))).toBe('PROVIDER_ERROR')
    expect((await provider.read(place('other'))).kind).toBe('deleted')
    await provider.undelete(place('other'), [1])
    expect(await provider.read(place('other'))).toMatchObject({ kind: 'found', token })
  })
})

describe('what is private', () => {
  test('is absent, also for whoever may use it', async () => {
    expect(await admin.get({ key: '/secret/private' })).toMatchObject({ value: VALUE })
    const current = await all.read(place('private'))
    expect(current).toEqual(await all.read(place('nothing')))
    expect(await all.readVersion(place('private'), 1)).toEqual({ kind: 'absent' })
    expect(await all.metadata(place('private'))).toBeUndefined()
    const { token } = current
    for (const call of [
      () => all.write(place('private'), one, { cas: token }),
      () => all.remove(place('private'), token),
      () => all.destroy(place('private'), token),
    ]) {
      expect(await laterReasonOf(call)).toBe('CAS_MISMATCH')
    }
    expect(await admin.get({ key: '/secret/private' })).toMatchObject({ value: VALUE, version: 1 })
  })

  test('stays so when it becomes private between two looks', async () => {
    const key = '/secret/turns'
    for (const pin of [undefined, 1]) {
      await admin.set({ key, value: VALUE })
      const racing = registryProvider({
        ...Object.fromEntries(
          (['get', 'set', 'txn', 'versions', 'history', 'list'] as const).map((method) => [
            method,
            (request: never) => admin[method](request),
          ]),
        ),
        async meta(request: never) {
          const answer = await admin.meta(request)
          await admin.set({ key, value: VALUE, private: true })
          return answer
        },
      } as unknown as RegistryApi)
      const read =
        pin === undefined ? racing.read(place('turns')) : racing.readVersion(place('turns'), pin)
      expect((await read).kind).toBe('absent')
      await admin.versions({ op: 'purge', key })
    }
  })
})
