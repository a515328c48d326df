/** Cases R, M and S, as far as they change nothing: values, metadata, names. */
import { describe, expect, test } from 'vitest'
import { expectCode, expectReply } from '../lib/secrets-call.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'

type Row = readonly [
  id: string,
  path: string,
  query: Readonly<Record<string, string>>,
  status: number,
  body: object,
]

const kv = (path: string): string => `openbao+kv2://secret/${path}`
const NOT_SUPPORTED = { code: 'OPERATION_NOT_SUPPORTED' }
const ENV_KEYS = { uri: 'yaml://secret/env', keys: ['FROM', 'MY_API_KEY'] }
const ENV_PAGE = { items: [ENV_KEYS], total: 1, offset: 0, limit: 100 }

const READS: readonly Row[] = [
  ['R01', '', { uri: 'yaml://secret/env#MY_API_KEY' }, 200, { value: 'abc123' }],
  ['R02', '', { uri: 'yaml://secret/crud' }, 200, { DB_USER: 'app', DB_PASS: 's3cr3t' }],
  ['R03', '', { uri: 'yaml://secret/env#NOPE' }, 404, { code: 'FRAGMENT_NOT_FOUND' }],
  ['R04', '', { uri: 'yaml://secret/nope' }, 404, { code: 'SECRET_NOT_FOUND' }],
  ['R05', '', { uri: kv('app/test#value') }, 501, NOT_SUPPORTED],
  [
    'R06',
    '/value',
    { uri: 'yaml://secret/env#MY_API_KEY' },
    200,
    { uri: 'yaml://secret/env#MY_API_KEY', value: 'abc123', version: null },
  ],
  ['R07', '/value', { uri: kv('app/api') }, 200, { value: { token: 't1', user: 'u' }, version: 1 }],
  [
    'R08',
    '/value',
    { uri: 'hashicorp+kv2://secret/payments/stripe#api_key' },
    200,
    { value: 'sk' },
  ],
  ['R09', '/value', { uri: kv('app/api#nope') }, 404, { code: 'FRAGMENT_NOT_FOUND' }],
  [
    'R10',
    '/value',
    { uri: kv('app/lc#value'), version: '2' },
    409,
    { code: 'SECRET_VERSION_DELETED' },
  ],
  [
    'R11',
    '/value',
    { uri: kv('app/lc#value'), version: '1' },
    409,
    { code: 'SECRET_VERSION_DESTROYED' },
  ],
  ['R12', '/value', { uri: kv('app/lc#value'), version: '9' }, 404, { code: 'SECRET_NOT_FOUND' }],
  ['R13', '/value', { uri: kv('app/gone#value') }, 404, { code: 'SECRET_NOT_FOUND' }],
  ['R15', '/value', { uri: kv('app/api#toString') }, 404, { code: 'FRAGMENT_NOT_FOUND' }],
  ['R15', '/value', { uri: kv('app/api#__proto__') }, 404, { code: 'FRAGMENT_NOT_FOUND' }],
  ['R15', '/value', { uri: 'yaml://secret/env#__proto__' }, 404, { code: 'FRAGMENT_NOT_FOUND' }],
]

const NAMES: readonly Row[] = [
  ['M01', '/metadata', { prefix: 'yaml://secret/env/' }, 200, ENV_PAGE],
  ['M02', '/metadata', { mount: 'secret', prefix: 'env' }, 200, ENV_PAGE],
  ['M03', '/metadata', { prefix: kv('app/') }, 501, NOT_SUPPORTED],
  ['M04', '/metadata', { prefix: 'yaml://secret/en' }, 200, { items: [], total: 0 }],
  ['M05', '/keys', { uri: 'yaml://secret/env' }, 200, ENV_KEYS],
  ['M05', '/keys', { mount: 'secret', prefix: 'env' }, 200, ENV_KEYS],
  ['M06', '/keys', { uri: kv('app/api') }, 501, NOT_SUPPORTED],
  [
    'M07',
    '/metadata/detail',
    { uri: kv('app/api') },
    200,
    {
      uri: kv('app/api'),
      current_version: 1,
      custom_metadata: { owner: 'auth:account:idp:platform' },
      versions: { 1: { destroyed: false } },
    },
  ],
  ['M08', '/metadata/detail', { uri: 'yaml://secret/env' }, 501, NOT_SUPPORTED],
  ['M08', '/versions', { uri: 'yaml://secret/env' }, 501, NOT_SUPPORTED],
  [
    'M09',
    '/versions',
    { uri: kv('app/lc') },
    200,
    {
      current_version: 3,
      versions: [
        { version: 3, state: 'active', destroyed: false },
        { version: 2, state: 'deleted', destroyed: false },
        { version: 1, state: 'destroyed', destroyed: true },
      ],
    },
  ],
  [
    'S01',
    '/search',
    { q: 'key', prefix: 'yaml://secret/env/' },
    200,
    { items: [{ uri: 'yaml://secret/env#MY_API_KEY', kind: 'key' }], total: 1 },
  ],
  ['S02', '/search', { q: 'abc123' }, 200, { items: [], total: 0 }],
]

