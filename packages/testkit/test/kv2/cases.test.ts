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

let standIn: Kv2StandIn
let runner: Kv2CaseRunner

beforeAll(async () => {
  standIn = await Kv2StandIn.start({ requestTimeoutMs: 500 })
  const advance = async (milliseconds: number): Promise<void> => standIn.advance(milliseconds)
  runner = new Kv2CaseRunner({ url: standIn.url, token: standIn.rootToken, advance })
})
afterAll(() => standIn.close())

const chosen = CASES.filter(({ group }) => GROUPS.includes(group))

describe.each(GROUPS)('%s', (group) => {
  const cases = chosen.filter((one) => one.group === group && !Object.hasOwn(LEFT_OUT, one.id))
  test.each(cases.map((one) => [one.id, one] as const))('%s', async (_id, one) => {
    expect(await runner.run(one)).toEqual([])
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
