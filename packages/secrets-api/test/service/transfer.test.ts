/** Copies and moves: cases C. */
import { ProviderError } from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { DENY, PERMIT } from '../enforcement/support.ts'
import { CAROL, expectError, openBench, serviceBench, stored } from './support.ts'

const APP = 'openbao+kv2://secret/app'
const YAML = { fromUri: 'yaml://secret/env#FROM', toUri: 'yaml://secret/env#TO' }

describe('copies', () => {
  test('C01, C02: within a file, and over what is there only if that is said', async () => {
    const { ask, told, log } = await openBench()
    const body = { status: 'copied', ...YAML, version: null }
    const answer = await ask('copy', { body: { ...YAML, overwrite: false } })
    expect(answer).toEqual({ status: 200, headers: {}, body })
    for (const uri of [YAML.fromUri, YAML.toUri]) {
      expect((await ask('read', { query: { uri } })).body).toEqual({ value: 'src-val' })
    }
    expectError(await ask('copy', { body: YAML }), 409, 'DESTINATION_EXISTS')
    expect(await told('copy', { body: { ...YAML, overwrite: true } })).toBe('200')
    expect(log.records[0]?.events.map(({ data }) => data.operation_id)).toEqual([
      log.records[0]?.operation.operationId,
      log.records[0]?.operation.operationId,
    ])
  })

  test('C03: of a version, to another provider', async () => {
    const { ask, hashicorp, log } = await openBench()
    const fromUri = `${APP}/test#value?version=1`
    const toUri = 'hashicorp+kv2://secret/app/copy#value'
    const { body } = await ask('copy', { body: { fromUri, toUri } })
    expect(body).toEqual({ status: 'copied', fromUri, toUri, version: 1 })
    expect(await stored(hashicorp, toUri)).toMatchObject({ data: { value: 'one' } })
    expect(log.types).toEqual(['SECRET_READ', 'SECRET_CREATED'])
    const [read, created] = log.records[0]?.events ?? []
    expect(read?.data).toMatchObject({ provider: 'openbao', kv_version: 1, action: 'use' })
    expect(created?.data).toMatchObject({ provider: 'hashicorp', kv_version: 1, action: 'write' })
    expect(log.records[0]?.canonicals).toEqual([fromUri, toUri])
  })

  test('the version that was copied is recorded, also where none was named', async () => {
    const { ask, log } = await openBench()
    const body = { fromUri: `${APP}/test`, toUri: `${APP}/copied` }
    await ask('copy', { body })
    expect(log.records[0]?.events[0]?.data.kv_version).toBe(2)
    await ask('move', { body: { ...body, toUri: `${APP}/moved` } })
    expect(log.types.slice(2)).toEqual(['SECRET_READ', 'SECRET_CREATED', 'SECRET_VERSION_DELETED'])
    expect(log.records[1]?.events[0]?.data.kv_version).toBe(2)
  })

  test.each([
    ['C04', 'copy', { fromUri: `${APP}/test#value`, toUri: `${APP}/x` }, 'FRAGMENT_MISMATCH'],
    ['C04', 'copy', { fromUri: `${APP}/test`, toUri: `${APP}/x#value` }, 'FRAGMENT_MISMATCH'],
    ['C05', 'copy', { fromUri: `${APP}/test`, toUri: `${APP}/test` }, 'SAME_RESOURCE'],
    [
      'C05',
      'move',
      { fromUri: `${APP}/test`, toUri: 'OpenBao+KV2://secret/app/test' },
      'SAME_RESOURCE',
    ],
    [
      'C06',
      'copy',
      { fromUri: `${APP}/test`, toUri: 'openbao+kv2://other/test' },
      'TENANT_MOUNT_MISMATCH',
    ],
    ['C10', 'move', { fromUri: `${APP}/test?version=1`, toUri: `${APP}/x` }, 'VERSION_NOT_ALLOWED'],
    ['E15', 'copy', { fromUri: `${APP}/test`, toUri: `${APP}/x?version=1` }, 'VERSION_NOT_ALLOWED'],
    ['E15', 'copy', { ...YAML, overwrite: 'true' }, 'INVALID_REQUEST'],
    ['E15', 'copy', { ...YAML, overwrite: null }, 'INVALID_REQUEST'],
    ['E15', 'copy', { ...YAML, owerwrite: true }, 'INVALID_REQUEST'],
    ['E15', 'copy', { fromUri: YAML.fromUri }, 'INVALID_REQUEST'],
    ['E16', 'move', { toUri: YAML.toUri }, 'INVALID_REQUEST'],
  ] as const)('%s %s %j: nothing is asked of a provider', async (_id, route, body, code) => {
    const { ask, openbao } = await openBench()
    expectError(await ask(route, { body }), 400, code)
    expect(openbao.calls).toEqual([])
  })

  test('C07: both sides are decided on before anything is read', async () => {
    const { ask, policy, openbao, log } = await serviceBench({
      enforcement: { attributes: { attributesOf: async () => undefined } },
    })
    policy.answer(({ purpose }) => (purpose === 'write' ? DENY : PERMIT))
    const toUri = `${APP}/x`
    const answer = await ask('copy', { body: { fromUri: `${APP}/test`, toUri } })
    expect(answer.status).toBe(403)
    expect(answer.body['details']).toMatchObject({ purpose: 'write', failures: [{ uri: toUri }] })
    expect(openbao.calls).toEqual([])
    expect(log.types).toEqual(['SECRET_DENY'])
  })

  test('C12: a destination that appears meanwhile is left alone', async () => {
    const { ask, openbao } = await openBench()
    const toUri = `${APP}/racing`
    const place = { mount: 'secret', segments: ['app', 'racing'] }
    const read = openbao.read.bind(openbao)
    openbao.read = async (at) => {
      const found = await read(at)
      if (at.segments[1] === 'racing' && found.kind === 'absent') {
        await openbao.write(place, new Map([['other', 'x']]))
      }
      return found
    }
    const answer = await ask('copy', { body: { fromUri: `${APP}/test`, toUri } })
    expectError(answer, 409, 'DESTINATION_EXISTS')
    expect(await stored(openbao, toUri)).toEqual({ version: 1, data: { other: 'x' } })
  })
})

