/** Accounts, groups and zones through the registry: what holds at once, and what nobody inherits. */
import type { RequestOf } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { FaultEngine } from '@secreg/storage/testing'
import { expect, test } from 'vitest'
import { addUser, linesOf, outcomeOf, PASSWORD, PEER, reason, restart, start } from './fixture.ts'

const GROUP_READS = {
  id: 'web',
  rules: [
    {
      id: 'r',
      effect: 'allow',
      principals: ['group:web'],
      actions: ['read'],
      resources: ['/app/**'],
    },
  ],
}

test('weakness 45: a group lets in, and leaving it takes effect at the next operation', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  await home.api.set({ key: '/app/a', value: 'x' })
  await home.api.group({ op: 'add', kind: 'group', name: 'web', description: 'the web' })
  await home.api.policy({ op: 'set', document: GROUP_READS })
  const answer = await home.registry.login(PEER, { username: 'bob', password: PASSWORD })
  const handle = home.registry.sessionHandle()
  const api = () => {
    const session = handle.resolve(answer.session_id ?? '')
    const caller = session === undefined ? undefined : home.registry.callerOf(session, PEER)
    return caller === undefined ? bob.api : home.registry.as(caller)
  }
  const read = () => outcomeOf(() => api().get({ key: '/app/a' }))
  expect(await read()).toMatchObject({ reason: 'ACCESS_DENIED' })
  await home.api.group({ op: 'join', kind: 'group', name: 'web', user: 'bob' })
  expect(await read()).toMatchObject({ answer: { value: 'x' } })
  expect(await api().whoami()).toMatchObject({ groups: ['web'] })
  await home.api.group({ op: 'leave', kind: 'group', name: 'web', user: 'bob' })
  expect(await read()).toMatchObject({ reason: 'ACCESS_DENIED' })
})

test('groups and roles are listed with their members and policies', async () => {
  const home = await start()
  await home.api.group({ op: 'add', kind: 'group', name: 'web', description: 'the web' })
  await addUser(home, 'bob', ['user'])
  await home.api.user({ op: 'groups', user: 'bob', groups: ['web'] })
  await home.api.policy({ op: 'set', document: GROUP_READS })
  expect(await home.api.group({ op: 'list', kind: 'group' })).toEqual({
    groups: [
      {
        name: 'web',
        description: 'the web',
        members: ['bob'],
        policies: ['web'],
        created_at: expect.any(Number),
      },
    ],
  })
  const { groups } = await home.api.group({ op: 'list', kind: 'role' })
  expect(groups.map(({ name, built_in: builtIn }) => [name, builtIn])).toEqual([
    ['admin', true],
    ['auditor', true],
    ['operator', true],
    ['user', true],
  ])
  expect(groups[0]).toMatchObject({ members: [TEST_ADMIN.admin], policies: ['role-admin'] })
})

test.each([
  ['a group that there is not', { op: 'groups', user: 'bob', groups: ['none'] }, 'NOT_FOUND'],
  ['a role that there is not', { op: 'roles', user: 'bob', roles: ['none'] }, 'NOT_FOUND'],
  [
    'class 5: a role with a blank',
    { op: 'roles', user: 'bob', roles: [' admin'] },
    'INVALID_ARGUMENT',
  ],
  [
    'class 5: a role in capitals',
    { op: 'roles', user: 'bob', roles: ['Admin'] },
    'INVALID_ARGUMENT',
  ],
  ['a uid of the overflow', { op: 'uids', user: 'bob', uids: [65534] }, 'INVALID_ARGUMENT'],
  ['a user that there is not', { op: 'uids', user: 'nobody', uids: [] }, 'USER_NOT_FOUND'],
  ['another name that is none', { op: 'rename', user: 'bob', name: '../x' }, 'INVALID_ARGUMENT'],
] as [string, RequestOf<'user'>, string][])('%s is refused', async (_, request, word) => {
  const home = await start()
  await addUser(home, 'bob', ['user'])
  const before = await home.api.user({ op: 'list' })
  const refused = await outcomeOf(() => home.api.user(request))
  expect(['INVALID_ARGUMENT', word]).toContain((refused as { reason: string }).reason)
  if (word !== 'INVALID_ARGUMENT') expect(refused).toMatchObject({ reason: word })
  expect(await home.api.user({ op: 'list' })).toEqual(before)
})

