/** Many clients of setec's API at once, and the death of a process under them: numbers, winners, and what was acknowledged. */
import { freePort } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { GatewaySite, makeToken, startGatewaySite } from '../lib/gateway-site.ts'
import { base64, callSetec, makeSetecCaller, secretIn } from '../lib/setec-call.ts'
import { readLog } from '../lib/site.ts'

vi.setConfig({ testTimeout: 120_000 })

const CLIENTS = 64
const TWO_WORKERS = 'workers = 2'

const numbers = (length: number): number[] => Array.from({ length }, (_, at) => at + 1)
const inOrder = (a: number, b: number): number => a - b

test('of 40 who create one version, one does, and all read his value', async () => {
  await using started = await startGatewaySite({ http: TWO_WORKERS })
  const { site, admin } = started
  const { secret } = await makeSetecCaller(admin, 'ann')
  const base = site.at(secret)
  // Of a secret that is not there yet, of one that is, and of a number below the active one.
  for (const Version of [20_260_102, 20_260_103, 7]) {
    const replies = await Promise.all(
      numbers(40).map((at) =>
        callSetec(base, 'create-version', {
          Name: 'signing/key',
          Version,
          Value: base64(`of ${at}, ${Version}`),
        }),
      ),
    )
    const winners = replies.flatMap(({ status }, at) => (status === 200 ? [at + 1] : []))
    const losers = replies.filter(({ status }) => status === 412)
    expect([winners.length, losers.length]).toEqual([1, 39])
    const read = await callSetec(base, 'get', { Name: 'signing/key' })
    expect(secretIn(read)).toBe(`of ${winners[0]}, ${Version}`)
    expect(read.json.Version).toBe(Version)
  }
  const outcomes = site
    .records()
    .filter(({ body }) => body.detail === 'setec create-version')
    .map(({ body }) => body.outcome)
  expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(3)
  expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(3 * 39)
})

test('what 64 clients put gets numbers without a gap and without a repetition', async () => {
  const rounds = 5
  await using started = await startGatewaySite({ http: TWO_WORKERS })
  const { site, admin } = started
  const first = await makeSetecCaller(admin, 'ann')
  const tokens = [first.secret]
  while (tokens.length < CLIENTS) tokens.push((await makeToken(admin, 'ann')).secret)
  const put = new Map<number, string>()
  const repeated: number[] = []
  await Promise.all(
    tokens.map(async (token, client) => {
      let before = 0
      for (const round of numbers(rounds)) {
        const value = `of ${client}, ${round}`
        const reply = await callSetec(site.at(token), 'put', { Name: 'n', Value: base64(value) })
        expect(reply.status, reply.text).toBe(200)
        const number = Number(reply.text)
        // For each client they grow.
        expect(number).toBeGreaterThan(before)
        before = number
        if (put.has(number)) repeated.push(number)
        put.set(number, value)
      }
    }),
  )
  expect(repeated).toEqual([])
  const all = numbers(CLIENTS * rounds)
  expect([...put.keys()].sort(inOrder)).toEqual(all)
  const base = site.at(first.secret)
  const info = await callSetec(base, 'info', { Name: 'n' })
  expect(info.json).toEqual({ Name: 'n', Versions: all, ActiveVersion: 1 })
  await Promise.all(
    all.map(async (Version) => {
      const reply = await callSetec(base, 'get', { Name: 'n', Version })
      expect([reply.json.Version, secretIn(reply)]).toEqual([Version, put.get(Version)])
    }),
  )
  const recorded = site
    .records()
    .filter(({ body }) => body.detail === 'setec put')
    .map(({ body }) => body.versions?.[0] ?? 0)
  expect(recorded.sort(inOrder)).toEqual(all)
})

/** What was answered with its number, by name and number. */
type Acknowledged = Map<string, Map<number, string>>

/** Put by 16 clients into 4 secrets until they are stopped, and do something once so many puts are acknowledged. */
async function putUntil(
  base: string,
  acknowledged: Acknowledged,
  { round, count, then }: { round: number; count: number; then: () => void },
): Promise<void> {
  let done = 0
  await Promise.all(
    numbers(16).map(async (client) => {
      const Name = `key/${client % 4}`
      for (let at = 0; done < count; at++) {
        const value = `of ${client} in ${round}, ${at}`
        const reply = await callSetec(base, 'put', { Name, Value: base64(value) }).catch(() => null)
        if (reply?.status !== 200) continue
        const of = acknowledged.get(Name) ?? new Map<number, string>()
        acknowledged.set(Name, of.set(Number(reply.text), value))
        if (++done === count) then()
      }
    }),
  )
}

async function expectThere(base: string, acknowledged: Acknowledged): Promise<void> {
  for (const [Name, values] of acknowledged) {
    const { json } = await callSetec(base, 'info', { Name })
    const kept: number[] = json.Versions
    // Of what was not acknowledged some is there as well, but no number is left out.
    expect(kept).toEqual(numbers(kept.length))
    const replies = await Promise.all(
      [...values].map(async ([Version, value]) => {
        const reply = await callSetec(base, 'get', { Name, Version })
        return [Version, reply.status, reply.status === 200 && secretIn(reply) === value]
      }),
    )
    expect(replies.filter(([, , same]) => same !== true)).toEqual([])
  }
}

test('the daemon is killed under them: every acknowledged put is there', async () => {
  const port = await freePort()
  await using site = new GatewaySite({ http: `listen = "127.0.0.1:${port}"` })
  let daemon = await site.start()
  const admin = await site.initialize()
  const { secret } = await makeSetecCaller(admin, 'ann')
  admin.close()
  await site.startGateway()
  const base = site.at(secret)
  const acknowledged: Acknowledged = new Map()
  for (const [round, count] of [23, 140, 61].entries()) {
    const dying = daemon
    await putUntil(base, acknowledged, { round, count, then: () => dying.signal('SIGKILL') })
    await dying.exit
    daemon = await site.start()
    ;(await site.unlock()).close()
    await site.ready()
    await expectThere(base, acknowledged)
  }
  const total = [...acknowledged.values()].reduce((sum, { size }) => sum + size, 0)
  expect(total).toBeGreaterThanOrEqual(23 + 140 + 61)
  // The log is whole, and names each of them once.
  const recorded = readLog(site.audit)
    .lines.filter(({ body }) => body.detail === 'setec put' && body.outcome === 'ok')
    .map(({ body }) => `${body.paths[0]} ${body.versions?.[0]}`)
  expect(new Set(recorded).size).toBe(recorded.length)
  for (const [name, values] of acknowledged) {
    for (const number of values.keys()) {
      expect(recorded).toContain(`/setec/${name.replace('/', '%2F')} ${number}`)
    }
  }
})

test('the gateway is killed under them: every acknowledged put is there, and the daemon goes on', async () => {
  const port = await freePort()
  await using site = new GatewaySite({ http: `listen = "127.0.0.1:${port}"` })
  await site.start()
  using admin = await site.initialize()
  const { secret } = await makeSetecCaller(admin, 'ann')
  const acknowledged: Acknowledged = new Map()
  let { child } = await site.startGateway()
  const base = site.at(secret)
  for (const [round, count] of [35, 80].entries()) {
    const dying = child
    await putUntil(base, acknowledged, { round, count, then: () => dying.signal('SIGKILL') })
    await dying.exit
    expect(await admin.ok('status', {})).toMatchObject({ state: 'unsealed' })
    child = (await site.startGateway()).child
    await expectThere(base, acknowledged)
  }
})
