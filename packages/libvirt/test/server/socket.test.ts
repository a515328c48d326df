import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServedLibvirt, serveLibvirt } from '@secreg/libvirt/server'
import { waitFor } from '@secreg/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/wire/frame-reader.ts'
import { writeCall } from '../../src/wire/remote-frames.ts'
import { MemorySecrets } from '../memory-port.ts'
import { A, handle } from './client.ts'
import { transcript } from './replay.ts'

const VALUE = new Uint8Array(65_536).fill(7)

describe('serveLibvirt over a socket', () => {
  let directory: string
  let path: string
  let server: Server
  let secrets: MemorySecrets
  const served: ServedLibvirt[] = []
  const clients: Socket[] = []

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'libvirt-'))
    path = join(directory, 's')
    secrets = new MemorySecrets()
    secrets.put({ uuid: A, usage: { type: 'none', id: '' }, ephemeral: false, private: false })
    server = createServer({ allowHalfOpen: true }, (socket) => {
      served.push(serveLibvirt(socket, { portOf: () => secrets.port(), readOnly: false }))
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await Promise.all(served.splice(0).map(({ closed }) => closed))
    await new Promise((resolve) => server.close(resolve))
    rmSync(directory, { recursive: true, force: true })
  })

  async function client(): Promise<{
    socket: Socket
    received: () => Buffer
    ended: () => boolean
  }> {
    const socket = connect(path)
    clients.push(socket)
    const chunks: Buffer[] = []
    let ended = false
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => {
      ended = true
    })
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    return { socket, received: () => Buffer.concat(chunks), ended: () => ended }
  }

  function serials(bytes: Uint8Array): number[] {
    const reader = new FrameReader()
    reader.push(bytes)
    const found: number[] = []
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      found.push(frame.serial)
    }
    return found
  }

  it('plays a whole recorded connection and closes it', async () => {
    const lines = transcript('connect-close.jsonl')
    const { socket, received, ended } = await client()
    for (const { dir, bytes } of lines) if (dir === 'c2s') socket.write(bytes)
    await waitFor(() => ended())
    const recorded = lines.filter(({ dir }) => dir === 's2c').map(({ bytes }) => bytes)
    expect(received()).toEqual(Buffer.concat(recorded))
  })

  it('answers what was asked by one that has said all it has to', async () => {
    const { socket, received, ended } = await client()
    socket.write(writeCall('connectOpen', { name: undefined, flags: 0 }, 0))
    socket.end(writeCall('connectNumOfSecrets', undefined, 1))
    await waitFor(() => ended())
    expect(serials(received())).toEqual([0, 1])
  })

  it('sends all of what was asked for, and wipes no value before it has left', async () => {
    await secrets.port().setValue(A, VALUE)
    const { socket, received } = await client()
    socket.write(writeCall('connectOpen', { name: undefined, flags: 0 }, 0))
    const calls = 200
    for (let serial = 1; serial <= calls; serial++) {
      socket.write(writeCall('secretGetValue', { secret: handle(A), flags: 0 }, serial))
    }
    await waitFor(() => serials(received()).length === calls + 1)
    expect(serials(received())).toEqual([...Array(calls + 1).keys()])
    const sevens = received().reduce((count, byte) => count + (byte === 7 ? 1 : 0), 0)
    // And one more, in the serial 7.
    expect(sevens).toBeGreaterThan(calls * VALUE.length)
  })
})
