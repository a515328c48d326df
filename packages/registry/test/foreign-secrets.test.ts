/** Secrets elsewhere and here, as the Secrets API asks about them: decisions, their epoch, and one record each. */
import { createMemoryFiles, withFaults } from '@secreg/audit/testing'
import { PURPOSE_ACTIONS } from '@secreg/policy-engine/authzen'
import type { Caller } from '@secreg/protocol'
import { loginTestUser } from '@secreg/registry/testing'
import { waitFor } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AskedSecret, SecretDecision } from '../src/foreign/foreign-secrets.ts'
import { addUser, type Home, linesOf, outcomeOf, PASSWORD, PEER, reason, start } from './fixture.ts'

const BOB = 'account:auth:account:idp:bob'

const allow = (id: string, principals: string[], resources: string[], more: object = {}) => ({
  id,
  effect: 'allow',
  principals,
  actions: ['read', 'decrypt'],
  resources,
  ...more,
})

const RULES = {
  id: 'elsewhere',
  rules: [
    allow('app', ['user:alice', BOB], ['openbao+kv2://secret/app/*', '/m/app/*']),
    { ...allow('no', ['*'], ['openbao+kv2://secret/app/key'], { effect: 'deny' }) },
    allow('half', ['user:alice'], ['yaml://half/*'], { actions: ['read'] }),
    allow('run', ['user:alice'], ['yaml://run/*'], { when: { purpose: ['execute'] } }),
    allow('mine', ['*'], ['yaml://mine/*', '/m/mine/*'], {
      when: { metadata: { owner: 'alice' } },
    }),
    allow('day', ['user:alice'], ['yaml://day/*'], {
      when: { time: { from: '00:00', to: '12:00', zone: 'Etc/UTC' } },
    }),
    allow('once', ['user:alice'], ['yaml://once/*'], {
      actions: ['read'],
      obligations: { ttlSeconds: 60, maxUses: 5 },
    }),
    allow('twice', ['user:alice'], ['yaml://once/**'], {
      actions: ['decrypt'],
      obligations: { maxUses: 2 },
    }),
    allow('everybody', ['*'], ['yaml://open/*']),
    allow('bound', ['boundary:elsewhere'], ['openbao+kv2://secret/app/a']),
  ],
}

/** A caller of a token that another issuer has made. */
function stranger(sub: string, more: Partial<Caller> = {}): Caller {
  return Object.freeze({
    principals: [`account:auth:account:idp:${sub}`],
    roles: [],
    groups: [],
    mfa: false,
    door: 'http',
    address: '192.0.2.1',
    proof: 'credential',
    correlationId: `request-of-${sub}`,
    ...more,
  })
}

async function prepared() {
  const home = await start()
  const alice = (await addUser(home, 'alice', ['user'])).caller
  await home.api.policy({ op: 'set', document: RULES })
  // Policies have changed since.
  const caller = await loginTestUser(home, 'alice', PASSWORD)
  expect(caller.accountId).toBe(alice.accountId)
  return { home, alice: caller, foreign: home.registry.foreign }
}

type Prepared = Awaited<ReturnType<typeof prepared>>

const effectOf = ({ effect }: SecretDecision) => effect

