/** Records of a log as sinks get them, and what has to come of them. */
import { createHmac } from 'node:crypto'
import type { LogRecord } from '@secreg/audit'
import type { AuditBody } from '@secreg/protocol'
import type { KafkaRecord } from '@secreg/testkit'
import { expect } from 'vitest'
import { type EventRefs, eventsOf, type KafkaEvent } from '../src/sinks/kafka-envelope.ts'

export const ORIGIN = 'secreg/audit/000102030405060708090a0b0c0d0e0f'

function keyed(text: string): string {
  return `hmac-sha256:${createHmac('sha256', 'key of a test').update(text).digest('base64url')}`
}

export const REFS: EventRefs = {
  pathRef: (path) => keyed(`path ${path}`),
  resourceRef: (path, version) => keyed(`resource ${path} ${version ?? ''}`),
}

const ACTOR = {
  user: 'alice',
  account: '00112233445566778899aabbccddeeff',
  uid: 1000,
  door: 'registry',
  address: '/run/secreg/socket',
  proof: 'credential',
  mfa: false,
} as const

export function recordOf(sequence: number, body: Partial<AuditBody>): LogRecord {
  return {
    sequence,
    timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6) + sequence,
    previous: '0'.repeat(64),
    body: { action: 'read', outcome: 'ok', paths: [], actor: ACTOR, ...body },
  }
}

/** Operations on a few entries, one after another; some of two entries, some of none. */
export function recordsOf(count: number, prefix = '/app'): LogRecord[] {
  const actions = ['decrypt', 'write', 'history', 'delete', 'move', 'auth'] as const
  return Array.from({ length: count }, (_, index) => {
    const action = actions[index % actions.length] ?? 'read'
    const paths = action === 'auth' ? [] : [`${prefix}/${index % 7}`]
    if (action === 'move') paths.push(`${prefix}/${(index + 3) % 7}`)
    const denied = index % 11 === 5
    return recordOf(index + 1, {
      action,
      paths,
      ...(denied ? { outcome: 'denied', reason: 'ACCESS_DENIED', code: 3 } : {}),
    })
  })
}

/** The ids of all events of an entry, in their order, by the key of their messages. */
function idsByKey(events: readonly KafkaEvent[]): Map<string, string[]> {
  const ids = new Map<string, string[]>()
  for (const { event_id, data } of events) {
    ids.set(data.path_ref, [...(ids.get(data.path_ref) ?? []), event_id])
  }
  return ids
}

/**
 * Nothing lost, and the first of each message in order for its entry.
 *
 * @returns number of messages that came more than once
 */
export function expectDelivered(
  kept: readonly KafkaRecord[],
  records: readonly LogRecord[],
): number {
  const expected = idsByKey(records.flatMap((record) => eventsOf(record, REFS, ORIGIN)))
  const seen = new Set<string>()
  const first: KafkaEvent[] = []
  const partitions = new Map<string, number>()
  for (const { key, value, headers, partition } of kept) {
    const event = JSON.parse(value ?? '') as KafkaEvent
    expect(key).toBe(event.data.path_ref)
    expect(headers).toEqual({ event_id: event.event_id, event_type: event.event_type })
    expect(partitions.get(event.data.path_ref) ?? partition).toBe(partition)
    partitions.set(event.data.path_ref, partition)
    if (!seen.has(event.event_id)) first.push(event)
    seen.add(event.event_id)
  }
  expect(idsByKey(first)).toEqual(expected)
  return kept.length - first.length
}

type Deliver = (records: readonly LogRecord[], signal: AbortSignal) => Promise<void>

/** What a runner does, without its pauses: one batch after another, each until it is delivered. */
export async function deliverAll(
  deliver: Deliver,
  records: readonly LogRecord[],
  { batch = 20, onFailure = (_: unknown): void => {}, attempts = 60 } = {},
): Promise<void> {
  for (let at = 0; at < records.length; at += batch) {
    for (let left = attempts; ; left--) {
      try {
        await deliver(records.slice(at, at + batch), AbortSignal.timeout(60_000))
        break
      } catch (error) {
        if (left === 0) throw error
        onFailure(error)
      }
    }
  }
}
