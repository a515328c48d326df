import { ACTIONS, type CompiledPolicy, compile } from '@secreg/policy-engine'
import {
  type AuthzenContext,
  createPolicyPdp,
  isPurpose,
  type PolicyPdpOptions,
  PURPOSE_ACTIONS,
  PURPOSES,
} from '@secreg/policy-engine/authzen'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const rule = (id: string, more: object) => ({
  id,
  effect: 'allow',
  principals: ['user:alice'],
  actions: ACTIONS,
  resources: ['/kv/**'],
  ...more,
})
const policyOf = (...rules: object[]): CompiledPolicy => compile([{ id: 'p', rules }])

/** Ask about alice, `execute` and `/kv/a`, or something else. */
function ask(
  policy: CompiledPolicy,
  question: { type?: string; id?: string; name?: string; on?: object; properties?: object } = {},
  options: Partial<PolicyPdpOptions> = {},
  context?: AuthzenContext,
) {
  const { type = 'user', id = 'alice', name = 'execute', on = {}, properties } = question
  const pdp = createPolicyPdp({ policy: () => policy, now: () => 0, ...options })
  const subject = { type, id, ...(properties && { properties: { ...properties } }) }
  return pdp.decide(subject, { name }, { type: 'secret', id: '/kv/a', ...on }, context)
}

const everything = policyOf(rule('all', {}))

