/** Answers: what they become, and that what is none never becomes a result. */
import { type Kv2Answer, type Kv2Client, Kv2Error } from '@secreg/kv2'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answer, CREATED, failureOf, fakeClient, versionFacts } from './fake-transport.ts'

const CALLS: Readonly<Record<string, (client: Kv2Client) => Promise<unknown>>> = {
  read: (client) => client.read('a'),
  'read of a version': (client) => client.read('a', { version: 3 }),
  subkeys: (client) => client.subkeys('a'),
  write: (client) => client.write('a', { k: 1 }),
  patch: (client) => client.patch('a', { k: 1 }),
  deleteLatest: (client) => client.deleteLatest('a'),
  deleteVersions: (client) => client.deleteVersions('a', [1]),
  undelete: (client) => client.undelete('a', [1]),
  destroyVersions: (client) => client.destroyVersions('a', [1]),
  deleteMetadata: (client) => client.deleteMetadata('a'),
  readMetadata: (client) => client.readMetadata('a'),
  patchMetadata: (client) => client.patchMetadata('a', { maxVersions: 1 }),
  writeMetadata: (client) => client.writeMetadata('a', { maxVersions: 1 }),
  list: (client) => client.list('a'),
  config: (client) => client.config(),
}

const callsOf = (...names: string[]) =>
  names.map((name) => [name, CALLS[name] as (client: Kv2Client) => Promise<unknown>] as const)

const keyFacts = {
  cas_required: false,
  created_time: CREATED,
  current_version: 3,
  custom_metadata: null,
  delete_version_after: '0s',
  max_versions: 0,
  oldest_version: 0,
  updated_time: CREATED,
  versions: {
    '10': { created_time: CREATED, deletion_time: '', destroyed: true },
    '9': { created_time: CREATED, deletion_time: CREATED, destroyed: false },
  },
}

test('metadata of a key, as OpenBao and as Vault have them', async () => {
  const { client, transport } = fakeClient(() => answer(200, { data: keyFacts }))
  expect(await client.readMetadata('a')).toEqual({
    casRequired: false,
    createdTime: CREATED,
    currentVersion: 3,
    customMetadata: {},
    deleteVersionAfter: '0s',
    maxVersions: 0,
    metadataCasRequired: false,
    metadataVersion: undefined,
    oldestVersion: 0,
    updatedTime: CREATED,
    versions: [
      { version: 9, createdTime: CREATED, deletionTime: CREATED, destroyed: false },
      { version: 10, createdTime: CREATED, deletionTime: undefined, destroyed: true },
    ],
  })
  transport.handler = () =>
    answer(200, {
      data: {
        ...keyFacts,
        current_metadata_version: 7,
        metadata_cas_required: true,
        custom_metadata: { o: 't' },
        created_by: { actor: 'x' },
      },
    })
  expect(await client.readMetadata('a')).toMatchObject({
    metadataVersion: 7,
    metadataCasRequired: true,
    customMetadata: { o: 't' },
  })
})

test('versions are in the order of their numbers, however large', async () => {
  const one = keyFacts.versions['9']
  const versions = { '9007199254740991': one, '4294967296': one, '2': one }
  const { client } = fakeClient(() => answer(200, { data: { ...keyFacts, versions } }))
  const metadata = await client.readMetadata('a')
  expect(metadata?.versions.map(({ version }) => version)).toEqual([2, 2 ** 32, 2 ** 53 - 1])
})

test('a name that objects have is a name like any other', async () => {
  const text = `{"data":{"data":{"__proto__":{"x":1},"constructor":1},"metadata":{"version":1,
    "created_time":"${CREATED}","deletion_time":"","destroyed":false,"custom_metadata":{"__proto__":"y"}}}}`
  const { client } = fakeClient(() => answer(200, text))
  const result = await client.read('a')
  if (result.state !== 'live') throw new Error('not live')
  expect(Object.keys(result.data ?? {})).toEqual(['__proto__', 'constructor'])
  expect(Object.entries(result.metadata.customMetadata)).toEqual([['__proto__', 'y']])
  expect(({} as { x?: unknown }).x).toBeUndefined()
})

