/** Writing, deletion and rotation: cases W, L and O. */
import { ProviderError } from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { expectError, openBench, stored, VersionedMemory } from './support.ts'

const APP = 'openbao+kv2://secret/app'

const yamlData = (map: ReadonlyMap<string, { data: ReadonlyMap<string, unknown> }>, path: string) =>
  Object.fromEntries(map.get(path)?.data ?? [])

describe('writing', () => {
  test('W01: a key of YAML, among others', async () => {
    const { ask, yaml } = await openBench()
    const answer = await ask('write', { body: { uri: 'yaml://secret/env#MY_NEW', value: 'hello' } })
    const body = { status: 'ok', uri: 'yaml://secret/env#MY_NEW', version: null }
    expect(answer).toEqual({ status: 200, headers: {}, body })
    const all = { MY_API_KEY: 'abc123', FROM: 'src-val', MY_NEW: 'hello' }
    expect(yamlData(yaml.secrets, 'secret/env')).toEqual(all)
  })

  test.each([
    ['W02', '/new#value', { value: 'hello' }, 1, { value: 'hello' }],
    ['W03', '/api#token', 't2', 2, { token: 't2', user: 'u' }],
    ['W04', '/api', { token: 'x' }, 2, { token: 'x' }],
    ['W11', '/gone#k', 'v', 2, { k: 'v' }],
  ])('%s', async (_id, tail, value, version, data) => {
    const { ask, openbao } = await openBench()
    const uri = `${APP}${tail}`
    const body = { status: 'ok', uri, version }
    expect(await ask('write', { body: { uri, value } })).toEqual({ status: 200, headers: {}, body })
    expect(await stored(openbao, uri)).toEqual({ version, data })
  })

  test.each([
    ['W05', { uri: `${APP}/api`, value: 'scalar' }, 'INCOMPATIBLE_PAYLOAD'],
    ['W06', { uri: `${APP}/api#token`, value: { a: 1, b: 2 } }, 'INCOMPATIBLE_PAYLOAD'],
    ['W06', { uri: `${APP}/api#token`, value: [1] }, 'INCOMPATIBLE_PAYLOAD'],
    ['W06', { uri: `${APP}/api#token`, value: null }, 'INCOMPATIBLE_PAYLOAD'],
    ['E1', { uri: `${APP}/api`, value: {} }, 'INCOMPATIBLE_PAYLOAD'],
    ['W07', { uri: `${APP}/api#token?version=2`, value: 'x' }, 'VERSION_NOT_ALLOWED'],
    ['W14', 'no JSON', 'INVALID_REQUEST'],
    ['W14', '', 'INVALID_REQUEST'],
    ['W14', '[]', 'INVALID_REQUEST'],
    [
      'W14',
      '{"uri":"yaml://secret/env#A","value":"x","uri":"yaml://secret/env#B"}',
      'INVALID_REQUEST',
    ],
    ['W14', '{"uri":"yaml://secret/env","value":{"__proto__":"x"}}', 'INVALID_REQUEST'],
    ['W14', { uri: `${APP}/api#token`, value: 'x', owerwrite: true }, 'INVALID_REQUEST'],
    ['E1', { uri: `${APP}/api#token` }, 'INVALID_REQUEST'],
    ['E1', { value: 'x' }, 'INVALID_REQUEST'],
    ['E1', { uri: '', value: 'x' }, 'INVALID_REQUEST'],
    ['E1', { uri: 7, value: 'x' }, 'INVALID_REQUEST'],
    ...[-1, 1.5, '1', null, true].map(
      (cas) => ['E1', { uri: `${APP}/api#token`, value: 'x', cas }, 'INVALID_REQUEST'] as const,
    ),
  ] as const)('%s %j: nothing is asked of a provider', async (_id, body, code) => {
    const { ask, openbao } = await openBench()
    expectError(await ask('write', { body }), 400, code)
    expect(openbao.calls).toEqual([])
  })

  test('W14: no body, and one that is too large', async () => {
    const { ask } = await openBench()
    expectError(await ask('write'), 400, 'INVALID_REQUEST')
    const body = { uri: `${APP}/api#token`, value: 'x'.repeat(1_048_576) }
    expectError(await ask('write', { body }), 413, 'BODY_TOO_LARGE')
  })

  test('W09: a check that never holds', async () => {
    const { ask, openbao } = await openBench()
    openbao.write = async () => {
      throw new ProviderError('CAS_MISMATCH')
    }
    const body = { uri: `${APP}/api#token`, value: 'x' }
    expectError(await ask('write', { body }), 409, 'CAS_MISMATCH')
    expect(openbao.calls).toEqual(['read', 'read', 'read'])
  })

  test('W10: the version that is expected', async () => {
    const { ask, told, openbao } = await openBench()
    const uri = `${APP}/api#token`
    expectError(await ask('write', { body: { uri, value: 'x', cas: 7 } }), 409, 'CAS_MISMATCH')
    expect(await stored(openbao, uri)).toMatchObject({ version: 1 })
    expect(await told('write', { body: { uri, value: 'x', cas: 1 } })).toBe('200')
    const fresh = { uri: `${APP}/fresh#k`, value: 'x', cas: 0 }
    expect(await told('write', { body: fresh })).toBe('200')
    const yaml = { uri: 'yaml://secret/env#A', value: 'x', cas: 1 }
    expect(await told('write', { body: yaml })).toBe('501 OPERATION_NOT_SUPPORTED')
  })

  test('W12: the first write is stamped with who made it', async () => {
    const { ask, openbao } = await openBench()
    const uri = `${APP}/stamped#k`
    await ask('write', { body: { uri, value: 'x' } }, { subject: 'auth:account:idp:zoe' })
    await ask('write', { body: { uri, value: 'y' } }, { subject: 'auth:account:idp:other' })
    expect(Object.fromEntries(openbao.secrets.get('secret/app/stamped')?.custom ?? [])).toEqual({
      created_by: 'auth:account:idp:zoe',
      owner: 'auth:account:idp:zoe',
      created_at: '2026-11-21T23:00:00Z',
    })
  })

  test('W13: a stamp that fails is told and counted, and fails nothing', async () => {
    const { ask, openbao, log, bench } = await openBench()
    openbao.patchMetadata = async () => {
      throw new ProviderError('PROVIDER_ERROR')
    }
    const answer = await ask('write', { body: { uri: `${APP}/new#k`, value: 'x' } })
    expect(answer).toMatchObject({ status: 200, body: { version: 1 } })
    expect(log.records).toHaveLength(1)
    expect(log.types).toEqual(['SECRET_CREATED', 'SECRET_ERROR'])
    expect(log.records[0]?.events[1]?.data).toMatchObject({
      purpose: 'owner_update',
      code: 'PROVIDER_ERROR',
      success: false,
      operation_id: log.records[0]?.events[0]?.data.operation_id,
    })
    expect(bench.counts.get('secrets_errors_total PROVIDER_ERROR')).toBe(1)
  })

  test.each([
    ['write', { body: { uri: 'yaml://secret/env#A', value: 'x' } }],
    ['rotate', { body: { uri: 'yaml://secret/env#A', value: 'x' } }],
    ['delete', { query: { uri: 'yaml://secret/env' } }],
  ] as const)('W15: %s of YAML outside of development', async (route, sent) => {
    const environments = ['prod', 'staging', undefined]
    for (const environment of environments) {
      const { ask, log, yaml } = await openBench({
        enforcement: { environment, decisions: { decide: async () => [] } },
      })
      const before = yaml.secrets.get('secret/env')
      expectError(await ask(route, sent), 403, 'YAML_WRITE_FORBIDDEN')
      expect(yaml.secrets.get('secret/env')).toBe(before)
      expect(log.types).toEqual(['SECRET_DENY'])
    }
  })
})

