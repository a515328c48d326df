/**
 * A gateway in wrong hands (DESIGN §3): what lies beside it, what is in its memory later on, and what it can do while
 * callers use it. For ids in memory after a session's whole life of five minutes: `SECREG_SOAK=1`.
 */
import { randomUUID } from 'node:crypto'
import { chmodSync, chownSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RequestName } from '@secreg/protocol'
import { REQUESTS } from '@secreg/protocol/messages'
import {
  CertificateMaker,
  createCanary,
  findCanary,
  runNode,
  skipTest,
  startNode,
  waitFor,
} from '@secreg/testkit'
import { nativeProblem } from '@secreg/unix-socket'
import { buildSync } from 'esbuild'
import { expect, test } from 'vitest'
import { codeOf } from '../lib/authenticator.ts'
import { ADMINISTRATION, OPEN, passedOn, UNSERVED } from '../lib/every-request.ts'
import { makeTraffic, present, refOf } from '../lib/gateway-sessions.ts'
import { addUser, GATEWAY, GatewaySite, makeToken } from '../lib/gateway-site.ts'
import { HostileGateway, rightsOf, typeOf } from '../lib/hostile-gateway.ts'
import { ask, bearer } from '../lib/http-ask.ts'
import type { Attempts, Loot } from '../lib/intruder.ts'
import { OTHER_UID, requireOtherUser, treeOf } from '../lib/other-user.ts'
import { processTree, sessionIdsIn, unreadableMemory } from '../lib/process-image.ts'
import { ADMIN, PASSPHRASE, PASSWORD, SECREGD } from '../lib/site.ts'
import { TappedSocket } from '../lib/tapped-socket.ts'
import { ERROR, Wire } from '../lib/wire.ts'

