/** What has happened, looked back at and followed: E17 and E18, cases K07 to K11 and K15. */
import type { AuditEnvelope } from '@secreg/secrets-api/enforcement'
import { EVENTS_AT_ONCE, type SecretsEvents } from '@secreg/secrets-api/service'
import { waitFor } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { EventRing } from '../../src/service/event-ring.ts'
import { StreamStarts } from '../../src/service/stream-starts.ts'
import { expectError, openBench, serviceBench } from './support.ts'

const uri = 'yaml://secret/env#A'
/** Place of the stream at the start. */
const START = Date.parse('2026-11-21T23:00:00Z') * 100

const event = (id: string) => ({ event_id: id }) as AuditEnvelope
const idsOf = ({ events }: SecretsEvents) => events.map(({ envelope }) => envelope.event_id)

describe('the ring', () => {
  test('ids ascend from its start; what is no longer kept is gone', () => {
    const ring = new EventRing(3, 10)
    expect(ring.last).toBe(10)
    ring.add('a', ['1', '2', '3', '4'].map(event))
    expect(ring.behind('a', 0)).toEqual({
      events: [2, 3, 4].map((at) => ({ id: 10 + at, envelope: event(String(at)) })),
      after: 14,
    })
    expect(idsOf(ring.behind('a', 13))).toEqual(['4'])
    expect(ring.behind('a', 14)).toEqual({ events: [], after: 14 })
    expect(ring.newest('a').map(({ event_id }) => event_id)).toEqual(['4', '3', '2'])
  })

  test('an id that is still to come is of another clock: all are told', () => {
    const ring = new EventRing(3, 10)
    ring.add('a', ['1', '2'].map(event))
    expect(idsOf(ring.behind('a', 9_999))).toEqual(['1', '2'])
  })

  test('a property: each tenant gets all of its own, in order, piece by piece', () => {
    const tenant = fc.constantFrom('a', 'b', 'c')
    fc.assert(
      fc.property(fc.array(tenant, { maxLength: 400 }), fc.nat(1000), (tenants, start) => {
        const ring = new EventRing(1_000, start)
        for (const [at, each] of tenants.entries()) ring.add(each, [event(`${each}${at}`)])
        for (const of of ['a', 'b', 'c']) {
          const seen: string[] = []
          let after = 0
          for (;;) {
            const part = ring.behind(of, after)
            expect(part.events.length).toBeLessThanOrEqual(EVENTS_AT_ONCE)
            for (const { id } of part.events) expect(id).toBeGreaterThan(after)
            seen.push(...idsOf(part))
            after = part.after
            if (part.events.length === 0) break
          }
          const own = tenants.flatMap((each, at) => (each === of ? [`${of}${at}`] : []))
          expect(seen).toEqual(own)
          expect(after).toBe(ring.last)
        }
      }),
    )
  })

  test('who waits gets what comes for his tenant, and only that', async () => {
    const ring = new EventRing(3, 0)
    let ended = false
    const waiting = ring.wait('a', 0, 60_000).finally(() => {
      ended = true
    })
    ring.add('b', [event('other')])
    await Promise.resolve()
    expect(ended).toBe(false)
    ring.add('a', [event('mine')])
    expect(await waiting).toEqual({ events: [{ id: 2, envelope: event('mine') }], after: 2 })
  })

  test('who waits ends with the time, or when nobody waits for him', async () => {
    vi.useFakeTimers()
    try {
      const ring = new EventRing(3, 0)
      const timed = ring.wait('a', 0, 15_000)
      const controller = new AbortController()
      const left = ring.wait('a', 0, 15_000, controller.signal)
      expect(vi.getTimerCount()).toBe(2)
      controller.abort()
      expect(await left).toEqual({ events: [], after: 0 })
      expect(vi.getTimerCount()).toBe(1)
      vi.advanceTimersByTime(15_000)
      expect(await timed).toEqual({ events: [], after: 0 })
      expect(await ring.wait('a', 0, 15_000, controller.signal)).toEqual({ events: [], after: 0 })
      expect(await ring.wait('a', 0, 0)).toEqual({ events: [], after: 0 })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  test.each([0, -1, 1.5, Number.NaN])('a size of %d is none', (size) => {
    expect(() => new EventRing(size, 0)).toThrow(RangeError)
  })
})

describe('followed (E17)', () => {
  test('K07: what comes from now on, as soon as it comes', async () => {
    const { ask, service, bench } = await openBench()
    await ask('write', { body: { uri, value: 'before' } })
    const following = service.follow(bench.caller(), undefined, 60_000)
    let done = false
    void following.finally(() => {
      done = true
    })
    await ask('write', { body: { uri, value: 'x' } })
    await waitFor(() => done)
    const { events, after } = (await following) as SecretsEvents
    expect(events.map(({ envelope }) => envelope.event_type)).toEqual(['SECRET_UPDATED'])
    expect(events[0]?.id).toBe(after)
    expect(after).toBeGreaterThan(START)
  })

  test('K08: what came behind an id, and then what comes', async () => {
    const { ask, service, bench } = await openBench()
    for (const value of ['1', '2', '3']) await ask('write', { body: { uri, value } })
    const types = async (after: number) => {
      const result = (await service.follow(bench.caller(), after, 0)) as SecretsEvents
      return result.events.map(({ id, envelope }) => [id - START, envelope.event_type])
    }
    // The second one is the first to follow, and that is recorded.
    expect(await types(START + 1)).toEqual([
      [2, 'SECRET_UPDATED'],
      [3, 'SECRET_UPDATED'],
      [4, 'SECRET_PERMIT'],
    ])
    expect(await types(START + 4)).toEqual([])
  })

  test('a stream is recorded when it begins, and not with each piece of it', async () => {
    let nowMs = 0
    const { service, bench, log } = await serviceBench({ service: { nowMs: () => nowMs } })
    for (let piece = 0; piece < 5; piece++) {
      await service.follow(bench.caller(), undefined, 0)
      nowMs += 50_000
    }
    expect(log.types).toEqual(['SECRET_DENY', ...[1, 2, 3, 4].map(() => 'SECRET_DENY')])
    const bob = { subject: 'auth:account:idp:bob' }
    for (let piece = 0; piece < 5; piece++) {
      await service.follow(bench.caller(bob), undefined, 0)
      nowMs += 50_000
    }
    expect(log.types.slice(5)).toEqual(['SECRET_PERMIT'])
    nowMs += 60_000
    await service.follow(bench.caller(bob), undefined, 0)
    expect(log.types.slice(6)).toEqual(['SECRET_PERMIT'])
  })

  test('a stream by another credential of the same subject leaves a record of its own', async () => {
    const { service, bench, log } = await serviceBench()
    const bob = { subject: 'auth:account:idp:bob' }
    for (const rights of ['at home', 'elsewhere', 'at home', 'elsewhere']) {
      await service.follow(bench.caller({ ...bob, rights }), undefined, 0)
    }
    expect(log.types).toEqual(['SECRET_PERMIT', 'SECRET_PERMIT'])
  })

  test('whoever may not is told so, each time', async () => {
    const { service, bench } = await serviceBench()
    const denied = await service.follow(bench.caller(), undefined, 0)
    expect(denied).toMatchObject({ status: 403, body: { code: 'SECRET_AUTHZ_FAILED' } })
    const scopeless = await service.follow(bench.caller({ scopes: ['secrets.read'] }), 1, 0)
    expectError(scopeless as never, 403, 'INSUFFICIENT_SCOPE')
    const nobody = await service.follow(bench.caller({ authenticated: false }), 1, 0)
    expectError(nobody as never, 401, 'UNAUTHENTICATED')
  })

  test.each([-1, 1.5, Number.NaN])('behind %d', async (after) => {
    const { service, bench } = await openBench()
    const answer = await service.follow(bench.caller(), after, 0)
    expectError(answer as never, 400, 'INVALID_REQUEST')
  })

  test('beginnings are remembered of a thousand, the last ones', () => {
    const starts = new StreamStarts(() => 0)
    for (let at = 0; at <= 1_000; at++) starts.touch(String(at))
    expect([starts.isNew('0'), starts.isNew('1'), starts.isNew('1000')]).toEqual([
      true,
      false,
      false,
    ])
  })
})

describe('looked back at (E18)', () => {
  async function past() {
    const bench = await openBench()
    const { ask } = bench
    await ask('write', { body: { uri, value: 'x' } })
    await ask('rotate', { body: { uri: 'openbao+kv2://secret/app/test#value', value: 'new' } })
    await ask(
      'value',
      { query: { uri: 'openbao+kv2://secret/app/none' } },
      { correlationId: 'c-2' },
    )
    const types = async (query: Record<string, string>) => {
      const { status, body } = await ask('audit', {
        query: { until: '2026-11-21T23:00:00Z', ...query },
      })
      expect(status).toBe(200)
      const items = body['items'] as readonly AuditEnvelope[]
      const found = items.map(({ event_type }) => event_type)
      return found.filter((type) => type !== 'SECRET_PERMIT')
    }
    return { ...bench, types }
  }

  test('K09: newest first, part by part', async () => {
    const { types, ask } = await past()
    expect(await types({})).toEqual(['SECRET_ERROR', 'SECRET_ROTATED', 'SECRET_UPDATED'])
    const { body } = await ask('audit', { query: { event_type: 'SECRET_ROTATED', limit: '1' } })
    expect(body).toMatchObject({
      items: [{ event_type: 'SECRET_ROTATED' }],
      total: 1,
      offset: 0,
      limit: 1,
    })
    expect(await types({ event_type: 'SECRET_ROTATED', offset: '1' })).toEqual([])
  })

  test.each([
    [{ effect: 'failure' }, ['SECRET_ERROR']],
    [{ effect: 'success' }, ['SECRET_ROTATED', 'SECRET_UPDATED']],
    [{ purpose: 'rotate' }, ['SECRET_ROTATED']],
    [{ provider: 'yaml' }, ['SECRET_UPDATED']],
    [{ subject: 'auth:account:idp:nobody' }, []],
    [{ subject: 'auth:account:idp:bob', provider: 'yaml' }, ['SECRET_UPDATED']],
    [{ correlation_id: 'c-2' }, ['SECRET_ERROR']],
    [
      {
        resource_ref: 'm_20JJl-DkNA3mLN0Ro6diIz4HnNMe-Ett24OQ1B7ME',
        effect: 'success',
        since: '2026-01-01T00:00:00Z',
      },
      ['SECRET_ROTATED'],
    ],
    [{ since: '2026-11-22T00:00:00+01:00', effect: 'failure' }, ['SECRET_ERROR']],
    [{ since: '2026-11-21T23:00:00.001Z' }, []],
    [{ until: '2026-11-21T22:59:59.999Z' }, []],
  ] as const)('K10: %j', async (query, expected) => {
    const { types } = await past()
    expect(await types(query)).toEqual(expected)
  })

  test.each([
    { limit: '1001' },
    { limit: '0' },
    { offset: '-1' },
    { since: 'yesterday' },
    { since: '2026-01-01' },
    { until: '2026-13-01T00:00:00Z' },
    { until: '2026-01-01T00:00:00' },
    { event_type: 'SECRET_LOST' },
    { effect: 'Permit' },
    { purpose: 'use' },
    { provider: 'aws' },
    { tenant: 'other' },
  ])('K11: %j', async (query) => {
    const { ask } = await openBench()
    expectError(await ask('audit', { query }), 400, 'INVALID_REQUEST')
  })

  test('K15: nobody sees what another tenant did', async () => {
    const { ask, service, bench } = await openBench({
      enforcement: { allowedMounts: () => new Set(['secret']) },
    })
    await ask('write', { body: { uri, value: 'x' } })
    const other = { tenant: 'other' }
    const { body } = await ask('audit', {}, other)
    expect(body).toMatchObject({ items: [], total: 0 })
    const followed = (await service.follow(bench.caller(other), 0, 0)) as SecretsEvents
    const tenants = followed.events.map(({ envelope }) => envelope.data.tenant_id)
    // Its own looking back and following.
    expect(tenants).toEqual(['other', 'other'])
  })

  test('reading is recorded, and shows itself the next time', async () => {
    const { ask, log } = await openBench()
    expect((await ask('audit')).body['total']).toBe(0)
    expect(log.types).toEqual(['SECRET_PERMIT'])
    expect((await ask('audit')).body['total']).toBe(1)
  })
})
