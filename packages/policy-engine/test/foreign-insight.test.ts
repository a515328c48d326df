/** What is said about whole policies where some of their documents are foreign. */

import {
  ACTIONS,
  type Acl,
  type AclCondition,
  type AclDocument,
  type AclInheritance,
  type AclPermission,
  compile,
  type DecisionChange,
  diff,
  type ForeignDocument,
  type LibvirtDocument,
  lint,
  type SetecDocument,
  type VaultCapability,
  type VaultDocument,
} from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { documentsOf, pattern, question, rules } from './arbitrary.ts'
import { assertOften } from './runs.ts'
import { textWork } from './text-work.ts'

const vault = (path: Record<string, VaultCapability[]>, more: object = {}): VaultDocument => ({
  id: 'v',
  source: 'vault',
  principals: ['user:alice'],
  mount: '/a',
  apiMount: 'secret',
  policies: [
    {
      name: 'one',
      path: Object.fromEntries(
        Object.entries(path).map(([text, capabilities]) => [text, { capabilities }]),
      ),
    },
  ],
  ...more,
})

const setec = (action: string[], secret: string[]): SetecDocument => ({
  id: 's',
  source: 'setec',
  principals: ['role:user'],
  mount: '/s',
  rules: [{ action, secret }],
})

const acl = (actions: ('read' | 'write')[], min_ip: string): AclDocument => ({
  id: 'l',
  source: 'acl',
  principals: ['*'],
  mount: '/',
  acls: {
    '/app': {
      permissions: [
        {
          principal_type: 'user',
          principal_name: 'bob',
          actions,
          conditions: [{ type: 'ip_range', min_ip, max_ip: '10.255.255.255' }],
        },
      ],
      inheritance: { mode: 'all' },
    },
  },
})

const libvirt = (type: 'volume' | 'ceph'): LibvirtDocument => ({
  id: 'q',
  source: 'libvirt',
  principals: ['user:bob'],
  mount: '/libvirt',
  rules: [{ permissions: ['secret:read-secure'], secrets: ['*'], usage: { type } }],
})

const brief = ({ principals, actions, resource, before, after }: DecisionChange): string =>
  `${principals} ${actions.includes('read')} ${resource} ${before.decision} → ${after.decision}`

describe('diff of foreign documents', () => {
  test.each<[string, ForeignDocument[], ForeignDocument[], string]>([
    [
      'vault',
      [vault({ 'secret/data/ci/*': ['read'] })],
      [vault({ 'secret/data/ci/*': ['deny'] })],
      'user:alice true /a/ci/x allow → deny',
    ],
    [
      'vault, a plus and a new document',
      [],
      [vault({ 'secret/data/+/db': ['read'] })],
      'user:alice true /a/x/db deny → allow',
    ],
    [
      'setec',
      [setec(['get'], ['prod/*'])],
      [setec(['info'], ['prod/*'])],
      'role:user true /s/prod%2Fx allow → deny',
    ],
    [
      'acl',
      [acl(['read'], '10.0.0.1')],
      [acl(['read'], '10.0.0.9')],
      '*,user:bob true /app allow → deny',
    ],
    [
      'libvirt',
      [libvirt('volume')],
      [libvirt('ceph')],
      'user:bob true /libvirt/00000000-0000-4000-8000-000000000000 allow → deny',
    ],
    ['one less', [setec(['get'], ['db'])], [], 'role:user true /s/db allow → deny'],
  ])('%s', (_, before, after, expected) => {
    const { changes, complete } = diff(before, after)
    expect(complete).toBe(false)
    expect(changes.map(brief)).toContain(expected)
    for (const { principals, actions, resource, asked, ...change } of changes) {
      for (const action of actions) {
        const request = { subject: principals, action, resource, ...asked }
        expect(compile(before).decide(request).decision).toBe(change.before.decision)
        expect(compile(after).decide(request).decision).toBe(change.after.decision)
      }
    }
  })

  test('of equal ones, in whatever order of members, is complete', () => {
    const one = vault({ 'secret/data/a': ['read'], 'secret/data/b': ['list'] })
    const other = vault({ 'secret/data/b': ['list'], 'secret/data/a': ['read'] })
    const turned = Object.fromEntries(Object.entries(other).reverse())
    expect(diff([one, setec([], [])], [setec([], []), turned])).toEqual({
      changes: [],
      complete: true,
    })
  })

  test('asks for given subjects only', () => {
    const changes = (subject: string[]): number =>
      diff([vault({ 'secret/data/ci/*': ['read'] })], [], { subjects: [subject] }).changes.length
    expect(changes(['user:alice', 'role:x'])).toBeGreaterThan(0)
    expect(changes(['user:bob'])).toBe(0)
  })

  test('is bounded', () => {
    const many = Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [
        `secret/data/${index}/*`,
        ['read'] as VaultCapability[],
      ]),
    )
    const maxStates = 20_000
    const work = textWork(() => {
      expect(diff([], [vault(many)], { maxStates }).complete).toBe(false)
    })
    expect(work).toBeLessThan(200 * maxStates)
  })
})