describe('deletion', () => {
  test('L01: of the only key, which can be undeleted', async () => {
    const { ask, told } = await openBench()
    const uri = `${APP}/test#value`
    const body = { status: 'deleted', uri, mode: 'version_deleted', version: 2 }
    const answer = await ask('delete', { query: { uri, destroy: 'false' } })
    expect(answer).toEqual({ status: 200, headers: {}, body })
    expect(await told('value', { query: { uri } })).toBe('404 SECRET_NOT_FOUND')
    const versions = await ask('versions', { query: { uri: `${APP}/test` } })
    expect(versions.body['versions']).toMatchObject([
      { version: 2, state: 'deleted' },
      { version: 1, state: 'active' },
    ])
    expect(await told('undelete', { body: { uri: `${APP}/test`, versions: [2] } })).toBe('200')
    expect((await ask('value', { query: { uri } })).body).toMatchObject({ value: 'two' })
  })

  test('L02: of a key among others', async () => {
    const { ask, openbao } = await openBench()
    const uri = `${APP}/api#token`
    const { body } = await ask('delete', { query: { uri } })
    expect(body).toEqual({ status: 'deleted', uri, mode: 'key_removed', version: 2 })
    expect(await stored(openbao, uri)).toEqual({ version: 2, data: { user: 'u' } })
  })

  test('L03: destruction that others would share', async () => {
    const { ask, openbao } = await openBench()
    const query = { uri: `${APP}/api#token`, destroy: 'true' }
    const details = { other_keys: 1 }
    expectError(await ask('delete', { query }), 409, 'DESTROY_AFFECTS_OTHER_KEYS', details)
    expect(await stored(openbao, query.uri)).toMatchObject({ version: 1 })
  })

  test.each([
    ['L04', 'hashicorp+kv2://secret/payments/stripe#api_key'],
    ['L05', `${APP}/api`],
  ])('%s: destruction', async (_id, uri) => {
    const { ask, told } = await openBench()
    const answer = await ask('delete', { query: { uri, destroy: 'true' } })
    const body = { status: 'destroyed', uri, mode: 'all_versions_destroyed', version: null }
    expect(answer).toEqual({ status: 200, headers: {}, body })
    expect(await told('metadata', { query: { uri } })).toBe('404 SECRET_NOT_FOUND')
  })

  test.each(['TRUE', '1', '', 'yes'])('L06: destroy=%s', async (destroy) => {
    const { ask, openbao } = await openBench()
    const query = { uri: `${APP}/api`, destroy }
    expectError(await ask('delete', { query }), 400, 'INVALID_REQUEST')
    expect(openbao.calls).toEqual([])
  })

  test.each([
    ['L07', `${APP}/absent`, 404, 'SECRET_NOT_FOUND'],
    ['L07', 'yaml://secret/absent', 404, 'SECRET_NOT_FOUND'],
    ['L07', `${APP}/api#absent`, 404, 'FRAGMENT_NOT_FOUND'],
    ['E4', `${APP}/api?version=1`, 400, 'VERSION_NOT_ALLOWED'],
  ])('%s %s', async (_id, uri, status, code) => {
    const { ask } = await openBench()
    expectError(await ask('delete', { query: { uri } }), status, code)
  })

  test.each([
    ['yaml://secret/env#MY_API_KEY', 'key_removed', { FROM: 'src-val' }],
    ['yaml://secret/env', 'node_removed', {}],
  ])('L08: %s', async (uri, mode, left) => {
    for (const destroy of ['false', 'true']) {
      const { ask, yaml } = await openBench()
      const { body } = await ask('delete', { query: { uri, destroy } })
      expect(body).toEqual({ status: 'deleted', uri, mode, version: null })
      expect(yamlData(yaml.secrets, 'secret/env')).toEqual(left)
    }
  })
})

