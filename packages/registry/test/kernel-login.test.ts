/** Logins by the kernel's word: whose they are, what they are worth, and when they end. */
import type { AuthResponse, Caller, RequestOf } from '@secreg/protocol'
import { DEFAULT_SESSION_LIMITS, hotp } from '@secreg/zones'
import { describe, expect, test } from 'vitest'
import type { Peer } from '../src/identity.ts'
import {
  addUser,
  bytesOfBase32,
  type Home,
  linesOf,
  outcomeOf,
  PASSPHRASE,
  PASSWORD,
  reason,
  start,
} from './fixture.ts'

const UID = 1000
const at = (uid: number): Peer => ({ door: 'registry', address: 'local', uid, gid: uid, pid: 4242 })
const KERNEL: RequestOf<'auth'> = { kernel: true }

async function site(options: Parameters<typeof start>[0] = {}): Promise<Home> {
  const home = await start(options)
  await addUser(home, 'alice', ['user'])
  await home.api.user({ op: 'uids', user: 'alice', uids: [UID, 33] })
  return home
}

/** The caller that a session makes of a peer, if any. */
function callerOf(home: Home, { session_id }: AuthResponse, peer: Peer): Caller | undefined {
  const session = home.registry.sessionHandle(peer).resolve(session_id ?? '')
  return session === undefined ? undefined : home.registry.callerOf(session, peer)
}

async function enter(home: Home, uid = UID, request = KERNEL) {
  const peer = at(uid)
  const answer = await home.registry.login(peer, request)
  const caller = callerOf(home, answer, peer)
  if (caller === undefined) throw new Error(`no session: ${answer.error?.message}`)
  return { answer, caller, peer, api: home.registry.as(caller) }
}

describe('a login by the kernel’s word', () => {
  test('is the account of the uid, and says how it was proven', async () => {
    const home = await site()
    const { answer, caller, api } = await enter(home)
    expect(answer).toMatchObject({ success: true, roles: ['user'] })
    expect(caller).toMatchObject({
      login: 'alice',
      proof: 'kernel',
      uid: UID,
      gid: UID,
      pid: 4242,
      mfa: false,
    })
    expect(caller.principals).toContain(`uid:${UID}`)
    expect(await api.whoami()).toMatchObject({ user: 'alice', proof: 'kernel' })
    expect(linesOf(home.files).at(-1)?.body).toMatchObject({
      action: 'auth',
      outcome: 'ok',
      actor: { user: 'alice', uid: UID, proof: 'kernel' },
    })
  })

  test('is refused alike for a uid that nobody has and one of a disabled account, and recorded', async () => {
    const home = await site()
    await home.api.user({ op: 'disable', user: 'alice' })
    const before = linesOf(home.files).length
    const answers = [
      await home.registry.login(at(UID), KERNEL),
      await home.registry.login(at(UID + 1), KERNEL),
      await home.registry.login(at(0), KERNEL),
      await home.registry.login(at(65_534), KERNEL),
    ]
    for (const answer of answers) {
      expect(answer).toEqual(answers[0])
      expect(answer.error).toMatchObject({
        reason: 'AUTH_FAILED',
        message: 'no account is mapped to the user of this process',
      })
    }
    const lines = linesOf(home.files).slice(before)
    expect(lines).toHaveLength(answers.length)
    for (const { body } of lines) {
      expect(body).toMatchObject({ action: 'auth', outcome: 'denied', reason: 'AUTH_FAILED' })
    }
  })

  test('needs a peer that the kernel vouches for, and none behind a gateway has one', async () => {
    const home = await site()
    const unknown = await home.registry.login({ door: 'registry', address: 'local' }, KERNEL)
    expect(unknown).toMatchObject({ success: false, error: reason('AUTH_FAILED') })
    const gateway = { binding: {}, lifetimeMs: 1000, loginOf: () => 'alice' }
    const through = { door: 'http', address: 'gateway', gateway } as const
    for (const peer of [through, { ...through, uid: UID }]) {
      const answer = await home.registry.login(peer, KERNEL)
      expect(answer).toMatchObject({ success: false, error: reason('INVALID_ARGUMENT') })
    }
  })

  test('may change credentials as a session of a password may, and needs the old one for its own', async () => {
    const home = await site()
    const { api } = await enter(home)
    const { tokens } = await api.token({ op: 'create', boundary: 'full' })
    expect(tokens).toHaveLength(1)
    const change = { new_password: 'Another-Strong-Phrase-8' }
    expect(await outcomeOf(() => api.password({ ...change, old_password: 'wrong' }))).toEqual(
      reason('AUTH_FAILED'),
    )
    expect(await api.password({ ...change, old_password: PASSWORD })).toEqual({ success: true })
  })

  test('can be for its connection alone, and pushes no other session out', async () => {
    const home = await site({ sessionLimits: { ...DEFAULT_SESSION_LIMITS, perAccount: 2 } })
    const kept = await enter(home)
    const bind = { kernel: true, bound: true } as const
    const peers = Array.from({ length: 5 }, () => ({ ...at(UID), binding: {} }))
    const answers = await Promise.all(peers.map((peer) => home.registry.login(peer, bind)))
    const callerAt = (answer: AuthResponse, peer: Peer) => callerOf(home, answer, peer)?.login
    for (const [i, answer] of answers.entries()) {
      expect(callerAt(answer, peers[i] as Peer)).toBe('alice')
      expect(callerAt(answer, peers[(i + 1) % 5] as Peer)).toBeUndefined()
      expect(callerAt(answer, at(UID))).toBeUndefined()
    }
    const [first] = peers
    home.registry.closeBinding(first?.binding as object)
    expect(callerAt(answers[0] as AuthResponse, first as Peer)).toBeUndefined()
    expect(callerAt(answers[1] as AuthResponse, peers[1] as Peer)).toBe('alice')
    expect(callerAt(kept.answer, kept.peer)).toBe('alice')
    const nowhere = await home.registry.login(at(UID), bind)
    expect(nowhere).toMatchObject({ success: false, error: reason('INVALID_ARGUMENT') })
  })

  test('works while the registry is sealed, as far as a password does', async () => {
    const home = await site()
    await home.registry.lock(home.admin)
    const { caller } = await enter(home)
    expect(caller.login).toBe('alice')
    await home.registry.unlock(at(0), PASSPHRASE)
  })
})

