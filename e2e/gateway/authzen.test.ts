/**
 * AuthZEN over real processes: the scenario of its certification with secrets in place of records. `Z01` and so on are
 * the cases of the Secrets API (section 8).
 */
import { createCanary, RawConnection, rawRequest } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ACTION_SEARCH,
  AuthzenDesk,
  allow,
  EVALUATION,
  EVALUATIONS,
  question,
  record,
  user,
} from '../lib/authzen-desk.ts'
import { addUser } from '../lib/gateway-site.ts'
import { basic, bearer } from '../lib/http-ask.ts'

const CONFIGURATION = '/.well-known/authzen-configuration'
const Z01 = question('alice', 'read')
const YES = { decision: true }
const NO = { decision: false }

let desk: AuthzenDesk
beforeAll(async () => {
  desk = await AuthzenDesk.open(createCanary())
})
afterAll(() => desk[Symbol.asyncDispose]())

describe('an evaluation', () => {
  test('Z01, Z02: is allowed or denied, and a denial is an answer', async () => {
    const { status, headers, json } = await desk.post(EVALUATION, Z01)
    expect([status, json]).toEqual([200, YES])
    expect(headers.get('content-type')).toBe('application/json')
    expect(await desk.decided(question('bob', 'read'))).toEqual(YES)
    expect(await desk.decided(question('bob', 'write'))).toEqual(NO)
    expect(await desk.decided(question('alice', 'write', 'record-2'))).toEqual(YES)
    expect(await desk.decided(question('carol', 'write'))).toEqual(YES)
    expect(await desk.decided(question('carol', 'read'))).toEqual(NO)
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
    expect(await desk.decided(said(Z01))).toEqual(YES)
    expect(await desk.decided(said(question('bob', 'write')))).toEqual(NO)
    expect(await desk.decided(said(question('alice', 'delete')))).toEqual(NO)
    const other = {
      ...question('bob', 'read_metadata'),
      resource: { type: 'secret', id: '/owned/other' },
    }
    expect(await desk.decided(said(other))).toEqual(NO)
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
      const { status, json } = await desk.post(EVALUATION, body)
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
      const { status, json } = await desk.post(EVALUATION, body, { 'Content-Type': type })
      expect(status, `${type} ${body}`).toBe(400)
      expect(typeof json).toBe('string')
    }
    using client = await RawConnection.open(desk.running.gateway.port)
    const untyped = await client.ask(rawRequest('POST', EVALUATION, bearer(desk.pdp), text))
    expect(untyped.status).toBe(400)
  })

  test('Z10: gets its id back, also with a refusal', async () => {
    const id = 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716'
    for (const [body, token] of [
      [Z01, desk.pdp],
      [{}, desk.pdp],
      [Z01, null],
      [Z01, desk.bob],
    ] as const) {
      const { headers } = await desk.post(EVALUATION, body, { 'X-Request-ID': id }, token)
      expect(headers.get('x-request-id')).toBe(id)
    }
    expect((await desk.post(EVALUATION, Z01)).status).toBe(200)
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
      Array.from({ length: 50 }, () => Promise.all(asked.map((one) => desk.decided(one)))),
    )
    for (const round of rounds) expect(round).toEqual(expected)
  })

  test('Z12: is answered to nobody who does not say who he is', async () => {
    for (const headers of [{}, bearer('sreg_0123456789abcdef_bad'), basic('pdp', 'guess')]) {
      const { status, headers: got, json } = await desk.post(EVALUATION, Z01, headers, null)
      expect(status).toBe(401)
      expect(got.get('www-authenticate')).toBe('Bearer')
      expect(typeof json).toBe('string')
    }
    for (const headers of [{ 'X-Vault-Token': desk.pdp }, basic(desk.pdp, '')]) {
      expect((await desk.post(EVALUATION, Z01, headers, null)).json).toEqual(YES)
    }
    expect((await desk.post(`/t/${desk.pdp}${EVALUATION}`, Z01, {}, null)).json).toEqual(YES)
  })

  test('is about a place in this registry', async () => {
    const of = (id: string) => desk.decided({ ...Z01, resource: { type: 'secret', id } })
    expect(await of('secreg://record/record-1#token?version=3')).toEqual(YES)
    const elsewhere = {
      decision: false,
      context: { reason: 'the resource is not of this registry' },
    }
    for (const id of [
      'openbao://record/record-1',
      'yaml://record',
      '/record/../record/record-1',
      '',
    ]) {
      expect(await of(id)).toEqual(elsewhere)
    }
    const resource = { type: 'record', id: 'record-1' }
    expect(await desk.decided({ ...Z01, resource })).toEqual(elsewhere)
  })

  test('is answered by what is in force at that moment', async () => {
    const dan = question('dan', 'read')
    expect(await desk.decided(dan)).toEqual(NO)
    await addUser(desk.running.admin, 'dan')
    expect(await desk.decided(dan)).toEqual(NO)
    const document = {
      id: 'dan',
      rules: [allow('r', 'user:dan', ['read', 'decrypt'], ['/record/*'])],
    }
    await desk.running.admin.ok('policy', { op: 'set', document })
    expect(await desk.decided(dan)).toEqual(YES)
    await desk.running.admin.ok('user', { op: 'disable', user: 'dan' })
    expect(await desk.decided(dan)).toEqual(NO)
    await desk.running.admin.ok('user', { op: 'enable', user: 'dan' })
    expect(await desk.decided(dan)).toEqual(YES)
    await desk.running.admin.ok('policy', { op: 'delete', policy: 'dan' })
    expect(await desk.decided(dan)).toEqual(NO)
  })
})

