/** Questions about policies: why, who, what, what is odd, and what would change. */
import type { RequestOf } from '@secreg/protocol'
import { TEST_ADMIN } from '@secreg/registry/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addUser, outcomeOf, reason, start } from './fixture.ts'

type Question = Extract<RequestOf<'policy'>, { op: 'explain' }>

const WEB = {
  id: 'web',
  rules: [
    {
      id: 'read',
      effect: 'allow',
      principals: ['user:bob'],
      actions: ['read'],
      resources: ['/app/**'],
      when: { mfa: true },
    },
    {
      id: 'keys',
      effect: 'deny',
      principals: ['*'],
      actions: ['read'],
      resources: ['/app/keys/**'],
    },
    {
      id: 'mine',
      effect: 'allow',
      principals: ['user:bob'],
      actions: ['read'],
      resources: ['/owned/**'],
      when: { metadata: { owner: 'bob' } },
    },
  ],
}

async function prepared() {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  await home.api.set({ key: '/app/a', value: 'x' })
  await home.api.set({ key: '/owned/his', value: 'x' })
  await home.api.meta({ op: 'set', key: '/owned/his', custom: { owner: 'bob' }, granted: true })
  await home.api.set({ key: '/owned/other', value: 'x' })
  await home.api.policy({ op: 'set', document: WEB })
  const why = async (question: Omit<Question, 'op'>, api = bob.api) =>
    (await api.policy({ op: 'explain', ...question })).decisions?.[0]
  return { home, bob, why }
}

describe('why can I not?', () => {
  test('names the rule and the condition that is not met, to himself', async () => {
    const { why } = await prepared()
    expect(await why({ action: 'read', resource: '/app/a' })).toEqual({
      decision: 'deny',
      reason: 'condition not met',
      rules: [
        {
          rule: 'web/read',
          effect: 'allow',
          applies: false,
          unmet: [{ clause: 'when', condition: 'mfa', wants: 'true' }],
        },
      ],
    })
    expect(await why({ action: 'read', resource: '/app/a', context: { mfa: true } })).toMatchObject(
      { decision: 'allow' },
    )
    expect(await why({ action: 'update', resource: '/app/a' })).toEqual({
      decision: 'deny',
      reason: 'no rule allows it',
      rules: [],
    })
  })

  test('shows a denial to nobody who may not read policies', async () => {
    const { home, why } = await prepared()
    const own = await why({ action: 'read', resource: '/app/keys/a', context: { mfa: true } })
    expect(own).toMatchObject({ decision: 'deny', reason: 'denied by policy' })
    expect(JSON.stringify(own)).not.toContain('web/keys')
    const told = await why({ user: 'bob', action: 'read', resource: '/app/keys/a' }, home.api)
    expect(JSON.stringify(told)).toContain('web/keys')
  })

  test('tells of others only who may read policies', async () => {
    const { home, bob } = await prepared()
    for (const request of [
      { op: 'explain', user: TEST_ADMIN.admin, action: 'read', resource: '/a' },
      { op: 'explain', principals: ['role:admin'], action: 'read', resource: '/a' },
      { op: 'explain', principals: ['user:bob'], action: 'read', resource: '/a' },
      { op: 'who-can', action: 'read', resource: '/a' },
      { op: 'what-can', user: TEST_ADMIN.admin },
      { op: 'test', requests: [{ action: 'read', resource: '/a' }] },
      { op: 'list' },
      { op: 'get', policy: 'web' },
      { op: 'lint' },
      { op: 'diff', policy: 'web' },
    ] as RequestOf<'policy'>[]) {
      await expect(bob.api.policy(request)).rejects.toEqual(reason('ACCESS_DENIED'))
      expect(await outcomeOf(() => home.api.policy(request))).toHaveProperty('answer')
    }
  })

  test('tells nobody whether an entry exists', async () => {
    const { why } = await prepared()
    const other = await why({ action: 'read', resource: '/owned/other' })
    const missing = await why({ action: 'read', resource: '/owned/missing' })
    expect(other).toEqual(missing)
    expect(other).toMatchObject({ decision: 'deny', reason: 'condition not met' })
    expect(await why({ action: 'read', resource: '/owned/his' })).toMatchObject({
      decision: 'allow',
    })
  })

  test.each([
    ['an action that is none', { action: 'fly', resource: '/a' }],
    ['a path that is none', { action: 'read', resource: '/a/../b' }],
    ['a user and principals', { user: 'root', principals: [], action: 'read', resource: '/a' }],
  ])('refuses %s', async (_, question) => {
    const { home } = await prepared()
    expect(
      ['INVALID_ARGUMENT', 'PATH_INVALID'].includes(
        (
          (await outcomeOf(() => home.api.policy({ op: 'explain', ...question }))) as {
            reason: string
          }
        ).reason,
      ),
    ).toBe(true)
  })
})

