/**
 * Kafka through a real child with the real kafkajs: against the stand-in, whose faults are made at will, and, where the
 * environment names one in SECREG_KAFKA_BROKER, against a real broker.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import {
  CertificateMaker,
  createCanary,
  createTempHome,
  findCanary,
  KAFKA_ERROR,
  type KafkaRecord,
  KafkaStandIn,
  type KafkaStandInOptions,
  type SkippableContext,
  skipTest,
  waitFor,
} from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Egress } from '../src/egress/egress-process.ts'
import { createKafkaDelivery, type KafkaConfig } from '../src/sinks/kafka-sink.ts'
import { buildEgress, type EgressProgram, pidOf } from './egress-program.ts'
import { readTopic } from './kafka-read.ts'
import { deliverAll, expectDelivered, ORIGIN, REFS, recordOf, recordsOf } from './kafka-records.ts'

let program: EgressProgram
beforeAll(async () => {
  program = await buildEgress()
})
afterAll(() => program[Symbol.dispose]())

/** Everything on one broker, under topics of its own. */
function setUp(address: string, more: Partial<KafkaConfig> = {}) {
  const topicPrefix = `test-${randomBytes(6).toString('hex')}`
  let timeMs = 0
  // Each question comes after any pause.
  const egress = new Egress({ command: program.command, now: () => (timeMs += 60_000) })
  onTestFinished(() => egress.close())
  const config = { brokers: [address], topicPrefix, clientId: 'secregd', tls: false, ...more }
  const deliver = createKafkaDelivery({ egress, config, refs: () => REFS, origin: ORIGIN })
  const topics = [`${topicPrefix}.secrets`, `${topicPrefix}.secrets.audit`] as const
  return { egress, deliver, topics }
}

async function standIn(options: KafkaStandInOptions = {}): Promise<KafkaStandIn> {
  const broker = await KafkaStandIn.start(options)
  onTestFinished(() => broker.stop())
  return broker
}

interface Broker {
  readonly address: string
  read(topic: string): Promise<readonly KafkaRecord[]>
}

const { SECREG_KAFKA_BROKER: named } = process.env
const BROKERS: [string, (context: SkippableContext) => Promise<Broker>][] = [
  [
    'the stand-in',
    async () => {
      const broker = await standIn()
      return { address: broker.address, read: async (topic) => broker.records(topic) }
    },
  ],
  [
    'a real broker',
    async (context) => {
      const address = named ?? skipTest(context, 'SECREG_KAFKA_BROKER names no broker')
      return { address, read: (topic) => readTopic(address, topic) }
    },
  ],
]

const code = (word: string): unknown => expect.objectContaining({ code: `ERR_EGRESS_${word}` })
const noSignal = (): AbortSignal => new AbortController().signal

describe.each(BROKERS)('%s', (_, open) => {
  test('gets every event in both topics, once and in order', async (context) => {
    const broker = await open(context)
    const { deliver, topics } = setUp(broker.address)
    const records = recordsOf(500)
    await deliverAll(deliver, records, { batch: 100, attempts: 0 })
    for (const topic of topics) {
      expect(expectDelivered(await broker.read(topic), records)).toBe(0)
    }
  })

  test('loses nothing when the child is killed in the midst, again and again', async (context) => {
    const broker = await open(context)
    const { egress, deliver, topics } = setUp(broker.address)
    const records = recordsOf(400)
    const failures: unknown[] = []
    const killed = new Set<number>()
    let delivery = 0
    const killing = async (batch: typeof records, signal: AbortSignal): Promise<void> => {
      const sent = deliver(batch, signal)
      sent.catch(() => {})
      if (++delivery % 3 === 0) {
        // At a moment that differs: before it has the question, while it sends, when it has answered.
        for (let turns = (7 * delivery) % 31; turns > 0; turns--) await setImmediate()
        const { pid } = egress
        if (pid !== undefined) {
          process.kill(pid, 'SIGKILL')
          killed.add(pid)
        }
      }
      await sent
    }
    await deliverAll(killing as typeof deliver, records, { onFailure: (e) => failures.push(e) })
    expect(killed.size).toBeGreaterThan(3)
    expect(failures).toEqual(failures.map(() => code('CHILD_GONE')))
    for (const topic of topics) expectDelivered(await broker.read(topic), records)
  })
})

