/**
 * Backups of a running daemon: consistent under load, whole or absent under kill -9 and on a full disk, made by the
 * schedule. Rounds of kill -9: `SECREG_SOAK_ROUNDS`, 6 unless told.
 */
import { randomBytes, randomInt } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import {
  type Child,
  cleanEnv,
  createCanary,
  findCanary,
  requireProgram,
  runChild,
  skipTest,
  startChild,
  waitFor,
} from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { SREG } from '../cli/desk.ts'
import { fillDisk } from '../lib/fill-disk.ts'
import { ADMIN, PASSPHRASE, PASSWORD, Site, type SiteOptions } from '../lib/site.ts'
import type { Wire } from '../lib/wire.ts'

vi.setConfig({ testTimeout: 240_000 })

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 6)
const WRITERS = 8
const KEYS = 12

/** A site that unlocks itself, so that a killed daemon goes on. */
function openSite(options: SiteOptions = {}): Site {
  const site = new Site()
  const key = site.home.write('key', randomBytes(32))
  const { config = '', ...rest } = options
  site.configure({ ...rest, config: `[unlock]\nkey_file = ${JSON.stringify(key)}\n${config}` })
  return site
}

const scheduled = (directory: string, more = ''): string =>
  `[backup]\ndirectory = ${JSON.stringify(directory)}\n${more}\n`

function env(site: Site): NodeJS.ProcessEnv {
  return cleanEnv({ SECREG_SOCKET: site.socket, XDG_RUNTIME_DIR: site.home.file('run') })
}

function sreg(site: Site, args: readonly string[], input = ''): Child {
  return startChild(process.execPath, [SREG, ...args], { env: env(site), input })
}

async function ok(site: Site, args: readonly string[], input = ''): Promise<string> {
  const child = sreg(site, args, input)
  const { code } = await child.exit
  expect({ code, stderr: child.stderr() }, args.join(' ')).toMatchObject({ code: 0 })
  return child.stdout()
}

const login = (site: Site): Promise<string> =>
  ok(site, ['login', ADMIN, '--password-stdin'], `${PASSWORD}\n`)

/** Require that a file is a whole backup. */
async function verify(site: Site, file: string): Promise<void> {
  await ok(site, ['backup', 'verify', file, '--password-stdin'], `${PASSPHRASE}\n`)
}

/** Read a backup over the wire; `pause` comes before each piece. */
async function readBackup(
  wire: Wire,
  pause: () => Promise<void> = async () => {},
): Promise<{ file: Buffer; revision: number }> {
  const { backup, revision } = await wire.ok('backup', { op: 'begin' })
  const pieces: Buffer[] = []
  for (;;) {
    await pause()
    const { data, last } = await wire.ok('backup', { op: 'read', backup })
    pieces.push(Buffer.from(data, 'base64'))
    if (last) return { file: Buffer.concat(pieces), revision }
  }
}

async function restoreAll(wire: Wire, file: Buffer): Promise<void> {
  const { restore } = await wire.ok('restore', { op: 'begin', size: file.length })
  for (let at = 0; at < file.length; at += 400_000) {
    const data = file.subarray(at, at + 400_000).toString('base64')
    await wire.ok('restore', { op: 'stage', restore, data })
  }
  const proof = { passphrase: PASSPHRASE }
  await wire.ok('restore', { op: 'commit', restore, only: '/', proof })
}

async function valuesOf(wire: Wire): Promise<[string, string][]> {
  const { keys } = await wire.ok('list', { prefix: '/', recursive: true })
  const values: [string, string][] = []
  for (const key of keys) {
    values.push([key, (await wire.ok('get', { key, decrypt: true })).value])
  }
  return values
}

/** What a change has made of a key, with the revision that it was answered. */
interface Done {
  readonly revision: number
  readonly key: string
  readonly value: string | undefined
}

async function writeUntil(wire: Wire, name: number, isOver: () => boolean): Promise<Done[]> {
  const done: Done[] = []
  const there = new Set<string>()
  for (let at = 0; !isOver(); at++) {
    const key = `/w${name}/${randomInt(KEYS)}`
    if (there.has(key) && randomInt(4) === 0) {
      const { revision } = await wire.ok('delete', { key })
      done.push({ revision, key, value: undefined })
      there.delete(key)
      continue
    }
    const value = `${name} ${at} ${'x'.repeat(randomInt(10) === 0 ? 50_000 : 40)}`
    const request = { key, value, type: 'string', encrypt: randomInt(2) === 0 }
    const { revision } = await wire.ok('set', request)
    done.push({ revision, key, value })
    there.add(key)
  }
  return done
}

test('under 8 writers, each backup is the state at its revision', async () => {
  await using site = openSite()
  await site.start()
  using admin = await site.initialize()
  let over = false
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, async (_, name) => {
      const wire = await site.admin()
      return { wire, done: writeUntil(wire, name, () => over) }
    }),
  )
  const backups: { file: Buffer; revision: number }[] = []
  for (let i = 0; i < 4; i++) {
    const { revision: before } = await admin.ok('status', {})
    const backup = await readBackup(admin)
    const { revision: after } = await admin.ok('status', {})
    expect(backup.revision).toBeGreaterThanOrEqual(before)
    expect(after).toBeGreaterThan(backup.revision)
    backups.push(backup)
  }
  over = true
  const done = (await Promise.all(writers.map((writer) => writer.done))).flat()
  for (const { wire } of writers) wire.close()
  expect(done.length).toBeGreaterThan(100)
  for (const { file, revision } of backups) {
    const state = new Map<string, string>()
    for (const change of done) {
      if (change.revision > revision) continue
      if (change.value === undefined) state.delete(change.key)
      else state.set(change.key, change.value)
    }
    await using other = openSite()
    await other.start()
    using there = await other.initialize()
    await restoreAll(there, file)
    const expected = [...state].sort(([a], [b]) => (a < b ? -1 : 1))
    expect(await valuesOf(there)).toEqual(expected)
    writeFileSync(other.home.file('it.backup'), file)
    await verify(other, other.home.file('it.backup'))
  }
})

