/** What callers at the door of the zones may do, known from the kernel alone (specs: subauth §2.1). */
import type { RegistryApi, RequestOf } from '@secreg/protocol'
import { describe, expect, test } from 'vitest'
import { type Home, linesOf, outcomeOf, reason, start } from './fixture.ts'

type ZoneRequest = RequestOf<'zone'>

const UIDS = { root: 0, alice: 1001, bob: 1002, carol: 1003, mail: 8 } as const
const systemUsers = {
  find: async (login: string) => {
    const uid = (UIDS as Record<string, number>)[login]
    return uid === undefined ? undefined : { uid }
  },
}

/** The zones' door for one uid; a stranger has no name. */
function as({ registry }: Home, uid: number, systemUser?: string): RegistryApi {
  const peer = { door: 'subauth', address: 'subauth', uid, gid: uid, pid: 4711 } as const
  return registry.as(registry.zoneCaller(peer, systemUser))
}

async function site() {
  const home = await start({ systemUsers })
  await home.api.zone({
    op: 'add',
    zone: 'mail',
    allow_passwd: true,
    allow_tokens: true,
    allow_passwd_auth: true,
    auto_create: true,
    max_temp_validity_s: 3600,
    trusted_uids: [UIDS.mail],
  })
  await home.api.zone({ op: 'add', zone: 'wiki', allow_passwd: true, allow_passwd_auth: true })
  const root = as(home, 0, 'root')
  const alice = as(home, UIDS.alice, 'alice')
  const bob = as(home, UIDS.bob, 'bob')
  const stranger = as(home, 60_001)
  return { home, root, alice, bob, stranger, service: as(home, UIDS.mail, 'mail') }
}

const tell = (api: RegistryApi, request: ZoneRequest) => outcomeOf(() => api.zone(request))
const ok = expect.objectContaining({ answer: expect.anything() })
const denied = reason('ACCESS_DENIED')

/** Every request about one account, as somebody asks it for `login`. */
function managed(login?: string): ZoneRequest[] {
  const zone = 'mail'
  const whose = login === undefined ? {} : { login }
  return [
    { op: 'create-token', zone, ...whose, comment: 'x' },
    { op: 'set-password', zone, ...whose, password: 'secret1' },
    { op: 'allow-password', zone, ...whose, allow: true },
    { op: 'create-temp', zone, ...whose, validity_s: 60 },
    { op: 'delete-token', zone, ...whose, ident: '*' },
    { op: 'delete-password', zone, ...whose },
  ]
}

