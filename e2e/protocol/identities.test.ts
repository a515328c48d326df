/** What changes of identities and policies do to requests that are under way, as raw frames, pipelined. */
import { waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf } from '../lib/authenticator.ts'
import { type Site, startSite } from '../lib/site.ts'
import { ERROR, type Reply, type RequestKind, TYPE, Wire } from '../lib/wire.ts'

let running: Awaited<ReturnType<typeof startSite>>
let site: Site
let admin: Wire

beforeAll(async () => {
  running = await startSite({ config: 'rate_limit_attempts = 100' })
  ;({ site, admin } = running)
})
afterAll(async () => {
  await running?.[Symbol.asyncDispose]()
})

const USER_PASSWORD = 'Very-Strong-Phrase-9'

interface User {
  readonly name: string
  readonly wire: Wire
}

/** An account that has a key in the subtree of its name, logged in. */
async function open(name: string, more: object = {}): Promise<User> {
  await admin.ok('user', { op: 'add', user: name, password: USER_PASSWORD, ...more })
  await admin.ok('set', { key: `/of/${name}`, value: 'seen' })
  return { name, wire: await Wire.login(site.socket, name, USER_PASSWORD) }
}

/** A policy about the key of an account. */
function policyOf(name: string, effect: 'allow' | 'deny', principal: string): object {
  const rule = {
    id: 'r',
    effect,
    principals: [principal],
    actions: ['read'],
    resources: [`/of/${name}`],
  }
  return { id: `${effect}-${name}`, rules: [rule] }
}

const allow = (name: string, principal: string) =>
  admin.ok('policy', { op: 'set', document: policyOf(name, 'allow', principal) })

/** Reads that go on without waiting for answers, and what each of them found. */
class Reads {
  readonly seen: string[] = []
  sent = 0
  readonly #wire: Wire
  readonly #done: Promise<void>
  #going = true

  constructor(wire: Wire, key: string) {
    this.#wire = wire
    const frame = wire.frame('get', { key })
    const ask = (): void => {
      for (let i = 0; i < 8; i++) wire.socket.write(frame)
      this.sent += 8
    }
    ask()
    this.#done = (async () => {
      while (this.seen.length < this.sent) {
        const { type, body } = await wire.next()
        this.seen.push(type === ERROR ? body.reason : body.value)
        if (this.#going && this.sent - this.seen.length < 8) ask()
      }
    })()
  }

  async end(): Promise<void> {
    this.#going = false
    await this.#done
    expect(this.#wire.received).toBeGreaterThanOrEqual(this.sent)
  }
}

/** Make a change while somebody reads, who reads on for a while. */
async function during(reads: Reads, change: () => Promise<unknown>): Promise<void> {
  const from = reads.seen.length
  await waitFor(() => reads.seen.length > from + 16, { intervalMs: 1 })
  await change()
  const { sent } = reads
  await waitFor(() => reads.seen.length > sent + 16, { intervalMs: 1 })
}

/** Answers without those that are like the one before. */
function runsOf(seen: readonly string[]): string[] {
  return seen.filter((one, index) => one !== seen[index - 1])
}

test('a policy holds for the next operation of every session, and of the same connection', async () => {
  const { name, wire } = await open('next')
  const key = `/of/${name}`
  await allow(name, `user:${name}`)
  const reads = new Reads(wire, key)
  const deny = policyOf(name, 'deny', `user:${name}`)
  let from = 0
  await during(reads, async () => {
    await admin.ok('policy', { op: 'set', document: deny })
    from = reads.sent
  })
  expect(new Set(reads.seen.slice(from))).toEqual(new Set(['ACCESS_DENIED']))
  await during(reads, async () => {
    await admin.ok('policy', { op: 'delete', policy: `deny-${name}` })
    from = reads.sent
  })
  expect(new Set(reads.seen.slice(from))).toEqual(new Set(['seen']))
  await reads.end()
  expect(runsOf(reads.seen)).toEqual(['seen', 'ACCESS_DENIED', 'seen'])

  // One write on one connection, without an answer between them.
  const mine = policyOf(name, 'deny', 'role:admin')
  const frames = [
    admin.frame('get', { key }),
    admin.frame('policy', { op: 'set', document: mine }),
    admin.frame('get', { key }),
    admin.frame('policy', { op: 'delete', policy: `deny-${name}` }),
    admin.frame('get', { key }),
  ]
  admin.socket.write(Buffer.concat(frames))
  const types: number[] = []
  for (const _ of frames) types.push((await admin.next()).type)
  expect(types).toEqual([TYPE.get + 1, TYPE.policy + 1, ERROR, TYPE.policy + 1, TYPE.get + 1])
})