test('a child that is killed before it has told what the broker keeps doubles that, and no more', async () => {
  const broker = await standIn()
  const { egress, deliver, topics } = setUp(broker.address)
  const records = recordsOf(60)
  await deliver(records.slice(0, 20), noSignal())
  broker.pause()
  const sent = deliver(records.slice(20, 40), noSignal())
  await waitFor(() => broker.produceRequests === 2)
  process.kill(pidOf(egress), 'SIGKILL')
  await expect(sent).rejects.toEqual(code('CHILD_GONE'))
  broker.resume()
  const before = broker.records(topics[0]).length
  await deliver(records.slice(20, 40), noSignal())
  const twice = broker.records(topics[0]).length - before
  await deliver(records.slice(40), noSignal())
  for (const topic of topics) expect(expectDelivered(broker.records(topic), records)).toBe(twice)
})

test('a broker that is away is waited for, and then gets everything once', async () => {
  const broker = await standIn()
  await broker.stop()
  const { deliver, topics } = setUp(broker.address)
  const records = recordsOf(40)
  const failures: unknown[] = []
  await deliverAll(deliver, records, {
    onFailure: (error) => {
      failures.push(error)
      if (failures.length === 2) void broker.start()
    },
  })
  expect(failures).toEqual(failures.map(() => code('UNREACHABLE')))
  expect(failures.length).toBeGreaterThan(1)
  for (const topic of topics) expect(expectDelivered(broker.records(topic), records)).toBe(0)
})

test('a broker that restarts in the midst loses nothing, and keeps the order', async () => {
  const broker = await standIn()
  const { egress, deliver, topics } = setUp(broker.address)
  const records = recordsOf(600)
  const pids = new Set<number | undefined>()
  let done = false
  const restarts = (async () => {
    for (let round = 0; !done && round < 5; round++) {
      const seen = broker.produceRequests
      await waitFor(() => done || broker.produceRequests >= seen + 3, { timeoutMs: 60_000 })
      // What it has taken meanwhile is not acknowledged.
      broker.pause()
      await waitFor(() => done || broker.produceRequests > seen + 3, { timeoutMs: 60_000 })
      await broker.stop()
      await broker.start()
    }
  })()
  // A failure of its own is told once everything is delivered.
  restarts.catch(() => {})
  await deliverAll(deliver, records, { onFailure: () => pids.add(egress.pid) })
  done = true
  await restarts
  // Whatever kafkajs makes of it, the child stays.
  expect([...pids.add(egress.pid)]).toEqual([egress.pid])
  for (const topic of topics) expectDelivered(broker.records(topic), records)
})

test('a slow broker is waited for; what is taken back meanwhile can come twice', async () => {
  const broker = await standIn()
  const { egress, deliver, topics } = setUp(broker.address)
  const records = recordsOf(60)
  await deliver(records.slice(0, 20), noSignal())
  const { pid } = egress

  broker.pause()
  const slow = deliver(records.slice(20, 40), noSignal())
  await waitFor(() => broker.produceRequests === 2)
  broker.resume()
  await slow

  broker.pause()
  const controller = new AbortController()
  const given = deliver(records.slice(40), controller.signal)
  await waitFor(() => broker.produceRequests === 3)
  controller.abort()
  await expect(given).rejects.toEqual(code('CANCELLED'))
  // Its connection is cut, so that nothing of it comes later.
  await waitFor(() => broker.connections === 0)
  broker.resume()
  await deliver(records.slice(40), noSignal())
  expect(egress.pid).toBe(pid)
  for (const topic of topics) {
    const twice = expectDelivered(broker.records(topic), records)
    expect(twice).toBeGreaterThan(0)
  }
})

test('what is taken back while it connects is not sent once it has', async () => {
  const broker = await standIn()
  const { deliver, topics } = setUp(broker.address)
  const records = recordsOf(20)
  broker.pause()
  const controller = new AbortController()
  const given = deliver(records, controller.signal)
  await waitFor(() => broker.connections === 1)
  controller.abort()
  await expect(given).rejects.toEqual(code('CANCELLED'))
  await waitFor(() => broker.connections === 0)
  broker.resume()
  await deliver(records, noSignal())
  expect(broker.produceRequests).toBe(1)
  for (const topic of topics) expect(expectDelivered(broker.records(topic), records)).toBe(0)
})

