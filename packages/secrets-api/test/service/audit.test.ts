/** What is recorded, and that nothing is answered that is not: cases K, as far as they need no broker. */
import { ProviderError } from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { ALICE, PERMIT } from '../enforcement/support.ts'
import { expectError, openBench, type ServiceBench, serviceBench, stored } from './support.ts'

const APP = 'openbao+kv2://secret/app'
const query = { uri: `${APP}/api#token` }
const permitUses = (maxUses: number) => (): never =>
  ({ ...PERMIT, obligations: { maxUses } }) as never

describe('what is recorded', () => {
  test('an operation once, with what it was about for the log alone', async () => {
    const { ask, log } = await serviceBench()
    await ask('value', { query })
    const [record, ...more] = log.records
    expect(more).toEqual([])
    expect(record?.canonicals).toEqual([query.uri])
    expect(record?.operation).toMatchObject({
      operation: 'value',
      caller: { subject: 'auth:account:idp:bob' },
      outcome: { kind: 'done', facts: { version: 1 } },
    })
    expect(record?.events[0]).toMatchObject({
      event_type: 'SECRET_READ',
      service: 'secrets-api',
      correlation_id: 'c-1',
      data: { kv_version: 1, decision: 'Permit', decision_id: 'd-permit', sampled: false },
    })
    expect(JSON.stringify(record?.events)).not.toMatch(/secret\/|app\/|openbao\+kv2/)
  })

  test('references that are good for this process alone say so', async () => {
    const { ask, log } = await openBench({ service: { ephemeralReferences: true } })
    await ask('value', { query })
    expect(log.records[0]?.events[0]?.data.ref_scheme).toBe('ephemeral')
  })

  test('refusals from the guard of mounts on, and no earlier ones', async () => {
    const { ask, log, bench } = await serviceBench()
    await ask('value', { query }, { authenticated: false })
    await ask('value', { query }, { scopes: [] })
    await ask('value', {})
    await ask('value', { query: { uri: 'nothing' } })
    expect(log.records).toEqual([])
    await ask('value', { query: { uri: 'openbao+kv2://elsewhere/app' } })
    expect(log.types).toEqual(['SECRET_DENY'])
    expect(log.records[0]?.events[0]?.data.code).toBe('TENANT_MOUNT_MISMATCH')
    expect(JSON.stringify(log.records[0]?.events)).not.toContain('elsewhere')
    expect(bench.counts.get('tenant_mount_violation_total')).toBe(1)
    await ask('read', { query })
    await ask('value', { query: { uri: 'openbao+kv2://secret/payments/x' } }, { subject: ALICE })
    await ask('value', { query: { uri: `${APP}/none` } })
    expect(log.types.slice(1)).toEqual(['SECRET_ERROR', 'SECRET_DENY', 'SECRET_ERROR'])
    expect(log.records[3]?.events[0]?.data).toMatchObject({
      code: 'SECRET_NOT_FOUND',
      decision: 'Permit',
      effect: 'failure',
    })
  })

  test('K05: of reads on a grant one in so many is published, and all are in the log', async () => {
    const { told, log, policy } = await serviceBench({ service: { sampleCacheHits: 5 } })
    policy.answer(permitUses(20))
    for (let times = 0; times < 11; times++) {
      expect(await told('value', { query })).toBe('200')
    }
    expect(log.records).toHaveLength(11)
    const events = log.records.flatMap((record) => record.events)
    expect(events.map(({ data }) => data.sampled)).toEqual([false, true, true])
  })

  test('K04: denials are never left out', async () => {
    const { ask, log } = await serviceBench({ service: { sampleCacheHits: 1000 } })
    for (let times = 0; times < 5; times++) {
      await ask('value', { query: { uri: 'openbao+kv2://secret/payments/x' } }, { subject: ALICE })
    }
    expect(log.types).toEqual(Array.from({ length: 5 }, () => 'SECRET_DENY'))
  })
})

