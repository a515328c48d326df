/** URIs, queries and reading: cases U, Q and R. */
import { ProviderError } from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { expectError, openBench, queryOf, stored, VersionedMemory } from './support.ts'

const KV = 'openbao+kv2://secret/app/test#value'

describe('URIs', () => {
  test.each([
    ['U01', KV, { uri: KV, value: 'two', version: 2 }],
    ['U02', 'OpenBao+KV2://secret/app/test#value', { uri: KV, value: 'two', version: 2 }],
    ['U04', `${KV}?version=1`, { uri: `${KV}?version=1`, value: 'one', version: 1 }],
    [
      'U05',
      'openbao+kv2://secret/app/test?version=1#value',
      { uri: `${KV}?version=1`, value: 'one', version: 1 },
    ],
    ['U06', `  ${KV}`, { uri: KV, value: 'two', version: 2 }],
  ])('%s', async (_id, uri, body) => {
    const { ask } = await openBench()
    expect(await ask('value', { query: { uri } })).toEqual({ status: 200, headers: {}, body })
  })

  test.each([
    ['U03', 'openbao+kv2://secret/App/test#value', 404, 'SECRET_NOT_FOUND'],
    ['U07', 'hashicorp+kv2://secret//path', 400, 'ILLEGAL_SEGMENT'],
    ['U08', 'openbao+kv2://secret/jira/*/token', 400, 'INVALID_WILDCARD'],
    ['U09', 'openbao+kv2://secret/a%2Fb#key', 400, 'ILLEGAL_SEGMENT'],
    ['U11', 'openbao+kv2://secret/app/../test#value', 400, 'ILLEGAL_SEGMENT'],
    ['U12', 'openbao+kv2://secret/app/a..b#value', 400, 'ILLEGAL_SEGMENT'],
    ['U13', 'openbao+kv2://secret/app/./test#value', 400, 'ILLEGAL_SEGMENT'],
    ['U14', 'openbao+kv2://secret/app/test#a#b', 400, 'ILLEGAL_SEGMENT'],
    ['U15', `${KV}?version=1&version=2`, 400, 'AMBIGUOUS_QUERY'],
    ['U16', `${KV}?mount=kv`, 400, 'DOUBLE_MOUNT_SOURCE'],
    ['U17', `${KV}?foo=1`, 400, 'AMBIGUOUS_QUERY'],
    ...['0', '-1', '01', '1.0', '', '99999999999'].map(
      (version) => ['U18', `${KV}?version=${version}`, 400, 'AMBIGUOUS_QUERY'] as const,
    ),
    ['U19', 'openbao://secret/app/test#value', 400, 'UNSUPPORTED_ENGINE'],
    ['U20', 'yaml+kv2://secret/env#X', 400, 'UNSUPPORTED_ENGINE'],
    ['U20', 'file:primary:db', 400, 'ILLEGAL_SEGMENT'],
    ['U21', 'secret/app/test', 400, 'ILLEGAL_SEGMENT'],
    ['U22', 'openbao+kv2://other/app/test#value', 400, 'TENANT_MOUNT_MISMATCH'],
    ['U23', 'openbao+kv2://SECRET/app/test#value', 400, 'TENANT_MOUNT_MISMATCH'],
    ['U24', 'openbao+kv2://secret', 400, 'ILLEGAL_SEGMENT'],
    ['U24', 'openbao+kv2://secret#x', 400, 'ILLEGAL_SEGMENT'],
    ['U25', 'openbao+kv2://secret/app/test/', 400, 'PROVIDER_TRAILING_SLASH_MISMATCH'],
    ['U26', 'openbao+kv2://user@secret/app', 400, 'AMBIGUOUS_MOUNT'],
    ['U26', 'openbao+kv2://secret:8200/app', 400, 'AMBIGUOUS_MOUNT'],
    ...['a b', 'a\\b', 'a\0b', 'é', 'a\nb'].map(
      (segment) => ['U27', `openbao+kv2://secret/${segment}`, 400, 'ILLEGAL_SEGMENT'] as const,
    ),
    ['U28', 'yaml://secret/env#MY_API_KEY?version=1', 400, 'VERSION_NOT_ALLOWED'],
    ['U29', `openbao+kv2://secret/${'a'.repeat(129)}`, 400, 'ILLEGAL_SEGMENT'],
    ['U30', 'openbao+kv2://secret/app/test#', 400, 'ILLEGAL_SEGMENT'],
  ] as const)('%s %s, in a query and in a body', async (_id, uri, status, code) => {
    const { ask, openbao, bench } = await openBench()
    const read = await ask('value', { query: { uri } })
    expectError(read, status, code)
    expect(read.headers).toEqual({})
    if (status === 404) return
    expectError(await ask('write', { body: { uri, value: 'x' } }), status, code)
    expect(openbao.calls).toEqual([])
    expect(bench.counts.get(`secrets_errors_total ${code}`)).toBe(2)
  })

  test('U22 has the documented text', async () => {
    const { ask } = await openBench()
    const { body } = await ask('value', { query: { uri: 'openbao+kv2://other/app/test' } })
    expect(body).toEqual({
      error: 'Bad Request',
      code: 'TENANT_MOUNT_MISMATCH',
      message: 'mount not allowed for tenant',
      correlation_id: 'c-1',
    })
  })

  test('U31: runs of slashes, where that is on', async () => {
    const { ask } = await openBench({ service: { legacy: true } })
    const query = { uri: 'openbao+kv2://secret//app/test/#value' }
    expect((await ask('value', { query })).body).toMatchObject({ uri: KV, value: 'two' })
  })

  test('U32: without mounts, nothing', async () => {
    const { told } = await openBench({ enforcement: { allowedMounts: () => new Set() } })
    expect(await told('value', { query: { uri: KV } })).toBe('400 TENANT_MOUNT_MISMATCH')
  })
})

