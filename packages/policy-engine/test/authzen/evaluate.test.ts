import {
  type AuthzenDecision,
  AuthzenError,
  type AuthzenPdp,
  answerEvaluation,
  answerEvaluations,
  authzenMetadata,
  evaluate,
  evaluateAll,
  MAX_EVALUATIONS,
  parseStrictJson,
} from '@secreg/policy-engine/authzen'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const subject = { type: 'user', id: 'alice' }
const resource = { type: 'secret', id: '/a' }
/** Allows `yes`, fails at `fail`, denies the rest. */
const pdp: AuthzenPdp = {
  decide: (_subject, { name }) => {
    if (name === 'fail') throw new Error('the store of passwords is hunter2')
    return { decision: name === 'yes' }
  },
}

describe('evaluations', () => {
  const names = fc.array(fc.constantFrom('yes', 'no', 'fail', 'missing'), {
    minLength: 1,
    maxLength: 8,
  })

  it('keep order, length and semantics', () => {
    const semantics = fc.constantFrom(
      undefined,
      'execute_all',
      'deny_on_first_deny',
      'permit_on_first_permit',
    )
    fc.assert(
      fc.property(names, semantics, (list, semantic) => {
        const items = list.map((name) => (name === 'missing' ? {} : { action: { name } }))
        const options =
          semantic === undefined ? {} : { options: { evaluations_semantic: semantic } }
        const answer = evaluateAll(pdp, { subject, resource, evaluations: items, ...options })
        const decisions = (answer as { evaluations: AuthzenDecision[] }).evaluations.map(
          ({ decision }) => decision,
        )
        const all = list.map((name) => name === 'yes')
        const end =
          semantic === 'deny_on_first_deny'
            ? all.indexOf(false)
            : semantic === 'permit_on_first_permit'
              ? all.indexOf(true)
              : -1
        expect(decisions).toEqual(end === -1 ? all : all.slice(0, end + 1))
        expect(Object.keys(answer)).toEqual(['evaluations'])
      }),
    )
  })

  it('answer each item as an evaluation of its own with the defaults for whole entities', () => {
    const entity = fc.option(
      fc.record(
        { name: fc.constantFrom('yes', 'no'), properties: fc.constant({ a: 1 }) },
        { requiredKeys: ['name'] },
      ),
      { nil: undefined },
    )
    const seen: unknown[] = []
    const recorder: AuthzenPdp = {
      decide: (...question) => {
        seen.push(question)
        return pdp.decide(...question)
      },
    }
    fc.assert(
      fc.property(entity, fc.array(entity, { minLength: 1 }), (shared, list) => {
        seen.length = 0
        const bodies = list.map((action) => (action === undefined ? {} : { action }))
        const common = { subject, resource, ...(shared && { action: shared }) }
        evaluateAll(recorder, { ...common, evaluations: bodies })
        const expected = bodies.flatMap((body) => {
          const action = 'action' in body ? body.action : shared
          return action === undefined ? [] : [[subject, action, resource, undefined]]
        })
        expect(seen).toEqual(expected)
      }),
    )
  })

  it('are bounded', () => {
    const ask = (count: number) => () =>
      evaluateAll(pdp, {
        subject,
        resource,
        evaluations: Array.from({ length: count }, () => ({})),
      })
    expect(ask(MAX_EVALUATIONS)).not.toThrow()
    expect(ask(MAX_EVALUATIONS + 1)).toThrow(AuthzenError)
  })

  it('tell nothing of what failed, which denies', () => {
    const items = [{ action: { name: 'fail' } }, { action: { name: 'yes' } }]
    expect(evaluateAll(pdp, { subject, resource, evaluations: items })).toEqual({
      evaluations: [
        { decision: false, context: { error: { status: 500, message: 'the decision failed' } } },
        { decision: true },
      ],
    })
    const text = JSON.stringify({ subject, resource, action: { name: 'fail' } })
    for (const answer of [answerEvaluation, answerEvaluations]) {
      expect(answer(pdp, { contentType: 'application/json', text })).toMatchObject({
        status: 500,
        text: '"the decision failed"',
      })
    }
  })

  it('are refused with nothing of what was sent', () => {
    const canary = 'hunter2'
    for (const body of [
      { subject: canary },
      { [canary]: 1 },
      { options: { evaluations_semantic: canary } },
    ]) {
      const answer = answerEvaluations(pdp, {
        contentType: 'application/json',
        text: JSON.stringify(body),
      })
      expect(answer.status).toBe(400)
      expect(answer.text).not.toContain(canary)
    }
  })
})

it('only `true` allows, whatever a decision point answers', () => {
  for (const decision of [1, 'true', {}, [], null, undefined]) {
    const odd = { decide: () => ({ decision }) } as unknown as AuthzenPdp
    expect(evaluate(odd, { subject, resource, action: { name: 'yes' } })).toEqual({
      decision: false,
    })
  }
})

it('members are own members', () => {
  const body = Object.create({ subject, resource, action: { name: 'yes' } })
  expect(() => evaluate(pdp, body)).toThrow('subject: missing')
  const prototype = '{"__proto__":{"subject":{"type":"a","id":"b"}},"evaluations":[]}'
  expect(() => evaluateAll(pdp, parseStrictJson(prototype))).toThrow(AuthzenError)
})

it('any JSON is answered, and allows only what the decision point allows', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      for (const answer of [answerEvaluation, answerEvaluations]) {
        const { status } = answer(pdp, { contentType: 'application/json', text })
        expect(status).toBe(400)
      }
    }),
  )
})

describe('parseStrictJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value, null, 1)
        expect(parseStrictJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '[{"b":[{"a":"a","a":"}"}]}]',
    '{"a":{"x":1},"b":[{}],"a":2}',
    '{"":1,"":2}',
    '{"\\"":1,"\\u0022":2}',
    '{"__proto__":1,"__proto__":2}',
  ])('refuses a name given twice: %s', (text) => {
    expect(() => JSON.parse(text)).not.toThrow()
    expect(() => parseStrictJson(text)).toThrow('a name is given twice')
  })

  it.each([
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":["a","a",{"a":1}]}},"b":["a","a"]}',
    '["a","a",{"a":":"},{"a":"{\\"a\\":1,\\"a\\":2}"}]',
  ])('takes the same name in other places: %s', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text))
  })

  it('says nothing of the text', () => {
    expect(() => parseStrictJson('{"password": hunter2}')).toThrow(/^not JSON$/)
  })
})

describe('metadata', () => {
  it('leaves out what is not offered', () => {
    expect(authzenMetadata('https://a.example/pdp/', { evaluations: false })).toEqual({
      policy_decision_point: 'https://a.example/pdp',
      access_evaluation_endpoint: 'https://a.example/pdp/access/v1/evaluation',
      supported_obligations: ['custom'],
    })
  })

  it.each([
    ...['http://a.example', 'https://', 'https://a.example?x', 'https://a.example/#x', 'a.example'],
    ...[
      'https://user@a.example',
      'https://a .example',
      ' https://a.example',
      'https://a.example/\n',
      '',
    ],
  ])('refuses the base URL %j', (url) => {
    expect(() => authzenMetadata(url)).toThrow(RangeError)
  })

  it('refuses a base URL of another type', () => {
    expect(() => authzenMetadata(undefined as unknown as string)).toThrow(TypeError)
  })
})
