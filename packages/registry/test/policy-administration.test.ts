/** Policies over the protocol: set, shown, bound to ids, and never giving more than their author has. */
import { ACTIONS, type RegistryApi, type RequestOf } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { describe, expect, test } from 'vitest'
import { addUser, linesOf, outcomeOf, PASSWORD, reason, start } from './fixture.ts'

type Document = Extract<RequestOf<'policy'>, { op: 'set' }>['document']

const rule = (members: object = {}): object => ({
  id: 'r',
  effect: 'allow',
  principals: ['user:bob'],
  actions: ['read'],
  resources: ['/app/**'],
  ...members,
})

const policy = (id: string, ...rules: object[]): Document => ({ id, rules })

const put = (api: RegistryApi, document: Document) => api.policy({ op: 'set', document })

describe('a policy', () => {
  test('holds for the next operation of every session, and no longer than it stands', async () => {
    const home = await start()
    const bob = await addUser(home, 'bob', ['user'])
    await home.api.set({ key: '/app/a', value: 'x' })
    const read = () => outcomeOf(() => bob.api.get({ key: '/app/a' }))
    const denied = await read()
    expect(denied).toMatchObject({ reason: 'ACCESS_DENIED' })
    const { revision = 0 } = await put(home.api, policy('web', rule()))
    expect(await read()).toMatchObject({ answer: { value: 'x' } })
    await put(home.api, policy('web', rule(), rule({ id: 'no', effect: 'deny' })))
    expect(await read()).toEqual(denied)
    await put(home.api, policy('web', rule()))
    expect(await read()).toMatchObject({ answer: { value: 'x' } })
    await home.api.policy({ op: 'delete', policy: 'web' })
    expect(await read()).toEqual(denied)
    expect(revision).toBeGreaterThan(0)
    const changes = linesOf(home.files).filter(({ body }) => body.action === 'grant')
    expect(changes.map(({ body }) => [body.detail, body.outcome, body.actor.user])).toEqual([
      ['policy-set web', 'ok', 'root'],
      ['policy-set web', 'ok', 'root'],
      ['policy-set web', 'ok', 'root'],
      ['policy-delete web', 'ok', 'root'],
    ])
  })

  test('is listed and shown as it was written, and survives a restart', async () => {
    const home = await start()
    await addUser(home, 'bob', ['user'])
    const document = { ...policy('web', rule()), description: 'for the web' }
    const { revision } = await put(home.api, document)
    expect(await home.api.policy({ op: 'get', policy: 'web' })).toEqual({ document, revision })
    const { policies = [] } = await home.api.policy({ op: 'list' })
    expect(policies.find((one) => one.policy === 'web')).toEqual({
      policy: 'web',
      description: 'for the web',
      source: 'native',
      rules: 1,
      revision,
    })
    expect(policies.map((one) => one.policy)).toEqual(
      expect.arrayContaining(['role-admin', 'role-operator', 'role-auditor']),
    )
  })

  test('of an older revision is not written over a newer one', async () => {
    const { api } = await start()
    const document = policy('web', rule({ principals: ['role:operator'] }))
    const { revision = 0 } = await api.policy({ op: 'set', document, if_revision: 0 })
    await expect(api.policy({ op: 'set', document, if_revision: 0 })).rejects.toEqual(
      reason('VERSION_CONFLICT'),
    )
    await expect(
      api.policy({ op: 'delete', policy: 'web', if_revision: revision - 1 }),
    ).rejects.toEqual(reason('VERSION_CONFLICT'))
    await api.policy({ op: 'set', document, if_revision: revision })
  })

  test.each([
    ['a user', 'user:nobody'],
    ['a group', 'group:nobody'],
    ['a role', 'role:nobody'],
    ['a zone', 'zone:nobody'],
    ['an account', `account:${'0'.repeat(32)}`],
    ['a kind', 'team:web'],
    ['a uid', 'uid:01'],
  ])('names no principal that is nobody: %s', async (_, principal) => {
    const { api } = await start()
    const principals = ['role:admin', principal]
    await expect(put(api, policy('web', rule({ principals })))).rejects.toMatchObject({
      reason: 'PRINCIPAL_UNKNOWN',
      pointer: '/rules/0/principals/1',
    })
    await expect(api.policy({ op: 'get', policy: 'web' })).rejects.toEqual(reason('NOT_FOUND'))
  })

  test.each([
    ['an action', { actions: ['fly'] }, '/rules/0/actions/0'],
    ['a member', { resourcs: [] }, '/rules/0/resourcs'],
    ['a condition', { when: { moon: 'full' } }, '/rules/0/when'],
    ['a pattern', { resources: ['/a/**/b'] }, '/rules/0/resources/0'],
    ['an effect', { effect: 'maybe' }, '/rules/0/effect'],
    ['a principal', { principals: ['bob'] }, '/rules/0/principals/0'],
  ])('that has %s nobody knows is refused with its place, and not stored', async (_, bad, at) => {
    const { api } = await start()
    const refused = await outcomeOf(() => put(api, policy('web', rule(bad))))
    expect(refused).toMatchObject({
      reason: 'POLICY_INVALID',
      message: expect.stringContaining(at),
    })
    await expect(api.policy({ op: 'get', policy: 'web' })).rejects.toEqual(reason('NOT_FOUND'))
  })
})

