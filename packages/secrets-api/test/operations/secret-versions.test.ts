import {
  destroySecretVersions,
  listSecretVersions,
  readSecretMetadata,
  setSecretOwner,
  undeleteSecretVersions,
  versionState,
} from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { DELETED_AT, PlainMemory } from '../provider/memory-provider.ts'
import { laterReasonOf } from '../reason-of.ts'
import { get, seeded, uriOf, yamlUri } from './secrets.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const statesOf = async (provider: Awaited<ReturnType<typeof seeded>>, tail: string) =>
  (await listSecretVersions(provider, uriOf(tail), NOW)).versions.map((each) => [
    each.version,
    each.state,
  ])

describe('metadata', () => {
  test('of a secret, whatever fragment is named (M07)', async () => {
    const { currentVersion, versions } = await readSecretMetadata(
      await seeded(),
      uriOf('app/api#x'),
    )
    expect(currentVersion).toBe(1)
    expect(versions[0]).toMatchObject({ version: 1, destroyed: false, deletionTime: '' })
  })

  test('versions are newest first, with their states (M09)', async () => {
    expect(await statesOf(await seeded(), 'app/lc')).toEqual([
      [3, 'active'],
      [2, 'deleted'],
      [1, 'destroyed'],
    ])
  })

  test('a deletion that lies ahead has not happened (R14)', () => {
    const at = (deletionTime: string) => versionState({ deletionTime, destroyed: false }, NOW)
    expect([at(''), at('2026-06-01T00:00:01Z')]).toEqual(['active', 'active'])
    expect([at(DELETED_AT), at('2026-06-01T00:00:00Z'), at('soon')]).toEqual(
      Array(3).fill('deleted'),
    )
    expect(versionState({ deletionTime: '', destroyed: true }, NOW)).toBe('destroyed')
  })

  test('is not there where there are no versions, or no secret (M08)', async () => {
    const plain = new PlainMemory()
    for (const read of [
      () => readSecretMetadata(plain, yamlUri('env')),
      () => listSecretVersions(plain, yamlUri('env'), NOW),
    ]) {
      expect(await laterReasonOf(read)).toBe('OPERATION_NOT_SUPPORTED')
    }
    const absent = readSecretMetadata(await seeded(), uriOf('app/none'))
    expect(await laterReasonOf(absent)).toBe('SECRET_NOT_FOUND')
  })
})

describe('the owner', () => {
  test('is replaced, and all else stays (M10)', async () => {
    const provider = await seeded()
    await provider.patchMetadata(uriOf('app/api'), new Map([['team', 'x']]))
    await setSecretOwner(provider, uriOf('app/api'), 'auth:account:idp:data-team')
    const { customMetadata } = await readSecretMetadata(provider, uriOf('app/api'))
    expect(Object.fromEntries(customMetadata)).toMatchObject({
      owner: 'auth:account:idp:data-team',
      created_by: 'auth:account:idp:alice',
      created_at: '2025-01-25T12:34:56Z',
      team: 'x',
    })
  })

  test.each([
    [uriOf('app/api#token'), 'o', 'FRAGMENT_NOT_ALLOWED'], // M11
    [uriOf('app/api?version=1'), 'o', 'VERSION_NOT_ALLOWED'],
    [uriOf('app/api'), '', 'INVALID_REQUEST'],
    [uriOf('app/api'), 'a'.repeat(513), 'INVALID_REQUEST'],
    [uriOf('app/api'), 'é'.repeat(257), 'INVALID_REQUEST'],
    [uriOf('app/api'), 'a\nb', 'INVALID_REQUEST'],
    [uriOf('app/api'), '\ud800', 'INVALID_REQUEST'],
    [uriOf('app/api'), 7, 'INVALID_REQUEST'],
    [uriOf('app/none'), 'o', 'SECRET_NOT_FOUND'],
    [uriOf('app/api'), 'é'.repeat(256), undefined],
  ])('%o %j', async (uri, owner, reason) => {
    expect(await laterReasonOf(setSecretOwner(await seeded(), uri, owner))).toBe(reason)
  })

  test('is not there without metadata', async () => {
    const set = setSecretOwner(new PlainMemory(), yamlUri('env'), 'o')
    expect(await laterReasonOf(set)).toBe('OPERATION_NOT_SUPPORTED')
  })
})