const path = fc.constantFrom(
  'secret/data/*',
  'secret/data/a',
  'secret/data/+/b',
  'secret/data/a/*',
  'secret/metadata/*',
)
const capabilities = fc.subarray<VaultCapability>(['read', 'list', 'create', 'deny'], {
  minLength: 1,
})
const foreign = fc
  .array(fc.tuple(path, capabilities), { maxLength: 4 })
  .map((entries) =>
    vault(Object.fromEntries(entries), { principals: ['user:alice', 'role:admin'] }),
  )

describe('beside foreign documents', () => {
  test('whatCan lists those that apply', () => {
    const policy = compile([vault({}), setec([], []), acl(['read'], '10.0.0.1'), libvirt('ceph')])
    const sources = (...subject: string[]): string[] =>
      policy.whatCan(subject).sources.map((one) => `${one.document} ${one.source} ${one.mount}`)
    expect(sources('user:alice', 'role:user')).toEqual(['v vault /a', 's setec /s', 'l acl /'])
    expect(sources('user:bob')).toEqual(['l acl /', 'q libvirt /libvirt'])
    expect(sources()).toEqual([])
  })

  test('whoCan, whatCan and covers agree with decide', () => {
    const asked = fc.array(question, { minLength: 8, maxLength: 8 })
    let covered = 0
    assertOften(
      fc.property(rules, foreign, asked, pattern, (list, document, questions, area) => {
        const policy = compile([...documentsOf(list), document])
        for (const { principals, ...request } of questions) {
          const subject = policy.subject(principals)
          const allowed = policy.decide({ subject, ...request }).decision === 'allow'
          expect(policy.whoCan(request, [{ subject }]).length === 1).toBe(allowed)
          for (const { principal, rules: names } of policy.whoCan(request)) {
            const one = policy.decide({ subject: [principal], ...request })
            expect([one.decision, one.rules]).toEqual(['allow', names])
          }
          const { time, context, action, resource } = request
          const options = { time, context, obligations: { ttlSeconds: 1, maxUses: 1 } }
          if (policy.covers(subject, action, area, options)) {
            covered++
            const only = compile([
              {
                id: 'p',
                rules: [
                  {
                    id: 'r',
                    effect: 'allow',
                    principals: ['*'],
                    actions: ACTIONS,
                    resources: [area],
                  },
                ],
              },
            ])
            const inside =
              only.decide({ subject: ['user:x'], action, resource }).decision === 'allow'
            if (inside) expect(allowed).toBe(true)
          }
        }
      }),
      800,
      () => covered,
      20,
    )
  })

  test('one word of Vault does not cover what a door may ask through another', () => {
    const one = compile([vault({ 'secret/data/ci/key': ['read'] })])
    const request = { subject: ['user:alice'], action: 'read', resource: '/a/ci/key' } as const
    expect(one.decide(request).decision).toBe('allow')
    expect(one.decide({ ...request, context: { api: { word: 'subkeys' } } }).decision).toBe('deny')
    expect(one.covers(['user:alice'], 'read', '/a/ci/key')).toBe(false)
    const context = { api: { word: 'data' } } as const
    expect(one.covers(['user:alice'], 'read', '/a/ci/key', { context })).toBe(true)
  })

  test('covers without facts holds whatever requests bring with them', () => {
    const condition = fc.constantFrom<AclCondition>(
      { type: 'require_mfa', require_mfa: true },
      { type: 'ip_range', min_ip: '10.0.0.0', max_ip: '10.8.255.255' },
      { type: 'time_range', start_time: 0, end_time: 43_200, zone: 'Etc/UTC' },
    )
    const permission = fc.record<AclPermission>({
      principal_type: fc.constant('user'),
      principal_name: fc.constantFrom('alice', 'bob'),
      actions: fc.subarray(['read', 'write', 'delete'], { minLength: 1 }),
      conditions: fc.array(condition, { maxLength: 1 }),
    })
    const inheritance = fc.constantFrom<AclInheritance>(
      { mode: 'none' },
      { mode: 'parent' },
      { mode: 'all' },
      { mode: 'all', depth: 1 },
    )
    const one = fc
      .record({ permissions: fc.array(permission, { maxLength: 3 }), inheritance })
      .map((value): Acl => value)
    const acls = fc.dictionary(fc.constantFrom('/a', '/a/b', '/b', '/a/ab'), one, { minKeys: 1 })
    const areas = fc.oneof(pattern, fc.constantFrom('/a/**', '/a/b', '/a/b/*', '/b', '/a/*'))
    const asked = fc.array(question, { minLength: 40, maxLength: 40 })
    let covered = 0
    assertOften(
      fc.property(
        acls,
        fc.option(foreign),
        rules,
        areas,
        asked,
        (given, other, list, area, all) => {
          const document: AclDocument = {
            id: 'l',
            source: 'acl',
            principals: ['*'],
            mount: '/',
            acls: given,
          }
          const documents = [
            ...documentsOf(list.slice(0, 4)),
            document,
            ...(other === null ? [] : [other]),
          ]
          const policy = compile(documents)
          const inArea = compile([
            {
              id: 'p',
              rules: [
                {
                  id: 'r',
                  effect: 'allow',
                  principals: ['*'],
                  actions: ACTIONS,
                  resources: [area],
                },
              ],
            },
          ])
          const subject = policy.subject(['user:alice'])
          const obligations = { ttlSeconds: 1, maxUses: 1 }
          for (const action of ['read', 'list'] as const) {
            if (!policy.covers(subject, action, area, { obligations })) continue
            covered++
            for (const { resource, time, context } of all) {
              if (inArea.decide({ subject: ['user:x'], action, resource }).decision === 'deny')
                continue
              expect(policy.decide({ subject, action, resource, time, context }).decision).toBe(
                'allow',
              )
            }
          }
        },
      ),
      1500,
      () => covered,
      50,
    )
  })

  test('what lint calls needless is', () => {
    fc.assert(
      fc.property(
        rules,
        foreign,
        fc.array(question, { minLength: 10, maxLength: 10 }),
        (list, document, asked) => {
          const documents = documentsOf(list)
          const found = lint([...documents, document])
          const gone = new Set(
            found
              .filter(({ code }) => code === 'unreachable' || code === 'shadowed')
              .map((one) => one.rule),
          )
          const rest = documents.map(({ id, rules: own }) => ({
            id,
            rules: own.filter((one) => !gone.has(`${id}/${one.id}`)),
          }))
          const [whole, less] = [compile([...documents, document]), compile([...rest, document])]
          for (const { principals: subject, ...request } of asked) {
            const [before, after] = [whole, less].map((policy) =>
              policy.decide({ subject, ...request }),
            )
            expect([after?.decision, after?.obligations]).toEqual([
              before?.decision,
              before?.obligations,
            ])
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
