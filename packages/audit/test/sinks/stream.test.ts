import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { freePort, skipTest, waitFor } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type SinkEvent, SinkRunner } from '../../src/sinks/runner.ts'
import {
  createStreamTransport,
  type StreamTransportOptions,
} from '../../src/sinks/syslog/stream.ts'
import { deliverSyslog } from '../../src/sinks/syslog/syslog.ts'
import { unacknowledgedBytes } from '../../src/sinks/syslog/unacknowledged.ts'
import { manualClock, range, seeded } from '../support.ts'
import { certificate, type Receiver, sequencesOf, startReceiver } from './receiver.ts'
import { fakeLog, HOSTILE_TEXTS, memoryCursors, settle, until } from './support.ts'

const CA = certificate('ca')
const RECEIVER = { cert: certificate('receiver'), key: certificate('receiver') }
const never = new AbortController().signal

type Kind = Pick<StreamTransportOptions, 'tls' | 'confirm'>

/** A log, a receiver and the sink between them. */
async function setUp({ tls, confirm }: Kind, count = 0) {
  const receiver = await startReceiver(tls === undefined ? undefined : RECEIVER)
  const transport = createStreamTransport({
    host: '127.0.0.1',
    port: receiver.port,
    ...(tls === undefined ? {} : { tls }),
    ...(confirm === undefined ? {} : { confirm }),
  })
  const clock = manualClock()
  const events: SinkEvent[] = []
  /** Whether the waiting time after a failure passes at once. */
  const time = { passes: false }
  const log = fakeLog(count)
  const runner = new SinkRunner({
    name: 'syslog',
    source: log,
    cursors: memoryCursors(),
    deliver: deliverSyslog(transport, { maxBytes: 8192 }),
    maxRecords: 50,
    clock,
    random: () => 0,
    observer(event) {
      events.push(event)
      if (event.type === 'failed' && time.passes) {
        setImmediate(() => clock.advance(event.retryInMs))
      }
    },
  })
  onTestFinished(async () => {
    const closed = runner.close(0)
    clock.advance(0)
    await closed
    transport.close()
  })
  return { receiver, transport, clock, time, events, log, runner }
}

/** Let time pass while it fails, until everything is delivered. */
async function catchUp({ runner, clock, time }: Awaited<ReturnType<typeof setUp>>): Promise<void> {
  time.passes = true
  clock.advance(1000)
  await until(() => runner.status.lag === 0 && runner.status.state === 'idle')
}

const KINDS: [string, Kind][] = [
  ['TCP', {}],
  ['TLS', { tls: { ca: CA } }],
  ['TCP, confirmed by writing', { confirm: 'write' }],
  ['TLS, confirmed by writing', { tls: { ca: CA }, confirm: 'write' }],
]

describe.each(KINDS)('%s', (_, kind) => {
  test('brings everything in order, framed by its length', async () => {
    const all = await setUp(kind)
    const { log, runner, receiver } = all
    log.add(...HOSTILE_TEXTS.map((text) => ({ text })))
    log.add(...range(200).map((n) => ({ n })))
    runner.poke()
    await until(() => receiver.messages.length === log.synced.sequence)
    await catchUp(all)
    expect(sequencesOf(receiver.messages)).toEqual(range(log.synced.sequence))
    expect(all.events).toEqual([])
  })

  test('a receiver that is away when it starts, goes and comes back', async () => {
    const all = await setUp(kind, 5)
    const { log, runner, receiver, events } = all
    await receiver.stop()
    runner.poke()
    await until(() => events.length === 1)
    expect(runner.status).toMatchObject({ state: 'retrying', lag: 5, error: 'ECONNREFUSED' })
    await receiver.start()
    await catchUp(all)
    await until(() => receiver.messages.length === 5)
    await receiver.stop()
    log.add({})
    runner.poke()
    await until(() => runner.status.state === 'retrying')
    await receiver.start()
    await catchUp(all)
    await until(() => receiver.messages.length === 6)
    expect(sequencesOf(receiver.messages)).toEqual(range(6))
  })

  test('a receiver that stops reading is left after the timeout', async () => {
    const all = await setUp(kind)
    const { log, runner, receiver, clock, events } = all
    receiver.paused = true
    // More than the buffers of both sides hold.
    log.add(...range(2500).map((n) => ({ n, text: 'x'.repeat(7000) })))
    runner.poke()
    await until(() => receiver.accepted > 0)
    for (let before = -1; before < runner.status.sequence; ) {
      before = runner.status.sequence
      await settle(200)
    }
    clock.advance(30_000)
    await until(() => events.length === 1)
    expect(events[0]).toMatchObject({ type: 'failed', error: 'ERR_SINK_TIMEOUT' })
    expect(runner.status.state).toBe('retrying')
  })
})