describe('versions', () => {
  test('come back (M12)', async () => {
    const provider = await seeded()
    await undeleteSecretVersions(provider, uriOf('app/lc'), [2])
    expect(await get(provider, 'app/lc#value?version=2')).toBe('deleted')
    await undeleteSecretVersions(provider, uriOf('app/lc'), [2, 3])
  })

  test('are destroyed (M15)', async () => {
    const provider = await seeded()
    await destroySecretVersions(provider, uriOf('app/lc'), [2, 3])
    await destroySecretVersions(provider, uriOf('app/lc'), [3])
    expect(await statesOf(provider, 'app/lc')).toEqual([
      [3, 'destroyed'],
      [2, 'destroyed'],
      [1, 'destroyed'],
    ])
    const pinned = laterReasonOf(get(provider, 'app/lc?version=3'))
    expect(await pinned).toBe('SECRET_VERSION_DESTROYED')
  })

  test('a destroyed one does not come back, nor do others with it (M13)', async () => {
    const provider = await seeded()
    const undelete = undeleteSecretVersions(provider, uriOf('app/lc'), [2, 1])
    expect(await laterReasonOf(undelete)).toBe('SECRET_VERSION_DESTROYED')
    expect(await statesOf(provider, 'app/lc')).toContainEqual([2, 'deleted'])
  })

  test('all of them or none (M16)', async () => {
    const provider = await seeded()
    const destroy = destroySecretVersions(provider, uriOf('app/lc'), [3, 42])
    expect(await laterReasonOf(destroy)).toBe('SECRET_NOT_FOUND')
    expect(await statesOf(provider, 'app/lc')).toContainEqual([3, 'active'])
  })

  test.each([
    [[], 'VERSIONS_REQUIRED'], // M14
    [undefined, 'VERSIONS_REQUIRED'],
    [[0], 'INVALID_REQUEST'],
    [[-1], 'INVALID_REQUEST'],
    [[1.5], 'INVALID_REQUEST'],
    [['2'], 'INVALID_REQUEST'],
    [[2, 2], 'INVALID_REQUEST'],
    [[2_147_483_648], 'INVALID_REQUEST'],
    [Array.from({ length: 101 }, (_, at) => at + 1), 'INVALID_REQUEST'],
    [2, 'INVALID_REQUEST'],
    [null, 'INVALID_REQUEST'],
    [{ length: 1, 0: 2 }, 'INVALID_REQUEST'],
  ])('refused: %j', async (versions, reason) => {
    for (const run of [undeleteSecretVersions, destroySecretVersions]) {
      expect(await laterReasonOf(run(await seeded(), uriOf('app/lc'), versions))).toBe(reason)
    }
  })

  test('of whole secrets that have any (M17)', async () => {
    for (const run of [undeleteSecretVersions, destroySecretVersions]) {
      const keyed = run(await seeded(), uriOf('app/lc#value'), [2])
      expect(await laterReasonOf(keyed)).toBe('FRAGMENT_NOT_ALLOWED')
      const pinned = run(await seeded(), uriOf('app/lc?version=2'), [2])
      expect(await laterReasonOf(pinned)).toBe('VERSION_NOT_ALLOWED')
      const plain = run(new PlainMemory(), yamlUri('env'), [2])
      expect(await laterReasonOf(plain)).toBe('OPERATION_NOT_SUPPORTED')
      const absent = run(await seeded(), uriOf('app/none'), [1])
      expect(await laterReasonOf(absent)).toBe('SECRET_NOT_FOUND')
    }
  })
})