/** What takes an account's access away at once, and what brings it back. */
const CHANGES: readonly [
  what: string,
  away: (name: string) => [RequestKind, object],
  sees: string,
][] = [
  [
    'leaves its group',
    (name) => ['group', { op: 'leave', kind: 'group', name: 'sight', user: name }],
    'ACCESS_DENIED',
  ],
  [
    'gets other groups',
    (name) => ['user', { op: 'groups', user: name, groups: [] }],
    'ACCESS_DENIED',
  ],
  ['is disabled', (name) => ['user', { op: 'disable', user: name }], 'SESSION_INVALID'],
  ['is revoked', (name) => ['user', { op: 'revoke', user: name }], 'SESSION_INVALID'],
  ['is removed', (name) => ['user', { op: 'remove', user: name }], 'SESSION_INVALID'],
]

test('an account that loses what it was sees it at its next operation, by password and by token', async () => {
  await admin.ok('group', { op: 'add', kind: 'group', name: 'sight' })
  for (const [index, [what, away, sees]] of CHANGES.entries()) {
    const { name, wire } = await open(`loser-${index}`, { groups: ['sight'] })
    await allow(name, 'group:sight')
    const { secret } = await admin.ok('token', { op: 'create', user: name, boundary: 'full' })
    using bearer = await Wire.open(site.socket)
    bearer.session = (await bearer.ok('auth', { token: secret })).session_id
    const both = [wire, bearer].map((one) => new Reads(one, `/of/${name}`))
    await Promise.all(both.map((reads) => waitFor(() => reads.seen.length > 16, { intervalMs: 1 })))
    await admin.ok(...away(name))
    const sent = both.map((reads) => reads.sent)
    await Promise.all(
      both.map((reads, at) =>
        waitFor(() => reads.seen.length > (sent[at] as number) + 16, { intervalMs: 1 }),
      ),
    )
    for (const [at, reads] of both.entries()) {
      await reads.end()
      expect(new Set(reads.seen.slice(sent[at])), what).toEqual(new Set([sees]))
      expect(runsOf(reads.seen), what).toEqual(['seen', sees])
    }
    wire.close()
  }
})

test('a counted token over three connections and two sessions: exactly its uses succeed', async () => {
  const uses = 7
  const each = 12
  const { secret, tokens } = await admin.ok('token', { op: 'create', boundary: 'full', uses })
  const wires = await Promise.all([1, 2, 3].map(() => Wire.open(site.socket)))
  const [first, second, third] = wires as [Wire, Wire, Wire]
  first.session = (await first.ok('auth', { token: secret })).session_id
  second.session = (await second.ok('auth', { token: secret })).session_id
  third.session = second.session
  // What is no operation costs nothing.
  for (let i = 0; i < 20; i++) {
    expect(await first.ok('whoami', {})).toMatchObject({ token: tokens[0].token })
    await second.ok('status', {})
  }
  const left = async () =>
    (await admin.ok('token', { op: 'list' })).tokens.find(
      ({ token }: { token: string }) => token === tokens[0].token,
    )?.uses_left
  expect(await left()).toBe(uses)
  // One that is refused costs one, too.
  expect(await first.refused('get', { key: '/counted/none' })).toMatchObject({
    reason: 'STORAGE_KEY_NOT_FOUND',
  })
  expect(await left()).toBe(uses - 1)

  const answers: Reply[] = []
  await Promise.all(
    wires.map(async (wire, w) => {
      const frames = Array.from({ length: each }, (_, i) =>
        wire.frame('set', { key: `/counted/${w}-${i}`, value: 'x', id: `${w}-${i}` }),
      )
      wire.socket.write(Buffer.concat(frames))
      for (let i = 0; i < each; i++) answers.push(await wire.next())
    }),
  )
  const good = answers.filter(({ type }) => type !== ERROR).map(({ body }) => body.id)
  expect(good).toHaveLength(uses - 1)
  for (const { body } of answers.filter(({ type }) => type === ERROR)) {
    expect(['AUTH_FAILED', 'SESSION_INVALID']).toContain(body.reason)
  }
  const { keys } = await admin.ok('list', { prefix: '/counted' })
  expect([...keys].sort()).toEqual(good.map((id) => `/counted/${id}`).sort())
  expect(await left()).toBeUndefined()
  const written = site
    .records()
    .filter(({ body }) => body.outcome === 'ok' && body.paths.some((path) => keys.includes(path)))
  expect(written).toHaveLength(uses - 1)
  for (const wire of wires) {
    expect((await wire.refused('get', { key: '/counted/none' })).reason).toBe('SESSION_INVALID')
    expect((await wire.ask('auth', { token: secret })).body).toMatchObject({ success: false })
    wire.close()
  }
})

