/** Uninitialised, sealed, unsealed: what works in each state, and the ways between them. */
import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ADMIN, PASSPHRASE, PASSWORD, Site, startSite } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

const INIT = { op: 'init', passphrase: PASSPHRASE, admin: ADMIN, admin_password: PASSWORD }

test('uninitialised: it says so, nothing else works, and init needs good words', async () => {
  await using site = new Site()
  await site.start()
  using wire = await Wire.open(site.socket)
  expect(await wire.ok('status', {})).toMatchObject({ state: 'uninitialized', initialized: false })
  const { body } = await wire.ask('auth', { username: ADMIN, password: PASSWORD })
  expect(body).toMatchObject({ success: false, error: { code: 6, reason: 'UNINITIALIZED' } })
  expect(await wire.refused('seal', { op: 'unlock', passphrase: 'x' })).toMatchObject({
    code: 6,
    reason: 'UNINITIALIZED',
  })
  const wrong: [object, string][] = [
    [{ ...INIT, passphrase: 'short' }, 'PASSWORD_POLICY'],
    [{ ...INIT, admin_password: 'short' }, 'PASSWORD_POLICY'],
    [{ ...INIT, admin_password: 'Password-123456' }, 'PASSWORD_POLICY'],
    [{ ...INIT, admin: 'Not A Name' }, 'INVALID_ARGUMENT'],
  ]
  for (const [request, reason] of wrong) {
    expect(await wire.refused('seal', request)).toMatchObject({ code: 1, reason })
  }
  expect(await wire.ok('status', {})).toMatchObject({ state: 'uninitialized' })
  expect(await wire.ok('seal', INIT)).toEqual({ state: 'unsealed' })
  expect(await wire.refused('seal', INIT)).toMatchObject({ code: 5, reason: 'ALREADY_INITIALIZED' })
  await wire.login(ADMIN, PASSWORD)
})

test('two inits at once: one registry, one administrator', async () => {
  await using site = new Site()
  await site.start()
  const answers = await Promise.all(
    ['one-admin', 'two-admin', 'three-admin'].map(async (admin) => {
      using wire = await Wire.open(site.socket)
      return await wire.ask('seal', { ...INIT, admin })
    }),
  )
  expect(answers.filter(({ body }) => body.state === 'unsealed')).toHaveLength(1)
  expect(answers.filter(({ body }) => body.reason === 'ALREADY_INITIALIZED')).toHaveLength(2)
})

test('weakness 31: after a restart the right passphrase opens every value, a wrong one none', async () => {
  await using running = await startSite()
  const { site, daemon, admin } = running
  const keys = Array.from({ length: 20 }, (_, i) => `/secret/${i}`)
  for (const key of keys) await admin.ok('set', { key, value: `value of ${key}`, encrypt: true })
  await admin.ok('set', { key: '/plain', value: 'open' })
  await daemon.kill('SIGTERM')
  const second = await site.start()
  expect(second.stderr()).toContain('sealed: run sreg unlock')

  using wire = await Wire.open(site.socket)
  for (const passphrase of ['', 'wrong', `${PASSPHRASE} `, PASSPHRASE.toUpperCase(), PASSWORD]) {
    expect(await wire.refused('seal', { op: 'unlock', passphrase }), passphrase).toMatchObject({
      code: 4,
      name: 'AuthFailed',
    })
    expect(await wire.ok('status', {})).toMatchObject({ state: 'sealed' })
  }

  // Sealed: plain values are there, encrypted ones are not, and nothing changes.
  await wire.login(ADMIN, PASSWORD)
  const { revision } = await wire.ok('status', {})
  expect(await wire.ok('get', { key: '/plain' })).toMatchObject({ value: 'open' })
  expect(await wire.ok('get', { key: '/secret/0' })).toMatchObject({ value: null, encrypted: true })
  expect(await wire.refused('get', { key: '/secret/0', decrypt: true })).toMatchObject({
    code: 6,
    reason: 'SEALED',
    errno: 306,
  })
  const changes = [
    ['set', { key: '/plain', value: 'new' }],
    ['set', { key: '/new', value: 'x', encrypt: true }],
    ['delete', { key: '/plain' }],
    ['import', { op: 'begin' }],
    ['user', { op: 'add', user: 'eve', password: 'Builder-of-things-1' }],
    ['user', { op: 'disable', user: ADMIN }],
    ['password', { old_password: PASSWORD, new_password: 'Builder-of-things-1' }],
    ['seal', { ...INIT, force: true }],
  ] as const
  for (const [kind, request] of changes) {
    expect(await wire.refused(kind, request), kind).toMatchObject({ code: 6, reason: 'SEALED' })
  }
  expect(await wire.refused('seal', INIT)).toMatchObject({ code: 5 })
  expect((await wire.ok('status', {})).revision).toBe(revision)

  expect(await wire.ok('seal', { op: 'unlock', passphrase: PASSPHRASE })).toEqual({
    state: 'unsealed',
  })
  // The session was opened on records that nobody had verified.
  expect(await wire.refused('whoami', {})).toMatchObject({ code: 4 })
  await wire.login(ADMIN, PASSWORD)
  for (const key of keys) {
    expect(await wire.ok('get', { key, decrypt: true })).toMatchObject({ value: `value of ${key}` })
  }
  // Locked again by hand: as after a restart.
  expect(await wire.ok('seal', { op: 'lock' })).toEqual({ state: 'sealed' })
  expect(await wire.refused('get', { key: '/secret/0', decrypt: true })).toMatchObject({ code: 6 })
  const told = site
    .records()
    .filter(({ body }) => body.action === 'unlock')
    .map(({ body }) => body.outcome)
  expect(told).toEqual([...Array(5).fill('denied'), 'ok'])
})

