/** Changes of metadata where PATCH is not enough. */
import type { Kv2Answer, Kv2Request } from '@secreg/kv2'
import { describe, expect, test } from 'vitest'
import { answer, CREATED, failureOf, fakeClient } from './fake-transport.ts'

const DENIED = answer(403, { errors: ['permission denied'] })
const REQUIRED = answer(400, {
  errors: ['metadata check-and-set parameter required for this call'],
})
const DONE = answer(204)

function keyAnswer(custom: Record<string, string> | null, version?: number): Kv2Answer {
  return answer(200, {
    data: {
      cas_required: true,
      created_time: CREATED,
      current_version: 1,
      custom_metadata: custom,
      delete_version_after: '0s',
      max_versions: 5,
      oldest_version: 0,
      updated_time: CREATED,
      versions: {},
      ...(version !== undefined && { current_metadata_version: version }),
    },
  })
}

/** Answers by method; lists are used up from the front. */
function served(answers: Readonly<Record<string, Kv2Answer[]>>) {
  const bodies: unknown[] = []
  const fake = fakeClient(({ method, body }: Kv2Request) => {
    if (body !== undefined) bodies.push([method, JSON.parse(body)])
    return answers[method]?.shift() ?? answer(599)
  })
  return { ...fake, bodies }
}

test('one PATCH is enough where it is allowed', async () => {
  const { client, transport, bodies } = served({ PATCH: [DONE] })
  expect(await client.patchMetadata('a', { customMetadata: { o: 'x', p: null } })).toBe(true)
  expect(transport.requests.at(-1)).toMatchObject({
    method: 'PATCH',
    url: 'https://kv.example:8200/v1/secret/metadata/a',
    headers: { 'Content-Type': 'application/merge-patch+json' },
  })
  expect(bodies).toEqual([['PATCH', { custom_metadata: { o: 'x', p: null } }]])
})

test('the version is sent where it is demanded', async () => {
  const { client, bodies } = served({ PATCH: [REQUIRED, DONE], GET: [keyAnswer({ a: '1' }, 4)] })
  expect(await client.patchMetadata('a', { maxVersions: null })).toBe(true)
  expect(bodies).toEqual([
    ['PATCH', { max_versions: null }],
    ['PATCH', { max_versions: null, metadata_cas: 4 }],
  ])
})

test('a change in between is an error', async () => {
  const mismatch = answer(400, {
    errors: ['metadata check-and-set parameter does not match the current version'],
  })
  const { client } = served({ PATCH: [REQUIRED, mismatch], GET: [keyAnswer({}, 4)] })
  expect(await failureOf(client.patchMetadata('a', { maxVersions: 1 }))).toMatchObject({
    code: 'ERR_KV2_CAS_MISMATCH',
    operation: 'patch-metadata',
  })
})

describe.each([
  ['denied', DENIED],
  ['not supported', answer(405, { errors: ['unsupported operation'] })],
])('where PATCH is %s', (_what, refused) => {
  test('the whole is read and written, the rest of the map with it', async () => {
    const { client, bodies } = served({
      PATCH: [refused],
      GET: [keyAnswer({ keep: 'k', drop: 'd', set: 'old' }, 9)],
      POST: [DONE],
    })
    const customMetadata = { drop: null, set: 'new', add: 'a', absent: null }
    expect(await client.patchMetadata('a', { customMetadata, casRequired: null })).toBe(true)
    expect(bodies.slice(1)).toEqual([
      [
        'POST',
        {
          cas_required: false,
          custom_metadata: { keep: 'k', set: 'new', add: 'a' },
          metadata_cas: 9,
        },
      ],
    ])
  })

  test('there is no check-and-set where the server has none, and no map where none is given', async () => {
    const { client, bodies } = served({ PATCH: [refused], GET: [keyAnswer(null)], POST: [DONE] })
    expect(await client.patchMetadata('a', { maxVersions: null, deleteVersionAfter: null })).toBe(
      true,
    )
    expect(bodies.slice(1)).toEqual([['POST', { max_versions: 0, delete_version_after: '0s' }]])
  })

  test('no key is made', async () => {
    const { client, transport } = served({ PATCH: [refused], GET: [answer(404, { errors: [] })] })
    expect(await client.patchMetadata('a', { maxVersions: 1 })).toBe(false)
    expect(transport.calls).toEqual(['PATCH secret/metadata/a', 'GET secret/metadata/a'])
  })

  test('what is denied then is denied', async () => {
    const { client } = served({ PATCH: [refused], GET: [DENIED] })
    expect(await failureOf(client.patchMetadata('a', { maxVersions: 1 }))).toMatchObject({
      code: 'ERR_KV2_DENIED',
    })
    const other = served({ PATCH: [refused], GET: [keyAnswer(null)], POST: [DENIED] })
    expect(await failureOf(other.client.patchMetadata('a', { maxVersions: 1 }))).toMatchObject({
      code: 'ERR_KV2_DENIED',
    })
  })
})

test('a key that is not there is not made', async () => {
  for (const reply of [answer(404), answer(404, { errors: [] })]) {
    const { client, transport } = served({ PATCH: [reply] })
    expect(await client.patchMetadata('a', { maxVersions: 1 })).toBe(false)
    expect(transport.calls).toHaveLength(1)
  }
})

test('only what was given is sent', async () => {
  const { client, bodies } = served({ POST: [DONE, DONE] })
  await client.writeMetadata('a', {})
  await client.writeMetadata(
    'a',
    { maxVersions: 0, casRequired: false, deleteVersionAfter: '1h30m', metadataCasRequired: true },
    { metadataCas: 0 },
  )
  expect(bodies).toEqual([
    ['POST', {}],
    [
      'POST',
      {
        max_versions: 0,
        cas_required: false,
        delete_version_after: '1h30m',
        metadata_cas_required: true,
        metadata_cas: 0,
      },
    ],
  ])
})
