import {
  copySecret,
  moveSecret,
  ProviderError,
  parseSecretUri,
  type SecretProvider,
  SecretsApiError,
  undeleteSecretVersions,
} from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { PlainMemory, VersionedMemory } from '../provider/memory-provider.ts'
import { laterReasonOf } from '../reason-of.ts'
import { AUTHOR, get, seeded, set, uriOf, yamlUri } from './secrets.ts'

const overwrite = { ...AUTHOR, overwrite: true }
const within = (provider: SecretProvider, from: string, to: string) =>
  [
    { provider, uri: uriOf(from) },
    { provider, uri: uriOf(to) },
  ] as const

describe('both', () => {
  test.each([
    ['app/api#token', 'app/copy', 'FRAGMENT_MISMATCH'], // C04
    ['app/api', 'app/copy#token', 'FRAGMENT_MISMATCH'],
    ['app/api#token', 'app/api#token', 'SAME_RESOURCE'], // C05
    ['app/api', 'app/copy?version=1', 'VERSION_NOT_ALLOWED'],
    ['app/none', 'app/copy', 'SECRET_NOT_FOUND'],
    ['app/gone', 'app/copy', 'SECRET_NOT_FOUND'],
    ['app/api#none', 'app/copy#x', 'FRAGMENT_NOT_FOUND'],
    ['app/api#none', 'app/api#x', 'FRAGMENT_NOT_FOUND'],
    ['app/api', 'app/test', 'DESTINATION_EXISTS'], // C02
    ['app/api#token', 'app/test#value', 'DESTINATION_EXISTS'],
    ['app/api#token', 'app/api#user', 'DESTINATION_EXISTS'],
  ])('refused: %s to %s', async (from, to, reason) => {
    for (const run of [copySecret, moveSecret]) {
      const provider = await seeded()
      expect(await laterReasonOf(run(...within(provider, from, to), AUTHOR))).toBe(reason)
      expect(provider.calls.filter((each) => /^(write|remove)/.test(each))).toEqual([])
    }
  })

  test('URIs that differ in the case of the scheme are one', async () => {
    const provider = await seeded()
    const from = { provider, uri: parseSecretUri('OPENBAO+kv2://secret/app/api') }
    const to = { provider, uri: uriOf('app/api') }
    expect(await laterReasonOf(copySecret(from, to, AUTHOR))).toBe('SAME_RESOURCE')
  })

  test('a destination that was deleted is free, and starts anew', async () => {
    for (const run of [copySecret, moveSecret]) {
      const provider = await seeded()
      const outcome = await run(...within(provider, 'app/api#token', 'app/gone#k'), AUTHOR)
      expect(outcome.version).toBe(2)
      expect(await get(provider, 'app/gone')).toEqual({ k: 't1' })
    }
  })

  test('a destination that appears meanwhile is left alone (C12)', async () => {
    for (const run of [copySecret, moveSecret]) {
      for (const key of ['', '#token']) {
        let raced = false
        const provider: VersionedMemory = new VersionedMemory(async (method) => {
          if (raced || !method.startsWith('write 0')) return
          raced = true
          await provider.write(uriOf('b'), new Map([['token', 'theirs']]))
        })
        await provider.write(uriOf('a'), new Map([['token', 'ours']]))
        const result = run(...within(provider, `a${key}`, `b${key}`), AUTHOR)
        expect(await laterReasonOf(result)).toBe('DESTINATION_EXISTS')
        expect(await get(provider, 'b#token')).toBe('theirs')
        expect(await get(provider, 'a#token')).toBe('ours')
      }
    }
  })
})

describe('a copy', () => {
  test('of a key (C01)', async () => {
    const provider = new PlainMemory()
    await provider.write(yamlUri('env'), new Map([['FROM', 'src-val']]))
    const from = { provider, uri: yamlUri('env#FROM') }
    const to = { provider, uri: yamlUri('env#TO') }
    const outcome = await copySecret(from, to, AUTHOR)
    expect(outcome).toEqual({
      version: null,
      created: false,
      stamped: 'unneeded',
      sourceVersion: null,
    })
    expect(provider.secrets.get('secret/env')?.data).toEqual(
      new Map([
        ['FROM', 'src-val'],
        ['TO', 'src-val'],
      ]),
    )
    expect(await laterReasonOf(copySecret(from, to, AUTHOR))).toBe('DESTINATION_EXISTS') // C02
    await copySecret(from, to, overwrite)
  })

  test('of a version, to another provider (C03)', async () => {
    const from = { provider: await seeded(), uri: uriOf('app/test#value?version=1') }
    const provider = new VersionedMemory()
    const to = { provider, uri: parseSecretUri('hashicorp+kv2://secret/app/copy#value') }
    expect(await copySecret(from, to, AUTHOR)).toEqual({
      version: 1,
      created: true,
      stamped: 'done',
      sourceVersion: 1,
    })
    expect(await get(provider, 'app/copy')).toEqual({ value: 'one' })
  })

  test('of a version that is gone', async () => {
    const provider = await seeded()
    const copy = (version: number) =>
      copySecret(...within(provider, `app/lc?version=${version}`, 'app/copy'), AUTHOR)
    expect(await laterReasonOf(copy(1))).toBe('SECRET_VERSION_DESTROYED')
    expect(await laterReasonOf(copy(2))).toBe('SECRET_VERSION_DELETED')
    expect(await laterReasonOf(copy(9))).toBe('SECRET_NOT_FOUND')
  })

  test('over what is there replaces the map, or one key of it', async () => {
    const provider = await seeded()
    await copySecret(...within(provider, 'app/api#token', 'app/test#extra'), overwrite)
    expect(await get(provider, 'app/test')).toEqual({ value: 'two', extra: 't1' })
    await copySecret(...within(provider, 'app/api', 'app/test'), overwrite)
    expect(await get(provider, 'app/test')).toEqual({ token: 't1', user: 'u' })
  })

  test('does not copy metadata', async () => {
    const provider = await seeded()
    await provider.patchMetadata(uriOf('app/api'), new Map([['team', 'x']]))
    await copySecret(...within(provider, 'app/api', 'app/copy'), { subject: 'bob', nowMs: 0 })
    const custom = (await provider.metadata(uriOf('app/copy')))?.customMetadata
    expect(Object.fromEntries(custom ?? [])).toEqual({
      created_by: 'bob',
      created_at: '1970-01-01T00:00:00Z',
      owner: 'bob',
    })
  })
})

