import {
  FRAME_STATUS,
  FRAME_TYPES,
  LIBVIRT_ERRORS,
  LibvirtConnectionError,
  LibvirtError,
  REMOTE_PROGRAM,
  type SecretRegistry,
  writeCall,
  writeFrame,
  writeKeepalive,
  writeReply,
} from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOTHING } from '../../src/wire/xdr-type.ts'
import { type Answers, handle, SILENCE, StandIn, UUIDS } from './stand-in.ts'

const silent: Answers = {
  connectNumOfSecrets: () => SILENCE,
  secretLookupByUuid: () => SILENCE,
}

async function opened(answers: Answers = silent) {
  const server = new StandIn(answers)
  return { server, registry: await server.open({ keepalive: false }) }
}

const settled = (registry: SecretRegistry, calls: Promise<unknown>[]) =>
  Promise.all([Promise.allSettled(calls), registry.closed])

test('replies are told by their serials, in whatever order they come', async () => {
  const { server, registry } = await opened()
  const secrets = Promise.all(UUIDS.map((uuid) => registry.getByUuid(uuid)))
  const count = registry.count()
  await waitFor(() => server.called.includes('connectNumOfSecrets'))
  for (const { key, frame, args } of server.calls.toReversed()) {
    if (key === 'connectNumOfSecrets') server.reply(key, { num: 7 }, frame.serial)
    if (key === 'secretLookupByUuid') {
      server.reply(key, { secret: handle((args as { uuid: string }).uuid) }, frame.serial)
    }
  }
  expect((await secrets).map(({ uuid }) => uuid)).toEqual(UUIDS)
  expect(await count).toBe(7)
  const serials = server.calls.map(({ frame }) => frame.serial)
  expect(serials).toEqual(serials.map((_, index) => index))
  await registry.close()
})

const header = { program: REMOTE_PROGRAM, version: 1, procedure: 139, serial: 0 }
const reply = (fields: object): Uint8Array =>
  writeFrame(
    { ...header, type: FRAME_TYPES.REPLY, status: FRAME_STATUS.OK, ...fields },
    NOTHING,
    undefined,
  )
const word = (value: number): Uint8Array => {
  const bytes = new Uint8Array(28)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

const hostile: [string, (serial: number) => Uint8Array][] = [
  ['a serial that was never asked', (serial) => reply({ serial: serial + 1 })],
  ['a serial that was answered', () => reply({ serial: 0, procedure: 66 })],
  ['a reply to another procedure', (serial) => reply({ serial, procedure: 141 })],
  ['a reply without its body', (serial) => reply({ serial })],
  ['a status that is none', (serial) => reply({ serial, status: 2 })],
  ['an error without its body', (serial) => reply({ serial, status: 1 })],
  ['a call', () => writeCall('connectNumOfSecrets', undefined, 3)],
  ['a stream', (serial) => reply({ serial, type: 3 })],
  ['a reply with descriptors', (serial) => reply({ serial, type: 5 })],
  ['another program', (serial) => reply({ serial, program: 0x20008087 })],
  ['another version', (serial) => reply({ serial, version: 2 })],
  ['an event without its body', () => reply({ type: 2, procedure: 382 })],
  ['a length below the shortest', () => word(27)],
  ['a length of nothing', () => word(0)],
  ['a length above the longest', () => word(33_554_437)],
]

test.each(hostile)('%s ends the connection', async (_, bytes) => {
  const { server, registry } = await opened()
  const calls = [registry.count(), registry.getByUuid(UUIDS[0])]
  await waitFor(() => server.called.includes('secretLookupByUuid'))
  server.stream.write(bytes(server.serial('connectNumOfSecrets')))
  const [results, { reason, error }] = await settled(registry, calls)
  expect([reason, error.code]).toEqual(['error', 'ERR_LIBVIRT_ANSWER_INVALID'])
  for (const result of results) expect(result).toEqual({ status: 'rejected', reason: error })
  await expect(registry.count()).rejects.toBe(error)
  expect(server.client.destroyed).toBe(true)
})

test('before the connection is open, frames are short', async () => {
  const server: StandIn = new StandIn({
    authList: () => {
      server.stream.write(word(65_537))
      return SILENCE
    },
  })
  await expect(server.open()).rejects.toMatchObject({ reason: 'ANSWER_INVALID' })
})

test('messages that this version does not know are passed over', async () => {
  const { server, registry } = await opened({ connectNumOfSecrets: () => ({ num: 1 }) })
  server.stream.write(reply({ type: 2, procedure: 318 }))
  server.stream.write(writeKeepalive('pong'))
  expect(await registry.count()).toBe(1)
  await registry.close()
})

test.each([
  [0, 'error'],
  [1, 'eof'],
  [2, 'keepalive'],
  [3, 'client'],
  [77, 'error'],
] as const)('a server that tells of its own end with %i', async (reason, name) => {
  const { server, registry } = await opened()
  const count = registry.count()
  server.message('connectEventConnectionClosed', { reason })
  await expect(count).rejects.toMatchObject({ reason: 'CONNECTION_LOST' })
  expect((await registry.closed).reason).toBe(name)
})

test('a connection that ends is told to each call once', async () => {
  const { server, registry } = await opened()
  let told = 0
  const calls = [registry.count(), registry.count()].map((call) =>
    call.catch((error: unknown) => {
      told += 1
      throw error
    }),
  )
  server.stream.destroy()
  const [results, { reason, error }] = await settled(registry, calls)
  expect([told, reason, error.reason]).toEqual([2, 'eof', 'CONNECTION_LOST'])
  for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: error })
  await registry.close()
})

