/** Events of the Secrets API on their way from records of the log to Kafka. */
import type { AuditBody } from '@secreg/protocol'
import { SECRET_EVENTS } from '@secreg/secrets-api/enforcement'
import { describe, expect, test } from 'vitest'
import { eventsOf, hasEvents } from '../src/sinks/kafka-envelope.ts'
import { secretEventsOf } from '../src/sinks/kafka-secrets.ts'
import { createKafkaDelivery } from '../src/sinks/kafka-sink.ts'
import { ORIGIN, REFS, recordOf } from './kafka-records.ts'

function event(id: string, type: string, more: object = {}) {
  return {
    event_id: id,
    event_type: type,
    timestamp: '2026-01-02T03:04:05.678Z',
    correlation_id: 'request-1',
    service: 'secregd',
    data: { event: type, tenant_id: 'acme', operation_id: 'operation-1', later: [1], ...more },
  }
}

const READ = event('e1', 'SECRET_READ', { path_ref: 'ref-a', resource_ref: 'ref-a-3' })
const WRITTEN = event('e2', 'SECRET_CREATED', { path_ref: 'ref-b' })
const LISTED = event('e3', 'SECRET_METADATA_READ')

const PATHS = ['openbao+kv2://secret/app/a#key', 'yaml://secret/b']

function secretRecord(sequence: number, events: unknown, more: Partial<AuditBody> = {}) {
  const body = { action: 'secret', paths: PATHS, detail: 'copy', ...more } as const
  return recordOf(sequence, { ...body, ...(events === undefined ? {} : { events }) } as never)
}

async function sentFor(records: Parameters<ReturnType<typeof createKafkaDelivery>>[0]) {
  const asked: { topics: readonly string[]; messages: readonly object[] }[] = []
  const egress = {
    call: async (_: string, payload: unknown) => {
      asked.push(payload as never)
      return { sent: 0 } as never
    },
  }
  const config = { brokers: ['kafka:9092'], topicPrefix: 'crud', clientId: 'secregd', tls: false }
  const deliver = createKafkaDelivery({ egress, config, refs: () => REFS, origin: ORIGIN })
  await deliver(records, new AbortController().signal)
  return asked
}

describe('an operation of the Secrets API', () => {
  test('goes to both topics as it was told, event by event', async () => {
    const [batch, ...more] = await sentFor([secretRecord(1, [READ, WRITTEN, LISTED])])
    expect(more).toEqual([])
    expect(batch?.topics).toEqual(['crud.secrets', 'crud.secrets.audit'])
    expect(batch?.messages).toEqual(
      [READ, WRITTEN, LISTED].map((one, at) => ({
        key: ['ref-a', 'ref-b', 'operation-1'][at],
        value: JSON.stringify(one),
        headers: { event_id: one.event_id, event_type: one.event_type },
      })),
    )
  })

  test('is nothing beside its events, whatever became of it', async () => {
    for (const outcome of ['ok', 'denied', 'failed'] as const) {
      const record = secretRecord(1, undefined, { outcome })
      expect(eventsOf(record, REFS, ORIGIN)).toEqual([])
      expect(hasEvents(record)).toBe(false)
      expect(await sentFor([record, secretRecord(2, [], { outcome })])).toEqual([])
    }
  })

  test('stays in its place among others', async () => {
    const other = recordOf(2, { action: 'decrypt', paths: ['/app/a'] })
    const records = [secretRecord(1, [READ]), other, secretRecord(3, [WRITTEN])]
    const [batch] = await sentFor(records)
    const types = batch?.messages.map((one) => {
      return JSON.parse((one as { value: string }).value).event_type
    })
    expect(types).toEqual(['SECRET_READ', 'SECRET_READ', 'SECRET_CREATED'])
    expect(JSON.stringify(batch)).not.toContain('secret/app')
  })
})

test.each([
  ['no list', { 0: READ }],
  ['no events', [null, 1, 'text', {}, []]],
  ['an event without an id', [{ ...READ, event_id: 1 }]],
  ['an event of another version', [{ ...READ, event_type: 'SECRET_EATEN' }]],
  ['an event without data', [{ ...READ, data: undefined }]],
  ['an event of no operation', [{ ...READ, data: { event: 'SECRET_READ' } }]],
])('%s: nothing is told', (_what, events) => {
  expect(secretEventsOf(secretRecord(1, events))).toEqual([])
})

test('a record of something else has no such events', () => {
  expect(secretEventsOf(recordOf(1, { action: 'read', events: [READ] }))).toEqual([])
  for (const body of [null, 'text', [], undefined]) {
    expect(secretEventsOf({ ...recordOf(1, {}), body })).toEqual([])
  }
})

test('every event of the API is known', () => {
  const events = SECRET_EVENTS.map((name, at) => event(`e${at}`, name))
  expect(secretEventsOf(secretRecord(1, events))).toEqual(events)
})
