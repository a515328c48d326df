/**
 * The Secrets API under load and with what it reports to away: nothing is lost, neither what is written nor what is
 * recorded, and nobody who is slow costs more than his part.
 */
import { rmSync } from 'node:fs'
import { waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillDisk } from '../lib/fill-disk.ts'
import { MIB, processesOf, residentBytes } from '../lib/gateway-processes.ts'
import { ask, basic } from '../lib/http-ask.ts'
import { expectCode, expectReply, type SecretsReply } from '../lib/secrets-call.ts'
import { memoryOf } from '../lib/secrets-memory.ts'
import { OPEN, openSecretsDesk, type SecretsDesk } from '../lib/secrets-site.ts'
import { SecretsStream } from '../lib/secrets-stream.ts'
import { ADMIN, PASSWORD } from '../lib/site.ts'
import { mountSmallDisk, type SmallDisk } from '../lib/small-disk.ts'

const kv = (path: string): string => `openbao+kv2://secret/${path}`

const ENV = { ...OPEN, VAULT_TIMEOUT: '30', VAULT_MAX_CONCURRENT_OPERATIONS: '64' }

let desk: SecretsDesk
beforeAll(async () => {
  desk = await openSecretsDesk({
    env: ENV,
    issuers: [{ name: 'idp' }],
    kafka: 'crud',
    // Whoever takes nothing for so long is cut off.
    http: 'body_timeout = 2',
  })
})
afterAll(() => desk?.[Symbol.asyncDispose]())

/** What became of one write: the key that it was of, its value, and whether it was done. */
interface Write {
  readonly path: string
  readonly key: string
  readonly value: string
  readonly status: number
}

const PATHS = Array.from({ length: 16 }, (_, at) => `shared/${at}`)

/** Write one key each in bulk requests of 20. */
async function bulkWrites(requests: number): Promise<Write[]> {
  const all = Array.from({ length: requests }, async (_, request) => {
    const items = Array.from({ length: 20 }, (_, at) => ({
      path: PATHS[(request + at) % PATHS.length] as string,
      key: `bulk-${request}-${at}`,
      value: `value ${request} ${at}`,
    }))
    const operations = items.map(({ path, key, value }) => {
      return { op: 'set', uri: `${kv(path)}#${key}`, value }
    })
    const { json } = await desk.caller.ask('POST', '/bulk', { body: { operations } })
    return items.map((item, at) => ({ ...item, status: json.results[at].status as number }))
  })
  return (await Promise.all(all)).flat()
}

/** Copy one key to another of each secret. */
async function copies(count: number): Promise<Write[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const [path, key] = [PATHS[at % PATHS.length] as string, `copy-${at}`]
      const body = { fromUri: kv('app/test#value'), toUri: `${kv(path)}#${key}` }
      const { status } = await desk.caller.ask('POST', '/copy', { body })
      return { path, key, value: 'two', status }
    }),
  )
}

test('of a thousand writes and copies at once to a few secrets, none is lost', async () => {
  const writes = (await Promise.all([bulkWrites(40), copies(200)])).flat()
  expect(writes).toHaveLength(1000)
  for (const { status } of writes) expect([200, 409, 429]).toContain(status)
  const done = writes.filter(({ status }) => status === 200)
  expect(done.length).toBeGreaterThan(500)
  for (const path of PATHS) {
    const { data, version } = (await desk.kv.read(path)) ?? { data: {}, version: 0 }
    const mine = done.filter((write) => write.path === path)
    expect(data).toEqual(Object.fromEntries(mine.map(({ key, value }) => [key, value])))
    expect(version).toBe(mine.length)
  }
}, 60_000)

/** So many events, of which no provider knows; long ones, by the name of who asks. */
async function happen(count: number): Promise<void> {
  const operations = Array.from({ length: 100 }, () => {
    return { op: 'delete', uri: 'openbao+kv2://of-nobody/a' }
  })
  const token = desk.issuer.token('x'.repeat(500))
  let left = count / operations.length
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      expectReply(await desk.caller.ask('POST', '/bulk', { body: { operations }, token }), 207)
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
}

/** Streams that the gateway follows. */
async function streams(): Promise<number> {
  const { text } = await ask(`${desk.http}/metrics`, { headers: basic(ADMIN, PASSWORD) })
  return Number(/^secreg_gateway_event_streams (\d+)$/m.exec(text)?.[1])
}