test.each([
  ['notLeader', false, 0],
  ['notLeader', true, 0],
  ['notEnoughReplicas', false, 0],
  ['requestTimedOut', true, 0],
] as const)(
  'an answer %s (kept: %s) is tried again, and the repetition known by its number',
  async (word, written, twice) => {
    const broker = await standIn()
    const { deliver, topics } = setUp(broker.address)
    const records = recordsOf(60)
    await deliver(records.slice(0, 20), noSignal())
    broker.failNext(KAFKA_ERROR[word], 1, { written })
    await deliverAll(deliver, records.slice(20), { attempts: 0 })
    for (const topic of topics) expect(expectDelivered(broker.records(topic), records)).toBe(twice)
  },
)

test('an acknowledgement that is lost with its connection does not double anything', async () => {
  const broker = await standIn()
  const { deliver, topics } = setUp(broker.address)
  const records = recordsOf(60)
  await deliver(records.slice(0, 20), noSignal())
  broker.dropNext()
  await deliverAll(deliver, records.slice(20), { attempts: 0 })
  for (const topic of topics) expect(expectDelivered(broker.records(topic), records)).toBe(0)
})

test('errors that go on are told by their word, and nothing is lost after them', async () => {
  const broker = await standIn()
  const { deliver, topics } = setUp(broker.address)
  const records = recordsOf(30)
  broker.failNext(KAFKA_ERROR.notEnoughReplicas, 3, { written: true })
  await expect(deliver(records, noSignal())).rejects.toEqual(code('PEER_FAILED'))
  broker.failNext(KAFKA_ERROR.requestTimedOut, 3)
  await expect(deliver(records, noSignal())).rejects.toEqual(code('PEER_TIMEOUT'))
  broker.failNext(KAFKA_ERROR.topicAuthorizationFailed)
  await expect(deliver(records, noSignal())).rejects.toEqual(code('NOT_ALLOWED'))
  await deliver(records, noSignal())
  // Another producer cannot know what the one before has brought.
  for (const topic of topics) {
    expect(expectDelivered(broker.records(topic), records)).toBeGreaterThan(0)
  }
})

test('what nobody says to have kept is sent again', async () => {
  const broker = await standIn()
  const { deliver, topics } = setUp(broker.address)
  const records = recordsOf(30)
  broker.omitNext()
  await expect(deliver(records, noSignal())).rejects.toEqual(code('PEER_FAILED'))
  await deliver(records, noSignal())
  for (const topic of topics) expectDelivered(broker.records(topic), records)
})

test('a broker that announces an answer of gigabytes is not listened to', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff])))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const { deliver } = setUp(`127.0.0.1:${port}`)
  // Not PEER_TIMEOUT: it does not wait for them.
  await expect(deliver(recordsOf(1), noSignal())).rejects.toEqual(code('UNREACHABLE'))
})

test('a topic that takes little at once gets it in parts', async () => {
  const broker = await standIn({ maxBatchBytes: 4000 })
  const { deliver, topics } = setUp(broker.address)
  const records = recordsOf(80)
  await deliver(records, noSignal())
  for (const topic of topics) expectDelivered(broker.records(topic), records)
})

test('under random faults nothing is lost, and the first of each is in order', async () => {
  const broker = await standIn()
  const { egress, deliver, topics } = setUp(broker.address)
  const records = recordsOf(process.env['SECREG_SOAK'] === '1' ? 1000 : 150)
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  const codes = Object.values(KAFKA_ERROR).filter((one) => one !== KAFKA_ERROR.messageTooLarge)
  const faulty = async (batch: typeof records, signal: AbortSignal): Promise<void> => {
    const fault = random(8)
    if (fault === 0)
      broker.failNext(codes[random(codes.length)] ?? 6, 1 + random(4), { written: random(2) === 0 })
    if (fault === 1) broker.dropNext(1 + random(4))
    const sent = deliver(batch, signal)
    if (fault === 2 && egress.pid !== undefined) process.kill(egress.pid, 'SIGKILL')
    if (fault === 3) {
      // Both at once, so that a rejection meanwhile is heard.
      await Promise.all([broker.stop().then(() => broker.start()), sent])
    }
    await sent
  }
  await deliverAll(faulty as typeof deliver, records, { batch: 10 })
  for (const topic of topics) expectDelivered(broker.records(topic), records)
})