test('who can, what he can and what he does never disagree', async () => {
  const home = await start()
  const users = new Map([
    ['ann', await addUser(home, 'ann', ['user'])],
    ['bob', await addUser(home, 'bob', ['operator'])],
    ['eve', await addUser(home, 'eve', ['auditor'])],
  ])
  await home.api.group({ op: 'add', kind: 'group', name: 'web' })
  await home.api.group({ op: 'join', kind: 'group', name: 'web', user: 'ann' })
  const again = new Map(
    await Promise.all(
      [...users.keys()].map(async (name) => {
        const { loginTestUser } = await import('@secreg/registry/testing')
        const caller = await loginTestUser(home, name, 'Builder-of-things-1')
        return [name, home.registry.as(caller)] as const
      }),
    ),
  )
  const paths = ['/app/a', '/app/b/c', '/security/x']
  for (const key of paths) await home.api.set({ key, value: 'v' })
  const principals = fc.subarray(['user:ann', 'user:eve', 'role:operator', 'group:web', '*'], {
    minLength: 1,
  })
  const resources = fc.subarray(['/app/a', '/app/*', '/**', '/app/b/**'], { minLength: 1 })
  const effect = fc.constantFrom('allow', 'deny')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ effect, principals, resources }), { maxLength: 4 }),
      async (list) => {
        const rules = list.map((one, i) => ({ id: `r${i}`, actions: ['read'], ...one }))
        // Who has denied something to everybody has it no more himself, and gives it to nobody.
        await home.api.policy({ op: 'set', document: { id: 'random', rules: [] } })
        await home.api.policy({ op: 'set', document: { id: 'random', rules } })
        for (const resource of paths) {
          const { grants = [] } = await home.api.policy({ op: 'who-can', action: 'read', resource })
          for (const [name, api] of again) {
            const got = await outcomeOf(() => api.get({ key: resource }))
            const may = 'answer' in (got as object)
            const listed = grants.some(({ principal }) => principal === `user:${name}`)
            const own = await api.policy({ op: 'explain', action: 'read', resource })
            const tried = await home.api.policy({
              op: 'test',
              requests: [{ user: name, action: 'read', resource, expect: may ? 'allow' : 'deny' }],
            })
            expect([name, resource, listed]).toEqual([name, resource, may])
            expect(own.decisions?.[0]?.decision).toBe(may ? 'allow' : 'deny')
            expect(tried.decisions?.[0]?.as_expected).toBe(true)
            if (!may) continue
            const { abilities = [] } = await api.policy({ op: 'what-can' })
            expect(
              abilities.some(
                (one) => one.effect === 'allow' && one.applies && one.actions.includes('read'),
              ),
            ).toBe(true)
          }
        }
      },
    ),
    { numRuns: 15 },
  )
})

test('a trial with documents changes nothing', async () => {
  const { home } = await prepared()
  const wider = { ...WEB, rules: [{ ...WEB.rules[0], when: { door: ['registry'] } }] }
  const requests = [
    { user: 'bob', action: 'read', resource: '/app/a', expect: 'allow' as const },
    { principals: ['role:operator'], action: 'read', resource: '/app/a', expect: 'deny' as const },
  ]
  const tried = await home.api.policy({ op: 'test', documents: [wider], requests })
  expect(tried.decisions?.map((one) => [one.decision, one.as_expected])).toEqual([
    ['allow', true],
    ['allow', false],
  ])
  const now = await home.api.policy({ op: 'test', requests })
  expect(now.decisions?.map(({ decision }) => decision)).toEqual(['deny', 'allow'])
})

test('lint finds what is not meant, of one document or of all', async () => {
  const { home } = await prepared()
  const odd = {
    id: 'odd',
    rules: [
      {
        id: 'all',
        effect: 'allow',
        principals: ['*'],
        actions: ['read', 'decrypt', 'grant'],
        resources: ['/**'],
      },
    ],
  }
  const { findings = [] } = await home.api.policy({ op: 'lint', document: odd })
  expect(findings.length).toBeGreaterThan(0)
  expect(
    findings.every(({ rule, by = [] }) => [rule, ...by].some((one) => one.startsWith('odd/'))),
  ).toBe(true)
  expect(
    (await home.api.policy({ op: 'list' })).policies?.some((one) => one.policy === 'odd'),
  ).toBe(false)
})

test('diff says who would be allowed what, by the names of today', async () => {
  const { home } = await prepared()
  const wider = { ...WEB, rules: WEB.rules.filter(({ id }) => id !== 'keys') }
  const { changes = [], complete } = await home.api.policy({ op: 'diff', document: wider })
  expect(complete).toBe(true)
  expect(changes.length).toBeGreaterThan(0)
  const gone = await home.api.policy({ op: 'diff', policy: 'web' })
  expect(gone.changes?.flatMap(({ principals }) => principals)).toContain('user:bob')
  expect(await home.api.policy({ op: 'diff', document: WEB })).toEqual({
    changes: [],
    complete: true,
  })
  await expect(home.api.policy({ op: 'diff' })).rejects.toEqual(reason('INVALID_ARGUMENT'))
  await expect(home.api.policy({ op: 'diff', policy: 'none' })).rejects.toEqual(reason('NOT_FOUND'))
})