test('an error of the stream is the cause', async () => {
  const { server, registry } = await opened()
  const cause = new Error('reset')
  server.client.emit('error', cause)
  const { reason, error } = await registry.closed
  expect([reason, error.reason, error.cause]).toEqual(['error', 'CONNECTION_LOST', cause])
})

test('a call without a reply ends the connection in time', async () => {
  const server = new StandIn(silent)
  const registry = await server.open({ keepalive: false, timeoutMs: 30 })
  await expect(registry.count()).rejects.toMatchObject({ code: 'ERR_LIBVIRT_TIMEOUT' })
  expect((await registry.closed).reason).toBe('error')
})

test('a server that asks without reading is owed one answer', async () => {
  const { server, registry } = await opened({ connectNumOfSecrets: () => ({ num: 0 }) })
  for (let asked = 0; asked < 3; asked += 1) server.stream.write(writeKeepalive('ping'))
  await waitFor(() => server.pongs === 3)
  server.client.isFull = true
  for (let asked = 0; asked < 50; asked += 1) server.stream.write(writeKeepalive('ping'))
  await registry.count()
  expect(server.pongs).toBe(3)
  server.client.drain()
  await waitFor(() => server.pongs === 4)
  await registry.close()
})

test('what was sent and what came is wiped', async () => {
  const { server, registry } = await opened({
    secretLookupByUuid: () => ({ secret: handle(UUIDS[0]) }),
    secretSetValue: () => undefined,
    secretGetValue: () => SILENCE,
  })
  const secret = await registry.getByUuid(UUIDS[0])
  const written: Uint8Array[] = []
  const write = server.client.write.bind(server.client)
  server.client.write = (bytes, done) => {
    written.push(bytes)
    return write(bytes, done)
  }
  await secret.setValue(Buffer.from('correct horse'))
  expect(written.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true])
  const value = secret.getValue()
  await waitFor(() => server.called.includes('secretGetValue'))
  const result = { value: Buffer.from('battery staple') }
  const chunk = writeReply('secretGetValue', result, server.serial('secretGetValue')).slice()
  server.client.emit('data', chunk)
  expect(Buffer.from(await value).toString()).toBe('battery staple')
  expect(chunk.every((byte) => byte === 0)).toBe(true)
  await registry.close()
})

test('any bytes are frames, or end the connection with an error of this package', async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .record({
        type: fc.constantFrom(0, 1, 2, 3, 5),
        serial: fc.nat(9),
        status: fc.nat(3),
        procedure: fc.constantFrom(139, 141, 362, 382, 383),
        body: fc.uint8Array({ maxLength: 80 }),
      })
      .map(({ body, ...fields }) => {
        const bytes = new Uint8Array(28 + body.length)
        bytes.set(reply(fields))
        bytes.set(body, 28)
        new DataView(bytes.buffer).setUint32(0, bytes.length)
        return bytes
      }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 5 }), fc.nat(9), async (pieces, pieceBytes) => {
      const { server, registry } = await opened()
      server.stream.pieceBytes = pieceBytes
      const calls = [registry.count(), registry.getByUuid(UUIDS[0])]
      await waitFor(() => server.called.includes('secretLookupByUuid'))
      for (const bytes of pieces) server.stream.write(bytes)
      server.stream.destroy()
      const [results] = await settled(registry, calls)
      for (const result of results) {
        if (result.status === 'fulfilled') continue
        const { reason } = result
        expect(LibvirtError.is(reason) || LibvirtConnectionError.is(reason)).toBe(true)
      }
    }),
    { numRuns: 150 },
  )
})

test('errors without any text are errors', async () => {
  const { registry } = await opened({
    connectNumOfSecrets: () => new LibvirtError({ code: 9, domain: 30 }),
    connectListSecrets: () => LIBVIRT_ERRORS.rpc('unknown procedure: 140'),
  })
  await expect(registry.count()).rejects.toMatchObject({ code: 9, message: 'Unknown error' })
  await expect(registry.listUuids()).rejects.toMatchObject({ code: 39 })
  await registry.close()
})