test('its files, executable and socket rights read nothing of the registry', async (context) => {
  const ids = await requireOtherUser(context)
  await using site = new GatewaySite()
  const { home } = site
  const maker = CertificateMaker.in(home, context)
  const tls = await maker.make('localhost', { usage: 'serverAuth' })
  const keyFile = home.write('key', createCanary('key-file-of-32-bytes-at-the-least'))
  site.configure({
    config: `[unlock]\nkey_file = ${JSON.stringify(keyFile)}`,
    gateway: `group = "${OTHER_UID}"`,
    http: `tls_cert = ${JSON.stringify(tls.cert)}\ntls_key = ${JSON.stringify(tls.key)}`,
  })
  const program = home.file('program')
  cpSync(fileURLToPath(new URL('../', new URL(`file://${GATEWAY}`))), program, {
    recursive: true,
    filter: (path) => !/\/(?:src|test|node_modules)(?:\/|$)/.test(path),
  })
  const dev = home.file('dev')
  const secret = `${createCanary('value')}`
  const daemon = await site.start()
  using admin = await site.initialize()
  await admin.ok('set', { key: '/app/secret', value: secret, encrypt: true })
  await admin.ok('set', { key: '/app/plain', value: secret })
  await addUser(admin, 'alice')
  const token = await makeToken(admin, 'alice')
  await using home2 = startNode(SECREGD, ['--dev', dev])
  await home2.line(/"ready":true/, { timeoutMs: 40_000 })

  // As docs tell to install it: it reads its configuration, its certificate and its program, and enters the directory.
  chmodSync(home.path, 0o711)
  for (const path of [site.config, tls.cert, tls.key, ...treeOf(program).files]) {
    chownSync(path, 0, OTHER_UID)
    chmodSync(path, 0o640)
  }
  for (const path of treeOf(program).directories) {
    chownSync(path, 0, OTHER_UID)
    chmodSync(path, 0o750)
  }
  await using gateway = startNode(
    join(program, 'bin/secreg-gateway.js'),
    ['--config', site.config],
    ids,
  )
  const { http } = JSON.parse(await gateway.line(/"ready":true/, { timeoutMs: 40_000 }))
  const served = { body: {}, headers: bearer(token.secret), ca: readFileSync(tls.cert) }
  expect((await ask(`${http}/registry/whoami`, served)).json).toMatchObject({ user: 'alice' })

  const intruder = home.file('intruder.mjs')
  buildSync({
    entryPoints: [fileURLToPath(new URL('../lib/intruder.ts', import.meta.url))],
    outfile: intruder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'error',
  })
  const everything = treeOf(home.path)
  const ofDaemon = ['mem', 'environ', 'maps', 'io'].map((name) => `/proc/${daemon.pid}/${name}`)
  const requests = [
    ...Object.entries(OPEN),
    ...Object.entries(passedOn('/app/secret')),
    ['logout', {}] as const,
    ...ADMINISTRATION,
  ].map(([name, payload]) => [typeOf(name as RequestName), payload] as const)
  const logins = [
    { username: ADMIN, password: 'a guess of a password' },
    { token: 'a'.repeat(40) },
    { assertions: ['tailnet:alice@example.com'] },
    { assertions: [`user:${ADMIN}`] },
  ].map((payload) => [typeOf('auth'), payload] as const)
  const before = site.records().length
  const attempts: Attempts = {
    ...everything,
    files: [...everything.files, ...ofDaemon],
    gateway: site.gatewaySocket,
    requests: [...requests, ...logins],
  }
  chmodSync(intruder, 0o644)
  const run = await runNode(intruder, [], { ...ids, input: JSON.stringify(attempts) })
  expect(run.code, run.stderr).toBe(0)
  const loot: Loot = JSON.parse(run.stdout)
  expect(loot.uid).toBe(OTHER_UID)

  // What it can open is what it needs, and nothing else.
  const own = treeOf(program)
  const needed = [site.config, tls.cert, tls.key, intruder, site.gatewaySocket]
  expect([...loot.open].sort()).toEqual([...needed, ...own.files, ...own.directories].sort())
  expect(loot.writable).toEqual([])
  expect(everything.files.filter((file) => file.startsWith(site.data)).length).toBeGreaterThan(0)
  expect(everything.files).toContain(join(dev, 'admin.json'))
  expect(everything.sockets).toEqual(
    expect.arrayContaining([site.socket, join(dev, 'registry.sock'), join(dev, 'gateway.sock')]),
  )
  const secrets = [secret, token.secret, PASSPHRASE, PASSWORD, readFileSync(keyFile, 'latin1')]
  for (const text of secrets) {
    expect(findCanary(text, program)).toEqual([])
    for (const file of [site.config, tls.cert, tls.key]) {
      expect(readFileSync(file, 'latin1')).not.toContain(text)
    }
    expect(run.stdout).not.toContain(text)
  }

  // Without a credential the socket is good for nothing but what it takes to speak; each attempt leaves a record.
  const open = Object.keys(OPEN).length
  for (const [at, [type, body]] of loot.answers.entries()) {
    const what = JSON.stringify([attempts.requests[at], body])
    if (at < open) expect(type, what).not.toBe(ERROR)
    else if (type !== ERROR) expect(body, what).toMatchObject({ success: false })
    else
      expect(body, what).toHaveProperty(
        'reason',
        expect.stringMatching(/^(?:AUTH_REQUIRED|ACCESS_DENIED)$/),
      )
  }
  const records = site.records().slice(before)
  expect(records.map(({ body }) => body.outcome)).toEqual(
    Array(loot.answers.length - open).fill('denied'),
  )
  for (const { body } of records) {
    expect(body.actor).toMatchObject({ door: 'http', proof: 'asserted' })
    expect(body.actor.session).toBeUndefined()
  }
})

/** Life of a session, seconds: of the test of its end, and of the test that what is looked for can be found. */
const LIFE_S = process.env['SECREG_SOAK'] === '1' ? 300 : 2
const LONG_LIFE_S = 300

