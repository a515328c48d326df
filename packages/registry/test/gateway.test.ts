/** What a gateway gets: bound and short sessions for its callers, nothing that outlasts their use, assertions from a list. */
import type { RegistryApi, RequestOf } from '@secreg/protocol'
import { REQUESTS, type RequestName } from '@secreg/protocol/messages'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { describe, expect, test } from 'vitest'
import { isPassedOn } from '../src/gateway-api.ts'
import type { Peer } from '../src/identity.ts'
import { addUser, type Home, linesOf, PASSWORD, reason, start } from './fixture.ts'

const LOGINS: Readonly<Record<string, string>> = {
  'tailnet:alice@example.com': 'alice',
  'tailnet:tag:web': 'alice',
  'tailnet:tag:ops': 'bob',
  'tailnet:nobody': 'nobody',
}

function gateway(lifetimeMs = 300_000): Peer & { readonly gateway: { readonly binding: object } } {
  const binding = {}
  const loginOf = (assertion: string): string | undefined => LOGINS[assertion]
  return { door: 'http', address: 'gateway', gateway: { binding, lifetimeMs, loginOf } }
}

/** Log in through a gateway; answers how to reach the session from a connection. */
async function through(home: Home, peer: Peer, request: RequestOf<'auth'>) {
  const answer = await home.registry.login(peer, request)
  const callerAt = (other: Peer) => {
    const handle = home.registry.sessionHandle(other)
    const session = handle.resolve(answer.session_id ?? '')
    return session === undefined ? undefined : home.registry.callerOf(session, other)
  }
  return { answer, callerAt }
}

async function siteOfTwo(options: Parameters<typeof start>[0] = {}) {
  const home = await start(options)
  await addUser(home, 'alice', ['operator'])
  await addUser(home, 'bob', ['operator'])
  return home
}

const ALICE = { username: 'alice', password: PASSWORD }

describe('sessions of a gateway', () => {
  test('are bound to their connection, and end with it', async () => {
    const home = await siteOfTwo()
    const peer = gateway()
    const { callerAt } = await through(home, peer, { ...ALICE, address: '192.0.2.7' })
    expect(callerAt(peer)).toMatchObject({
      login: 'alice',
      door: 'http',
      address: '192.0.2.7',
      proof: 'credential',
    })
    expect(callerAt(gateway())).toBeUndefined()
    expect(callerAt({ door: 'registry', address: 'test' })).toBeUndefined()
    home.registry.closeBinding(peer.gateway.binding)
    expect(callerAt(peer)).toBeUndefined()
  })

  test('live as long as the gateway is granted, used or not, and shorter with a token that ends before', async () => {
    let nowMs = 1_000_000
    const home = await siteOfTwo({ monotonicMs: () => nowMs, now: () => nowMs })
    const peer = gateway(1000)
    const { answer, callerAt } = await through(home, peer, ALICE)
    expect(answer.expires_in).toBe(1)
    nowMs += 900
    expect(callerAt(peer)).toBeDefined()
    nowMs += 100
    expect(callerAt(peer)).toBeUndefined()
    const made = await home.api.token({ op: 'create', boundary: 'full', expires_in_s: 1 })
    const second = await through(home, gateway(300_000), { token: made.secret ?? '' })
    expect(second.answer.expires_in).toBe(1)
  })

  test('do not count against the sessions of the user', async () => {
    const home = await siteOfTwo({ sessionLimits: { perAccount: 1 } })
    const own = await home.registry.login({ door: 'registry', address: 'test' }, ALICE)
    const peer = gateway()
    for (let at = 0; at < 3; at++) {
      expect((await through(home, peer, ALICE)).answer.success).toBe(true)
    }
    expect(home.registry.sessionHandle().resolve(own.session_id ?? '')).toBeDefined()
  })

  test('end with their token, and each operation takes a use', async () => {
    const home = await siteOfTwo()
    await home.api.set({ key: '/app/a', value: 'x' })
    const made = await home.api.token({ op: 'create', boundary: 'full', uses: 2 })
    const peer = gateway()
    const { callerAt } = await through(home, peer, { token: made.secret ?? '' })
    const get = async () => {
      const caller = callerAt(peer)
      if (caller === undefined) throw Object.assign(new Error(), { reason: 'GONE' })
      return await home.registry.as(caller).get({ key: '/app/a' })
    }
    await get()
    await get()
    await expect(get()).rejects.toEqual(reason('GONE'))
  })
})

