/** Many operations in one request: cases B. */
import { describe, expect, test } from 'vitest'
import { CAROL, expectError, openBench, serviceBench, stored } from './support.ts'

const APP = 'openbao+kv2://secret/app'
const SET = { op: 'set', uri: 'yaml://secret/env#NEW', value: 'abc' }

describe('what is done', () => {
  test('B01: in order, each told by its own', async () => {
    const { ask, yaml, log } = await openBench()
    const operations = [
      SET,
      { op: 'delete', uri: `${APP}/test#value` },
      { op: 'rotate', uri: `${APP}/api#token`, value: 't2' },
      { op: 'undelete', uri: `${APP}/lc`, versions: [2] },
      { op: 'destroy', uri: `${APP}/lc`, versions: [3] },
      { op: 'destroy', uri: `${APP}/lc` },
    ]
    const answer = await ask('bulk', { body: { operations } })
    const done = (index: number) => {
      const { op, uri } = operations[index] ?? SET
      return { index, op, uri, ok: true, status: 200 }
    }
    expect(answer).toEqual({
      status: 200,
      headers: {},
      body: {
        results: [
          { ...done(0), version: null },
          { ...done(1), mode: 'version_deleted', version: 2 },
          { ...done(2), old_version: 1, new_version: 2 },
          { ...done(3), versions: [2] },
          { ...done(4), versions: [3] },
          { ...done(5), mode: 'all_versions_destroyed', version: null },
        ],
        summary: { total: 6, succeeded: 6, failed: 0, skipped: 0 },
      },
    })
    expect(yaml.secrets.get('secret/env')?.data.get('NEW')).toBe('abc')
    expect(log.types).toEqual([
      'SECRET_UPDATED',
      'SECRET_VERSION_DELETED',
      'SECRET_ROTATED',
      'SECRET_VERSION_UNDELETED',
      'SECRET_VERSION_DESTROYED',
      'SECRET_DESTROYED',
    ])
    expect(log.records).toHaveLength(6)
    expect(new Set(log.records.map(({ operation }) => operation.operationId)).size).toBe(6)
  })

  test('B02: one that fails is told apart, and what it was is not sent back', async () => {
    const { ask, log } = await openBench()
    const operations = [SET, { op: 'set', uri: 'not-a-uri-but-a-value', value: 'x' }]
    const { status, body } = await ask('bulk', { body: { operations } })
    expect(status).toBe(207)
    expect(body).toEqual({
      results: [
        { index: 0, op: 'set', uri: SET.uri, ok: true, status: 200, version: null },
        {
          index: 1,
          op: 'set',
          ok: false,
          status: 400,
          error: { code: 'ILLEGAL_SEGMENT', message: 'not a canonical secret URI' },
        },
      ],
      summary: { total: 2, succeeded: 1, failed: 1, skipped: 0 },
    })
    // Items are recorded at whichever step they are refused.
    expect(log.types).toEqual(['SECRET_UPDATED', 'SECRET_ERROR'])
  })

  test('B03: nothing after the first failure, where that is asked for', async () => {
    const { ask, yaml, log } = await openBench()
    const operations = [{ op: 'set', uri: 'bad', value: 'x' }, SET, SET]
    const { status, body } = await ask('bulk', { body: { operations, continueOnError: false } })
    expect(status).toBe(207)
    const skipped = {
      op: 'set',
      uri: SET.uri,
      ok: false,
      status: 424,
      error: { code: 'NOT_ATTEMPTED', message: 'not attempted: one before it has failed' },
    }
    expect(body['results']).toEqual([
      expect.objectContaining({ index: 0, status: 400 }),
      { index: 1, ...skipped },
      { index: 2, ...skipped },
    ])
    expect(body['summary']).toEqual({ total: 3, succeeded: 0, failed: 1, skipped: 2 })
    expect(yaml.secrets.get('secret/env')?.data.has('NEW')).toBe(false)
    expect(log.records).toHaveLength(1)
  })

  test('B08: one secret several times', async () => {
    const { ask, openbao } = await openBench()
    const uri = `${APP}/twice#k`
    const operations = [
      { op: 'set', uri, value: 'x' },
      { op: 'delete', uri },
      { op: 'set', uri, value: 'y' },
    ]
    expect((await ask('bulk', { body: { operations } })).status).toBe(200)
    expect(await stored(openbao, uri)).toEqual({ version: 2, data: { k: 'y' } })
  })

  test('details of one that fails', async () => {
    const { ask } = await openBench()
    const operations = [{ op: 'destroy', uri: `${APP}/api#token` }]
    const { body } = await ask('bulk', { body: { operations } })
    expect(body['results']).toMatchObject([
      {
        uri: `${APP}/api#token`,
        status: 409,
        error: { code: 'DESTROY_AFFECTS_OTHER_KEYS', details: { other_keys: 1 } },
      },
    ])
  })

  test('what nobody waits for any more is not begun', async () => {
    const { service, bench, openbao } = await openBench()
    const operations = [1, 2, 3].map((at) => ({ op: 'set', uri: `${APP}/a${at}#k`, value: 'x' }))
    const controller = new AbortController()
    const write = openbao.write.bind(openbao)
    openbao.write = (...args) => {
      controller.abort()
      return write(...args)
    }
    const body = new TextEncoder().encode(JSON.stringify({ operations }))
    const request = { route: 'bulk', query: '', body } as const
    const answer = await service.answer(bench.caller(), request, controller.signal)
    expect(answer.body['summary']).toEqual({ total: 3, succeeded: 1, failed: 0, skipped: 2 })
    expect(openbao.secrets.has('secret/app/a2')).toBe(false)
  })
})