describe('a move', () => {
  test('of a secret, which can be brought back (C08)', async () => {
    const provider = await seeded()
    const outcome = await moveSecret(...within(provider, 'app/test', 'app/moved'), AUTHOR)
    expect(outcome).toMatchObject({ version: 1, deleted: { mode: 'version_deleted', version: 2 } })
    expect(await get(provider, 'app/moved')).toEqual({ value: 'two' })
    expect(await laterReasonOf(get(provider, 'app/test'))).toBe('SECRET_NOT_FOUND')
    await undeleteSecretVersions(provider, uriOf('app/test'), [2])
    expect(await get(provider, 'app/test#value')).toBe('two')
  })

  test('of a key among others', async () => {
    const provider = await seeded()
    const outcome = await moveSecret(...within(provider, 'app/api#token', 'app/new#t'), AUTHOR)
    expect(outcome.deleted).toEqual({ mode: 'key_removed', version: 2 })
    expect(await get(provider, 'app/api')).toEqual({ user: 'u' })
    expect(await get(provider, 'app/new')).toEqual({ t: 't1' })
  })

  test('within one secret is one write', async () => {
    const provider = await seeded()
    const outcome = await moveSecret(...within(provider, 'app/api#token', 'app/api#key'), AUTHOR)
    expect(outcome).toMatchObject({ version: 2, deleted: { mode: 'key_removed', version: 2 } })
    expect(provider.calls).toEqual(['read', 'write 1'])
    expect(await get(provider, 'app/api')).toEqual({ user: 'u', key: 't1' })
    await moveSecret(...within(provider, 'app/api#key', 'app/api#user'), overwrite)
    expect(await get(provider, 'app/api')).toEqual({ user: 't1' })
  })

  test('of a version is refused (C10)', async () => {
    const provider = await seeded()
    const move = moveSecret(...within(provider, 'app/test?version=1', 'app/copy'), AUTHOR)
    expect(await laterReasonOf(move)).toBe('VERSION_NOT_ALLOWED')
  })

  test('whose source is not deleted leaves the copy, and says so (C09)', async () => {
    const provider = new VersionedMemory(async (method) => {
      if (method.startsWith('remove')) throw new ProviderError('PROVIDER_ERROR')
    })
    await set(provider, 'a', { k: 'v' })
    const error = await moveSecret(...within(provider, 'a', 'b'), AUTHOR).catch((each) => each)
    expect(SecretsApiError.is(error, 'MOVE_SOURCE_DELETE_FAILED')).toBe(true)
    expect([error.status, error.details]).toEqual([502, { copied: true }])
    expect(await get(provider, 'b#k')).toBe('v')
    expect(await get(provider, 'a#k')).toBe('v')
  })

  test.each(['', '#k'])('never deletes what was not copied: a%s', async (key) => {
    let raced = false
    const provider: VersionedMemory = new VersionedMemory(async (method) => {
      if (raced || !/^(remove|write) 1$/.test(method)) return
      raced = true
      await provider.write(
        uriOf('a'),
        new Map([
          ['k', 'newer'],
          ['other', 'x'],
        ]),
      )
    })
    await provider.write(
      uriOf('a'),
      new Map([
        ['k', 'old'],
        ['other', 'x'],
      ]),
    )
    const move = moveSecret(...within(provider, `a${key}`, `b${key}`), AUTHOR)
    expect(await laterReasonOf(move)).toBe('MOVE_SOURCE_DELETE_FAILED')
    expect(await get(provider, 'a#k')).toBe('newer')
    expect(await get(provider, 'b#k')).toBe('old')
  })

  test.each(['', '#k'])('to itself by another name loses nothing: a%s', async (key) => {
    const provider = new VersionedMemory()
    await set(provider, 'a', { k: 'v' })
    const from = { provider, uri: uriOf(`a${key}`) }
    const to = { provider, uri: parseSecretUri(`hashicorp+kv2://secret/a${key}`) }
    expect(await laterReasonOf(moveSecret(from, to, AUTHOR))).toBe('DESTINATION_EXISTS')
    const moved = moveSecret(from, to, overwrite)
    expect(await laterReasonOf(moved)).toBe('MOVE_SOURCE_DELETE_FAILED')
    expect(await get(provider, 'a')).toEqual({ k: 'v' })
  })

  test.each([
    ['a', 'a/b'],
    ['a/b', 'a'],
    ['a/b/c#k', 'a/b#c'],
    ['a#b', 'a/b#c'],
  ])('into what holds it, where secrets do that: %s to %s', async (from, to) => {
    const provider = new PlainMemory()
    Object.assign(provider.capabilities, { nested: true })
    const ends = [
      { provider, uri: yamlUri(from) },
      { provider, uri: yamlUri(to) },
    ] as const
    expect(await laterReasonOf(moveSecret(...ends, overwrite))).toBe('SAME_RESOURCE')
  })
})
