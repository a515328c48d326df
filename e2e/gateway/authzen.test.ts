/**
 * AuthZEN over real processes: the scenario of its certification with secrets in place of records, hostile requests, and
 * who may ask what. `Z01` and so on are the cases of the Secrets API (section 8).
 */
import { createCanary, RawConnection, rawRequest } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MIB, operationsOverHttp, processesOf, residentBytes } from '../lib/gateway-processes.ts'
import {
  addUser,
  makeToken,
  type StartedGatewaySite,
  startGatewaySite,
} from '../lib/gateway-site.ts'
import { basic, bearer } from '../lib/http-ask.ts'
import type { AuditLine } from '../lib/site.ts'
import type { Wire } from '../lib/wire.ts'

const canary = createCanary()
const EVALUATION = '/access/v1/evaluation'
const EVALUATIONS = '/access/v1/evaluations'
const ACTIONS = '/access/v1/search/action'
const CONFIGURATION = '/.well-known/authzen-configuration'

const allow = (id: string, who: string, actions: string[], resources: string[], more = {}) => ({
  id,
  effect: 'allow',
  principals: [who],
  actions,
  resources,
  ...more,
})
const RULES = {
  id: 'records',
  rules: [
    allow('alice', 'user:alice', ['read', 'decrypt', 'create', 'update'], ['/record/*']),
    allow('bob', 'user:bob', ['read', 'decrypt'], ['/record/record-1']),
    allow('admins', 'group:editors', ['create', 'update'], ['/record/**']),
    allow('soft', 'user:alice', ['delete'], ['/record/*'], { when: { mfa: true } }),
    allow('owned', 'user:bob', ['read-metadata'], ['/owned/**'], {
      when: { metadata: { owner: 'bob' } },
    }),
    allow('open', '*', ['list'], ['/record/**']),
    allow('asks', 'user:pdp', ['policy-read'], ['/**']),
    allow('asks-there', 'user:clerk', ['policy-read'], ['/record/**']),
  ],
}

let running: StartedGatewaySite
let admin: Wire
/** Tokens of services and users. */
let pdp: string
let clerk: string
let bob: string

beforeAll(async () => {
  running = await startGatewaySite({ http: 'workers = 2' })
  ;({ admin } = running)
  await admin.ok('group', { op: 'add', kind: 'group', name: 'editors' })
  for (const user of ['alice', 'bob', 'pdp', 'clerk', 'gone']) await addUser(admin, user)
  await addUser(admin, 'carol', { groups: ['editors'] })
  await admin.ok('user', { op: 'disable', user: 'gone' })
  for (const key of ['/record/record-1', '/owned/his', '/owned/other']) {
    await admin.ok('set', { key, value: canary, encrypt: true })
  }
  await admin.ok('meta', { op: 'set', key: '/owned/his', custom: { owner: 'bob' }, granted: true })
  await admin.ok('policy', { op: 'set', document: RULES })
  ;[pdp, clerk, bob] = (await Promise.all(
    ['pdp', 'clerk', 'bob'].map(async (user) => (await makeToken(admin, user)).secret),
  )) as [string, string, string]
})
afterAll(() => running[Symbol.asyncDispose]())

const user = (id: string) => ({ type: 'user', id })
const record = (id: string) => ({ type: 'secret', id: `/record/${id}` })
const question = (who: string, name: string, what = 'record-1') => ({
  subject: user(who),
  action: { name },
  resource: record(what),
})
const Z01 = question('alice', 'read')

interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  readonly json: any
}

