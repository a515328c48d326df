/** Who asks, by a credential that he shows over HTTP: what the daemon makes of it, through the gateway. */
import { createCanary, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf } from '../lib/authenticator.ts'
import {
  addUser,
  type GatewaySite,
  makeToken,
  type StartedGatewaySite,
  startGatewaySite,
} from '../lib/gateway-site.ts'
import { type Answered, type AskOptions, ask, basic, bearer, SETEC_GUARD } from '../lib/http-ask.ts'
import type { AuditLine } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

const password = `${createCanary('Sesame')}-A`
let running: StartedGatewaySite
let site: GatewaySite
let admin: Wire
/** No two tests come from the same address, so that what is counted by it stays apart. */
let addresses = 0
const nextAddress = (): string => `127.1.0.${++addresses}`

beforeAll(async () => {
  running = await startGatewaySite({ config: 'rate_limit_attempts = 3' })
  ;({ site, admin } = running)
  await addUser(admin, 'alice', { password })
  const rules = [{ action: ['get', 'put', 'info'], secret: ['*'] }]
  const document = { id: 's', source: 'setec', principals: ['user:alice'], mount: '/setec', rules }
  await admin.ok('policy', { op: 'set', document })
})
afterAll(async () => {
  await running?.[Symbol.asyncDispose]()
})

const whoami = (options: AskOptions, http = site.http): Promise<Answered> =>
  ask(`${http}/registry/whoami`, { body: {}, ...options })

/** Records since a number of them, and how many there are then. */
const since = (count: number): AuditLine['body'][] =>
  site
    .records()
    .slice(count)
    .map(({ body }) => body)

test('a credential at each place opens the account, recorded with its address and its proof', async () => {
  const token = await makeToken(admin, 'alice')
  const { secret } = token
  const proxy = (credential: Readonly<Record<string, string>>, path: string): AskOptions => ({
    target: `http://127.0.0.1:${site.port}${path}`,
    headers: { 'Proxy-Authorization': credential['Authorization'] ?? '' },
  })
  const places: [name: string, isToken: boolean, of: (path: string) => AskOptions][] = [
    ['Bearer', true, () => ({ headers: bearer(secret) })],
    ['Basic, user and password', false, () => ({ headers: basic('alice', password) })],
    ['Basic, token without password', true, () => ({ headers: basic(secret, '') })],
    ['X-Vault-Token', true, () => ({ headers: { 'X-Vault-Token': secret } })],
    ['path', true, (path) => ({ target: `/t/${secret}${path}` })],
    ['proxy, user and password', false, (path) => proxy(basic('alice', password), path)],
    ['proxy, token without password', true, (path) => proxy(basic(secret, ''), path)],
  ]
  for (const [name, isToken, of] of places) {
    const localAddress = nextAddress()
    const before = site.records().length
    const answer = await whoami({ ...of('/registry/whoami'), localAddress })
    expect(answer.status, `${name}: ${answer.text}`).toBe(200)
    expect(answer.json, name).toMatchObject({ user: 'alice' })
    const { headers, ...rest } = of('/api/list')
    const guarded = { ...rest, localAddress, body: {}, headers: { ...headers, ...SETEC_GUARD } }
    expect((await ask(`${site.http}/api/list`, guarded)).status, name).toBe(200)
    const actor = {
      user: 'alice',
      door: 'http',
      address: localAddress,
      proof: 'credential',
      ...(isToken ? { token: token.ident } : {}),
    }
    const records = since(before)
    // One login for both, for they are of the same caller from the same address.
    expect(records, name).toMatchObject([
      { action: 'auth', outcome: 'ok', actor },
      { action: 'list', outcome: 'ok', actor },
    ])
    expect('token' in (records[0]?.actor ?? {}), name).toBe(isToken)
  }
  const twice = await whoami({ target: `/t/${secret}/registry/whoami`, headers: bearer(secret) })
  expect([twice.status, twice.json.error.reason]).toEqual([400, 'INVALID_ARGUMENT'])
})

