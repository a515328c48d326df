/** The stand-in answers as the conformance cases say; those that it cannot get are listed with the reason. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadJsonLines } from '../../src/index.ts'
import { type Kv2Case, Kv2CaseRunner, Kv2StandIn } from '../../src/kv2.ts'

const CASES = loadJsonLines<Kv2Case>(new URL('../vectors/kv2-cases.jsonl', import.meta.url))

const GROUPS = [
  ...['envelope', 'config', 'write', 'read', 'patch', 'softdelete'],
  ...['prune', 'dva', 'meta', 'list', 'subkeys', 'limits'],
]

const NO_VERB = "Node's HTTP parser refuses the verb before there is a request"

/** Cases that do not run here, closed: a case that is not named must pass. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'list.verb-root': NO_VERB,
  'list.verb-root-slash': NO_VERB,
  'list.verb-folder': NO_VERB,
  'list.scan-verb': NO_VERB,
}

/** Cases that wait for a request to time out. */
const SLOW = new Set(['limits.content-length-lie', 'limits.slow-headers'])

const standIns: Kv2StandIn[] = []
let runner: Kv2CaseRunner
let impatient: Kv2CaseRunner

async function start(requestTimeoutMs: number): Promise<Kv2CaseRunner> {
  // Time passes where a case says so, and not while it is run.
  const startMs = Date.now()
  const standIn = await Kv2StandIn.start({ requestTimeoutMs, nowMs: () => startMs })
  standIns.push(standIn)
  const advance = async (milliseconds: number): Promise<void> => standIn.advance(milliseconds)
  return new Kv2CaseRunner({ url: standIn.url, token: standIn.rootToken, advance })
}

beforeAll(async () => {
  runner = await start(60_000)
  impatient = await start(500)
})
afterAll(async () => {
  for (const standIn of standIns) await standIn.close()
})

const chosen = CASES.filter(({ group }) => GROUPS.includes(group))

describe.each(GROUPS)('%s', (group) => {
  const cases = chosen.filter((one) => one.group === group && !Object.hasOwn(LEFT_OUT, one.id))
  test.each(cases.map((one) => [one.id, one] as const))('%s', async (id, one) => {
    expect(await (SLOW.has(id) ? impatient : runner).run(one)).toEqual([])
  })
})

test('every group is there, and what is left out is a case whose verb Node refuses', async () => {
  expect(chosen).toHaveLength(220)
  for (const id of Object.keys(LEFT_OUT)) {
    const one = chosen.find((other) => other.id === id) as Kv2Case
    expect(one.request.method).toMatch(/^(?:LIST|SCAN)$/)
    expect(await runner.run(one)).toContain(`status 400, not ${one.expect.status}`)
  }
})
