/** What the delivery asks of the child, with one that is made up. */
import { chmodSync } from 'node:fs'
import { createTempHome } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { EgressError, type EgressErrorCode } from '../src/egress/errors.ts'
import type { EgressPayload } from '../src/egress/messages.ts'
import type { EventRefs, KafkaEvent } from '../src/sinks/kafka-envelope.ts'
import { createKafkaDelivery, type KafkaConfig } from '../src/sinks/kafka-sink.ts'
import { ORIGIN, REFS, recordOf, recordsOf } from './kafka-records.ts'

type Send = EgressPayload<'kafka.send'>

const CONFIG: KafkaConfig = {
  brokers: ['kafka-1:9092', '[::1]:9092'],
  topicPrefix: 'crud',
  clientId: 'secregd',
  tls: false,
}

const noSignal = (): AbortSignal => new AbortController().signal

/** A child that keeps what it is asked; `fault` says what is wrong with a batch. */
function setUp(
  fault: (batch: Send, index: number) => EgressErrorCode | undefined = () => undefined,
  { config = CONFIG, refs = (): EventRefs | undefined => REFS } = {},
) {
  const asked: Send[] = []
  const kept: string[] = []
  const egress = {
    call: async (op: string, payload: unknown) => {
      if (op !== 'kafka.send') throw new Error(op)
      const batch = payload as Send
      asked.push(batch)
      const code = fault(batch, asked.length)
      if (code !== undefined) throw new EgressError(code)
      for (const { value } of batch.messages) kept.push((JSON.parse(value) as KafkaEvent).event_id)
      return { sent: batch.messages.length } as never
    },
  }
  const deliver = createKafkaDelivery({ egress, config, refs, origin: ORIGIN })
  return { asked, kept, deliver }
}

test('messages have the reference of their path as key, and go to both topics', async () => {
  const { asked, deliver } = setUp()
  await deliver([recordOf(1, { action: 'move', paths: ['/a', '/b'] })], noSignal())
  expect(asked.map(({ topics }) => topics)).toEqual([['crud.secrets', 'crud.secrets.audit']])
  const [first] = asked
  expect(first?.cluster).toEqual({ brokers: CONFIG.brokers, clientId: 'secregd', tls: false })
  expect(first?.messages.map(({ key }) => key)).toEqual(['/a', '/b', '/a'].map(REFS.pathRef))
})

test('while the registry is sealed nothing is asked, and nothing is passed over', async () => {
  let sealed = true
  const { kept, deliver } = setUp(undefined, { refs: () => (sealed ? undefined : REFS) })
  const records = recordsOf(5)
  await expect(deliver(records, noSignal())).rejects.toMatchObject({ code: 'ERR_SEALED' })
  expect(kept).toEqual([])
  // What has no event needs no reference.
  await deliver([recordOf(6, { action: 'unlock', outcome: 'failed' })], noSignal())
  sealed = false
  await deliver(records, noSignal())
  expect(new Set(kept).size).toBe(7)
})

describe('many events', () => {
  const paths = Array.from({ length: 1300 }, (_, index) => `/app/${index}`)
  const one = recordOf(1, { action: 'import', paths })

  test('go in several batches, one after another', async () => {
    const { asked, kept, deliver } = setUp()
    await deliver([one, ...recordsOf(3).slice(1)], noSignal())
    expect(asked.every(({ messages }) => messages.length <= 500)).toBe(true)
    expect(asked.length).toBeGreaterThan(2)
    expect(new Set(kept).size).toBe(kept.length)
  })

  test('of which some are known to be kept are not sent again from the beginning', async () => {
    const { asked, kept, deliver } = setUp((_, index) =>
      index === 2 || index === 3 ? 'ERR_EGRESS_UNREACHABLE' : undefined,
    )
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(deliver([one], noSignal())).rejects.toMatchObject({
        code: 'ERR_EGRESS_UNREACHABLE',
      })
    }
    await deliver([one], noSignal())
    expect(kept.length).toBe(1300)
    expect(new Set(kept).size).toBe(1300)
    expect(asked[1]?.messages).toEqual(asked[3]?.messages)
  })

  test('of another record begin at their beginning', async () => {
    const { kept, deliver } = setUp((_, index) => (index === 2 ? 'ERR_EGRESS_TIMEOUT' : undefined))
    await expect(deliver([one], noSignal())).rejects.toThrow()
    const other = { ...one, sequence: 2 }
    const before = kept.length
    await deliver([other], noSignal())
    expect(kept.length - before).toBe(1300)
  })

  test('that are too many for a topic go in halves, down to one', async () => {
    const few = setUp(({ messages }) =>
      messages.length > 3 ? 'ERR_EGRESS_PEER_TOO_LARGE' : undefined,
    )
    await few.deliver([one], noSignal())
    expect(few.kept.length).toBe(1300)
    const none = setUp(() => 'ERR_EGRESS_PEER_TOO_LARGE')
    await expect(none.deliver([one], noSignal())).rejects.toMatchObject({
      code: 'ERR_EGRESS_PEER_TOO_LARGE',
    })
    expect(none.asked.at(-1)?.messages.length).toBe(1)
  })
})

describe('files', () => {
  const login = { saslMechanism: 'scram-sha-512', username: 'registry' } as const

  test('are read for each delivery, so that a new password is taken up', async () => {
    using home = createTempHome()
    const passwordFile = home.write('password', 'first\n')
    const caFile = home.write('ca.pem', '-----BEGIN CERTIFICATE-----\n', 0o644)
    const config = { ...CONFIG, ...login, tls: true, caFile, passwordFile }
    const { asked, deliver } = setUp(undefined, { config })
    await deliver(recordsOf(1), noSignal())
    home.write('password', 'second')
    await deliver(recordsOf(1), noSignal())
    expect(asked.map(({ cluster }) => cluster.sasl)).toEqual(
      ['first', 'second'].map((password) => ({
        mechanism: 'scram-sha-512',
        username: 'registry',
        password,
      })),
    )
    expect(asked[0]?.cluster).toMatchObject({ tls: true, ca: '-----BEGIN CERTIFICATE-----\n' })
  })

  test.each([
    ['that is not there', '', 0o600, 'UNREADABLE'],
    ['that is empty', '\n', 0o600, 'CONTENT'],
    ['of two lines', 'a\nb\n', 0o600, 'CONTENT'],
    ['that is too long', 'x'.repeat(1025), 0o600, 'CONTENT'],
    ['that is no text', Buffer.from([0xff, 0xfe]), 0o600, 'CONTENT'],
    ['that others can read', 'password', 0o604, 'UNSAFE'],
    ['that the group can change', 'password', 0o620, 'UNSAFE'],
  ] as const)('a password file %s is not used', async (name, content, mode, word) => {
    using home = createTempHome()
    const passwordFile =
      name === 'that is not there' ? home.file('absent') : home.write('password', content, mode)
    if (passwordFile !== home.file('absent')) chmodSync(passwordFile, mode)
    const config = { ...CONFIG, ...login, passwordFile }
    const { asked, deliver } = setUp(undefined, { config })
    const refused = await deliver(recordsOf(1), noSignal()).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: `ERR_SINK_FILE_${word}` })
    expect(String(refused)).not.toContain('xxx')
    expect(asked).toEqual([])
  })
})
