import {
  listSecretKeys,
  listSecrets,
  pageOf,
  parseSecretPrefix,
  type SecretProvider,
  searchSecrets,
  UNSUPPORTED_OPERATIONS,
} from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { PlainMemory } from '../provider/memory-provider.ts'
import { laterReasonOf } from '../reason-of.ts'
import { seeded, uriOf, yamlUri } from './secrets.ts'

const at = (text: string) => parseSecretPrefix(text)

async function plain(): Promise<PlainMemory> {
  const provider = new PlainMemory()
  const put = (tail: string, data: Record<string, unknown>) =>
    provider.write(yamlUri(tail), new Map(Object.entries(data as Record<string, string>)))
  await put('env', { MY_API_KEY: 'abc123', FROM: 'src-val', 'not a key': 'x' })
  await put('crud', { DB_USER: 'app', DB_PASS: 's3cr3t', sub: { X: 1 } })
  await put('env2', { A: 'env' })
  await put('app/deep/Keys', { k: 'v' })
  const odd = { mount: 'secret', segments: ['not a segment'] }
  await provider.write(odd, new Map([['KEY', 'v']]))
  return provider
}

const found = async (provider: SecretProvider, prefix: string, text: string) =>
  (await searchSecrets(provider, at(prefix), text)).map(({ uri, kind }) => [kind, uri.canonical])

describe('secrets below a prefix', () => {
  const listed = async (prefix: string) =>
    (await listSecrets(await plain(), at(prefix))).map(({ uri, keys }) => [uri.canonical, keys])

  test('with the names of their keys, sorted (M01)', async () => {
    expect(await listed('yaml://secret/env/')).toEqual([
      ['yaml://secret/env', ['FROM', 'MY_API_KEY', 'not a key']],
    ])
  })

  test('by whole segments (M04)', async () => {
    expect(await listed('yaml://secret/en')).toEqual([])
  })

  test('those that no URI can name are passed over', async () => {
    expect((await listed('yaml://secret')).map(([uri]) => uri)).toEqual([
      'yaml://secret/app/deep/Keys',
      'yaml://secret/crud',
      'yaml://secret/env',
      'yaml://secret/env2',
    ])
  })

  test('are not told where they cannot be at once (M03)', async () => {
    const list = listSecrets(await seeded(), at('openbao+kv2://secret/app/'))
    expect(await laterReasonOf(list)).toBe('OPERATION_NOT_SUPPORTED')
  })
})

describe('keys', () => {
  test('sorted, those that hold more with a slash (M05)', async () => {
    const provider = await plain()
    expect(await listSecretKeys(provider, yamlUri('crud'))).toEqual(['DB_PASS', 'DB_USER', 'sub/'])
  })

  test.each([
    ['env#FROM', 'FRAGMENT_NOT_ALLOWED'],
    ['none', 'SECRET_NOT_FOUND'],
  ])('refused: %s', async (tail, reason) => {
    expect(await laterReasonOf(listSecretKeys(await plain(), yamlUri(tail)))).toBe(reason)
  })

  test('are not told where values would be read for it (M06)', async () => {
    const provider = await seeded()
    const list = listSecretKeys(provider, uriOf('app/api'))
    expect(await laterReasonOf(list)).toBe('OPERATION_NOT_SUPPORTED')
    expect(provider.calls).toEqual([])
  })
})

describe('a search', () => {
  test('finds keys by their names (S01)', async () => {
    expect(await found(await plain(), 'yaml://secret/env/', 'key')).toEqual([
      ['key', 'yaml://secret/env#MY_API_KEY'],
    ])
  })

  test('finds secrets by segments, in any case', async () => {
    expect(await found(await plain(), 'yaml://secret', 'KEYS')).toEqual([
      ['path', 'yaml://secret/app/deep/Keys'],
    ])
    expect(await found(await plain(), 'yaml://secret', 'deep')).toHaveLength(1)
    expect(await found(await plain(), 'yaml://secret/app/deep/Keys', 'keys')).toHaveLength(1)
    // What all have in common says nothing of any.
    expect(await found(await plain(), 'yaml://secret/app', 'app')).toEqual([])
  })

  test('never looks at values (S02)', async () => {
    expect(await found(await plain(), 'yaml://secret', 'abc123')).toEqual([])
    expect(await found(await plain(), 'yaml://secret', 's3cr3t')).toEqual([])
  })

  test('looks right below the prefix where it cannot go deeper (S03)', async () => {
    const provider = await seeded()
    await provider.write(uriOf('app/test/below'), new Map([['t', 't']]))
    await provider.write(uriOf('app/target/below'), new Map())
    await provider.write({ mount: 'secret', segments: ['app', 'not a name'] }, new Map())
    provider.calls.length = 0
    expect(await found(provider, 'openbao+kv2://secret/app/', 't')).toEqual([
      ['folder', 'openbao+kv2://secret/app/target'],
      ['path', 'openbao+kv2://secret/app/test'],
      ['folder', 'openbao+kv2://secret/app/test'],
    ])
    expect(provider.calls).toEqual(['list'])
  })

  test.each(['', 'a'.repeat(257)])('refused: %j (S05)', async (text) => {
    const search = searchSecrets(await plain(), at('yaml://secret'), text)
    expect(await laterReasonOf(search)).toBe('INVALID_REQUEST')
  })

  test('is not there where nothing is listed', async () => {
    const capabilities = { ...(await seeded()).capabilities, list: false }
    const provider = { ...UNSUPPORTED_OPERATIONS, name: 'openbao', capabilities } as const
    const search = searchSecrets(provider, at('openbao+kv2://secret'), 'a')
    expect(await laterReasonOf(search)).toBe('OPERATION_NOT_SUPPORTED')
  })
})

test('a page of a list tells how long the whole is (S04)', () => {
  expect(pageOf(['a', 'b', 'c'], 1, 1)).toEqual({ items: ['b'], total: 3, offset: 1, limit: 1 })
  expect(pageOf(['a'], 5, 100)).toEqual({ items: [], total: 1, offset: 5, limit: 100 })
})
