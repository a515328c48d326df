/** Transport cases X1 to X11 of subauth, by Python's sockets; X12 is durability.test.ts. */
import type { SkippableContext } from '@secreg/testkit'
import { waitFor } from '@secreg/testkit'
import { afterAll, expect, test } from 'vitest'
import type { StartedSite } from '../lib/site.ts'
import type { SubauthCaller } from '../lib/subauth-caller.ts'
import { nullsOf, socketsOf } from '../lib/subauth-descriptors.ts'
import {
  OPEN_ZONE,
  requireForeignCallers,
  type SubauthSite,
  startSubauthSite,
  USERS,
} from '../lib/subauth-site.ts'

/** `subauth.max_request_bytes` unless told. */
const MAX_REQUEST_BYTES = 16_384
/** Most descriptors of one packet (SCM_MAX_FD of Linux). */
const MAX_PASSED = 253

let running: Promise<StartedSite<SubauthSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function callerOf(context: SkippableContext, real: number, effective = real) {
  requireForeignCallers(context)
  running ??= startSubauthSite({ zones: { mail: { ...OPEN_ZONE, auto_create: false } } })
  const { site, daemon } = await running
  return { daemon, site, caller: await site.caller(context, real, effective) }
}

const NOP = { request: { cmd: 'nop' } }
const OK = { reply: { error: '' } }
const REFUSED = { reply: { error: expect.stringMatching(/./) } }

/** That this account is not there. */
async function expectNoAccount(root: SubauthCaller, login: string): Promise<void> {
  expect(await root.ask('list-accts', { login })).toEqual({ error: '', login, accounts: [] })
}

test('X1: a stream socket is not connected', async (context) => {
  const { caller } = await callerOf(context, USERS.alice)
  expect(await caller.open('stream', { stream: true })).toEqual({ errno: 'EPROTOTYPE' })
})

test('X2: two requests on one connection, each after the answer before it', async (context) => {
  const { caller } = await callerOf(context, USERS.alice)
  await caller.open()
  expect(await caller.exchange(NOP)).toEqual(OK)
  expect(await caller.exchange({ request: { cmd: 'list-accts' } })).toEqual({
    reply: { error: '', login: 'alice', accounts: [] },
  })
})

test('X3: two packets without waiting are answered in order, one packet each', async (context) => {
  const { caller } = await callerOf(context, USERS.alice)
  await caller.open()
  await caller.send({ request: { cmd: 'list-accts' } })
  await caller.send(NOP)
  expect(await caller.receive()).toEqual({ reply: { error: '', login: 'alice', accounts: [] } })
  expect(await caller.receive()).toEqual(OK)
})

test('X4: a packet above the limit is not parsed, not even what of it would fit', async (context) => {
  const { caller: root } = await callerOf(context, USERS.root)
  const create = JSON.stringify({ cmd: 'create-acct', login: 'carol', zone: 'mail' })
  await root.open('exact')
  const exact = JSON.stringify({ cmd: 'nop' }).padEnd(MAX_REQUEST_BYTES)
  expect(await root.exchange({ text: exact }, 'exact')).toEqual(OK)
  for (const [name, text] of Object.entries({
    'one byte more': create.padEnd(MAX_REQUEST_BYTES + 1),
    'an object and then something else': `${create.padEnd(MAX_REQUEST_BYTES)}{"cmd":"nop"}`,
    'as large as the kernel takes': create.padEnd(200 * 1024),
  })) {
    await root.open(name)
    await root.send({ text }, name)
    const first = await root.receive(name)
    if (first.closed !== true) {
      expect(first, name).toEqual(REFUSED)
      expect(await root.receive(name), name).toEqual({ closed: true })
    }
    await expectNoAccount(root, 'carol')
  }
  const many = await root.open('too large')
  expect(many).toEqual({})
  expect(await root.send({ text: create.padEnd(1024 * 1024) }, 'too large')).toEqual({
    errno: 'EMSGSIZE',
  })
  expect(await root.exchange(NOP, 'too large')).toEqual(OK)
})

test('X5: an empty packet ends the connection', async (context) => {
  const { caller } = await callerOf(context, USERS.alice)
  await caller.open()
  expect(await caller.exchange(NOP)).toEqual(OK)
  await caller.send({ text: '' })
  expect(await caller.receive()).toEqual({ closed: true })
})

