/** Callers at the door of libvirt: whoever the kernel says has connected, without a session. */
import type { Action } from '@secreg/protocol'
import { loginTestUser } from '@secreg/registry/testing'
import { hotp } from '@secreg/zones'
import { describe, expect, test } from 'vitest'
import {
  addUser,
  bytesOfBase32,
  type Home,
  linesOf,
  outcomeOf,
  PASSWORD,
  reason,
  start,
} from './fixture.ts'

const UID = 1000
const STRANGER = 4000
/** Stands for users of other name spaces (user_namespaces(7)). */
const OVERFLOW = 65_534
const at = (uid: number) =>
  ({ door: 'libvirt', address: 'local', uid, gid: uid, pid: 4242 }) as const

async function site(): Promise<Home> {
  const home = await start()
  await addUser(home, 'alice', ['operator'])
  await home.api.user({ op: 'uids', user: 'alice', uids: [UID] })
  return home
}

const callerOf = ({ registry }: Home, uid: number) => registry.connectedCaller(at(uid))

async function allow(home: Home, principals: readonly string[]): Promise<void> {
  const rule = { id: 'r', effect: 'allow', principals, actions: ['list'], resources: ['/app/**'] }
  const document = { id: 'test', rules: [rule] }
  await home.api.policy({ op: 'set', document } as never)
}

describe('who somebody is', () => {
  test('the account that his uid is mapped to, and the uid', async () => {
    const caller = callerOf(await site(), UID)
    expect(caller).toMatchObject({
      login: 'alice',
      roles: ['operator'],
      uid: UID,
      gid: UID,
      pid: 4242,
      mfa: false,
      door: 'libvirt',
      proof: 'kernel',
    })
    expect(caller.principals).toEqual([
      `account:${caller.accountId}`,
      'role:operator',
      `uid:${UID}`,
    ])
    expect(caller).not.toHaveProperty('sessionRef')
  })

  test('the uid alone where none is mapped; root is no exception', async () => {
    const home = await site()
    expect(callerOf(home, STRANGER).principals).toEqual([`uid:${STRANGER}`])
    expect(callerOf(home, 0).principals).toEqual(['uid:0'])
    expect(callerOf(home, 0)).not.toHaveProperty('accountId')
  })

  test('nobody, with the uid that stands for users of other name spaces', async () => {
    const home = await site()
    await allow(home, ['*', `uid:${OVERFLOW}`])
    expect(callerOf(home, OVERFLOW).principals).toEqual([])
  })

  test('what his account is now, each time', async () => {
    const home = await site()
    await home.api.user({ op: 'roles', user: 'alice', roles: ['user'] })
    expect(callerOf(home, UID).roles).toEqual(['user'])
    await home.api.user({ op: 'uids', user: 'alice', uids: [] })
    expect(callerOf(home, UID).principals).toEqual([`uid:${UID}`])
  })
})

test('on one connection he is looked up again when something was committed or configured', async () => {
  const home = await site()
  const { registry } = home
  const peer = at(UID)
  const found = () => registry.connectedCaller(peer)
  const before = found()
  await outcomeOf(() => registry.as(before).get({ key: '/app/x' }))
  expect(found()).toBe(before)
  const withheld: readonly Action[] = ['list']
  expect(registry.connectedCaller(peer, withheld)).toMatchObject({ withheld })
  expect(found()).not.toHaveProperty('withheld')
  const changes: [() => unknown, object][] = [
    [() => home.api.user({ op: 'roles', user: 'alice', roles: ['user'] }), { roles: ['user'] }],
    [() => home.api.user({ op: 'disable', user: 'alice' }), { principals: [] }],
    [() => home.api.user({ op: 'enable', user: 'alice' }), { login: 'alice', roles: ['user'] }],
    [
      () => registry.configure({ requireMfa: true, sealedReads: true, encryptPrefixes: [] }),
      { principals: [] },
    ],
    [
      () => registry.configure({ requireMfa: false, sealedReads: true, encryptPrefixes: [] }),
      { login: 'alice' },
    ],
    [
      () => home.api.user({ op: 'uids', user: 'alice', uids: [] }),
      { principals: [`uid:${UID}`], roles: [] },
    ],
  ]
  for (const [change, expected] of changes) {
    const was = found()
    await change()
    expect(found()).not.toBe(was)
    expect(found()).toMatchObject(expected)
  }
})

describe('whom the kernel alone would not log in', () => {
  /** Policy lets the uid in by itself, so that only being nobody keeps it out. */
  async function open(): Promise<Home> {
    const home = await site()
    await allow(home, [`uid:${UID}`, '*'])
    await home.api.set({ key: '/app/x', value: 'v' })
    const list = () => home.registry.as(callerOf(home, UID)).list({ prefix: '/app' })
    expect(await outcomeOf(list)).toMatchObject({ answer: expect.anything() })
    return home
  }
  const list = (home: Home) =>
    outcomeOf(() => home.registry.as(callerOf(home, UID)).list({ prefix: '/app' }))

  test('an account that is disabled is nobody', async () => {
    const home = await open()
    await home.api.user({ op: 'disable', user: 'alice' })
    expect(callerOf(home, UID)).toMatchObject({ login: 'alice', principals: [] })
    expect(await list(home)).toEqual(reason('ACCESS_DENIED'))
    await home.api.user({ op: 'enable', user: 'alice' })
    expect(callerOf(home, UID).principals).toContain(`uid:${UID}`)
  })

  test('one that has a second factor is nobody', async () => {
    const home = await open()
    const { registry } = home
    const api = registry.as(await loginTestUser(home, 'alice', PASSWORD))
    const { secret = '' } = await api.mfa({ op: 'begin', password: PASSWORD })
    expect(callerOf(home, UID).principals).toContain(`uid:${UID}`)
    const code = hotp(bytesOfBase32(secret), Math.floor(Date.now() / 30_000))
    await api.mfa({ op: 'confirm', code })
    expect(await list(home)).toEqual(reason('ACCESS_DENIED'))
  })

  test('one that must have a second factor is nobody', async () => {
    const home = await open()
    home.registry.configure({ requireMfa: true, sealedReads: true, encryptPrefixes: [] })
    expect(callerOf(home, UID).principals).toEqual([])
    expect(await list(home)).toEqual(reason('ACCESS_DENIED'))
  })
})

test('an action that is withheld at a door is nobody’s there', async () => {
  const home = await site()
  await allow(home, ['user:alice'])
  const listed = (withheld: readonly Action[]) =>
    outcomeOf(() =>
      home.registry.as(home.registry.connectedCaller(at(UID), withheld)).list({ prefix: '/app' }),
    )
  expect(await listed(['use-internal'])).toMatchObject({ answer: expect.anything() })
  expect(await listed(['list'])).toEqual(reason('ACCESS_DENIED'))
})

test('nothing but secrets is served at this door, and what else is asked leaves a record', async () => {
  const home = await site()
  const api = home.registry.as(callerOf(home, UID))
  expect(await outcomeOf(() => api.user({ op: 'list' }))).toEqual(reason('ACCESS_DENIED'))
  expect(linesOf(home.files).at(-1)?.body).toMatchObject({
    action: 'admin',
    outcome: 'denied',
    detail: 'libvirt user',
    actor: { user: 'alice', uid: UID, door: 'libvirt' },
  })
})
