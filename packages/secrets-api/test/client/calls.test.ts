import { createSecretsClient, type SecretEventResult } from '@secreg/secrets-api/client'
import { describe, expect, test } from 'vitest'
import { allOf, failureOf } from './server.ts'
import { site } from './site.ts'

const API = 'openbao+kv2://secret/app/api'
const TEST = 'openbao+kv2://secret/app/test'
const LIFE = 'openbao+kv2://secret/app/lc'
const ENV = 'yaml://secret/env'

async function connected() {
  const api = await site()
  return { api, client: createSecretsClient({ url: api.url }) }
}

describe('every call, against the service', () => {
  test('value: keys, whole secrets, versions', async () => {
    const { client } = await connected()
    expect(await client.value(`${TEST}#value`)).toEqual({
      uri: `${TEST}#value`,
      value: 'two',
      version: 2,
    })
    expect(await client.value(API)).toMatchObject({ value: { token: 't1', user: 'u' }, version: 1 })
    const pinned = { uri: `${TEST}#value?version=1`, value: 'one', version: 1 }
    expect(await client.value(`${TEST}#value?version=1`)).toEqual(pinned)
    expect(await client.value(`${TEST}#value`, { version: 1 })).toEqual(pinned)
    expect(await client.value(`${ENV}#MY_API_KEY`)).toMatchObject({
      value: 'abc123',
      version: null,
    })
  })

  test('read and keys, list', async () => {
    const { client } = await connected()
    expect(await client.read(`${ENV}#MY_API_KEY`)).toBe('abc123')
    expect(await client.read('yaml://secret/crud')).toEqual({ DB_USER: 'app', DB_PASS: 's3cr3t' })
    expect(await client.keys(ENV)).toEqual({ uri: ENV, keys: ['FROM', 'MY_API_KEY'] })
    expect(await client.list('yaml://secret/', { limit: 1, offset: 1 })).toEqual({
      items: [{ uri: ENV, keys: ['FROM', 'MY_API_KEY'] }],
      total: 2,
      offset: 1,
      limit: 1,
    })
  })

  test('write, rotate, delete and destroy', async () => {
    const { client } = await connected()
    expect(await client.write(`${API}#token`, 't2', { cas: 1 })).toEqual({
      uri: `${API}#token`,
      version: 2,
    })
    expect(await client.write(`${API}#n`, 7)).toMatchObject({ version: 3 })
    expect(await client.rotate(`${API}#token`, 't3')).toEqual({
      uri: `${API}#token`,
      oldVersion: 3,
      newVersion: 4,
    })
    expect((await client.value(API)).value).toEqual({ token: 't3', user: 'u', n: 7 })
    expect(await client.delete(`${API}#n`)).toMatchObject({ mode: 'key_removed', version: 5 })
    expect(await client.delete(API)).toMatchObject({ mode: 'version_deleted' })
    expect(await client.destroy(API)).toMatchObject({ mode: 'all_versions_destroyed' })
    expect(await client.write(API, { a: [1, { b: null }] }, { cas: 0 })).toMatchObject({
      version: 1,
    })
  })

  test('metadata, versions, owner, undelete and destroyVersions', async () => {
    const { client } = await connected()
    expect(await client.versions(LIFE)).toMatchObject({
      uri: LIFE,
      currentVersion: 3,
      versions: [
        { version: 3, state: 'active', destroyed: false, deletionTime: '' },
        { version: 2, state: 'deleted' },
        { version: 1, state: 'destroyed', destroyed: true },
      ],
    })
    expect(await client.undelete(LIFE, [2])).toEqual({ uri: LIFE, versions: [2] })
    expect(await client.destroyVersions(LIFE, [2, 3])).toEqual({ uri: LIFE, versions: [2, 3] })
    const owner = 'auth:account:idp:data-team'
    expect(await client.setOwner(API, owner)).toEqual({ uri: API, owner })
    const metadata = await client.metadata(API)
    expect(metadata).toMatchObject({ uri: API, currentVersion: 1, casRequired: false })
    expect(metadata.customMetadata).toMatchObject({ owner })
    expect(metadata.versions).toEqual([
      { version: 1, createdTime: expect.any(String), deletionTime: '', destroyed: false },
    ])
  })

  test('search, a page at a time', async () => {
    const { api, client } = await connected()
    const all = await allOf(client.search('e', { pageSize: 1 }))
    expect(all.length).toBeGreaterThan(1)
    expect(all).toContainEqual({ uri: `${ENV}#MY_API_KEY`, kind: 'key' })
    expect(api.came).toHaveLength(all.length)
    expect(await allOf(client.search('e'))).toEqual(all)
    const folders = await allOf(client.search('a', { prefix: 'openbao+kv2://secret' }))
    expect(folders.map(({ kind }) => kind)).toContain('folder')
    expect(await allOf(client.search('nothing like it'))).toEqual([])
  })

  test('bulk: what failed is told, and is no error', async () => {
    const { client } = await connected()
    const operations = [
      { op: 'set', uri: `${API}#token`, value: 'b' },
      { op: 'undelete', uri: LIFE, versions: [1] },
      { op: 'delete', uri: `${TEST}#value` },
    ] as const
    expect(await client.bulk(operations)).toEqual({
      results: [
        { index: 0, ok: true, status: 200, version: 2, code: undefined },
        { index: 1, ok: false, status: 409, version: null, code: 'SECRET_VERSION_DESTROYED' },
        expect.objectContaining({ index: 2, ok: true }),
      ],
      succeeded: 2,
      failed: 1,
      skipped: 0,
    })
    const stopped = await client.bulk([...operations].reverse().slice(1), {
      continueOnError: false,
    })
    expect(stopped.results[1]).toMatchObject({ ok: false, status: 424, code: 'NOT_ATTEMPTED' })
    expect(stopped).toMatchObject({ succeeded: 0, failed: 1, skipped: 1 })
  })

  test('copy and move', async () => {
    const { client } = await connected()
    const to = 'hashicorp+kv2://secret/app/copied'
    expect(await client.copy(TEST, to)).toEqual({ fromUri: TEST, toUri: to, version: 1 })
    expect(await failureOf(client.copy(TEST, to))).toMatchObject({ code: 'DESTINATION_EXISTS' })
    expect(await client.move(TEST, to, { overwrite: true })).toMatchObject({ version: 2 })
    expect(await failureOf(client.value(TEST))).toMatchObject({
      name: 'SecretsClientError',
      code: 'SECRET_NOT_FOUND',
      status: 404,
      message: 'no such secret or version',
      correlationId: 'c-1',
      outcomeUnknown: false,
    })
  })

  test('details and the code of a refusal', async () => {
    const { client } = await connected()
    expect(await failureOf(client.destroy(`${API}#token`))).toMatchObject({
      code: 'DESTROY_AFFECTS_OTHER_KEYS',
      status: 409,
      details: { other_keys: 1 },
    })
  })

  test('events, from now on and behind one', async () => {
    const { client } = await connected()
    const controller = new AbortController()
    const events = client.events({ signal: controller.signal })[Symbol.asyncIterator]()
    let first: IteratorResult<SecretEventResult> | undefined
    const coming = events.next().then((result) => {
      first = result
    })
    // What happened before the stream began is not in it.
    while (first === undefined) await client.write(`${ENV}#NEW`, 'x')
    await coming
    expect(first.value).toMatchObject({ event: 'SECRET_UPDATED', data: { service: 'secrets-api' } })
    await client.value(`${ENV}#NEW`)
    let last = first.value as SecretEventResult
    while (last.event !== 'SECRET_READ') {
      const { value } = await events.next()
      expect(value?.id).toBe(last.id + 1)
      last = value as SecretEventResult
    }
    const waiting = events.next()
    controller.abort(new Error('enough'))
    expect(await failureOf(waiting)).toMatchObject({ message: 'enough' })
    for await (const again of client.events({ lastEventId: last.id - 1 })) {
      expect(again).toEqual(last)
      break
    }
  })
})