test('K16: who listens and does not read is cut off, and costs little until then', async () => {
  const { daemon, gateway } = desk.running
  await happen(1000)
  using slow = await SecretsStream.open(desk.http)
  using quick = await SecretsStream.open(desk.http)
  slow.pause()
  const memory = () => memoryOf(daemon.pid) + residentBytes(processesOf(gateway.child))
  expect(await streams()).toBe(2)
  const before = memory()
  await happen(10_000)
  await waitFor(
    async () => {
      await happen(500)
      return (await streams()) === 1
    },
    { timeoutMs: 40_000, intervalMs: 200, what: 'the slow one to be cut off' },
  )
  // Most of it is what heaps grow by until they are collected.
  expect(memory() - before).toBeLessThan(192 * MIB)
  slow.resume()
  await waitFor(() => slow.ended)
  const { json } = await desk.caller.ask('GET', '/audit', { query: { limit: '1' } })
  const [{ event_id: last }] = json.items
  await waitFor(() => quick.text.includes(last))
  expect(quick.ended).toBe(false)
}, 60_000)

test('of streams there are sixteen, and of one that ends another takes the place', async () => {
  const streams: SecretsStream[] = []
  /** Of one that has ended, the place is free once the daemon has answered its last question. */
  const open = (): Promise<true> =>
    waitFor(
      async () => {
        const stream = await SecretsStream.open(desk.http)
        if (stream.status !== 200) return false
        streams.push(stream)
        return true
      },
      { intervalMs: 100 },
    )
  try {
    while (streams.length < 16) await open()
    using more = await SecretsStream.open(desk.http)
    expect(more.status).toBe(429)
    // Whoever asks for something else does not wait for them.
    expectReply(await desk.caller.value(kv('app/test#value')), 200, { value: 'two' })
    streams.pop()?.[Symbol.dispose]()
    await open()
  } finally {
    for (const stream of streams) stream[Symbol.dispose]()
  }
})

test('K13: what a broker that is away is not told, it is told later, also by a daemon that was killed', async () => {
  const ids = (topic: string): string[] =>
    desk.broker.records(topic).map(({ value }) => JSON.parse(value ?? '').event_id)
  await desk.broker.stop()
  const correlations = Array.from({ length: 20 }, (_, at) => `case-k13-${at}`)
  const written: string[] = []
  for (const correlation_id of correlations) {
    const headers = { 'X-Correlation-Id': correlation_id }
    const body = { uri: kv('spooled/one#k'), value: correlation_id }
    expectReply(await desk.caller.ask('POST', '', { body, headers }), 200)
    const { json } = await desk.caller.ask('GET', '/audit', { query: { correlation_id } })
    expect(json.items).toMatchObject([{ event_type: expect.stringMatching(/^SECRET_(?:CRE|UPD)/) }])
    written.push(json.items[0].event_id)
  }
  expect(new Set(written).size).toBe(written.length)
  using before = await SecretsStream.open(desk.http)
  expectReply(await desk.caller.write(kv('spooled/one#k'), 'before'), 200)
  await before.frame(() => true)
  const lastEventId = String(before.frames.at(-1)?.id)
  await desk.restart(ENV, 'SIGKILL')
  await waitFor(() => before.ended)
  await desk.broker.start()
  for (const topic of ['crud.secrets', 'crud.secrets.audit']) {
    await waitFor(() => written.every((id) => ids(topic).includes(id)), {
      timeoutMs: 40_000,
      what: `${topic} to be told`,
    })
  }
  // K08: Places in the stream are those of before.
  expectReply(await desk.caller.write(kv('spooled/one#k'), 'after'), 200)
  using after = await SecretsStream.open(desk.http, { lastEventId })
  const { id } = await after.frame(() => true)
  expect(id).toBeGreaterThan(Number(lastEventId))
}, 60_000)

test('no value and no name of a secret is where it was not told', () => desk.expectNoLeak())

test('K14: what cannot be recorded is not done', async (context) => {
  let disk: SmallDisk | undefined
  await using full = await openSecretsDesk({
    env: { ...OPEN, SECRETS_AUDIT_MODE: 'required' },
    audit: 'free_warning = 0\nfree_low = 0\nfree_least = 0',
    prepare: async (site) => {
      disk = await mountSmallDisk(context, site, { part: 'audit' })
      return disk
    },
  })
  const filling = `${disk?.path}/filling`
  const read = (): Promise<SecretsReply> => full.caller.value(kv('app/test#value'))
  expectReply(await read(), 200, { value: 'two' })
  await waitFor(
    async () => {
      fillDisk(filling)
      return (await read()).status === 503
    },
    { intervalMs: 1, timeoutMs: 30_000 },
  )
  const { mark } = full.kv
  for (let time = 0; time < 20; time++) {
    for (const reply of [await read(), await full.caller.write(kv('app/full#k'), 'x')]) {
      expectCode(reply, 503, 'AUDIT_UNAVAILABLE')
      expect(reply.text).not.toContain('two')
    }
  }
  expect(full.kv.requests(mark)).toEqual([])
  rmSync(filling)
  await waitFor(async () => (await read()).status === 200, { timeoutMs: 30_000 })
}, 60_000)
