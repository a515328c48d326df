/** What the kernel says of local processes, and what follows from it: logins, sessions, limits, the user of the gateway. */
import { chmodSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  createTempHome,
  runNode,
  type SkippableContext,
  skipTest,
  startNode,
  waitFor,
} from '@secreg/testkit'
import { nativeProblem } from '@secreg/unix-socket'
import { beforeEach, describe, expect, test } from 'vitest'
import { startAsUser } from '../lib/as-user.ts'
import { OTHER_UID, requireOtherUser } from '../lib/other-user.ts'
import { ADMIN, SECREGD, type Site, startSite } from '../lib/site.ts'
import { ERROR, TYPE, Wire } from '../lib/wire.ts'

const SREG = fileURLToPath(new URL('../../apps/sreg-cli/bin/sreg.js', import.meta.url))
const OWN = process.geteuid?.() ?? -1
const THIRD_UID = OTHER_UID + 1
const GOOD = 'Very-Strong-Phrase-9'

beforeEach((context) => {
  const problem = nativeProblem()
  if (problem !== undefined) skipTest(context, problem)
})

/** Start a process of another user that reaches the registry socket. */
async function asUser(context: SkippableContext, site: Site, uid = OTHER_UID) {
  await requireOtherUser(context)
  chmodSync(site.socket, 0o666)
  return startAsUser(site.home, site.socket, { cwd: '/', uid, gid: uid })
}

const refusedLogin = (reason: string) => ({ success: false, error: { reason } })

describe('a login by the kernel’s word', () => {
  test('opens the account of the uid, until the uid is taken from it', async (context) => {
    await using running = await startSite()
    const { admin, site } = running
    await using process = await asUser(context, site)
    await admin.ok('user', { op: 'add', user: 'web', roles: ['operator'], uids: [OTHER_UID] })
    using wire = await process.open()
    const answer = await wire.ok('auth', { kernel: true })
    expect(answer).toMatchObject({ success: true, roles: ['operator'] })
    wire.session = answer.session_id
    expect(await wire.ok('whoami', {})).toMatchObject({ user: 'web', proof: 'kernel' })
    const { body } = site.records().findLast((line) => line.body.action === 'auth') ?? {}
    expect(body?.actor).toMatchObject({ user: 'web', uid: OTHER_UID, proof: 'kernel' })
    // Nobody is root here who is not mapped.
    using mine = await Wire.open(site.socket)
    expect((await mine.ask('auth', { kernel: true })).body).toMatchObject(
      refusedLogin('AUTH_FAILED'),
    )
    await admin.ok('user', { op: 'uids', user: 'web', uids: [] })
    expect(await wire.refused('whoami', {})).toMatchObject({ reason: 'SESSION_INVALID' })
    wire.session = ''
    expect((await wire.ask('auth', { kernel: true })).body).toMatchObject(
      refusedLogin('AUTH_FAILED'),
    )
  })

  test('weakness 45: a rule for a group, and one for a uid, reached through a mapped uid', async (context) => {
    await using running = await startSite()
    const { admin, site } = running
    await using process = await asUser(context, site)
    await admin.ok('group', { op: 'add', kind: 'group', name: 'ops' })
    await admin.ok('user', { op: 'add', user: 'web', groups: ['ops'], uids: [OTHER_UID] })
    for (const [id, principal] of [
      ['group', 'group:ops'],
      ['uid', `uid:${OTHER_UID}`],
    ] as const) {
      await admin.ok('set', { key: `/by/${id}`, value: 'seen' })
      const rule = { id: 'r', effect: 'allow', principals: [principal], actions: ['read'] }
      const document = { id, rules: [{ ...rule, resources: [`/by/${id}`] }] }
      await admin.ok('policy', { op: 'set', document })
    }
    using wire = await process.open()
    wire.session = (await wire.ok('auth', { kernel: true })).session_id
    expect(await wire.ok('get', { key: '/by/group' })).toMatchObject({ value: 'seen' })
    expect(await wire.ok('get', { key: '/by/uid' })).toMatchObject({ value: 'seen' })
    await admin.ok('group', { op: 'leave', kind: 'group', name: 'ops', user: 'web' })
    expect((await wire.refused('get', { key: '/by/group' })).reason).toBe('ACCESS_DENIED')
    wire.session = (await wire.ok('auth', { kernel: true })).session_id
    expect((await wire.refused('get', { key: '/by/group' })).reason).toBe('ACCESS_DENIED')
    expect(await wire.ok('get', { key: '/by/uid' })).toMatchObject({ value: 'seen' })
    // From another user's process, the account is not what it was.
    await admin.ok('user', { op: 'uids', user: 'web', uids: [OWN] })
    using mine = await Wire.open(site.socket)
    mine.session = (await mine.ok('auth', { kernel: true })).session_id
    expect((await mine.refused('get', { key: '/by/uid' })).reason).toBe('ACCESS_DENIED')
    expect((await wire.refused('get', { key: '/by/uid' })).reason).toBe('SESSION_INVALID')
  })

  test('is what a command without a login does; the starting user of a development home is its administrator', async () => {
    await using home = createTempHome()
    const directory = home.file('dev')
    const sreg = (socket: string, ...args: string[]) =>
      runNode(SREG, ['--socket', socket, ...args], {
        env: { PATH: process.env['PATH'], HOME: home.path, SECREG_SESSION: home.file('session') },
      })
    for (const _start of [1, 2]) {
      await using daemon = startNode(SECREGD, ['--dev', directory])
      const { socket } = JSON.parse(await daemon.line(/"ready":true/, { timeoutMs: 40_000 }))
      const { code, stdout, stderr } = await sreg(socket, 'whoami', '--json')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(JSON.parse(stdout)).toMatchObject({ user: 'dev', proof: 'kernel', roles: ['admin'] })
      expect(await sreg(socket, 'set', '/a', 'x')).toMatchObject({ code: 0 })
      expect(await sreg(socket, 'get', '/a')).toMatchObject({ code: 0, stdout: 'x\n' })
      // More at the same time than one account has sessions (session.max_per_user).
      const many = Array.from({ length: 8 }, () => sreg(socket, 'get', '/a'))
      for (const { code: end, stderr: told } of await Promise.all(many)) {
        expect({ end, told }).toEqual({ end: 0, told: '' })
      }
      const { stdout: shown } = await sreg(socket, 'user', 'show', 'dev', '--json')
      expect(shown).toContain(`"uids":[${OWN}]`)
      await daemon.kill('SIGTERM')
    }
  })
})