describe.each(KINDS.slice(0, 2))('%s, confirmed by closing', (_, kind) => {
  test('a receiver that dies in the midst, again and again: nothing is lost', async () => {
    const all = await setUp(kind)
    const { log, runner, receiver, time, events } = all
    time.passes = true
    const random = seeded(7)
    for (let round = 0; round < 25; round++) {
      log.add(...range(Math.floor(random() * 90)).map((n) => ({ n, text: 'x'.repeat(2000) })))
      receiver.dieAfter = 1 + Math.floor(random() * 60)
      runner.poke()
      const { accepted } = receiver
      await until(() => receiver.accepted > accepted || runner.status.lag === 0)
      if (random() < 0.2) {
        await receiver.stop()
        await receiver.start()
      }
    }
    receiver.dieAfter = Number.POSITIVE_INFINITY
    log.add({})
    runner.poke()
    await catchUp(all)
    expect(events.some(({ type }) => type === 'failed')).toBe(true)
    expectNothingLost(receiver, log.synced.sequence)
  })

  test('a receiver that closes with bytes unread has not got the batch', async () => {
    const all = await setUp(kind)
    const { log, runner, receiver, events } = all
    log.add(...range(40).map((n) => ({ n, text: 'x'.repeat(7000) })))
    receiver.paused = true
    runner.poke()
    await until(() => receiver.accepted === 1)
    await settle(200)
    for (const socket of receiver.connections) socket.destroy()
    await until(() => events.length === 1)
    expect(runner.status).toMatchObject({ state: 'retrying', sequence: 0, lag: 40 })
    receiver.paused = false
    await catchUp(all)
    expect(sequencesOf(receiver.messages)).toEqual(range(40))
  })

  test('a receiver that never closes has not got the batch', async () => {
    const all = await setUp(kind, 3)
    const { runner, receiver, clock, events } = all
    receiver.paused = true
    runner.poke()
    await until(() => receiver.accepted === 1)
    await until(() => clock.waiting === 1)
    clock.advance(30_000)
    await until(() => events.length === 1)
    expect(runner.status).toMatchObject({ error: 'ERR_SINK_TIMEOUT', sequence: 0 })
    receiver.paused = false
    await catchUp(all)
    expect(sequencesOf(receiver.messages)).toEqual(range(3))
  })
})

describe('confirmed by writing', () => {
  test('one connection serves many batches; one that the receiver closed is not used', async () => {
    const { receiver, log, runner } = await setUp({ confirm: 'write' })
    for (let batch = 1; batch <= 20; batch++) {
      log.add({})
      runner.poke()
      await until(() => receiver.messages.length === batch)
      await until(() => runner.status.state === 'idle')
    }
    expect(receiver.accepted).toBe(1)
    for (const socket of receiver.connections) socket.end()
    await until(() => receiver.connections.size === 0)
    log.add({})
    runner.poke()
    await until(() => receiver.messages.length === 21)
    expect(receiver.accepted).toBe(2)
    expect(sequencesOf(receiver.messages)).toEqual(range(21))
  })
})