describe('binding to ids', () => {
  test('a name that is used again inherits nothing', async () => {
    const home = await start()
    await addUser(home, 'bob', ['user'])
    await home.api.set({ key: '/app/a', value: 'x' })
    await put(home.api, policy('web', rule()))
    const { users = [] } = await home.api.user({ op: 'show', user: 'bob' })
    await home.api.user({ op: 'remove', user: 'bob' })
    const again = await addUser(home, 'bob', ['user'])
    await expect(again.api.get({ key: '/app/a' })).rejects.toEqual(reason('ACCESS_DENIED'))
    const { document } = await home.api.policy({ op: 'get', policy: 'web' })
    expect(document).toEqual(policy('web', rule({ principals: [`account:${users[0]?.account}`] })))
  })

  test('a user who is renamed keeps what is his, and nobody else gets it', async () => {
    const home = await start()
    const bob = await addUser(home, 'bob', ['user'])
    await home.api.set({ key: '/app/a', value: 'x' })
    await put(home.api, policy('web', rule()))
    await bob.api.set({ key: '/user/bob/mine', value: 'y' })
    await home.api.user({ op: 'rename', user: 'bob', name: 'rob' })
    const rob = home.registry.as(await loginTestUser(home, 'rob', PASSWORD))
    expect(await rob.get({ key: '/app/a' })).toMatchObject({ value: 'x' })
    expect(await rob.get({ key: '/user/bob/mine' })).toMatchObject({ value: 'y' })
    await rob.set({ key: '/user/rob/new', value: 'z' })
    const { document } = await home.api.policy({ op: 'get', policy: 'web' })
    expect(document).toEqual(policy('web', rule({ principals: ['user:rob'] })))
    await expect(addUser(home, 'bob', ['user'])).rejects.toEqual(reason('ALREADY_EXISTS'))
    await home.api.versions({ op: 'purge', key: '/user/bob/mine' })
    await expect(addUser(home, 'bob', ['user'])).rejects.toEqual(reason('ALREADY_EXISTS'))
    await expect(home.api.user({ op: 'rename', user: 'rob', name: 'root' })).rejects.toEqual(
      reason('USER_EXISTS'),
    )
  })

  test('a group or role that a policy names, or that has members, is not removed', async () => {
    const home = await start()
    await addUser(home, 'bob', ['user'])
    for (const kind of ['group', 'role'] as const) {
      await home.api.group({ op: 'add', kind, name: 'web' })
      await put(home.api, policy('web', rule({ principals: [`${kind}:web`] })))
      await expect(home.api.group({ op: 'remove', kind, name: 'web' })).rejects.toEqual(
        reason('IN_USE'),
      )
      await home.api.group({ op: 'join', kind, name: 'web', user: 'bob' })
      expect(await home.api.group({ op: 'show', kind, name: 'web' })).toMatchObject({
        groups: [{ name: 'web', members: ['bob'], policies: ['web'] }],
      })
      await home.api.policy({ op: 'delete', policy: 'web' })
      await expect(home.api.group({ op: 'remove', kind, name: 'web' })).rejects.toEqual(
        reason('IN_USE'),
      )
      await home.api.group({ op: 'leave', kind, name: 'web', user: 'bob' })
      await home.api.group({ op: 'remove', kind, name: 'web' })
      await expect(home.api.group({ op: 'show', kind, name: 'web' })).rejects.toEqual(
        reason('NOT_FOUND'),
      )
    }
  })
})

