/** The subauth door over a real registry; who sends is stated by the test. */
import { ByteBudget } from '@secreg/host'
import { createCanary, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { RESERVED_BYTES } from '../../src/subauth/subauth-connection.ts'
import { ADMIN, PASSPHRASE, PASSWORD, type RunningDaemon, runDaemon } from '../running-daemon.ts'
import { ALICE, BOB, NAMELESS, open, ROOT, recordsOf, USERS } from './packets.ts'

const OVERFLOW = { pid: 1, uid: 65_534, gid: 65_534 }

/** A daemon with a zone in which everything is allowed. */
async function start(more = ''): Promise<RunningDaemon> {
  const running = await runDaemon(more, { users: USERS })
  const admin = await running.initialize()
  await admin.zone({
    op: 'add',
    zone: 'mail',
    allow_passwd: true,
    allow_tokens: true,
    allow_passwd_auth: true,
    max_temp_validity_s: 3600,
    auto_create: true,
  })
  return running
}

const nop = { cmd: 'nop' }
const createAcct = { cmd: 'create-acct', zone: 'mail', login: 'alice' }
const setPasswd = { cmd: 'set-passwd', zone: 'mail', passwd: 'correct horse battery' }
const login = { cmd: 'login', zone: 'mail', login: 'alice', passwd: 'correct horse battery' }
const NOT_PERMITTED = { error: 'not permitted' }
const OK = { error: '' }

test('nop asks neither the registry nor the users', async () => {
  const running = await runDaemon()
  const users = { ...USERS, loginOf: () => Promise.reject(new Error('asked')) }
  for (const peer of [ROOT, ALICE, NAMELESS, OVERFLOW]) {
    expect(await open(running, peer, { users }).ask(nop)).toEqual(OK)
  }
  expect(recordsOf(running)).toEqual([])
  expect(await open(running, ALICE).ask(setPasswd)).toEqual({
    error: 'the server does not serve this now; try again later',
  })
})

test('what is done for whom leaves one record each, by whom the kernel says it was', async () => {
  const running = await start()
  const root = open(running, ROOT)
  const alice = open(running, ALICE)
  expect(await root.ask(createAcct)).toEqual(OK)
  expect(await alice.ask(setPasswd)).toEqual(OK)
  expect(await alice.ask(login)).toEqual(OK)
  expect(await alice.ask({ ...login, passwd: 'wrong' })).toEqual({ error: 'login failed' })
  expect(await alice.ask(createAcct)).toEqual(NOT_PERMITTED)
  const records = recordsOf(running)
  expect(records.map(({ actor }) => (actor as { uid: number }).uid)).toEqual([
    0, 1001, 1001, 1001, 1001,
  ])
  for (const { actor } of records) {
    expect(actor).toMatchObject({ door: 'subauth', address: 'subauth', proof: 'kernel' })
  }
  expect(records.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'denied', 'denied'])
  expect(records[0]?.['actor']).toMatchObject({ uid: 0, gid: 0, pid: 100 })
})

test('of connection and packet the weaker counts', async () => {
  const running = await start()
  for (const [connection, packet] of [
    [ROOT, ALICE],
    [ALICE, ROOT],
    [ALICE, ALICE],
  ] as const) {
    const { ask } = open(running, connection)
    expect(await ask(createAcct, packet)).toEqual(NOT_PERMITTED)
    expect(await ask(setPasswd, packet)).toEqual(OK)
    expect(await ask({ cmd: 'list-accts' }, packet)).toMatchObject({ error: '', login: 'alice' })
  }
  const records = recordsOf(running)
  expect(records).toHaveLength(9)
  for (const record of records) expect(record).toMatchObject({ actor: { uid: 1001 } })
})

test('each packet is of whoever sends it', async () => {
  const running = await start()
  const { ask } = open(running, ROOT)
  expect(await ask(createAcct, ROOT)).toEqual(OK)
  expect(await ask({ cmd: 'delete-acct', zone: 'mail', login: 'alice' }, ALICE)).toEqual(
    NOT_PERMITTED,
  )
  expect(await ask({ cmd: 'list-accts' }, BOB)).toMatchObject({ login: 'bob', accounts: [] })
  expect(await ask({ cmd: 'list-accts' }, ALICE)).toMatchObject({ login: 'alice' })
})

test('a packet of another user than the connection is refused, recorded, and ends it', async () => {
  const running = await start()
  for (const [connection, packet, uid] of [
    [ALICE, BOB, 1002],
    [BOB, ALICE, 1001],
    [ALICE, undefined, 1001],
    [ROOT, undefined, 0],
    [undefined, BOB, 1002],
  ] as const) {
    for (const request of [nop, setPasswd]) {
      const { socket } = open(running, connection)
      socket.put(request, packet)
      expect(await socket.reply()).toEqual({
        error: 'the credentials of the connection and of the packet differ',
      })
      await waitFor(() => socket.destroyed)
      expect(recordsOf(running).at(-1)).toMatchObject({
        action: 'auth',
        outcome: 'denied',
        reason: 'ACCESS_DENIED',
        actor: { door: 'subauth', uid },
      })
    }
  }
  expect(recordsOf(running)).toHaveLength(10)
})

test('whoever has no name must give one, and is nobody else', async () => {
  const running = await start()
  for (const nameless of [NAMELESS, OVERFLOW]) {
    const { ask } = open(running, nameless)
    expect(await ask(setPasswd)).toEqual({ error: 'the caller has no login name' })
    expect(await ask({ ...setPasswd, login: 'nobody' })).toEqual(NOT_PERMITTED)
    expect(await ask({ cmd: 'list-zones' })).toMatchObject({ error: '' })
  }
  const before = recordsOf(running).length
  const users = { ...USERS, loginOf: () => Promise.reject(new Error('no answer')) }
  const { ask, errors } = open(running, ROOT, { users })
  expect(await ask(createAcct)).toEqual({ error: 'the server is busy; try again later' })
  expect([recordsOf(running).length, errors]).toEqual([before, []])
  const root = open(running, ROOT)
  expect(await root.ask({ ...createAcct, login: 'carol' })).toEqual({
    error: 'no such zone or user',
  })
})

