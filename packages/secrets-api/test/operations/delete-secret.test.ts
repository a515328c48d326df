import {
  deleteSecret,
  ProviderError,
  SecretsApiError,
  undeleteSecretVersions,
} from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { PlainMemory, VersionedMemory } from '../provider/memory-provider.ts'
import { laterReasonOf } from '../reason-of.ts'
import { get, seeded, set, uriOf, yamlUri } from './secrets.ts'

describe('with versions', () => {
  test('the only key is deleted with its version, and comes back (L01)', async () => {
    const provider = await seeded()
    const outcome = await deleteSecret(provider, uriOf('app/test#value'))
    expect(outcome).toEqual({ status: 'deleted', mode: 'version_deleted', version: 2 })
    expect(await laterReasonOf(get(provider, 'app/test'))).toBe('SECRET_NOT_FOUND')
    await undeleteSecretVersions(provider, uriOf('app/test'), [2])
    expect(await get(provider, 'app/test#value')).toBe('two')
  })

  test('a key among others is left out of a new version (L02)', async () => {
    const provider = await seeded()
    const outcome = await deleteSecret(provider, uriOf('app/api#token'))
    expect(outcome).toEqual({ status: 'deleted', mode: 'key_removed', version: 2 })
    expect(await get(provider, 'app/api')).toEqual({ user: 'u' })
  })

  test('a whole secret is deleted as a version', async () => {
    const provider = await seeded()
    const outcome = await deleteSecret(provider, uriOf('app/api'), { destroy: false })
    expect(outcome).toEqual({ status: 'deleted', mode: 'version_deleted', version: 1 })
  })

  test('what would destroy other keys is refused, and they are counted (L03)', async () => {
    const provider = await seeded()
    const error = await deleteSecret(provider, uriOf('app/api#token'), { destroy: true }).catch(
      (each) => each,
    )
    expect(SecretsApiError.is(error, 'DESTROY_AFFECTS_OTHER_KEYS')).toBe(true)
    expect(error.details).toEqual({ other_keys: 1 })
    expect(await get(provider, 'app/api')).toEqual({ token: 't1', user: 'u' })
  })

  test.each(['payments/stripe#api_key', 'app/api', 'app/lc', 'app/gone'])(
    'destroyed: %s (L04, L05)',
    async (tail) => {
      const provider = await seeded()
      const outcome = await deleteSecret(provider, uriOf(tail), { destroy: true })
      expect(outcome).toEqual({
        status: 'destroyed',
        mode: 'all_versions_destroyed',
        version: null,
      })
      expect(await provider.metadata(uriOf(tail))).toBe(undefined)
    },
  )

  test('metadata alone can be destroyed', async () => {
    const provider = new VersionedMemory()
    provider.secrets.set('secret/a', { versions: new Map(), latest: 0, custom: new Map() })
    expect(await laterReasonOf(deleteSecret(provider, uriOf('a')))).toBe('SECRET_NOT_FOUND')
    await deleteSecret(provider, uriOf('a'), { destroy: true })
    expect(provider.secrets.size).toBe(0)
  })

  test.each([
    ['app/none', false, 'SECRET_NOT_FOUND'], // L07
    ['app/none', true, 'SECRET_NOT_FOUND'],
    ['app/none#k', true, 'SECRET_NOT_FOUND'],
    ['app/gone', false, 'SECRET_NOT_FOUND'],
    ['app/gone#value', true, 'SECRET_NOT_FOUND'],
    ['app/api#none', false, 'FRAGMENT_NOT_FOUND'],
    ['app/api#none', true, 'FRAGMENT_NOT_FOUND'],
    ['app/api?version=1', false, 'VERSION_NOT_ALLOWED'],
  ])('refused: %s, destroy %s', async (tail, destroy, reason) => {
    const provider = await seeded()
    expect(await laterReasonOf(deleteSecret(provider, uriOf(tail), { destroy }))).toBe(reason)
    expect(provider.calls.filter((each) => /^(write|remove|destroy)/.test(each))).toEqual([])
  })

  test.each(['app/api', 'app/api#token'])(
    'what is written meanwhile is not lost: %s',
    async (tail) => {
      let raced = false
      const provider: VersionedMemory = new VersionedMemory(async (method) => {
        if (raced || !/^(write|remove) 1$/.test(method)) return
        raced = true
        await provider.write(
          uriOf('app/api'),
          new Map([
            ['token', 't'],
            ['user', 'u2'],
          ]),
        )
      })
      await set(provider, 'app/api', { token: 't1', user: 'u' })
      const { version } = await deleteSecret(provider, uriOf(tail))
      expect(raced).toBe(true)
      // The newer version is what was deleted, or what the key was left out of.
      expect(version).toBe(tail === 'app/api' ? 2 : 3)
      if (tail !== 'app/api') expect(await get(provider, 'app/api')).toEqual({ user: 'u2' })
    },
  )

  test('errors of the provider are told as they are', async () => {
    const provider = new VersionedMemory(async (method) => {
      if (method.startsWith('remove')) throw new ProviderError('PROVIDER_UNAVAILABLE')
    })
    await set(provider, 'a', { k: 1 })
    const result = laterReasonOf(deleteSecret(provider, uriOf('a')))
    expect(await result).toBe('PROVIDER_UNAVAILABLE')
  })
})

describe('without versions', () => {
  const filled = async () => {
    const provider = new PlainMemory()
    await provider.write(yamlUri('env'), new Map([['A', 'a']]))
    return provider
  }

  test.each([true, false])('a key or the node is removed, destroy %s (L08)', async (destroy) => {
    const provider = await filled()
    expect(await deleteSecret(provider, yamlUri('env#A'), { destroy })).toEqual({
      status: 'deleted',
      mode: 'key_removed',
      version: null,
    })
    expect(provider.secrets.get('secret/env')?.data.size).toBe(0)
    expect(await deleteSecret(provider, yamlUri('env'), { destroy })).toEqual({
      status: 'deleted',
      mode: 'node_removed',
      version: null,
    })
    expect(await laterReasonOf(deleteSecret(provider, yamlUri('env')))).toBe('SECRET_NOT_FOUND')
  })
})