test('data may be null', async () => {
  const { client } = fakeClient(() =>
    answer(200, { data: { data: null, metadata: versionFacts() } }),
  )
  expect(await client.read('a')).toMatchObject({ state: 'live', data: null })
})

test('done may come with warnings', async () => {
  const { client } = fakeClient(() => answer(200, { data: null, warnings: ['x'] }))
  await client.writeMetadata('a', { casRequired: false })
})

describe('not there', () => {
  test.each([
    ['an empty list of errors', { errors: [] }],
    ['one with warnings beside it', { errors: [], warnings: null, data: null }],
  ])('is %s', async (_what, body) => {
    const { client } = fakeClient(() => answer(404, body))
    expect(await client.read('a')).toEqual({ state: 'absent' })
    expect(await client.subkeys('a')).toEqual({ state: 'absent' })
    expect(await client.readMetadata('a')).toBeUndefined()
    expect(await client.list('a')).toEqual([])
  })

  test.each(callsOf('read', 'subkeys', 'readMetadata', 'list', 'config', 'deleteLatest', 'write'))(
    'is no page of a proxy, no empty body and no other object, for %s',
    async (_name, call) => {
      for (const body of [
        '',
        '<html>Not Found</html>',
        '[]',
        'null',
        '{}',
        '{"errors":null}',
        '{"data":null}',
      ]) {
        const { client } = fakeClient(() => answer(404, body))
        expect(await failureOf(call(client)), body).toMatchObject({
          code: 'ERR_KV2_ANSWER_INVALID',
        })
      }
    },
  )

  test.each(callsOf('read', 'subkeys', 'patch', 'readMetadata', 'list', 'config', 'write'))(
    'is no missing mount or namespace, nor one of version 1, for %s',
    async (_name, call) => {
      for (const body of [
        { errors: ['no handler for route "x". route entry not found.'] },
        { errors: ['namespace not found'] },
        { data: null, warnings: ['Invalid path for a versioned K/V secrets engine'] },
      ]) {
        const { client } = fakeClient(() => answer(404, body))
        expect(await failureOf(call(client))).toMatchObject({
          code: 'ERR_KV2_NO_ROUTE',
          status: 404,
        })
      }
    },
  )
})

test.each([
  [400, { errors: ['something else'] }, 'ERR_KV2_REFUSED'],
  [400, '<html>', 'ERR_KV2_REFUSED'],
  [
    400,
    { errors: ['check-and-set parameter did not match the current version'] },
    'ERR_KV2_CAS_MISMATCH',
  ],
  [400, { errors: ['check-and-set parameter required for this call'] }, 'ERR_KV2_CAS_REQUIRED'],
  [400, { errors: ['metadata_cas must be 0 when creating new metadata'] }, 'ERR_KV2_CAS_MISMATCH'],
  [400, { errors: 'check-and-set parameter did not match' }, 'ERR_KV2_REFUSED'],
  [403, '', 'ERR_KV2_DENIED'],
  [405, '', 'ERR_KV2_UNSUPPORTED'],
  [413, '', 'ERR_KV2_REFUSED'],
  [415, '', 'ERR_KV2_UNSUPPORTED'],
  [429, '', 'ERR_KV2_THROTTLED'],
  [500, '', 'ERR_KV2_UNAVAILABLE'],
  [503, { errors: ['Vault is sealed'] }, 'ERR_KV2_SEALED'],
  [503, { errors: ['error performing token check: Vault is sealed'] }, 'ERR_KV2_SEALED'],
  [503, '<html>', 'ERR_KV2_UNAVAILABLE'],
  [599, '', 'ERR_KV2_UNAVAILABLE'],
  [100, '', 'ERR_KV2_ANSWER_INVALID'],
  [202, '{}', 'ERR_KV2_ANSWER_INVALID'],
  [206, '{}', 'ERR_KV2_ANSWER_INVALID'],
  [401, '', 'ERR_KV2_ANSWER_INVALID'],
  [418, '', 'ERR_KV2_ANSWER_INVALID'],
] as const)('status %s with %j is %s', async (status, body, code) => {
  const { client } = fakeClient(() => answer(status, body))
  expect(await failureOf(client.write('a', {}))).toMatchObject({ code, status, operation: 'write' })
})