describe('rotation', () => {
  test('O01: of a key', async () => {
    const { ask, log } = await openBench()
    const uri = `${APP}/test#value`
    const body = { status: 'rotated', uri, old_version: 2, new_version: 3 }
    const answer = await ask('rotate', { body: { uri, value: 'new' } })
    expect(answer).toEqual({ status: 200, headers: {}, body })
    expect(log.types).toEqual(['SECRET_ROTATED'])
    // The vectors of the fact sheet, case K02.
    expect(log.records[0]?.events[0]?.data).toMatchObject({
      resource_ref: 'm_20JJl-DkNA3mLN0Ro6diIz4HnNMe-Ett24OQ1B7ME',
      path_ref: 'sVsFQhGBUk9fWHM9bEau6P_xeMcd1WAY5pUQvGXBY14',
      kv_version: 3,
      old_version: 2,
      success: true,
    })
  })

  test('O02: of all keys', async () => {
    const { ask, openbao } = await openBench()
    const uri = `${APP}/api`
    const { body } = await ask('rotate', { body: { uri, value: { token: 'new' } } })
    expect(body).toMatchObject({ old_version: 1, new_version: 2 })
    expect(await stored(openbao, uri)).toEqual({ version: 2, data: { token: 'new' } })
  })

  test('O03: of all keys by one value', async () => {
    const { ask } = await openBench()
    const body = { uri: `${APP}/api`, value: 'scalar' }
    expectError(await ask('rotate', { body }), 400, 'INCOMPATIBLE_PAYLOAD')
    const more = { uri: `${APP}/api`, value: { a: 1 }, cas: 1 }
    expectError(await ask('rotate', { body: more }), 400, 'INVALID_REQUEST')
  })

  test('O04: versions that cannot be looked up', async () => {
    const { ask, openbao } = await openBench()
    openbao.metadata = async () => {
      throw new ProviderError('PROVIDER_ERROR')
    }
    const { status, body } = await ask('rotate', { body: { uri: `${APP}/api`, value: { a: 1 } } })
    expect([status, body['old_version'], body['new_version']]).toEqual([200, null, 2])
  })

  test('O05: a write that fails', async () => {
    const failing = new VersionedMemory(async (method) => {
      if (method.startsWith('write')) throw new ProviderError('PROVIDER_ERROR')
    })
    const { ask, log } = await openBench({ providers: { openbao: failing } })
    const answer = await ask('rotate', { body: { uri: `${APP}/api#a`, value: 'x' } })
    expectError(answer, 502, 'PROVIDER_ERROR')
    expect(log.types).toEqual(['SECRET_ERROR'])
  })

  test('O06: of YAML', async () => {
    const { ask } = await openBench()
    const uri = 'yaml://secret/env#MY_API_KEY'
    const { body } = await ask('rotate', { body: { uri, value: 'n' } })
    expect(body).toEqual({ status: 'rotated', uri, old_version: null, new_version: null })
    expect((await ask('read', { query: { uri } })).body).toEqual({ value: 'n' })
  })
})
