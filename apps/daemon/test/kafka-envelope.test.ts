import { AUDIT_ACTIONS, type AuditBody } from '@secreg/protocol'
import { createCanary } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventsOf, hasEvents } from '../src/sinks/kafka-envelope.ts'
import { ORIGIN, REFS, recordOf } from './kafka-records.ts'

const PATH = '/app/key'
const OTHER = '/app/other'

function eventsOfBody(body: Partial<AuditBody>) {
  return eventsOf(recordOf(7, body), REFS, ORIGIN)
}

/** What a record comes to, in short: event, index of its path, purpose, version. */
function shortOf(body: Partial<AuditBody>): string[] {
  const paths = body.paths ?? []
  return eventsOfBody(body).map(({ event_type, data }) => {
    const path = paths.findIndex((one) => REFS.pathRef(one) === data.path_ref)
    const version = data.kv_version === undefined ? '' : ` v${data.kv_version}`
    return `${event_type} ${path} ${data.purpose ?? '-'}${version}`
  })
}

describe('what a record comes to', () => {
  test.each<[Partial<AuditBody>, string[]]>([
    [{ action: 'read' }, ['SECRET_READ 0 execute']],
    [{ action: 'decrypt', versions: [3] }, ['SECRET_READ 0 execute v3']],
    [{ action: 'read', purpose: 'read' }, ['SECRET_READ 0 read']],
    [{ action: 'read', purpose: 'something' }, ['SECRET_READ 0 execute']],
    [{ action: 'read', purpose: 'read', outcome: 'denied' }, ['SECRET_DENY 0 read']],
    [
      { action: 'copy', paths: [PATH, OTHER], purpose: 'execute' },
      ['SECRET_READ 0 read', 'SECRET_UPDATED 1 write'],
    ],
    [{ action: 'write', versions: [1] }, ['SECRET_CREATED 0 write v1']],
    [{ action: 'write', versions: [2] }, ['SECRET_UPDATED 0 write v2']],
    [{ action: 'write' }, ['SECRET_UPDATED 0 write']],
    [{ action: 'write', versions: [4], purpose: 'rotate' }, ['SECRET_ROTATED 0 rotate v4']],
    [{ action: 'rollback', versions: [5] }, ['SECRET_UPDATED 0 write v5']],
    [{ action: 'activate', versions: [2] }, ['SECRET_UPDATED 0 write v2']],
    [{ action: 'delete', versions: [2] }, ['SECRET_VERSION_DELETED 0 delete v2']],
    [{ action: 'delete', count: 9 }, ['SECRET_VERSION_DELETED 0 delete']],
    [
      { action: 'undelete', versions: [2, 4] },
      ['SECRET_VERSION_UNDELETED 0 undelete v2', 'SECRET_VERSION_UNDELETED 0 undelete v4'],
    ],
    [
      { action: 'destroy', versions: [1, 3] },
      [
        'SECRET_VERSION_DESTROYED 0 destroy_versions v1',
        'SECRET_VERSION_DESTROYED 0 destroy_versions v3',
      ],
    ],
    [{ action: 'purge', versions: [3] }, ['SECRET_DESTROYED 0 destroy_versions v3']],
    [
      { action: 'expire', paths: [PATH, OTHER] },
      ['SECRET_DELETED 0 delete', 'SECRET_DELETED 1 delete'],
    ],
    [{ action: 'list' }, ['SECRET_METADATA_READ 0 read_metadata']],
    [{ action: 'search' }, ['SECRET_METADATA_READ 0 read_metadata']],
    [{ action: 'history' }, ['SECRET_METADATA_READ 0 read_metadata']],
    [{ action: 'read-metadata' }, ['SECRET_METADATA_READ 0 read_metadata']],
    [{ action: 'write-metadata' }, ['SECRET_OWNER_UPDATED 0 owner_update']],
    [{ action: 'copy', paths: [PATH, OTHER] }, ['SECRET_READ 0 read', 'SECRET_UPDATED 1 write']],
    [
      { action: 'move', paths: [PATH, OTHER] },
      ['SECRET_READ 0 read', 'SECRET_CREATED 1 write', 'SECRET_DELETED 0 delete'],
    ],
    [
      { action: 'transaction', paths: [PATH, OTHER], versions: [3] },
      ['SECRET_PERMIT 0 -', 'SECRET_PERMIT 1 -'],
    ],
    [{ action: 'watch' }, ['SECRET_PERMIT 0 -']],
    [{ action: 'export', paths: [PATH, OTHER] }, ['SECRET_READ 0 read', 'SECRET_READ 1 read']],
    [
      { action: 'import', paths: [PATH, OTHER] },
      ['SECRET_UPDATED 0 write', 'SECRET_UPDATED 1 write'],
    ],
    [{ action: 'import', detail: 'difference only' }, ['SECRET_METADATA_READ 0 read_metadata']],
    [{ action: 'restore' }, ['SECRET_UPDATED 0 write']],
    [{ action: 'copy', paths: [PATH] }, ['SECRET_PERMIT 0 -']],
    [{ action: 'later' as never }, ['SECRET_PERMIT 0 -']],
  ])('%j', (body, expected) => {
    expect(shortOf({ paths: [PATH], ...body })).toEqual(expected)
  })

  test.each([
    'auth',
    'logout',
    'grant',
    'admin',
    'init',
    'unlock',
    'lock',
    'audit',
    'audit-proof',
    'checkpoint',
    'recover',
    'mount',
    'rotate',
    'retention',
    'protector',
    'backup',
    'secret',
  ] as const)('%s is not about an entry', (action) => {
    for (const outcome of ['ok', 'denied', 'failed'] as const) {
      const record = recordOf(1, { action, outcome, paths: [PATH] })
      expect(eventsOf(record, REFS, ORIGIN)).toEqual([])
      expect(hasEvents(record)).toBe(false)
    }
  })

  test.each([
    ['denied', 'SECRET_DENY', 'Deny', 'ACCESS_DENIED'],
    ['failed', 'SECRET_ERROR', undefined, 'STORAGE_KEY_NOT_FOUND'],
  ] as const)('%s is one event for each path', (outcome, event, decision, reason) => {
    const events = eventsOfBody({ action: 'move', paths: [PATH, OTHER], outcome, reason })
    expect(events.map(({ data }) => data.path_ref)).toEqual([PATH, OTHER].map(REFS.pathRef))
    for (const { event_type, data } of events) {
      expect(event_type).toBe(event)
      expect(data).toMatchObject({
        success: false,
        effect: 'failure',
        error: reason,
        purpose: 'read',
      })
      expect(data.decision).toBe(decision)
    }
  })

  test('a body that is not one of ours comes to nothing', () => {
    for (const body of [null, 'text', [], {}, { action: 'read' }, { action: 1, paths: [PATH] }]) {
      expect(eventsOf({ ...recordOf(1, {}), body }, REFS, ORIGIN)).toEqual([])
    }
  })
})