describe('what is refused whole', () => {
  const item = (more: object) => ({ operations: [SET, { ...SET, ...more }] })
  test.each([
    ['B04', item({ op: 'read' })],
    ['B04', { operations: [SET, { uri: SET.uri, value: 'x' }] }],
    ['B04', { operations: [] }],
    ['B04', { operations: Array.from({ length: 101 }, () => SET) }],
    ['B04', { operations: { 0: SET } }],
    ['B04', {}],
    ['E14', { operations: [SET, 'x'] }],
    ['E14', { operations: [SET, null] }],
    ['E14', { operations: [SET, [SET]] }],
    ['E14', item({ uri: 7 })],
    ['E14', { operations: [SET, { op: 'delete' }] }],
    ['E14', { operations: [SET, { op: 'set', uri: SET.uri }] }],
    ['E14', item({ versions: [1] })],
    ['E14', item({ overwrite: true })],
    ['E14', { operations: [SET, { op: 'delete', uri: SET.uri, versions: [1] }] }],
    ['E14', { operations: [SET], continueOnError: 'false' }],
    ['E14', { operations: [SET], continueOnError: null }],
    ['E14', { operations: [SET], continueOnErrors: false }],
  ])('%s: %j', async (_id, body) => {
    const { ask, yaml, log, bench } = await openBench()
    expectError(await ask('bulk', { body }), 400, 'INVALID_REQUEST')
    expect(yaml.secrets.get('secret/env')?.data.has('NEW')).toBe(false)
    expect(log.records).toEqual([])
    expect(bench.counts.get('secrets_errors_total INVALID_REQUEST')).toBe(1)
  })

  test('a hundred are not too many', async () => {
    const { ask } = await openBench()
    const operations = Array.from({ length: 100 }, () => SET)
    expect((await ask('bulk', { body: { operations } })).status).toBe(200)
  })

  test('of nobody, before it is read', async () => {
    const { ask } = await serviceBench()
    const answer = await ask('bulk', { body: 'x' }, { authenticated: false, scopes: [] })
    expectError(answer, 401, 'UNAUTHENTICATED')
    expect(answer.headers).toEqual({ 'WWW-Authenticate': 'Bearer' })
  })

  test('too many requests', async () => {
    const { ask } = await serviceBench({ enforcement: { requestLimit: { burst: 1 } } })
    await ask('bulk', { body: { operations: [SET] } })
    const answer = await ask('bulk', { body: { operations: [SET] } })
    expectError(answer, 429, 'RATE_LIMITED')
    expect(answer.headers['Retry-After']).toBe('1')
  })
})

describe('what each operation may', () => {
  test('B06: versions that there must be', async () => {
    const { ask } = await openBench()
    const operations = [{ op: 'undelete', uri: `${APP}/lc` }]
    const { status, body } = await ask('bulk', { body: { operations } })
    expect(status).toBe(207)
    expect(body['results']).toMatchObject([{ status: 400, error: { code: 'VERSIONS_REQUIRED' } }])
  })

  test.each([
    [[], 'VERSIONS_REQUIRED'],
    [null, 'INVALID_REQUEST'],
    [[0], 'INVALID_REQUEST'],
  ])('B05: versions %j to be destroyed are not the whole secret', async (versions, code) => {
    const { ask, openbao } = await openBench()
    const operations = [{ op: 'destroy', uri: `${APP}/api`, versions }]
    const { body } = await ask('bulk', { body: { operations } })
    expect(body['results']).toMatchObject([{ status: 400, error: { code } }])
    expect(await stored(openbao, `${APP}/api`)).toMatchObject({ version: 1 })
  })

  test('B07: scopes and purposes of its own, each recorded', async () => {
    const { ask, log, openbao } = await serviceBench()
    const operations = [
      { op: 'set', uri: `${APP}/new#k`, value: 'x' },
      { op: 'destroy', uri: `${APP}/api` },
      { op: 'delete', uri: `${APP}/api` },
    ]
    const carol = { subject: CAROL, scopes: ['secrets.write', 'secrets.delete'] }
    const { status, body } = await ask('bulk', { body: { operations } }, carol)
    expect(status).toBe(207)
    expect(body['results']).toMatchObject([
      { status: 200 },
      { uri: `${APP}/api`, status: 403, error: { code: 'INSUFFICIENT_SCOPE' } },
      { status: 403, error: { code: 'SECRET_AUTHZ_FAILED', details: { purpose: 'delete' } } },
    ])
    expect(log.types).toEqual(['SECRET_CREATED', 'SECRET_DENY', 'SECRET_DENY'])
    expect(await stored(openbao, `${APP}/api`)).toMatchObject({ version: 1 })
  })

  test('the request counts once, whatever is in it', async () => {
    const { told } = await serviceBench({ enforcement: { requestLimit: { burst: 2 } } })
    const body = { operations: Array.from({ length: 10 }, () => SET) }
    expect(await told('bulk', { body })).toBe('200')
    expect(await told('bulk', { body })).toBe('200')
    expect(await told('bulk', { body })).toBe('429 RATE_LIMITED')
  })
})