test('a session id that another user has got hold of opens nothing for him', async (context) => {
  await using running = await startSite()
  const { admin, site } = running
  await using process = await asUser(context, site)
  await admin.ok('user', { op: 'add', user: 'web', password: GOOD, uids: [OTHER_UID] })
  using thief = await process.open()
  thief.session = admin.session
  expect((await thief.refused('whoami', {})).reason).toBe('SESSION_INVALID')
  expect((await thief.refused('get', { key: '/a' })).reason).toBe('SESSION_INVALID')
  using wire = await process.open()
  for (const login of [{ kernel: true }, { username: 'web', password: GOOD }]) {
    wire.session = (await wire.ok('auth', login)).session_id
    // Not for root either; and another connection of the same user may use it.
    using mine = await Wire.open(site.socket)
    mine.session = wire.session
    expect((await mine.refused('whoami', {})).reason).toBe('SESSION_INVALID')
    using same = await process.open()
    same.session = wire.session
    expect(await same.ok('whoami', {})).toMatchObject({ user: 'web' })
  }
  expect(await admin.ok('whoami', {})).toMatchObject({ user: ADMIN })
})

test('weakness 39: five failures lock the account for the uid that failed, and nothing else', async (context) => {
  await using running = await startSite()
  const { admin, site } = running
  await using process = await asUser(context, site)
  await using third = await asUser(context, site, THIRD_UID)
  for (const user of ['alice', 'bob']) await admin.ok('user', { op: 'add', user, password: GOOD })
  using wire = await process.open()
  const login = async (on: Wire, username: string, password = GOOD) =>
    (await on.ask('auth', { username, password })).body
  for (let i = 0; i < 5; i++) {
    expect(await login(wire, 'alice', 'wrong')).toMatchObject(refusedLogin('AUTH_FAILED'))
  }
  expect(await login(wire, 'alice')).toMatchObject({
    success: false,
    error: { reason: 'AUTH_LOCKED_OUT', retry_after: expect.any(Number) },
  })
  // The same from another process of that user; not from one of another user.
  using again = await process.open()
  expect(await login(again, 'alice')).toMatchObject(refusedLogin('AUTH_LOCKED_OUT'))
  expect(await login(again, 'bob')).toMatchObject({ success: true })
  using other = await third.open()
  expect(await login(other, 'alice')).toMatchObject({ success: true })
  // Successes do not count.
  for (let i = 0; i < 5; i++) expect(await login(other, 'alice')).toMatchObject({ success: true })
  using mine = await Wire.open(site.socket)
  expect(await login(mine, 'alice')).toMatchObject({ success: true })
})