describe('an answer that is too long', () => {
  const cut = (status: number) => ({ ...answer(status, ''), truncated: true })

  test('is no answer, also when the transport did not cut it off', async () => {
    const body = new Uint8Array(1025).fill(0x20)
    for (const reply of [cut(200), cut(404), cut(204), { status: 200, headers: {}, body }]) {
      const { client } = fakeClient(() => reply, { maxAnswerBytes: 1024 })
      expect(await failureOf(client.read('a'))).toMatchObject({
        code: 'ERR_KV2_ANSWER_TOO_LARGE',
        status: reply.status,
      })
    }
  })

  test('of a failure is that failure', async () => {
    for (const [status, code] of [
      [400, 'ERR_KV2_REFUSED'],
      [403, 'ERR_KV2_DENIED'],
      [429, 'ERR_KV2_THROTTLED'],
      [500, 'ERR_KV2_UNAVAILABLE'],
      [503, 'ERR_KV2_UNAVAILABLE'],
    ] as const) {
      const { client } = fakeClient(() => cut(status))
      expect(await failureOf(client.write('a', {}))).toMatchObject({ code, status })
    }
  })
})

test('when to ask again is told where it is a number of seconds', async () => {
  for (const [header, seconds] of [
    ['7', 7],
    ['0', 0],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    ['-1', undefined],
    ['99999999', undefined],
  ] as const) {
    const { client } = fakeClient(() => answer(429, {}, { 'retry-after': header }))
    const error = await failureOf(client.write('a', {}))
    expect(error.retryAfterSeconds).toBe(seconds)
  }
})

