/** What a connection tells that it holds in memory. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeCall } from '../../src/wire/remote-frames.ts'
import { A, Client, handle, xmlOf } from './client.ts'
import { settled } from './memory-connection.ts'

const MIB = 2 ** 20

async function opened(onHeld: (bytes: number) => boolean): Promise<Client> {
  const client = new Client({ onHeld })
  await client.open()
  return client
}

describe('what a connection holds', () => {
  it('is nothing once everything was answered and taken, however it came', async () => {
    const value = new Uint8Array(60_000).fill(7)
    const calls = Buffer.concat([
      writeCall('secretDefineXml', { xml: xmlOf(A), flags: 0 }, 1),
      writeCall('secretSetValue', { secret: handle(A), value, flags: 0 }, 2),
      writeCall('secretGetValue', { secret: handle(A), flags: 0 }, 3),
      writeCall('connectListAllSecrets', { needResults: 1, flags: 0 }, 4),
      writeCall('secretUndefine', { secret: handle(A) }, 5),
    ])
    // What a Buffer gives of itself is no copy.
    const bytes = new Uint8Array(calls)
    const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const told: number[] = []
        const client = await opened((held) => told.push(held) > 0)
        const places = [0, ...at.sort((a, b) => a - b), bytes.length]
        for (const [index, from] of places.slice(0, -1).entries()) {
          client.connection.arrive(bytes.subarray(from, places[index + 1]))
          await settled()
        }
        await settled()
        expect(client.connection.frames().filter(({ type }) => type === 1)).toHaveLength(6)
        expect(told.at(-1)).toBe(0)
        expect(Math.max(...told)).toBeGreaterThanOrEqual(value.length)
        expect(Math.max(...told)).toBeLessThan(5 * bytes.length)
      }),
      { numRuns: 30 },
    )
  })

  it('counts a frame that has begun, as far as it came', async () => {
    let held = 0
    const client = await opened((bytes) => {
      held = bytes
      return true
    })
    const xml = `<secret><description>${'x'.repeat(3 * MIB)}</description></secret>`
    const bytes = writeCall('secretDefineXml', { xml, flags: 0 }, 1)
    for (let at = 0; at < 2 * MIB; at += 65_536) {
      client.connection.arrive(bytes.subarray(at, at + 65_536))
    }
    expect(held).toBeGreaterThanOrEqual(2 * MIB)
    expect(held).toBeLessThan(6 * MIB)
  })

  it('counts replies that its peer does not take', async () => {
    let held = 0
    const client = await opened((bytes) => {
      held = bytes
      return true
    })
    await client.secrets
      .port()
      .define({ uuid: A, usage: { type: 'none', id: '' }, ephemeral: false, private: false })
    await client.secrets.port().setValue(A, new Uint8Array(50_000))
    client.connection.reads = false
    client.send('secretGetValue', { secret: handle(A), flags: 0 })
    await settled()
    expect(held).toBeGreaterThan(50_000)
    client.connection.take()
    expect(held).toBe(0)
  })

  it('ends the connection when there is no room for it', async () => {
    const client = await opened((bytes) => bytes < 8_000)
    const xml = `<secret><description>${'x'.repeat(20_000)}</description></secret>`
    const bytes = writeCall('secretDefineXml', { xml, flags: 0 }, 1)
    client.connection.arrive(bytes.subarray(0, 4_000))
    expect(client.connection.isDestroyed).toBe(false)
    client.connection.arrive(bytes.subarray(4_000, 9_000))
    expect(client.connection.isDestroyed).toBe(true)
    await client.served.closed
  })
})
