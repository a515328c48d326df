/**
 * Backups that the daemon makes by itself: on time, as many as are kept, whole under kill -9 and on a full disk. Rounds
 * of kill -9: `SECREG_SOAK_ROUNDS`, 6 unless told.
 */
import { randomInt } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  createCanary,
  findCanary,
  requireProgram,
  runChild,
  skipTest,
  waitFor,
} from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { backupsIn, fillStore, names, openSite, pause, scheduled, verify } from '../lib/backups.ts'

vi.setConfig({ testTimeout: 240_000 })

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 6)

test.concurrent('the schedule makes one after each interval, keeps so many, and goes on by a new configuration', async () => {
  await using site = openSite()
  const directory = site.home.file('backups')
  const more = (keep: number): string => `interval = 1\nkeep = ${keep}`
  const key = site.home.file('key')
  const configure = (text: string): void =>
    site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}\n${text}` })
  configure(scheduled(directory, more(2)))
  const daemon = await site.start()
  // Nothing to back up yet.
  using admin = await site.initialize()
  const canary = createCanary()
  await admin.ok('set', { key: '/secret', value: canary, encrypt: true })
  await admin.ok('set', { key: '/plain', value: canary })
  const [first = ''] = await waitFor(() => {
    const found = backupsIn(directory)
    return found.length > 0 && found
  })
  await waitFor(() => !backupsIn(directory).includes(first), { timeoutMs: 30_000 })
  const kept = backupsIn(directory)
  expect(kept.length).toBeLessThanOrEqual(2)
  for (const name of kept) {
    expect(name).toMatch(/^secreg-\d{8}T\d{6}Z-[0-9a-f]{8}\.backup$/)
    expect((statSync(join(directory, name)).mode & 0o777).toString(8)).toBe('600')
  }
  expect((statSync(directory).mode & 0o777).toString(8)).toBe('700')
  const { last_backup: last, warnings } = await admin.ok('status', {})
  expect(last).toMatchObject({ where: 'scheduled', bytes: expect.any(Number) })
  expect(warnings).toBeUndefined()
  expect(await admin.ok('backup', { op: 'status' })).toMatchObject({
    last_scheduled: { where: 'scheduled' },
    schedule: { directory, interval_s: 1 },
  })
  const { findings } = await admin.ok('maintain', { op: 'doctor' })
  expect(findings).toContainEqual(expect.objectContaining({ check: 'backup', level: 'ok' }))

  // Another directory, by a reload.
  const second = site.home.file('second')
  configure(scheduled(second, more(3)))
  daemon.signal('SIGHUP')
  await waitFor(() => backupsIn(second).length === 3, { timeoutMs: 30_000 })
  configure('')
  daemon.signal('SIGHUP')
  await waitFor(() => (daemon.stderr().match(/configuration reloaded/g) ?? []).length === 2)
  await admin.ok('backup', { op: 'status' })
  // What was under way then is finished; after it none is made.
  await daemon.kill('SIGTERM')
  expect(names(second).filter((name) => name.endsWith('.part'))).toEqual([])
  for (const at of [directory, second]) {
    expect(findCanary(canary, at)).toEqual([])
    for (const name of backupsIn(at)) await verify(site, join(at, name))
  }
  expect(daemon.stderr()).not.toContain(canary)
})

test.concurrent('a directory that is open to others, or inside of the store, is refused', async () => {
  await using site = openSite()
  const directory = site.home.file('backups')
  mkdirSync(directory)
  chmodSync(directory, 0o755)
  const key = site.home.file('key')
  const unlock = `[unlock]\nkey_file = ${JSON.stringify(key)}\n`
  site.configure({ config: unlock + scheduled(directory, 'interval = 1') })
  const daemon = await site.start()
  using admin = await site.initialize()
  const { warnings } = await waitFor(async () => {
    const status = await admin.ok('status', {})
    return status.warnings !== undefined && status
  })
  expect(warnings).toEqual([expect.stringContaining('is open to group or others')])
  const { findings } = await admin.ok('maintain', { op: 'doctor' })
  expect(findings).toContainEqual(expect.objectContaining({ check: 'backup', level: 'warning' }))
  expect(names(directory)).toEqual([])
  chmodSync(directory, 0o700)
  await waitFor(() => backupsIn(directory).length > 0)
  await waitFor(async () => (await admin.ok('status', {})).warnings === undefined)
  expect(daemon.stderr().match(/scheduled backups fail/g)).toHaveLength(1)
  await daemon.kill('SIGTERM')
  for (const inside of [site.data, join(site.data, 'x'), join(site.audit, 'deep', 'x')]) {
    site.configure({ config: unlock + scheduled(inside) })
    const child = site.launch()
    expect((await child.exit).code).toBe(1)
    expect(child.stderr()).toContain('backup.directory')
  }
})

test.concurrent('a disk that is full costs no backup that is there, and is told', async (context) => {
  if (process.getuid?.() !== 0) return skipTest(context, 'a disk of its own needs root')
  const mount = requireProgram(context, 'mount')
  await using site = openSite()
  const directory = site.home.file('disk')
  mkdirSync(directory, { mode: 0o700 })
  const options = 'size=8m,mode=0700'
  const mounted = await runChild(mount, ['-t', 'tmpfs', '-o', options, 'tmpfs', directory])
  if (mounted.code !== 0) return skipTest(context, 'no disk can be mounted here')
  try {
    const key = site.home.file('key')
    const more = 'interval = 1\nkeep = 100'
    site.configure({
      config: `[unlock]\nkey_file = ${JSON.stringify(key)}\n${scheduled(directory, more)}`,
    })
    await site.start()
    using admin = await site.initialize()
    await fillStore(admin, 20)
    const { warnings } = await waitFor(
      async () => {
        const status = await admin.ok('status', {})
        return status.warnings !== undefined && status
      },
      { timeoutMs: 60_000 },
    )
    expect(warnings).toEqual([expect.stringContaining('no space left')])
    const there = backupsIn(directory)
    expect(there.length).toBeGreaterThan(0)
    // The next attempt may be under way; it leaves nothing either.
    await waitFor(() => names(directory).every((name) => name.endsWith('.backup')))
    expect(names(directory)).toEqual(there)
    for (const name of there) await verify(site, join(directory, name))
    // It goes on with everything else, and with backups once there is room.
    await admin.ok('set', { key: '/x', value: 'x' })
    for (const name of there.slice(1)) rmSync(join(directory, name))
    await waitFor(async () => (await admin.ok('status', {})).warnings === undefined, {
      timeoutMs: 60_000,
    })
    for (const name of backupsIn(directory)) await verify(site, join(directory, name))
  } finally {
    for (const child of site.children) await child.kill()
    await runChild(requireProgram(context, 'umount'), [directory])
  }
})

test(`kill -9 of the daemon while its schedule writes: every file of that name is whole, and no part stays, ${ROUNDS} times`, async () => {
  await using site = openSite()
  const directory = site.home.file('backups')
  const key = site.home.file('key')
  const config = `[unlock]\nkey_file = ${JSON.stringify(key)}\n${scheduled(directory, 'interval = 1\nkeep = 3')}`
  site.configure({ config })
  let daemon = await site.start()
  {
    using admin = await site.initialize()
    await fillStore(admin)
  }
  let parts = 0
  for (let round = 0; round < ROUNDS; round++) {
    await waitFor(
      () => existsSync(directory) && names(directory).some((name) => name.endsWith('.part')),
      {
        intervalMs: 1,
        timeoutMs: 30_000,
      },
    )
    // The first is for certain while the file is written.
    if (round > 0) await pause(randomInt(60))
    await daemon.kill('SIGKILL')
    parts += names(directory).filter((name) => name.endsWith('.part')).length
    for (const name of backupsIn(directory)) await verify(site, join(directory, name))
    daemon = await site.start()
    const before = new Set(backupsIn(directory))
    await waitFor(() => backupsIn(directory).some((name) => !before.has(name)), {
      timeoutMs: 30_000,
    })
  }
  expect(parts).toBeGreaterThan(0)
  await daemon.kill('SIGTERM')
  expect(names(directory).filter((name) => !name.endsWith('.backup'))).toEqual([])
})