describe('a list of evaluations', () => {
  const { subject, action, resource } = Z01
  const all = async (body: object): Promise<unknown> => (await desk.post(EVALUATIONS, body)).json

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
    expect((await desk.post(EVALUATIONS, { subject, action })).status).toBe(400)
    expect((await desk.post(EVALUATIONS, { ...Z01, evaluations: {} })).status).toBe(400)
  })

  test('Z27, Z28, Z29: ends where it is told to', async () => {
    const [permit, deny] = [{}, { subject: user('bob'), action: { name: 'write' } }]
    const end = (evaluations_semantic: string, evaluations: object[]) =>
      desk.post(EVALUATIONS, { ...Z01, evaluations, options: { evaluations_semantic } })
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
    const before = desk.running.site.records().length
    const { evaluations: answers } = (await desk.post(EVALUATIONS, { action, evaluations })).json
    expect(answers).toEqual(evaluations.map((_, at) => (at % 2 === 0 ? YES : NO)))
    expect(desk.recordsSince(before)).toMatchObject([
      {
        action: 'admin',
        outcome: 'ok',
        detail: 'policy-evaluate',
        count: 1000,
        paths: Array.from({ length: 10 }, (_, at) => `/record/record-${at}`),
        actor: { user: 'pdp', door: 'http', proof: 'credential' },
      },
    ])
    const more = await desk.post(EVALUATIONS, { ...Z01, evaluations: Array(1001).fill({}) })
    expect([more.status, more.json]).toEqual([400, 'evaluations: more than 1000'])
  })
})

test('a search of actions answers what would be allowed, and says nothing of entries', async () => {
  const search = async (body: object) => (await desk.post(ACTION_SEARCH, body)).json
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
  expect(
    (await desk.post(ACTION_SEARCH, { subject: { type: 'user' }, resource: record('a') })).status,
  ).toBe(400)
})

test('Z31: the metadata name what is there, at the address that was asked', async () => {
  const base = desk.running.site.http
  const answer = await fetch(`${base}${CONFIGURATION}`, { headers: { 'X-Request-ID': 'z31' } })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-request-id')).toBe('z31')
  expect(await answer.json()).toEqual({
    policy_decision_point: base,
    access_evaluation_endpoint: `${base}${EVALUATION}`,
    access_evaluations_endpoint: `${base}${EVALUATIONS}`,
    search_action_endpoint: `${base}${ACTION_SEARCH}`,
    supported_obligations: ['custom'],
  })
  const publicUrl = 'https://secrets.example.org'
  desk.running.site.configure({ http: `public_url = "${publicUrl}"` })
  const other = desk.running.site.launchGateway()
  const ready = JSON.parse(await other.line(/"ready":true/, { timeoutMs: 30_000 })) as {
    http: string
  }
  const there = (await (await fetch(`${ready.http}${CONFIGURATION}`)).json()) as object
  expect(there).toMatchObject({
    policy_decision_point: publicUrl,
    access_evaluation_endpoint: `${publicUrl}${EVALUATION}`,
  })
})
