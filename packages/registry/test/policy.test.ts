import { compile } from '@secreg/policy-engine'
import type { Caller, RegistryApi, RequestOf } from '@secreg/protocol'
import { loginTestUser } from '@secreg/registry/testing'
import { expect, test } from 'vitest'
import { Authorizer } from '../src/authorizer.ts'
import {
  addUser,
  type Home,
  linesOf,
  open,
  outcomeOf,
  PASSWORD,
  PEER,
  reason,
  start,
} from './fixture.ts'

/** A registry with plain and encrypted entries, and a caller who may nothing there. */
async function guarded(): Promise<Home & { bob: { caller: Caller; api: RegistryApi } }> {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  await home.api.set({ key: '/app/there', value: 'x' })
  await home.api.set({ key: '/app/there/below', value: 'x', encrypt: true })
  await home.api.set({ key: '/app/gone', value: 'x' })
  await home.api.delete({ key: '/app/gone' })
  return { ...home, bob }
}

const PROBES: readonly (readonly [string, (api: RegistryApi, key: string) => Promise<unknown>])[] =
  [
    ['get', (api, key) => api.get({ key })],
    ['get decrypt', (api, key) => api.get({ key, decrypt: true })],
    ['set', (api, key) => api.set({ key, value: 'x' })],
    ['set if_version', (api, key) => api.set({ key, value: 'x', if_version: 1 })],
    ['set if_type', (api, key) => api.set({ key, value: 'x', if_type: 'json' })],
    ['delete', (api, key) => api.delete({ key })],
    ['delete recursive', (api, key) => api.delete({ key, recursive: true })],
    ['list', (api, key) => api.list({ prefix: key, recursive: true, detail: true })],
    ['export', (api, key) => api.export({ prefix: key, with_secrets: true })],
    [
      'import',
      async (api, key) => {
        const { import: id = '' } = await api.import({ op: 'begin' })
        await api.import({ op: 'stage', import: id, entries: [{ key, value: 'x' }] })
        const diff = await outcomeOf(() => api.import({ op: 'diff', import: id }))
        return { diff, commit: await outcomeOf(() => api.import({ op: 'commit', import: id })) }
      },
    ],
  ]

test.each(PROBES)('a denied caller learns nothing from %s', async (_, probe) => {
  const { bob } = await guarded()
  const missing = await outcomeOf(() => probe(bob.api, '/app/never'))
  for (const key of ['/app/there', '/app/there/below', '/app/gone']) {
    expect(await outcomeOf(() => probe(bob.api, key))).toEqual(missing)
  }
  expect(JSON.stringify(missing)).toContain('ACCESS_DENIED')
})

test('what a caller may not see counts nowhere: list, delete, limits of a recursive delete', async () => {
  const home = await guarded()
  const { bob } = home
  await bob.api.set({ key: '/user/bob/mine', value: 'x' })
  await home.api.set({ key: '/user/eve/hers', value: 'x' })
  await expect(bob.api.list({ prefix: '/app' })).rejects.toEqual(reason('ACCESS_DENIED'))
  expect(await bob.api.list({ prefix: '/', recursive: true })).toEqual({ keys: ['/user/bob/mine'] })
  expect(await bob.api.list({ prefix: '/user' })).toEqual({ keys: ['/user/bob/'] })
  expect(await bob.api.export({})).toMatchObject({ total: 1, omitted: 0 })
  expect(await bob.api.delete({ key: '/user', recursive: true })).toMatchObject({ deleted: 1 })
  expect(await outcomeOf(() => bob.api.delete({ key: '/user', recursive: true }))).toEqual(
    await outcomeOf(() => bob.api.delete({ key: '/user/bob/none', recursive: true })),
  )
  expect(linesOf(home.files).findLast(({ body }) => body.action === 'list')?.body.count).toBe(1)
})

