import { describe, expect, it } from 'vitest'
import { keepaliveOf, writeKeepalive } from '../../src/wire/keepalive.ts'
import { Client } from './client.ts'
import { settled } from './memory-connection.ts'
import { transcript } from './replay.ts'

const FEATURE_KEEPALIVE = 10

function pings(client: Client): number {
  return client.connection.frames().filter((frame) => keepaliveOf(frame) === 'ping').length
}

describe('keepalive', () => {
  it('answers at once, before and after the connection is open', async () => {
    const client = new Client()
    client.connection.arrive(writeKeepalive('ping'))
    expect(client.connection.written).toEqual([writeKeepalive('pong')])
    await client.open()
    client.connection.arrive(writeKeepalive('ping'))
    expect(client.connection.written.at(-1)).toEqual(writeKeepalive('pong'))
  })

  it('asks a silent client that can answer, and gives it up after interval x (count + 1)', async () => {
    const client = new Client({ openTimeoutMs: 0 })
    await client.call('connectSupportsFeature', { feature: FEATURE_KEEPALIVE })
    client.timers.advance(4_999)
    expect(pings(client)).toBe(0)
    client.timers.advance(1)
    expect(pings(client)).toBe(1)
    client.timers.advance(24_999)
    expect(pings(client)).toBe(5)
    expect(client.connection.isDestroyed).toBe(false)
    client.timers.advance(1)
    expect(pings(client)).toBe(5)
    expect(client.connection.isDestroyed).toBe(true)
    await client.served.closed
    expect(client.timers.size).toBe(0)
  })

  it('never asks one that did not say so', async () => {
    const client = new Client()
    await client.open()
    await client.call('connectSupportsFeature', { feature: 14 })
    client.timers.advance(10_000_000)
    expect(pings(client)).toBe(0)
    expect(client.connection.isDestroyed).toBe(false)
  })

  it.each([
    ['a PONG', (client: Client) => client.connection.arrive(writeKeepalive('pong'))],
    ['a call', (client: Client) => client.send('connectNumOfSecrets', undefined)],
    ['what is ignored', (client: Client) => client.sendRaw({ type: 99 })],
  ])('counts from the last frame, here %s', async (_, hear) => {
    const client = new Client()
    await client.open()
    await client.call('connectSupportsFeature', { feature: FEATURE_KEEPALIVE })
    client.timers.advance(29_000)
    hear(client)
    await settled()
    client.timers.advance(29_999)
    expect(client.connection.isDestroyed).toBe(false)
    client.timers.advance(1)
    expect(client.connection.isDestroyed).toBe(true)
  })

  it('is not silenced by a frame that never ends', async () => {
    const client = new Client()
    await client.open()
    await client.call('connectSupportsFeature', { feature: FEATURE_KEEPALIVE })
    client.timers.advance(29_000)
    client.connection.arrive(Uint8Array.of(0, 0, 1, 0, 1, 2, 3))
    client.timers.advance(1_000)
    expect(client.connection.isDestroyed).toBe(true)
  })

  it('does not hold it against a client that nothing is read of it', async () => {
    const release: (() => void)[] = []
    const client = new Client({
      maxCallsInWork: 1,
      portOf: () => ({
        ...client.secrets.port(),
        list: async () => {
          await new Promise<void>((resolve) => release.push(resolve))
          return []
        },
      }),
    })
    await client.open()
    await client.call('connectSupportsFeature', { feature: FEATURE_KEEPALIVE })
    client.send('connectNumOfSecrets', undefined)
    await settled()
    client.timers.advance(120_000)
    expect(client.connection.isDestroyed).toBe(false)
    for (const one of release) one()
    await settled()
    client.timers.advance(30_000)
    expect(client.connection.isDestroyed).toBe(true)
  })

  it('is as recorded of libvirtd with 1 s x 2', async () => {
    const client = new Client({ keepaliveIntervalMs: 1_000, keepaliveCount: 2 })
    const lines = transcript('raw-keepalive-server-ping-timeout.jsonl')
    for (const { dir, bytes } of lines) if (dir === 'c2s') client.connection.arrive(bytes)
    await settled()
    client.timers.advance(2_999)
    expect(client.connection.isDestroyed).toBe(false)
    client.timers.advance(1)
    expect(client.connection.isDestroyed).toBe(true)
    const recorded = lines.filter(({ dir }) => dir === 's2c').map(({ bytes }) => bytes)
    expect(client.connection.written).toEqual(recorded)
  })
})