describe('weakness 46: nobody grants what he lacks', () => {
  /** An administrator who reads no secrets. */
  const administration = async () => {
    const home = await start()
    const ada = await addUser(home, 'ada', ['admin'])
    await addUser(home, 'bob', ['user'])
    return { home, ada }
  }

  test('neither to others nor to himself', async () => {
    const { home, ada } = await administration()
    const secrets = (principal: string) =>
      policy('web', rule({ principals: [principal], actions: ['read', 'decrypt'] }))
    for (const principal of ['user:ada', 'user:bob', 'role:admin', '*']) {
      await expect(put(ada.api, secrets(principal))).rejects.toEqual(reason('GRANT_EXCEEDED'))
    }
    await put(ada.api, policy('web', rule()))
    // The first administrator reads secrets, and so may let others read them.
    await put(home.api, secrets('user:bob'))
    // What is there already is not granted again by who changes something else.
    await put(ada.api, { ...secrets('user:bob'), description: 'changed' })
    await expect(
      put(
        ada.api,
        policy('web', rule({ actions: ['read', 'decrypt'], resources: ['/app/**', '/other/**'] })),
      ),
    ).rejects.toEqual(reason('GRANT_EXCEEDED'))
    const denied = linesOf(home.files).filter(({ body }) => body.reason === 'GRANT_EXCEEDED')
    expect(denied.every(({ body }) => body.action === 'grant' && body.outcome === 'denied')).toBe(
      true,
    )
    expect(denied).toHaveLength(5)
  })

  test('nor by taking a deny away', async () => {
    const { home, ada } = await administration()
    const deny = rule({ effect: 'deny', principals: ['*'], actions: ['decrypt'] })
    await put(home.api, policy('shut', deny))
    await expect(home.api.get({ key: '/app/a', decrypt: true })).rejects.toEqual(
      reason('STORAGE_KEY_NOT_FOUND'),
    )
    await expect(ada.api.policy({ op: 'delete', policy: 'shut' })).rejects.toEqual(
      reason('GRANT_EXCEEDED'),
    )
    await expect(put(ada.api, policy('shut'))).rejects.toEqual(reason('GRANT_EXCEEDED'))
    await home.api.policy({ op: 'delete', policy: 'shut' })
  })

  test('nor with fewer conditions than bind himself', async () => {
    const { home } = await administration()
    const carl = await addUser(home, 'carl', ['user'])
    await home.api.policy({
      op: 'set',
      document: policy(
        'carl',
        rule({ id: 'p', principals: ['user:carl'], actions: ['policy'], resources: ['/'] }),
        rule({
          id: 'g',
          principals: ['user:carl'],
          actions: ['grant', 'read'],
          when: { door: ['registry'] },
        }),
      ),
    })
    await expect(put(carl.api, policy('web', rule()))).rejects.toEqual(reason('GRANT_EXCEEDED'))
    await put(carl.api, policy('web', rule({ when: { door: ['registry'] } })))
    await put(carl.api, policy('web', rule({ when: { door: ['registry'], mfa: true } })))
    await expect(
      put(carl.api, policy('web', rule({ when: { door: ['registry', 'http'] } }))),
    ).rejects.toEqual(reason('GRANT_EXCEEDED'))
  })

  test('nor by taking somebody out of a group that is denied something', async () => {
    const { home } = await administration()
    const desk = await addUser(home, 'desk', ['user'])
    await home.api.group({ op: 'add', kind: 'group', name: 'shut' })
    await home.api.group({ op: 'join', kind: 'group', name: 'shut', user: 'bob' })
    const accounts = { principals: ['user:desk'], actions: ['account'], resources: ['/'] }
    await put(home.api, policy('desk', rule(accounts)))
    for (const attempt of [
      () => desk.api.group({ op: 'leave', kind: 'group', name: 'shut', user: 'bob' }),
      () => desk.api.user({ op: 'groups', user: 'bob', groups: [] }),
    ] as (() => Promise<unknown>)[]) {
      await expect(attempt()).rejects.toEqual(reason('ACCESS_DENIED'))
    }
    await home.api.user({ op: 'groups', user: 'bob', groups: [] })
  })

  test('nor by taking somebody out of the role user, or out of a group of that name', async () => {
    const { home } = await administration()
    const desk = await addUser(home, 'desk', ['user'])
    await home.api.group({ op: 'add', kind: 'group', name: 'user' })
    await home.api.group({ op: 'join', kind: 'group', name: 'user', user: 'bob' })
    const accounts = { principals: ['user:desk'], actions: ['account'], resources: ['/'] }
    await put(home.api, policy('desk', rule(accounts)))
    for (const attempt of [
      () => desk.api.group({ op: 'leave', kind: 'group', name: 'user', user: 'bob' }),
      () => desk.api.group({ op: 'leave', kind: 'role', name: 'user', user: 'bob' }),
      () => desk.api.user({ op: 'roles', user: 'bob', roles: [] }),
    ] as (() => Promise<unknown>)[]) {
      await expect(attempt()).rejects.toEqual(reason('ACCESS_DENIED'))
    }
    await home.api.group({ op: 'leave', kind: 'group', name: 'user', user: 'bob' })
  })

  test('nor by a group that only a template of a Vault policy asks for', async () => {
    const { home, ada } = await administration()
    await home.api.group({ op: 'add', kind: 'group', name: 'web' })
    for (const variable of ['groups.names.web.id', 'groups.ids.web.name']) {
      const path = { [`secret/data/{{ identity.${variable} }}/*`]: { capabilities: ['read'] } }
      await home.api.policy({
        op: 'set',
        document: {
          id: 'teams',
          source: 'vault',
          principals: ['*'],
          mount: '/teams',
          apiMount: 'secret',
          policies: [{ name: 'teams', path }],
        },
      })
      for (const attempt of [
        () => ada.api.group({ op: 'join', kind: 'group', name: 'web', user: 'bob' }),
        () => ada.api.user({ op: 'add', user: 'eve', password: PASSWORD, groups: ['web'] }),
      ] as (() => Promise<unknown>)[]) {
        await expect(attempt()).rejects.toEqual(reason('GRANT_EXCEEDED'))
      }
    }
    await expect(home.api.group({ op: 'remove', kind: 'group', name: 'web' })).rejects.toEqual(
      reason('IN_USE'),
    )
    await home.api.group({ op: 'join', kind: 'group', name: 'web', user: 'bob' })
  })

  test('nor by a token with which somebody else has what templates give to each user', async () => {
    const { home } = await administration()
    const desk = await addUser(home, 'desk', ['user'])
    const whole = {
      principals: ['user:desk'],
      actions: ACTIONS,
      resources: ['/user/bob', '/user/bob/**'],
    }
    const accounts = { principals: ['user:desk'], actions: ['account'], resources: ['/'] }
    await put(home.api, policy('desk', rule(whole), rule({ id: 'a', ...accounts })))
    const create = () => desk.api.token({ op: 'create', user: 'bob', boundary: 'full' })
    await create()
    const path = { 'secret/data/{{identity.entity.id}}/*': { capabilities: ['read'] } }
    const document = { id: 'own', source: 'vault', principals: ['*'], mount: '/own' }
    const policies = [{ name: 'own', path }]
    await home.api.policy({
      op: 'set',
      document: { ...document, apiMount: 'secret', policies },
    })
    await expect(create()).rejects.toEqual(reason('GRANT_EXCEEDED'))
    await desk.api.user({ op: 'password', user: 'bob', password: 'Another-good-one-2' })
  })

  test('nor by a role, a group, a password or a token', async () => {
    const { home, ada } = await administration()
    const secrets = { actions: ['decrypt'], principals: ['role:vault', 'group:vault'] }
    for (const kind of ['role', 'group'] as const) {
      await home.api.group({ op: 'add', kind, name: 'vault' })
    }
    await put(home.api, policy('vault', rule(secrets)))
    const attempts: (() => Promise<unknown>)[] = [
      () => ada.api.group({ op: 'join', kind: 'role', name: 'vault', user: 'ada' }),
      () => ada.api.group({ op: 'join', kind: 'group', name: 'vault', user: 'bob' }),
      () => ada.api.user({ op: 'roles', user: 'bob', roles: ['user', 'vault'] }),
      () => ada.api.user({ op: 'groups', user: 'bob', groups: ['vault'] }),
      () => ada.api.user({ op: 'add', user: 'eve', password: PASSWORD, roles: ['vault'] }),
      () => ada.api.user({ op: 'add', user: 'eve', password: PASSWORD, groups: ['vault'] }),
      () => ada.api.user({ op: 'password', user: TEST_ADMIN.admin, password: PASSWORD }),
      () => ada.api.user({ op: 'uids', user: TEST_ADMIN.admin, uids: [1000] }),
      () => ada.api.user({ op: 'system', user: TEST_ADMIN.admin, system: true }),
      () => ada.api.token({ op: 'create', user: TEST_ADMIN.admin, boundary: 'full' }),
      () => ada.api.mfa({ op: 'reset', user: TEST_ADMIN.admin }),
    ]
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toEqual(reason('GRANT_EXCEEDED'))
    }
    await home.api.group({ op: 'join', kind: 'role', name: 'vault', user: 'ada' })
    await home.api.group({ op: 'join', kind: 'group', name: 'vault', user: 'bob' })
    // Who has it may give it on.
    const again = home.registry.as(await loginTestUser(home, 'ada', PASSWORD))
    await again.user({ op: 'roles', user: 'bob', roles: ['user', 'vault'] })
    // Somebody who has forgotten his password is helped by any administrator who has what it opens.
    await again.user({ op: 'password', user: 'bob', password: 'Another-good-one-2' })
  })
})

