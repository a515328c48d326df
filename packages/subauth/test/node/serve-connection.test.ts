import { formatRequest, REFUSALS } from '@secreg/subauth'
import { SubauthClient } from '@secreg/subauth/node'
import { waitFor } from '@secreg/testkit'
import { connectSeqpacket, type SeqpacketSocket } from '@secreg/unix-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { modelSite } from '../model-port.ts'
import { GENEROUS } from '../server/ports.ts'
import { requireSeqpacket, type SeqpacketSite, subauthSite } from './seqpacket-site.ts'

let sites: SeqpacketSite[] = []
beforeEach((context) => requireSeqpacket(context))
afterEach(async () => {
  for (const site of sites) await site.close()
  sites = []
})

async function serving(...given: Parameters<typeof subauthSite>): Promise<SeqpacketSite> {
  const site = await subauthSite(...given)
  sites.push(site)
  return site
}

/** A client that does as it likes. */
function rude(path: string): { socket: SeqpacketSocket; got: string[]; closed: Promise<void> } {
  const socket = connectSeqpacket({ path })
  const got: string[] = []
  socket.on('error', () => {})
  socket.on('packet', ({ data }) => got.push(data.toString()))
  return { socket, got, closed: new Promise((resolve) => socket.on('close', () => resolve())) }
}

const NOP = Buffer.from('{"cmd":"nop"}')
const OK = '{"error":""}'
const refusal = (reason: keyof typeof REFUSALS) => JSON.stringify({ error: REFUSALS[reason].text })

describe('over a socket', () => {
  test('a client that does not wait has its replies in order, one packet each', async () => {
    const { path } = await serving(modelSite().portOf(0, 'root'))
    const { got, socket } = rude(path)
    for (let n = 0; n < 500; n++) {
      socket.send(formatRequest({ cmd: 'create-acct', zone: 'mail', login: 'alice' }))
      socket.send(formatRequest({ cmd: 'delete-acct', zone: 'mail', login: 'alice' }))
    }
    await waitFor(() => got.length === 1000)
    expect(new Set(got)).toEqual(new Set([OK]))
    socket.destroy()
  })

  test('a client that never reads holds up itself alone', async () => {
    const { path, served } = await serving(GENEROUS)
    const { got, socket } = rude(path)
    socket.pause()
    const many = 20_000
    for (let n = 0; n < many; n++) socket.send(NOP)
    const other = await SubauthClient.connect({ path })
    for (let n = 0; n < 100; n++) await other.nop()
    await other.close()
    await waitFor(() => served[0]?.busy)
    socket.resume()
    await waitFor(() => got.length === many, { timeoutMs: 30_000 })
    expect(new Set(got)).toEqual(new Set([OK]))
    socket.destroy()
  })

  test.each([16_385, 200 * 1024])('a packet of %d bytes is not parsed', async (bytes) => {
    const { path } = await serving(GENEROUS)
    const { closed, got, socket } = rude(path)
    socket.send(Buffer.from('{"cmd":"nop"}'.padEnd(bytes)))
    await closed
    expect(got).toEqual([refusal('TOO_LONG')])
  })

  test('a packet of 16,384 bytes is', async () => {
    const { path } = await serving(GENEROUS)
    const { got, socket } = rude(path)
    socket.send(Buffer.from('{"cmd":"nop"}'.padEnd(16_384)))
    await waitFor(() => got.length === 1)
    expect(got).toEqual([OK])
    socket.destroy()
  })

  test('what is no object ends the connection behind its error', async () => {
    const { path } = await serving(GENEROUS)
    const { closed, got, socket } = rude(path)
    for (const packet of [NOP, Buffer.from([0xff]), NOP, NOP]) socket.send(packet)
    await closed
    expect(got).toEqual([OK, refusal('MALFORMED')])
  })

  test('clients that send and go away disturb nobody', async () => {
    const { path, served } = await serving(GENEROUS)
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const { closed, socket } = rude(path)
        socket.on('connect', () => {
          for (let n = 0; n < 10; n++) socket.send(NOP)
          socket.destroy()
        })
        await closed
      }),
    )
    const client = await SubauthClient.connect({ path })
    await client.nop()
    await client.close()
    await waitFor(() => served.length === 101)
    await Promise.all(served.map(({ closed }) => closed))
  })

  test('200 connections at once are all served', async () => {
    const { path } = await serving(GENEROUS)
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => SubauthClient.connect({ path })),
    )
    await Promise.all(clients.map((client) => client.nop()))
    await Promise.all(clients.map((client) => client.close()))
  })

  test('an idle one ends', async () => {
    const { path, served } = await serving(GENEROUS, { idleTimeoutMs: 30 })
    const { closed } = rude(path)
    await closed
    await served[0]?.closed
  })
})
