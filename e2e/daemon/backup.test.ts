/**
 * Backups of a running daemon: consistent under load, whole or absent under kill -9 and on a full disk. Rounds of
 * kill -9: `SECREG_SOAK_ROUNDS`, 6 unless told.
 */
import { randomInt } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createCanary, requireProgram, runChild, skipTest, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import {
  fillStore,
  login,
  names,
  ok,
  openSite,
  pause,
  readBackup,
  restoreAll,
  sreg,
  timed,
  valuesOf,
  verify,
} from '../lib/backups.ts'
import { fillDisk } from '../lib/fill-disk.ts'
import { PASSPHRASE, type Site } from '../lib/site.ts'
import type { Wire } from '../lib/wire.ts'

vi.setConfig({ testTimeout: 240_000 })

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 6)
const WRITERS = 8
/** Each command is a process of its own, and the machine may be busy. */
const PATIENCE = { timeoutMs: 40_000 }
const KEYS = 12

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
    const revision = async (): Promise<number> => (await admin.ok('status', {})).revision
    const before = await revision()
    let begun: number | undefined
    // No piece is read before something was written since it was begun.
    const backup = await readBackup(admin, async () => {
      begun ??= await revision()
      const since = begun
      await waitFor(async () => (await revision()) > since, { intervalMs: 1 })
    })
    expect(backup.revision).toBeGreaterThanOrEqual(before)
    expect(await revision()).toBeGreaterThan(backup.revision)
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

/** Make it again. What the dead ones have open is in the way until it has been idle for a moment. */
async function rerun(site: Site, file: string): Promise<void> {
  await waitFor(async () => {
    const child = sreg(site, ['backup', file, '--force'])
    const { code } = await child.exit
    if (code !== 0) expect(child.stderr()).toContain('too many backups at once')
    return code === 0
  }, PATIENCE)
}

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
    await rerun(site, file)
    await verify(site, file)
    expect(names(directory)).toEqual(['it.backup'])
    rmSync(file)
  }
  // At least once it was in the midst of writing; the first bytes come late in the life of a process.
  if (cut === 0) {
    const child = sreg(site, ['backup', file])
    await waitFor(() => names(directory).length > 0, { ...PATIENCE, intervalMs: 1 })
    await child.kill('SIGKILL')
    await rerun(site, file)
    expect(names(directory)).toEqual(['it.backup'])
  }
  // A signal that can be handled leaves nothing by itself.
  rmSync(file, { force: true })
  const child = sreg(site, ['backup', file])
  await waitFor(() => names(directory).length > 0, { ...PATIENCE, intervalMs: 1 })
  child.signal('SIGTERM')
  await child.exit
  if (!existsSync(file)) expect(names(directory)).toEqual([])
})

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
    const incoming = () =>
      [site.home.path, site.data].flatMap(names).filter((name) => name.includes('incoming'))
    expect(incoming()).toEqual([])
    daemon = await site.start()
    expect(incoming()).toEqual([])
    await login(site)
    await ok(site, ['backup', other])
    await verify(site, other)
    rmSync(other)
    await ok(site, restoreArgs, `${PASSPHRASE}\n`)
    using admin = await site.admin()
    expect((await admin.ok('get', { key: '/l/0', decrypt: true })).value).toHaveLength(60_000)
  }
})

/** What an open file without a name is called, or one that was removed at once where there are no such files. */
const SPOOL = /\/(?:#\d+|\.incoming-[0-9a-f]{32})(?: \(deleted\))?$/

test('a file that is handed over has no name, and nothing of it or of what opens it is in the clear', async () => {
  await using site = openSite()
  const daemon = await site.start()
  using admin = await site.initialize()
  const canary = createCanary()
  await admin.ok('set', { key: '/plain', value: canary })
  await admin.ok('set', { key: '/sealed', value: canary, encrypt: true })
  const { file } = await readBackup(admin)
  const { restore } = await admin.ok('restore', { op: 'begin' })
  const data = file.toString('base64')
  expect(await admin.ok('restore', { op: 'stage', restore, data })).toEqual({ staged: file.length })
  const spools = (): string[] =>
    readdirSync(`/proc/${daemon.pid}/fd`)
      .map((name) => `/proc/${daemon.pid}/fd/${name}`)
      .filter((path) => {
        try {
          return SPOOL.test(readlinkSync(path))
        } catch {
          return false
        }
      })
  const [spool = ''] = spools()
  expect(readlinkSync(spool)).toMatch(/ \(deleted\)$/)
  expect(readFileSync(spool).equals(file)).toBe(true)
  for (const word of [canary, PASSPHRASE]) {
    expect(readFileSync(spool).includes(word)).toBe(false)
    for (const name of ['cmdline', 'environ']) {
      expect(readFileSync(`/proc/${daemon.pid}/${name}`).includes(word)).toBe(false)
    }
    expect(daemon.stderr()).not.toContain(word)
  }
  const proof = { passphrase: PASSPHRASE }
  await admin.ok('restore', { op: 'commit', restore, only: '/sealed', proof })
  await waitFor(() => spools().length === 0)
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
