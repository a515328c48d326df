/** Tokens of accounts of zones as credentials of HTTP: what opens a session, what it may do, and what ends it at once. */
import type { Caller, RequestOf } from '@secreg/protocol'
import { createCanary } from '@secreg/testkit'
import type { ConfiguredZone } from '@secreg/zones'
import { describe, expect, test } from 'vitest'
import type { Peer } from '../src/identity.ts'
import { addUser, type Home, linesOf, outcomeOf, PASSWORD, reason, start } from './fixture.ts'

const USER = 'mail/alice'
const ZONE = {
  op: 'add',
  zone: 'mail',
  http: true,
  allow_tokens: true,
  allow_passwd: true,
} as const
const ACCOUNT = { zone: 'mail', login: 'alice' } as const

const FILE: ConfiguredZone = {
  description: '',
  allowPasswd: true,
  allowTokens: true,
  allowPasswdAuth: false,
  autoCreate: false,
  http: true,
  maxTempValidityS: 3600,
  trustedUids: [],
}

function gateway(lifetimeMs = 300_000): Peer & { readonly gateway: { readonly binding: object } } {
  return {
    door: 'http',
    address: 'gateway',
    gateway: { binding: {}, lifetimeMs, loginOf: () => undefined },
  }
}

/** A registry with the account `alice` of the zone `mail`, whose policy lets the zone read `/mail/**`. */
async function site(options: Parameters<typeof start>[0] = {}) {
  const home = await start(options)
  await home.api.zone({ ...ZONE, max_temp_validity_s: 3600 })
  await home.api.zone({ op: 'create-account', ...ACCOUNT })
  const rule = {
    id: 'read',
    effect: 'allow',
    principals: ['zone:mail'],
    actions: ['list', 'read', 'update', 'create'],
    resources: ['/mail/**'],
  }
  await home.api.policy({ op: 'set', document: { id: 'mail', rules: [rule] } })
  await home.api.set({ key: '/mail/host', value: 'imap' })
  await home.api.set({ key: '/other', value: 'x' })
  return home
}

const tokenOf = async ({ api }: Home) => {
  const { ident = '', secret = '' } = await api.zone({ op: 'create-token', ...ACCOUNT })
  return { ident, secret }
}

const tempOf = async ({ api }: Home, seconds = 60) =>
  (await api.zone({ op: 'create-temp', ...ACCOUNT, validity_s: seconds })).secret ?? ''

async function login(home: Home, password: string, peer: Peer = gateway(), username = USER) {
  const address = peer.gateway === undefined ? {} : { address: '192.0.2.7' }
  const answer = await home.registry.login(peer, { username, password, ...address })
  const caller = (): Caller | undefined => {
    const session = home.registry.sessionHandle(peer).resolve(answer.session_id ?? '')
    return session === undefined ? undefined : home.registry.callerOf(session, peer)
  }
  return { answer, caller }
}

async function refusalOf(home: Home, password: string, peer?: Peer, username?: string) {
  const { answer } = await login(home, password, peer, username)
  expect(answer.success).toBe(false)
  expect(answer).not.toHaveProperty('session_id')
  return answer.error?.reason
}

const WRONG = 'AUTH_FAILED'