async function post(
  path: string,
  body: object | string,
  headers: Record<string, string> = {},
  token: string | null = pdp,
): Promise<Answer> {
  const response = await fetch(`${running.site.http}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: {
      'Content-Type': 'application/json',
      ...(token === null ? {} : bearer(token)),
      ...headers,
    },
  })
  return { status: response.status, headers: response.headers, json: await response.json() }
}

const decided = async (body: object, token = pdp): Promise<unknown> => {
  const { status, json } = await post(EVALUATION, body, {}, token)
  return status === 200 ? json : status
}

/** Records of the operations of services since then. */
function recordsSince(count: number): AuditLine['body'][] {
  return running.site
    .records()
    .slice(count)
    .map(({ body }) => body)
    .filter(({ action, actor }) => action === 'admin' && actor.door === 'http')
}

const YES = { decision: true }
const NO = { decision: false }

describe('an evaluation', () => {
  test('Z01, Z02: is allowed or denied, and a denial is an answer', async () => {
    const { status, headers, json } = await post(EVALUATION, Z01)
    expect([status, json]).toEqual([200, YES])
    expect(headers.get('content-type')).toBe('application/json')
    expect(await decided(question('bob', 'read'))).toEqual(YES)
    expect(await decided(question('bob', 'write'))).toEqual(NO)
    expect(await decided(question('alice', 'write', 'record-2'))).toEqual(YES)
    expect(await decided(question('carol', 'write'))).toEqual(YES)
    expect(await decided(question('carol', 'read'))).toEqual(NO)
  })

  test('Z03 to Z06: whatever else it says changes nothing', async () => {
    const properties = { status: 'archived', role: 'admin', soft: true, mfa: true, owner: 'bob' }
    const said = (one: typeof Z01) => ({
      more: [{ subject: user('root') }],
      resource: { ...one.resource, properties, more: 1 },
      action: { ...one.action, properties },
      subject: { ...one.subject, properties },
      context: { time: '2024-10-26T01:22-07:00', ...properties },
    })
    expect(await decided(said(Z01))).toEqual(YES)
    expect(await decided(said(question('bob', 'write')))).toEqual(NO)
    expect(await decided(said(question('alice', 'delete')))).toEqual(NO)
    const other = {
      ...question('bob', 'read_metadata'),
      resource: { type: 'secret', id: '/owned/other' },
    }
    expect(await decided(said(other))).toEqual(NO)
  })

  test('Z07, Z08: is refused where something is missing or of a wrong type', async () => {
    const without = (one: object, name: string): object =>
      Object.fromEntries(Object.entries(one).filter(([key]) => key !== name))
    for (const body of [
      {},
      ...Object.keys(Z01).map((name) => without(Z01, name)),
      ...['type', 'id'].map((name) => ({ ...Z01, subject: without(Z01.subject, name) })),
      ...['type', 'id'].map((name) => ({ ...Z01, resource: without(Z01.resource, name) })),
      { ...Z01, action: {} },
      { ...Z01, subject: 'alice' },
      { ...Z01, subject: null },
      { ...Z01, subject: [Z01.subject] },
      { ...Z01, subject: { type: 'user', id: 1 } },
      { ...Z01, action: { name: 123 } },
      { ...Z01, action: 'read' },
      { ...Z01, resource: { type: 'secret', id: { path: '/record/record-1' } } },
      { ...Z01, context: 'x' },
      { ...Z01, subject: { ...Z01.subject, properties: 7 } },
    ]) {
      const { status, json } = await post(EVALUATION, body)
      expect(status, JSON.stringify(body)).toBe(400)
      expect(typeof json).toBe('string')
    }
  })

  test('Z09: is refused where it is not JSON, or not said to be', async () => {
    const text = JSON.stringify(Z01)
    for (const [body, type] of [
      [text, 'text/plain'],
      [text, ''],
      ['{', 'application/json'],
      ['', 'application/json'],
      [`{"subject":${JSON.stringify(user('bob'))},${text.slice(1)}`, 'application/json'],
      [text.replace('"id"', '"id":"/x","id"'), 'application/json'],
    ] as const) {
      const { status, json } = await post(EVALUATION, body, { 'Content-Type': type })
      expect(status, `${type} ${body}`).toBe(400)
      expect(typeof json).toBe('string')
    }
    using client = await RawConnection.open(running.gateway.port)
    const untyped = await client.ask(rawRequest('POST', EVALUATION, bearer(pdp), text))
    expect(untyped.status).toBe(400)
  })

  test('Z10: gets its id back, also with a refusal', async () => {
    const id = 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716'
    for (const [body, token] of [
      [Z01, pdp],
      [{}, pdp],
      [Z01, null],
      [Z01, bob],
    ] as const) {
      const { headers } = await post(EVALUATION, body, { 'X-Request-ID': id }, token)
      expect(headers.get('x-request-id')).toBe(id)
    }
    expect((await post(EVALUATION, Z01)).status).toBe(200)
  })

  test('Z11: is answered the same again and again, and by many at once', async () => {
    const asked = [
      Z01,
      question('bob', 'write'),
      question('nobody', 'read'),
      question('carol', 'write'),
    ]
    const expected = [YES, NO, NO, YES]
    const rounds = await Promise.all(
      Array.from({ length: 50 }, () => Promise.all(asked.map((one) => decided(one)))),
    )
    for (const round of rounds) expect(round).toEqual(expected)
  })

  test('Z12: is answered to nobody who does not say who he is', async () => {
    for (const headers of [{}, bearer('sreg_0123456789abcdef_bad'), basic('pdp', 'guess')]) {
      const { status, headers: got, json } = await post(EVALUATION, Z01, headers, null)
      expect(status).toBe(401)
      expect(got.get('www-authenticate')).toBe('Bearer')
      expect(typeof json).toBe('string')
    }
    for (const headers of [{ 'X-Vault-Token': pdp }, basic(pdp, '')]) {
      expect((await post(EVALUATION, Z01, headers, null)).json).toEqual(YES)
    }
    expect((await post(`/t/${pdp}${EVALUATION}`, Z01, {}, null)).json).toEqual(YES)
  })

  test('is about a place in this registry', async () => {
    const of = (id: string) => decided({ ...Z01, resource: { type: 'secret', id } })
    expect(await of('secreg://record/record-1#token?version=3')).toEqual(YES)
    const elsewhere = {
      decision: false,
      context: { reason: 'the resource is not of this registry' },
    }
    for (const id of [
      'openbao+kv2://record/record-1',
      'yaml://record/record-1',
      '/record/../record/record-1',
      '',
    ]) {
      expect(await of(id)).toEqual(elsewhere)
    }
    const resource = { type: 'record', id: 'record-1' }
    expect(await decided({ ...Z01, resource })).toEqual(elsewhere)
  })

  test('is answered by what is in force at that moment', async () => {
    const dan = question('dan', 'read')
    expect(await decided(dan)).toEqual(NO)
    await addUser(admin, 'dan')
    expect(await decided(dan)).toEqual(NO)
    const document = {
      id: 'dan',
      rules: [allow('r', 'user:dan', ['read', 'decrypt'], ['/record/*'])],
    }
    await admin.ok('policy', { op: 'set', document })
    expect(await decided(dan)).toEqual(YES)
    await admin.ok('user', { op: 'disable', user: 'dan' })
    expect(await decided(dan)).toEqual(NO)
    await admin.ok('user', { op: 'enable', user: 'dan' })
    expect(await decided(dan)).toEqual(YES)
    await admin.ok('policy', { op: 'delete', policy: 'dan' })
    expect(await decided(dan)).toEqual(NO)
  })
})

describe('a list of evaluations', () => {
  const { subject, action, resource } = Z01
  const all = async (body: object): Promise<unknown> => (await post(EVALUATIONS, body)).json

  test('Z20, Z21, Z22: takes what it does not say from beside it', async () => {
    const actions = [{ action: { name: 'read' } }, { action: { name: 'write' } }]
    expect(await all({ subject: user('bob'), resource, evaluations: actions })).toEqual({
      evaluations: [YES, NO],
    })
    expect(await all({ evaluations: [Z01, question('bob', 'write')] })).toEqual({
      evaluations: [YES, NO],
    })
    const evaluations = [{}, { subject: user('bob') }]
    expect(await all({ ...question('alice', 'write'), evaluations })).toEqual({
      evaluations: [YES, NO],
    })
  })

  test('Z23, Z24: denies an item that is wrong, and answers the others', async () => {
    expect(
      await all({ ...Z01, evaluations: [{ resource: { id: '/record/record-2' } }, {}] }),
    ).toEqual({
      evaluations: [
        { decision: false, context: { error: { status: 400, message: 'resource.type: missing' } } },
        YES,
      ],
    })
    expect(await all({ subject, action, evaluations: [{ resource }, {}] })).toEqual({
      evaluations: [
        YES,
        { decision: false, context: { error: { status: 400, message: 'resource: missing' } } },
      ],
    })
  })

  test('Z25, Z26: without items is a single one', async () => {
    expect(await all(Z01)).toEqual(YES)
    expect(await all({ ...Z01, evaluations: [] })).toEqual(YES)
    expect((await post(EVALUATIONS, { subject, action })).status).toBe(400)
    expect((await post(EVALUATIONS, { ...Z01, evaluations: {} })).status).toBe(400)
  })

  test('Z27, Z28, Z29: ends where it is told to', async () => {
    const [permit, deny] = [{}, { subject: user('bob'), action: { name: 'write' } }]
    const end = (evaluations_semantic: string, evaluations: object[]) =>
      post(EVALUATIONS, { ...Z01, evaluations, options: { evaluations_semantic } })
    const answers = async (semantic: string, evaluations: object[]) =>
      (await end(semantic, evaluations)).json.evaluations
    expect(await answers('execute_all', [permit, deny, permit])).toEqual([YES, NO, YES])
    expect(await answers('deny_on_first_deny', [permit, deny, permit])).toEqual([YES, NO])
    expect(await answers('permit_on_first_permit', [permit, deny])).toEqual([YES])
    expect(await answers('permit_on_first_permit', [deny, permit, deny])).toEqual([NO, YES])
    expect((await end('first', [permit])).status).toBe(400)
  })

  test('Z30: takes a context of its own', async () => {
    const evaluations = [{ context: { a: 1 } }, { subject: user('nobody'), context: {} }, {}]
    expect(await all({ ...Z01, context: { b: 2 }, evaluations })).toEqual({
      evaluations: [YES, NO, YES],
    })
  })

  test('of a thousand is one record with all its paths, and one more is refused', async () => {
    const evaluations = Array.from({ length: 1000 }, (_, at) => ({
      resource: record(`record-${at % 10}`),
      subject: user(at % 2 === 0 ? 'alice' : `nobody-${at}`),
    }))
    const before = running.site.records().length
    const { evaluations: answers } = (await post(EVALUATIONS, { action, evaluations })).json
    expect(answers).toEqual(evaluations.map((_, at) => (at % 2 === 0 ? YES : NO)))
    expect(recordsSince(before)).toMatchObject([
      {
        action: 'admin',
        outcome: 'ok',
        detail: 'policy-evaluate',
        count: 1000,
        paths: Array.from({ length: 10 }, (_, at) => `/record/record-${at}`),
        actor: { user: 'pdp', door: 'http', proof: 'credential' },
      },
    ])
    const more = await post(EVALUATIONS, { ...Z01, evaluations: Array(1001).fill({}) })
    expect([more.status, more.json]).toEqual([400, 'evaluations: more than 1000'])
  })
})

test('a search of actions answers what would be allowed, and says nothing of entries', async () => {
  const search = async (body: object) => (await post(ACTIONS, body)).json
  expect(await search({ subject: user('bob'), resource: record('record-1') })).toEqual({
    results: [{ name: 'execute' }, { name: 'read' }, { name: 'list' }, { name: 'decrypt' }],
  })
  for (const what of [
    { subject: user('nobody') },
    { resource: { type: 'record', id: 'record-1' } },
  ]) {
    const body = { subject: user('bob'), resource: record('record-1'), ...what }
    expect(await search(body)).toEqual({ results: [] })
  }
  expect(await search({ subject: user('alice'), resource: record('none') })).toEqual(
    await search({ subject: user('alice'), resource: record('record-1') }),
  )
  expect((await post(ACTIONS, { subject: { type: 'user' }, resource: record('a') })).status).toBe(
    400,
  )
})

describe('who may ask', () => {
  test('of others: nobody without the right, and he is told nothing', async () => {
    const before = running.site.records().length
    const bodies = [
      Z01,
      question('nobody', 'fly'),
      question('alice', 'read', 'none'),
      { ...Z01, resource: { type: 'x', id: 'x' } },
    ]
    const answers = await Promise.all(bodies.map((body) => post(EVALUATION, body, {}, bob)))
    expect(answers.map(({ status, json }) => [status, json])).toEqual(
      bodies.map(() => [403, 'permission denied']),
    )
    const evaluations = [{}, { subject: user('nobody') }]
    expect((await post(EVALUATIONS, { ...Z01, evaluations }, {}, bob)).status).toBe(403)
    expect((await post(ACTIONS, Z01, {}, bob)).status).toBe(403)
    const records = recordsSince(before)
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
    expect(await decided(Z01, clerk)).toEqual(YES)
    const elsewhere = { type: 'secret', id: '/owned/his' }
    expect(await decided({ ...Z01, resource: elsewhere }, clerk)).toBe(403)
    const evaluations = [{}, { resource: elsewhere }]
    expect((await post(EVALUATIONS, { ...Z01, evaluations }, {}, clerk)).json).toEqual({
      evaluations: [
        YES,
        { decision: false, context: { error: { status: 403, message: 'permission denied' } } },
      ],
    })
  })

  test('of himself: everybody', async () => {
    expect(await decided(question('bob', 'read'), bob)).toEqual(YES)
    expect(await decided(question('bob', 'write'), bob)).toEqual(NO)
    expect(await decided(question('clerk', 'read'), clerk)).toEqual(NO)
  })

  test('and nothing else about policies comes through a gateway', async () => {
    for (const path of [
      '/registry/policy',
      '/access/v1/search/subject',
      '/access/v1/search/resource',
    ]) {
      expect((await post(path, {})).status).toBe(404)
    }
  })
})

test('nobody here is answered as somebody without rights', async () => {
  const ask = async (id: string, name: string) => {
    const { status, headers, json } = await post(EVALUATION, question(id, name))
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
  expect(await decided(question('clerk', 'list'))).toEqual(YES)
  for (const id of ['nobody', 'gone', '']) expect(await decided(question(id, 'list'))).toEqual(NO)
})

test('an entry that is not there is answered as one that is, but for what its metadata decide', async () => {
  for (const name of ['read', 'write', 'list', 'grant', 'purge']) {
    for (const who of ['alice', 'bob', 'carol']) {
      const [there, missing] = await Promise.all([
        decided({ ...question(who, name), resource: { type: 'secret', id: '/owned/other' } }),
        decided({ ...question(who, name), resource: { type: 'secret', id: '/owned/missing' } }),
      ])
      expect(there).toEqual(missing)
    }
  }
  const metadata = (id: string) =>
    decided({ ...question('bob', 'read_metadata'), resource: { type: 'secret', id } })
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
    const pids = processesOf(running.gateway.child)
    const before = residentBytes([...pids, running.daemon.pid])
    const path = body.includes('"evaluations"') ? EVALUATIONS : EVALUATION
    const started = performance.now()
    const { status, json } = await post(path, body)
    expect(status).toBe(expected)
    expect(JSON.stringify(json).length).toBeLessThan(200_000)
    // Far more than it takes, far less than work that grows with the square of the body.
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(residentBytes([...pids, running.daemon.pid])).toBeLessThan(before + 256 * MIB)
    expect(processesOf(running.gateway.child)).toEqual(pids)
    expect((await post(EVALUATION, Z01)).json).toEqual(YES)
  })

  test('what is no JSON, or from nobody, never reaches the daemon', async () => {
    const operations = await operationsOverHttp(admin)
    await post(EVALUATION, `{"subject":"${canary}`)
    await post(EVALUATION, `{"a":1,"a":"${canary}"}`)
    await post(EVALUATION, Z01, {}, null)
    await post(EVALUATION, Z01, { Origin: 'https://evil.example' })
    expect(await operationsOverHttp(admin)).toBe(operations)
    const { status, json } = await post(EVALUATION, Z01, { Origin: 'https://evil.example' })
    expect([status, typeof json]).toEqual([403, 'string'])
  })

  test('a body over a mebibyte is not read', async () => {
    expect((await post(EVALUATION, text.padEnd(MIB))).json).toEqual(YES)
    expect((await post(EVALUATION, text.padEnd(MIB + 1))).status).toBe(413)
  })
})