test('a name that somebody has is told as that, and not as one that he gave away', async () => {
  const home = await start()
  await addUser(home, 'bob', ['user'])
  const again = { op: 'add', user: 'bob', password: PASSWORD } as const
  await expect(home.api.user(again)).rejects.toEqual(reason('USER_EXISTS'))
  await home.api.user({ op: 'rename', user: 'bob', name: 'robert' })
  await expect(home.api.user(again)).rejects.toEqual(reason('ALREADY_EXISTS'))
  await home.api.user({ op: 'remove', user: 'robert' })
  await home.api.user(again)
})

test('a name that was given away is told as that, and nobody is sent to purge what is there', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  await bob.api.set({ key: '/user/bob/own', value: 'x' })
  await home.api.user({ op: 'rename', user: 'bob', name: 'robert' })
  await addUser(home, 'carl', ['user'])
  for (const request of [
    { op: 'add', user: 'bob', password: PASSWORD },
    { op: 'rename', user: 'carl', name: 'bob' },
  ] as const) {
    const refused = home.api.user(request)
    await expect(refused).rejects.toEqual(reason('ALREADY_EXISTS'))
    await expect(refused).rejects.toThrow('the subtree of another user')
  }
})

test('who was renamed gets his old name back, with what is there', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  await bob.api.set({ key: '/user/bob/own', value: 'x' })
  await home.api.user({ op: 'rename', user: 'bob', name: 'robert' })
  await home.api.user({ op: 'rename', user: 'robert', name: 'bob' })
  expect(await bob.api.get({ key: '/user/bob/own' })).toMatchObject({ value: 'x' })
})

test('class 5: names of roles and groups have one spelling', async () => {
  const { api } = await start()
  for (const kind of ['group', 'role'] as const) {
    for (const name of ['Admin', ' admin', 'admin ', 'ＡＤＭＩＮ', 'adm\u0131n', '', 'a/b', '1a']) {
      await expect(api.group({ op: 'add', kind, name })).rejects.toEqual(reason('INVALID_ARGUMENT'))
    }
  }
  await expect(api.group({ op: 'add', kind: 'role', name: 'admin' })).rejects.toEqual(
    reason('ALREADY_EXISTS'),
  )
  await expect(api.group({ op: 'remove', kind: 'role', name: 'user' })).rejects.toEqual(
    reason('INVALID_ARGUMENT'),
  )
})

test('everything of accounts survives a restart', async () => {
  const engine = new FaultEngine()
  const first = await start({ engine })
  await first.api.group({ op: 'add', kind: 'group', name: 'web' })
  await first.api.group({ op: 'add', kind: 'role', name: 'deployer' })
  await first.api.user({
    op: 'add',
    user: 'bob',
    password: PASSWORD,
    roles: ['deployer', 'user'],
    groups: ['web'],
    uids: [1000],
  })
  await first.api.user({ op: 'add', user: 'carl', system: true })
  const { users } = await first.api.user({ op: 'list' })
  expect(users).toMatchObject([
    { user: 'bob', roles: ['user', 'deployer'], groups: ['web'], uids: [1000], password: true },
    { user: 'carl', system: true, password: false },
    { user: TEST_ADMIN.admin },
  ])
  await first.registry.close()
  const home = await restart({ engine: engine.restart(), files: first.files })
  expect((await home.api.user({ op: 'list' })).users).toEqual(users)
  await loginTestUser(home, 'bob', PASSWORD)
})

test('a system user logs in by what the system says, and by nothing else', async () => {
  const asked: [string, string][] = []
  const systemLogin = {
    failureDelayMs: 1,
    verify: async (login: string, password: string) => {
      asked.push([login, password])
      if (password === 'broken') throw new Error('no PAM here')
      return password === 'of the system'
    },
  }
  const home = await start({ systemLogin })
  await home.api.user({ op: 'add', user: 'carl', system: true })
  await addUser(home, 'bob', ['user'])
  const login = (username: string, password: string) =>
    home.registry.login(PEER, { username, password })
  expect(await login('carl', 'of the system')).toMatchObject({ success: true })
  expect(await login('bob', 'of the system')).toMatchObject({ success: false })
  // weakness 40: who has no account here is nobody, whatever the system says.
  const ghost = await login('ghost', 'of the system')
  expect(await login('carl', 'wrong')).toEqual(ghost)
  expect(await login('carl', 'broken')).toEqual(ghost)
  expect(ghost).toMatchObject({ success: false, error: { reason: 'AUTH_FAILED' } })
  // Passwords of ours are shown to nobody else.
  expect(asked.map(([name]) => name)).toEqual(['carl', 'carl', 'carl'])
  await expect(home.api.user({ op: 'password', user: 'carl', password: PASSWORD })).rejects.toEqual(
    reason('INVALID_ARGUMENT'),
  )
})