describe('what is sent', () => {
  test('everything is escaped; what is canonical is what is sent', async () => {
    const { api, client } = await connected()
    await client.value(' OpenBao+KV2://secret/app/test?version=1#value')
    expect(api.came[0]).toMatchObject({
      method: 'GET',
      path: '/api/secrets/value',
      query: 'uri=openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%2Ftest%23value%3Fversion%3D1',
      body: '',
    })
    await allOf(client.search('a&b=c #+é'))
    expect(api.came[1]?.query).toBe('q=a%26b%3Dc%20%23%2B%C3%A9&offset=0')
    await client.delete(`${API}#token`)
    expect(api.came[2]).toMatchObject({
      method: 'DELETE',
      query: 'uri=openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%2Fapi%23token&destroy=false',
    })
  })

  test.each([
    ['openbao+kv2://secret/../x', 'ILLEGAL_SEGMENT'],
    ['openbao+kv2://secret/a%2Fb', 'ILLEGAL_SEGMENT'],
    ['openbao+kv2://secret/*', 'INVALID_WILDCARD'],
    ['aws+kv2://secret/x', 'UNSUPPORTED_ENGINE'],
    ['openbao+kv2://secret/x?version=0', 'AMBIGUOUS_QUERY'],
    ['http://127.0.0.1/x', 'UNSUPPORTED_ENGINE'],
    ['', 'ILLEGAL_SEGMENT'],
  ])('%s is refused before anything is sent', async (uri, code) => {
    const { api, client } = await connected()
    const calls = [
      client.value(uri),
      client.read(uri),
      client.write(uri, 'x'),
      client.rotate(uri, 'x'),
      client.delete(uri),
      client.destroy(uri),
      client.keys(uri),
      client.metadata(uri),
      client.versions(uri),
      client.setOwner(uri, 'x'),
      client.undelete(uri, [1]),
      client.destroyVersions(uri, [1]),
      client.bulk([{ op: 'delete', uri }]),
      client.copy(uri, API),
      client.move(API, uri),
    ]
    for (const error of await Promise.all(calls.map(failureOf))) {
      expect(error).toMatchObject({ name: 'SecretsClientError', code })
    }
    expect(api.came).toEqual([])
  })

  test('wrong arguments are told without what they hold', async () => {
    const { api, client } = await connected()
    const circle: Record<string, unknown> = {}
    circle['canary'] = circle
    const values = [undefined, Number.NaN, 1n, () => 'canary', Symbol('canary'), circle]
    for (const value of [...values, { canary: Number.POSITIVE_INFINITY }, [undefined]]) {
      const { name, message } = await failureOf(client.write(API, value as never))
      expect(name).toMatch(/^(?:Type|Range)Error$/)
      expect(message).toMatch(/^value: expected/)
    }
    const calls = [
      client.value(7 as never),
      client.value(API, { version: 0 }),
      client.value(API, { version: 1.5 }),
      client.write(API, {}, { cas: -1 }),
      client.undelete(API, 'x' as never),
      client.undelete(API, ['1'] as never),
      client.setOwner(API, '\ud800'),
      client.bulk({} as never),
      client.list('yaml://secret', { limit: 0 }),
      client.list('yaml://secret', { offset: -1 }),
      allOf(client.search('\udc00')),
      allOf(client.search('x', { pageSize: 1001 })),
      allOf(client.events({ lastEventId: -1 })),
    ]
    for (const error of await Promise.all(calls.map(failureOf))) {
      expect(error['name']).toMatch(/^(?:Type|Range)Error$/)
    }
    expect(api.came).toEqual([])
  })
})
