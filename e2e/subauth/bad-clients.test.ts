/** Clients that send what is no request, more than they may, or take no answers: they harm nobody else. */
import { type SkippableContext, waitFor } from '@secreg/testkit'
import { afterAll, describe, expect, test } from 'vitest'
import { MIB, residentBytes } from '../lib/gateway-processes.ts'
import { slowdown } from '../lib/probe.ts'
import type { StartedSite } from '../lib/site.ts'
import type { SubauthCaller, SubauthOutcome } from '../lib/subauth-caller.ts'
import { socketsOf } from '../lib/subauth-descriptors.ts'
import {
  requireForeignCallers,
  STRANGER,
  type SubauthSite,
  startSubauthSite,
  USERS,
} from '../lib/subauth-site.ts'

/** Others may be slower by this meanwhile; measured is less than 2. */
const FACTOR = 5
/** Memory that the daemon may take meanwhile: what its heap keeps until it has to tidy. */
const GROWTH_BYTES = 64 * MIB
/** `limits.max_connections_per_uid` unless told. */
const CONNECTIONS_PER_UID = 64

const NOP = { request: { cmd: 'nop' } }
const OK = { reply: { error: '' } }

let running: Promise<StartedSite<SubauthSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

/** One daemon for all of them, as it would be. */
async function everybody(context: SkippableContext) {
  requireForeignCallers(context)
  running ??= startSubauthSite()
  const { daemon, site } = await running
  const bob = await site.caller(context, USERS.bob)
  await bob.open()
  await bob.exchange(NOP)
  const stranger = await site.caller(context, STRANGER)
  return { daemon, site, bob, stranger, pids: [daemon.pid] }
}

/** Median time of requests of somebody on a connection that he keeps, milliseconds. */
async function medianMs(caller: SubauthCaller, count = 200): Promise<number> {
  const request = { cmd: 'list-zones' }
  const { seconds } = (await caller.step('timed', { request, count })) as { seconds: number[] }
  return 1000 * (seconds.toSorted((a, b) => a - b)[seconds.length >> 1] as number)
}

const base64 = (...bytes: number[]): string => Buffer.from(bytes).toString('base64')
const nested = (depth: number, [open, close]: readonly [string, string]): string =>
  open.repeat(depth) + close.repeat(depth)

