/** Tokens of accounts of zones as credentials over HTTP: which are taken, for what, and what ends them at once. */
import { createCanary, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type GatewaySite,
  makeToken,
  type StartedGatewaySite,
  startGatewaySite,
} from '../lib/gateway-site.ts'
import { type Answered, ask, basic, bearer, SETEC_GUARD } from '../lib/http-ask.ts'
import type { Wire } from '../lib/wire.ts'

const zonesWith = (http: boolean): string => `
[zones.mail]
allow_passwd = true
allow_tokens = true
max_temp_validity = 60
http = ${http}
[zones."a.b"]
allow_tokens = true
http = true
[zones.inside]
allow_tokens = true
`
const CONFIG = 'rate_limit_attempts = 1000'
let running: StartedGatewaySite
let site: GatewaySite
let admin: Wire

beforeAll(async () => {
  running = await startGatewaySite({ config: `${CONFIG}\n${zonesWith(true)}` })
  ;({ site, admin } = running)
  for (const zone of ['mail', 'a.b', 'inside']) await account(zone, 'alice')
  const rules = [
    {
      id: 'own',
      effect: 'allow',
      principals: ['zone:mail'],
      actions: ['list', 'read', 'update', 'create'],
      resources: ['/mail/**'],
    },
  ]
  await admin.ok('policy', { op: 'set', document: { id: 'mail', rules } })
  const setec = { id: 'mail-setec', source: 'setec', principals: ['zone:mail'], mount: '/setec' }
  const secrets = [{ action: ['get', 'put'], secret: ['mail/*'] }]
  await admin.ok('policy', { op: 'set', document: { ...setec, rules: secrets } })
  await admin.ok('set', { key: '/mail/host', value: 'imap' })
  await admin.ok('set', { key: '/other', value: 'x' })
})
afterAll(async () => {
  await running?.[Symbol.asyncDispose]()
})

const account = (zone: string, login: string) =>
  admin.ok('zone', { op: 'create-account', zone, login })

async function tokenOf(login = 'alice', zone = 'mail') {
  const made = await admin.ok('zone', { op: 'create-token', zone, login })
  return { secret: made.secret as string, ident: made.ident as string }
}

async function tempOf(seconds: number, login = 'alice') {
  const made = await admin.ok('zone', {
    op: 'create-temp',
    zone: 'mail',
    login,
    validity_s: seconds,
  })
  return made.secret as string
}

const asking = (name: string, headers: Readonly<Record<string, string>>, body = {}) =>
  ask(`${site.http}/registry/${name}`, { headers, body })

const get = (token: string, login = 'alice', key = '/mail/host'): Promise<Answered> =>
  asking('get', basic(`mail/${login}`, token), { key })

test('a token opens what a policy gives to its zone, and its caller is nobody else', async () => {
  const { ident, secret } = await tokenOf()
  const before = site.records().length
  expect((await get(secret)).json).toMatchObject({ value: 'imap' })
  expect((await get(secret, 'alice', '/other')).status).toBe(403)
  const credential = basic('mail/alice', secret)
  expect((await asking('set', credential, { key: '/mail/port', value: '993' })).status).toBe(200)
  const who = (await asking('whoami', credential)).json
  expect(who).toMatchObject({ user: 'mail/alice', roles: [], groups: [], mfa: false, token: ident })
  expect(who).toMatchObject({ proof: 'credential', door: 'http' })
  const made = site.records().slice(before)
  expect(made.map(({ body }) => [body.action, body.outcome, body.paths])).toEqual([
    ['auth', 'ok', []],
    ['read', 'ok', ['/mail/host']],
    ['read', 'denied', ['/other']],
    ['write', 'ok', ['/mail/port']],
  ])
  for (const { body } of made) {
    expect(body.actor).toMatchObject({ user: 'mail/alice', token: ident, door: 'http' })
    expect(body.actor).toMatchObject({ proof: 'credential', address: '127.0.0.1' })
  }
})

test('a client of setec has it in its address', async () => {
  const headers = { ...SETEC_GUARD, ...basic('mail/alice', (await tokenOf()).secret) }
  const call = (name: string, body: object) => ask(`${site.http}/api/${name}`, { headers, body })
  const value = Buffer.from('secret').toString('base64')
  expect((await call('put', { Name: 'mail/key', Value: value })).json).toBe(1)
  expect((await call('get', { Name: 'mail/key' })).json).toMatchObject({ Value: value, Version: 1 })
  expect((await call('get', { Name: 'web/key' })).status).toBe(403)
})

test('a zone whose name has a dot, and a zone that is not for HTTP', async () => {
  const { secret } = await tokenOf('alice', 'a.b')
  expect((await asking('whoami', basic('a.b/alice', secret))).json.user).toBe('a.b/alice')
  const { secret: inside } = await tokenOf('alice', 'inside')
  expect((await asking('whoami', basic('inside/alice', inside))).status).toBe(401)
})

