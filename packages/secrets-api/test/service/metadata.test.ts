/** Metadata, versions, lists and search: cases M and S. */
import { describe, expect, test } from 'vitest'
import { DENY, PERMIT } from '../enforcement/support.ts'
import { expectError, openBench, serviceBench } from './support.ts'

const APP = 'openbao+kv2://secret/app'

describe('lists of YAML', () => {
  test.each([
    ['M01', { prefix: 'yaml://secret/env/' }],
    ['M02', { mount: 'secret', prefix: 'env' }],
    ['M02', { mount: 'secret', prefix: 'env/' }],
  ])('%s', async (_id, query) => {
    const { ask } = await openBench()
    const answer = await ask('list', { query })
    const items = [{ uri: 'yaml://secret/env', keys: ['FROM', 'MY_API_KEY'] }]
    const body = { items, total: 1, offset: 0, limit: 100 }
    expect(answer).toEqual({ status: 200, headers: {}, body })
  })

  test('of a whole mount, part by part', async () => {
    const { ask } = await openBench()
    const uris = async (query: Record<string, string>) => {
      const { body } = await ask('list', { query: { prefix: 'yaml://secret', ...query } })
      const items = body['items'] as readonly { uri: string }[]
      return [items.map(({ uri }) => uri), body['total'], body['offset'], body['limit']]
    }
    expect(await uris({})).toEqual([['yaml://secret/crud', 'yaml://secret/env'], 2, 0, 100])
    expect(await uris({ offset: '1' })).toEqual([['yaml://secret/env'], 2, 1, 100])
    expect(await uris({ limit: '1' })).toEqual([['yaml://secret/crud'], 2, 0, 1])
    expect(await uris({ offset: '2' })).toEqual([[], 2, 2, 100])
  })

  test.each([
    ['M03', { prefix: `${APP}/` }, 501, 'OPERATION_NOT_SUPPORTED'],
    ['E6', {}, 400, 'INVALID_REQUEST'],
    ['E6', { prefix: '' }, 400, 'INVALID_REQUEST'],
    ['E6', { mount: 'secret' }, 400, 'INVALID_REQUEST'],
    ['E6', { mount: 'secret/env', prefix: 'a' }, 400, 'ILLEGAL_SEGMENT'],
    ['E6', { mount: '', prefix: 'a' }, 400, 'ILLEGAL_SEGMENT'],
    ['E6', { mount: 'secret', prefix: '/env' }, 400, 'ILLEGAL_SEGMENT'],
    ['E6', { mount: 'secret', prefix: 'yaml://secret/env' }, 400, 'DOUBLE_MOUNT_SOURCE'],
    ['E6', { prefix: 'yaml://other/env' }, 400, 'TENANT_MOUNT_MISMATCH'],
    ['E6', { mount: 'other', prefix: 'env' }, 400, 'TENANT_MOUNT_MISMATCH'],
    ['E6', { prefix: 'yaml://secret/env#A' }, 400, 'ILLEGAL_SEGMENT'],
    ['S05', { prefix: 'yaml://secret', limit: '0' }, 400, 'INVALID_REQUEST'],
    ['S05', { prefix: 'yaml://secret', limit: '1001' }, 400, 'INVALID_REQUEST'],
    ['S05', { prefix: 'yaml://secret', offset: '-1' }, 400, 'INVALID_REQUEST'],
  ] as const)('%s %j', async (_id, query, status, code) => {
    const { ask } = await openBench()
    expectError(await ask('list', { query }), status, code)
  })

  test('M04: by whole segments', async () => {
    const { ask } = await openBench()
    const { body } = await ask('list', { query: { prefix: 'yaml://secret/en' } })
    expect(body).toEqual({ items: [], total: 0, offset: 0, limit: 100 })
  })

  test.each([
    ['M05', { uri: 'yaml://secret/env' }],
    ['E7', { mount: 'secret', prefix: 'env' }],
  ])('%s: keys', async (_id, query) => {
    const { ask } = await openBench()
    const body = { uri: 'yaml://secret/env', keys: ['FROM', 'MY_API_KEY'] }
    expect(await ask('keys', { query })).toEqual({ status: 200, headers: {}, body })
  })

  test.each([
    ['M06', { uri: `${APP}/api` }, 501, 'OPERATION_NOT_SUPPORTED'],
    ['E7', { uri: 'yaml://secret/env#FROM' }, 400, 'FRAGMENT_NOT_ALLOWED'],
    ['E7', { uri: 'yaml://secret/nope' }, 404, 'SECRET_NOT_FOUND'],
    ['E7', { uri: 'yaml://secret/env', mount: 'secret' }, 400, 'INVALID_REQUEST'],
    ['E7', { prefix: 'env' }, 400, 'INVALID_REQUEST'],
    ['E7', {}, 400, 'INVALID_REQUEST'],
  ] as const)('%s %j: keys', async (_id, query, status, code) => {
    const { ask } = await openBench()
    expectError(await ask('keys', { query }), status, code)
  })
})