test('what an account lends to its uid, and loses, counts with the next request', async () => {
  const running = await start()
  const { ask } = open(running, ALICE)
  expect(await ask(setPasswd)).toEqual(OK)
  const admin = await running.connect()
  await admin.auth({ username: ADMIN, password: PASSWORD })
  await admin.group({ op: 'add', kind: 'group', name: 'barred' })
  await admin.policy({
    op: 'set',
    document: {
      id: 'barred',
      rules: [
        {
          id: 'zones',
          effect: 'deny',
          principals: ['group:barred'],
          actions: ['account'],
          resources: ['/'],
        },
      ],
    },
  })
  await admin.user({ op: 'add', user: 'alice', password: PASSWORD })
  await admin.user({ op: 'uids', user: 'alice', uids: [1001] })
  expect(await ask(setPasswd)).toEqual(OK)
  await admin.group({ op: 'join', kind: 'group', name: 'barred', user: 'alice' })
  expect(await ask(setPasswd)).toEqual(NOT_PERMITTED)
  await admin.group({ op: 'leave', kind: 'group', name: 'barred', user: 'alice' })
  expect(await ask(setPasswd)).toEqual(OK)
  await admin.group({ op: 'join', kind: 'group', name: 'barred', user: 'alice' })
  expect(await ask(setPasswd)).toEqual(NOT_PERMITTED)
  await admin.user({ op: 'uids', user: 'alice', uids: [] })
  expect(await ask(setPasswd)).toEqual(OK)
})

test('requests are counted as those of the registry that they are', async () => {
  const running = await start()
  const { ask } = open(running, ALICE)
  await ask(nop)
  await ask(setPasswd)
  await ask(createAcct)
  await ask({ cmd: 'such' })
  const text = await running.daemon.host.metricsText()
  for (const line of [
    'operation="hello",outcome="ok"} 1',
    'operation="zone",outcome="ok"} 1',
    'operation="zone",outcome="denied"} 1',
    'operation="unknown",outcome="failed"} 1',
  ]) {
    expect(text).toContain(`secreg_operations_total{door="subauth",${line}`)
  }
})

test('what is buffered is held against the budget of all', async () => {
  const running = await start()
  const budget = new ByteBudget(2 * RESERVED_BYTES)
  const { socket, ask } = open(running, ALICE, { budget })
  expect(budget.usedBytes).toBe(RESERVED_BYTES)
  expect(await ask({ cmd: 'nop', more: 'x'.repeat(6000) })).toEqual(OK)
  await waitFor(() => budget.usedBytes === RESERVED_BYTES)
  budget.tryTake(RESERVED_BYTES)
  expect(await ask(nop)).toEqual(OK)
  expect(await ask({ cmd: 'nop', more: 'x'.repeat(6000) })).toEqual({
    error: 'the server is busy; try again later',
  })
  await waitFor(() => socket.destroyed && budget.usedBytes === RESERVED_BYTES)

  const slow = open(running, ALICE)
  slow.socket.reads = false
  slow.socket.bufferedBytes = 10_000
  expect(await slow.ask(nop)).toEqual(OK)
  await waitFor(() => slow.budget.usedBytes > 10_000)
  expect(slow.socket.paused).toBe(true)
  slow.socket.reads = true
  slow.socket.drain()
  await waitFor(() => !slow.socket.paused)
  expect(slow.budget.usedBytes).toBe(RESERVED_BYTES)
})

test('refusals take their time, and successes do not', async () => {
  const running = await start()
  const { ask } = open(running, ALICE, { failureDelayMs: 150 })
  const took = async (packet: object): Promise<number> => {
    const since = performance.now()
    await ask(packet)
    return performance.now() - since
  }
  expect(await took(createAcct)).toBeGreaterThanOrEqual(149)
  expect(await took({ ...setPasswd, 'auth-passwd': 'wrong' })).toBeGreaterThanOrEqual(149)
  // Longer than this test may take.
  expect(await open(running, ALICE, { failureDelayMs: 600_000 }).ask(nop)).toEqual(OK)
})

test('another registry in its place is served from the next request on', async () => {
  const running = await start()
  const { ask } = open(running, ROOT)
  expect(await ask({ cmd: 'list-zones' })).toMatchObject({ zones: [{ zone: 'mail' }] })
  const admin = await running.connect()
  await admin.auth({ username: ADMIN, password: PASSWORD })
  await admin.seal({
    op: 'init',
    passphrase: PASSPHRASE,
    admin: ADMIN,
    admin_password: PASSWORD,
    force: true,
  })
  expect(await ask({ cmd: 'list-zones' })).toEqual({ error: '', zones: [] })
})

test('nothing that was sent is in a log or an error', async () => {
  const running = await start()
  const canary = createCanary()
  const { ask, errors } = open(running, ALICE)
  const replies = [
    await ask({ ...setPasswd, passwd: canary }),
    await ask({ ...login, passwd: `${canary}x` }),
    await ask({ ...setPasswd, 'auth-passwd': canary.repeat(2), passwd: canary }),
    await ask({ cmd: canary, passwd: canary }),
    await ask({ ...login, zone: canary }),
  ]
  const all = JSON.stringify([replies, errors, recordsOf(running), running.lines])
  expect(all.includes(canary)).toBe(false)
})
