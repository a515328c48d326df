/**
 * What calls of setec's API leave in the audit log, through daemon and gateway as processes: one operation is one record
 * with its outcome, all its paths, and who did it from where (DESIGN §2), also where setec itself writes none
 * (specs/setec.md §3).
 */
import { rmSync } from 'node:fs'
import { createCanary, findCanary, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { fillDisk } from '../lib/fill-disk.ts'
import { GatewaySite, startGatewaySite } from '../lib/gateway-site.ts'
import {
  base64,
  callSetec,
  fetchText,
  makeSetecCaller,
  SETEC_HEADERS,
  type SetecReply,
  secretIn,
} from '../lib/setec-call.ts'
import { type AuditLine, readLog } from '../lib/site.ts'
import { mountSmallDisk } from '../lib/small-disk.ts'
import { bodyOf, CALLS, type Call, DENIED, denied, KEY, PATH } from './audit-calls.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Where the calls come from; the gateway itself is at 127.0.0.1. */
const FROM = '127.0.0.77'
const Name = KEY

/** The lines that came to a log since the last look. */
class Tail {
  readonly #directory: string
  #seen: number

  constructor(directory: string) {
    this.#directory = directory
    this.#seen = readLog(directory).lines.length
  }

  next(): readonly AuditLine[] {
    const { lines } = readLog(this.#directory)
    const news = lines.slice(this.#seen)
    this.#seen = lines.length
    return news
  }
}

test('each call leaves its record, and no other', async () => {
  await using started = await startGatewaySite()
  const { site, admin } = started
  const ann = await makeSetecCaller(admin, 'ann')
  const ben = await makeSetecCaller(admin, 'ben', [])
  const tail = new Tail(site.audit)
  const call = (
    token: string,
    { operation, body = {} }: Omit<Call, 'status'>,
  ): Promise<SetecReply> =>
    callSetec(site.at(token), operation, body, {
      from: FROM,
      // Of which nobody may say where he is.
      headers: { ...SETEC_HEADERS, 'X-Forwarded-For': '10.9.9.9', Forwarded: 'for=10.9.9.9' },
    })

  for (const [user, { secret, ident }, calls] of [
    ['ann', ann, CALLS],
    ['ben', ben, DENIED],
  ] as const) {
    // The first call of a session begins with a login, which is an operation of its own.
    expect(await call(secret, { operation: 'info', body: { Name: 'first' } })).toBeDefined()
    const [login, first, ...more] = tail.next()
    expect(more).toEqual([])
    const actor = {
      user,
      account: expect.stringMatching(/^[0-9a-f]{32}$/),
      roles: ['user'],
      session: expect.any(String),
      token: ident,
      door: 'http',
      address: FROM,
      proof: 'credential',
      mfa: false,
    }
    expect(login?.body).toEqual({ action: 'auth', outcome: 'ok', paths: [], actor })
    expect(first?.body.actor).toEqual(login?.body.actor)
    for (const one of calls) {
      const what = `${user}: ${one.operation} ${JSON.stringify(one.body)}`
      expect((await call(secret, one)).status, what).toBe(one.status)
      const bodies = tail.next().map(({ body }) => body)
      const { record } = one
      expect(bodies, what).toEqual(record === undefined ? [] : [bodyOf(record, actor)])
    }
  }

  // Nobody who may nothing is told so by a list; the record tells.
  expect(await call(ben.secret, { operation: 'list' })).toMatchObject({ status: 200, text: 'null' })
  const [refused, ...rest] = tail.next()
  expect(rest).toEqual([])
  expect(refused?.body).toMatchObject(denied({ action: 'list' }))
})

test('a listing is one record, however many there are, and so is the page', async () => {
  await using started = await startGatewaySite()
  const { site, admin } = started
  const { secret } = await makeSetecCaller(admin, 'ann')
  await callSetec(site.at(secret), 'list')
  for (const part of [0, 1]) {
    const then = Array.from({ length: 800 }, (_, at) => ({
      op: 'set',
      key: `/setec/of-${part}-${at}`,
      value: 'x',
    }))
    await admin.ok('txn', { then })
  }
  const tail = new Tail(site.audit)
  expect((await callSetec(site.at(secret), 'list')).json).toHaveLength(1600)
  expect(tail.next().map(({ body }) => body)).toMatchObject([
    { action: 'list', outcome: 'ok', paths: ['/setec'], count: 1600 },
  ])
  const page = await fetchText(`${site.at(secret)}/`, { method: 'GET', headers: {} })
  expect(page.text.match(/<tr><td>/g)).toHaveLength(1600)
  expect(tail.next().map(({ body }) => body)).toMatchObject([
    { action: 'list', outcome: 'ok', paths: ['/setec'], count: 1600 },
  ])
})

test('an unchanged conditional get leaves none, and is told by the history', async () => {
  await using started = await startGatewaySite()
  const { site, admin } = started
  const ann = await makeSetecCaller(admin, 'ann')
  const poller = await makeSetecCaller(admin, 'poller', [{ action: ['get'], secret: ['web/*'] }])
  await callSetec(site.at(ann.secret), 'put', { Name, Value: base64('one') })
  await callSetec(site.at(poller.secret), 'get', { Name })
  const before = Date.now()
  const tail = new Tail(site.audit)
  const poll = { Name, Version: 1, UpdateIfChanged: true }
  for (let i = 0; i < 20; i++) {
    expect((await callSetec(site.at(poller.secret), 'get', poll)).status).toBe(304)
  }
  expect(tail.next()).toEqual([])
  const { polled } = await admin.ok('history', { key: PATH })
  expect(polled).toEqual([{ by: 'poller', at: expect.any(Number) }])
  expect(polled[0].at).toBeGreaterThanOrEqual(before)
  expect(polled[0].at).toBeLessThanOrEqual(Date.now())
})

test('who is nobody is recorded where he has tried to be somebody, and nowhere else', async () => {
  const value = createCanary('value')
  await using started = await startGatewaySite()
  const { site, admin, gateway, daemon } = started
  const { secret } = await makeSetecCaller(admin, 'ann')
  await callSetec(site.at(secret), 'put', { Name, Value: base64(value) })
  expect(secretIn(await callSetec(site.at(secret), 'get', { Name }))).toBe(value)
  const guess = createCanary('guess')
  const tail = new Tail(site.audit)
  const { host } = new URL(site.http)
  const attempt = {
    action: 'auth',
    outcome: 'denied',
    paths: [],
    reason: 'AUTH_FAILED',
    code: 4,
    actor: { door: 'http', address: FROM, proof: 'asserted', mfa: false },
  }
  const { actor } = attempt
  const attempts: readonly (readonly [base: string, body: object])[] = [
    [site.at(guess), attempt],
    [site.at(`${secret}x`), attempt],
    [`http://${guess}@${host}`, attempt],
    [`http://ann:${guess}@${host}`, { ...attempt, actor: { ...actor, user: 'ann' } }],
  ]
  for (const [base, body] of attempts) {
    for (let i = 0; i < 2; i++) {
      const reply = await callSetec(base, 'get', { Name }, { from: FROM })
      expect(reply).toMatchObject({ status: 401, text: 'unable to identify caller\n' })
      expect(tail.next().map((line) => line.body)).toEqual([body])
    }
  }

  const own = site.at(secret)
  const { 'Content-Type': type = '', ...guard } = SETEC_HEADERS
  const silent: readonly (readonly [status: number, run: () => Promise<SetecReply>])[] = [
    [401, () => callSetec(site.http, 'get', { Name })],
    // The guard is looked at before who asks.
    [403, () => callSetec(own, 'get', { Name }, { headers: { 'Content-Type': type } })],
    [403, () => callSetec(site.at(guess), 'get', { Name }, { headers: { 'Content-Type': type } })],
    [400, () => callSetec(own, 'get', { Name }, { headers: guard })],
    [400, () => fetchText(`${own}/api/get`, { method: 'GET', headers: {} })],
    [400, () => callSetec(own, 'get', '{"Name":')],
    // Two credentials, of which two readers could take one each.
    [
      401,
      () =>
        callSetec(own, 'get', { Name }, { headers: { ...SETEC_HEADERS, 'X-Vault-Token': secret } }),
    ],
  ]
  for (const [status, run] of silent) {
    expect((await run()).status, String(run)).toBe(status)
    expect(tail.next(), String(run)).toEqual([])
  }

  // Neither a value nor a credential is anywhere that is written to.
  for (const text of [value, guess, secret]) {
    expect(findCanary(text, site.home.path)).toEqual([])
    for (const child of [gateway.child, daemon]) {
      expect(child.stdout() + child.stderr()).not.toContain(text)
    }
  }
})

test('nothing is told and nothing done without a record; then all goes on', async (context) => {
  await using site = new GatewaySite({ audit: 'free_warning = 0\nfree_low = 0\nfree_least = 0' })
  await using small = await mountSmallDisk(context, site, { part: 'audit' })
  await site.start()
  using admin = await site.initialize()
  await site.startGateway()
  const ann = await makeSetecCaller(admin, 'ann')
  const ben = await makeSetecCaller(admin, 'ben', [])
  const base = site.at(ann.secret)
  const call = (operation: string, body: object): Promise<SetecReply> =>
    callSetec(base, operation, body)
  await call('put', { Name, Value: base64('one') })
  await call('put', { Name, Value: base64('two') })
  await callSetec(site.at(ben.secret), 'list')
  const filling = `${small.path}/filling`
  await waitFor(
    async () => {
      fillDisk(filling)
      return (await call('info', { Name })).status === 500
    },
    { intervalMs: 1, what: 'the log to be full', timeoutMs: 30_000 },
  )
  const refused = { status: 500, text: 'internal error\n' }
  for (const [operation, body] of [
    ['get', { Name }],
    ['get', { Name, Version: 2 }],
    ['get', { Name, Version: 2, UpdateIfChanged: true }],
    ['get', { Name: 'none' }],
    ['info', { Name }],
    ['list', {}],
    ['put', { Name, Value: base64('three') }],
    ['create-version', { Name, Version: 3, Value: base64('three') }],
    ['activate', { Name, Version: 2 }],
    ['delete-version', { Name, Version: 2 }],
    ['delete', { Name }],
  ] as const) {
    expect(await call(operation, body), operation).toMatchObject(refused)
  }
  // A denial has no record either, so that it is not told.
  expect(await callSetec(site.at(ben.secret), 'get', { Name })).toMatchObject(refused)
  const poll = { Name, Version: 1, UpdateIfChanged: true }
  expect((await call('get', poll)).status).toBe(304)

  rmSync(filling)
  await waitFor(async () => (await call('get', { Name })).status === 200, { timeoutMs: 30_000 })
  expect((await call('info', { Name })).json).toEqual({ Name, Versions: [1, 2], ActiveVersion: 1 })
  expect(secretIn(await call('get', { Name }))).toBe('one')
  // Changes wait until the log has its reserve again.
  const last = await waitFor(
    async () => {
      const reply = await call('put', { Name, Value: base64('three') })
      return reply.status === 200 && reply.text
    },
    { timeoutMs: 30_000 },
  )
  expect(last).toBe('3')
})