describe('metadata', () => {
  test('M07: whole, and a fragment changes nothing', async () => {
    const { ask, openbao } = await openBench()
    openbao.secrets.get('secret/app/lc')?.custom.set('team', 'x')
    const time = '2026-01-01T00:00:00Z'
    for (const uri of [`${APP}/lc`, `${APP}/lc#value`]) {
      const { body } = await ask('metadata', { query: { uri } })
      expect(body).toEqual({
        uri: `${APP}/lc`,
        current_version: 3,
        oldest_version: 0,
        created_time: time,
        updated_time: time,
        max_versions: 0,
        cas_required: false,
        delete_version_after: '0s',
        custom_metadata: {
          team: 'x',
          owner: 'auth:account:idp:alice',
          created_by: 'auth:account:idp:alice',
          created_at: '2025-01-25T12:34:56Z',
        },
        versions: {
          1: { created_time: time, deletion_time: '', destroyed: true },
          2: { created_time: time, deletion_time: '2026-01-02T03:04:05Z', destroyed: false },
          3: { created_time: time, deletion_time: '', destroyed: false },
        },
      })
    }
  })

  test('what is decided on is the secret that is told of, without a fragment', async () => {
    const { ask, policy } = await serviceBench()
    for (const route of ['metadata', 'versions'] as const) {
      await ask(route, { query: { uri: `${APP}/lc#value` } })
    }
    const asked = [
      ['read_metadata', `${APP}/lc`],
      ['read_metadata', `${APP}/lc`],
    ]
    expect(policy.asked).toEqual(asked)
  })

  test('M09: versions, newest first', async () => {
    const { ask } = await openBench()
    const { body } = await ask('versions', { query: { uri: `${APP}/lc` } })
    const common = { created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false }
    const deleted = { deletion_time: '2026-01-02T03:04:05Z' }
    expect(body).toEqual({
      uri: `${APP}/lc`,
      current_version: 3,
      versions: [
        { version: 3, ...common, state: 'active' },
        { version: 2, ...common, ...deleted, state: 'deleted' },
        { version: 1, ...common, destroyed: true, state: 'destroyed' },
      ],
    })
  })

  test.each([
    ['M08', 'metadata', 'yaml://secret/env', 501, 'OPERATION_NOT_SUPPORTED'],
    ['M08', 'versions', 'yaml://secret/env', 501, 'OPERATION_NOT_SUPPORTED'],
    ['E8', 'metadata', `${APP}/nope`, 404, 'SECRET_NOT_FOUND'],
    ['E9', 'versions', `${APP}/nope`, 404, 'SECRET_NOT_FOUND'],
    ['E8', 'metadata', `${APP}/lc?version=1`, 400, 'VERSION_NOT_ALLOWED'],
    ['E9', 'versions', `${APP}/lc?version=1`, 400, 'VERSION_NOT_ALLOWED'],
  ] as const)('%s %s %s', async (_id, route, uri, status, code) => {
    const { ask } = await openBench()
    expectError(await ask(route, { query: { uri } }), status, code)
  })

  test('M10: an owner', async () => {
    const { ask, openbao } = await openBench()
    const custom = openbao.secrets.get('secret/app/api')?.custom
    custom?.set('team', 'x')
    const sent = { uri: `${APP}/api`, owner: 'auth:account:idp:data-team' }
    const answer = await ask('owner', { body: sent })
    expect(answer).toEqual({ status: 200, headers: {}, body: { status: 'ok', ...sent } })
    expect(Object.fromEntries(custom ?? [])).toEqual({
      owner: 'auth:account:idp:data-team',
      created_by: 'auth:account:idp:alice',
      created_at: '2025-01-25T12:34:56Z',
      team: 'x',
    })
  })

  test.each([
    [{ uri: `${APP}/api#token`, owner: 'o' }, 400, 'FRAGMENT_NOT_ALLOWED'],
    [{ uri: `${APP}/api?version=1`, owner: 'o' }, 400, 'VERSION_NOT_ALLOWED'],
    [{ uri: `${APP}/api`, owner: '' }, 400, 'INVALID_REQUEST'],
    [{ uri: `${APP}/api`, owner: 'o'.repeat(513) }, 400, 'INVALID_REQUEST'],
    [{ uri: `${APP}/api`, owner: 'a\nb' }, 400, 'INVALID_REQUEST'],
    [{ uri: `${APP}/api`, owner: 7 }, 400, 'INVALID_REQUEST'],
    [{ uri: `${APP}/api` }, 400, 'INVALID_REQUEST'],
    [{ uri: 'yaml://secret/env', owner: 'o' }, 501, 'OPERATION_NOT_SUPPORTED'],
    [{ uri: `${APP}/nope`, owner: 'o' }, 404, 'SECRET_NOT_FOUND'],
  ])('M11: %j', async (body, status, code) => {
    const { ask } = await openBench()
    expectError(await ask('owner', { body }), status, code)
  })
})