describe('what cannot be recorded', () => {
  const requests: readonly (readonly Parameters<ServiceBench['ask']>[])[] = [
    [['value', { query }]],
    [['write', { body: { uri: `${APP}/new`, value: { a: 1 } } }]],
    [['delete', { query }]],
    [['copy', { body: { fromUri: `${APP}/test`, toUri: `${APP}/new` } }]],
    [['search', { query: { q: 'x' } }]],
    [['audit']],
    [['bulk', { body: { operations: [{ op: 'delete', uri: query.uri }] } }]],
  ]

  test.each(requests)('K14: nothing is done: %j', async (request) => {
    const { ask, log, openbao, policy, bench } = await serviceBench()
    log.ready = false
    const answer = await ask(...request)
    expectError(answer, 503, 'AUDIT_UNAVAILABLE')
    expect(answer.headers).toEqual({ 'Retry-After': '1' })
    expect([openbao.calls, policy.calls, log.records]).toEqual([[], [], []])
    expect(bench.counts.get('secrets_errors_total AUDIT_UNAVAILABLE')).toBe(1)
  })

  test('what was read is dropped', async () => {
    const { ask, log, faults } = await serviceBench()
    log.writable = false
    const answer = await ask('value', { query })
    expectError(answer, 503, 'AUDIT_UNAVAILABLE')
    expect(JSON.stringify(answer)).not.toContain('t1')
    expect(faults).toEqual([])
  })

  test('a refusal as well', async () => {
    const { ask, log } = await serviceBench()
    log.writable = false
    const denied = { query: { uri: 'openbao+kv2://secret/payments/x' } }
    expectError(await ask('value', denied, { subject: ALICE }), 503, 'AUDIT_UNAVAILABLE')
    expectError(await ask('value', { query: { uri: `${APP}/none` } }), 503, 'AUDIT_UNAVAILABLE')
  })

  test('nobody who follows sees it', async () => {
    const { ask, log, service, bench } = await openBench()
    log.writable = false
    await ask('value', { query })
    log.writable = true
    expect(await service.follow(bench.caller(), 0, 0)).toMatchObject({
      events: [{ envelope: { event_type: 'SECRET_PERMIT' } }],
    })
  })

  test('of several operations, those before it stay told', async () => {
    const { ask, log, openbao } = await openBench()
    const write = openbao.write.bind(openbao)
    openbao.write = (place, ...rest) => {
      if (place.segments[1] === 'b') log.writable = false
      return write(place, ...rest)
    }
    const operations = ['a', 'b', 'c'].map((name) => {
      return { op: 'set', uri: `${APP}/${name}#k`, value: 'x' }
    })
    const { status, body } = await ask('bulk', { body: { operations, continueOnError: false } })
    expect(status).toBe(207)
    expect(body['results']).toMatchObject([
      { status: 200 },
      { status: 503, error: { code: 'AUDIT_UNAVAILABLE' } },
      { status: 424 },
    ])
    expect(await stored(openbao, `${APP}/c`)).toBe('absent')
  })
})

describe('faults of the program', () => {
  const canary = 'canary-of-a-fault'

  test('of a provider: an answer without a word, a record, and whoever runs it is told', async () => {
    const { ask, log, faults, openbao, bench } = await openBench()
    const fault = new TypeError(canary)
    openbao.read = async () => {
      throw fault
    }
    const answer = await ask('value', { query })
    expectError(answer, 500, 'INTERNAL')
    expect(answer.body['message']).toBe('an internal error')
    expect(faults).toEqual([fault])
    expect(log.types).toEqual(['SECRET_ERROR'])
    expect(JSON.stringify([answer, log.records[0]?.events])).not.toContain(canary)
    expect(bench.counts.get('secrets_errors_total INTERNAL')).toBe(1)
  })

  test('of what is asked before, and of whoever is told', async () => {
    const { ask, log } = await openBench({
      enforcement: {
        allowedMounts: () => {
          throw new Error(canary)
        },
      },
      service: {
        onFault: () => {
          throw new Error('cannot be told')
        },
      },
    })
    const answer = await ask('value', { query })
    expectError(answer, 500, 'INTERNAL')
    expect(log.types).toEqual(['SECRET_ERROR'])
  })

  test('a caller that is none', async () => {
    const { ask, faults } = await openBench()
    expectError(await ask('value', { query }, { tenant: '' }), 500, 'INTERNAL')
    expect(faults).toEqual([expect.any(RangeError)])
  })

  test('one of several operations', async () => {
    const { ask, faults, openbao } = await openBench()
    openbao.remove = async () => {
      throw new Error(canary)
    }
    const operations = [
      { op: 'delete', uri: `${APP}/test` },
      { op: 'set', uri: `${APP}/test#value`, value: 'x' },
    ]
    const { status, body } = await ask('bulk', { body: { operations } })
    expect(status).toBe(207)
    expect(body['results']).toMatchObject([
      { status: 500, error: { code: 'INTERNAL', message: 'an internal error' } },
      { status: 200 },
    ])
    expect(faults).toHaveLength(1)
  })
})

test('a cause is never in an answer or an event', async () => {
  const { ask, log, openbao } = await openBench()
  openbao.read = async () => {
    throw new ProviderError('PROVIDER_ERROR', { cause: new Error('canary of a provider') })
  }
  const answer = await ask('value', { query })
  expect(JSON.stringify([answer, log.records])).not.toContain('canary')
})
