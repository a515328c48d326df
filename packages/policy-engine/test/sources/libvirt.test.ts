import { type Action, compile, LIBVIRT_ACTIONS, polkitDefaults } from '@secreg/policy-engine'
import { describe, expect, test } from 'vitest'

const ONE = '11111111-1111-4111-8111-000000000001'
const TWO = '11111111-1111-4111-8111-000000000002'

const documentOf = (rules: readonly object[], id = 'virt') => ({
  id,
  source: 'libvirt',
  principals: ['user:bob'],
  mount: '/libvirt',
  rules,
})

describe('the default answers of polkit', () => {
  const policy = compile([polkitDefaults({ id: 'polkit', mount: '/libvirt' })])
  const ask = (action: Action, resource: string): string =>
    policy.decide({ subject: ['user:any'], action, resource }).decision

  // The recorded commands of the access driver with its defaults: list and dumpxml pass, the rest is denied.
  test.each<[string, Action, string, string]>([
    ['secret-list', 'list', '/libvirt', 'allow'],
    ['secret-list', 'list', `/libvirt/${ONE}`, 'allow'],
    ['secret-dumpxml', 'read-metadata', `/libvirt/${ONE}`, 'allow'],
    ['secret-get-value', 'read', `/libvirt/${ONE}`, 'deny'],
    ['secret-get-value', 'decrypt', `/libvirt/${ONE}`, 'deny'],
    ['secret-set-value', 'update', `/libvirt/${ONE}`, 'deny'],
    ['secret-define', 'create', `/libvirt/${ONE}`, 'deny'],
    ['secret-define', 'write-metadata', `/libvirt/${ONE}`, 'deny'],
    ['secret-undefine', 'delete', `/libvirt/${ONE}`, 'deny'],
  ])('%s: %s on %s is %s', (_, action, resource, decision) => {
    expect(ask(action, resource)).toBe(decision)
  })

  test('are about secrets below the mount only', () => {
    for (const resource of ['/', '/libvirtx', '/other', '/libvirt/x', `/libvirt/${ONE}/x`]) {
      expect(ask('list', resource)).toBe('deny')
    }
    expect(ask('list', `/libvirt/${ONE.replace('1', 'A')}`)).toBe('deny')
  })

  test('apply to the principals that are named', () => {
    const own = compile([
      polkitDefaults({ id: 'p', mount: '/libvirt', principals: ['group:virt'] }),
    ])
    const request = { action: 'list', resource: '/libvirt' } as const
    expect(own.decide({ subject: ['group:virt'], ...request }).rules).toEqual(['p/0'])
    expect(own.decide({ subject: ['user:any'], ...request }).decision).toBe('deny')
  })
})

describe('rules', () => {
  test('defining needs write and save, of whatever rules and documents', () => {
    const write = { permissions: ['secret:write'], secrets: ['*'] }
    const save = { permissions: ['secret:save'], secrets: [ONE] }
    const both = compile([documentOf([write], 'w'), documentOf([save], 's')])
    const ask = (name: string, action: Action) =>
      both.decide({ subject: ['user:bob'], action, resource: `/libvirt/${name}` })
    expect(ask(ONE, 'create').rules).toEqual(['w/0', 's/0'])
    expect(ask(TWO, 'create').decision).toBe('deny')
    expect(ask(TWO, 'update').rules).toEqual(['w/0'])
    expect(ask(ONE, 'delete').decision).toBe('deny')
  })

  test('by usage hold only where the usage is known', () => {
    const policy = compile([
      documentOf([
        {
          permissions: ['secret:read-secure'],
          secrets: ['*'],
          usage: { type: 'volume', id: '/pool/*' },
        },
      ]),
    ])
    const request = {
      subject: ['user:bob'],
      action: 'decrypt',
      resource: `/libvirt/${ONE}`,
    } as const
    const ask = (usage?: { type: string; id?: string }) =>
      policy.decide({ ...request, context: { usage } }).decision
    expect(ask({ type: 'volume', id: '/pool/a/b' })).toBe('allow')
    expect(ask({ type: 'volume', id: '/other' })).toBe('deny')
    expect(ask({ type: 'volume' })).toBe('deny')
    expect(ask({ type: 'ceph', id: '/pool/a' })).toBe('deny')
    expect(ask()).toBe('deny')
    expect(policy.explain(request)).toMatchObject({
      reason: 'condition not met',
      rules: [{ rule: 'virt/0', unmet: [{ condition: 'usage' }] }],
    })
  })

  test('by usage are explained alike for another usage and for none, as of a secret that is not there', () => {
    const usage = { type: 'tls', id: 'x' }
    const policy = compile([documentOf([{ permissions: ['secret:read'], secrets: ['*'], usage }])])
    const told = (usage?: { type: string; id: string }) =>
      policy.explain({
        subject: ['user:bob'],
        action: 'read-metadata',
        resource: `/libvirt/${ONE}`,
        context: { usage },
      })
    expect(told()).toEqual(told({ type: 'tls', id: 'y' }))
    expect(told({ ...usage }).decision).toBe('allow')
  })

  test('say nothing of what no permission stands for', () => {
    const permissions = Object.keys(LIBVIRT_ACTIONS)
    const policy = compile([documentOf([{ permissions, secrets: ['*'] }])])
    const allowed = (action: Action): boolean =>
      policy.decide({ subject: ['user:bob'], action, resource: `/libvirt/${ONE}` }).decision ===
      'allow'
    expect(allowed('purge')).toBe(true)
    for (const action of ['use-internal', 'grant', 'undelete', 'policy'] as const) {
      expect([action, allowed(action)]).toEqual([action, false])
    }
  })
})