describe('versions', () => {
  test('M12, M15: they are brought back, and destroyed', async () => {
    const { ask, told } = await openBench()
    const uri = `${APP}/lc`
    const undeleted = await ask('undelete', { body: { uri, versions: [2] } })
    const body = { status: 'undeleted', uri, versions: [2] }
    expect(undeleted).toEqual({ status: 200, headers: {}, body })
    const pinned = { uri: `${uri}#value`, version: '2' }
    expect((await ask('value', { query: pinned })).body).toMatchObject({ value: 'deleted' })
    const destroyed = await ask('destroy-versions', { body: { uri, versions: [2, 3] } })
    expect(destroyed.body).toEqual({ status: 'destroyed', uri, versions: [2, 3] })
    expect(await told('value', { query: pinned })).toBe('409 SECRET_VERSION_DESTROYED')
  })

  const MALFORMED: readonly (readonly [unknown, string])[] = [
    [[], 'VERSIONS_REQUIRED'],
    [undefined, 'VERSIONS_REQUIRED'],
    [[0], 'INVALID_REQUEST'],
    [['2'], 'INVALID_REQUEST'],
    [[2, 2], 'INVALID_REQUEST'],
    [Array.from({ length: 101 }, (_, at) => at + 1), 'INVALID_REQUEST'],
    [2, 'INVALID_REQUEST'],
  ]
  test.each(MALFORMED)('M14: %j', async (versions, code) => {
    const { ask, openbao } = await openBench()
    for (const route of ['undelete', 'destroy-versions'] as const) {
      expectError(await ask(route, { body: { uri: `${APP}/lc`, versions } }), 400, code)
    }
    expect(openbao.calls).toEqual([])
  })

  test.each([
    ['M13', 'undelete', { uri: `${APP}/lc`, versions: [1] }, 409, 'SECRET_VERSION_DESTROYED'],
    ['M16', 'destroy-versions', { uri: `${APP}/lc`, versions: [3, 42] }, 404, 'SECRET_NOT_FOUND'],
    ['M17', 'undelete', { uri: `${APP}/lc#value`, versions: [2] }, 400, 'FRAGMENT_NOT_ALLOWED'],
    [
      'M17',
      'undelete',
      { uri: 'yaml://secret/env', versions: [2] },
      501,
      'OPERATION_NOT_SUPPORTED',
    ],
  ] as const)('%s', async (_id, route, body, status, code) => {
    const { ask } = await openBench()
    expectError(await ask(route, { body }), status, code)
    const { value } = (await ask('value', { query: { uri: `${APP}/lc#value` } })).body as {
      value?: unknown
    }
    expect(value).toBe('three')
  })
})