test('sealed_reads = false: sealed, nobody reads anything', async () => {
  await using running = await startSite({ config: 'sealed_reads = false' })
  await running.admin.ok('set', { key: '/plain', value: 'open' })
  await running.daemon.kill('SIGTERM')
  await running.site.start()
  using wire = await Wire.open(running.site.socket)
  const { body } = await wire.ask('auth', { username: ADMIN, password: PASSWORD })
  expect(body).toMatchObject({ success: false, error: { code: 6, reason: 'SEALED' } })
})

test('a key file named from the first start unseals it, a wrong or missing one leaves it sealed and running', async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
  const first = await site.start()
  using admin = await site.initialize()
  await admin.ok('set', { key: '/a', value: 'secret', encrypt: true })
  await first.kill('SIGTERM')

  const second = await site.start()
  using wire = await site.admin()
  expect(await wire.ok('get', { key: '/a', decrypt: true })).toMatchObject({ value: 'secret' })
  await second.kill('SIGTERM')

  const spoil: (() => void)[] = [
    () => site.home.write('key', randomBytes(32)),
    () => chmodSync(key, 0o644),
    () => rmSync(key),
  ]
  for (const change of spoil) {
    change()
    const daemon = await site.start()
    expect(daemon.stderr()).toContain('does not unlock it; run sreg unlock')
    using stranger = await Wire.open(site.socket)
    expect(await stranger.ok('status', {})).toMatchObject({ state: 'sealed' })
    await daemon.kill('SIGTERM')
  }
  // The passphrase opens it still.
  await site.start()
  using last = await site.unlock()
  expect(await last.ok('get', { key: '/a', decrypt: true })).toMatchObject({ value: 'secret' })
})

test('init with force needs an administrator, and moves data and log aside', async () => {
  await using running = await startSite()
  const { site, admin } = running
  await admin.ok('set', { key: '/a', value: 'old' })
  await admin.ok('user', {
    op: 'add',
    user: 'eve',
    password: 'Builder-of-things-1',
    roles: ['operator'],
  })
  const force = { ...INIT, admin: 'second-root', force: true }
  const homeBefore = readdirSync(site.home.path).sort()
  {
    using stranger = await Wire.open(site.socket)
    expect(await stranger.refused('seal', force)).toMatchObject({ code: 4 })
    using eve = await Wire.login(site.socket, 'eve', 'Builder-of-things-1')
    expect(await eve.refused('seal', force)).toMatchObject({ code: 3 })
    // One that would fail moves nothing.
    expect(await admin.refused('seal', { ...force, passphrase: 'short' })).toMatchObject({
      code: 1,
    })
    expect(await admin.refused('seal', { ...force, admin_password: 'short' })).toMatchObject({
      code: 1,
    })
    expect(await admin.refused('seal', { ...force, admin: 'No Name' })).toMatchObject({ code: 1 })
  }
  expect(readdirSync(site.home.path).sort()).toEqual(homeBefore)
  expect(await admin.ok('get', { key: '/a' })).toMatchObject({ value: 'old' })

  expect(await admin.ok('seal', force)).toEqual({ state: 'unsealed' })
  const moved = readdirSync(site.home.path)
    .filter((name) => name.includes('.replaced-'))
    .sort()
  expect(moved).toHaveLength(2)
  expect(moved[0]).toMatch(/^audit\.replaced-/)
  expect(moved[1]).toMatch(/^data\.replaced-/)
  // Sessions and accounts of the old one are gone.
  expect(await admin.refused('whoami', {})).toMatchObject({ code: 4 })
  using next = await Wire.login(site.socket, 'second-root', PASSWORD)
  expect(await next.refused('get', { key: '/a' })).toMatchObject({ code: 2 })
  expect(
    (await next.ask('auth', { username: 'eve', password: 'Builder-of-things-1' })).body.success,
  ).toBe(false)
})
