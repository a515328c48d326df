/** Who may ask by AuthZEN, what answers tell, and requests that cost more than their length says. */
import { createCanary } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ACTION_SEARCH,
  AuthzenDesk,
  EVALUATION,
  EVALUATIONS,
  question,
  user,
} from '../lib/authzen-desk.ts'
import {
  MIB,
  operationsOverHttp,
  processesOf,
  processorMs,
  residentBytes,
} from '../lib/gateway-processes.ts'

const canary = createCanary()
const Z01 = question('alice', 'read')
const YES = { decision: true }
const NO = { decision: false }

let desk: AuthzenDesk
beforeAll(async () => {
  desk = await AuthzenDesk.open(canary)
})
afterAll(() => desk[Symbol.asyncDispose]())

describe('who may ask', () => {
  test('of others: nobody without the right, and he is told nothing', async () => {
    const before = desk.running.site.records().length
    const bodies = [
      Z01,
      question('nobody', 'fly'),
      question('alice', 'read', 'none'),
      { ...Z01, resource: { type: 'x', id: 'x' } },
    ]
    const answers = await Promise.all(
      bodies.map((body) => desk.post(EVALUATION, body, {}, desk.bob)),
    )
    expect(answers.map(({ status, json }) => [status, json])).toEqual(
      bodies.map(() => [403, 'permission denied']),
    )
    const evaluations = [{}, { subject: user('nobody') }]
    expect((await desk.post(EVALUATIONS, { ...Z01, evaluations }, {}, desk.bob)).status).toBe(403)
    expect((await desk.post(ACTION_SEARCH, Z01, {}, desk.bob)).status).toBe(403)
    const records = desk.recordsSince(before)
    expect(records).toHaveLength(6)
    for (const one of records) {
      expect(one).toMatchObject({
        outcome: 'denied',
        reason: 'ACCESS_DENIED',
        actor: { user: 'bob' },
      })
    }
  })

  test('of others: whoever has it there, there', async () => {
    expect(await desk.decided(Z01, desk.clerk)).toEqual(YES)
    const elsewhere = { type: 'secret', id: '/owned/his' }
    expect(await desk.decided({ ...Z01, resource: elsewhere }, desk.clerk)).toBe(403)
    const evaluations = [{}, { resource: elsewhere }]
    expect((await desk.post(EVALUATIONS, { ...Z01, evaluations }, {}, desk.clerk)).json).toEqual({
      evaluations: [
        YES,
        { decision: false, context: { error: { status: 403, message: 'permission denied' } } },
      ],
    })
  })

  test('of himself: everybody', async () => {
    expect(await desk.decided(question('bob', 'read'), desk.bob)).toEqual(YES)
    expect(await desk.decided(question('bob', 'write'), desk.bob)).toEqual(NO)
    expect(await desk.decided(question('clerk', 'read'), desk.clerk)).toEqual(NO)
  })

  test('and nothing else about policies comes through a gateway', async () => {
    for (const path of [
      '/registry/policy',
      '/access/v1/search/subject',
      '/access/v1/search/resource',
    ]) {
      expect((await desk.post(path, {})).status).toBe(404)
    }
  })
})

test('nobody here is answered as somebody without rights', async () => {
  const ask = async (id: string, name: string) => {
    const { status, headers, json } = await desk.post(EVALUATION, question(id, name))
    return { status, json, length: headers.get('content-length') }
  }
  for (const name of ['read', 'write', 'delete', 'grant']) {
    const expected = await ask('clerk', name)
    expect(expected.json).toEqual(NO)
    for (const id of ['nobody', 'gone', '', '*', 'a'.repeat(10_000), '../alice', 'alice\u0000']) {
      expect(await ask(id, name)).toEqual(expected)
    }
  }
  // What is allowed to everybody is so for those who are there.
  expect(await desk.decided(question('clerk', 'list'))).toEqual(YES)
  for (const id of ['nobody', 'gone', ''])
    expect(await desk.decided(question(id, 'list'))).toEqual(NO)
})

test('an entry that is not there is answered as one that is, but for what its metadata decide', async () => {
  for (const name of ['read', 'write', 'list', 'grant', 'purge']) {
    for (const who of ['alice', 'bob', 'carol']) {
      const [there, missing] = await Promise.all([
        desk.decided({ ...question(who, name), resource: { type: 'secret', id: '/owned/other' } }),
        desk.decided({
          ...question(who, name),
          resource: { type: 'secret', id: '/owned/missing' },
        }),
      ])
      expect(there).toEqual(missing)
    }
  }
  const metadata = (id: string) =>
    desk.decided({ ...question('bob', 'read_metadata'), resource: { type: 'secret', id } })
  expect(await metadata('/owned/his')).toEqual(YES)
  expect(await metadata('/owned/other')).toEqual(NO)
  expect(await metadata('/owned/missing')).toEqual(NO)
})