test('without a helper a system user does not log in', async () => {
  const home = await start()
  await home.api.user({ op: 'add', user: 'carl', system: true })
  expect(await home.registry.login(PEER, { username: 'carl', password: '' })).toMatchObject({
    success: false,
    error: { reason: 'AUTH_FAILED' },
  })
})

test('class 23: a zone made again under the name has nothing of the one before', async () => {
  const home = await start()
  const settings = { allow_tokens: true, allow_passwd: true, max_temp_validity_s: 60 }
  const made = await home.api.zone({ op: 'add', zone: 'mail', ...settings })
  await home.api.zone({ op: 'create-account', zone: 'mail', login: 'alice' })
  const { secret: token = '' } = await home.api.zone({
    op: 'create-token',
    zone: 'mail',
    login: 'alice',
  })
  const { secret: temp = '' } = await home.api.zone({
    op: 'create-temp',
    zone: 'mail',
    login: 'alice',
    validity_s: 60,
  })
  await home.api.zone({ op: 'set-password', zone: 'mail', login: 'alice', password: 'simple' })
  const opens = async () =>
    Promise.all(
      [token, temp, 'simple'].map(async (password) => {
        const check = { op: 'check', zone: 'mail', login: 'alice', password } as const
        return (await home.api.zone(check)).matches
      }),
    )
  expect(await opens()).toEqual([true, true, true])
  await home.api.zone({ op: 'remove', zone: 'mail' })
  expect(await opens()).toEqual([false, false, false])
  const again = await home.api.zone({ op: 'add', zone: 'mail', ...settings })
  expect(again.zones?.[0]?.zone_id).not.toBe(made.zones?.[0]?.zone_id)
  await home.api.zone({ op: 'create-account', zone: 'mail', login: 'alice' })
  expect(await opens()).toEqual([false, false, false])
  const log = JSON.stringify(linesOf(home.files))
  for (const one of [token, temp, 'simple']) expect(log).not.toContain(one)
})

test('zones and their accounts are for administrators, and a zone that a policy names stays', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  await home.api.zone({ op: 'add', zone: 'mail' })
  for (const request of [
    { op: 'list' },
    { op: 'add', zone: 'x' },
    { op: 'accounts', zone: 'mail' },
    { op: 'check', zone: 'mail', login: 'alice', password: 'x' },
    { op: 'remove', zone: 'mail' },
  ] as RequestOf<'zone'>[]) {
    await expect(bob.api.zone(request)).rejects.toEqual(reason('ACCESS_DENIED'))
  }
  const rule = {
    id: 'r',
    effect: 'allow',
    principals: ['zone:mail'],
    actions: ['read'],
    resources: ['/mail/**'],
  }
  await home.api.policy({ op: 'set', document: { id: 'mail', rules: [rule] } })
  const { document } = await home.api.policy({ op: 'get', policy: 'mail' })
  expect(document).toEqual({ id: 'mail', rules: [rule] })
  await expect(home.api.zone({ op: 'remove', zone: 'mail' })).rejects.toEqual(reason('IN_USE'))
  await home.api.policy({ op: 'delete', policy: 'mail' })
  await home.api.zone({ op: 'remove', zone: 'mail' })
  expect(await home.api.zone({ op: 'list' })).toEqual({ zones: [] })
})

test('lists of users and policies come in pages, each once and in order', async () => {
  const home = await start()
  const names = ['bob', 'a', 'z-1', 'b', 'bob.x', '0']
  for (const name of names) await addUser(home, name, ['user'])
  for (const id of names) await home.api.policy({ op: 'set', document: { id, rules: [] } })
  const users: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await home.api.user({
      op: 'list',
      limit: 2,
      ...(after === undefined ? {} : { after }),
    })
    users.push(...(page.users ?? []).map(({ user }) => user))
    if (page.next === undefined) break
    after = page.next
  }
  expect(users).toEqual([...names, TEST_ADMIN.admin].sort())
  const policies: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await home.api.policy({
      op: 'list',
      limit: 2,
      homes: true,
      ...(after === undefined ? {} : { after }),
    })
    policies.push(...(page.policies ?? []).map(({ policy }) => policy))
    if (page.next === undefined) break
    after = page.next
  }
  expect(policies.filter((id) => !/^(?:role|home|first)-/.test(id))).toEqual([...names].sort())
  expect(new Set(policies).size).toBe(policies.length)
  expect(policies.filter((id) => id.startsWith('home-'))).toHaveLength(names.length + 1)
})
