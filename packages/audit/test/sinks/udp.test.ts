import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { freePort } from '@secreg/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { SinkRunner } from '../../src/sinks/runner.ts'
import { deliverSyslog, UDP_MESSAGE_BYTES } from '../../src/sinks/syslog/syslog.ts'
import { createUdpTransport } from '../../src/sinks/syslog/udp.ts'
import { manualClock, range } from '../support.ts'
import { sequencesOf } from './receiver.ts'
import { fakeLog, HOSTILE_TEXTS, memoryCursors, until } from './support.ts'

const never = new AbortController().signal

async function listen(port = 0) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  const messages: string[] = []
  socket.on('message', (message) => messages.push(message.toString('utf8')))
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  return { port: socket.address().port, messages }
}

test('one datagram a record, whatever is in it', async () => {
  const { port, messages } = await listen()
  const log = fakeLog()
  log.add(...HOSTILE_TEXTS.map((text) => ({ text })), { long: 'é'.repeat(5000) })
  log.add(...range(50))
  const transport = createUdpTransport({ host: '127.0.0.1', port })
  const runner = new SinkRunner({
    name: 'udp',
    source: log,
    cursors: memoryCursors(),
    deliver: deliverSyslog(transport, { maxBytes: UDP_MESSAGE_BYTES }),
    clock: manualClock(),
  })
  runner.poke()
  await until(() => messages.length === log.synced.sequence)
  await until(() => runner.status.lag === 0)
  expect(sequencesOf(messages)).toEqual(range(log.synced.sequence))
  for (const message of messages) {
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(UDP_MESSAGE_BYTES)
  }
  await runner.close(0)
})

test('nobody listens: it is tried again, as far as the system tells', async () => {
  const port = await freePort()
  const transport = createUdpTransport({ host: '127.0.0.1', port })
  await expect(transport.send([Buffer.from('x')], never)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
  const { messages } = await listen(port)
  await transport.send([Buffer.from('x'), Buffer.from('y')], never)
  await until(() => messages.length === 2)
  expect(messages).toEqual(['x', 'y'])
})

test('a name that does not exist, a message that is too long, an aborted signal', async () => {
  const nowhere = createUdpTransport({ host: 'nowhere.invalid', port: 514 })
  await expect(nowhere.send([Buffer.from('x')], never)).rejects.toMatchObject({
    syscall: 'getaddrinfo',
  })
  const { port } = await listen()
  const transport = createUdpTransport({ host: '127.0.0.1', port })
  await expect(transport.send([Buffer.alloc(70_000)], never)).rejects.toMatchObject({
    code: 'EMSGSIZE',
  })
  const reason = new Error('gone')
  await expect(transport.send([], AbortSignal.abort(reason))).rejects.toBe(reason)
  const abort = new AbortController()
  const sent = transport.send(
    range(1000).map(() => Buffer.alloc(1000)),
    abort.signal,
  )
  abort.abort(reason)
  await expect(sent).rejects.toBe(reason)
})