test('an event says everything that the envelope has, and nothing else', () => {
  const body = {
    action: 'decrypt',
    paths: [PATH],
    versions: [3],
    correlation: 'request-1',
    decision: 'decision-1',
  } as const
  const resource = REFS.resourceRef(PATH, 3)
  const [event, ...more] = eventsOfBody(body)
  expect(more).toEqual([])
  expect(event).toEqual({
    // Of SHA-256 of origin, 7 and 0, computed by other means.
    event_id: '258ca17d-921c-8621-941d-2e0e8daadc0b',
    event_type: 'SECRET_READ',
    timestamp: '2026-01-02T03:04:05.013Z',
    correlation_id: 'request-1',
    service: 'secregd',
    user_context: {
      unique_id: '00112233445566778899aabbccddeeff',
      subject: 'user:alice',
      issuer: ORIGIN,
    },
    data: {
      event: 'SECRET_READ',
      vault_type: 'secreg',
      provider: 'secreg',
      credential_id: resource,
      resource_ref: resource,
      path_ref: REFS.pathRef(PATH),
      success: true,
      effect: 'success',
      decision: 'Permit',
      cached: false,
      sampled: false,
      timestamp: '2026-01-02T03:04:05.013Z',
      system_id: ORIGIN,
      subject: { sub: 'user:alice' },
      action: 'use',
      purpose: 'execute',
      decision_id: 'decision-1',
      kv_version: 3,
      operation_id: expect.any(String),
      log_sequence: 7,
    },
  })
})

describe('ids', () => {
  const UUID_8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

  test('are the same when an event is made again, and no other has them', () => {
    const ids = new Set<string>()
    let made = 0
    for (const origin of [ORIGIN, `${ORIGIN}0`]) {
      for (let sequence = 1; sequence <= 30; sequence++) {
        const record = recordOf(sequence, { action: 'move', paths: [PATH, OTHER] })
        const events = eventsOf(record, REFS, origin)
        expect(eventsOf(record, REFS, origin)).toEqual(events)
        const operations = new Set(events.map(({ data }) => data.operation_id))
        expect(operations.size).toBe(1)
        for (const id of [...operations, ...events.map(({ event_id }) => event_id)]) {
          expect(id).toMatch(UUID_8)
          ids.add(id)
          made++
        }
      }
    }
    expect(ids.size).toBe(made)
  })

  test('without an id of its own that could be no path, an operation is its own correlation', () => {
    for (const correlation of [undefined, PATH, 'a b', 'x'.repeat(129), 'é', '']) {
      const body = { paths: [PATH], ...(correlation === undefined ? {} : { correlation }) }
      const [event] = eventsOfBody(body)
      expect(event?.correlation_id).toBe(event?.data.operation_id)
    }
  })
})

test.each([
  [{ user: 'bob' }, 'user:bob'],
  [{ principal: 'zone:mail' }, 'zone:mail'],
  [{ uid: 33 }, 'uid:33'],
  [{ door: 'internal', address: 'sweeper' }, 'internal:sweeper'],
  [{ door: 'http', address: '10.0.0.1' }, 'anonymous'],
] as const)('of %j the subject is %s', (actor, subject) => {
  const whole = { door: 'registry', proof: 'credential', mfa: false, ...actor } as const
  const [event] = eventsOfBody({ paths: [PATH], actor: whole })
  expect(event?.data.subject.sub).toBe(subject)
  expect(event?.user_context.unique_id).toBe(subject)
})

test('no path, and nothing that could hold one, is in an event of any record', () => {
  const canary = createCanary('path')
  const text = fc.constantFrom(canary, `/${canary}`, `/app/${canary}/key`, `${canary} with secrets`)
  const body = fc.record({
    action: fc.constantFrom(...AUDIT_ACTIONS, 'later'),
    outcome: fc.constantFrom('ok', 'denied', 'failed'),
    paths: fc.array(fc.constantFrom(`/${canary}`, `/app/${canary}`), { maxLength: 4 }),
    versions: fc.array(fc.nat(5), { maxLength: 4 }),
    detail: text,
    reason: text,
    // What is only of these characters is an id; a path cannot be.
    correlation: text.map((one) => `/${one}`),
    decision: text.map((one) => `/${one}`),
    purpose: text,
    value_hashes: fc.dictionary(text, text),
    more: text,
  })
  fc.assert(
    fc.property(body, (one) => {
      const events = eventsOfBody(one as unknown as Partial<AuditBody>)
      expect(JSON.stringify(events)).not.toContain(canary)
    }),
    { numRuns: 500 },
  )
})
