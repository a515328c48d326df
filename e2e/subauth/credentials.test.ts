/**
 * Who asks, where the kernel says two things: the effective user at the time of the connection, and the real one, or one
 * that root states, with each packet. The weaker counts, and two that are not root are nobody.
 */
import type { SkippableContext } from '@secreg/testkit'
import { afterAll, expect, test } from 'vitest'
import type { StartedSite } from '../lib/site.ts'
import type { SubauthCaller } from '../lib/subauth-caller.ts'
import {
  requireForeignCallers,
  STRANGER,
  type SubauthSite,
  startSubauthSite,
  USERS,
} from '../lib/subauth-site.ts'

let running: Promise<StartedSite<SubauthSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function callerOf(
  context: SkippableContext,
  real: number,
  effective = real,
): Promise<SubauthCaller> {
  requireForeignCallers(context)
  running ??= startSubauthSite()
  return (await running).site.caller(context, real, effective)
}

const LIST = { request: { cmd: 'list-accts' } }

/** Whom the server takes for the sender of a packet on an open connection; undefined when nobody, and it closes. */
async function takenFor(caller: SubauthCaller, more: object = {}): Promise<string | undefined> {
  const { reply } = await caller.exchange({ ...LIST, ...more })
  if (reply?.error === '') return reply.login
  // Then it says no more than that, and is done.
  expect(reply === undefined || Object.keys(reply).length === 1).toBe(true)
  expect(await caller.receive()).toEqual({ closed: true })
  return undefined
}

test('a connection of alice in the hands of bob is nobody’s', async (context) => {
  const caller = await callerOf(context, USERS.root)
  await caller.step('take', { of: USERS.alice })
  await caller.step('become', { real: USERS.bob })
  expect(await takenFor(caller)).toBeUndefined()
})

test('a connection of alice in the hands of bob does not even get a nop', async (context) => {
  const caller = await callerOf(context, USERS.root)
  await caller.step('take', { of: USERS.alice })
  await caller.step('become', { real: USERS.bob })
  const { reply } = await caller.exchange({ request: { cmd: 'nop' } })
  expect(reply?.error).not.toBe('')
  expect(await caller.receive()).toEqual({ closed: true })
})

test('a connection of root in the hands of bob is bob’s', async (context) => {
  const caller = await callerOf(context, USERS.root)
  await caller.step('take', { of: USERS.root })
  await caller.step('become', { real: USERS.bob })
  expect(await takenFor(caller)).toBe('bob')
})

test('a connection of bob in the hands of root is bob’s', async (context) => {
  const caller = await callerOf(context, USERS.root)
  await caller.step('take', { of: USERS.bob })
  expect(await takenFor(caller)).toBe('bob')
  expect(await takenFor(caller, { states: [USERS.root, USERS.root] })).toBe('bob')
  const privileged = { cmd: 'delete-acct', login: 'bob', zone: '*' }
  const { reply } = await caller.exchange({ request: privileged })
  expect(reply?.error).not.toBe('')
})

test('nobody but root may state to be somebody else', async (context) => {
  const caller = await callerOf(context, USERS.bob)
  await caller.open()
  for (const uid of [USERS.root, USERS.alice]) {
    expect(await caller.send({ ...LIST, states: [uid, USERS.bob] })).toEqual({ errno: 'EPERM' })
  }
  expect(await takenFor(caller, { states: [USERS.bob, USERS.bob] })).toBe('bob')
})

test('root may be whom he states, packet by packet', async (context) => {
  const caller = await callerOf(context, USERS.root)
  await caller.open()
  expect(await takenFor(caller, { states: [USERS.bob, USERS.bob] })).toBe('bob')
  expect(await takenFor(caller, { states: [USERS.carol, 0] })).toBe('carol')
  expect(await takenFor(caller)).toBe('root')
  expect(await takenFor(caller, { states: [USERS.root, USERS.bob] })).toBe('root')
})

test('root may not state a third user on a connection of somebody', async (context) => {
  const caller = await callerOf(context, USERS.root)
  await caller.step('take', { of: USERS.alice })
  expect(await takenFor(caller, { states: [USERS.alice, USERS.alice] })).toBe('alice')
  expect(await takenFor(caller, { states: [USERS.carol, USERS.carol] })).toBeUndefined()
})

test('a program with the rights of alice that bob has started is nobody', async (context) => {
  const caller = await callerOf(context, USERS.bob, USERS.alice)
  await caller.open()
  expect(await takenFor(caller)).toBeUndefined()
})

test('a program of bob that root has started is bob', async (context) => {
  // With the effective rights of bob a process of root connects: the packet says root, the connection bob.
  const caller = await callerOf(context, USERS.root, USERS.bob)
  await caller.open()
  expect(await takenFor(caller)).toBe('bob')
})

test('a user without a name has no account, whatever the names of users look like', async (context) => {
  const caller = await callerOf(context, STRANGER)
  expect(await caller.ask('nop')).toEqual({ error: '' })
  expect((await caller.ask('list-zones')).error).toBe('')
  await caller.refused('list-accts')
  await caller.refused('create-token', { zone: 'wiki' })
  await caller.refused('create-token', { zone: 'wiki', login: String(STRANGER) })
})