async function fillStore(wire: Wire, count = 80): Promise<void> {
  for (let i = 0; i < count; i++) {
    await wire.ok('set', { key: `/l/${i}`, value: 'L'.repeat(60_000), encrypt: i % 2 === 0 })
  }
}

const names = (directory: string): string[] => readdirSync(directory).sort()

test(`kill -9 of the client at any moment: no file that looks whole, and a rerun works, ${ROUNDS} times`, async () => {
  await using site = openSite()
  await site.start()
  using admin = await site.initialize()
  await fillStore(admin)
  await login(site)
  const directory = site.home.file('out')
  mkdirSync(directory, { mode: 0o700 })
  const file = join(directory, 'it.backup')
  const whole = await timed(() => ok(site, ['backup', file]))
  rmSync(file)
  let cut = 0
  for (let round = 0; round < ROUNDS; round++) {
    const child = sreg(site, ['backup', file])
    await pause(randomInt(Math.ceil(whole)))
    await child.kill('SIGKILL')
    if (existsSync(file)) await verify(site, file)
    else if (names(directory).length > 0) cut++
    await ok(site, ['backup', file, '--force'])
    await verify(site, file)
    expect(names(directory)).toEqual(['it.backup'])
    rmSync(file)
  }
  // At least once it was in the midst of writing; the first bytes come late in the life of a process.
  if (cut === 0) {
    const child = sreg(site, ['backup', file])
    await waitFor(() => names(directory).length > 0, { intervalMs: 1 })
    await child.kill('SIGKILL')
    await ok(site, ['backup', file, '--force'])
    expect(names(directory)).toEqual(['it.backup'])
  }
  // A signal that can be handled leaves nothing by itself.
  rmSync(file, { force: true })
  const child = sreg(site, ['backup', file])
  await waitFor(() => names(directory).length > 0, { intervalMs: 1 })
  child.signal('SIGTERM')
  await child.exit
  if (!existsSync(file)) expect(names(directory)).toEqual([])
})

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now()
  await work()
  return performance.now() - since
}

/** A moment that is nobody's: where a kill falls. */
const pause = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms))

test(`kill -9 of the daemon at any moment of a backup or restore: told, nothing left, and a rerun works, ${ROUNDS} times`, async () => {
  await using site = openSite()
  let daemon = await site.start()
  {
    using admin = await site.initialize()
    await fillStore(admin)
  }
  await login(site)
  const directory = site.home.file('out')
  mkdirSync(directory, { mode: 0o700 })
  const file = join(directory, 'it.backup')
  const restoreArgs = ['restore', file, '--only', '/l', '--password-stdin']
  await ok(site, ['backup', file])
  const whole = await timed(() => ok(site, restoreArgs, `${PASSPHRASE}\n`))
  for (let round = 0; round < ROUNDS; round++) {
    const other = join(directory, 'other.backup')
    const children = [sreg(site, ['backup', other]), sreg(site, restoreArgs, `${PASSPHRASE}\n`)]
    await pause(randomInt(Math.ceil(1.2 * whole)))
    await daemon.kill('SIGKILL')
    for (const child of children) {
      const { code } = await child.exit
      expect([0, 6], child.stderr()).toContain(code)
    }
    if (existsSync(other)) {
      await verify(site, other)
      rmSync(other)
    }
    expect(names(directory)).toEqual(['it.backup'])
    expect(names(site.home.path).filter((name) => name.includes('incoming'))).toEqual([])
    daemon = await site.start()
    await login(site)
    await ok(site, ['backup', other])
    await verify(site, other)
    rmSync(other)
    await ok(site, restoreArgs, `${PASSPHRASE}\n`)
    using admin = await site.admin()
    expect((await admin.ok('get', { key: '/l/0', decrypt: true })).value).toHaveLength(60_000)
  }
})

const backupsIn = (directory: string): string[] =>
  existsSync(directory) ? names(directory).filter((name) => name.endsWith('.backup')) : []

test('the schedule makes one after each interval, keeps so many, and goes on by a new configuration', async () => {
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
    await pause(randomInt(60))
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

test('a directory that is open to others, or inside of the store, is refused', async () => {
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

test('a disk that is full costs no backup that is there, and is told', async (context) => {
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

test('a client on a full disk is told, and leaves nothing', async (context) => {
  if (process.getuid?.() !== 0) return skipTest(context, 'a disk of its own needs root')
  const mount = requireProgram(context, 'mount')
  await using site = openSite()
  const directory = site.home.file('disk')
  mkdirSync(directory, { mode: 0o700 })
  const mounted = await runChild(mount, ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory])
  if (mounted.code !== 0) return skipTest(context, 'no disk can be mounted here')
  try {
    await site.start()
    using admin = await site.initialize()
    await fillStore(admin, 20)
    await login(site)
    fillDisk(join(directory, 'filler'))
    const child = sreg(site, ['backup', join(directory, 'it.backup')])
    expect(await child.exit).toMatchObject({ code: 7 })
    expect(child.stderr()).toContain('no space left')
    expect(names(directory)).toEqual(['filler'])
    const read = readFileSync(join(directory, 'filler'))
    expect(read.every((byte) => byte === 0)).toBe(true)
  } finally {
    for (const child of site.children) await child.kill()
    await runChild(requireProgram(context, 'umount'), [directory])
  }
})