describe('a second factor', () => {
  test('is demanded beside the kernel’s word, and counted', async () => {
    let nowMs = 1_800_000_000_000
    const home = await site({ now: () => nowMs })
    const { api } = await enter(home)
    const { secret = '' } = await api.mfa({ op: 'begin', password: PASSWORD })
    const code = () => hotp(bytesOfBase32(secret), Math.floor(nowMs / 30_000))
    await api.mfa({ op: 'confirm', code: code() })
    expect(await home.registry.login(at(UID), KERNEL)).toMatchObject({
      success: false,
      mfa_required: true,
      error: reason('AUTH_MFA_REQUIRED'),
    })
    nowMs += 30_000
    const { caller } = await enter(home, UID, { kernel: true, otp: code() })
    expect(caller).toMatchObject({ proof: 'kernel', mfa: true })
    for (let i = 0; i < 5; i++) {
      const wrong = await home.registry.login(at(UID), { kernel: true, otp: '000000' })
      expect(wrong.error).toMatchObject({ reason: 'AUTH_FAILED' })
    }
    nowMs += 30_000
    const otp = code()
    const locked = await home.registry.login(at(UID), { kernel: true, otp })
    expect(locked.error).toMatchObject({ reason: 'AUTH_LOCKED_OUT' })
    // The code is still good for another uid of the account.
    expect((await enter(home, 33, { kernel: true, otp })).caller.mfa).toBe(true)
  })

  test('where everybody must have one, it is good for setting one up only', async () => {
    const settings = { requireMfa: false, sealedReads: true, encryptPrefixes: [] }
    const home = await site({ settings })
    const before = await enter(home)
    home.registry.configure({ ...settings, requireMfa: true })
    expect(callerOf(home, before.answer, before.peer)).toBeUndefined()
    const { answer, caller, api } = await enter(home)
    expect(answer.mfa_enrollment_required).toBe(true)
    expect(caller).toMatchObject({ restricted: 'mfa-enrollment', principals: [] })
    expect(await outcomeOf(() => api.list({ prefix: '/' }))).toEqual(
      reason('MFA_ENROLLMENT_REQUIRED'),
    )
  })
})