describe('the last administrator is not locked out by accident', () => {
  test('by a policy', async () => {
    const { api } = await start()
    for (const attempt of [
      () => api.policy({ op: 'delete', policy: 'role-admin' }),
      () => put(api, policy('role-admin')),
      () =>
        put(
          api,
          policy(
            'oops',
            rule({ effect: 'deny', principals: ['*'], actions: ['policy'], resources: ['/'] }),
          ),
        ),
      () =>
        put(
          api,
          policy(
            'oops',
            rule({
              effect: 'deny',
              principals: ['role:admin'],
              actions: ['account'],
              resources: ['/'],
            }),
          ),
        ),
    ]) {
      await expect(attempt()).rejects.toEqual(reason('LAST_ADMINISTRATOR'))
    }
    expect((await api.policy({ op: 'list', homes: true })).policies).toHaveLength(5)
  })

  test('nor by a change of who he is, where policy says who administers', async () => {
    const first = await start()
    const root = TEST_ADMIN.admin
    await first.api.group({ op: 'add', kind: 'group', name: 'ops' })
    await first.api.group({ op: 'join', kind: 'group', name: 'ops', user: root })
    const caller = await loginTestUser(first, root, TEST_ADMIN.admin_password)
    const home = { ...first, api: first.registry.as(caller) }
    const everything = {
      principals: ['group:ops'],
      actions: ['account', 'policy', 'policy-read', 'grant'],
      resources: ['/', '/**'],
    }
    await put(home.api, policy('ops', rule(everything)))
    await home.api.policy({ op: 'delete', policy: 'role-admin' })
    const attempts: (() => Promise<unknown>)[] = [
      () => home.api.group({ op: 'leave', kind: 'group', name: 'ops', user: root }),
      () => home.api.user({ op: 'groups', user: root, groups: [] }),
      () => home.api.policy({ op: 'delete', policy: 'ops' }),
    ]
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toEqual(reason('LAST_ADMINISTRATOR'))
    }
    // Somebody without the role can be it.
    await home.api.user({ op: 'add', user: 'olga', password: PASSWORD, groups: ['ops'] })
    await home.api.group({ op: 'leave', kind: 'group', name: 'ops', user: root })
  })

  test('and two who lock each other out at once do not both succeed', async () => {
    const home = await start()
    const ada = await addUser(home, 'ada', ['admin'])
    const outcomes = await Promise.all([
      outcomeOf(() => home.api.user({ op: 'disable', user: 'ada' })),
      outcomeOf(() =>
        put(
          ada.api,
          policy(
            'oops',
            rule({
              effect: 'deny',
              principals: [`user:${TEST_ADMIN.admin}`],
              actions: ['policy'],
              resources: ['/'],
            }),
          ),
        ),
      ),
    ])
    expect(outcomes.filter((one) => 'answer' in (one as object))).toHaveLength(1)
  })
})

