/** What a daemon does while the disk of its audit log gets full, over a real socket; thresholds stand in for the disk. */
import { readdirSync, readFileSync } from 'node:fs'
import type { RegistryConnection } from '@secreg/client'
import { SecregError } from '@secreg/protocol'
import { waitFor } from '@secreg/testkit'
import { expect, type TestContext, test } from 'vitest'
import {
  ADMIN,
  freeBytes,
  PASSPHRASE,
  PASSWORD,
  type RunningDaemon,
  runDaemon,
} from './running-daemon.ts'

const TIB = 1024 ** 4
const LOGIN = { username: ADMIN, password: PASSWORD }

const THRESHOLDS = {
  ok: [0, 0, 0],
  warning: [TIB, 0, 0],
  low: [0, TIB, 0],
  least: [0, 0, TIB],
} as const

function linesOf(level: keyof typeof THRESHOLDS): string {
  const [warning, low, least] = THRESHOLDS[level]
  return `audit.free_warning = ${warning}\naudit.free_low = ${low}\naudit.free_least = ${least}`
}

async function start(context: TestContext): Promise<RunningDaemon> {
  const running = await runDaemon(linesOf('ok'))
  if (freeBytes(running.home.path) >= TIB) context.skip('the disk has more room than a threshold')
  return running
}

/** Bring it to a level, and wait until it is there. */
async function bring(running: RunningDaemon, level: keyof typeof THRESHOLDS): Promise<void> {
  await running.daemon.configure(running.configOf(linesOf(level)))
  await waitFor(async () =>
    (await running.daemon.host.metricsText()).includes(`audit_room_level{level="${level}"} 1`),
  )
}

async function reasonOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer
    return 'ok'
  } catch (error) {
    if (!SecregError.is(error)) throw error
    return error.reason
  }
}

function recordsOf({
  home,
}: RunningDaemon): { body: { action: string; reason?: string; count?: number } }[] {
  const directory = home.file('audit')
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(`${directory}/${name}`, 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line))
}

const reads = (admin: RegistryConnection) => reasonOf(admin.get({ key: '/a' }))
const writes = (admin: RegistryConnection) => reasonOf(admin.set({ key: '/a', value: 'y' }))

test('warning: told in the status, nothing is refused', async (context) => {
  const running = await start(context)
  const admin = await running.initialize()
  expect((await admin.status()).warnings).toBeUndefined()
  await bring(running, 'warning')
  expect((await admin.status()).warnings).toEqual([expect.stringContaining('MiB left')])
  const stranger = await running.connect()
  expect((await stranger.status()).warnings).toBeUndefined()
  expect(await stranger.auth(LOGIN)).toMatchObject({ success: true })
})

test('low: strangers are refused before anything is done, sessions go on', async (context) => {
  const running = await start(context)
  const admin = await running.initialize()
  await admin.set({ key: '/a', value: 'x' })
  await bring(running, 'low')
  const before = recordsOf(running).length
  const stranger = await running.connect()
  const since = performance.now()
  for (let i = 0; i < 30; i++) {
    expect(await reasonOf(stranger.auth(LOGIN))).toBe('BUSY')
    expect(await reasonOf(stranger.get({ key: '/a' }))).toBe('BUSY')
    expect(await reasonOf(stranger.seal({ op: 'lock' }))).toBe('BUSY')
  }
  const refused = () =>
    recordsOf(running)
      .slice(before)
      .map(({ body }) => body)
  const counted = () => refused().reduce((sum, { count = 0 }) => sum + count, 0)
  await waitFor(() => counted() === 90)
  for (const body of refused()) expect(body).toMatchObject({ action: 'auth', reason: 'BUSY' })
  expect(refused().length).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - since) / 1000))
  // An invalid session is a stranger too.
  expect((await stranger.status()).state).toBe('unsealed')
  expect(await reads(admin)).toBe('ok')
  expect(await writes(admin)).toBe('ok')
  expect((await admin.status()).warnings).toEqual([expect.stringContaining('logins are refused')])
  const doctor = await admin.maintain({ op: 'doctor' })
  expect(doctor.findings).toContainEqual(
    expect.objectContaining({ check: 'disk of the log', level: 'fault' }),
  )
  await admin.seal({ op: 'lock' })
  expect(await stranger.seal({ op: 'unlock', passphrase: PASSPHRASE })).toEqual({
    state: 'unsealed',
  })
  await bring(running, 'ok')
  expect(await stranger.auth(LOGIN)).toMatchObject({ success: true })
})

test('least: the gate is shut for everybody, nothing is recorded, and it opens by itself', async (context) => {
  const running = await start(context)
  const admin = await running.initialize()
  await admin.set({ key: '/a', value: 'x' })
  await bring(running, 'least')
  const before = recordsOf(running).length
  const stranger = await running.connect()
  for (let i = 0; i < 20; i++) {
    expect(await reads(admin)).toBe('AUDIT_FAILED')
    expect(await writes(admin)).toBe('AUDIT_FAILED')
    expect(await reasonOf(stranger.auth(LOGIN))).toBe('AUDIT_FAILED')
    expect(await reasonOf(stranger.get({ key: '/a' }))).toBe('AUDIT_FAILED')
    expect(await reasonOf(stranger.maintain({ op: 'metrics' }))).toBe('AUDIT_FAILED')
    expect(await reasonOf(stranger.seal({ op: 'unlock', passphrase: 'x' }))).toBe('AUDIT_FAILED')
  }
  expect((await stranger.hello()).server).toContain('secregd')
  expect((await admin.status()).warnings).toEqual([expect.stringContaining('every operation')])
  expect(recordsOf(running)).toHaveLength(before)
  expect((await admin.maintain({ op: 'metrics' })).metrics).toContain('level="least"} 1')
  expect(recordsOf(running)).toHaveLength(before + 1)
  await bring(running, 'ok')
  expect(await reads(admin)).toBe('ok')
  expect((await admin.get({ key: '/a' })).value).toBe('x')
  expect((await admin.status()).warnings).toBeUndefined()
})

test('a daemon that starts on a full disk refuses from its first request on', async (context) => {
  const running = await runDaemon(linesOf('least'))
  if (freeBytes(running.home.path) >= TIB) context.skip('the disk has more room than a threshold')
  const stranger = await running.connect()
  const init = {
    op: 'init',
    passphrase: PASSPHRASE,
    admin: ADMIN,
    admin_password: PASSWORD,
  } as const
  expect(await reasonOf(stranger.seal(init))).toBe('AUDIT_FAILED')
  expect(await stranger.status()).toMatchObject({ state: 'uninitialized' })
})