describe('queries', () => {
  test.each([
    ['Q01', 'uri=openbao+kv2://secret/app/test%23value', 'two'],
    ['Q02', 'uri=openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%2Ftest%23value&version=1', 'one'],
    ['Q03', 'uri=openbao+kv2://secret/app/test%23value?version=1', 'one'],
    ['Q05', 'uri=openbao+kv2://secret/app/test%23value?version=1&version=1', 'one'],
  ])('%s', async (_id, query, value) => {
    const { ask } = await openBench()
    expect(await ask('value', { query })).toMatchObject({ status: 200, body: { value } })
  })

  test.each([
    ['U10', 'uri=openbao+kv2://secret/a%252Fb%23key', 'ILLEGAL_SEGMENT'],
    ['Q04', 'uri=openbao+kv2://secret/app/test%23value?version=1&version=2', 'AMBIGUOUS_QUERY'],
    ['Q06', 'uri=yaml://secret/a&uri=yaml://secret/b', 'AMBIGUOUS_QUERY'],
    ['Q07', 'uri=%ZZ', 'INVALID_REQUEST'],
    ['Q07', 'uri=%C3%28', 'INVALID_REQUEST'],
    ['Q08', '', 'INVALID_REQUEST'],
    ['Q08', 'uri=', 'INVALID_REQUEST'],
    ['Q09', 'uri=yaml://secret/env&foo=1', 'INVALID_REQUEST'],
  ])('%s %s', async (_id, query, code) => {
    const { ask } = await openBench()
    expectError(await ask('value', { query }), 400, code)
  })

  test('a body where none belongs, and parameters where none do', async () => {
    const { told } = await openBench()
    const query = queryOf({ uri: KV })
    expect(await told('value', { query, body: '{}' })).toBe('400 INVALID_REQUEST')
    expect(await told('value', { query, body: new Uint8Array() })).toBe('200')
    const body = { uri: KV, value: 'x' }
    expect(await told('write', { query, body })).toBe('400 INVALID_REQUEST')
    expect(await told('write', { body })).toBe('200')
  })
})