test('a token that is unknown, has ended or was revoked is refused, all alike; and so is what cannot be read', async () => {
  const ended = await makeToken(admin, 'alice', { expires_in_s: 1 })
  const revoked = await makeToken(admin, 'alice')
  const gone = await makeToken(admin, 'alice', { uses: 1 })
  const localAddress = nextAddress()
  const by = (secret: string) => whoami({ headers: bearer(secret), localAddress })
  const get = { body: { key: '/app/none' }, headers: bearer(gone.secret), localAddress }
  expect((await by(revoked.secret)).status).toBe(200)
  await admin.ok('token', { op: 'revoke', token: revoked.ident })
  expect((await ask(`${site.http}/registry/get`, get)).status).toBe(403)
  await waitFor(async () => (await by(ended.secret)).status === 401)
  const answers = [
    await by(ended.secret),
    await by(revoked.secret),
    await by(gone.secret),
    await by('a'.repeat(40)),
  ]
  for (const { status, text, headers } of answers) {
    expect([status, text]).toEqual([401, answers[0]?.text])
    expect(headers['www-authenticate']).toBe('Bearer')
  }
  expect(answers[0]?.json.error.reason).toBe('AUTH_FAILED')
  for (const Authorization of ['Negotiate abc', 'Basic !!!', 'Bearer', 'Bearer a b', 'Digest x']) {
    const { status, json } = await whoami({ headers: { Authorization }, localAddress })
    expect([status, json.error.reason], Authorization).toEqual([401, 'AUTH_FAILED'])
  }
  const nothing = await whoami({ localAddress })
  expect([nothing.status, nothing.json.error.reason]).toEqual([401, 'AUTH_REQUIRED'])
})

test('wrong passwords lock out the address that they come from, and no other', async () => {
  const [guesser, owner] = [nextAddress(), nextAddress()]
  const by = (sesame: string, localAddress: string) =>
    whoami({ headers: basic('alice', sesame), localAddress })
  const before = site.records().length
  for (let at = 0; at < 3; at++) expect((await by(`guess ${at}`, guesser)).status).toBe(401)
  const locked = await by(password, guesser)
  expect([locked.status, locked.json.error.reason]).toEqual([429, 'AUTH_LOCKED_OUT'])
  expect(Number(locked.headers['retry-after'])).toBeGreaterThan(0)
  expect((await by(password, owner)).status).toBe(200)
  expect(
    since(before).map(({ outcome, reason = '', actor }) => [
      outcome,
      reason,
      (actor as { address?: string }).address,
    ]),
  ).toEqual([
    ['denied', 'AUTH_FAILED', guesser],
    ['denied', 'AUTH_FAILED', guesser],
    ['denied', 'AUTH_FAILED', guesser],
    ['denied', 'AUTH_LOCKED_OUT', guesser],
    ['ok', '', owner],
  ])
})

test('an account with a second factor is told to use a token, and can', async () => {
  await addUser(admin, 'carol', { password })
  using carol = await Wire.login(site.socket, 'carol', password)
  const begun = await carol.ok('mfa', { op: 'begin', password })
  await carol.ok('mfa', { op: 'confirm', code: codeOf(begun.secret) })
  const localAddress = nextAddress()
  const { status, json } = await whoami({ headers: basic('carol', password), localAddress })
  expect([status, json.error.reason]).toEqual([401, 'AUTH_MFA_REQUIRED'])
  expect(json.error.message).toMatch(/second factor.*access token/)
  const { secret } = await makeToken(admin, 'carol')
  expect((await whoami({ headers: bearer(secret), localAddress })).json.user).toBe('carol')
})

test('a disabled user, a changed password, a used-up token and new rights count for the next request', async () => {
  await addUser(admin, 'dave', { password })
  const localAddress = nextAddress()
  const byPassword = (sesame = password) => whoami({ headers: basic('dave', sesame), localAddress })
  const { secret } = await makeToken(admin, 'dave')
  const byToken = () => whoami({ headers: bearer(secret), localAddress })
  const both = async () => [(await byPassword()).status, (await byToken()).status]
  expect(await both()).toEqual([200, 200])
  await admin.ok('user', { op: 'disable', user: 'dave' })
  expect(await both()).toEqual([401, 401])
  await admin.ok('user', { op: 'enable', user: 'dave' })
  expect(await both()).toEqual([200, 200])
  const next = `${createCanary('Sesame')}-B`
  await admin.ok('user', { op: 'password', user: 'dave', password: next })
  expect((await byPassword()).status).toBe(401)
  expect((await byPassword(next)).status).toBe(200)

  await admin.ok('set', { key: '/app/x', value: 'x' })
  const counted = await makeToken(admin, 'alice', { uses: 2 })
  const get = async () =>
    (
      await ask(`${site.http}/registry/get`, {
        body: { key: '/app/x' },
        headers: bearer(counted.secret),
        localAddress,
      })
    ).status
  const rule = { effect: 'allow', actions: ['read'], resources: ['/app/x'] }
  const document = { id: 'x', rules: [{ id: 'x', principals: ['user:alice'], ...rule }] }
  await admin.ok('policy', { op: 'set', document })
  expect(await get()).toBe(200)
  await admin.ok('policy', { op: 'delete', policy: 'x' })
  expect(await get()).toBe(403)
  await admin.ok('policy', { op: 'set', document })
  expect(await get()).toBe(401)
})
