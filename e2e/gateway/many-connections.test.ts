/**
 * class 16: ten thousand clients that keep their connections, with the default configuration: all of them are held and
 * served, nobody else waits for them, memory stays within what the configuration says, and nothing of them remains.
 */
import { readFileSync } from 'node:fs'
import { RawConnection, rawRequest, skipTest, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { descriptors, MIB, processesOf, residentBytes } from '../lib/gateway-processes.ts'
import { makeCaller, startGatewaySite } from '../lib/gateway-site.ts'
import { jsonHeaders } from '../lib/json-headers.ts'
import { Probe, slowdown } from '../lib/probe.ts'

const COUNT = 10_000
/** `http.max_connections` unless told. */
const MAX_CONNECTIONS = 10_240
/** `http.buffer_bytes` unless told. */
const BUFFER_BYTES = 64 * MIB
/**
 * What one idle connection costs in all processes together; measured are about 13 KiB, and 24 KiB after several rounds,
 * for a heap is not tidied before it has to be.
 */
const CONNECTION_BYTES = 32 * 1024
/** Others may be slower by this while all are held; measured is about 1. */
const FACTOR = 5
/** More connections than this at once would wait in the queue of the kernel. */
const AT_ONCE = 200
/** Rounds in which all come and go: what grows with each is a leak. */
const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 2)

const HEALTH = rawRequest('GET', '/health')

test(`class 16: ${COUNT} connections that are kept`, {
  timeout: 60_000 * ROUNDS,
}, async (context) => {
  const limit = Number(
    /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1],
  )
  const needed = MAX_CONNECTIONS + 1000
  if (limit < needed) skipTest(context, `${limit} open files are allowed, ${needed} are needed`)
  await using running = await startGatewaySite({ http: 'workers = 2\nidle_timeout = 3600' })
  const { site, admin, gateway } = running
  const token = await makeCaller(admin, 'alice')
  await admin.ok('policy', { op: 'set', document: READS_SETEC })
  const put = rawRequest('POST', '/api/put', jsonHeaders(token), '{"Name":"a","Value":"dmFsdWU="}')
  const get = rawRequest('POST', '/api/get', jsonHeaders(token), '{"Name":"a"}')
  const pids = processesOf(gateway.child)

  // Until both workers have a connection to the daemon, and code that is warm.
  const { secret } = await admin.ok('token', { op: 'create', boundary: 'full' })
  const metrics = rawRequest('GET', '/metrics', { Authorization: `Bearer ${secret}` })
  let asked = put
  await waitFor(
    async () => {
      using warm = await RawConnection.open(gateway.port)
      expect((await warm.ask(asked)).status).toBe(200)
      asked = get
      return /^secreg_gateway_daemon_connected 1$/m.test((await warm.ask(metrics)).body)
    },
    { what: 'both workers to have asked the daemon' },
  )
  using probe = await Probe.open(gateway.port, get)
  await probe.medianMs(300)
  const before = { ms: await probe.medianMs(300), bytes: residentBytes(pids) }
  const descriptorsBefore = descriptors(pids)

  for (let round = 0; round < ROUNDS; round++) {
    const held = await openMany(gateway.port, get)
    // A process has one more for a moment now and then, for a file that it reads.
    await waitFor(() => descriptors(pids) - descriptorsBefore === COUNT, {
      what: 'a descriptor for each connection, and no other',
    })
    const heldMs = await probe.medianMs(300)
    const bytes = residentBytes(pids)
    const figures = {
      connections: COUNT,
      beforeMs: before.ms,
      heldMs,
      beforeBytes: before.bytes,
      bytes,
    }
    process.stderr.write(`${JSON.stringify(figures)}\n`)
    expect(slowdown(before.ms, heldMs)).toBeLessThan(FACTOR)
    expect(bytes).toBeLessThan(before.bytes + BUFFER_BYTES + COUNT * CONNECTION_BYTES)

    // Every one is served again, and none more than may be: it is closed without an answer.
    await inBatches(held, async (one) => expect((await one.ask(HEALTH)).status).toBe(200))
    const more = await Promise.all(
      Array.from({ length: AT_ONCE * 2 }, () =>
        RawConnection.open(gateway.port, { from: '127.0.0.9' }),
      ),
    )
    for (const one of more) one.send(HEALTH)
    const answers = await Promise.all(more.map((one) => one.next()))
    const served = answers.filter((answer) => answer?.status === 200).length
    // The probe is the one that is missing.
    expect(served).toBe(MAX_CONNECTIONS - COUNT - 1)
    expect(held.filter(({ isClosed }) => isClosed)).toEqual([])

    for (const [at, { socket }] of [...held, ...more].entries()) {
      if (at % 2 === 0) socket.end()
      else socket.resetAndDestroy()
    }
    await waitFor(() => descriptors(pids) === descriptorsBefore, {
      what: 'the descriptors of all connections to be closed',
      timeoutMs: 30_000,
    })
    expect(slowdown(before.ms, await probe.medianMs(100))).toBeLessThan(FACTOR)
  }
  expect(gateway.child.stderr()).not.toContain('a worker has ended')
  expect(site.records().filter(({ body }) => body.outcome !== 'ok')).toEqual([])
})

const READS_SETEC = {
  id: 'reads-setec',
  rules: [
    {
      id: 'all',
      effect: 'allow',
      principals: ['user:alice'],
      actions: ['read', 'decrypt', 'create', 'update', 'create-version'],
      resources: ['/setec/**'],
    },
  ],
}

/** Open all from four addresses, each with a first request: some cheap, some for a secret. */
async function openMany(port: number, get: string): Promise<RawConnection[]> {
  const opened: RawConnection[] = []
  while (opened.length < COUNT) {
    const batch = Array.from({ length: AT_ONCE }, async (_, at) => {
      const connection = await RawConnection.open(port, { from: `127.0.0.${2 + (at % 4)}` })
      expect((await connection.ask(at % 20 === 0 ? get : HEALTH)).status).toBe(200)
      return connection
    })
    opened.push(...(await Promise.all(batch)))
  }
  return opened
}

async function inBatches<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += AT_ONCE) {
    await Promise.all(all.slice(at, at + AT_ONCE).map(act))
  }
}