describe('moves', () => {
  test('C08: the source can be undeleted', async () => {
    const { ask, told } = await openBench()
    const fromUri = `${APP}/test`
    const toUri = `${APP}/moved`
    const { body } = await ask('move', { body: { fromUri, toUri } })
    expect(body).toEqual({ status: 'moved', fromUri, toUri, version: 1 })
    expect(await told('value', { query: { uri: fromUri } })).toBe('404 SECRET_NOT_FOUND')
    await ask('undelete', { body: { uri: fromUri, versions: [2] } })
    const { value } = (await ask('value', { query: { uri: fromUri } })).body as { value: unknown }
    expect(value).toEqual({ value: 'two' })
  })

  test('C09: one that fails half-way says so, and is recorded as what it was', async () => {
    const { ask, openbao, log } = await openBench()
    openbao.remove = async () => {
      throw new ProviderError('PROVIDER_ERROR')
    }
    const toUri = `${APP}/moved`
    const answer = await ask('move', { body: { fromUri: `${APP}/test`, toUri } })
    expectError(answer, 502, 'MOVE_SOURCE_DELETE_FAILED', { copied: true })
    expect(await stored(openbao, toUri)).toMatchObject({ data: { value: 'two' } })
    expect(log.types).toEqual(['SECRET_READ', 'SECRET_UPDATED', 'SECRET_ERROR'])
    const [read, updated, error] = log.records[0]?.events ?? []
    expect(error?.data).toMatchObject({
      purpose: 'delete',
      success: false,
      code: 'MOVE_SOURCE_DELETE_FAILED',
      resource_ref: read?.data.resource_ref,
    })
    expect(updated?.data.resource_ref).not.toBe(read?.data.resource_ref)
  })

  test('C11: without the scope of deletion', async () => {
    const { ask, policy } = await serviceBench()
    const body = { fromUri: `${APP}/test`, toUri: `${APP}/moved` }
    const carol = { subject: CAROL, scopes: ['secrets.read', 'secrets.write'] }
    expectError(await ask('move', { body }, carol), 403, 'INSUFFICIENT_SCOPE')
    expect(policy.calls).toEqual([])
  })

  test('C13: of two of one source, one succeeds', async () => {
    const { told } = await openBench()
    const move = (to: string) =>
      told('move', { body: { fromUri: `${APP}/test`, toUri: `${APP}/${to}` } })
    const results = await Promise.all([move('a'), move('b')])
    expect(results.filter((each) => each === '200')).toHaveLength(1)
  })
})