describe('decide', () => {
  test.each<[string, string, AskedSecret, 'Permit' | 'Deny']>([
    ['what a rule allows', 'execute', { foreign: 'openbao+kv2://secret/app/a' }, 'Permit'],
    ['an entry', 'read', { path: '/m/app/a' }, 'Permit'],
    ['what a rule denies', 'execute', { foreign: 'openbao+kv2://secret/app/key' }, 'Deny'],
    ['one action of two', 'execute', { foreign: 'yaml://half/a' }, 'Deny'],
    ['a purpose that is asked for', 'execute', { foreign: 'yaml://run/a' }, 'Permit'],
    ['another purpose', 'read', { foreign: 'yaml://run/a' }, 'Deny'],
    ['another scheme', 'execute', { foreign: 'hashicorp+kv2://secret/app/a' }, 'Deny'],
    ['a path with the name of a secret', 'execute', { path: '/secret/app/a' }, 'Deny'],
    ['a secret with the name of a path', 'execute', { foreign: 'openbao+kv2://m/app/a' }, 'Deny'],
    ['no purpose', 'decrypt', { foreign: 'openbao+kv2://secret/app/a' }, 'Deny'],
    ['a key', 'execute', { foreign: 'openbao+kv2://secret/app/a#key' }, 'Deny'],
    ['a path as a secret', 'execute', { foreign: '/m/app/a' }, 'Deny'],
    ['a secret as a path', 'execute', { path: 'openbao+kv2://secret/app/a' }, 'Deny'],
    ['a path that is none', 'execute', { path: '/m/app//a' }, 'Deny'],
    ['metadata that nobody knows', 'execute', { foreign: 'yaml://mine/a' }, 'Deny'],
  ])('%s, for %s', async (_what, purpose, secret, effect) => {
    const { alice, foreign } = await prepared()
    expect(effectOf(foreign.decide(alice, purpose, secret))).toBe(effect)
  })

  test('says by which rules, and obliges to the strictest of all of them', async () => {
    const { alice, foreign } = await prepared()
    const of = (secret: string) => foreign.decide(alice, 'read', { foreign: secret })
    expect(of('yaml://once/a')).toEqual({
      effect: 'Permit',
      obligations: { ttlSeconds: 60, maxUses: 2 },
      rules: ['elsewhere/once', 'elsewhere/twice'],
    })
    expect(of('openbao+kv2://secret/app/a')).toEqual({ effect: 'Permit', rules: ['elsewhere/app'] })
    expect(of('openbao+kv2://secret/app/key')).toEqual({ effect: 'Deny', rules: ['elsewhere/no'] })
    expect(of('yaml://nothing/a')).toEqual({ effect: 'Deny', rules: [] })
  })

  test('conditions see what is known of a secret elsewhere, and what is granted of an entry', async () => {
    const { alice, foreign, home } = await prepared()
    const mine = (attributes: object) =>
      effectOf(foreign.decide(alice, 'read', { foreign: 'yaml://mine/a' }, { attributes }))
    expect(mine({ owner: 'alice', created_by: 'bob' })).toBe('Permit')
    expect(mine({ owner: 'bob' })).toBe('Deny')
    expect(mine({ owner: 1 })).toBe('Deny')
    expect(mine({})).toBe('Deny')
    const key = '/m/mine/a'
    await home.api.set({ key, value: 'x' })
    const here = () => effectOf(foreign.decide(alice, 'read', { path: key }))
    await home.api.meta({ op: 'set', key, custom: { owner: 'alice' } })
    expect(here()).toBe('Deny')
    await home.api.meta({ op: 'set', key, custom: { owner: 'alice' }, granted: true })
    expect(here()).toBe('Permit')
    // What a caller says of an entry does not count.
    const said = { attributes: { owner: 'alice' } }
    expect(effectOf(foreign.decide(alice, 'read', { path: '/m/mine/b' }, said))).toBe('Deny')
  })

  test('at the time that it is asked about', async () => {
    const { alice, foreign } = await prepared()
    const at = (timeMs: number) =>
      effectOf(foreign.decide(alice, 'read', { foreign: 'yaml://day/a' }, { timeMs }))
    expect(at(Date.UTC(2026, 0, 1, 11, 59))).toBe('Permit')
    expect(at(Date.UTC(2026, 0, 1, 12, 0))).toBe('Deny')
  })

  test('for accounts of other issuers, and for nobody', async () => {
    const { foreign } = await prepared()
    const of = (caller: Caller, secret: string) =>
      effectOf(foreign.decide(caller, 'execute', { foreign: secret }))
    expect(of(stranger('bob'), 'openbao+kv2://secret/app/a')).toBe('Permit')
    expect(of(stranger('bob'), 'openbao+kv2://secret/app/key')).toBe('Deny')
    expect(of(stranger('eve'), 'openbao+kv2://secret/app/a')).toBe('Deny')
    expect(of(stranger('eve'), 'yaml://open/a')).toBe('Permit')
    expect(of(stranger('', { principals: [] }), 'yaml://open/a')).toBe('Deny')
    expect(of(stranger('bob', { restricted: 'mfa-enrollment' }), 'yaml://open/a')).toBe('Deny')
    const withheld = stranger('bob', { withheld: ['decrypt'] })
    expect(of(withheld, 'openbao+kv2://secret/app/a')).toBe('Deny')
  })

  test('within the boundary of a token', async () => {
    const { alice, foreign } = await prepared()
    const bounded = Object.freeze({ ...alice, boundary: ['elsewhere'] })
    const of = (secret: string) => effectOf(foreign.decide(bounded, 'read', { foreign: secret }))
    expect(of('openbao+kv2://secret/app/a')).toBe('Permit')
    expect(of('openbao+kv2://secret/app/b')).toBe('Permit')
    const narrow = Object.freeze({ ...stranger('bob'), boundary: ['elsewhere'] })
    const none = Object.freeze({ ...alice, boundary: ['gone'] })
    expect(effectOf(foreign.decide(none, 'read', { foreign: 'yaml://open/a' }))).toBe('Deny')
    expect(
      effectOf(foreign.decide(narrow, 'read', { foreign: 'openbao+kv2://secret/app/a' })),
    ).toBe('Permit')
  })

  test('leaves no record, and is refused while the registry is sealed', async () => {
    const { alice, foreign, home } = await prepared()
    const before = linesOf(home.files).length
    for (let at = 0; at < 10; at++) foreign.decide(alice, 'read', { foreign: 'yaml://open/a' })
    expect(linesOf(home.files)).toHaveLength(before)
    await home.registry.lock(home.admin)
    expect(() => foreign.decide(alice, 'read', { foreign: 'yaml://open/a' })).toThrow(
      reason('SEALED') as Error,
    )
  })

  test('agrees with what the registry itself allows of entries', async () => {
    const { alice, foreign, home } = await prepared()
    const keys = ['/m/app/a', '/m/mine/a', '/m/other/a']
    for (const key of keys) await home.api.set({ key, value: 'x', encrypt: true })
    const api = home.registry.as(alice)
    for (const key of keys) {
      const got = await outcomeOf(() => api.get({ key, decrypt: true }))
      const allowed = (got as { reason?: string }).reason === undefined
      expect(effectOf(foreign.decide(alice, 'read', { path: key }))).toBe(
        allowed ? 'Permit' : 'Deny',
      )
    }
  })

  test('any text is decided', async () => {
    const { alice, foreign } = await prepared()
    const purposes = fc.constantFrom(...Object.keys(PURPOSE_ACTIONS), '', 'toString')
    fc.assert(
      fc.property(purposes, fc.string(), (purpose, text) => {
        expect(effectOf(foreign.decide(alice, purpose, { path: text }))).toBe('Deny')
        expect(effectOf(foreign.decide(alice, purpose, { foreign: `yaml://${text}` }))).toBe('Deny')
      }),
      { numRuns: 300 },
    )
  })
})