describe('by whom', () => {
  test('owner and root manage an account, nobody else, and nobody without a name manages one of his own', async () => {
    const { alice, bob, root, service, stranger } = await site()
    for (const request of managed()) expect(await tell(alice, request)).toEqual(ok)
    for (const request of managed('alice')) expect(await tell(root, request)).toEqual(ok)
    for (const request of managed('alice')) {
      expect(await tell(alice, request)).toEqual(ok)
      for (const api of [bob, stranger, service]) expect(await tell(api, request)).toEqual(denied)
    }
    for (const request of managed()) {
      expect(await tell(stranger, request)).toEqual(reason('INVALID_ARGUMENT'))
    }
  })

  test('somebody without rights cannot tell an unknown user, zone or account from another', async () => {
    const { bob } = await site()
    const asked = (login: string, zone: string) =>
      tell(bob, { op: 'create-token', login, zone, comment: 'x' })
    const known = await asked('alice', 'mail')
    expect(await asked('nosuchuser', 'mail')).toEqual(known)
    expect(await asked('alice', 'nozone')).toEqual(known)
    const wrong = (login: string, zone: string) =>
      tell(bob, { op: 'create-token', login, zone, auth_password: 'guess' })
    const refused = await wrong('alice', 'mail')
    expect(refused).toEqual(reason('AUTH_FAILED'))
    expect(await wrong('nosuchuser', 'mail')).toEqual(refused)
    expect(await wrong('alice', 'nozone')).toEqual(refused)
  })

  test('root alone makes and deletes accounts, for users of the system; it deletes those of users who are gone', async () => {
    const { alice, home, root, service } = await site()
    const make: ZoneRequest = { op: 'create-account', zone: 'wiki', login: 'alice' }
    expect(await tell(alice, make)).toEqual(denied)
    expect(await tell(service, make)).toEqual(denied)
    expect(await tell(root, make)).toEqual(ok)
    expect(await tell(root, { ...make, login: 'gone' })).toEqual(reason('NOT_FOUND'))
    await home.api.zone({ ...make, login: 'gone' })
    const remove: ZoneRequest = { op: 'delete-account', zone: '*', login: 'gone' }
    expect(await tell(alice, remove)).toEqual(denied)
    expect(await tell(root, { op: 'create-token', zone: 'wiki', login: 'gone' })).toEqual(
      reason('NOT_FOUND'),
    )
    expect(await tell(root, remove)).toEqual(ok)
  })

  test('zones themselves are set by administrators only; the list for all says no more than it must', async () => {
    const { home, root, stranger } = await site()
    for (const op of ['add', 'set', 'remove'] as const) {
      expect(await tell(root, { op, zone: 'mail' })).toEqual(denied)
    }
    const { zones } = await stranger.zone({ op: 'list' })
    expect(zones?.map(({ zone }) => zone)).toEqual(['mail', 'wiki'])
    expect(zones?.[0]).not.toHaveProperty('zone_id')
    expect(zones?.[0]).not.toHaveProperty('trusted_uids')
    expect((await home.api.zone({ op: 'list' })).zones?.[0]).toHaveProperty('trusted_uids', [8])
  })

  test('a login is checked for root, for oneself, and for the uids that the zone trusts', async () => {
    const { alice, bob, home, root, service } = await site()
    await alice.zone({ op: 'set-password', zone: 'mail', password: 'secret1' })
    await home.api.zone({ op: 'create-account', zone: 'wiki', login: 'alice' })
    await root.zone({ op: 'set-password', zone: 'wiki', login: 'alice', password: 'secret1' })
    const check = { op: 'check', zone: 'mail', login: 'alice', password: 'secret1' } as const
    for (const api of [alice, root, service]) expect(await tell(api, check)).toEqual(ok)
    expect(await tell(bob, check)).toEqual(denied)
    expect(await tell(service, { ...check, zone: 'wiki' })).toEqual(denied)
    expect(await tell(root, { ...check, zone: 'wiki' })).toEqual(ok)
    expect(await tell(alice, { op: 'check', zone: 'mail', password: 'secret1' })).toEqual(ok)
    const wrong = await tell(root, { ...check, password: 'secret2' })
    expect(wrong).toEqual(reason('AUTH_FAILED'))
    expect(await tell(root, { ...check, login: 'nosuchuser' })).toEqual(wrong)
    expect(await tell(root, { ...check, zone: 'nozone' })).toEqual(wrong)
  })

  test('an account lists itself, root everybody; what is listed holds no secret', async () => {
    const { alice, bob, root } = await site()
    const { secret = '', ident = '' } = await alice.zone({ op: 'create-token', zone: 'mail' })
    await alice.zone({ op: 'set-password', zone: 'mail', password: 'secret1' })
    const listed = await alice.zone({ op: 'accounts' })
    expect(listed.accounts).toEqual([
      {
        zone: 'mail',
        login: 'alice',
        password: true,
        password_modified_at: expect.any(Number),
        allow_passwd_auth: false,
        tokens: [{ ident, comment: '', modified_at: expect.any(Number) }],
      },
    ])
    expect(JSON.stringify(listed)).not.toContain(secret)
    expect(await root.zone({ op: 'accounts', login: 'alice' })).toEqual(listed)
    expect(await tell(bob, { op: 'accounts', login: 'alice' })).toEqual(denied)
    expect(await bob.zone({ op: 'accounts' })).toEqual({ accounts: [] })
    expect(await bob.zone({ op: 'accounts', zone: 'mail' })).toEqual({ accounts: [] })
    expect(await tell(root, { op: 'accounts', login: 'gone' })).toEqual(reason('NOT_FOUND'))
  })

  test('nothing but zones is served', async () => {
    const { home, root } = await site()
    const others = Object.keys(root).filter((name) => name !== 'zone') as (keyof RegistryApi)[]
    expect(others.length).toBeGreaterThan(20)
    const before = linesOf(home.files).length
    for (const name of others) {
      const run = root[name] as (request: unknown) => Promise<unknown>
      expect(await outcomeOf(() => run({}))).toEqual(denied)
    }
    expect(linesOf(home.files).length - before).toBe(others.length)
  })

  test('a rule that denies takes away what the kernel would have allowed, by uid and by the account of the uid', async () => {
    const { alice, home } = await site()
    const request: ZoneRequest = { op: 'create-token', zone: 'mail' }
    const deny = (principal: string) => ({
      id: 'no',
      rules: [
        {
          id: 'd',
          effect: 'deny',
          principals: [principal],
          actions: ['account'],
          resources: ['/'],
        },
      ],
    })
    await home.api.policy({ op: 'set', document: deny(`uid:${UIDS.alice}`) })
    expect(await tell(alice, request)).toEqual(denied)
    await home.api.user({ op: 'add', user: 'al', uids: [UIDS.alice] })
    await home.api.policy({ op: 'set', document: deny('user:al') })
    expect(await tell(alice, request)).toEqual(ok)
    expect(await tell(as(home, UIDS.alice, 'alice'), request)).toEqual(denied)
  })

  test('an account that a uid is mapped to lends no rights', async () => {
    const { home } = await site()
    await home.api.user({ op: 'add', user: 'boss', roles: ['admin'], uids: [UIDS.bob] })
    expect(
      await tell(as(home, UIDS.bob, 'bob'), { op: 'create-token', zone: 'mail', login: 'alice' }),
    ).toEqual(denied)
  })
})