describe('weakness 46: access control lists are weighed path by path', () => {
  const acls = (lists: object) => ({
    id: 'acls',
    source: 'acl',
    principals: ['*'],
    mount: '/',
    acls: lists,
  })
  const list = (owner: string, ...actions: string[]) => ({
    owner,
    permissions: [{ principal_type: 'user', principal_name: 'bob', actions }],
    inheritance: { mode: 'all', depth: 0 },
  })

  test('an owner of all policies gives on what he has, and nothing else', async () => {
    const home = await start()
    const ada = await addUser(home, 'ada', ['admin'])
    await addUser(home, 'bob', ['user'])
    await put(ada.api, acls({ '/app': list('ada', 'write') }))
    // Reading is reading secrets too, in the words of the other system.
    await expect(
      put(ada.api, acls({ '/app': list('ada', 'write'), '/other': list('ada', 'decrypt') })),
    ).rejects.toEqual(reason('GRANT_EXCEEDED'))
    await put(home.api, acls({ '/app': list('ada', 'write'), '/other': list('bob', 'decrypt') }))
    // What is there already is not granted again, and taking away needs no more than the right to grant.
    await put(ada.api, acls({ '/app': list('bob', 'write'), '/other': list('bob', 'decrypt') }))
    await put(ada.api, acls({ '/app': list('bob', 'write') }))
    await ada.api.policy({ op: 'delete', policy: 'acls' })
  })

  test('but who they are for, and who is in their groups, by all that they can give', async () => {
    const home = await start()
    const ada = await addUser(home, 'ada', ['user'])
    await addUser(home, 'bob', ['user'])
    await home.api.group({ op: 'add', kind: 'group', name: 'keys' })
    const entries = ACTIONS.slice(0, ACTIONS.indexOf('account'))
    const all = { principals: ['user:ada'], actions: entries, resources: ['/**'] }
    const atRoot = entries.filter((action) => !['decrypt', 'use-internal'].includes(action))
    const actions = [...atRoot, 'account', 'policy']
    const some = { principals: ['user:ada'], actions, resources: ['/'] }
    await put(home.api, policy('ada', rule(all), rule({ id: 's', ...some })))
    const permissions = [{ principal_type: 'group', principal_name: 'keys', actions: ['admin'] }]
    const inheritance = { mode: 'none', depth: 0 }
    const lists = acls({ '/': { owner: TEST_ADMIN.admin, permissions, inheritance } })
    await put(home.api, { ...lists, principals: ['user:bob'] })
    for (const attempt of [
      () => put(ada.api, lists),
      () => ada.api.group({ op: 'join', kind: 'group', name: 'keys', user: 'bob' }),
    ] as (() => Promise<unknown>)[]) {
      await expect(attempt()).rejects.toEqual(reason('GRANT_EXCEEDED'))
    }
    await put(home.api, lists)
    await home.api.group({ op: 'join', kind: 'group', name: 'keys', user: 'bob' })
  })

  test('and a document of another system by what it can give at its mount, not only below', async () => {
    const home = await start()
    const ada = await addUser(home, 'ada', ['user'])
    const below = { principals: ['user:ada'], actions: ACTIONS, resources: ['/kv/**'] }
    const some = { principals: ['user:ada'], actions: ['policy'], resources: ['/'] }
    const at = { id: 'a', principals: ['user:ada'], actions: ACTIONS, resources: ['/kv'] }
    await put(home.api, policy('ada', rule(below), rule({ id: 's', ...some })))
    const document = {
      id: 'kv',
      source: 'vault',
      principals: ['role:user'],
      mount: '/kv',
      apiMount: 'secret',
      policies: [{ name: 'kv', path: { 'secret/metadata/*': { capabilities: ['list'] } } }],
    }
    await expect(put(ada.api, document)).rejects.toEqual(reason('GRANT_EXCEEDED'))
    await put(home.api, policy('ada', rule(below), rule(at), rule({ id: 's', ...some })))
    await put(ada.api, document)
  })
})
