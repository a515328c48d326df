import { compile, PolicyError, type PolicyErrorCode } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type Json = Record<string, unknown>

const RULE: Json = {
  id: 'r1',
  effect: 'allow',
  principals: ['user:alice'],
  actions: ['read'],
  resources: ['/a/**'],
}

function refusal(documents: readonly unknown[]): PolicyError {
  try {
    compile(documents)
  } catch (error) {
    if (PolicyError.is(error)) return error
    throw error
  }
  throw new Error('was compiled')
}

const one = (rule: unknown): unknown[] => [{ id: 'p1', rules: [RULE, rule] }]
const broken = (change: Json): unknown[] => one({ ...RULE, id: 'r2', ...change })
const without = (member: string): unknown[] => {
  const { [member]: _, ...rest } = { ...RULE, id: 'r2' } as Json
  return one(rest)
}

describe('a rule is refused', () => {
  const when = (conditions: unknown): Json => ({ when: conditions })
  const window = (change: Json): Json => when({ time: { from: '09:00', to: '17:00', ...change } })
  test.each<[Json, PolicyErrorCode, string]>([
    [{ effect: 'permit' }, 'ERR_POLICY_SHAPE', '/effect'],
    [{ effect: null }, 'ERR_POLICY_SHAPE', '/effect'],
    [{ effects: 'allow' }, 'ERR_POLICY_SHAPE', '/effects'],
    [{ 'a/b~c': 1 }, 'ERR_POLICY_SHAPE', '/a~1b~0c'],
    [{ description: 1 }, 'ERR_POLICY_SHAPE', '/description'],
    [JSON.parse('{"__proto__": {"when": {"mfa": true}}}'), 'ERR_POLICY_SHAPE', '/__proto__'],
    [{ principals: [] }, 'ERR_POLICY_PRINCIPAL', '/principals'],
    [{ principals: 'user:a' }, 'ERR_POLICY_PRINCIPAL', '/principals'],
    [{ principals: ['*', 'alice'] }, 'ERR_POLICY_PRINCIPAL', '/principals/1'],
    [{ principals: ['user:'] }, 'ERR_POLICY_PRINCIPAL', '/principals/0'],
    [{ principals: ['user:*'] }, 'ERR_POLICY_PRINCIPAL', '/principals/0'],
    [{ principals: ['user: a'] }, 'ERR_POLICY_PRINCIPAL', '/principals/0'],
    [{ principals: ['User:a'] }, 'ERR_POLICY_PRINCIPAL', '/principals/0'],
    [{ principals: ['user:a\n'] }, 'ERR_POLICY_PRINCIPAL', '/principals/0'],
    [{ principals: [`user:${'a'.repeat(300)}`] }, 'ERR_POLICY_PRINCIPAL', '/principals/0'],
    [{ principals: [1] }, 'ERR_POLICY_PRINCIPAL', '/principals/0'],
    [{ actions: [] }, 'ERR_POLICY_ACTION', '/actions'],
    [{ actions: ['read', 'write'] }, 'ERR_POLICY_ACTION', '/actions/1'],
    [{ actions: ['*'] }, 'ERR_POLICY_ACTION', '/actions/0'],
    [{ actions: ['Read'] }, 'ERR_POLICY_ACTION', '/actions/0'],
    [{ actions: ['constructor'] }, 'ERR_POLICY_ACTION', '/actions/0'],
    [{ actions: new Array(1) }, 'ERR_POLICY_ACTION', '/actions/0'],
    [{ resources: [] }, 'ERR_POLICY_PATTERN', '/resources'],
    [{ resources: [''] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['a'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['**'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a', '/a/'] }, 'ERR_POLICY_PATTERN', '/resources/1'],
    [{ resources: ['//'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a//b'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a/./b'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a/..'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/**/a'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a**'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/***'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a/**b/c'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a?'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/[ab]'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a\\*'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/!a'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a\u0000'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a\u0085'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a\ud800'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/e\u0301'] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: [`/${'a'.repeat(512)}`] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: [`/${'é'.repeat(256)}`] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: ['/a'.repeat(33)] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [{ resources: [null] }, 'ERR_POLICY_PATTERN', '/resources/0'],
    [when({}), 'ERR_POLICY_CONDITION', '/when'],
    [when([]), 'ERR_POLICY_CONDITION', '/when'],
    [when(null), 'ERR_POLICY_CONDITION', '/when'],
    [when(undefined), 'ERR_POLICY_CONDITION', '/when'],
    [{ unless: {} }, 'ERR_POLICY_CONDITION', '/unless'],
    [{ unless: { door: [] } }, 'ERR_POLICY_CONDITION', '/unless/door'],
    [when({ country: ['cz'] }), 'ERR_POLICY_CONDITION', '/when/country'],
    [when({ mfa: 'true' }), 'ERR_POLICY_CONDITION', '/when/mfa'],
    [when({ door: 'http' }), 'ERR_POLICY_CONDITION', '/when/door'],
    [when({ door: [''] }), 'ERR_POLICY_CONDITION', '/when/door/0'],
    [when({ proof: ['none'] }), 'ERR_POLICY_CONDITION', '/when/proof/0'],
    [when({ purpose: [1] }), 'ERR_POLICY_CONDITION', '/when/purpose/0'],
    [when({ metadata: {} }), 'ERR_POLICY_CONDITION', '/when/metadata'],
    [when({ metadata: { a: ['b'] } }), 'ERR_POLICY_CONDITION', '/when/metadata/a'],
    [when({ ip: ['10.0.0.1/8'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['10.0.0.0/33'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['10.0.0.0/'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['10.0.0.0/08'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['10.0.0.0/-1'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['10.0.0.0/8/8'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['010.0.0.0/8'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['10.0.0/8'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['::1', '::/129'] }), 'ERR_POLICY_CONDITION', '/when/ip/1'],
    [when({ ip: ['::1/127'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['::ffff:10.0.0.0/95'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [when({ ip: ['localhost'] }), 'ERR_POLICY_CONDITION', '/when/ip/0'],
    [window({ from: '9:00' }), 'ERR_POLICY_CONDITION', '/when/time/from'],
    [window({ to: '24:00' }), 'ERR_POLICY_CONDITION', '/when/time/to'],
    [window({ to: '12:60' }), 'ERR_POLICY_CONDITION', '/when/time/to'],
    [window({ to: '12:00:00' }), 'ERR_POLICY_CONDITION', '/when/time/to'],
    [window({ zone: 'Mars/Base' }), 'ERR_POLICY_CONDITION', '/when/time/zone'],
    [window({ zone: '+01:00' }), 'ERR_POLICY_CONDITION', '/when/time/zone'],
    [window({ zone: 1 }), 'ERR_POLICY_CONDITION', '/when/time/zone'],
    [window({ days: ['mon'] }), 'ERR_POLICY_CONDITION', '/when/time/days'],
    [when({ time: { from: '09:00' } }), 'ERR_POLICY_SHAPE', '/when/time'],
    [when({ time: '09:00' }), 'ERR_POLICY_CONDITION', '/when/time'],
    [{ obligations: {} }, 'ERR_POLICY_OBLIGATION', '/obligations'],
    [{ obligations: { ttl: 1 } }, 'ERR_POLICY_OBLIGATION', '/obligations/ttl'],
    [{ obligations: { maxUses: 0 } }, 'ERR_POLICY_OBLIGATION', '/obligations/maxUses'],
    [{ obligations: { ttlSeconds: 1.5 } }, 'ERR_POLICY_OBLIGATION', '/obligations/ttlSeconds'],
    [{ obligations: { ttlSeconds: '1' } }, 'ERR_POLICY_OBLIGATION', '/obligations/ttlSeconds'],
    [{ obligations: { ttlSeconds: 1e300 } }, 'ERR_POLICY_OBLIGATION', '/obligations/ttlSeconds'],
    [{ effect: 'deny', obligations: { maxUses: 1 } }, 'ERR_POLICY_OBLIGATION', '/obligations'],
  ])('with %j: %s at %s', (change, code, pointer) => {
    expect(refusal(broken(change))).toMatchObject({
      name: 'PolicyError',
      code,
      document: 'p1',
      documentIndex: 0,
      rule: 'r2',
      pointer: `/rules/1${pointer}`,
    })
  })

  test.each(['effect', 'principals', 'actions', 'resources'])('without %s', (member) => {
    const error = refusal(without(member))
    expect(error).toMatchObject({ code: 'ERR_POLICY_SHAPE', rule: 'r2', pointer: '/rules/1' })
    expect(error.message).toBe(`policy "p1", rule "r2", /rules/1: member "${member}" is missing`)
  })

  test('whose members are inherited', () => {
    const error = refusal(one(Object.create({ ...RULE, id: 'r2' })))
    expect(error).toMatchObject({ code: 'ERR_POLICY_SHAPE', pointer: '/rules/1' })
  })
})

describe('a document is refused', () => {
  const good = { id: 'p1', rules: [RULE] }
  test.each<[unknown[], PolicyErrorCode, number, string | undefined, string]>([
    [[null], 'ERR_POLICY_SHAPE', 0, undefined, ''],
    [[good, 'x'], 'ERR_POLICY_SHAPE', 1, undefined, ''],
    [[[]], 'ERR_POLICY_SHAPE', 0, undefined, ''],
    [[new Map()], 'ERR_POLICY_SHAPE', 0, undefined, ''],
    [[{ rules: [] }], 'ERR_POLICY_SHAPE', 0, undefined, ''],
    [[{ id: 'p' }], 'ERR_POLICY_SHAPE', 0, 'p', ''],
    [[{ id: 'p', rules: {} }], 'ERR_POLICY_SHAPE', 0, 'p', '/rules'],
    [[{ id: 'p', rules: [], version: 1 }], 'ERR_POLICY_SHAPE', 0, 'p', '/version'],
    [[{ id: '', rules: [] }], 'ERR_POLICY_ID', 0, undefined, '/id'],
    [[{ id: 'a/b', rules: [] }], 'ERR_POLICY_ID', 0, undefined, '/id'],
    [[{ id: '__proto__', rules: [] }], 'ERR_POLICY_ID', 0, undefined, '/id'],
    [[{ id: 'a\n', rules: [] }], 'ERR_POLICY_ID', 0, undefined, '/id'],
    [[{ id: 'a'.repeat(65), rules: [] }], 'ERR_POLICY_ID', 0, undefined, '/id'],
    [[{ id: 7, rules: [] }], 'ERR_POLICY_ID', 0, undefined, '/id'],
    [[good, good], 'ERR_POLICY_ID', 1, undefined, '/id'],
    [[{ id: 'p', rules: [RULE, RULE] }], 'ERR_POLICY_ID', 0, 'p', '/rules/1/id'],
    [[{ id: 'p', rules: [null] }], 'ERR_POLICY_SHAPE', 0, 'p', '/rules/0'],
    [[{ id: 'p', rules: [{ ...RULE, id: 'a b' }] }], 'ERR_POLICY_ID', 0, 'p', '/rules/0/id'],
  ])('%j: %s', (documents, code, documentIndex, document, pointer) => {
    expect(refusal(documents)).toMatchObject({ code, documentIndex, document, pointer })
  })
})

describe('compile', () => {
  test('reads only what a document itself has', () => {
    const polluted = Object.prototype as Record<string, unknown>
    polluted['unless'] = { door: ['http'] }
    polluted['owner'] = 'alice'
    try {
      const policy = compile([
        { id: 'p', rules: [RULE, { ...RULE, id: 'r2', when: { metadata: { owner: 'alice' } } }] },
      ])
      const request = { subject: ['user:alice'], action: 'read', resource: '/a/b' } as const
      const context = { door: 'http', metadata: {} }
      expect(policy.decide({ ...request, context }).rules).toEqual(['p/r1'])
    } finally {
      delete polluted['unless']
      delete polluted['owner']
    }
  })

  test('keeps nothing of the documents it was given', () => {
    const rule = { ...RULE, effect: 'allow', resources: ['/a'] }
    const policy = compile([{ id: 'p', rules: [rule] }])
    rule.resources[0] = '/b'
    rule.effect = 'deny'
    const subject = policy.subject(['user:alice'])
    expect(policy.decide({ subject, action: 'read', resource: '/a' }).rules).toEqual(['p/r1'])
    expect(policy.decide({ subject, action: 'read', resource: '/b' }).rules).toEqual([])
  })

  test('takes the same rule id in two documents, repeated items and no documents at all', () => {
    const twice = { ...RULE, actions: ['read', 'read'], resources: ['/a/**', '/a/**', '/a/*'] }
    const policy = compile([
      { id: 'p1', description: 'first', rules: [twice] },
      { id: 'p2', rules: [{ ...twice, description: 'second', principals: ['*', 'user:alice'] }] },
    ])
    const request = { subject: ['user:alice'], action: 'read', resource: '/a/b' } as const
    expect(policy.decide(request).rules).toEqual(['p1/r1', 'p2/r1'])
    expect([policy.documents, policy.ruleCount]).toEqual([['p1', 'p2'], 2])
    expect(compile([]).decide(request)).toEqual({ decision: 'deny', rules: [] })
  })

  test('throws nothing but PolicyError, whatever JSON a document is', () => {
    const near = fc.record(
      {
        id: fc.oneof(fc.constant('p'), fc.jsonValue()),
        rules: fc.array(
          fc.record(
            {
              id: fc.string(),
              effect: fc.constantFrom('allow', 'deny'),
              principals: fc.oneof(fc.constant(['*']), fc.jsonValue()),
              actions: fc.oneof(fc.constant(['read']), fc.jsonValue()),
              resources: fc.oneof(
                fc.array(fc.string({ unit: 'binary' }).map((text) => `/${text}`)),
                fc.jsonValue(),
              ),
              when: fc.oneof(
                fc.dictionary(
                  fc.constantFrom('time', 'ip', 'mfa', 'door', 'proof', 'purpose', 'metadata'),
                  fc.jsonValue(),
                ),
                fc.jsonValue(),
              ),
              obligations: fc.jsonValue(),
            },
            { requiredKeys: [] },
          ),
        ),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(near, fc.jsonValue()), (document) => {
        try {
          compile([document])
        } catch (error) {
          expect(PolicyError.is(error)).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('repeats no more than a piece of a document in a message', () => {
    const long = 'x'.repeat(10_000)
    for (const change of [
      { [long]: 1 },
      { principals: [long] },
      { actions: [long] },
      { resources: [long] },
      { when: { ip: [long] } },
      { when: { time: { from: long, to: '10:00' } } },
      { when: { time: { from: '09:00', to: '10:00', zone: long } } },
    ]) {
      const error = refusal(broken(change))
      expect(error.message.replace(error.pointer, '').length).toBeLessThan(700)
    }
  })

  test.each<[string, unknown[], ErrorConstructor]>([
    ['no documents', [], TypeError],
    ['one document', [{ id: 'p', rules: [] }], TypeError],
    ['text', ['[]'], TypeError],
    ['an unknown zone', [[], { systemZone: 'Mars/Base' }], RangeError],
    ['nothing to keep', [[], { maxKept: 0 }], RangeError],
    ['half to keep', [[], { maxKept: 1.5 }], RangeError],
  ])('refuses %s as an argument', (_, args, kind) => {
    expect(() => (compile as (...args: unknown[]) => unknown)(...args)).toThrow(kind)
  })
})

test('an error of another copy of this package is recognised', () => {
  const other = new Error('x')
  Object.defineProperty(other, Symbol.for('@secreg/policy-engine/PolicyError'), { value: true })
  expect(PolicyError.is(other)).toBe(true)
  expect([PolicyError.is(new Error('x')), PolicyError.is(null), PolicyError.is('x')]).toEqual([
    false,
    false,
    false,
  ])
})