/** Packets that are no requests: each has an error for an answer, or the end of the connection, or both. */
const BAD: Readonly<Record<string, { text: string } | { base64: string }>> = {
  'not JSON': { text: '{nope' },
  'nothing but white space': { text: ' \n' },
  'a cut object': { text: '{"cmd":"nop"' },
  'two objects': { text: '{"cmd":"nop"}{"cmd":"nop"}' },
  'an array': { text: '["nop"]' },
  'a text': { text: '"nop"' },
  null: { text: 'null' },
  'a number': { text: '1e999' },
  'one NUL': { base64: base64(0) },
  'a NUL behind the object': { base64: Buffer.from('{"cmd":"nop"}\0').toString('base64') },
  'a NUL within a name': { base64: Buffer.from('{"cmd":"nop\0"}').toString('base64') },
  'a byte that is no UTF-8': { base64: base64(0xff) },
  'no UTF-8 within a text': {
    base64: Buffer.concat([
      Buffer.from('{"cmd":"nop","x":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ]).toString('base64'),
  },
  'an overlong form': {
    base64: Buffer.concat([
      Buffer.from('{"cmd":"nop","x":"'),
      Buffer.from([0xc0, 0xaf]),
      Buffer.from('"}'),
    ]).toString('base64'),
  },
  'UTF-16': { base64: Buffer.from('{"cmd":"nop"}', 'utf16le').toString('base64') },
  'a byte order mark': { base64: Buffer.from('\ufeff{"cmd":"nop"}').toString('base64') },
  'a key twice': { text: '{"cmd":"nop","cmd":"nop"}' },
  'a key twice, spelled in two ways': { text: '{"cmd":"nop","\\u0063md":"nop"}' },
  'a key twice, further down': { text: '{"cmd":"nop","x":{"a":1,"a":2}}' },
  'deep arrays': { text: nested(8000, ['[', ']']) },
  'deep arrays in a field': { text: `{"cmd":"nop","x":${nested(8000, ['[', ']'])}}` },
  'deep objects in a field': { text: `{"cmd":"nop","x":${nested(2500, ['{"a":', '}'])}}` },
  'deep arrays that do not end': { text: '['.repeat(16_000) },
  'no command': { text: '{}' },
  'a command of another type': { text: '{"cmd":{"cmd":"nop"}}' },
  'a command that objects have': { text: '{"cmd":"constructor"}' },
  'a command by inheritance': { text: '{"__proto__":{"cmd":"nop"}}' },
  'a command in other letters': { text: '{"cmd":"NOP"}' },
  'a command with blanks': { text: '{"cmd":" nop"}' },
  'a wrong zone': { text: '{"cmd":"create-token","zone":"../../etc"}' },
  'a zone that objects have': { text: '{"cmd":"create-token","zone":"__proto__"}' },
  'all zones': { text: '{"cmd":"create-token","zone":"*"}' },
  'half a character in a comment': {
    text: '{"cmd":"create-token","zone":"wiki","comment":"\\ud800"}',
  },
  'a line break in a comment': { text: '{"cmd":"create-token","zone":"wiki","comment":"a\\nb"}' },
  'a number for a text': { text: '{"cmd":"create-token","zone":1}' },
  'an infinite number': { text: '{"cmd":"create-temp","zone":"wiki","validity":1e999}' },
  'a number with a fraction': { text: '{"cmd":"create-temp","zone":"wiki","validity":1.5}' },
  'a flag that is a text': { text: '{"cmd":"allow-passwd-auth","zone":"wiki","allow":"1"}' },
  'a flag that is 2': { text: '{"cmd":"allow-passwd-auth","zone":"wiki","allow":2}' },
}

describe('packets that are no requests', () => {
  test('each is refused, and the next one served', async (context) => {
    const { bob, daemon, site } = await everybody(context)
    const alice = await site.caller(context, USERS.alice)
    const records = site.records().length
    for (const [what, packet] of Object.entries(BAD)) {
      await alice.open(what)
      const first: SubauthOutcome = await alice.exchange(packet, what)
      if (first.closed !== true) {
        expect(first, what).toEqual({ reply: { error: expect.stringMatching(/./) } })
        await alice.send(NOP, what)
        const next = await alice.receive(what)
        expect([JSON.stringify(OK), '{"closed":true}'], what).toContain(JSON.stringify(next))
      }
      await alice.close(what)
    }
    expect(await bob.exchange(NOP)).toEqual(OK)
    expect(await alice.ask('list-accts')).toEqual({ error: '', login: 'alice', accounts: [] })
    // Nothing of it was looked up, and nothing is a fault of ours.
    const found = site.records().slice(records, -1)
    expect(found.filter(({ body }) => body.outcome === 'ok')).toEqual([])
    expect(daemon.stderr()).not.toMatch(/internal error|uncaught|unhandled/i)
  })

  test('packets as large as the kernel takes, again and again', async (context) => {
    const { bob, pids, stranger } = await everybody(context)
    await medianMs(bob)
    const before = { ms: await medianMs(bob), bytes: residentBytes(pids) }
    const text = 'x'.repeat(200 * 1024)
    for (let round = 0; round < 100; round++) {
      await stranger.open('large')
      const first = await stranger.exchange({ text }, 'large')
      expect(first.closed === true || first.reply?.error !== '').toBe(true)
      await stranger.close('large')
    }
    expect(residentBytes(pids)).toBeLessThan(before.bytes + GROWTH_BYTES)
    expect(slowdown(before.ms, await medianMs(bob))).toBeLessThan(FACTOR)
  })
})

test('a thousand packets without reading an answer are answered in their order, and nobody waits for it', async (context) => {
  const { bob, pids, site } = await everybody(context)
  const root = await site.caller(context, USERS.root)
  await medianMs(bob)
  const before = { ms: await medianMs(bob), bytes: residentBytes(pids) }
  // Three kinds of answers, in an order that does not repeat soon.
  const kinds = Array.from({ length: 1000 }, (_, at) => (at * at + (at >> 3)) % 3)
  const requests = kinds.map((kind) => ({ cmd: ['nop', 'list-accts', 'none-such'][kind] }))
  await root.open('main', { send_buffer: 8 * MIB })
  expect(await root.step('stuff', { requests })).toEqual({ taken: 1000 })
  expect(slowdown(before.ms, await medianMs(bob))).toBeLessThan(FACTOR)
  expect(residentBytes(pids)).toBeLessThan(before.bytes + GROWTH_BYTES)
  const { replies } = await root.step('drain', { count: 1000 })
  const answers = (replies as { error: string; login?: string }[]).map(({ error, login }) =>
    error !== '' ? 2 : login === 'root' ? 1 : 0,
  )
  expect(answers).toEqual(kinds)
  expect(await root.exchange(NOP)).toEqual(OK)
})

test('clients that never take their answers are held up by themselves', async (context) => {
  const { bob, daemon, pids, stranger } = await everybody(context)
  const names = Array.from({ length: 20 }, (_, at) => `slow-${at}`)
  const requests = Array.from({ length: 1000 }, () => ({ cmd: 'list-zones' }))
  const fds = socketsOf(daemon.pid)
  const flood = async (): Promise<void> => {
    for (const name of names) await stranger.open(name)
    // The kernel takes more for as long as the server does.
    let taken = 0
    await waitFor(
      async () => {
        let more = 0
        for (const name of names) more += (await stranger.step('stuff', { name, requests })).taken
        taken += more
        return more === 0
      },
      { timeoutMs: 40_000 },
    )
    expect(taken).toBeGreaterThan(10 * names.length)
  }
  const leave = async (): Promise<void> => {
    for (const name of names) await stranger.close(name)
    await waitFor(() => socketsOf(daemon.pid) === fds, { what: 'their connections to be closed' })
  }
  // What the heap takes for so many requests is not what the clients hold.
  await flood()
  await leave()
  await medianMs(bob)
  const before = { ms: await medianMs(bob), bytes: residentBytes(pids) }
  await flood()
  expect(slowdown(before.ms, await medianMs(bob))).toBeLessThan(FACTOR)
  expect(residentBytes(pids)).toBeLessThan(before.bytes + GROWTH_BYTES)
  await leave()
  expect(await bob.exchange(NOP)).toEqual(OK)
})

test('one user has so many connections, and not one more; others are served', async (context) => {
  const { bob, site } = await everybody(context)
  const alice = await site.caller(context, USERS.alice)
  const names = Array.from({ length: CONNECTIONS_PER_UID + 10 }, (_, at) => `c${at}`)
  const crowd = async () => {
    await alice.step('crowd', { names })
    return (await alice.step('ask_all', { names, ...NOP })).answers as Record<string, object>
  }
  const counted = (answers: Record<string, object>): number =>
    Object.values(answers).filter((one) => JSON.stringify(one) === JSON.stringify(OK)).length
  const answers = await crowd()
  expect(counted(answers)).toBe(CONNECTIONS_PER_UID)
  // The first ones are those that stay.
  expect(names.slice(0, CONNECTIONS_PER_UID).map((name) => answers[name])).toEqual(
    Array(CONNECTIONS_PER_UID).fill(OK),
  )
  for (const name of names.slice(CONNECTIONS_PER_UID)) {
    expect(answers[name]).not.toEqual(OK)
    await alice.close(name)
  }
  expect(await bob.exchange(NOP)).toEqual(OK)
  await bob.open('another')
  expect(await bob.exchange(NOP, 'another')).toEqual(OK)
  // One that goes makes room for one.
  await alice.close('c0')
  await waitFor(async () => {
    await alice.open('next')
    const { reply } = await alice.exchange(NOP, 'next')
    return reply?.error === ''
  })
})