describe('the epoch', () => {
  test.each<[string, (given: Prepared) => Promise<unknown> | unknown]>([
    [
      'a policy',
      ({ home }) => home.api.policy({ op: 'set', document: { id: 'empty', rules: [] } }),
    ],
    ['no policy', ({ home }) => home.api.policy({ op: 'delete', policy: 'elsewhere' })],
    ['a user', ({ home }) => addUser(home, 'carol', ['user'])],
    ['a user who is disabled', ({ home }) => home.api.user({ op: 'disable', user: 'alice' })],
    [
      'roles',
      ({ home }) => home.api.user({ op: 'roles', user: 'alice', roles: ['user', 'auditor'] }),
    ],
    [
      'a group',
      async ({ home }) => {
        await home.api.group({ op: 'add', kind: 'group', name: 'ops' })
        await home.api.group({ op: 'join', kind: 'group', name: 'ops', user: 'alice' })
      },
    ],
    ['a zone', ({ home }) => home.api.zone({ op: 'add', zone: 'mail' })],
    [
      'settings',
      ({ home }) =>
        home.registry.configure({ requireMfa: false, sealedReads: false, encryptPrefixes: [] }),
    ],
    [
      'another seal',
      async ({ home }) => {
        await home.registry.lock(home.admin)
        await home.registry.unlock(PEER, {
          kind: 'passphrase',
          passphrase: 'a passphrase for tests only',
        })
      },
    ],
  ])('is another one after %s', async (_what, change) => {
    const given = await prepared()
    const before = given.foreign.epoch
    await change(given)
    expect(given.foreign.epoch).not.toBe(before)
  })

  test('is the same after reads, writes and decisions', async () => {
    const { alice, foreign, home } = await prepared()
    const before = foreign.epoch
    await home.api.set({ key: '/a', value: 'x' })
    await home.api.get({ key: '/a' })
    await loginTestUser(home, 'alice', PASSWORD)
    foreign.decide(alice, 'read', { foreign: 'yaml://open/a' })
    expect(foreign.epoch).toBe(before)
  })
})