/** A request of each kind, as an administrator could make it. */
const ATTEMPTS: Readonly<Partial<Record<RequestName, object>>> = {
  audit: { limit: 1 },
  export: { prefix: '/' },
  import: { op: 'begin' },
  user: { op: 'list' },
  password: { old_password: TEST_ADMIN.admin_password, new_password: `${PASSWORD}x` },
  security: { op: 'check' },
  mount: { op: 'list' },
  protector: { op: 'list' },
  rotate: { op: 'start' },
  backup: { op: 'begin' },
  restore: { op: 'begin' },
  maintain: { op: 'doctor' },
  policy: { op: 'list' },
  group: { op: 'list', kind: 'group' },
  token: { op: 'create', boundary: 'full' },
  zone: { op: 'list' },
  mfa: { op: 'status' },
  evidence: { op: 'checkpoint' },
}

describe('what a gateway may not pass on, even for an administrator', () => {
  test.each(Object.entries(ATTEMPTS))('%s is refused and recorded', async (name, request) => {
    const home = await start()
    const peer = gateway()
    const { callerAt } = await through(home, peer, {
      username: TEST_ADMIN.admin,
      password: TEST_ADMIN.admin_password,
    })
    const caller = callerAt(peer)
    if (caller === undefined) throw new Error('no session')
    const api = home.registry.as(caller) as unknown as Record<
      string,
      (request: object) => Promise<unknown>
    >
    const before = linesOf(home.files).length
    await expect(api[name]?.(request)).rejects.toEqual(reason('ACCESS_DENIED'))
    const [line, ...more] = linesOf(home.files).slice(before)
    expect(more).toEqual([])
    expect(line?.body).toMatchObject({
      action: 'admin',
      outcome: 'denied',
      reason: 'ACCESS_DENIED',
      detail: `gateway ${name}`,
      actor: { user: TEST_ADMIN.admin, door: 'http' },
    })
  })

  test('every request is either passed on or among the attempts, or of the connection itself', () => {
    const ofConnection = ['seal', 'watch', 'unwatch']
    const refused = (Object.keys(REQUESTS) as RequestName[]).filter(
      (name) => !isPassedOn(name, ATTEMPTS[name]),
    )
    expect(refused.sort()).toEqual([...Object.keys(ATTEMPTS), ...ofConnection].sort())
  })

  test('what is of the connection is refused and recorded too', async () => {
    const home = await start()
    const peer = gateway()
    const before = linesOf(home.files).length
    await expect(home.registry.refuseGateway(peer, undefined, 'seal')).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    expect(linesOf(home.files)[before]?.body).toMatchObject({ detail: 'gateway seal' })
  })

  test('figures are passed on', async () => {
    const home = await start()
    const peer = gateway()
    const { callerAt } = await through(home, peer, {
      username: TEST_ADMIN.admin,
      password: TEST_ADMIN.admin_password,
    })
    const api: RegistryApi = home.registry.as(callerAt(peer) as never)
    await expect(api.maintain({ op: 'metrics' })).resolves.toEqual({})
  })
})