describe('weakness 10: connections over a limit are refused cleanly, others are served', () => {
  const TOO_MANY = { type: ERROR, body: { reason: 'TOO_MANY_CONNECTIONS', retry_after: 1 } }

  /** Connections that answer. */
  async function take(open: () => Promise<Wire>, count: number): Promise<Wire[]> {
    const wires: Wire[] = []
    // Not more at once than wait to be accepted (connect(2), EAGAIN).
    while (wires.length < count) {
      const some = await Promise.all(
        Array.from({ length: Math.min(100, count - wires.length) }, open),
      )
      for (const reply of await Promise.all(some.map((wire) => wire.ask('status', {})))) {
        expect(reply.type).toBe(TYPE.status + 1)
      }
      wires.push(...some)
    }
    return wires
  }

  test('the 65th of one user, root like any other', async (context) => {
    await using running = await startSite()
    const { admin, site } = running
    await using process = await asUser(context, site)
    // The administrator's connection is one of root's.
    const mine = await take(() => Wire.open(site.socket), 63)
    const his = await take(() => process.open(), 64)
    for (const open of [() => Wire.open(site.socket), () => process.open()]) {
      using over = await open()
      expect(await over.next()).toMatchObject(TOO_MANY)
      await over.closed
    }
    expect(await admin.ok('status', {})).toMatchObject({ connections: 128 })
    mine[0]?.close()
    await waitFor(async () => {
      using wire = await Wire.open(site.socket)
      return (await wire.ask('status', {}).catch(() => undefined))?.type === TYPE.status + 1
    })
    using over = await process.open()
    expect(await over.next()).toMatchObject(TOO_MANY)
    for (const wire of [...mine, ...his]) wire.close()
  })

  test('the 1001st in all', async () => {
    await using running = await startSite({ config: '[limits]\nmax_connections_per_uid = 2000' })
    const { admin, site } = running
    const wires = await take(() => Wire.open(site.socket), 999)
    for (let i = 0; i < 3; i++) {
      using over = await Wire.open(site.socket)
      expect(await over.next()).toMatchObject(TOO_MANY)
      await over.closed
    }
    expect(await admin.ok('status', {})).toMatchObject({ connections: 1000 })
    for (const wire of wires) wire.close()
    await waitFor(async () => (await admin.ok('status', {})).connections === 1)
  })
})

describe('the user of the gateway', () => {
  const ASSERTED = 'tailnet:web@example.com'
  const gateway = (site: string, more: string) => `[gateway]
socket = ${JSON.stringify(site)}
may_assert = ["${ASSERTED}=web"]
${more}`

  async function site(context: SkippableContext, more: string) {
    const user = await requireOtherUser(context)
    const place = createTempHome()
    const socket = place.file('g')
    const running = await startSite({ config: gateway(socket, more) })
    await running.admin.ok('user', { op: 'add', user: 'web', password: GOOD })
    const other = await startAsUser(place, socket, { ...user, uid: OTHER_UID, gid: OTHER_UID })
    return {
      ...running,
      socket,
      other,
      [Symbol.asyncDispose]: async () => {
        await other[Symbol.asyncDispose]()
        await running[Symbol.asyncDispose]()
        place.remove()
      },
    }
  }

  const assertion = { assertions: [ASSERTED] }

  test('that is named: nobody else is one, root included, and what he asserts is believed', async (context) => {
    await using running = await site(context, `group = "${OTHER_UID}"\nuser = "${OTHER_UID}"`)
    using mine = await Wire.open(running.socket)
    expect(await mine.next()).toMatchObject({ type: ERROR, body: { reason: 'ACCESS_DENIED' } })
    await mine.closed
    using wire = await running.other.open()
    expect(await wire.ok('auth', assertion)).toMatchObject({ success: true })
    expect((await wire.ask('auth', { kernel: true })).body).toMatchObject({ success: false })
  })

  test('that is not named: what the user of the daemon asserts is believed, and no other', async (context) => {
    await using running = await site(context, `group = "${OTHER_UID}"`)
    using mine = await Wire.open(running.socket)
    expect(await mine.ok('auth', assertion)).toMatchObject({ success: true })
    using wire = await running.other.open()
    expect((await wire.ask('auth', assertion)).body).toMatchObject(refusedLogin('AUTH_FAILED'))
    const login = { username: 'web', password: GOOD }
    expect(await wire.ok('auth', login)).toMatchObject({ success: true })
    // His own uid is no caller's: a mapped gateway is nobody.
    await running.admin.ok('user', { op: 'uids', user: ADMIN, uids: [OTHER_UID] })
    expect((await wire.ask('auth', { kernel: true })).body).toMatchObject({ success: false })
  })
})
