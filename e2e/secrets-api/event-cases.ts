/** Cases K in environment A: what is recorded of operations, and who gets to know it. */
import { randomUUID } from 'node:crypto'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { expectCode, expectReply } from '../lib/secrets-call.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'
import { SecretsStream } from '../lib/secrets-stream.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TEST = 'openbao+kv2://secret/app/test#value'
const TEST_REF = 'm_20JJl-DkNA3mLN0Ro6diIz4HnNMe-Ett24OQ1B7ME'
const TEST_PATH_REF = 'sVsFQhGBUk9fWHM9bEau6P_xeMcd1WAY5pUQvGXBY14'
const BOTH_TOPICS = ['crud.secrets', 'crud.secrets.audit'] as const

/** In environment A, with a broker. */
export function eventCases(desk: () => SecretsDesk): void {
  const audit = (query: Readonly<Record<string, string>>) =>
    desk().caller.ask('GET', '/audit', { query })
  const rotate = async (): Promise<string> => {
    const correlation = randomUUID()
    const headers = { 'X-Correlation-Id': correlation }
    const body = { uri: TEST, value: 'rotated' }
    expectReply(await desk().caller.ask('POST', '/rotate', { body, headers }), 200)
    return correlation
  }

  describe('records', () => {
    test('K01, K02: one event is on both topics, and names nothing', async () => {
      await desk().seed()
      const correlation = await rotate()
      const [functional, audited] = await waitFor(() => {
        const found = BOTH_TOPICS.map((topic) =>
          desk()
            .broker.records(topic)
            .find(({ value }) => value?.includes(correlation)),
        )
        return found.every((record) => record !== undefined) && found
      })
      const envelope = JSON.parse(functional?.value ?? '')
      expect(JSON.parse(audited?.value ?? '')).toMatchObject({ event_id: envelope.event_id })
      expect(envelope).toMatchObject({
        event_id: expect.stringMatching(UUID),
        event_type: 'SECRET_ROTATED',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        correlation_id: correlation,
        service: expect.any(String),
        data: {
          event: 'SECRET_ROTATED',
          tenant_id: 'dev',
          subject: { sub: 'anonymous' },
          purpose: 'rotate',
          effect: 'success',
          success: true,
          vault_type: 'openbao',
          credential_id: TEST_REF,
          resource_ref: TEST_REF,
          path_ref: TEST_PATH_REF,
          old_version: 2,
          kv_version: 3,
          sampled: false,
        },
      })
      for (const record of [functional, audited]) {
        expect(record?.key).toBe(TEST_PATH_REF)
      }
    })

    test('K06: a mount that is not of the tenant is counted, and not named', async () => {
      const before = await desk().metric('tenant_mount_violation_total')
      const correlation = randomUUID()
      const uri = 'openbao+kv2://elsewhere/app/test#value'
      const headers = { 'X-Correlation-Id': correlation }
      expectCode(
        await desk().caller.value(uri, undefined, { headers }),
        400,
        'TENANT_MOUNT_MISMATCH',
      )
      const { json, text } = await audit({ correlation_id: correlation })
      expect(json).toMatchObject({
        total: 1,
        items: [
          {
            event_type: expect.stringMatching(/^SECRET_(?:DENY|ERROR)$/),
            data: { code: 'TENANT_MOUNT_MISMATCH', effect: 'failure', success: false },
          },
        ],
      })
      expect(text).not.toContain('elsewhere')
      expect(await desk().metric('tenant_mount_violation_total')).toBe(before + 1)
    })

    test('K09: the newest come first', async () => {
      const correlation = await rotate()
      const { json } = await audit({ event_type: 'SECRET_ROTATED', limit: '1' })
      expect(json).toMatchObject({ offset: 0, limit: 1, items: [{ correlation_id: correlation }] })
      expect(json.items).toHaveLength(1)
      expect(json.total).toBeGreaterThan(1)
    })

    test('K10: only what matches is told', async () => {
      await rotate()
      expectCode(await desk().caller.value(`${TEST}?version=9`), 404, 'SECRET_NOT_FOUND')
      const since = '2026-01-01T00:00:00Z'
      const { json } = await audit({ resource_ref: TEST_REF, effect: 'success', since })
      expect(json.total).toBeGreaterThan(0)
      for (const { data } of json.items) {
        expect(data).toMatchObject({ resource_ref: TEST_REF, effect: 'success' })
      }
      const none = await audit({ resource_ref: TEST_REF, since: '2199-01-01T00:00:00Z' })
      expect(none.json).toEqual({ items: [], total: 0, offset: 0, limit: 100 })
    })

    test('K11: what is no filter is refused', async () => {
      for (const query of [{ limit: '1001' }, { since: 'yesterday' }, { which: 'all' }]) {
        expectCode(await audit(query), 400, 'INVALID_REQUEST', JSON.stringify(query))
      }
    })
  })

  describe('the stream', () => {
    const open = async (lastEventId?: string): Promise<SecretsStream> => {
      const options = lastEventId === undefined ? {} : { lastEventId }
      return SecretsStream.open(desk().http, options)
    }
    const write = (key: string) => desk().caller.write(`yaml://secret/env#${key}`, 'seen-by-nobody')

    test('K07, K08: tells what happens, and from where it was left', async () => {
      let last = 0
      {
        using stream = await open()
        expect(stream.status).toBe(200)
        expect(stream.headers).toMatchObject({
          'content-type': expect.stringMatching(/^text\/event-stream(?:$|;)/),
          'cache-control': 'no-store',
        })
        expectReply(await write('STREAMED_1'), 200)
        const { id, event, data } = await stream.frame(
          (frame) => frame.data.data.provider === 'yaml',
        )
        expect(event).toMatch(/^SECRET_(?:CREATED|UPDATED)$/)
        expect(data).toMatchObject({ event_type: event, data: { tenant_id: 'dev' } })
        last = id
        desk().heard.push(stream.text)
      }
      for (const key of ['STREAMED_2', 'STREAMED_3']) expectReply(await write(key), 200)
      using again = await open(String(last))
      await waitFor(() => again.frames.length >= 2)
      expectReply(await write('STREAMED_4'), 200)
      await waitFor(() => again.frames.length >= 3)
      const ids = again.frames.map(({ id }) => id)
      expect(ids).toEqual(ids.toSorted((a, b) => a - b))
      expect(new Set(ids).size).toBe(ids.length)
      expect(Math.min(...ids)).toBeGreaterThan(last)
      desk().heard.push(again.text)
      for (const text of desk().heard) expect(text).not.toContain('seen-by-nobody')
    })

    test('K08: a place that is none is refused', async () => {
      for (const place of ['x', '-1', '1.5']) {
        using stream = await open(place)
        expect(stream.status, place).toBe(400)
      }
    })
  })
}