describe('begin', () => {
  test('costs a counted token one use, and what follows none', async () => {
    const { foreign, home } = await prepared()
    await home.api.set({ key: '/m/app/a', value: 'x', encrypt: true })
    const { secret = '' } = await home.api.token({ op: 'create', boundary: 'full', uses: 2 })
    const { session_id: id = '' } = await home.registry.login(PEER, { token: secret })
    const session = home.registry.sessionHandle().resolve(id)
    const counted = session && home.registry.callerOf(session, PEER)
    if (counted === undefined) throw new Error('no session')
    const left = async () => (await home.api.token({ op: 'list' })).tokens[0]?.uses_left
    expect(await left()).toBe(2)
    expect(() => foreign.partsOf(counted)).toThrow(TypeError)
    const caller = await foreign.begin(counted, 'request-1')
    expect(caller).toMatchObject({ correlationId: 'request-1', token: counted.token })
    expect(await left()).toBe(1)
    const parts = foreign.partsOf(caller)
    await parts.get({ key: '/m/app/a', decrypt: true })
    await parts.set({ key: '/m/app/a', value: 'y' })
    expect(effectOf(foreign.decide(caller, 'read', { path: '/m/app/a' }))).toBe('Permit')
    expect(await left()).toBe(1)
    await foreign.begin(counted)
    expect(await outcomeOf(() => foreign.begin(counted))).toMatchObject({ reason: 'AUTH_FAILED' })
    expect(linesOf(home.files).at(-1)?.body).toMatchObject({
      outcome: 'denied',
      detail: 'token-use',
    })
  })

  test('refuses a session that has still to show a second factor', async () => {
    const { alice, foreign, home } = await prepared()
    const enrolling = Object.freeze({ ...alice, restricted: 'mfa-enrollment' as const })
    await expect(foreign.begin(enrolling)).rejects.toEqual(reason('MFA_ENROLLMENT_REQUIRED'))
    expect(linesOf(home.files).at(-1)?.body.detail).toBe('mfa-enrollment')
    expect(() => foreign.partsOf(enrolling)).toThrow(TypeError)
  })

  test('is free for all others', async () => {
    const { alice, foreign, home } = await prepared()
    const before = linesOf(home.files).length
    expect(await foreign.begin(alice)).toBe(alice)
    expect(await foreign.begin(alice, 'id')).toEqual({ ...alice, correlationId: 'id' })
    expect(linesOf(home.files)).toHaveLength(before)
  })
})