test('its memory holds no session that is usable elsewhere, and none at all once their life has passed', async (context) => {
  await using site = new GatewaySite()
  const configure = (seconds: number): void =>
    site.configure({
      gateway: `session = ${seconds}\nmay_assert = ["tailnet:alice@example.com=alice"]`,
      http: 'workers = 2\ntailscale_serve = true',
    })
  configure(LONG_LIFE_S)
  const daemon = await site.start()
  using admin = await site.initialize()
  const passwords = { alice: `${createCanary('Sesame')}-A`, bob: `${createCanary('Sesame')}-B` }
  for (const [user, password] of Object.entries(passwords)) {
    await addUser(admin, user, { password })
  }
  const tokens: string[] = []
  for (let at = 0; at < 6; at++) tokens.push((await makeToken(admin, 'bob')).secret)
  const callers = { tokens, passwords }

  const path = site.home.file('t')
  using tapped = await TappedSocket.listen(path, site.gatewaySocket)
  const config = site.home.write(
    'gateway.toml',
    readFileSync(site.config, 'utf8').replace(site.gatewaySocket, path),
  )
  /** Ids in the memory of a gateway after traffic, and the references of the sessions that it was given for that. */
  const idsAfter = async (
    look: (
      http: string,
      idsNow: () => ReadonlySet<string>,
      refs: ReadonlySet<string>,
    ) => Promise<void>,
    lifeS: number,
  ): Promise<void> => {
    await using gateway = startNode(GATEWAY, ['--config', config])
    const { http } = JSON.parse(await gateway.line(/"ready":true/, { timeoutMs: 40_000 }))
    const before = site.records().length
    await makeTraffic(http, callers)
    const opened = site.records().slice(before)
    const refs = new Set(opened.flatMap(({ body }) => body.actor.session ?? []))
    const endMs = performance.now() + lifeS * 1000
    await waitFor(() => performance.now() > endMs, { timeoutMs: 2 * lifeS * 1000 + 10_000 })
    const pids = processTree(gateway.pid)
    expect(pids.length).toBe(3)
    const why = unreadableMemory(gateway.pid)
    if (why !== undefined) skipTest(context, why)
    await look(http, () => sessionIdsIn(pids), refs)
    await gateway.kill('SIGTERM')
  }

  // What is in memory while the sessions live can be found, and is a session: on the connection that it is bound to.
  await idsAfter(async (_, idsNow, refs) => {
    expect(refs.size).toBeGreaterThan(30)
    // Memory is read in pieces, and what is moved meanwhile may be missed: seen by one look or the other.
    const ids = new Set<string>()
    const sessions = new Set<string>()
    const look = (): boolean => {
      for (const id of idsNow()) ids.add(id)
      for (const id of ids) if (refs.has(refOf(id))) sessions.add(id)
      return sessions.size >= refs.size
    }
    await waitFor(look, { timeoutMs: 40_000, what: 'each session to be seen in memory' })
    expect(sessions.size).toBe(refs.size)
    for (const id of sessions) {
      const replies = await tapped.ask(typeOf('whoami'), {}, id)
      const users = replies.flatMap(({ body }) => body.user ?? [])
      expect(users).toEqual([expect.stringMatching(/^(?:alice|bob)$/)])
    }
    for (const socket of [site.gatewaySocket, site.socket]) {
      expect((await present(socket, ids)).filter((user) => user !== undefined)).toEqual([])
    }
  }, 0)

  configure(LIFE_S)
  daemon.signal('SIGHUP')
  await daemon.line(/configuration reloaded/, { from: 'stderr' })
  await idsAfter(async (http, idsNow, refs) => {
    const ids = idsNow()
    expect(refs.size).toBeGreaterThan(30)
    for (const id of ids) {
      for (const { type, body } of await tapped.ask(typeOf('whoami'), {}, id)) {
        expect([type, body.reason]).toEqual([ERROR, 'SESSION_INVALID'])
      }
    }
    for (const socket of [site.gatewaySocket, site.socket]) {
      expect((await present(socket, ids)).filter((user) => user !== undefined)).toEqual([])
    }
    // As a credential they are nothing either.
    for (const [at, id] of [...ids].slice(0, 12).entries()) {
      const from = { 'X-Forwarded-For': `198.51.100.${at}` }
      const ways = [
        ask(`${http}/registry/whoami`, { body: {}, headers: { ...from, ...bearer(id) } }),
        ask(`${http}/registry/whoami`, { body: {}, headers: { ...from, 'X-Vault-Token': id } }),
        ask(`${http}/t/${id}/registry/whoami`, { body: {}, headers: from }),
      ]
      for (const { status } of await Promise.all(ways)) expect(status).toBe(401)
    }
  }, LIFE_S)
})

/** Rights of a person on what is his; and on one thing more only where he has shown a credential himself. */
const ACTIONS = ['list', 'read', 'decrypt', 'create', 'update', 'delete', 'purge', 'read-metadata']
const rule = (id: string, principal: string, ...resources: string[]) => ({
  id,
  effect: 'allow',
  principals: [principal],
  actions: ACTIONS,
  resources,
})
const PEOPLE = {
  id: 'people',
  rules: [
    rule('alice', 'user:alice', '/app/alice', '/app/alice/**'),
    rule('bob', 'user:bob', '/app/bob', '/app/bob/**'),
    { ...rule('in-person', 'user:alice', '/vault/**'), when: { proof: ['credential'] } },
  ],
}