describe('a compiled policy as a decision point', () => {
  it.each(PURPOSES)('takes all actions of the purpose %s', (purpose) => {
    expect(ask(everything, { name: purpose })).toEqual({ decision: true })
    for (const missing of PURPOSE_ACTIONS[purpose]) {
      const actions = ACTIONS.filter((action) => action !== missing)
      expect(ask(policyOf(rule('some', { actions })), { name: purpose })).toEqual({
        decision: false,
      })
    }
    expect(
      ask(policyOf(rule('these', { actions: PURPOSE_ACTIONS[purpose] })), { name: purpose }),
    ).toEqual({
      decision: true,
    })
  })

  it('takes an action by its name, unless it is a purpose', () => {
    for (const action of ACTIONS.filter((name) => !isPurpose(name))) {
      expect(ask(policyOf(rule('one', { actions: [action] })), { name: action }).decision).toBe(
        true,
      )
    }
    const keys = policyOf(rule('keys', { actions: ['rotate', 'read'] }))
    expect(ask(keys, { name: 'rotate' }).decision).toBe(false)
    expect(ask(keys, { name: 'read' }).decision).toBe(false)
  })

  it.each<[string, Parameters<typeof ask>[1]]>([
    ['an unknown action', { name: 'open' }],
    ['an action of every object', { name: 'toString' }],
    ['no action', { name: '' }],
    ['another subject', { id: 'bob' }],
    ['a subject of another type', { type: 'group' }],
    ['a type that holds a principal', { type: 'user:alice', id: 'x' }],
    ['a type with a colon and an id to fit', { type: 'user:al', id: 'ice' }],
    ['no type', { type: '', id: 'user:alice' }],
    ['anybody', { type: '*', id: '*' }],
    ['a subject with a blank in front', { id: ' alice' }],
    ['a resource of another type', { on: { type: 'record' } }],
    ['a URI that nobody can resolve', { on: { id: 'openbao+kv2://kv/a' } }],
    ['a path that is not canonical: dots', { on: { id: '/kv/b/../a' } }],
    ['a path that is not canonical: slash', { on: { id: '/kv/a/' } }],
    ['a path that is not canonical: NFD', { on: { id: '/kv/e\u0301' } }],
    ['a path that is not canonical: star', { on: { id: '/kv/*' } }],
    ['a path that is not canonical: control', { on: { id: '/kv/a\n' } }],
    ['a path that is too long', { on: { id: `/kv/${'a'.repeat(509)}` } }],
    ['a relative path', { on: { id: 'kv/a' } }],
  ])('denies %s', (_name, question) => {
    expect(ask(everything)).toEqual({ decision: true })
    expect(ask(everything, question)).toEqual({ decision: false })
  })

  it('takes no part of a type for the beginning of an id', () => {
    const policy = policyOf(rule('arn', { principals: ['user:auth:alice'] }))
    expect(ask(policy, { type: 'user', id: 'auth:alice' }).decision).toBe(true)
    expect(ask(policy, { type: 'user:auth', id: 'alice' }).decision).toBe(false)
  })

  it('denies a subject that its resolver does not know, whom `*` would match', () => {
    const open = policyOf(rule('open', { principals: ['*'] }))
    expect(ask(open).decision).toBe(true)
    expect(ask(open, {}, { principalsOf: () => undefined }).decision).toBe(false)
    expect(ask(open, {}, { principalsOf: () => [] }).decision).toBe(true)
  })

  it('adds what the subject is', () => {
    const ops = policyOf(rule('ops', { principals: ['group:ops'] }))
    expect(ask(ops).decision).toBe(false)
    expect(ask(ops, {}, { principalsOf: () => ['group:ops'] }).decision).toBe(true)
  })

  it('resolves URIs, and trusts no resolver with a path', () => {
    const on = { id: 'openbao+kv2://kv/a#token' }
    const to = (path: string) => ask(everything, { on }, { pathOf: () => path }).decision
    expect(to('/kv/a')).toBe(true)
    expect(to('/kv/./a')).toBe(false)
    expect(to('/other')).toBe(false)
    const pathOf = () => '/kv/a'
    expect(ask(everything, { on: { id: '/other' } }, { pathOf }).decision).toBe(false)
  })

  it('decides on a secret elsewhere, whichever key and version is wanted', () => {
    const elsewhere = policyOf(rule('elsewhere', { resources: ['openbao+kv2://kv/a/*'] }))
    const of = (id: string, type = 'secret') => ask(elsewhere, { on: { id, type } }).decision
    expect(of('openbao+kv2://kv/a/b')).toBe(true)
    expect(of('openbao+kv2://kv/a/b#key?version=3')).toBe(true)
    expect(of('openbao+kv2://kv/b/b')).toBe(false)
    expect(of('hashicorp+kv2://kv/a/b')).toBe(false)
    expect(of('OpenBao+KV2://kv/a/b')).toBe(false)
    expect(of('openbao+kv2://kv/a/b?version=3#key')).toBe(false)
    expect(of('openbao+kv2://kv/a/b', 'record')).toBe(false)
    expect(of('/kv/a/b')).toBe(false)
  })

  it('sees properties and context only of a service that may assert', () => {
    const when = (condition: object) => policyOf(rule('when', { when: condition }))
    const asserted: [object, Parameters<typeof ask>[1], AuthzenContext | undefined][] = [
      [{ mfa: true }, { properties: { mfa: true } }, undefined],
      [{ mfa: true }, {}, { mfa: true }],
      [{ ip: ['10.0.0.0/8'] }, { properties: { ip: '10.1.2.3' } }, undefined],
      [{ ip: ['10.0.0.0/8'] }, {}, { ip: '10.1.2.3' }],
      [{ metadata: { owner: 'alice' } }, { on: { properties: { owner: 'alice' } } }, undefined],
    ]
    for (const [condition, question, context] of asserted) {
      expect(ask(when(condition), question, { mayAssert: true }, context).decision).toBe(true)
      expect(ask(when(condition), question, {}, context).decision).toBe(false)
      expect(ask(when(condition), question, { mayAssert: false }, context).decision).toBe(false)
    }
    const seen: unknown[] = []
    const principalsOf: PolicyPdpOptions['principalsOf'] = (subject) => {
      seen.push(subject)
      return []
    }
    ask(everything, { properties: { role: 'admin' } }, { principalsOf })
    ask(everything, { properties: { role: 'admin' } }, { principalsOf, mayAssert: true })
    expect(seen).toEqual([
      { type: 'user', id: 'alice' },
      { type: 'user', id: 'alice', properties: { role: 'admin' } },
    ])
  })

  it('knows nothing where a service says two things, or says them wrongly', () => {
    const mfa = policyOf(rule('mfa', { when: { mfa: true } }))
    const options = { mayAssert: true }
    expect(ask(mfa, { properties: { mfa: true } }, options, { mfa: true }).decision).toBe(true)
    expect(ask(mfa, { properties: { mfa: true } }, options, { mfa: false }).decision).toBe(false)
    expect(ask(mfa, { properties: { mfa: 'true' } }, options).decision).toBe(false)
    const safe = policyOf(
      rule('all', {}),
      rule('no', { effect: 'deny', principals: ['*'], when: { ip: ['10.0.0.0/8'] } }),
    )
    expect(ask(safe, {}, options, { ip: '11.0.0.1' }).decision).toBe(true)
    expect(ask(safe, {}, options).decision).toBe(false)
    expect(
      ask(safe, { properties: { ip: '10.0.0.1' } }, options, { ip: '11.0.0.1' }).decision,
    ).toBe(false)
  })

  it('takes time, door, proof and metadata from its own side', () => {
    const when = (condition: object) => policyOf(rule('when', { when: condition }))
    const claims = {
      time: '2026-01-01T12:00:00Z',
      door: 'http',
      proof: 'kernel',
      purpose: 'execute',
    }
    const options = { mayAssert: true, now: () => Date.UTC(2026, 0, 1, 3) }
    const noon = when({ time: { from: '11:00', to: '13:00', zone: 'UTC' } })
    expect(ask(noon, {}, options, claims).decision).toBe(false)
    expect(ask(noon, {}, { now: () => Date.UTC(2026, 0, 1, 12) }).decision).toBe(true)
    expect(ask(when({ door: ['http'] }), {}, options, claims).decision).toBe(false)
    expect(ask(when({ door: ['authzen'] }), {}, { door: 'authzen' }).decision).toBe(true)
    expect(ask(when({ proof: ['credential', 'kernel'] }), {}, options, claims).decision).toBe(false)
    expect(ask(when({ proof: ['asserted'] })).decision).toBe(true)
    expect(ask(when({ purpose: ['execute'] })).decision).toBe(true)
    expect(ask(when({ purpose: ['execute'] }), { name: 'write' }, options, claims).decision).toBe(
      false,
    )
    const on = { properties: { owner: 'alice' } }
    const owned = when({ metadata: { owner: 'alice' } })
    const metadataOf = () => ({ owner: 'bob' })
    expect(ask(owned, { on }, { mayAssert: true, metadataOf }).decision).toBe(false)
    expect(ask(owned, {}, { metadataOf: () => ({ owner: 'alice' }) }).decision).toBe(true)
  })

  it('answers the strictest obligations, and only to who knows them', () => {
    const policy = policyOf(
      rule('a', { actions: ['read'], obligations: { ttlSeconds: 300, maxUses: 5 } }),
      rule('b', { actions: ['decrypt'], obligations: { ttlSeconds: 60 } }),
    )
    expect(ask(policy, {}, {}, { supported_obligations: ['other', 'custom'] })).toEqual({
      decision: true,
      context: {
        obligations: [{ id: 'o1', type: 'custom', properties: { ttl_seconds: 60, max_uses: 5 } }],
      },
    })
    for (const context of [
      undefined,
      {},
      { supported_obligations: [] },
      { supported_obligations: 'custom' },
    ]) {
      expect(ask(policy, {}, {}, context).decision).toBe(false)
    }
  })

  it('never allows what the engine denies one of the actions', () => {
    const subset = fc.subarray([...ACTIONS])
    fc.assert(
      fc.property(subset, subset, fc.constantFrom(...PURPOSES), (allowed, denied, purpose) => {
        const policy = policyOf(
          rule('allow', { actions: allowed.length > 0 ? allowed : ['seal'] }),
          rule('deny', { effect: 'deny', actions: denied.length > 0 ? denied : ['seal'] }),
        )
        const expected = PURPOSE_ACTIONS[purpose].every(
          (action) =>
            policy.decide({ subject: ['user:alice'], action, resource: '/kv/a' }).decision ===
            'allow',
        )
        expect(ask(policy, { name: purpose }).decision).toBe(expected)
      }),
    )
  })
})