describe('record', () => {
  const EVENTS = [{ event_id: 'e1', data: { path_ref: 'r' } }, { event_id: 'e2' }]
  const OPERATION = {
    operation: 'copy',
    outcome: 'ok',
    canonicals: ['openbao+kv2://secret/app/a#key', 'secreg://m/app/a?version=3'],
    events: EVENTS,
  } as const

  async function recordedOf({ foreign, home }: Prepared, caller: Caller, record: object) {
    await foreign.record(caller, { ...OPERATION, ...record })
    return linesOf(home.files).at(-1)?.body
  }

  test('is one, with the events as they are', async () => {
    const given = await prepared()
    const more = { purpose: 'read', decision: 'd1', versions: [3] }
    expect(await recordedOf(given, stranger('bob'), more)).toEqual({
      action: 'secret',
      outcome: 'ok',
      paths: OPERATION.canonicals,
      actor: {
        principal: BOB,
        door: 'http',
        address: '192.0.2.1',
        proof: 'credential',
        mfa: false,
      },
      detail: 'copy',
      versions: [3],
      correlation: 'request-of-bob',
      decision: 'd1',
      purpose: 'read',
      events: EVENTS,
    })
  })

  test.each([
    [{ outcome: 'denied' }, { outcome: 'denied', reason: 'ACCESS_DENIED', code: 3 }],
    [{ outcome: 'failed' }, { outcome: 'failed', reason: 'UNREACHABLE', code: 6 }],
    [
      { outcome: 'failed', reason: 'NOT_FOUND' },
      { reason: 'NOT_FOUND', code: 2 },
    ],
  ])('%j', async (record, body) => {
    const given = await prepared()
    expect(await recordedOf(given, given.alice, record)).toMatchObject(body)
  })

  test('without events names none', async () => {
    const given = await prepared()
    const body = await recordedOf(given, given.alice, { events: [] })
    expect(body).not.toHaveProperty('events')
    expect(body?.actor.user).toBe('alice')
  })

  test('of more than a line holds has the first events, and says how many there were', async () => {
    const given = await prepared()
    const events = Array.from({ length: 40 }, (_, at) => ({ at, text: 'é'.repeat(500_000) }))
    const body = await recordedOf(given, given.alice, { events })
    expect(body?.count).toBe(40)
    expect(body?.events).toEqual(events.slice(0, body?.events?.length))
    expect(body?.events?.length).toBeGreaterThan(30)
    const canonicals = Array.from(
      { length: 20_000 },
      (_, at) => `yaml://m/${'a'.repeat(2000)}${at}`,
    )
    const cut = await recordedOf(given, given.alice, { canonicals, versions: [1] })
    expect(cut).toMatchObject({ paths: canonicals.slice(0, 1000), events: EVENTS, count: 2 })
  })

  test('is found by the secret, its folders and its mount, and by the path of an entry', async () => {
    const given = await prepared()
    const { home } = given
    const mine = { correlation: 'request-of-bob' }
    await recordedOf(given, stranger('bob'), {})
    const count = async (key: string, scan = false) =>
      (await home.api.audit({ ...mine, key, scan })).records.length
    for (const key of [
      'openbao+kv2://secret/app/a',
      'openbao+kv2://secret/app/a#key',
      'openbao+kv2://secret/app/a#other',
      'openbao+kv2://secret/app',
      'openbao+kv2://secret/',
      'openbao+kv2://secret',
      '/m/app/a',
      '/m',
      '/',
      'secreg://m/app/a',
      'secreg://m/app#x',
    ]) {
      expect([key, await count(key), await count(key, true)]).toEqual([key, 1, 1])
    }
    for (const key of ['hashicorp+kv2://secret', 'openbao+kv2://secret/ap', '/secret/app']) {
      expect([key, await count(key)]).toEqual([key, 0])
    }
    for (const key of [
      'openbao+kv2://',
      'https://secret/app',
      'openbao+kv2://secret/../app',
      'm',
    ]) {
      await expect(count(key)).rejects.toEqual(reason('PATH_INVALID'))
    }
    expect((await home.api.audit({ action: 'secret' })).records).toHaveLength(1)
  })

  test('fails where the log takes nothing, which is told before too', async () => {
    const memory = createMemoryFiles()
    const files = withFaults(memory)
    const home = await start({
      files: Object.assign(files, { readFile: memory.readFile }) as never,
    })
    const { foreign } = home.registry
    expect(() => foreign.assertRecordable()).not.toThrow()
    files.fail({ operation: 'write', code: 'EIO', times: Number.POSITIVE_INFINITY })
    files.fail({ operation: 'create', code: 'EIO', times: Number.POSITIVE_INFINITY })
    const record = () => foreign.record(home.admin, OPERATION)
    await expect(record()).rejects.toEqual(reason('AUDIT_FAILED'))
    expect(() => foreign.assertRecordable()).toThrow(reason('AUDIT_FAILED') as Error)
    files.clear()
    await waitFor(() => {
      foreign.assertRecordable()
      return true
    })
    await record()
    expect(linesOf(memory).filter(({ body }) => body.action === 'secret')).toHaveLength(1)
    await home.registry.lock(home.admin)
    expect(() => foreign.assertRecordable()).toThrow(reason('SEALED') as Error)
  })
})