test('nothing else opens an account of a zone, and its token nothing else', async () => {
  const password = createCanary('simple').toLowerCase().replaceAll('-', '')
  await admin.ok('zone', { op: 'set-password', zone: 'mail', login: 'alice', password })
  await account('mail', 'bob')
  await admin.ok('user', { op: 'add', user: 'alice', password: `${createCanary('Sesame')}-A` })
  const access = await makeToken(admin, 'alice')
  const { secret } = await tokenOf()
  const temp = await tempOf(60)
  const checked = { op: 'check', zone: 'mail', login: 'alice', password }
  expect((await admin.ok('zone', checked)).matches).toBe(true)
  const wrong: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'its password': basic('mail/alice', password),
    'an access token': basic('mail/alice', access.secret),
    'a token of another zone': basic('mail/alice', (await tokenOf('alice', 'a.b')).secret),
    'the token of another account': basic('mail/bob', secret),
    'a temporary token of another account': basic('mail/bob', temp),
    'the token for a user of the registry': basic('alice', secret),
    'the token as a bearer': bearer(secret),
    'the temporary token as a bearer': bearer(temp),
    'the token of an application': { 'X-Vault-Token': secret },
    'the token in the place of the user': basic(secret, ''),
    'no such account': basic('mail/carol', secret),
    'no such zone': basic('none/alice', secret),
    'too many parts': basic('mail/alice/x', secret),
  }
  const answers: string[] = []
  for (const [name, headers] of Object.entries(wrong)) {
    const { json, status } = await asking('whoami', headers)
    expect([name, status, json.error.reason]).toEqual([name, 401, 'AUTH_FAILED'])
    if (headers['Authorization']?.startsWith('Basic') === true) answers.push(json.error.message)
  }
  const inPath = await ask(`${site.at(secret)}/registry/whoami`, { body: {} })
  expect(inPath.status).toBe(401)
  expect(new Set(answers.filter((text) => !/token/.test(text))).size).toBe(1)
  expect((await get(secret)).status).toBe(200)
  expect((await get(temp)).status).toBe(200)
  const log = JSON.stringify(site.records())
  for (const text of [password, secret, temp, access.secret]) expect(log).not.toContain(text)
})

test('a temporary token ends by itself', async () => {
  const temp = await tempOf(2)
  const answered = await get(temp)
  expect(answered.status).toBe(200)
  await waitFor(async () => (await get(temp)).status === 401, { what: 'the end of the token' })
})

test('what is deleted opens nothing with the next request', async () => {
  await account('mail', 'carol')
  const [first, second] = [await tokenOf('carol'), await tokenOf('carol')]
  const temp = await tempOf(60, 'carol')
  const statuses = async () =>
    Promise.all(
      [first.secret, second.secret, temp].map(async (text) => (await get(text, 'carol')).status),
    )
  const about = { zone: 'mail', login: 'carol' }
  expect(await statuses()).toEqual([200, 200, 200])
  await admin.ok('zone', { op: 'delete-token', ...about, ident: first.ident })
  expect(await statuses()).toEqual([401, 200, 200])
  await admin.ok('zone', { op: 'delete-token', ...about, ident: '*' })
  expect(await statuses()).toEqual([401, 401, 401])
  const third = await tokenOf('carol')
  expect((await get(third.secret, 'carol')).status).toBe(200)
  await admin.ok('zone', { op: 'delete-account', ...about })
  expect((await get(third.secret, 'carol')).status).toBe(401)
  await account('mail', 'carol')
  expect((await get(third.secret, 'carol')).status).toBe(401)
})

test('what the configuration switches off opens nothing, and opens again when it is on', async () => {
  const { secret } = await tokenOf()
  expect((await get(secret)).status).toBe(200)
  const refused = await admin.refused('zone', { op: 'set', zone: 'mail', http: false })
  expect(JSON.stringify(refused)).toContain('ZONE_REFUSED')
  const reload = async (zones: string, status: number) => {
    const before = site.records().length
    site.configure({ config: `${CONFIG}\n${zones}` })
    running.daemon.signal('SIGHUP')
    const isApplied = () =>
      site
        .records()
        .slice(before)
        .some(({ body }) => /^zone-(configure|release) mail$/.test(body.detail ?? ''))
    await waitFor(isApplied, { what: 'the zones to be as configured' })
    expect((await get(secret)).status).toBe(status)
  }
  await reload(zonesWith(false), 401)
  await reload(zonesWith(true), 200)
  await reload('', 401)
  const { zones } = await admin.ok('zone', { op: 'list' })
  expect(
    zones.map(({ zone, http, configured }: Record<string, unknown>) => [zone, http, configured]),
  ).toEqual([
    ['a.b', false, undefined],
    ['inside', false, undefined],
    ['mail', false, undefined],
  ])
  await reload(zonesWith(true), 200)
})

test('it is what it was after a restart of both', async () => {
  const { secret } = await tokenOf()
  expect((await get(secret)).status).toBe(200)
  await running.daemon.kill('SIGTERM')
  await running.gateway.child.kill('SIGTERM')
  await site.start()
  await site.startGateway()
  expect((await get(secret)).json.error.reason).toBe('SEALED')
  admin = await site.unlock()
  expect((await get(secret)).json).toMatchObject({ value: 'imap' })
  admin.close()
})