describe('search', () => {
  const found = async (query: Record<string, string>) => {
    const { ask } = await openBench()
    const { status, body } = await ask('search', { query })
    expect(status).toBe(200)
    const items = body['items'] as readonly { uri: string; kind: string }[]
    return { items: items.map(({ uri, kind }) => `${kind} ${uri}`), total: body['total'] }
  }

  test('S01: a key, in any case', async () => {
    const items = ['key yaml://secret/env#MY_API_KEY']
    expect(await found({ q: 'key', prefix: 'yaml://secret/env/' })).toEqual({ items, total: 1 })
  })

  test('S02: values are not searched, and every mount of YAML is', async () => {
    expect(await found({ q: 'abc123' })).toEqual({ items: [], total: 0 })
    const items = ['key yaml://secret/crud#DB_PASS', 'key yaml://secret/crud#DB_USER']
    expect(await found({ q: 'db_' })).toEqual({ items, total: 2 })
  })

  test('S03: of other providers, what is right below', async () => {
    expect((await found({ q: 't', prefix: `${APP}/` })).items).toEqual([`path ${APP}/test`])
    const items = ['folder openbao+kv2://secret/app', 'folder openbao+kv2://secret/payments']
    expect((await found({ q: 'p', prefix: 'openbao+kv2://secret' })).items).toEqual(items)
  })

  test('S04: part by part', async () => {
    const all = await found({ q: 'e', prefix: 'yaml://secret' })
    expect(all.items.length).toBeGreaterThan(2)
    const part = await found({ q: 'e', prefix: 'yaml://secret', limit: '1', offset: '1' })
    expect(part).toEqual({ items: all.items.slice(1, 2), total: all.total })
  })

  test.each([
    { q: 'x', limit: '0' },
    { q: 'x', limit: '1001' },
    { q: 'x', offset: '-1' },
    { q: 'x', limit: 'x' },
    { q: '' },
    {},
    { q: 'x'.repeat(257) },
    { q: 'x', prefix: '' },
  ])('S05: %j', async (query) => {
    const { ask } = await openBench()
    expectError(await ask('search', { query }), 400, 'INVALID_REQUEST')
  })

  test('without a prefix where YAML is off', async () => {
    const { ask } = await openBench({ service: { searchMounts: () => new Set() } })
    expectError(await ask('search', { query: { q: 'x' } }), 400, 'INVALID_REQUEST')
  })

  test('A23: everybody sees his own part, and how much it is', async () => {
    const { ask, policy, log } = await serviceBench()
    policy.answer(({ resource }) => {
      const canonical = resource.kind === 'secret' ? resource.uri.canonical : ''
      return canonical.startsWith('yaml://secret/env') ? PERMIT : DENY
    })
    const query = { prefix: 'yaml://secret' }
    const env = { uri: 'yaml://secret/env', keys: ['FROM', 'MY_API_KEY'] }
    const listed = await ask('list', { query })
    expect(listed.body).toEqual({ items: [env], total: 1, offset: 0, limit: 100 })
    const searched = await ask('search', { query: { ...query, q: '_', offset: '1' } })
    expect(searched.body).toEqual({ items: [], total: 1, offset: 1, limit: 100 })
    expect(log.types).toEqual(['SECRET_METADATA_READ', 'SECRET_METADATA_READ'])
  })

  test('where anything cannot be decided, nothing is shown, and it is recorded', async () => {
    const { ask, policy, log } = await serviceBench()
    policy.answer(({ resource }) => {
      const canonical = resource.kind === 'secret' ? resource.uri.canonical : ''
      if (canonical.startsWith('yaml://secret/env')) return PERMIT
      return { effect: 'Deny', reason: 'unavailable' }
    })
    const answer = await ask('list', { query: { prefix: 'yaml://secret' } })
    const details = { purpose: 'read_metadata', effect: 'Deny', failures: [] }
    expectError(answer, 503, 'PDP_UNAVAILABLE', details)
    expect(answer.headers).toEqual({ 'Retry-After': '1' })
    expect(log.types).toEqual(['SECRET_ERROR'])
    expect(log.records[0]?.canonicals).toEqual(['yaml://secret'])
  })
})