describe('by password', () => {
  async function open() {
    const all = await site()
    await all.alice.zone({ op: 'set-password', zone: 'mail', password: 'secret1' })
    await all.alice.zone({ op: 'allow-password', zone: 'mail', allow: true })
    return all
  }
  const create = (password: string, login = 'alice'): ZoneRequest => ({
    op: 'create-token',
    zone: 'mail',
    login,
    auth_password: password,
  })

  test('whoever knows it manages the account, and the record says by what', async () => {
    const { bob, home, stranger } = await open()
    expect(await tell(bob, create('secret1'))).toEqual(ok)
    const { body } = linesOf(home.files).at(-1) ?? {}
    expect(body).toMatchObject({ actor: { door: 'subauth', uid: UIDS.bob }, outcome: 'ok' })
    expect(body?.detail).toBe('zone-create-token mail alice by password')
    for (const request of managed('alice')) {
      const asked = { ...request, auth_password: 'secret1' } as ZoneRequest
      expect(await tell(stranger, asked)).toEqual(ok)
    }
  })

  test('when it is given it alone decides, for root and the owner too', async () => {
    const { alice, root } = await open()
    for (const api of [alice, root]) {
      expect(await tell(api, create('wrong'))).toEqual(reason('AUTH_FAILED'))
      expect(await tell(api, create('secret1'))).toEqual(ok)
    }
  })

  test('tokens are none: not a regular one, not a temporary one, not the password of another zone or user', async () => {
    const { alice, bob, home, root } = await open()
    const { secret: token = '' } = await alice.zone({ op: 'create-token', zone: 'mail' })
    const { secret: temp = '' } = await alice.zone({
      op: 'create-temp',
      zone: 'mail',
      validity_s: 60,
    })
    await home.api.zone({ op: 'create-account', zone: 'wiki', login: 'alice' })
    await root.zone({ op: 'set-password', zone: 'wiki', login: 'alice', password: 'wikisecret' })
    await bob.zone({ op: 'set-password', zone: 'mail', password: 'bobsecret' })
    for (const text of [token, temp, 'wikisecret', 'bobsecret', '']) {
      expect(await tell(bob, create(text))).toEqual(reason('AUTH_FAILED'))
    }
  })

  test('both switches must be on, and turning off the zone holds at once', async () => {
    const { alice, bob, home } = await open()
    await home.api.zone({ op: 'set', zone: 'mail', allow_passwd_auth: false })
    expect(await tell(bob, create('secret1'))).toEqual(reason('AUTH_FAILED'))
    await home.api.zone({ op: 'set', zone: 'mail', allow_passwd_auth: true })
    expect(await tell(bob, create('secret1'))).toEqual(ok)
    await home.api.zone({ op: 'set', zone: 'mail', allow_passwd: false })
    expect(await tell(bob, create('secret1')), 'no passwords').toEqual(reason('AUTH_FAILED'))
    await home.api.zone({ op: 'set', zone: 'mail', allow_passwd: true })
    expect(await tell(bob, create('secret1'))).toEqual(ok)
    await alice.zone({ op: 'allow-password', zone: 'mail', allow: false })
    expect(await tell(bob, create('secret1'))).toEqual(reason('AUTH_FAILED'))
  })

  test('it makes no account, whatever the zone says', async () => {
    const { bob, home } = await open()
    expect(await tell(bob, create('secret1', 'carol'))).toEqual(reason('AUTH_FAILED'))
    expect((await home.api.zone({ op: 'accounts', zone: 'mail' })).accounts).toHaveLength(1)
  })

  test('it is for the door of the zones: elsewhere policy decides', async () => {
    const { home } = await open()
    expect(await tell(home.api, create('secret1'))).toEqual(reason('INVALID_ARGUMENT'))
    expect(await tell(home.api, { op: 'create-token', zone: 'mail' })).toEqual(
      reason('INVALID_ARGUMENT'),
    )
  })
})

