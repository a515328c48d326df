import {
  answerEvaluation,
  answerMetadata,
  authzenMetadata,
  createAuthzenClient,
} from '@secreg/policy-engine/authzen'
import { describe, expect, it } from 'vitest'
import {
  alice,
  archived,
  bob,
  decisionOf,
  decisionsOf,
  evaluation,
  evaluations,
  read,
  record1,
  recordPdp,
  write,
} from './fixture.ts'

const Z01 = { subject: alice, action: read, resource: record1 }

/** Cases that need a server and its clients: the gateway has them. Closed: a case is here or below. */
const AT_THE_GATEWAY = ['Z12', 'Z40', 'Z41']

const CASES: Record<string, () => void> = {
  Z01: () => {
    const response = evaluation(Z01)
    expect(response).toMatchObject({ status: 200, text: '{"decision":true}' })
    expect(response.headers['content-type']).toBe('application/json')
  },
  Z02: () => {
    expect(evaluation({ subject: bob, action: write, resource: record1 })).toMatchObject({
      status: 200,
      text: '{"decision":false}',
    })
  },
  Z03: () => {
    const more = { subject: { ...alice, properties: { a: [1] }, b: null }, extra: { c: 1 } }
    expect(decisionOf(evaluation({ ...Z01, context: { x: { y: 1 } } }))).toBe(true)
    expect(decisionOf(evaluation({ ...Z01, ...more }))).toBe(true)
  },
  Z04: () => {
    expect(decisionOf(evaluation({ subject: alice, action: write, resource: archived }))).toBe(
      false,
    )
  },
  Z05: () => {
    const subject = { ...bob, properties: { role: 'admin' } }
    expect(decisionOf(evaluation({ subject, action: write, resource: archived }))).toBe(true)
  },
  Z06: () => {
    for (const soft of [true, false]) {
      const action = { name: 'delete', properties: { soft } }
      expect(decisionOf(evaluation({ ...Z01, action }))).toBe(soft)
    }
  },
  Z07: () => {
    const { subject, action, resource } = Z01
    for (const body of [
      ...[
        { action, resource },
        { subject, resource },
        { subject, action },
      ],
      ...[
        { ...Z01, subject: { id: 'alice' } },
        { ...Z01, subject: { type: 'user' } },
      ],
      ...[{ ...Z01, action: {} }],
      ...[
        { ...Z01, resource: { id: 'record-1' } },
        { ...Z01, resource: { type: 'record' } },
      ],
    ]) {
      const { status, text } = evaluation(body)
      expect(status).toBe(400)
      expect(JSON.parse(text)).toMatch(/^(subject|action|resource)(\.(type|id|name))?: missing$/)
    }
  },
  Z08: () => {
    for (const wrong of [
      ...[{ subject: 'alice' }, { subject: null }, { subject: [alice] }, { action: { name: 123 } }],
      ...[{ resource: { ...record1, id: null } }, { context: 'x' }, { context: null }],
      ...[{ subject: { ...alice, properties: 'x' } }, { action: { ...read, properties: [] } }],
    ]) {
      const { status, text } = evaluation({ ...Z01, ...wrong })
      expect(status).toBe(400)
      expect(JSON.parse(text)).toMatch(/: expected (an object|a string)$/)
    }
  },
  Z09: () => {
    const text = JSON.stringify(Z01)
    for (const type of ['text/plain', '', 'application/jsonx', 'text/application/json', '*/*']) {
      expect(evaluation(text, type).status).toBe(400)
    }
    expect(answerEvaluation(recordPdp, { text }).status).toBe(400)
    for (const type of ['application/json', 'Application/JSON ; charset=utf-8']) {
      expect(evaluation(text, type).status).toBe(200)
    }
    const twice = [
      text.replace('{', '{"action":{"name":"write"},'),
      text.replace('"id":"alice"', '"id":"alice","\\u0069d":"bob"'),
      text.replace('"name":"read"', '"name":"read","properties":{"a":[{"b":1,"b":2}]}'),
    ]
    for (const body of ['{', '', 'null', '[]', '"x"', `${text}x`, ...twice]) {
      expect(evaluation(body).status, body).toBe(400)
    }
  },
  Z10: () => {
    const request = { contentType: 'application/json', text: JSON.stringify(Z01) }
    const idOf = (requestId: string | undefined) =>
      answerEvaluation(recordPdp, { ...request, requestId }).headers['x-request-id']
    expect(idOf('abc')).toBe('abc')
    expect(idOf('a b/c=d')).toBe('a b/c=d')
    expect(idOf(undefined)).toBeUndefined()
    for (const id of ['', 'a\r\nset-cookie: x', 'é', ' a', 'x'.repeat(257)]) {
      expect(idOf(id)).toBeUndefined()
    }
    const refused = answerEvaluation(recordPdp, { contentType: 'x', text: '', requestId: 'abc' })
    expect(refused.headers['x-request-id']).toBe('abc')
  },
  Z11: () => {
    const texts = Array.from({ length: 10 }, () => evaluation(Z01).text)
    expect(new Set(texts)).toEqual(new Set(['{"decision":true}']))
  },
  Z20: () => {
    const body = {
      subject: bob,
      resource: record1,
      evaluations: [{ action: read }, { action: write }],
    }
    expect(evaluations(body)).toMatchObject({
      status: 200,
      text: '{"evaluations":[{"decision":true},{"decision":false}]}',
    })
  },
  Z21: () => {
    const items = [Z01, { subject: bob, action: write, resource: record1 }]
    expect(decisionsOf(evaluations({ evaluations: items }))).toEqual([true, false])
  },
  Z22: () => {
    const resource = { ...record1, properties: { status: 'active' } }
    const body = {
      subject: alice,
      action: write,
      resource,
      evaluations: [{}, { resource: archived }],
    }
    expect(decisionsOf(evaluations(body))).toEqual([true, false])
  },
  Z23: () => {
    const body = { ...Z01, evaluations: [{ resource: { id: 'record-2' } }, {}] }
    expect(JSON.parse(evaluations(body).text).evaluations).toEqual([
      { decision: false, context: { error: { status: 400, message: 'resource.type: missing' } } },
      { decision: true },
    ])
  },
  Z24: () => {
    const options = { evaluations_semantic: 'execute_all' }
    const body = { subject: alice, action: read, evaluations: [{ resource: record1 }, {}], options }
    expect(decisionsOf(evaluations(body))).toEqual([true, false])
  },
  Z25: () => {
    for (const body of [
      Z01,
      { ...Z01, evaluations: [] },
      { ...Z01, evaluations: [], options: {} },
    ]) {
      expect(evaluations(body)).toMatchObject({ status: 200, text: '{"decision":true}' })
    }
  },
  Z26: () => {
    for (const body of [{}, { subject: alice, action: read }, { evaluations: [] }]) {
      expect(evaluations(body).status).toBe(400)
    }
  },
  Z27: () => {
    const options = { evaluations_semantic: 'deny_on_first_deny' }
    const items = [{ action: read }, { action: write }, { action: read }]
    const body = { subject: bob, resource: record1, evaluations: items, options }
    expect(decisionsOf(evaluations(body))).toEqual([true, false])
  },
  Z28: () => {
    const options = { evaluations_semantic: 'permit_on_first_permit' }
    const of = (...items: unknown[]) =>
      decisionsOf(evaluations({ subject: bob, resource: record1, evaluations: items, options }))
    expect(of({ action: read }, { action: write })).toEqual([true])
    expect(of({ action: write }, { action: read }, { action: write })).toEqual([false, true])
  },
  Z29: () => {
    for (const semantic of ['EXECUTE_ALL', '', null, 7, 'toString']) {
      const options = { evaluations_semantic: semantic }
      expect(evaluations({ ...Z01, options, evaluations: [{}] }).status).toBe(400)
      expect(evaluations({ ...Z01, options }).status).toBe(400)
    }
    for (const options of ['x', null, []]) {
      expect(evaluations({ ...Z01, options, evaluations: [{}] }).status).toBe(400)
    }
  },
  Z30: () => {
    const items = [{ context: { a: 1 } }, { action: write, context: {} }, { action: { name: 'x' } }]
    const body = { ...Z01, context: { b: 2 }, evaluations: items }
    expect(decisionsOf(evaluations(body))).toEqual([true, true, false])
  },
  Z31: () => {
    const { status, headers, text } = answerMetadata(authzenMetadata('https://pdp.example.com'))
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json')
    expect(JSON.parse(text)).toEqual({
      policy_decision_point: 'https://pdp.example.com',
      access_evaluation_endpoint: 'https://pdp.example.com/access/v1/evaluation',
      access_evaluations_endpoint: 'https://pdp.example.com/access/v1/evaluations',
      supported_obligations: ['custom'],
    })
  },
}