test('Z31: the metadata name what is there, at the address that was asked', async () => {
  const base = running.site.http
  const answer = await fetch(`${base}${CONFIGURATION}`, { headers: { 'X-Request-ID': 'z31' } })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-request-id')).toBe('z31')
  expect(await answer.json()).toEqual({
    policy_decision_point: base,
    access_evaluation_endpoint: `${base}${EVALUATION}`,
    access_evaluations_endpoint: `${base}${EVALUATIONS}`,
    search_action_endpoint: `${base}${ACTIONS}`,
    supported_obligations: ['custom'],
  })
  const publicUrl = 'https://secrets.example.org'
  running.site.configure({ http: `public_url = "${publicUrl}"` })
  const other = running.site.launchGateway()
  const ready = JSON.parse(await other.line(/"ready":true/, { timeoutMs: 30_000 })) as {
    http: string
  }
  const there = (await (await fetch(`${ready.http}${CONFIGURATION}`)).json()) as object
  expect(there).toMatchObject({
    policy_decision_point: publicUrl,
    access_evaluation_endpoint: `${publicUrl}${EVALUATION}`,
  })
})

test('nothing of a question but paths and numbers is in the log of the gateway or the daemon', async () => {
  const secret = createCanary()
  await decided({ ...question(secret, secret), context: { secret }, more: secret })
  await post(EVALUATION, { ...Z01, subject: { type: secret } }, { 'X-Request-ID': secret })
  const { site, daemon, gateway } = running
  const logs = [daemon, gateway.child].flatMap((child) => [child.stderr(), child.stdout()])
  expect(logs.join('')).not.toContain(secret)
  expect(JSON.stringify(site.records())).not.toContain(secret)
})
