import {
  AuthzenError,
  authzenActions,
  authzenDecision,
  failedEvaluation,
  MAX_EVALUATIONS,
  PURPOSE_ACTIONS,
  readActionSearch,
  readEvaluation,
  readEvaluations,
} from '@secreg/policy-engine/authzen'
import { describe, expect, it } from 'vitest'

const subject = { type: 'user', id: 'alice' }
const action = { name: 'read' }
const resource = { type: 'secret', id: '/a' }

describe('questions', () => {
  it('of one evaluation are its entities', () => {
    expect(readEvaluation({ subject, action, resource, more: 1 })).toEqual({
      subject,
      action,
      resource,
    })
    expect(() => readEvaluation({ subject, action })).toThrow(AuthzenError)
  })

  it('of a list are read one by one, so that a wrong one does not spoil the others', () => {
    const evaluations = [{ resource: { type: 'secret' } }, { resource }, 7]
    const list = readEvaluations({ subject, action, evaluations })
    if (!('length' in list)) throw new Error('a single evaluation')
    expect(list).toHaveLength(3)
    expect(() => list.at(0)).toThrow('resource.id: missing')
    expect(list.at(1)).toEqual({ subject, action, resource })
    expect(() => list.at(2)).toThrow('evaluation: expected an object')
    expect(list.endsAt({ decision: false })).toBe(false)
    expect(list.endsAt({ decision: true })).toBe(false)
  })

  it.each([
    ['deny_on_first_deny', false],
    ['permit_on_first_permit', true],
  ])('end as %s says', (evaluations_semantic, decision) => {
    const options = { evaluations_semantic }
    const list = readEvaluations({ subject, action, resource, evaluations: [{}], options })
    if (!('endsAt' in list)) throw new Error('a single evaluation')
    expect(list.endsAt({ decision })).toBe(true)
    expect(list.endsAt({ decision: !decision })).toBe(false)
  })

  it('are a single one without a list, and not without end', () => {
    const whole = { subject, action, resource }
    expect(readEvaluations({ ...whole, evaluations: [] })).toEqual(whole)
    const evaluations = Array(MAX_EVALUATIONS + 1).fill({})
    expect(() => readEvaluations({ ...whole, evaluations })).toThrow('evaluations: more than 1000')
  })

  it('about all actions name none', () => {
    expect(readActionSearch({ subject, resource, action: 7 })).toEqual({ subject, resource })
    const context = { supported_obligations: ['custom'] }
    expect(readActionSearch({ subject, resource, context })).toEqual({ subject, resource, context })
    expect(() => readActionSearch({ subject })).toThrow('resource: missing')
    expect(() => readActionSearch({ subject: { type: 'user' }, resource })).toThrow(AuthzenError)
  })
})

describe('answers', () => {
  it('need every decision', () => {
    const allow = { decision: 'allow' } as const
    const deny = { decision: 'deny' } as const
    expect(authzenDecision([allow, allow], undefined)).toEqual({ decision: true })
    expect(authzenDecision([allow, deny], undefined)).toEqual({ decision: false })
    expect(authzenDecision([], undefined)).toEqual({ decision: false })
  })

  it('oblige to the strictest, and only who knows how', () => {
    const decisions = [
      { decision: 'allow', obligations: { ttlSeconds: 60, maxUses: 9 } },
      { decision: 'allow', obligations: { ttlSeconds: 30 } },
    ] as const
    expect(authzenDecision(decisions, { supported_obligations: ['custom'] })).toEqual({
      decision: true,
      context: {
        obligations: [{ id: 'o1', type: 'custom', properties: { ttl_seconds: 30, max_uses: 9 } }],
      },
    })
    for (const context of [undefined, {}, { supported_obligations: 'custom' }]) {
      expect(authzenDecision(decisions, context).decision).toBe(false)
    }
  })

  it('to what failed say why', () => {
    expect(failedEvaluation(400, 'no')).toEqual({
      decision: false,
      context: { error: { status: 400, message: 'no' } },
    })
  })
})

it('an action is a purpose before it is an action of that name', () => {
  expect(authzenActions({ name: 'read' })).toEqual(PURPOSE_ACTIONS.read)
  expect(authzenActions({ name: 'execute' })).toEqual(['read', 'decrypt'])
  expect(authzenActions({ name: 'decrypt' })).toEqual(['decrypt'])
  for (const name of ['fly', 'toString', '__proto__', '', '*']) {
    expect(authzenActions({ name })).toBeUndefined()
  }
})