describe('reading', () => {
  test.each([
    ['R01', 'yaml://secret/env#MY_API_KEY', { value: 'abc123' }],
    ['R02', 'yaml://secret/crud', { DB_USER: 'app', DB_PASS: 's3cr3t' }],
  ])('%s', async (_id, uri, body) => {
    const { ask } = await openBench()
    expect(await ask('read', { query: { uri } })).toEqual({ status: 200, headers: {}, body })
  })

  test.each([
    ['R03', 'yaml://secret/env#NOPE', 404, 'FRAGMENT_NOT_FOUND'],
    ['R04', 'yaml://secret/nope', 404, 'SECRET_NOT_FOUND'],
    ['R05', KV, 501, 'OPERATION_NOT_SUPPORTED'],
  ])('%s', async (_id, uri, status, code) => {
    const { ask, openbao } = await openBench()
    expectError(await ask('read', { query: { uri } }), status, code)
    expect(openbao.calls).toEqual([])
  })

  test.each([
    [
      'R06',
      'yaml://secret/env#MY_API_KEY',
      { uri: 'yaml://secret/env#MY_API_KEY', value: 'abc123', version: null },
    ],
    [
      'R07',
      'openbao+kv2://secret/app/api',
      { uri: 'openbao+kv2://secret/app/api', value: { token: 't1', user: 'u' }, version: 1 },
    ],
    [
      'R08',
      'hashicorp+kv2://secret/payments/stripe#api_key',
      { uri: 'hashicorp+kv2://secret/payments/stripe#api_key', value: 'sk', version: 1 },
    ],
  ])('%s', async (_id, uri, body) => {
    const { ask } = await openBench()
    expect(await ask('value', { query: { uri } })).toEqual({ status: 200, headers: {}, body })
  })

  test.each([
    ['R09', 'app/api#nope', undefined, 404, 'FRAGMENT_NOT_FOUND'],
    ['R10', 'app/lc#value', '2', 409, 'SECRET_VERSION_DELETED'],
    ['R11', 'app/lc#value', '1', 409, 'SECRET_VERSION_DESTROYED'],
    ['R12', 'app/lc#value', '9', 404, 'SECRET_NOT_FOUND'],
    ['R13', 'app/gone#value', undefined, 404, 'SECRET_NOT_FOUND'],
    ['R15', 'app/api#toString', undefined, 404, 'FRAGMENT_NOT_FOUND'],
    ['R15', 'app/api#__proto__', undefined, 404, 'FRAGMENT_NOT_FOUND'],
    ['E3', 'app/api#token', '0', 400, 'INVALID_REQUEST'],
  ])('%s %s', async (_id, tail, version, status, code) => {
    const { ask } = await openBench()
    const query = { uri: `openbao+kv2://secret/${tail}`, ...(version && { version }) }
    expectError(await ask('value', { query }), status, code)
  })

  test('R16: a provider that is not there', async () => {
    const { ask } = await openBench({ providers: { openbao: undefined } })
    expectError(await ask('value', { query: { uri: KV } }), 501, 'PROVIDER_NOT_CONFIGURED')
  })

  test('a provider that has gone between the guard and its use', async () => {
    const { told } = await openBench({ service: { providersOf: () => () => undefined } })
    expect(await told('value', { query: { uri: KV } })).toBe('501 PROVIDER_NOT_CONFIGURED')
  })

  test.each([
    ['PROVIDER_ERROR', 502, undefined],
    ['PROVIDER_TIMEOUT', 502, undefined],
    ['PROVIDER_UNAVAILABLE', 503, '1'],
    ['PROVIDER_BUSY', 429, '1'],
  ] as const)('R17: %s, without a word of the provider', async (reason, status, retryAfter) => {
    const failing = new VersionedMemory(async () => {
      throw new ProviderError(reason, { cause: new Error('permission denied at secret/app') })
    })
    const { ask, bench, faults } = await openBench({ providers: { openbao: failing } })
    const answer = await ask('value', { query: { uri: KV } })
    expectError(answer, status, reason)
    expect(answer.headers).toEqual(retryAfter === undefined ? {} : { 'Retry-After': retryAfter })
    expect(JSON.stringify(answer)).not.toContain('denied')
    expect(bench.counts.get(`secrets_errors_total ${reason}`)).toBe(1)
    expect(faults).toEqual([])
  })

  test('a provider that says when to come back', async () => {
    const failing = new VersionedMemory(async () => {
      throw new ProviderError('PROVIDER_BUSY', { retryAfterSeconds: 7 })
    })
    const { ask } = await openBench({ providers: { openbao: failing } })
    const { headers } = await ask('value', { query: { uri: KV } })
    expect(headers).toEqual({ 'Retry-After': '7' })
  })

  test('what nobody waits for any more ends at the provider', async () => {
    const signals: (AbortSignal | undefined)[] = []
    const { service, bench, openbao } = await openBench()
    const read = openbao.read.bind(openbao)
    openbao.read = (place, options?: { signal?: AbortSignal }) => {
      signals.push(options?.signal)
      return read(place)
    }
    const { signal } = new AbortController()
    const request = { route: 'value', query: queryOf({ uri: KV }), body: undefined } as const
    await service.answer(bench.caller(), request, signal)
    await service.answer(bench.caller(), request)
    expect(signals).toEqual([signal, undefined])
  })

  test('how long providers took', async () => {
    let nowMs = 0
    const slow = new VersionedMemory(async () => {
      nowMs += 250
    })
    const { ask, bench } = await openBench({
      providers: { openbao: slow, hashicorp: slow },
      service: { nowMs: () => nowMs },
    })
    await ask('value', { query: { uri: 'hashicorp+kv2://secret/app/none' } })
    expect(bench.counts.get('provider_request_latency_seconds hashicorp read')).toBe(0.25)
    await ask('write', { body: { uri: 'openbao+kv2://secret/app/none', value: { a: 1 } } })
    for (const op of ['write', 'metadata', 'patchMetadata']) {
      expect(bench.counts.get(`provider_request_latency_seconds openbao ${op}`)).toBe(0.25)
    }
    expect(await stored(slow, 'openbao+kv2://secret/app/none')).toMatchObject({ data: { a: 1 } })
  })
})