describe('malformed', () => {
  const facts = versionFacts(3)
  const readable = { data: {}, metadata: facts }
  test.each([
    ['no object', '[]'],
    ['cut off', '{"data":{"data":{'],
    ['more than one', '{"data":{}}{}'],
    ['no data', '{}'],
    ['data that is null', { data: null }],
    ['data that is a list', { data: [] }],
    ['an inner list', { data: { ...readable, data: [] } }],
    ['an inner text', { data: { ...readable, data: 'x' } }],
    ['no inner data', { data: { metadata: facts } }],
    ['no metadata', { data: { data: {} } }],
    ['a version of 0', { data: { data: {}, metadata: versionFacts(0) } }],
    ['a version that is text', { data: { data: {}, metadata: { ...facts, version: '3' } } }],
    ['a version with a fraction', { data: { data: {}, metadata: { ...facts, version: 3.5 } } }],
    ['a time that is none', { data: { data: {}, metadata: { ...facts, created_time: 'now' } } }],
    [
      'a deletion that is null',
      { data: { data: {}, metadata: { ...facts, deletion_time: null } } },
    ],
    ['a flag that is text', { data: { data: {}, metadata: { ...facts, destroyed: 'false' } } }],
    [
      'numbers in custom metadata',
      { data: { data: {}, metadata: { ...facts, custom_metadata: { a: 1 } } } },
    ],
    ['another version than asked for', { data: { data: {}, metadata: versionFacts(4) } }],
  ])('a read with %s is an error', async (_what, body) => {
    const { client } = fakeClient(() => answer(200, body))
    expect(await failureOf(client.read('a', { version: 3 }))).toMatchObject({
      code: 'ERR_KV2_ANSWER_INVALID',
    })
  })

  test('what is not UTF-8 is an error', async () => {
    const { body } = answer(200, { data: { data: { k: 'Z' }, metadata: facts } })
    body[body.indexOf(0x5a)] = 0xff
    const { client } = fakeClient(() => ({ status: 200, headers: {}, body }))
    expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_ANSWER_INVALID' })
  })

  test('what is nested deeper than 1,000 levels is an error, and brackets in texts are none', async () => {
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    const text = (value: string) =>
      `{"data":{"metadata":${JSON.stringify(facts)},"data":{"\\"":${value}}}}`
    for (const value of [nested(997), `"${'[{'.repeat(2000)}"`, `"\\"${'['.repeat(2000)}"`]) {
      const { client } = fakeClient(() => answer(200, text(value)))
      expect(await client.read('a')).toMatchObject({ state: 'live' })
    }
    for (const value of [nested(998), nested(500_000), '['.repeat(2_000_000)]) {
      const { client } = fakeClient(() => answer(200, text(value)))
      expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_ANSWER_INVALID' })
    }
  })

  test('a destroyed version with data is an error', async () => {
    const metadata = { ...facts, destroyed: true }
    const { client } = fakeClient(() => answer(200, { data: { data: {}, metadata } }))
    expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_ANSWER_INVALID' })
  })

  test('404 with metadata that tell of no deletion is an error', async () => {
    const { client } = fakeClient(() => answer(404, { data: { data: null, metadata: facts } }))
    expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_ANSWER_INVALID' })
  })

  test.each([
    ['no keys', { data: {} }],
    ['keys that are no list', { data: { keys: 'a' } }],
    ['a key that is no text', { data: { keys: ['a', 1] } }],
  ])('a list with %s is an error', async (_what, body) => {
    const { client } = fakeClient(() => answer(200, body))
    expect(await failureOf(client.list(''))).toMatchObject({ code: 'ERR_KV2_ANSWER_INVALID' })
  })

  test.each([
    ['no number of its version', { versions: { x: keyFacts.versions['9'] } }],
    ['a version that is null', { versions: { '1': null } }],
    ['no versions', { versions: null }],
    ['a negative number', { max_versions: -1 }],
    ['a duration that is a number', { delete_version_after: 0 }],
  ])('metadata with %s are an error', async (_what, change) => {
    const { client } = fakeClient(() => answer(200, { data: { ...keyFacts, ...change } }))
    expect(await failureOf(client.readMetadata('a'))).toMatchObject({
      code: 'ERR_KV2_ANSWER_INVALID',
    })
  })

  test('200 without an object is not done', async () => {
    const { client } = fakeClient(() => answer(200, '<html>logged out</html>'))
    expect(await failureOf(client.deleteLatest('a'))).toMatchObject({
      code: 'ERR_KV2_ANSWER_INVALID',
      outcomeUnknown: true,
    })
  })
})

test('nothing but errors of this package comes of any answer', async () => {
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({ data: fc.jsonValue(), errors: fc.jsonValue() })
      .map((value) => JSON.stringify(value)),
    fc
      .record({ data: fc.jsonValue(), metadata: fc.jsonValue() })
      .map((data) => JSON.stringify({ data })),
  )
  const status = fc.oneof(
    fc.constantFrom(200, 204, 400, 404, 503),
    fc.integer({ min: 100, max: 599 }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(CALLS)),
      status,
      body,
      async (name, status, body) => {
        const reply: Kv2Answer = answer(status, body)
        const { client, clock } = fakeClient(() => reply)
        const call = (CALLS[name] as (client: Kv2Client) => Promise<unknown>)(client)
        const error = await clock.until(
          call.then(
            () => undefined,
            (error) => error,
          ),
        )
        expect(error === undefined || Kv2Error.is(error)).toBe(true)
      },
    ),
    { numRuns: 300 },
  )
})