describe('hostile requests', () => {
  const repeat = (text: string, count: number): string => Array(count).fill(text).join()
  const text = JSON.stringify(Z01)
  const big = 'a'.repeat(900_000)
  const listOf = (defaults: string, item: string): string =>
    `{${defaults}"evaluations":[${repeat(item, 1000)}]}`
  const BODIES: readonly [string, string, number][] = [
    ['arrays without an end', `{"subject":${'['.repeat(1_000_000)}`, 400],
    ['objects within objects', `{"a":`.repeat(150_000), 400],
    [
      'as many members as fit',
      `{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":0`).join()}}`,
      400,
    ],
    ['the same member again and again', `{${repeat('"subject":0', 30_000)}}`, 400],
    ['a list of everything', listOf('', '7').replace('7', repeat('7', 50_000)), 400],
    ['a long id', text.replace('alice', big), 200],
    ['a long type', text.replace('"user"', `"${big}"`), 200],
    ['a long path', text.replace('/record/record-1', `/${big}`), 200],
    ['a long action', text.replace('"read"', `"${big}"`), 200],
    [
      'a long id of a thousand questions',
      listOf(`${text.slice(1, -1).replace('alice', big)},`, '{}'),
      200,
    ],
    [
      'a long resource of a thousand',
      listOf(
        `${text.slice(1, -1).replace('/record/record-1', `secreg:/${'/a'.repeat(400_000)}`)},`,
        '{}',
      ),
      200,
    ],
    [
      'a thousand subjects that are none',
      listOf(
        `"action":{"name":"read"},"resource":{"type":"secret","id":"/record/a"},`,
        '{"subject":{"type":"user","id":"\\u0000"}}',
      ),
      200,
    ],
    ['half a character', text.replace('alice', '\\ud800'), 400],
    ['a thousand items that are none', listOf('', 'null'), 200],
    ['names of prototypes', `{"__proto__":{"subject":1},"constructor":1,${text.slice(1)}`, 200],
    [
      'subjects of prototypes',
      text.replace('"user"', '"__proto__"').replace('alice', 'constructor'),
      200,
    ],
    ['numbers that grow', `{"a":[${repeat('1e300', 30_000)}],${text.slice(1)}`, 200],
  ]

  test.each(BODIES)('%s', async (_what, body, expected) => {
    const pids = processesOf(desk.running.gateway.child)
    const before = residentBytes([...pids, desk.running.daemon.pid])
    const path = body.includes('"evaluations"') ? EVALUATIONS : EVALUATION
    const startedMs = processorMs([...pids, desk.running.daemon.pid])
    const { status, json } = await desk.post(path, body)
    expect(status).toBe(expected)
    expect(JSON.stringify(json).length).toBeLessThan(200_000)
    // Far more than it takes, far less than work that grows with the square of the body.
    const tookMs = processorMs([...pids, desk.running.daemon.pid]) - startedMs
    expect(tookMs).toBeLessThan(10_000)
    expect(residentBytes([...pids, desk.running.daemon.pid])).toBeLessThan(before + 256 * MIB)
    expect(processesOf(desk.running.gateway.child)).toEqual(pids)
    expect((await desk.post(EVALUATION, Z01)).json).toEqual(YES)
  })

  test('what is no JSON, or from nobody, never reaches the daemon', async () => {
    const operations = await operationsOverHttp(desk.running.admin)
    await desk.post(EVALUATION, `{"subject":"${canary}`)
    await desk.post(EVALUATION, `{"a":1,"a":"${canary}"}`)
    await desk.post(EVALUATION, Z01, {}, null)
    await desk.post(EVALUATION, Z01, { Origin: 'https://evil.example' })
    expect(await operationsOverHttp(desk.running.admin)).toBe(operations)
    const { status, json } = await desk.post(EVALUATION, Z01, { Origin: 'https://evil.example' })
    expect([status, typeof json]).toEqual([403, 'string'])
  })

  test('a body over a mebibyte is not read', async () => {
    expect((await desk.post(EVALUATION, text.padEnd(MIB))).json).toEqual(YES)
    expect((await desk.post(EVALUATION, text.padEnd(MIB + 1))).status).toBe(413)
  })
})

test('nothing of a question but paths and numbers is in the log of the gateway or the daemon', async () => {
  const secret = createCanary()
  await desk.decided({ ...question(secret, secret), context: { secret }, more: secret })
  await desk.post(EVALUATION, { ...Z01, subject: { type: secret } }, { 'X-Request-ID': secret })
  const { site, daemon, gateway } = desk.running
  const logs = [daemon, gateway.child].flatMap((child) => [child.stderr(), child.stdout()])
  expect(logs.join('')).not.toContain(secret)
  expect(JSON.stringify(site.records())).not.toContain(secret)
})