test('a code that ten connections show at the same time opens one session', async () => {
  const { name, wire } = await open('holder')
  const { secret } = await wire.ok('mfa', { op: 'begin', password: USER_PASSWORD })
  const { recovery_codes: codes } = await wire.ok('mfa', { op: 'confirm', code: codeOf(secret) })
  wire.close()
  for (const otp of [codeOf(secret, 1), codes[0]]) {
    const wires = await Promise.all(Array.from({ length: 10 }, () => Wire.open(site.socket)))
    const request = { username: name, password: USER_PASSWORD, otp }
    const answers = await Promise.all(wires.map((one) => one.ask('auth', request)))
    const good = answers.filter(({ body }) => body.success)
    expect(good, otp.length === 6 ? 'one-time code' : 'recovery code').toHaveLength(1)
    expect(answers.filter(({ body }) => body.session_id !== undefined)).toHaveLength(1)
    for (const one of wires) one.close()
  }
})

test('what an account was is nothing that another one of its name has', async () => {
  const { name, wire } = await open('phoenix', { groups: [] })
  await allow(name, `user:${name}`)
  await admin.ok('set', { key: `/user/${name}/own`, value: 'his' })
  const { secret } = await admin.ok('token', { op: 'create', user: name, boundary: 'full' })
  expect(await wire.ok('get', { key: `/of/${name}` })).toMatchObject({ value: 'seen' })
  const before = (await wire.ok('whoami', {})).account

  // Pipelined, so that nothing of the old one is noticed as gone in between.
  await admin.ok('versions', { op: 'purge', key: `/user/${name}`, recursive: true })
  const add = { op: 'add', user: name, password: USER_PASSWORD }
  admin.socket.write(
    Buffer.concat([admin.frame('user', { op: 'remove', user: name }), admin.frame('user', add)]),
  )
  expect((await admin.next()).type).toBe(TYPE.user + 1)
  expect((await admin.next()).type).toBe(TYPE.user + 1)
  expect((await wire.refused('get', { key: `/of/${name}` })).reason).toBe('SESSION_INVALID')
  expect((await wire.ask('auth', { token: secret })).body).toMatchObject({ success: false })
  using again = await Wire.login(site.socket, name, USER_PASSWORD)
  expect((await again.ok('whoami', {})).account).not.toBe(before)
  expect((await again.refused('get', { key: `/of/${name}` })).reason).toBe('ACCESS_DENIED')
  const { document } = await admin.ok('policy', { op: 'get', policy: `allow-${name}` })
  expect(JSON.stringify(document)).not.toContain(`user:${name}`)
  wire.close()

  // The same for one that gave its name away.
  const { wire: old } = await open('giver')
  await allow('giver', 'user:giver')
  await admin.ok('user', { op: 'rename', user: 'giver', name: 'taker' })
  expect(await old.ok('whoami', {})).toMatchObject({ user: 'taker' })
  expect(await old.ok('get', { key: '/of/giver' })).toMatchObject({ value: 'seen' })
  expect((await admin.refused('user', { ...add, user: 'giver' })).reason).toBe('ALREADY_EXISTS')
  old.close()
})