test('X6: clients that ask and are gone before the answer end nothing but their connection', async (context) => {
  const { caller, daemon } = await callerOf(context, USERS.alice)
  await caller.open('kept')
  expect(await caller.exchange(NOP, 'kept')).toEqual(OK)
  const before = socketsOf(daemon.pid)
  for (let round = 0; round < 200; round++) {
    await caller.open()
    await caller.send({ request: { cmd: round % 2 === 0 ? 'nop' : 'list-accts' } })
    await caller.close()
  }
  expect(await caller.exchange(NOP, 'kept')).toEqual(OK)
  await waitFor(() => socketsOf(daemon.pid) <= before, { what: 'all connections to be closed' })
  expect(daemon.exited).toBe(false)
})

test('X7: who connected as root and has become bob is bob', async (context) => {
  const { caller } = await callerOf(context, USERS.root)
  await caller.open()
  // Nothing that was decided for the packet before it counts for the next one.
  const { reply } = await caller.exchange({ request: { cmd: 'list-accts', login: 'carol' } })
  expect(reply).toEqual({ error: '', login: 'carol', accounts: [] })
  await caller.step('become', { real: USERS.bob })
  await expectBob(context, caller)
})

test('X8: a program of root that bob has started is bob', async (context) => {
  const { caller } = await callerOf(context, USERS.bob, USERS.root)
  await caller.open()
  await expectBob(context, caller)
})

test('X9: root who states that he is bob is bob', async (context) => {
  const { caller } = await callerOf(context, USERS.root)
  await caller.open()
  await expectBob(context, caller, { states: [USERS.bob, USERS.bob] })
  // It was said of those packets alone.
  const { reply } = await caller.exchange({ request: { cmd: 'list-accts' } })
  expect(reply).toEqual({ error: '', login: 'root', accounts: [] })
})

test('X10: descriptors that are passed along are closed, and the packet is served', async (context) => {
  const { caller, daemon } = await callerOf(context, USERS.alice)
  await caller.open()
  expect(await caller.exchange(NOP)).toEqual(OK)
  const before = nullsOf(daemon.pid)
  for (const passes of [1, 2, MAX_PASSED, 1]) {
    expect(await caller.exchange({ ...NOP, passes })).toEqual(OK)
  }
  // Where the kernel can refuse them, it does so once too many wait to be closed.
  let taken = 0
  for (let sent = 0; sent < 20; sent++) {
    const outcome = await caller.send({ ...NOP, passes: 100 })
    if (outcome.errno === undefined) taken++
    else expect(outcome).toEqual({ errno: 'EPERM' })
  }
  expect(taken).toBeGreaterThan(0)
  expect((await caller.step('drain', { count: taken })).replies).toHaveLength(taken)
  await waitFor(() => nullsOf(daemon.pid) === before, { what: 'what was passed to be closed' })
})

test('X11: 200 connections at once are all served', async (context) => {
  const users = [USERS.root, USERS.alice, USERS.bob, USERS.carol]
  const names = Array.from({ length: 50 }, (_, at) => `c${at}`)
  const callers = await Promise.all(users.map(async (uid) => (await callerOf(context, uid)).caller))
  await Promise.all(
    callers.map(async (caller) => {
      expect(await caller.step('crowd', { names })).toEqual({ refused: {} })
    }),
  )
  const served = await Promise.all(
    callers.map((caller) => caller.step('ask_all', { names, ...NOP })),
  )
  for (const { answers } of served) {
    expect(Object.values(answers)).toEqual(names.map(() => OK))
  }
})

/** On an open connection: may do what bob may, and nothing that root may. */
async function expectBob(
  context: SkippableContext,
  caller: SubauthCaller,
  more: object = {},
): Promise<void> {
  const privileged = { cmd: 'create-acct', login: 'bob', zone: 'mail' }
  expect(await caller.exchange({ request: privileged, ...more })).toEqual(REFUSED)
  const others = { cmd: 'list-accts', login: 'alice' }
  expect(await caller.exchange({ request: others, ...more })).toEqual(REFUSED)
  expect(await caller.exchange({ request: { cmd: 'list-accts' }, ...more })).toEqual({
    reply: { error: '', login: 'bob', accounts: [] },
  })
  await expectNoAccount((await callerOf(context, USERS.root)).caller, 'bob')
}