describe('a session of a peer that the kernel vouches for', () => {
  test.each([
    ['by the kernel', KERNEL],
    ['by password', { username: 'alice', password: PASSWORD }],
  ])('opened %s is nothing to another uid', async (_, request) => {
    const home = await site()
    const { answer, peer } = await enter(home, UID, request)
    for (const uid of [0, 33, UID + 1]) expect(callerOf(home, answer, at(uid))).toBeUndefined()
    expect(callerOf(home, answer, { door: 'registry', address: 'local' })).toBeUndefined()
    expect(callerOf(home, answer, { ...peer })?.login).toBe('alice')
  })

  test.each([
    ['the uid is taken from the account', { op: 'uids', user: 'alice', uids: [33] }],
    ['its sessions are revoked', { op: 'revoke', user: 'alice' }],
    ['the account is disabled', { op: 'disable', user: 'alice' }],
    ['the account is removed', { op: 'remove', user: 'alice' }],
  ] as [string, RequestOf<'user'>][])('ends when %s', async (_, change) => {
    const home = await site()
    const { answer, peer } = await enter(home)
    await home.api.user(change)
    expect(callerOf(home, answer, peer)).toBeUndefined()
    const again = await home.registry.login(peer, KERNEL)
    expect(again.success).toBe(change.op === 'revoke')
  })
})

/** Weakness 45, as far as uids and groups of mapped accounts decide. */
describe('policy about uids and groups', () => {
  async function reading(principal: string) {
    const home = await site()
    await home.api.group({ op: 'add', kind: 'group', name: 'ops' })
    await home.api.user({ op: 'groups', user: 'alice', groups: ['ops'] })
    await home.api.set({ key: '/of/ops', value: 'seen' })
    const rule = { effect: 'allow', principals: [principal], actions: ['read'] }
    const document = { id: 'mine', rules: [{ id: 'r', ...rule, resources: ['/of/ops'] }] }
    await home.api.policy({ op: 'set', document: document as never })
    return { home, read: (api: Home['api']) => outcomeOf(() => api.get({ key: '/of/ops' })) }
  }
  const SEEN = { answer: expect.objectContaining({ value: 'seen' }) }

  test('a rule for a group is reached through a mapped uid until the account leaves it', async () => {
    const { home, read } = await reading('group:ops')
    const { api, answer, peer } = await enter(home)
    expect(await read(api)).toEqual(SEEN)
    await home.api.group({ op: 'leave', kind: 'group', name: 'ops', user: 'alice' })
    const caller = callerOf(home, answer, peer)
    if (caller === undefined) throw new Error('the session goes on')
    expect(await read(home.registry.as(caller))).toEqual(reason('ACCESS_DENIED'))
    expect(await read((await enter(home)).api)).toEqual(reason('ACCESS_DENIED'))
  })

  test('a rule for a uid is reached through it, and not by another uid of the account', async () => {
    const { home, read } = await reading(`uid:${UID}`)
    expect(await read((await enter(home)).api)).toEqual(SEEN)
    expect(await read((await enter(home, 33)).api)).toEqual(reason('ACCESS_DENIED'))
    await home.api.user({ op: 'uids', user: 'alice', uids: [33] })
    expect(await home.registry.login(at(UID), KERNEL)).toMatchObject({ success: false })
  })

  test('a rule can demand the kernel’s word', async () => {
    const { home, read } = await reading('group:ops')
    const rule = { principals: ['group:ops'], actions: ['read'], resources: ['/of/ops'] }
    const unless = { proof: ['kernel'] }
    const document = { id: 'only', rules: [{ id: 'r', effect: 'deny', ...rule, unless }] }
    await home.api.policy({ op: 'set', document: document as never })
    expect(await read((await enter(home)).api)).toEqual(SEEN)
    const byPassword = await enter(home, UID, { username: 'alice', password: PASSWORD })
    expect(await read(byPassword.api)).toEqual(reason('ACCESS_DENIED'))
  })
})

/** Weakness 39, as far as uids decide. */
test('five failures of one uid lock the account for that uid alone', async () => {
  const home = await site()
  await addUser(home, 'bob', ['operator'])
  const password = { username: 'alice', password: PASSWORD }
  for (let i = 0; i < 5; i++) {
    await home.registry.login(at(UID), { ...password, password: 'wrong' })
  }
  const locked = await home.registry.login(at(UID), password)
  expect(locked.error).toMatchObject({ reason: 'AUTH_LOCKED_OUT' })
  expect((await enter(home, UID, { ...password, username: 'bob' })).caller.login).toBe('bob')
  expect((await enter(home, 33, password)).caller.login).toBe('alice')
  // The kernel's word is no guess.
  expect((await enter(home)).caller.login).toBe('alice')
})
