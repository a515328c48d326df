/**
 * Where records go beside the log: receivers that are away, come, go, are slow; a daemon that dies. Everything arrives, in
 * order, at least once, and nobody waits for it. Kafka is the stand-in of the testkit.
 */
import { randomBytes } from 'node:crypto'
import { freePort, KafkaStandIn, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { allCompressed, segmentsWith, verifyStopped, vkeyOf } from '../lib/audit-log.ts'
import { DatagramReceiver, lineOf, SyslogReceiver, sequencesOf } from '../lib/audit-receivers.ts'
import { PASSPHRASE, Site } from '../lib/site.ts'
import { TYPE, type Wire } from '../lib/wire.ts'

interface Sink {
  readonly name: string
  readonly state: string
  readonly sequence: number
  readonly lag: number
  readonly error?: string
}

/** A site that sends its records somewhere; with a key file it unlocks itself. */
function openSite(
  { syslog, broker }: { syslog?: string; broker?: string },
  { audit = '', unlocks = true } = {},
): Site {
  const site = new Site()
  const key = site.home.write('key', randomBytes(32))
  const lines = syslog === undefined ? '' : `syslog = "${syslog}"\n`
  const kafka = broker === undefined ? '' : `[kafka]\nbrokers = ["${broker}"]\ntls = false\n`
  const unlock = unlocks ? `[unlock]\nkey_file = ${JSON.stringify(key)}\n` : ''
  site.configure({ audit: `${audit}\n${lines}`, config: `${unlock}${kafka}` })
  return site
}

async function sinkOf(admin: Wire, name: string): Promise<Sink> {
  const { sinks } = await admin.ok('status', {})
  return sinks.find((sink: Sink) => sink.name === name)
}

/** Wait until a sink has everything that is recorded. */
async function caughtUp(admin: Wire, name: string, timeoutMs = 40_000): Promise<void> {
  await waitFor(
    async () => {
      const { log_sequence } = await admin.ok('status', {})
      return (await sinkOf(admin, name)).sequence === log_sequence
    },
    { timeoutMs, what: `${name} to catch up` },
  )
}

async function metric(admin: Wire, name: string, sink: string): Promise<number> {
  const { metrics } = await admin.ok('maintain', { op: 'metrics' })
  return Number(
    new RegExp(`^secreg_${name}\\{sink="${sink}"\\} (\\S+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN,
  )
}

async function setMany(admin: Wire, prefix: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await admin.ok('set', { key: `${prefix}/${i}`, value: 'x' })
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1)

test('syslog over TCP: away at the start, comes, goes, reads nothing; the daemon dies; every record arrives in order', async () => {
  await using receiver = await SyslogReceiver.start()
  await receiver.stop()
  await using site = openSite({ syslog: receiver.target }, { audit: 'segment_size = 65536' })
  let daemon = await site.start()
  let admin = await site.initialize()
  const key = await vkeyOf(admin)
  await setMany(admin, '/away', 50)
  await waitFor(async () => (await sinkOf(admin, 'syslog')).state === 'retrying')
  expect(await sinkOf(admin, 'syslog')).toMatchObject({ sequence: 0, error: 'ECONNREFUSED' })
  // What is synced counts, and that is soon.
  await waitFor(async () => (await sinkOf(admin, 'syslog')).lag > 50)
  expect(await metric(admin, 'audit_sink_up', 'syslog')).toBe(0)
  expect(await metric(admin, 'audit_sink_lag_records', 'syslog')).toBeGreaterThan(50)

  await receiver.start()
  await caughtUp(admin, 'syslog')
  expect(await metric(admin, 'audit_sink_up', 'syslog')).toBe(1)
  expect(daemon.stderr()).toMatch(/"event":"audit sink syslog: recovered"/)

  // One that goes in the midst of it, and one that takes nothing.
  for (const round of [1, 2]) {
    await setMany(admin, `/goes/${round}`, 40)
    await waitFor(() => receiver.connections > 0 || receiver.messages.length > 0)
    await receiver.stop()
    await setMany(admin, `/gone/${round}`, 40)
    await receiver.start()
  }
  receiver.pause()
  await setMany(admin, '/slow', 300)
  await waitFor(async () => (await sinkOf(admin, 'syslog')).lag > 200)
  // The log has gone on into further segments meanwhile; those behind stay readable for it.
  await allCompressed(admin, site.audit)
  expect(segmentsWith(site.audit, 'jsonl.gz').length).toBeGreaterThan(0)

  for (let round = 0; round < 3; round++) {
    await daemon.kill('SIGKILL')
    admin.close()
    receiver.resume()
    daemon = await site.start()
    admin = await site.admin()
    await setMany(admin, `/again/${round}`, 30)
  }
  await caughtUp(admin, 'syslog')
  admin.close()
  await daemon.kill('SIGTERM')
  const lines = site.records()
  const told = sequencesOf(receiver.messages)
  // What was recorded while it stopped is told after the next start.
  expect(told).toEqual(upTo(told.length))
  expect(told.length).toBeGreaterThanOrEqual(lines.length - 5)
  const inLog = new Map(lines.map((line) => [line.seq, JSON.stringify(line)]))
  for (const message of receiver.messages) {
    const text = lineOf(message)
    expect(text).toBe(inLog.get((JSON.parse(text) as { seq: number }).seq))
  }
  expect(await verifyStopped(site, key)).toMatchObject({ ok: true, trusted: true })
}, 120_000)

test('syslog over UDP: one datagram a record, in order', async () => {
  await using receiver = await DatagramReceiver.start()
  await using site = openSite({ syslog: receiver.target })
  await site.start()
  using admin = await site.initialize()
  await setMany(admin, '/u', 100)
  await caughtUp(admin, 'syslog')
  const { log_sequence } = await admin.ok('status', {})
  await waitFor(() => sequencesOf(receiver.messages).length === log_sequence)
  expect(sequencesOf(receiver.messages)).toEqual(upTo(log_sequence))
}, 60_000)

interface Event {
  readonly event_id: string
  readonly data: { readonly path_ref: string; readonly log_sequence: number }
}

/** Records that are of entries, for each topic in the order of their first arrival for each path. */
function expectAllTold(broker: KafkaStandIn, paths: readonly (readonly number[])[]): void {
  for (const topic of ['crud.secrets', 'crud.secrets.audit']) {
    const seen = new Set<string>()
    const byPath = new Map<string, number[]>()
    for (const { value, key } of broker.records(topic)) {
      const event = JSON.parse(value ?? '') as Event
      expect(key).toBe(event.data.path_ref)
      if (seen.has(event.event_id)) continue
      seen.add(event.event_id)
      const { path_ref, log_sequence } = event.data
      byPath.set(path_ref, [...(byPath.get(path_ref) ?? []), log_sequence])
    }
    const bySequence = (a: readonly number[], b: readonly number[]): number =>
      (a[0] ?? 0) - (b[0] ?? 0)
    expect([...byPath.values()].sort(bySequence), topic).toEqual([...paths].sort(bySequence))
  }
}

/** Sequences of the records of each path below a prefix. */
function sequencesByPath(site: Site, prefix: string): number[][] {
  const byPath = new Map<string, number[]>()
  for (const { seq, body } of site.records()) {
    for (const path of body.paths) {
      if (path.startsWith(prefix)) byPath.set(path, [...(byPath.get(path) ?? []), seq])
    }
  }
  return [...byPath.values()]
}

test('Kafka: away at the start, comes, loses answers, goes; the daemon dies; every event arrives, in order for its path', async () => {
  await using broker = await KafkaStandIn.start()
  await broker.stop()
  await using site = openSite({ broker: broker.address })
  let daemon = await site.start()
  let admin = await site.initialize()
  const change = async (round: string): Promise<void> => {
    for (let i = 0; i < 30; i++) {
      await admin.ok('set', { key: `/k/${i % 5}`, value: round })
      await admin.ok('get', { key: `/k/${i % 5}` })
    }
  }
  await change('away')
  await waitFor(async () => (await sinkOf(admin, 'kafka')).state === 'retrying', {
    timeoutMs: 30_000,
  })
  await waitFor(async () => (await sinkOf(admin, 'kafka')).lag > 50)
  expect(await metric(admin, 'audit_sink_lag_records', 'kafka')).toBeGreaterThan(50)
  await broker.start()
  await caughtUp(admin, 'kafka')

  // It keeps what comes, but nobody hears so.
  broker.dropNext(2)
  await change('dropped')
  await waitFor(() => broker.produceRequests > 3)
  await broker.stop()
  await change('gone')
  await broker.start()
  await caughtUp(admin, 'kafka')

  for (let round = 0; round < 2; round++) {
    const before = broker.produceRequests
    // What is kept is not known to be so when the daemon dies.
    broker.dropNext()
    await change(`killed ${round}`)
    await waitFor(() => broker.produceRequests > before, { timeoutMs: 20_000 })
    await daemon.kill('SIGKILL')
    admin.close()
    daemon = await site.start()
    admin = await site.admin()
  }
  await change('last')
  await caughtUp(admin, 'kafka')
  admin.close()
  await daemon.kill('SIGTERM')
  expectAllTold(broker, sequencesByPath(site, '/k/'))
}, 150_000)

test('while it is sealed, Kafka waits: no path could be told without its key', async () => {
  await using broker = await KafkaStandIn.start()
  await using site = openSite({ broker: broker.address }, { unlocks: false })
  await site.start()
  using admin = await site.initialize()
  await setMany(admin, '/s', 5)
  await caughtUp(admin, 'kafka')
  const before = broker.produceRequests
  await admin.ok('seal', { op: 'lock' })
  // Plain values are read all the same, and that is recorded.
  await admin.ok('get', { key: '/s/1' })
  await waitFor(async () => (await sinkOf(admin, 'kafka')).error === 'ERR_SEALED')
  expect(broker.produceRequests).toBe(before)
  await admin.ok('seal', { op: 'unlock', passphrase: PASSPHRASE })
  using again = await site.admin()
  await setMany(again, '/t', 5)
  await caughtUp(again, 'kafka')
  expect(broker.produceRequests).toBeGreaterThan(before)
  expectAllTold(broker, [...sequencesByPath(site, '/s/'), ...sequencesByPath(site, '/t/')])
}, 60_000)

test('a dead sink never holds a set up: as many are done as are asked for, and all are recorded', async () => {
  // Nobody listens on the one, and the other takes connections and answers nothing.
  await using broker = await KafkaStandIn.start()
  broker.pause()
  await using site = openSite({
    syslog: `tcp://127.0.0.1:${await freePort()}`,
    broker: broker.address,
  })
  await site.start()
  using admin = await site.initialize()
  await admin.ok('set', { key: '/d/first', value: 'x' })
  await waitFor(async () => (await sinkOf(admin, 'syslog')).state === 'retrying')
  await waitFor(() => broker.connections > 0)
  const COUNT = 2000
  const frames = Array.from({ length: COUNT }, (_, i) =>
    admin.frame('set', { key: `/d/${i}`, value: 'x' }),
  )
  admin.socket.write(Buffer.concat(frames))
  for (let i = 0; i < COUNT; i++) expect((await admin.next()).type).toBe(TYPE.set + 1)
  // Not one of them waited for a sink: none has taken a record of theirs.
  for (const name of ['syslog', 'kafka']) {
    await waitFor(async () => (await sinkOf(admin, name)).lag >= COUNT, { what: `lag of ${name}` })
    expect((await sinkOf(admin, name)).sequence, name).toBeLessThan(10)
  }
  expect(broker.records('crud.secrets')).toEqual([])
  const written = site.records().filter(({ body }) => body.action === 'write')
  expect(written).toHaveLength(COUNT + 1)
}, 60_000)