describe('a token of an account', () => {
  test('opens a session that is the zone to policy, and nobody else', async () => {
    const home = await site()
    const { ident, secret } = await tokenOf(home)
    const { answer, caller } = await login(home, secret)
    expect(answer).toMatchObject({ success: true, roles: [] })
    expect(answer.expires_in).toSatisfy((seconds: number) => seconds > 290 && seconds <= 300)
    const zoneId = (await home.api.zone({ op: 'list' })).zones?.[0]?.zone_id
    const found = caller()
    expect(found).toMatchObject({
      principals: [`zone:${zoneId}`],
      accountId: expect.stringMatching(/^[0-9a-f]{32}$/),
      login: USER,
      roles: [],
      groups: [],
      mfa: false,
      door: 'http',
      address: '192.0.2.7',
      proof: 'credential',
      token: ident,
    })
    if (found === undefined) throw new Error('expected a caller')
    const api = home.registry.as(found)
    expect((await api.get({ key: '/mail/host' })).value).toBe('imap')
    await expect(api.get({ key: '/other' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await api.set({ key: '/mail/port', value: '993' })
    expect(await api.whoami()).toMatchObject({
      user: USER,
      account: found.accountId,
      token: ident,
      proof: 'credential',
      door: 'http',
    })
    const records = linesOf(home.files).filter(({ body }) => body.actor.user === USER)
    expect(records.map(({ body }) => [body.action, body.outcome, body.actor.token])).toEqual([
      ['auth', 'ok', ident],
      ['read', 'ok', ident],
      ['read', 'denied', ident],
      ['write', 'ok', ident],
    ])
  })

  test('a temporary one opens it for as long as it is good itself', async () => {
    let nowMs = 1_000_000
    const home = await site({ now: () => nowMs, monotonicMs: () => nowMs })
    const temp = await tempOf(home, 60)
    nowMs += 50_000
    const { answer, caller } = await login(home, temp)
    expect(answer).toMatchObject({ success: true, expires_in: 10 })
    expect(caller()).toMatchObject({ token: 'temporary' })
    nowMs += 9_999
    expect(caller()).toBeDefined()
    nowMs += 1
    expect(caller()).toBeUndefined()
    expect(await refusalOf(home, temp)).toBe(WRONG)
  })

  test('is good for its own zone and account only, and through a gateway only', async () => {
    const many = { failures: 1000, windowMs: 1000, lockMs: 1000, maxKeys: 10 }
    const home = await site({ attemptLimits: { pair: many, source: many, remoteAccount: many } })
    await home.api.zone({ ...ZONE, zone: 'web' })
    await home.api.zone({ op: 'create-account', zone: 'web', login: 'alice' })
    await home.api.zone({ op: 'create-account', zone: 'mail', login: 'bob' })
    await addUser(home, 'alice', ['user'])
    const { secret } = await tokenOf(home)
    const temp = await tempOf(home)
    for (const text of [secret, temp]) {
      for (const name of [
        'web/alice',
        'mail/bob',
        'none/alice',
        'mail/carol',
        'alice',
        'mail/alice/',
        '/alice',
        'mail/',
        'MAIL/alice',
        'mail/Alice',
        '*/alice',
      ]) {
        expect(await refusalOf(home, text, undefined, name), name).toBe(WRONG)
      }
      expect(await refusalOf(home, text, { door: 'registry', address: 'test' })).toBe(WRONG)
    }
  })

  test('makes and changes no credentials, whatever a policy says', async () => {
    const home = await site()
    const rule = {
      id: 'all',
      effect: 'allow',
      principals: ['zone:mail'],
      actions: ['account', 'policy', 'grant'],
      resources: ['/'],
    }
    await home.api.policy({ op: 'set', document: { id: 'all', rules: [rule] } })
    const caller = (await login(home, (await tokenOf(home)).secret)).caller()
    if (caller === undefined) throw new Error('expected a caller')
    // The door of gateways refuses all of it by itself; so must the session.
    for (const door of ['http', 'registry'] as const) {
      const api = home.registry.as({ ...caller, door })
      const refused = reason(door === 'http' ? 'ACCESS_DENIED' : 'PASSWORD_SESSION_REQUIRED')
      await expect(api.zone({ op: 'create-token', ...ACCOUNT })).rejects.toEqual(refused)
      await expect(api.token({ op: 'create', boundary: 'full' })).rejects.toEqual(refused)
    }
  })
})

describe('what is no token', () => {
  test('passwords of the account, access tokens, passwords of users: all alike', async () => {
    const home = await site()
    await home.api.zone({ op: 'set-password', ...ACCOUNT, password: 'simple' })
    await addUser(home, 'alice', ['user'])
    const access = await home.api.token({ op: 'create', boundary: 'full' })
    const { secret } = await tokenOf(home)
    const texts = [
      'simple',
      PASSWORD,
      access.secret ?? '',
      '',
      '-',
      `${secret}x`,
      secret.toUpperCase(),
      't1-a-b',
    ]
    for (const text of texts) expect(await refusalOf(home, text)).toBe(WRONG)
    const messages = await Promise.all(
      texts.map(async (text) => (await login(home, text)).answer.error?.message),
    )
    expect(new Set(messages)).toEqual(new Set(['user name or password is wrong']))
  })

  test('is counted by its source as access tokens are, and a right one waits too', async () => {
    let nowMs = 0
    const home = await site({
      monotonicMs: () => nowMs,
      attemptLimits: { source: { failures: 3, windowMs: 60_000, lockMs: 60_000, maxKeys: 10 } },
    })
    const { secret } = await tokenOf(home)
    for (let at = 0; at < 3; at++) expect(await refusalOf(home, 'wrong')).toBe(WRONG)
    expect(await refusalOf(home, secret)).toBe('AUTH_LOCKED_OUT')
    const other = { username: USER, password: secret, address: '192.0.2.8' }
    expect((await home.registry.login(gateway(), other)).success).toBe(true)
    nowMs += 60_001
    expect((await login(home, secret)).answer.success).toBe(true)
  })

  test('leaves a record with the name and without what was presented', async () => {
    const home = await site()
    const canary = createCanary()
    for (const text of [canary, `0a1b-${canary}`, `t1-${canary}-x`]) await login(home, text)
    await login(home, canary, gateway(), 'mail/carol')
    await login(home, canary, gateway(), `mail/a/${canary}`)
    const records = linesOf(home.files).filter(({ body }) => body.actor.address === '192.0.2.7')
    expect(
      records.map(({ body }) => [body.actor.user, body.action, body.outcome, body.reason]),
    ).toEqual([
      ...Array.from({ length: 3 }, () => [USER, 'auth', 'denied', 'AUTH_FAILED']),
      ['mail/carol', 'auth', 'denied', 'AUTH_FAILED'],
      [undefined, 'auth', 'denied', 'AUTH_FAILED'],
    ])
    expect(JSON.stringify(linesOf(home.files))).not.toContain(canary)
  })

  test('is nothing while sealed', async () => {
    const home = await site()
    const { secret } = await tokenOf(home)
    await home.registry.lock(home.admin)
    expect(await refusalOf(home, secret)).toBe('SEALED')
  })
})

describe('users of the system', () => {
  const users = new Map([['alice', { uid: 1001 }]])
  const systemUsers = { find: async (name: string) => users.get(name) }

  test('who are gone log in no more; where none are known, all are believed', async () => {
    const home = await site({ systemUsers })
    const { secret } = await tokenOf(home)
    expect((await login(home, secret)).answer.success).toBe(true)
    users.delete('alice')
    expect(await refusalOf(home, secret)).toBe(WRONG)
  })

  test('are not asked for before the token is good, and what cannot be told opens nothing', async () => {
    const asked: string[] = []
    const busy = Object.assign(new Error('slow'), { code: 'EAGAIN' })
    const home = await site({
      systemUsers: {
        find: (name) => {
          asked.push(name)
          return Promise.reject(busy)
        },
      },
    })
    await refusalOf(home, 'wrong')
    expect(asked).toEqual([])
    expect(await refusalOf(home, (await tokenOf(home)).secret)).toBeDefined()
    expect(asked).toEqual(['alice'])
  })
})

type ZoneRequest = RequestOf<'zone'>

describe('a session ends with the next operation once', () => {
  const OFF: readonly [string, ZoneRequest, readonly [boolean, boolean]][] = [
    ['HTTP is off', { op: 'set', zone: 'mail', http: false }, [false, false]],
    ['tokens are off', { op: 'set', zone: 'mail', allow_tokens: false }, [false, true]],
    [
      'temporary tokens are off',
      { op: 'set', zone: 'mail', max_temp_validity_s: 0 },
      [true, false],
    ],
    ['all tokens are deleted', { op: 'delete-token', ...ACCOUNT, ident: '*' }, [false, false]],
    ['the account is deleted', { op: 'delete-account', ...ACCOUNT }, [false, false]],
    [
      'the accounts in all zones are',
      { op: 'delete-account', ...ACCOUNT, zone: '*' },
      [false, false],
    ],
    [
      'another account is deleted',
      { op: 'delete-account', zone: 'mail', login: 'bob' },
      [true, true],
    ],
    [
      'the zone allows no passwords',
      { op: 'set', zone: 'mail', allow_passwd: false },
      [true, true],
    ],
    ['the account has another token', { op: 'create-token', ...ACCOUNT }, [true, true]],
  ]

  test.each(OFF)('%s', async (_name, request, expected) => {
    const home = await site()
    await home.api.zone({ op: 'create-account', zone: 'mail', login: 'bob' })
    const both = [
      await login(home, (await tokenOf(home)).secret),
      await login(home, await tempOf(home)),
    ]
    expect(both.map(({ caller }) => caller() !== undefined)).toEqual([true, true])
    await home.api.zone(request)
    expect(both.map(({ caller }) => caller() !== undefined)).toEqual(expected)
    // What has ended does not come back.
    await home.api.zone({ ...ZONE, op: 'set', max_temp_validity_s: 60 }).catch(() => {})
    expect(both.map(({ caller }) => caller() !== undefined)).toEqual(expected)
  })

  test('its own token is deleted, and no other', async () => {
    const home = await site()
    const first = await tokenOf(home)
    const second = await tokenOf(home)
    const sessions = [await login(home, first.secret), await login(home, second.secret)]
    await home.api.zone({ op: 'delete-token', ...ACCOUNT, ident: first.ident })
    expect(sessions.map(({ caller }) => caller() !== undefined)).toEqual([false, true])
  })

  test('the zone is removed', async () => {
    const home = await site()
    const { caller } = await login(home, (await tokenOf(home)).secret)
    await home.api.policy({ op: 'delete', policy: 'mail' })
    await home.api.zone({ op: 'remove', zone: 'mail' })
    expect(caller()).toBeUndefined()
    expect(home.registry.status(home.admin).sessions).toBe(1)
  })

  test.each<[string, readonly [string, ConfiguredZone][]]>([
    ['the file switches HTTP off', [['mail', { ...FILE, http: false }]]],
    ['the file has the zone no more', []],
  ])('%s', async (_name, file) => {
    const home = await site()
    await home.registry.applyZones(new Map([['mail', FILE]]))
    const { secret } = await tokenOf(home)
    const { caller } = await login(home, secret)
    expect(caller()).toBeDefined()
    await home.registry.applyZones(new Map(file))
    expect(caller()).toBeUndefined()
    expect(await refusalOf(home, secret)).toBe(WRONG)
  })

  test('what its connection was bound to is gone', async () => {
    const home = await site()
    const peer = gateway()
    const { caller } = await login(home, (await tokenOf(home)).secret, peer)
    home.registry.closeBinding(peer.gateway.binding)
    expect(caller()).toBeUndefined()
  })
})

test('a login that a change overtakes does not survive it', async () => {
  let release = (): void => {}
  const waiting = new Promise<void>((resolve) => {
    release = resolve
  })
  let asked = (): void => {}
  const begun = new Promise<void>((resolve) => {
    asked = resolve
  })
  const home = await site({
    systemUsers: {
      find: async () => {
        asked()
        await waiting
        return { uid: 1001 }
      },
    },
  })
  const { ident, secret } = await tokenOf(home)
  const underWay = login(home, secret)
  await begun
  await home.api.zone({ op: 'delete-token', ...ACCOUNT, ident })
  release()
  expect((await underWay).answer.error?.reason).toBe(WRONG)
})

test('a session outlives a demand for second factors, as those of access tokens do', async () => {
  const home = await site()
  const { caller } = await login(home, (await tokenOf(home)).secret)
  home.registry.configure({ requireMfa: true, sealedReads: true, encryptPrefixes: [] })
  expect(caller()).toBeDefined()
})

test('what it writes names the zone and the login as its author', async () => {
  const home = await site()
  const caller = (await login(home, (await tokenOf(home)).secret)).caller()
  if (caller === undefined) throw new Error('expected a caller')
  await home.registry.as(caller).set({ key: '/mail/port', value: '993' })
  const outcome = await outcomeOf(() => home.api.history({ key: '/mail/port' }))
  expect(JSON.stringify(outcome)).toContain('"mail/alice"')
})