describe('parts of an operation', () => {
  async function withEntry() {
    const given = await prepared()
    const { foreign, home } = given
    await home.api.set({ key: '/m/app/a', value: 'x', encrypt: true })
    const lines = () => linesOf(home.files).length
    return { ...given, lines, parts: foreign.partsOf(await foreign.begin(home.admin, 'one')) }
  }

  test('reads leave no record', async () => {
    const { lines, parts } = await withEntry()
    const before = lines()
    const key = '/m/app/a'
    expect(await parts.get({ key, decrypt: true })).toMatchObject({ value: 'x' })
    expect(await parts.meta({ op: 'get', key })).toMatchObject({ key })
    expect((await parts.history({ key })).versions).toHaveLength(1)
    expect((await parts.list({ prefix: '/m/app' })).keys).toEqual([key])
    await expect(parts.get({ key: '/m/none' })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    expect(lines()).toBe(before)
  })

  test('changes leave theirs, with the id of the request', async () => {
    const { home, lines, parts } = await withEntry()
    const before = lines()
    const key = '/m/app/a'
    await parts.set({ key, value: 'y' })
    await parts.meta({ op: 'set', key, custom: { owner: 'alice' } })
    await parts.versions({ op: 'destroy', key, versions: [1] })
    await parts.txn({ then: [{ op: 'set', key, value: 'z' }] })
    const { length } = linesOf(home.files)
    expect(length).toBe(before + 4)
    for (const { body } of linesOf(home.files).slice(before)) expect(body.correlation).toBe('one')
  })

  test('are decided for the caller, whoever he is', async () => {
    const { foreign, lines } = await withEntry()
    const before = lines()
    const key = '/m/app/a'
    const bob = foreign.partsOf(await foreign.begin(stranger('bob')))
    expect(await bob.get({ key, decrypt: true })).toMatchObject({ value: 'x' })
    await expect(bob.meta({ op: 'get', key })).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(bob.history({ key })).rejects.toEqual(reason('ACCESS_DENIED'))
    const eve = foreign.partsOf(stranger('eve'))
    await expect(eve.get({ key, decrypt: true })).rejects.toEqual(reason('ACCESS_DENIED'))
    expect(lines()).toBe(before)
  })
})

describe('an account of another issuer at the registry itself', () => {
  const ALL = {
    id: 'all',
    rules: [
      allow('all', [BOB], ['/j/**'], {
        actions: [
          'list',
          'read-metadata',
          'read',
          'decrypt',
          'create',
          'update',
          'delete',
          'undelete',
          'destroy',
          'write-metadata',
        ],
      }),
    ],
  }

  async function asBob(): Promise<{ home: Home; api: ReturnType<Home['registry']['as']> }> {
    const home = await start()
    await home.api.policy({ op: 'set', document: ALL })
    return { home, api: home.registry.as(stranger('bob')) }
  }

  test('sets, gets, lists, describes and deletes what policy gives him', async () => {
    const { api, home } = await asBob()
    const key = '/j/a'
    await api.set({ key, value: 'x', encrypt: true })
    await api.set({ key, value: 'y', if_version: 1 })
    expect(await api.get({ key, decrypt: true, detail: true })).toMatchObject({
      value: 'y',
      version: 2,
      created_by: BOB,
    })
    expect((await api.list({ prefix: '/j' })).keys).toEqual([key])
    await api.meta({ op: 'set', key, custom: { owner: 'bob' } })
    expect(await api.meta({ op: 'get', key })).toMatchObject({ custom: { owner: 'bob' } })
    expect((await api.history({ key })).versions).toHaveLength(2)
    await api.versions({ op: 'destroy', key, versions: [1] })
    await api.txn({ then: [{ op: 'set', key: '/j/b', value: 'z' }] })
    await api.delete({ key })
    await api.versions({ op: 'undelete', key })
    const own = linesOf(home.files).filter(({ body }) => body.actor.principal === BOB)
    expect(own.length).toBeGreaterThan(9)
    for (const { body } of own) {
      expect(body).toMatchObject({ outcome: 'ok', correlation: 'request-of-bob' })
      expect(body.actor).not.toHaveProperty('user')
    }
    await expect(api.get({ key: '/k/a' })).rejects.toEqual(reason('ACCESS_DENIED'))
  })

  test('reaches nothing that no gateway may', async () => {
    const { api, home } = await asBob()
    const document = { id: 'more', rules: [] }
    for (const ask of [
      () => api.policy({ op: 'set', document }),
      () => api.policy({ op: 'list' }),
      () => api.token({ op: 'create', boundary: 'full' }),
      () => api.user({ op: 'list' }),
      () => api.password({ old: 'a', new: 'b' } as never),
      () => api.mfa({ op: 'begin', password: 'a' }),
      () => api.group({ op: 'list', kind: 'group' }),
      () => api.zone({ op: 'list' }),
      () => api.export({ prefix: '/j' }),
      () => api.backup({ op: 'begin' } as never),
      () => api.audit({}),
      () => api.evidence({ op: 'keys' }),
      () => api.mount({ op: 'list' }),
      () => api.rotate({ op: 'begin' } as never),
      () => api.protector({ op: 'list' } as never),
      () => api.security({} as never),
    ]) {
      await expect(ask()).rejects.toEqual(reason('ACCESS_DENIED'))
      expect(linesOf(home.files).at(-1)?.body).toMatchObject({
        outcome: 'denied',
        detail: expect.stringMatching(/^gateway /),
      })
    }
  })
})

test('whoever sets a policy about secrets elsewhere must have what it gives', async () => {
  const home = await start()
  const { api } = await addUser(home, 'second', ['admin'])
  const document = (resource: string, actions: readonly string[]) => ({
    id: 'p',
    rules: [allow('r', [BOB], [resource], { actions })],
  })
  const put = (by: Home['api'], resource: string, actions: readonly string[]) =>
    outcomeOf(() => by.policy({ op: 'set', document: document(resource, actions) }))
  const refused = { reason: 'GRANT_EXCEEDED' }
  // The first administrator reads secrets, later ones need a policy that says so.
  expect(await put(home.api, 'openbao+kv2://secret/**', ['read', 'decrypt'])).toHaveProperty(
    'answer',
  )
  expect(await put(api, 'yaml://secret/**', ['read', 'create', 'update'])).toHaveProperty('answer')
  expect(await put(api, 'yaml://secret/**', ['read', 'decrypt'])).toMatchObject(refused)
  expect(await put(home.api, 'yaml://**', ['purge'])).toMatchObject(refused)
  expect(await put(home.api, 'secreg://secret/a', ['read'])).toMatchObject({
    reason: 'POLICY_INVALID',
  })
  for (const principal of [
    'account:auth:account:secreg:root',
    'account:auth:account:idp:',
    'account:x',
  ]) {
    const rules = [allow('r', [principal], ['yaml://a/b'])]
    const set = () => home.api.policy({ op: 'set', document: { id: 'q', rules } })
    expect(await outcomeOf(set)).toMatchObject({ reason: 'PRINCIPAL_UNKNOWN' })
  }
  const shown = await home.api.policy({ op: 'get', policy: 'p' })
  expect(JSON.stringify(shown)).toContain(BOB)
  const { decisions } = await home.api.policy({
    op: 'explain',
    action: 'read',
    resource: 'yaml://secret/app',
    principals: [BOB],
  })
  expect(decisions?.[0]).toMatchObject({ decision: 'allow', rules: [{ rule: 'p/r' }] })
  const { grants } = await home.api.policy({
    op: 'who-can',
    action: 'read',
    resource: 'yaml://secret/app',
  })
  expect(grants?.map(({ principal }) => principal)).toEqual(
    expect.arrayContaining(['user:root', 'role:admin', BOB]),
  )
})