/** Address that the gateway gives for everybody. */
const address = '192.0.2.7'
const NOBODY = { gets: 'SESSION_INVALID', by: { proof: 'asserted' } }
const DENIED = 'ACCESS_DENIED'

test('hostile, it gets the rights of those who use it and what it may assert, and each attempt is recorded', async () => {
  const listed = ['alice@example.com=alice', 'tag:web=alice', 'tag:ops=bob', 'carol=carol']
  const mayAssert = [...listed, 'dave=dave', 'ghost=ghost'].map((one) => `tailnet:${one}`)
  await using site = new GatewaySite({ gateway: `may_assert = ${JSON.stringify(mayAssert)}` })
  await site.start()
  using admin = await site.initialize()
  const password = `${createCanary('Sesame')}-A`
  for (const user of ['alice', 'bob', 'carol', 'dave']) await addUser(admin, user, { password })
  const ofBob = createCanary('of-bob')
  for (const [key, value] of [
    ['/app/alice/secret', 'of alice'],
    ['/app/bob/secret', ofBob],
    ['/vault/secret', 'of alice'],
  ]) {
    await admin.ok('set', { key, value, encrypt: true })
  }
  await admin.ok('policy', { op: 'set', document: PEOPLE })
  await admin.ok('user', { op: 'disable', user: 'dave' })
  using carol = await Wire.login(site.socket, 'carol', password)
  const { secret } = await carol.ok('mfa', { op: 'begin', password })
  await carol.ok('mfa', { op: 'confirm', code: codeOf(secret) })
  const rights = await rightsOf(admin)
  const bobs = await admin.ok('get', { key: '/app/bob/secret', detail: true })

  using hostile = await HostileGateway.connect(site)
  const credential = { address, proof: 'credential' }
  const asserted = { address, proof: 'asserted' }

  // Somebody uses it: with his session it can do what he may, and nothing else.
  const alice = { user: 'alice', ...credential }
  const session = await hostile.logIn({ username: 'alice', password, address }, alice)
  await hostile.attempt('get', { key: '/app/alice/secret' }, { session, gets: 'ok', by: alice })
  await hostile.attempt('whoami', {}, { session, gets: 'ok', unrecorded: true })
  for (const [name, payload] of Object.entries(passedOn('/app/bob/secret'))) {
    if (name === 'whoami') continue
    await hostile.attempt(name as RequestName, payload, { session, gets: DENIED, by: alice })
  }

  // The administrator uses it: he can do there what is about data, and administer nothing.
  const root = { user: ADMIN, ...credential }
  const rootSession = await hostile.logIn({ username: ADMIN, password: PASSWORD, address }, root)
  const both = [
    { session, by: alice },
    { session: rootSession, by: root },
  ]
  for (const one of both) {
    for (const [name, payload] of ADMINISTRATION) {
      const says = { action: 'admin', detail: `gateway ${name}` }
      await hostile.attempt(name, payload, { ...one, gets: DENIED, says })
    }
  }
  for (const one of [...both, { session: '' }]) {
    const off = { ...one, gets: 'NOT_FOUND', unrecorded: true } as const
    await hostile.attempt('secrets', UNSERVED.secrets, off)
  }
  const asked = [OPEN, passedOn('/'), UNSERVED].flatMap((each) => Object.keys(each))
  const known = [...asked, ...ADMINISTRATION.flat()]
  const untried = Object.keys(REQUESTS).filter((name) => !known.includes(name))
  expect(untried).toEqual(['auth', 'logout'])

  // Sessions belong to the connection on which they were opened; there is no other way to one.
  using other = await HostileGateway.connect(site)
  const get = { key: '/app/alice/secret' }
  const elsewhere = { session, ...NOBODY }
  await other.attempt('get', get, elsewhere)
  await other.attempt('logout', {}, elsewhere)
  await other.attempt('get', get, { session: randomUUID(), ...NOBODY })
  using registry = await HostileGateway.connect(site, site.socket)
  // Who connects there is known from the kernel, where it can be asked.
  const proof = nativeProblem() === undefined ? 'kernel' : 'asserted'
  const local = { proof, door: 'registry' }
  await registry.attempt('get', get, { ...elsewhere, by: local })
  await hostile.attempt('get', get, { session, gets: 'ok', by: alice })
  // Who was somebody is nobody's word for nobody.
  await other.attempt('secrets', UNSERVED.secrets, elsewhere)

  // It asserts what is in the list, for whom that stands, and nothing else; nobody with a second factor.
  const one = (...names: string[]) => names.map((name) => `tailnet:${name}`)
  const refusedLogins: readonly (readonly [payload: object, reason: string, user?: string])[] = [
    [{ assertions: one('mallory@example.com') }, 'AUTH_FAILED'],
    [{ assertions: one('tag:web', 'tag:ops') }, 'AUTH_FAILED'],
    [{ assertions: one('ghost') }, 'AUTH_FAILED'],
    [{ assertions: one('dave') }, 'AUTH_FAILED'],
    [{ assertions: one('carol') }, 'AUTH_MFA_REQUIRED'],
    [{ assertions: ['user:bob'] }, 'AUTH_FAILED'],
    [{ assertions: ['bob'] }, 'AUTH_FAILED'],
    [{ assertions: ['role:admin'] }, 'AUTH_FAILED'],
    [{ assertions: [`cert:sha256:${'0'.repeat(64)}`] }, 'AUTH_FAILED'],
    [{ username: 'carol', password }, 'AUTH_MFA_REQUIRED', 'carol'],
    [{ username: 'bob', password: 'a guess of a password' }, 'AUTH_FAILED', 'bob'],
    [{ token: 'a'.repeat(40) }, 'AUTH_FAILED'],
  ]
  for (const [payload, gets, user] of refusedLogins) {
    const by = { ...asserted, ...(user === undefined ? {} : { user }) }
    await hostile.attempt('auth', { ...payload, address }, { gets, by, says: { action: 'auth' } })
  }
  for (const forged of [
    'localhost',
    '192.0.2.7:80',
    '192.0.2.7, 127.0.0.1',
    'uid:0',
    '10.0.0.0/8',
  ]) {
    const gets = 'PAYLOAD_INVALID'
    await hostile.attempt('auth', { username: 'alice', password, address: forged }, { gets })
  }
  const seen = { user: 'alice', ...asserted }
  const said = await hostile.logIn({ assertions: one('tag:web'), address }, seen)
  await hostile.attempt('get', get, { session: said, gets: 'ok', by: seen })
  const vault = { key: '/vault/secret', decrypt: true }
  await hostile.attempt('get', vault, { session: said, gets: DENIED, by: seen })
  await hostile.attempt('get', vault, { session, gets: 'ok', by: alice })

  // Nothing came of it all, and nothing was told of who did not use it.
  expect(await rightsOf(admin)).toEqual(rights)
  expect(await admin.ok('get', { key: '/app/bob/secret', detail: true })).toEqual(bobs)
  for (const one of [hostile, other, registry]) expect(one.received).not.toContain(ofBob)

  // What is taken from a caller is taken from his sessions here at once.
  const token = async (more: object) => {
    const made = await makeToken(admin, 'alice', more)
    const by = { ...alice, token: made.ident }
    return { ...made, by, session: await hostile.logIn({ token: made.secret, address }, by) }
  }
  const twice = await token({ uses: 2 })
  await hostile.attempt('get', get, { session: twice.session, gets: 'ok', by: twice.by })
  await hostile.attempt('get', get, { session: twice.session, gets: 'ok', by: twice.by })
  await hostile.attempt('get', get, { session: twice.session, ...NOBODY })
  const revoked = await token({})
  await hostile.attempt('get', get, { session: revoked.session, gets: 'ok', by: revoked.by })
  await admin.ok('token', { op: 'revoke', token: revoked.ident })
  await hostile.attempt('get', get, { session: revoked.session, ...NOBODY })
  for (const { secret } of [twice, revoked]) {
    await hostile.attempt('auth', { token: secret, address }, { gets: 'AUTH_FAILED', by: asserted })
  }
  const fewer = { ...PEOPLE, rules: PEOPLE.rules.slice(1) }
  await admin.ok('policy', { op: 'set', document: fewer })
  await hostile.attempt('get', get, { session, gets: DENIED, by: alice })
  await admin.ok('policy', { op: 'set', document: PEOPLE })
  await hostile.attempt('get', get, { session, gets: 'ok', by: alice })
  await admin.ok('user', { op: 'disable', user: 'alice' })
  for (const ended of [session, said]) {
    await hostile.attempt('get', get, { session: ended, ...NOBODY })
  }
  await admin.ok('user', { op: 'enable', user: 'alice' })
  await hostile.attempt('get', get, { session, ...NOBODY })
})