describe('TLS', () => {
  const send = (port: number, tls: StreamTransportOptions['tls'], host = '127.0.0.1') =>
    createStreamTransport({ host, port, ...(tls && { tls }) }).send([Buffer.from('secret')], never)

  test('the name in the certificate must be that of the receiver', async () => {
    const receiver = await startReceiver(RECEIVER)
    const { port } = receiver
    await send(port, { ca: CA }, 'localhost')
    await send(port, { ca: CA, servername: 'localhost' })
    const other = send(port, { ca: CA, servername: 'siem.example.org' })
    await expect(other).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    expect(receiver.messages).toEqual(['secret', 'secret'])
  })

  test('a certificate of an unknown authority is refused, whatever the environment says', async () => {
    const receiver = await startReceiver(RECEIVER)
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    onTestFinished(() => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    })
    await expect(send(receiver.port, {})).rejects.toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    })
    expect(receiver.messages).toEqual([])
  })

  test('an old version is refused', async () => {
    const receiver = await startReceiver({
      ...RECEIVER,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    })
    await expect(send(receiver.port, { ca: CA })).rejects.toThrow()
    expect(receiver.accepted).toBe(0)
  })

  test('a receiver that asks for a certificate gets it, and refuses who has none', async () => {
    const receiver = await startReceiver({ ...RECEIVER, requestCert: true, ca: CA })
    const sender = certificate('sender')
    await send(receiver.port, { ca: CA, cert: sender, key: sender })
    await expect(send(receiver.port, { ca: CA })).rejects.toThrow()
    expect(receiver.messages).toEqual(['secret'])
  })

  test('a receiver without TLS gets nothing', async () => {
    const seen: Buffer[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        seen.push(chunk)
        socket.end('no TLS here\n')
      })
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await expect(send(port, { ca: CA })).rejects.toThrow()
    expect(Buffer.concat(seen).toString('latin1')).not.toContain('secret')
  })
})

test.each([undefined, { ca: CA }])(
  'a receiver that does not answer at all: TLS %j',
  async (tls) => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    const clock = manualClock()
    const abort = new AbortController()
    const { port } = server.address() as AddressInfo
    const transport = createStreamTransport({
      host: '127.0.0.1',
      port,
      clock,
      ...(tls && { tls }),
    })
    const sent = transport.send([Buffer.from('x')], abort.signal)
    sent.catch(() => {})
    await accepted
    clock.advance(10_000)
    // Without TLS it is connected, and only the batch's own time is left.
    if (tls === undefined) abort.abort(Object.assign(new Error(), { code: 'ERR_SINK_TIMEOUT' }))
    await expect(sent).rejects.toMatchObject({ code: 'ERR_SINK_TIMEOUT' })
  },
)

test('what is not across yet is known', async (context) => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => void client.destroy())
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ]
  onTestFinished(() => void peer.destroy())
  if ((await unacknowledgedBytes(client)) === undefined)
    skipTest(context, 'the system does not tell')
  expect(await unacknowledgedBytes(client)).toBe(0)
  // More than the peer's system takes while its program reads nothing.
  client.write(Buffer.alloc(16 * 1024 * 1024))
  await waitFor(async () => Number(await unacknowledgedBytes(client)) > 100_000)
  peer.resume()
  await waitFor(
    async () => client.writableLength === 0 && (await unacknowledgedBytes(client)) === 0,
  )
})

test('nobody there, an aborted signal, and close while nothing is kept', async () => {
  const port = await freePort()
  const transport = createStreamTransport({ host: '127.0.0.1', port })
  await expect(transport.send([], never)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const reason = new Error('gone')
  await expect(transport.send([], AbortSignal.abort(reason))).rejects.toBe(reason)
  transport.close()
})

/** First arrivals are 1, 2, 3 …; what comes again goes back no further than a batch. */
function expectNothingLost({ messages }: Receiver, count: number): void {
  const sequences = sequencesOf(messages)
  expect([...new Set(sequences)]).toEqual(range(count))
  let highest = 0
  for (const sequence of sequences) {
    expect(sequence).toBeGreaterThan(highest - 50)
    highest = Math.max(highest, sequence)
  }
}