describe('assertions', () => {
  test('open the account that the list names, recorded and decided as asserted', async () => {
    const home = await siteOfTwo()
    await home.api.set({ key: '/app/a', value: 'x' })
    const peer = gateway()
    const { callerAt } = await through(home, peer, {
      assertions: ['tailnet:alice@example.com'],
      address: '100.64.0.7',
    })
    const caller = callerAt(peer)
    expect(caller).toMatchObject({ login: 'alice', proof: 'asserted', mfa: false })
    await home.registry.as(caller as never).get({ key: '/app/a' })
    expect(linesOf(home.files).at(-1)?.body.actor).toMatchObject({
      user: 'alice',
      proof: 'asserted',
      address: '100.64.0.7',
    })
    await home.api.policy({
      op: 'set',
      document: {
        id: 'shown',
        rules: [
          {
            id: 'only-shown',
            effect: 'deny',
            principals: ['*'],
            actions: ['read'],
            resources: ['/app/**'],
            when: { proof: ['asserted'] },
          },
        ],
      },
    })
    await expect(home.registry.as(caller as never).get({ key: '/app/a' })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
  })

  test('several that mean one account are fine, those that mean two are nobody', async () => {
    const home = await siteOfTwo()
    const login = async (assertions: string[]) =>
      (await through(home, gateway(), { assertions })).answer
    expect((await login(['tailnet:tag:web', 'tailnet:alice@example.com'])).success).toBe(true)
    expect((await login(['tailnet:tag:web', 'tailnet:tag:unlisted'])).success).toBe(true)
    for (const assertions of [
      ['tailnet:tag:web', 'tailnet:tag:ops'],
      ['tailnet:tag:unlisted'],
      ['tailnet:nobody'],
      ['user:alice'],
      ['alice'],
      ['__proto__'],
    ]) {
      expect(await login(assertions)).toMatchObject({
        success: false,
        error: { reason: 'AUTH_FAILED' },
      })
    }
  })

  test('are nothing for a disabled account, nor where a second factor is demanded', async () => {
    const home = await siteOfTwo()
    const assertions = ['tailnet:alice@example.com']
    await home.api.user({ op: 'disable', user: 'alice' })
    expect((await through(home, gateway(), { assertions })).answer.error?.reason).toBe(
      'AUTH_FAILED',
    )
    await home.api.user({ op: 'enable', user: 'alice' })
    expect((await through(home, gateway(), { assertions })).answer.success).toBe(true)
    home.registry.configure({ requireMfa: true, sealedReads: true, encryptPrefixes: [] })
    expect((await through(home, gateway(), { assertions })).answer).toMatchObject({
      success: false,
      mfa_required: true,
    })
    expect((await through(home, gateway(), ALICE)).answer.error?.reason).toBe(
      'MFA_ENROLLMENT_REQUIRED',
    )
  })

  test('and addresses are believed of no other connection', async () => {
    const home = await siteOfTwo()
    const peer = { door: 'registry', address: 'test' } as const
    for (const request of [
      { assertions: ['tailnet:alice@example.com'] },
      { ...ALICE, address: '192.0.2.7' },
    ]) {
      const { answer } = await through(home, peer, request)
      expect(answer).toMatchObject({ success: false, error: { reason: 'INVALID_ARGUMENT' } })
    }
  })

  test('failures are counted by the address that the gateway saw', async () => {
    const home = await siteOfTwo({
      attemptLimits: {
        pair: { failures: 2, windowMs: 60_000, lockMs: 60_000, maxKeys: 100 },
      },
    })
    const peer = gateway()
    const wrong = { username: 'alice', password: 'wrong', address: '192.0.2.7' }
    for (let at = 0; at < 3; at++) await through(home, peer, wrong)
    const locked = await through(home, peer, { ...ALICE, address: '192.0.2.7' })
    expect(locked.answer.error?.reason).toBe('AUTH_LOCKED_OUT')
    expect((await through(home, peer, { ...ALICE, address: '192.0.2.8' })).answer.success).toBe(
      true,
    )
  })
})

describe('a conditional read', () => {
  test('of an encrypted value is denied to who may not decrypt it, changed or not', async () => {
    const home = await start()
    await home.api.set({ key: '/app/a', value: 'x', encrypt: true })
    await home.api.group({ op: 'add', kind: 'group', name: 'readers' })
    await home.api.policy({
      op: 'set',
      document: {
        id: 'readers',
        rules: [
          {
            id: 'read',
            effect: 'allow',
            principals: ['group:readers'],
            actions: ['read'],
            resources: ['/app/**'],
          },
        ],
      },
    })
    await home.api.user({ op: 'add', user: 'dave', password: PASSWORD, groups: ['readers'] })
    const api = home.registry.as(await loginTestUser(home, 'dave', PASSWORD))
    expect(await api.get({ key: '/app/a', if_changed: 1 })).toMatchObject({ unchanged: true })
    await expect(api.get({ key: '/app/a', decrypt: true, if_changed: 1 })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
  })
})