test('an encrypted value needs read and decrypt', async () => {
  const home = await guarded()
  const operator = await addUser(home, 'olga', ['operator'])
  expect(await operator.api.get({ key: '/app/there/below' })).toMatchObject({ value: null })
  await expect(operator.api.get({ key: '/app/there/below', decrypt: true })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
  expect(await operator.api.export({ with_secrets: true })).toMatchObject({ total: 1, omitted: 1 })
  const lines = linesOf(home.files)
  const denied = lines.findLast(({ body }) => body.outcome === 'denied')
  expect(denied?.body).toMatchObject({ action: 'decrypt', paths: ['/app/there/below'] })
  expect(denied?.body.versions).toBeUndefined()
})

test('values below the forced prefixes are encrypted, whatever the writer says', async () => {
  const settings = { requireMfa: false, sealedReads: true, encryptPrefixes: ['/secret'] }
  const home = await start({ settings })
  await home.api.set({ key: '/secret/a', value: 'x', encrypt: false })
  await home.api.set({ key: '/secret', value: 'x' })
  await home.api.set({ key: '/secret2/a', value: 'x' })
  expect(await home.api.get({ key: '/secret/a' })).toMatchObject({ encrypted: true, value: null })
  expect(await home.api.get({ key: '/secret' })).toMatchObject({ encrypted: true })
  expect(await home.api.get({ key: '/secret2/a' })).toMatchObject({ encrypted: false })
  home.registry.configure({ ...settings, encryptPrefixes: ['/secret', '/secret2'] })
  const { import: id = '' } = await home.api.import({ op: 'begin', force: true })
  await home.api.import({ op: 'stage', import: id, entries: [{ key: '/secret2/a', value: 'x' }] })
  expect(await home.api.import({ op: 'diff', import: id })).toMatchObject({
    changes: [{ change: 'update', encrypted: true }],
  })
  expect(await home.api.import({ op: 'commit', import: id })).toMatchObject({ imported: 1 })
  expect(await home.api.get({ key: '/secret2/a' })).toMatchObject({ encrypted: true })
})

test('once encrypted, a value stays so until a writer says otherwise', async () => {
  const { api } = await start()
  await api.set({ key: '/a', value: 'one', encrypt: true })
  await api.set({ key: '/a', value: 'two' })
  expect(await api.get({ key: '/a' })).toMatchObject({ encrypted: true })
  await api.set({ key: '/a', value: 'three', encrypt: false })
  expect(await api.get({ key: '/a' })).toMatchObject({ encrypted: false, value: 'three' })
})

test('roles: a later administrator reads no secrets, an operator cannot delete, an auditor only reads', async () => {
  const home = await guarded()
  const ada = await addUser(home, 'ada', ['admin'])
  await expect(ada.api.get({ key: '/app/there/below', decrypt: true })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
  expect(await ada.api.get({ key: '/app/there' })).toMatchObject({ value: 'x' })
  const olga = await addUser(home, 'olga', ['operator'])
  expect(await olga.api.set({ key: '/app/new', value: 'x' })).toMatchObject({ version: 1 })
  for (const recursive of [true, false]) {
    await expect(olga.api.delete({ key: '/app/new', recursive })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
  }
  await expect(olga.api.set({ key: '/security/x', value: 'x' })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
  await expect(olga.api.audit({})).rejects.toEqual(reason('ACCESS_DENIED'))
  await expect(olga.api.user({ op: 'list' })).rejects.toEqual(reason('ACCESS_DENIED'))
  await expect(home.registry.lock(olga.caller)).rejects.toEqual(reason('ACCESS_DENIED'))
  const avi = await addUser(home, 'avi', ['auditor'])
  expect(await avi.api.get({ key: '/app/there' })).toMatchObject({ value: 'x' })
  expect((await avi.api.audit({ limit: 1 })).records).toHaveLength(1)
  await expect(avi.api.set({ key: '/app/new', value: 'y' })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
  await expect(avi.api.export({ prefix: '/app' })).rejects.toEqual(reason('ACCESS_DENIED'))
})

test('a subtree with something that the caller sees but may not delete is left whole', async () => {
  const home = await start()
  const olga = await addUser(home, 'olga', ['operator'])
  await olga.api.set({ key: '/user/olga', value: 'x' })
  await olga.api.set({ key: '/user/olga/a', value: 'x' })
  await olga.api.set({ key: '/user/other', value: 'x' })
  await expect(olga.api.delete({ key: '/user', recursive: true })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
  expect(await olga.api.delete({ key: '/user/olga', recursive: true })).toMatchObject({
    deleted: 2,
  })
})

test('a user has his own subtree, and an account of the same name later inherits nothing', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  await bob.api.set({ key: '/user/bob/key', value: 'secret', encrypt: true })
  expect(await bob.api.get({ key: '/user/bob/key', decrypt: true })).toMatchObject({
    value: 'secret',
  })
  await expect(bob.api.set({ key: '/user/bobby/key', value: 'x' })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
  await home.api.user({ op: 'remove', user: 'bob' })
  await expect(
    home.api.user({ op: 'add', user: 'bob', password: PASSWORD, roles: ['user'] }),
  ).rejects.toEqual(reason('ALREADY_EXISTS'))
  await home.api.delete({ key: '/user/bob', recursive: true })
  // Deleted keys can be brought back, also by a new owner of the subtree.
  await expect(
    home.api.user({ op: 'add', user: 'bob', password: PASSWORD, roles: ['user'] }),
  ).rejects.toEqual(reason('ALREADY_EXISTS'))
  await home.api.versions({ op: 'purge', key: '/user/bob', recursive: true })
  const again = await addUser(home, 'bob', ['user'])
  expect(again.caller.accountId).not.toBe(bob.caller.accountId)
  await expect(again.api.get({ key: '/user/bob/key', decrypt: true })).rejects.toEqual(
    reason('STORAGE_KEY_NOT_FOUND'),
  )
  // Who still holds the old caller holds nothing.
  await expect(bob.api.get({ key: '/user/bob/key' })).rejects.toEqual(reason('ACCESS_DENIED'))
})

async function liveSession({ registry }: Home, username: string) {
  const { session_id = '' } = await registry.login(PEER, { username, password: PASSWORD })
  const session = registry.sessionHandle().resolve(session_id)
  if (session === undefined) throw new Error('no session')
  return { session, caller: () => registry.callerOf(session, PEER) }
}

test('a change of roles holds for the next operation of a live session', async () => {
  const home = await start()
  await addUser(home, 'bob', ['operator'])
  const { caller } = await liveSession(home, 'bob')
  expect(caller()?.roles).toEqual(['operator'])
  await home.api.user({ op: 'roles', user: 'bob', roles: ['auditor'] })
  const now = caller() as Caller
  expect(now.roles).toEqual(['auditor'])
  await expect(home.registry.as(now).set({ key: '/a', value: 'x' })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
})

test.each(['disable', 'remove', 'password'] as const)(
  '%s ends the sessions of the account',
  async (op) => {
    const home = await start()
    await addUser(home, 'bob', ['operator'])
    const { session, caller } = await liveSession(home, 'bob')
    const first = caller()
    expect(first).toBeDefined()
    await home.api.user({ op, user: 'bob', password: 'Another-good-one-2' } as never)
    expect(caller()).toBeUndefined()
    expect(home.registry.callerOf(session, { ...PEER })).toBeUndefined()
    if (op !== 'password') {
      expect(
        await home.registry.login(PEER, { username: 'bob', password: PASSWORD }),
      ).toMatchObject({
        success: false,
        error: { reason: 'AUTH_FAILED' },
      })
    }
  },
)

test('a session that ended makes no caller any more', async () => {
  const home = await start()
  await addUser(home, 'bob', ['operator'])
  const { session, caller } = await liveSession(home, 'bob')
  await home.registry.logout(caller() as Caller, session)
  expect(caller()).toBeUndefined()
})

test('two connections on one session are told apart by what the kernel says of each', async () => {
  const home = await start()
  await addUser(home, 'bob', ['operator'])
  const { session } = await liveSession(home, 'bob')
  const one = { door: 'registry', address: 'a', uid: 1, gid: 1, pid: 10 } as const
  const two = { door: 'registry', address: 'b', uid: 2, gid: 2, pid: 20 } as const
  expect(home.registry.callerOf(session, one)).toMatchObject({ uid: 1, address: 'a' })
  const second = home.registry.callerOf(session, two)
  expect(second).toMatchObject({ uid: 2, pid: 20, address: 'b' })
  expect(second?.principals).toContain('uid:2')
  expect(second?.principals).not.toContain('uid:1')
  expect(home.registry.callerOf(session, one)?.principals).toContain('uid:1')
})

test('the last administrator cannot be removed, disabled or demoted', async () => {
  const home = await start()
  for (const request of [
    { op: 'remove', user: 'root' },
    { op: 'disable', user: 'root' },
    { op: 'roles', user: 'root', roles: ['user'] },
  ] as RequestOf<'user'>[]) {
    await expect(home.api.user(request)).rejects.toEqual(reason('LAST_ADMINISTRATOR'))
  }
  await addUser(home, 'ada', ['admin'])
  expect(await home.api.user({ op: 'remove', user: 'root' })).toMatchObject({
    users: [{ user: 'root' }],
  })
})

test('weakness 7: a wrong password, an unknown user and the usual accounts are refused alike', async () => {
  const home = await start()
  const answers = await Promise.all(
    [
      ['root', 'root'],
      ['admin', 'admin'],
      ['nobody', PASSWORD],
      ['', ''],
      ['x'.repeat(200), PASSWORD],
      ['../../etc', PASSWORD],
    ].map(([username = '', password = '']) => home.registry.login(PEER, { username, password })),
  )
  for (const answer of answers) {
    expect(answer).toEqual(answers[0])
    expect(answer).toMatchObject({ success: false, error: { reason: 'AUTH_FAILED', code: 4 } })
    expect(answer.session_id).toBeUndefined()
  }
})

test('failures lock one account for one source; others go on', async () => {
  let nowMs = 0
  const home = await start({ monotonicMs: () => nowMs })
  await addUser(home, 'bob', ['user'])
  await addUser(home, 'eve', ['user'])
  const local = { door: 'registry', address: 'local', uid: 7 } as const
  const login = (username: string, password: string, peer = local) =>
    home.registry.login(peer, { username, password })
  for (let at = 0; at < 5; at++) await login('bob', 'wrong')
  expect(await login('bob', PASSWORD)).toMatchObject({ error: { reason: 'AUTH_LOCKED_OUT' } })
  expect(await login('eve', PASSWORD)).toMatchObject({ success: true })
  expect(await login('bob', PASSWORD, { ...local, uid: 8 } as never)).toMatchObject({
    success: true,
  })
  for (let at = 0; at < 6; at++) await login('ghost', 'wrong')
  expect(await login('ghost', PASSWORD)).toMatchObject({ error: { reason: 'AUTH_LOCKED_OUT' } })
  nowMs += 301_000
  expect(await login('bob', PASSWORD)).toMatchObject({ success: true })
})

test('changing one\u2019s own password counts failures like a login, and keeps the own session only', async () => {
  const home = await start()
  await addUser(home, 'bob', ['user'])
  const here = await liveSession(home, 'bob')
  const there = await liveSession(home, 'bob')
  const api = () => home.registry.as(here.caller() as Caller)
  await expect(
    api().password({ old_password: 'wrong', new_password: 'Another-good-one-2' }),
  ).rejects.toEqual(reason('AUTH_FAILED'))
  await api().password({ old_password: PASSWORD, new_password: 'Another-good-one-2' })
  expect(here.caller()).toBeDefined()
  expect(there.caller()).toBeUndefined()
  await loginTestUser(home, 'bob', 'Another-good-one-2')
})

test('weakness 62: every way to set a password enforces one policy', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  for (const bad of ['short-A1', 'alllowercaseonly', 'My-password-is-1', 'x'.repeat(300)]) {
    const fresh = await open()
    const ways = [
      () =>
        fresh.registry.initialize(PEER, {
          op: 'init',
          passphrase: 'a passphrase for tests only',
          admin: 'root',
          admin_password: bad,
        }),
      () => home.api.user({ op: 'add', user: 'new', password: bad }),
      () => home.api.user({ op: 'password', user: 'bob', password: bad }),
      () => bob.api.password({ old_password: PASSWORD, new_password: bad }),
    ]
    for (const way of ways) await expect(way()).rejects.toEqual(reason('PASSWORD_POLICY'))
    expect(fresh.registry.state).toBe('uninitialized')
  }
  await loginTestUser(home, 'bob', PASSWORD)
})

test('weakness 6: a stranger has no rights at all', async () => {
  const home = await guarded()
  const stranger: Caller = {
    principals: [],
    roles: [],
    groups: [],
    mfa: false,
    door: 'registry',
    proof: 'asserted',
  }
  const api = home.registry.as(stranger)
  for (const [, probe] of PROBES) {
    expect(JSON.stringify(await outcomeOf(() => probe(api, '/app/there')))).toContain(
      'ACCESS_DENIED',
    )
  }
  expect(await home.api.get({ key: '/app/there' })).toMatchObject({ version: 1 })
})

test('who administers accounts without the right to grant gets at no privileged account', async () => {
  const home = await start()
  await addUser(home, 'desk', ['user'])
  await addUser(home, 'bob', ['user'])
  const document = {
    id: 'helpdesk',
    rules: [
      {
        id: 'accounts',
        effect: 'allow',
        principals: ['user:desk'],
        actions: ['account'],
        resources: ['/'],
      },
    ],
  }
  await home.api.policy({ op: 'set', document })
  const desk = home.registry.as(await loginTestUser(home, 'desk', PASSWORD))
  for (const request of [
    { op: 'password', user: 'root', password: 'Another-good-one-2' },
    { op: 'disable', user: 'root' },
    { op: 'remove', user: 'root' },
    { op: 'roles', user: 'root', roles: ['user'] },
    { op: 'roles', user: 'desk', roles: ['admin'] },
    { op: 'add', user: 'eve', password: PASSWORD, roles: ['operator'] },
  ] as RequestOf<'user'>[]) {
    await expect(desk.user(request)).rejects.toEqual(reason('ACCESS_DENIED'))
  }
  await desk.user({ op: 'password', user: 'bob', password: 'Another-good-one-2' })
  await loginTestUser(home, 'bob', 'Another-good-one-2')
})

test('an allow with an obligation that no door enforces denies, in lists and exports too', () => {
  const authorizer = new Authorizer(() => 0)
  const rule = {
    effect: 'allow',
    principals: ['user:bob'],
    actions: ['read', 'list', 'export'],
  }
  const rules = [
    { id: 'a', ...rule, resources: ['/free/**'] },
    { id: 'b', ...rule, resources: ['/bound/**'], obligations: { maxUses: 1 } },
  ]
  const document = { id: 'p', rules }
  authorizer.use(new Map([['p', document]]), compile([document]))
  const caller = { principals: ['user:bob'], door: 'registry', proof: 'credential' } as never
  for (const action of ['read', 'list', 'export'] as const) {
    expect(authorizer.allows(caller, action, '/bound/x')).toBe(false)
    for (const prefix of ['', '/bound', '/free']) {
      const filter = authorizer.filter(caller, action, prefix)
      const passes = (path: string) => (typeof filter === 'function' ? filter(path) : filter)
      expect(passes('/bound/x')).not.toBe('all')
      expect(passes('/bound/x')).not.toBe(true)
    }
  }
})
