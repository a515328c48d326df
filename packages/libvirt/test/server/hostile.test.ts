import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeKeepalive } from '../../src/wire/keepalive.ts'
import { PROCEDURES } from '../../src/wire/procedures.ts'
import { writeCall } from '../../src/wire/remote-frames.ts'
import { A, Client, handle, xmlOf } from './client.ts'
import { settled } from './memory-connection.ts'
import { transcript } from './replay.ts'

const OPEN = writeCall('connectOpen', { name: undefined, flags: 0 }, 0)

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  for (const [at, value] of values.entries()) new DataView(bytes.buffer).setUint32(at * 4, value)
  return bytes
}

describe('hostile clients', () => {
  it('any bytes: the connection is answered or closed, and nothing throws', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 }),
        fc.boolean(),
        async (chunks, isOpen) => {
          const client = new Client()
          if (isOpen) await client.open()
          client.connection.arrive(...chunks)
          client.connection.leave()
          await client.served.closed
          expect(client.timers.size).toBe(0)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('any bodies of any procedure: one reply each', async () => {
    const numbers = Object.values(PROCEDURES)
      .map(({ number }) => number)
      .filter((number) => number !== PROCEDURES.connectClose.number)
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            procedure: fc.oneof(fc.constantFrom(...numbers), fc.integer({ min: -9, max: 450 })),
            status: fc.constantFrom(0, 0, 0, 0, 1, 2, 9),
            program: fc.constantFrom(0x2000_8086, 0x2000_8086, 0x2000_8086, 0x6b65_6570, 7),
            version: fc.constantFrom(1, 1, 1, 1, 0, 2),
            body: fc.oneof(
              fc.uint8Array({ maxLength: 60 }),
              fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 16 }).map((v) => words(...v)),
            ),
          }),
          { minLength: 1, maxLength: 30 },
        ),
        async (calls) => {
          const client = new Client()
          await client.open()
          const sent = calls.filter(({ procedure }) => procedure !== 2)
          for (const [serial, { body, ...header }] of sent.entries()) {
            client.sendRaw({ ...header, serial }, body)
          }
          await settled()
          const replies = client.connection.frames().filter(({ type }) => type === 1)
          expect(replies.slice(1).map(({ serial }) => serial)).toEqual(sent.map((_, at) => at))
          expect(client.connection.isDestroyed).toBe(false)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('a frame that has begun is whole in time, or the connection ends', async () => {
    const client = new Client({ frameTimeoutMs: 1_000, openTimeoutMs: 0 })
    await client.open()
    const call = writeCall('connectNumOfSecrets', undefined, 1)
    // Nothing has begun.
    client.timers.advance(5_000)
    client.connection.arrive(call.subarray(0, 1))
    client.timers.advance(999)
    client.connection.arrive(call.subarray(1), call.subarray(0, 20))
    await settled()
    expect(client.story()).toEqual(['reply 1'])
    // Each has its own time, and bytes now and then do not make it longer.
    client.timers.advance(999)
    client.connection.arrive(call.subarray(20, 21))
    expect(client.connection.isDestroyed).toBe(false)
    client.timers.advance(1)
    expect(client.connection.isDestroyed).toBe(true)
    await client.served.closed
    expect(client.timers.size).toBe(0)
  })

  it('the time of a frame does not run while nothing is read for reasons that are ours', async () => {
    const client = new Client({ frameTimeoutMs: 1_000, openTimeoutMs: 0, stallTimeoutMs: 0 })
    await client.open()
    client.connection.reads = false
    const call = writeCall('connectNumOfSecrets', undefined, 1)
    client.connection.arrive(Buffer.concat([call, call.subarray(0, 20)]))
    await settled()
    client.timers.advance(60_000)
    expect(client.connection.isDestroyed).toBe(false)
    client.connection.take()
    client.timers.advance(999)
    client.connection.arrive(call.subarray(20))
    await settled()
    expect(client.story()).toEqual(['reply 1', 'reply 1'])
    client.timers.advance(60_000)
    expect(client.connection.isDestroyed).toBe(false)
  })

  it('byte by byte is as good as whole', async () => {
    const bytes = Buffer.concat(
      transcript('python-crud.jsonl')
        .filter(({ dir }) => dir === 'c2s')
        .map((line) => line.bytes)
        .filter(({ length }) => length < 2_000),
    )
    const whole = new Client()
    whole.connection.arrive(bytes)
    const bits = new Client()
    bits.connection.arrive(...[...bytes].map((byte) => Uint8Array.of(byte)))
    await settled()
    await settled()
    expect(whole.connection.frames().length).toBeGreaterThan(15)
    expect(bits.connection.frames().map(({ serial, status }) => [serial, status])).toEqual(
      whole.connection.frames().map(({ serial, status }) => [serial, status]),
    )
  })

  it.each([
    ['0', words(0, 0, 0, 0, 0, 0, 0)],
    ['27', words(27, 0x2000_8086)],
    ['over the maximum', words(4_508_877)],
    ['over any maximum', words(0xffff_ffff)],
  ])('a length of %s ends the connection, without a reply to it', async (_, bytes) => {
    const client = new Client()
    await client.open()
    client.send('connectNumOfSecrets', undefined)
    client.connection.arrive(bytes)
    client.connection.arrive(OPEN)
    await client.served.closed
    expect(client.story()).toEqual(['reply 1'])
  })

  it('takes frames of 1 KiB before OPEN, and of 4 MiB after', async () => {
    const small = new Client()
    small.sendRaw({}, new Uint8Array(1_024 - 28))
    await settled()
    expect(small.story()).toHaveLength(1)
    small.sendRaw({}, new Uint8Array(1_025 - 28))
    await small.served.closed
    expect(small.story()).toEqual([])

    const large = new Client()
    await large.open()
    const description = `<description>${'x'.repeat(4_194_000)}</description>`
    expect(await large.refusal('secretDefineXml', { xml: xmlOf(A, description), flags: 0 })).toBe(
      'OK',
    )
  })

  it('that never open end after a while, whatever they send', async () => {
    const client = new Client()
    client.timers.advance(29_999)
    await client.call('authList', undefined)
    client.connection.arrive(writeKeepalive('ping'))
    expect(client.connection.isDestroyed).toBe(false)
    client.timers.advance(1)
    expect(client.connection.isDestroyed).toBe(true)

    const open = new Client()
    await open.open()
    open.timers.advance(10_000_000)
    expect(open.connection.isDestroyed).toBe(false)
  })

  it('a call with descriptors ends the connection; what is no call is ignored', async () => {
    const client = new Client()
    await client.open()
    for (const type of [1, 2, 3, 5, 99]) client.sendRaw({ type })
    client.sendRaw({ type: 2, program: 0x6b65_6570, procedure: 9 })
    await settled()
    expect(client.story()).toEqual([])
    client.sendRaw({ type: 4 }, words(0))
    await client.served.closed
    expect(client.story()).toEqual([])
  })

  it('that do not read are not read either, and are given up', async () => {
    const client = new Client()
    await client.open()
    client.connection.reads = false
    for (let call = 0; call < 1_000; call++) client.send('connectGetUri', undefined)
    await settled()
    const unread = client.connection.unread.length
    expect(unread).toBeGreaterThan(990)
    expect(client.connection.isPaused).toBe(true)
    client.timers.advance(29_999)
    expect(client.connection.isDestroyed).toBe(false)
    client.timers.advance(1)
    expect(client.connection.isDestroyed).toBe(true)
  })

  it('that read late are served on', async () => {
    const client = new Client()
    await client.open()
    client.connection.reads = false
    for (let call = 0; call < 12; call++) client.send('connectGetUri', undefined)
    await settled()
    client.timers.advance(29_000)
    client.connection.take()
    await settled()
    expect(client.story()).toHaveLength(12)
    client.timers.advance(60_000)
    expect(client.connection.isDestroyed).toBe(false)
  })

  it('that ask for events and do not read get so many, and no more', async () => {
    const client = new Client({ maxWaitingEvents: 10 })
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 1, secret: undefined })
    await client.call('secretDefineXml', { xml: xmlOf(A), flags: 0 })
    client.connection.reads = false
    const port = client.secrets.port()
    for (let event = 0; event < 11; event++) await port.setValue(A, Uint8Array.of(1))
    expect(client.connection.isDestroyed).toBe(false)
    await port.setValue(A, Uint8Array.of(1))
    expect(client.connection.isDestroyed).toBe(true)
    await client.served.closed
    expect(client.secrets.watching).toBe(0)
  })

  it('events that wait for a reply are as many', async () => {
    const client = new Client({
      maxWaitingEvents: 10,
      portOf: () => {
        const port = client.secrets.port()
        return {
          ...port,
          setValue: async (uuid, value) => {
            for (let event = 0; event < 11; event++) await port.setValue(uuid, value)
          },
        }
      },
    })
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 1, secret: undefined })
    await client.call('secretDefineXml', { xml: xmlOf(A), flags: 0 })
    client.send('secretSetValue', { secret: handle(A), value: Uint8Array.of(1), flags: 0 })
    await client.served.closed
    expect(client.connection.isDestroyed).toBe(true)
  })

  it('that go away change nothing any more', async () => {
    let release: () => void = () => {}
    let changed = 0
    const told: number[] = []
    const client = new Client({
      onCall: ({ procedure }) => told.push(procedure),
      portOf: () => ({
        ...client.secrets.port(),
        list: () => new Promise((resolve) => (release = () => resolve([]))),
        undefine: async () => {
          changed++
        },
      }),
    })
    await client.open()
    client.send('connectNumOfSecrets', undefined)
    client.send('secretUndefine', { secret: handle(A) })
    await settled()
    client.connection.destroy()
    await client.served.closed
    release()
    await settled()
    expect(changed).toBe(0)
    // What was begun is told of; what was not is not.
    expect(told).toEqual([1, 139])
    expect(client.connection.written).toHaveLength(1)
  })

  it('a value that a port makes too long is told of nobody', async () => {
    const value = new Uint8Array(65_537).fill(7)
    const client = new Client({
      portOf: () => ({ ...client.secrets.port(), getValue: async () => value }),
    })
    await client.open()
    expect(await client.refusal('secretGetValue', { secret: handle(A), flags: 0 })).toBe(
      '39/7 Unable to encode message payload',
    )
    expect(value.every((byte) => byte === 0)).toBe(true)
  })

  it('a chunk of many frames is no deeper than one', async () => {
    const client = new Client()
    await client.open()
    const ping = writeKeepalive('ping')
    const unknown = writeCall('connectNumOfSecrets', undefined, 1)
    new DataView(unknown.buffer).setInt32(12, 9_999)
    client.connection.arrive(Buffer.concat(Array(20_000).fill(unknown)))
    client.connection.arrive(Buffer.concat(Array(20_000).fill(ping)))
    await expect
      .poll(() => client.connection.written.length, { timeout: 5_000, interval: 1 })
      .toBe(40_001)
  })
})
