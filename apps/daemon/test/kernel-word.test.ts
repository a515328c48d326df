/** Who connects by the word of the kernel, and what is without it. */
import { connect as connectSocket, type Socket } from 'node:net'
import { connectRegistry, connectRelay } from '@secreg/client'
import { type SkippableContext, skipTest, waitFor } from '@secreg/testkit'
import { nativeProblem } from '@secreg/unix-socket'
import { expect, onTestFinished, test } from 'vitest'
import { ConnectionCounts } from '../src/server/connection-counts.ts'
import { GatewayGrants } from '../src/server/gateway-grants.ts'
import { KERNEL_WORD, type KernelWord } from '../src/server/kernel-word.ts'
import { ADMIN, PASSWORD, runDaemon } from './running-daemon.ts'

const OWN = process.geteuid?.() ?? -1
const PROBLEM = 'the native part is missing: run npm run build'
const SILENT: KernelWord = { problem: PROBLEM, credentialsOf: () => undefined }

/** A kernel that says what a test wants of each connection. */
function saying(uidOf: () => number | undefined): KernelWord {
  return {
    problem: undefined,
    credentialsOf: () => {
      const uid = uidOf()
      return uid === undefined ? undefined : { pid: 7, uid, gid: uid }
    },
  }
}

function requireNative(context: SkippableContext): void {
  const problem = nativeProblem()
  if (problem !== undefined) skipTest(context, problem)
}

test('a local process is who the kernel says, and logs in as its account', async (context) => {
  requireNative(context)
  const running = await runDaemon()
  const admin = await running.initialize()
  await admin.user({ op: 'uids', user: ADMIN, uids: [OWN] })
  const connection = await running.connect()
  expect(await connection.auth({ kernel: true })).toMatchObject({ success: true })
  expect(await connection.whoami()).toMatchObject({ user: ADMIN, proof: 'kernel' })
  expect(running.lines.filter(({ event }) => event.includes('look alike'))).toEqual([])
})

test('without the kernel’s word everything else works, and it is told', async () => {
  const running = await runDaemon('', { kernel: SILENT })
  const admin = await running.initialize()
  expect(running.lines.filter(({ event }) => event.includes('look alike'))).toEqual([
    expect.objectContaining({ level: 'warn', detail: PROBLEM }),
  ])
  const connection = await running.connect()
  const answer = await connection.auth({ kernel: true })
  expect(answer).toMatchObject({ success: false, error: { reason: 'AUTH_FAILED' } })
  expect(answer.error?.message).toContain('does not learn from the kernel')
  expect(await connection.auth({ username: ADMIN, password: PASSWORD })).toMatchObject({
    success: true,
  })
  const { findings } = await admin.security({ op: 'check' })
  expect(findings.find(({ check }) => check === 'peer credentials')).toMatchObject({
    level: 'warning',
    advice: PROBLEM,
  })
  const doctor = await admin.maintain({ op: 'doctor' })
  expect(doctor.findings?.some(({ check }) => check === 'peer credentials')).toBe(true)
})

test('of a socket that is none, or gone, nothing is learnt, and nothing is thrown', (context) => {
  requireNative(context)
  const gone = connectSocket('/nonexistent/socket').on('error', () => {})
  gone.destroy()
  expect(KERNEL_WORD.credentialsOf(gone)).toBeUndefined()
  expect(KERNEL_WORD.credentialsOf({ _handle: { fd: 0xffff } } as never)).toBeUndefined()
})

test('a connection of which the kernel says nothing any more is not served', async () => {
  const running = await runDaemon('', { kernel: saying(() => undefined) })
  await expect(
    connectRegistry({ socket: running.socket }).then((registry) => registry.status()),
  ).rejects.toThrow(expect.objectContaining({ reason: 'UNREACHABLE' }))
})

test('one user has so many connections, refused ones take nobody’s place, and ended ones count no more', async () => {
  let uid = 1
  const kernel = saying(() => uid)
  const limits = 'limits.max_connections_per_uid = 3\nlimits.max_connections = 5'
  const running = await runDaemon(limits, { kernel })
  const mine = await Promise.all([running.connect(), running.connect(), running.connect()])
  for (const connection of mine) await connection.status()
  const flood: Socket[] = []
  onTestFinished(() => {
    for (const socket of flood) socket.destroy()
  })
  // Some are told why, the others dropped; none of them waits for its answer.
  for (let i = 0; i < 100; i++) flood.push(connectSocket(running.socket).on('error', () => {}))
  const refused = await running.connect()
  await expect(refused.status()).rejects.toThrow()
  expect(running.daemon.host.figures().connections).toBe(3)
  for (const socket of flood.splice(0)) socket.destroy()
  await waitFor(async () => {
    const another = await running.connect()
    const error = await another.status().then(
      () => undefined,
      (failure: { reason: string; message: string }) => failure,
    )
    return error?.reason === 'TOO_MANY_CONNECTIONS' && error.message.includes('of user 1')
  })
  uid = 2
  for (const connection of [await running.connect(), await running.connect()]) {
    await connection.status()
  }
  const sixth = await running.connect()
  await expect(sixth.status()).rejects.toThrow('more than 5 connections')
  uid = 1
  await mine[0]?.close()
  await waitFor(() => running.daemon.host.figures().connections === 4)
  expect(await (await running.connect()).status()).toMatchObject({ state: 'uninitialized' })
})