const NO_PAGES: readonly Readonly<Record<string, string>>[] = [
  { q: 'e', limit: '0' },
  { q: 'e', limit: '1001' },
  { q: 'e', offset: '-1' },
  { q: 'e', limit: 'x' },
  { q: '' },
]

/** In environment A. */
export function readCases(desk: () => SecretsDesk): void {
  describe('values', () => rows(desk, READS))
  describe('metadata, versions and names', () => rows(desk, NAMES))

  test('R01, R02: of YAML, a value or the map is the whole answer', async () => {
    const read = (uri: string) => desk().caller.ask('GET', '', { query: { uri } })
    expect((await read('yaml://secret/env#MY_API_KEY')).json).toEqual({ value: 'abc123' })
    expect((await read('yaml://secret/crud')).json).toEqual({ DB_USER: 'app', DB_PASS: 's3cr3t' })
  })

  test('R14: what will be deleted can be read until then', async () => {
    const { kv: server, caller } = desk()
    const path = 'secret/metadata/app/later'
    await server.call('POST', path, { delete_version_after: '1h' })
    await server.write('app/later', { value: 'until then' })
    expectReply(await caller.value(kv('app/later#value')), 200, { value: 'until then' })
    await server.call('DELETE', path)
  })

  test('S03: of KV version 2, what is right below the prefix, and folders are marked', async () => {
    const { kv: server, caller } = desk()
    await server.write('app/tree/leaf-t', { value: 'x' })
    const query = { q: 't', prefix: kv('app/') }
    expectReply(await caller.ask('GET', '/search', { query }), 200, {
      items: [
        { uri: kv('app/test'), kind: 'path' },
        { uri: kv('app/tree'), kind: 'folder' },
      ],
      total: 2,
    })
    await server.call('DELETE', 'secret/metadata/app/tree/leaf-t')
  })

  test('S04: a page is a part of the whole', async () => {
    const search = async (query: Readonly<Record<string, string>>) =>
      (await desk().caller.ask('GET', '/search', { query })).json
    const whole = await search({ q: 'e' })
    expect(whole.total).toBeGreaterThan(1)
    const page = await search({ q: 'e', limit: '1', offset: '1' })
    expect(page).toEqual({ items: [whole.items[1]], total: whole.total, offset: 1, limit: 1 })
  })

  test('S05: what is no page is refused', async () => {
    for (const query of NO_PAGES) {
      const reply = await desk().caller.ask('GET', '/search', { query })
      expectCode(reply, 400, 'INVALID_REQUEST', JSON.stringify(query))
    }
  })

  test('names come without values', async () => {
    const { caller } = desk()
    const texts = [
      await caller.ask('GET', '/metadata', { query: { prefix: 'yaml://secret' } }),
      await caller.ask('GET', '/keys', { query: { uri: 'yaml://secret/crud' } }),
      await caller.ask('GET', '/search', { query: { q: 'e' } }),
      await caller.ask('GET', '/metadata/detail', { query: { uri: kv('canary/one') } }),
    ].map(({ status, text }) => {
      expect(status).toBe(200)
      return text
    })
    const { yaml, kv: other } = desk().canaries
    for (const value of ['abc123', 's3cr3t', yaml, other]) {
      for (const text of texts) expect(text).not.toContain(value)
    }
  })
}

function rows(desk: () => SecretsDesk, table: readonly Row[]): void {
  for (const [id, path, query, status, body] of table) {
    test(`${id}: ${path} ${Object.values(query).join(' ')}`, async () => {
      expectReply(await desk().caller.ask('GET', path, { query }), status, body)
    })
  }
}