describe('TLS', () => {
  async function certificate(context: SkippableContext, names: string) {
    const home = createTempHome()
    onTestFinished(() => home.remove())
    const maker = CertificateMaker.in(home, context)
    const { cert, key } = await maker.make('broker', { usage: 'serverAuth', names })
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
    return { tls, caFile: cert }
  }

  test('a broker is believed that shows a certificate of its own name and of the given authority', async (context) => {
    const { tls, caFile } = await certificate(context, 'IP:127.0.0.1')
    const broker = await standIn({ tls })
    const { deliver, topics } = setUp(broker.address, { tls: true, caFile })
    await deliver(recordsOf(10), noSignal())
    expect(expectDelivered(broker.records(topics[0]), recordsOf(10))).toBe(0)
  })

  test.for([
    ['of nobody known', 'IP:127.0.0.1', false],
    ['of another name', 'IP:127.0.0.2', true],
  ] as const)('one with a certificate %s gets nothing', async ([, name, given], context) => {
    const { tls, caFile } = await certificate(context, name)
    const broker = await standIn({ tls })
    const { deliver } = setUp(broker.address, { tls: true, ...(given ? { caFile } : {}) })
    await expect(deliver(recordsOf(1), noSignal())).rejects.toEqual(code('TLS_FAILED'))
    expect(broker.topics).toEqual([])
  })

  test('one that speaks without TLS gets nothing, not even the password', async (context) => {
    const { caFile } = await certificate(context, 'IP:127.0.0.1')
    using home = createTempHome()
    const broker = await standIn({ sasl: { username: 'registry', password: 'given to nobody' } })
    const passwordFile = home.write('password', 'given to nobody')
    const login = { saslMechanism: 'plain', username: 'registry', passwordFile } as const
    const { deliver } = setUp(broker.address, { tls: true, caFile, ...login })
    await expect(deliver(recordsOf(1), noSignal())).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_EGRESS_(?:UNREACHABLE|TLS_FAILED)$/),
    })
    expect(broker.clientIds).toEqual([])
  })
})

describe('credentials', () => {
  const password = createCanary('password')
  const theirText = createCanary('their-text')
  const path = `/${createCanary('path')}`

  test('nothing of them, of a path or of what the peer says is anywhere but where it has to be', async () => {
    using home = createTempHome()
    const broker = await standIn({ sasl: { username: 'registry', password }, authError: theirText })
    const passwordFile = home.write('password', `${password}\n`)
    const login = { saslMechanism: 'plain', username: 'registry', passwordFile } as const
    const { egress, deliver, topics } = setUp(broker.address, login)
    const hidden = createCanary('hidden')
    const records = [
      recordOf(1, {
        action: 'write',
        paths: [`${path}/a`],
        versions: [1],
        detail: hidden,
        correlation: `${path}/a`,
        decision: `${path}/a`,
        purpose: hidden,
        value_hashes: { [`${path}/a`]: `hmac-sha256:${hidden}` },
      }),
      recordOf(2, { action: 'export', paths: [path], detail: path, count: 3 }),
    ]
    await deliver(records, noSignal())
    const { pid } = egress
    const told: unknown[] = []
    home.write('password', 'something else', 0o600)
    await deliver(records, noSignal()).catch((error: unknown) => told.push(error))
    expect(told).toEqual([code('NOT_ALLOWED')])

    const written = JSON.stringify([
      told.map((error) => [String(error), JSON.stringify(error), (error as Error).stack]),
      topics.map((topic) => broker.records(topic)),
      ['environ', 'cmdline'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')),
    ])
    for (const canary of [password, theirText, path.slice(1), hidden]) {
      expect(written).not.toContain(canary)
      expect(findCanary(canary, program.home.file('.'))).toEqual([])
    }
    for (const topic of topics) expect(expectDelivered(broker.records(topic), records)).toBe(0)
  })

  test('a file that others could read is not used, and nothing is sent', async () => {
    using home = createTempHome()
    const broker = await standIn()
    const passwordFile = home.write('password', password, 0o640)
    const login = { saslMechanism: 'plain', username: 'registry', passwordFile } as const
    const { deliver } = setUp(broker.address, login)
    await expect(deliver(recordsOf(1), noSignal())).rejects.toMatchObject({
      code: 'ERR_SINK_FILE_UNSAFE',
    })
    expect(broker.topics).toEqual([])
  })
})