test('counts of connections: in all, of each user, and of nobody', () => {
  const counts = new ConnectionCounts()
  const limits = { maxConnections: 4, maxConnectionsPerUid: 2 }
  const take = (uid: number | undefined) => {
    const refusal = counts.refusal(uid, limits)
    if (refusal === undefined) counts.add(uid)
    return refusal?.reason
  }
  expect([take(0), take(0), take(0)]).toEqual([undefined, undefined, 'TOO_MANY_CONNECTIONS'])
  expect([take(undefined), take(1), take(2)]).toEqual([
    undefined,
    undefined,
    'TOO_MANY_CONNECTIONS',
  ])
  counts.remove(0)
  expect([take(0), take(0)]).toEqual([undefined, 'TOO_MANY_CONNECTIONS'])
  for (const uid of [0, 0, undefined, 1]) counts.remove(uid)
  expect(counts.all).toBe(0)
})

const ASSERTS = 'tailnet:alice@example.com=root-of-tests'

test.each([
  ['the daemon’s own, where none is named', '', OWN, true],
  ['another, where none is named', '', OWN + 1, false],
  ['the one that is named', 'gateway.user = "4711"', 4711, true],
])('assertions of a gateway whose user is %s', async (_, key, uid, isBelieved) => {
  const config = `gateway.socket = "HOME/g"\ngateway.may_assert = ["${ASSERTS}"]\n${key}`
  let gateway = OWN
  const running = await runDaemon(config, { kernel: saying(() => gateway) })
  await running.initialize()
  gateway = uid
  await using relay = await connectRelay({ socket: running.home.file('g') })
  const answer = await relay.auth({ assertions: ['tailnet:alice@example.com'] })
  expect(answer.success).toBe(isBelieved)
  if (!isBelieved) expect(answer.error).toMatchObject({ reason: 'AUTH_FAILED' })
  // His own credential is his own, whoever carries it; and no uid of a gateway is a caller's.
  const own = await relay.auth({ username: ADMIN, password: PASSWORD })
  expect(own.success).toBe(true)
  expect(await relay.auth({ kernel: true })).toMatchObject({ success: false })
})

test('where a user is named, nobody else may be a gateway, root and the daemon’s own included', async () => {
  let uid = 0
  const config = 'gateway.socket = "HOME/g"\ngateway.user = "4711"'
  const running = await runDaemon(config, { kernel: saying(() => uid) })
  for (uid of [0, 4710, OWN]) {
    await using relay = await connectRelay({ socket: running.home.file('g') })
    await expect(relay.status(), String(uid)).rejects.toThrow(
      expect.objectContaining({ reason: 'ACCESS_DENIED' }),
    )
  }
})

test.each([
  ['cannot be kept to', 'gateway.user = "4711"', SILENT, PROBLEM],
  ['is nobody', 'gateway.user = "no-such-user-here"', saying(() => 0), 'no user'],
  [
    'cannot be supervised',
    'gateway = { user = "4711", supervise = true }',
    saying(() => 0),
    'supervised',
  ],
])('a user of gateways that %s stops the start', async (_, key, kernel, reason) => {
  const text = key.startsWith('gateway =')
    ? key.replace('{', '{ socket = "HOME/g",')
    : `gateway.socket = "HOME/g"\n${key}`
  await expect(runDaemon(text, { kernel })).rejects.toThrow(reason)
})

test('what is asserted is believed without a kernel’s word only where no user is named', () => {
  const settings = {
    socket: '/g',
    group: undefined,
    user: undefined,
    sessionSeconds: 300,
    mayAssert: [ASSERTS],
    supervise: false,
  }
  const believed = (named: number | undefined, uid: number | undefined) =>
    new GatewayGrants(settings, { named, own: 5 }).terms(uid).loginOf('tailnet:alice@example.com')
  expect(believed(undefined, undefined)).toBe('root-of-tests')
  expect(believed(undefined, 5)).toBe('root-of-tests')
  expect(believed(undefined, 6)).toBeUndefined()
  expect(believed(6, 6)).toBe('root-of-tests')
  expect(believed(6, undefined)).toBeUndefined()
  expect(believed(6, 5)).toBeUndefined()
})
