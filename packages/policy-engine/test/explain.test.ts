import { type Context, compile, type ExplainOptions, type Explanation } from '@secreg/policy-engine'
import { describe, expect, test } from 'vitest'

const rule = (id: string, effect: string, more: object): object => ({
  id,
  effect,
  principals: ['user:alice'],
  actions: ['read'],
  resources: ['/app/**'],
  ...more,
})

const OFFICE = {
  time: { from: '09:00', to: '17:00', zone: 'Etc/UTC' },
  ip: ['10.0.0.0/8', '192.168.0.0/16'],
  mfa: true,
}

const policy = compile([
  {
    id: 'p',
    rules: [
      rule('office', 'allow', { when: OFFICE }),
      rule('public', 'allow', { resources: ['/app/public'], unless: { door: ['http'] } }),
      rule('own', 'allow', { resources: ['/app/own'], when: { metadata: { owner: 'alice' } } }),
      rule('bobs', 'allow', { principals: ['user:bob'] }),
      rule('hidden', 'deny', { resources: ['/app/hidden/**'] }),
      rule('kernel-only', 'deny', { resources: ['/app/k'], unless: { proof: ['kernel'] } }),
    ],
  },
])

const NOON = Date.UTC(2026, 0, 1, 12)

function explain(resource: string, context: Context, options?: ExplainOptions): Explanation {
  return policy.explain(
    { subject: ['user:alice'], action: 'read', resource, time: NOON, context },
    options,
  )
}

describe('explain', () => {
  test('names the rule that allows', () => {
    expect(explain('/app/a', { ip: '10.1.1.1', mfa: true })).toEqual({
      decision: 'allow',
      reason: 'allowed',
      rules: [{ rule: 'p/office', effect: 'allow', applies: true, unmet: [] }],
    })
  })

  test('names what is not met and what is not known', () => {
    expect(explain('/app/a', { mfa: false })).toEqual({
      decision: 'deny',
      reason: 'condition not met',
      rules: [
        {
          rule: 'p/office',
          effect: 'allow',
          applies: false,
          unmet: [
            { clause: 'when', condition: 'mfa', wants: 'true' },
            { clause: 'when', condition: 'ip', wants: '10.0.0.0/8, 192.168.0.0/16', unknown: true },
          ],
        },
      ],
    })
    const late = policy.explain({
      subject: ['user:alice'],
      action: 'read',
      resource: '/app/a',
      time: NOON + 5 * 3_600_000,
      context: { ip: '10.1.1.1', mfa: true },
    })
    expect(late.rules[0]?.unmet).toEqual([
      { clause: 'when', condition: 'time', wants: '09:00 to 17:00 Etc/UTC' },
    ])
  })

  test('names the exception that takes a rule out', () => {
    expect(explain('/app/public', { door: 'http' }).rules[1]).toEqual({
      rule: 'p/public',
      effect: 'allow',
      applies: false,
      unmet: [{ clause: 'unless', condition: 'door', wants: 'http' }],
    })
    expect(explain('/app/public', {}).rules[1]?.applies).toBe(true)
  })

  test('shows no rule of others, of other actions or of other resources', () => {
    expect(explain('/other', {})).toEqual({
      decision: 'deny',
      reason: 'no rule allows it',
      rules: [],
    })
    expect(explain('not a path', {})).toEqual({
      decision: 'deny',
      reason: 'no rule allows it',
      rules: [],
    })
    expect(JSON.stringify(explain('/app/a', {}))).not.toContain('bobs')
    const list = policy.explain({ subject: ['user:alice'], action: 'list', resource: '/app/a' })
    expect(list.rules).toEqual([])
  })

  test('says of a deny only that there is one', () => {
    const shown = explain('/app/hidden/a', { ip: '10.1.1.1', mfa: true })
    expect(shown).toMatchObject({ decision: 'deny', reason: 'denied by policy' })
    expect(JSON.stringify(shown)).not.toContain('hidden')
    const full = explain('/app/hidden/a', { ip: '10.1.1.1', mfa: true }, { denials: true })
    expect(full.rules).toContainEqual({
      rule: 'p/hidden',
      effect: 'deny',
      applies: true,
      unmet: [],
    })
    const kernel = explain('/app/k', { proof: 'kernel' }, { denials: true })
    expect(kernel.rules.at(-1)).toEqual({
      rule: 'p/kernel-only',
      effect: 'deny',
      applies: false,
      unmet: [{ clause: 'unless', condition: 'proof', wants: 'kernel' }],
    })
  })

  test('is the same for an entry with other metadata as for none', () => {
    const missing = explain('/app/own', {})
    const other = explain('/app/own', { metadata: { owner: 'bob' } })
    expect(other).toEqual(missing)
    expect(missing.rules[1]?.unmet).toEqual([
      { clause: 'when', condition: 'metadata', wants: 'owner = alice' },
    ])
  })
})