/** The enforcing side, against a recorder. */
const CLIENT_CASES: Record<string, () => Promise<void>> = {
  Z42: async () => {
    const { client, sent } = recorder({ evaluations: [{ decision: true }, { decision: true }] })
    const items = [1, 2, 3].map((at) => ({ resource: { type: 'secret', id: `/a/${at}` } }))
    const answers = await client.evaluateAll({ subject: alice, action: read, evaluations: items })
    expect(sent).toMatchObject([
      {
        url: 'https://pdp.example.com/access/v1/evaluations',
        body: { options: { evaluations_semantic: 'execute_all' }, evaluations: items },
      },
    ])
    expect(answers.map(({ decision }) => decision)).toEqual(['deny', 'deny', 'deny'])
  },
  Z43: async () => {
    const { client } = recorder({ decisions: [{ decision: true }] })
    const answers = await client.evaluateAll({ ...Z01, evaluations: [{}] })
    expect(answers).toEqual([{ decision: 'deny', reason: 'unavailable', failure: 'shape' }])
  },
}

function recorder(answer: unknown) {
  const sent: { url: string; body: unknown }[] = []
  const client = createAuthzenClient({
    baseUrl: 'https://pdp.example.com',
    fetch: async (url, init) => {
      sent.push({ url: String(url), body: JSON.parse(String(init?.body)) })
      const id = new Headers(init?.headers).get('x-request-id') ?? ''
      return new Response(JSON.stringify(answer), { headers: { 'x-request-id': id } })
    },
  })
  return { client, sent }
}

describe('AuthZEN certification', () => {
  it.each(Object.keys(CASES))('%s', (id) => CASES[id]?.())
  it.each(Object.keys(CLIENT_CASES))('%s', (id) => CLIENT_CASES[id]?.())

  it('every case is here or waits for the gateway', () => {
    const here = [...Object.keys(CASES), ...Object.keys(CLIENT_CASES), ...AT_THE_GATEWAY]
    const numbers = [...range(1, 12), ...range(20, 31), ...range(40, 43)]
    expect(here.sort()).toEqual(numbers.map((at) => `Z${String(at).padStart(2, '0')}`))
  })
})

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}