describe('guessing', () => {
  const guess = (login: string, password: string): ZoneRequest => ({
    op: 'check',
    zone: 'mail',
    login,
    password,
  })

  test('five wrong passwords lock this account for this source, whether it exists or not; tokens and others go on', async () => {
    const { alice, bob, root, service } = await site()
    await alice.zone({ op: 'set-password', zone: 'mail', password: 'secret1' })
    await bob.zone({ op: 'set-password', zone: 'mail', password: 'secret1' })
    const { secret: token = '' } = await alice.zone({ op: 'create-token', zone: 'mail' })
    for (const login of ['alice', 'nosuchuser']) {
      for (let attempt = 0; attempt < 5; attempt++) {
        expect(await tell(service, guess(login, 'wrong'))).toEqual(reason('AUTH_FAILED'))
      }
      expect(await tell(service, guess(login, 'secret1'))).toEqual(reason('AUTH_LOCKED_OUT'))
    }
    expect(await tell(service, guess('alice', token))).toEqual(ok)
    expect(await tell(service, guess('bob', 'secret1'))).toEqual(ok)
    expect(await tell(root, guess('alice', 'secret1'))).toEqual(ok)
    expect(await tell(alice, guess('alice', 'secret1'))).toEqual(ok)
  })

  test('one source that asks for all its users is not locked by the mistakes of many; one that guesses is', async () => {
    const { bob, service } = await site()
    for (let user = 0; user < 60; user++) {
      expect(await tell(service, guess(`user${user}`, 'wrong'))).toEqual(reason('AUTH_FAILED'))
    }
    const told: string[] = []
    for (let user = 0; user < 60; user++) {
      const request: ZoneRequest = {
        op: 'create-token',
        zone: 'mail',
        login: `user${user}`,
        auth_password: 'wrong',
      }
      told.push(((await tell(bob, request)) as { reason: string }).reason)
    }
    expect(told.slice(0, 50)).toEqual(Array<string>(50).fill('AUTH_FAILED'))
    expect(told.slice(50)).toEqual(Array<string>(10).fill('AUTH_LOCKED_OUT'))
  })

  test('guesses that are started together do not outrun the limit', async () => {
    const { alice, service } = await site()
    await alice.zone({ op: 'set-password', zone: 'mail', password: 'secret1' })
    const told = await Promise.all(
      Array.from({ length: 30 }, () => tell(service, guess('alice', 'wrong'))),
    )
    expect(told.filter((one) => (one as { reason: string }).reason === 'AUTH_FAILED')).toHaveLength(
      5,
    )
  })
})

test('each request leaves one record, with the uid, and no secret in it', async () => {
  const { alice, bob, home, root, stranger } = await site()
  const canary = 'Canary0123456789'
  const requests: [RegistryApi, ZoneRequest][] = [
    ...managed().map((request): [RegistryApi, ZoneRequest] => [alice, request]),
    ...managed('alice').map((request): [RegistryApi, ZoneRequest] => [bob, request]),
    [root, { op: 'check', zone: 'mail', login: 'alice', password: canary }],
    [alice, { op: 'set-password', zone: 'mail', password: canary }],
    [bob, { op: 'delete-token', zone: 'mail', login: 'alice', ident: '*', auth_password: canary }],
    [stranger, { op: 'list' }],
    [alice, { op: 'accounts' }],
  ]
  for (const [api, request] of requests) {
    const before = linesOf(home.files).length
    await tell(api, request)
    const [line, ...more] = linesOf(home.files).slice(before)
    expect(more).toEqual([])
    expect(line?.body).toMatchObject({
      actor: { door: 'subauth', uid: expect.any(Number), proof: 'kernel' },
    })
  }
  expect(JSON.stringify(linesOf(home.files))).not.toContain(canary)
})

test('sealed, nothing opens and nothing changes', async () => {
  const { alice, home, root } = await site()
  await alice.zone({ op: 'set-password', zone: 'mail', password: 'secret1' })
  await home.registry.lock(home.admin)
  const check: ZoneRequest = { op: 'check', zone: 'mail', login: 'alice', password: 'secret1' }
  expect(await tell(root, check)).toEqual(reason('SEALED'))
  expect(await tell(alice, { op: 'create-token', zone: 'mail' })).toEqual(reason('SEALED'))
})