describe('rules of another system', () => {
  const acls = (owner: string) => ({
    id: 'acls',
    source: 'acl',
    principals: ['*'],
    mount: '/',
    acls: {
      '/app': {
        owner,
        owner_group: 'web',
        permissions: [{ principal_type: 'user', principal_name: 'bob', actions: ['read'] }],
        inheritance: { mode: 'all', depth: 0 },
      },
    },
  })

  test('decide beside ours, bound to ids, and are shown with names', async () => {
    const home = await start()
    const bob = await addUser(home, 'bob', ['user'])
    await addUser(home, 'ann', ['user'])
    await home.api.group({ op: 'add', kind: 'group', name: 'web' })
    await home.api.set({ key: '/app/a', value: 'x' })
    const read = () => outcomeOf(() => bob.api.get({ key: '/app/a' }))
    expect(await read()).toMatchObject({ reason: 'ACCESS_DENIED' })
    await home.api.policy({ op: 'set', document: acls('ann') })
    expect(await read()).toMatchObject({ answer: { value: 'x' } })
    expect((await home.api.policy({ op: 'get', policy: 'acls' })).document).toEqual(acls('ann'))
    expect((await home.api.policy({ op: 'list' })).policies).toContainEqual(
      expect.objectContaining({ policy: 'acls', source: 'acl', rules: 1 }),
    )
    await expect(home.api.group({ op: 'remove', kind: 'group', name: 'web' })).rejects.toEqual(
      reason('IN_USE'),
    )
    await home.api.user({ op: 'remove', user: 'bob' })
    const again = await addUser(home, 'bob', ['user'])
    await expect(again.api.get({ key: '/app/a' })).rejects.toEqual(reason('ACCESS_DENIED'))
  })

  test('name nobody who is not here, and are changed only by who has all below their mount', async () => {
    const home = await start()
    await addUser(home, 'bob', ['user'])
    const ada = await addUser(home, 'ada', ['admin'])
    await home.api.group({ op: 'add', kind: 'group', name: 'web' })
    await expect(home.api.policy({ op: 'set', document: acls('nobody') })).rejects.toMatchObject({
      reason: 'PRINCIPAL_UNKNOWN',
      pointer: '/acls/~1app/owner',
    })
    const setec = {
      id: 'setec',
      source: 'setec',
      principals: ['user:bob'],
      mount: '/setec',
      rules: [{ action: ['get'], secret: ['prod/*'] }],
    }
    await expect(ada.api.policy({ op: 'set', document: setec })).rejects.toEqual(
      reason('GRANT_EXCEEDED'),
    )
    await home.api.policy({ op: 'set', document: setec })
    await expect(ada.api.policy({ op: 'delete', policy: 'setec' })).rejects.toEqual(
      reason('GRANT_EXCEEDED'),
    )
  })
})

test('templates of Vault policies are filled in with who asks, and nothing else', async () => {
  const home = await start()
  const ann = await addUser(home, 'ann', ['user'])
  const bob = await addUser(home, 'bob', ['user'])
  for (const name of ['ann', 'bob']) await home.api.set({ key: `/team/${name}/a`, value: 'x' })
  const path = { 'team/data/{{identity.entity.name}}/*': { capabilities: ['read'] } }
  const document = {
    id: 'own',
    source: 'vault',
    principals: ['role:user'],
    mount: '/team',
    apiMount: 'team',
    policies: [{ name: 'own', path }],
  }
  await home.api.policy({ op: 'set', document })
  const may = async (api: typeof ann.api, key: string) =>
    'answer' in ((await outcomeOf(() => api.get({ key }))) as object)
  expect(await may(ann.api, '/team/ann/a')).toBe(true)
  expect(await may(ann.api, '/team/bob/a')).toBe(false)
  expect(await may(bob.api, '/team/bob/a')).toBe(true)
  const asked = { action: 'read', resource: '/team/ann/a' }
  const { grants } = await home.api.policy({ op: 'who-can', ...asked })
  expect(grants?.map(({ principal }) => principal)).toContain('user:ann')
  expect(grants?.map(({ principal }) => principal)).not.toContain('user:bob')
  const told = await home.api.policy({ op: 'explain', user: 'ann', ...asked })
  expect(told.decisions?.[0]?.decision).toBe('allow')
})

test('a document that is valid alone and not with the others is refused by every question', async () => {
  const home = await start()
  const vault = (id: string, apiMount: string) => ({
    id,
    source: 'vault',
    principals: ['role:operator'],
    mount: '/kv/secret',
    apiMount,
    policies: [{ name: 'p', path: { [`${apiMount}/data/a`]: { capabilities: ['read'] } } }],
  })
  await home.api.policy({ op: 'set', document: vault('one', 'secret') })
  const document = vault('two', 'other')
  for (const request of [
    { op: 'set', document },
    { op: 'lint', document },
    { op: 'diff', document },
    { op: 'test', documents: [document], requests: [{ action: 'read', resource: '/a' }] },
  ] as RequestOf<'policy'>[]) {
    await expect(home.api.policy(request)).rejects.toEqual(reason('POLICY_INVALID'))
  }
})
