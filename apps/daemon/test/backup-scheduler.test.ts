/** Scheduled backups of a real registry into a real directory, with the clocks in our hands. */
import { scryptSync } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import type { Scrypt } from '@secreg/crypto'
import type { Config, Logger } from '@secreg/host'
import type { Caller } from '@secreg/protocol'
import type { Registry } from '@secreg/registry'
import { openBackupFile } from '@secreg/registry/backup-file'
import { initializeTestRegistry, openTestRegistry, TEST_ADMIN } from '@secreg/registry/testing'
import { createCanary, createTempHome, type TempHome } from '@secreg/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { BackupScheduler } from '../src/backups/scheduler.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 10, 12, 0, 0)

const fastScrypt: Scrypt = async (password, salt, { length }) =>
  new Uint8Array(scryptSync(password, salt, length, { N: 2, r: 1, p: 1 }))

class Bench {
  readonly home: TempHome = createTempHome()
  readonly directory: string = this.home.file('backups')
  readonly lines: string[] = []
  wallMs = START
  monotonicMs = 1000
  registry!: Registry
  admin!: Caller
  scheduler!: BackupScheduler

  static async open(settings: Partial<Config['backup']> = {}): Promise<Bench> {
    const bench = new Bench()
    const opened = await openTestRegistry({
      scrypt: fastScrypt,
      housekeepingMs: 1_000_000,
      now: () => bench.wallMs,
      monotonicMs: () => bench.monotonicMs,
    })
    bench.registry = opened.registry
    bench.admin = await initializeTestRegistry(opened)
    bench.start(settings)
    onTestFinished(async () => {
      await bench.scheduler.close()
      await bench.registry.close()
      bench.home.remove()
    })
    return bench
  }

  start(settings: Partial<Config['backup']> = {}, registry: Registry = this.registry): void {
    const note = (event: string, fields: object = {}): void => {
      this.lines.push(`${event} ${JSON.stringify(fields)}`)
    }
    this.scheduler = new BackupScheduler({
      registry: () => registry,
      settings: this.settings(settings),
      log: { info: note, warn: note, error: note } as unknown as Logger,
      now: () => this.wallMs,
      monotonicMs: () => this.monotonicMs,
      tickMs: 1_000_000,
    })
  }

  settings(settings: Partial<Config['backup']> = {}): Config['backup'] {
    const fallback = { directory: this.directory, intervalSeconds: 86_400, keep: 7, keepDays: 0 }
    return { ...fallback, ...settings }
  }

  /** Let time go by on both clocks, and see what is done. */
  async pass(ms: number): Promise<string[]> {
    this.wallMs += ms
    this.monotonicMs += ms
    return this.tick()
  }

  async tick(): Promise<string[]> {
    this.scheduler.tick()
    await this.scheduler.settle()
    return this.files()
  }

  files(): string[] {
    return readdirSync(this.directory).sort()
  }

  count(event: string): number {
    return this.lines.filter((line) => line.startsWith(event)).length
  }

  async read(name: string): Promise<number> {
    const bytes = readFileSync(`${this.directory}/${name}`)
    const proof = { passphrase: TEST_ADMIN.passphrase }
    await using backup = await openBackupFile(() => [bytes], proof, fastScrypt)
    return (await backup.verify()).rows
  }

  unlock(): Promise<unknown> {
    const credential = { kind: 'passphrase', passphrase: TEST_ADMIN.passphrase } as const
    return this.registry.unlock({ door: 'internal', address: 'test' }, credential)
  }
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test('the first one at once, private, then one after each interval', async () => {
  const bench = await Bench.open()
  const canary = createCanary()
  const api = bench.registry.as(bench.admin)
  await api.set({ key: '/secret', value: canary, encrypt: true })
  await api.set({ key: '/plain', value: canary })
  const [first = ''] = await bench.tick()
  expect(first).toMatch(/^secreg-20260110T120000Z-[0-9a-f]{8}\.backup$/)
  expect([mode(bench.directory), mode(`${bench.directory}/${first}`)]).toEqual(['700', '600'])
  expect(readFileSync(`${bench.directory}/${first}`).includes(canary)).toBe(false)
  expect(await bench.read(first)).toBeGreaterThan(10)
  const { last_backup: last } = bench.registry.status(bench.admin)
  expect(last).toMatchObject({ where: 'scheduled', at: START })
  expect(last?.bytes).toBe(statSync(`${bench.directory}/${first}`).size)
  expect(bench.scheduler.schedule).toEqual({
    directory: bench.directory,
    interval_s: 86_400,
    files: 1,
    next_at: START + 24 * HOUR,
  })
  expect(await bench.pass(23 * HOUR)).toEqual([first])
  expect(await bench.pass(HOUR)).toHaveLength(2)
  expect(await bench.pass(HOUR)).toHaveLength(2)
  // A process that starts anew finds what is there.
  await bench.scheduler.close()
  bench.start()
  expect(await bench.pass(22 * HOUR)).toHaveLength(2)
  expect(await bench.pass(HOUR)).toHaveLength(3)
})

test('a clock that jumps delays none for long, and costs none that is there', async () => {
  const bench = await Bench.open({ keep: 3, keepDays: 30 })
  const [first = ''] = await bench.tick()
  await bench.pass(24 * HOUR)
  // Put back a year: none is younger than the interval by that clock, and the new one counts.
  bench.wallMs -= 365 * 24 * HOUR
  expect(await bench.tick()).toHaveLength(3)
  expect(await bench.tick()).toHaveLength(3)
  // It goes on by both clocks, and what a wrong clock has dated later goes first.
  const files = await bench.pass(24 * HOUR)
  expect(files).toHaveLength(3)
  expect(files.filter((name) => name.startsWith('secreg-2025'))).toHaveLength(2)
  // Ahead ten years: a leap that has not lasted makes nothing old that was dated rightly.
  bench.wallMs = START + 10 * 365 * 24 * HOUR
  const ahead = await bench.tick()
  expect(ahead.map((name) => name.slice(0, 11))).toEqual(['secreg-2026', 'secreg-2036'])
  // The wall clock stands still while the monotonic one goes on.
  bench.monotonicMs += 24 * HOUR
  expect((await bench.tick()).filter((name) => name.startsWith('secreg-2036'))).toHaveLength(2)
  expect(first).not.toBe('')
})

test('sealed or unusable: told once, in status and log, and made good at once', async () => {
  const bench = await Bench.open()
  await bench.registry.lock(bench.admin)
  await bench.tick()
  await bench.pass(1000)
  expect(bench.files()).toEqual([])
  expect(bench.scheduler.schedule?.failing).toBe('the registry is sealed')
  expect(bench.count('scheduled backups fail')).toBe(1)
  await bench.unlock()
  expect(await bench.tick()).toHaveLength(1)
  expect(bench.scheduler.schedule?.failing).toBeUndefined()
  expect(bench.count('scheduled backups work again')).toBe(1)
  // Sealed and not due is no failure.
  await bench.registry.lock({ ...bench.admin })
  await bench.pass(HOUR)
  expect(bench.scheduler.schedule?.failing).toBeUndefined()
})

test.each([
  [
    'is open to group or others',
    (path: string) => {
      mkdirSync(path)
      chmodSync(path, 0o750)
    },
  ],
  ['is not a directory', (path: string) => writeFileSync(path, 'precious')],
  ['is not a directory', (path: string) => symlinkSync('/tmp', path)],
])('a directory that %s is left alone', async (why, make) => {
  const bench = await Bench.open()
  make(bench.directory)
  bench.scheduler.tick()
  await bench.scheduler.settle()
  expect(bench.scheduler.schedule?.failing).toContain(why)
  expect(bench.registry.status(bench.admin).last_backup).toBeUndefined()
  // Tried again after a while, then after twice that.
  for (const [ms, lines] of [
    [29_000, 1],
    [2000, 1],
    [58_000, 1],
  ] as const) {
    bench.monotonicMs += ms
    bench.scheduler.tick()
    await bench.scheduler.settle()
    expect(bench.count('scheduled backups fail')).toBe(lines)
  }
  if (why.startsWith('is open')) {
    chmodSync(bench.directory, 0o700)
    bench.monotonicMs += 1000
    bench.scheduler.tick()
    await bench.scheduler.settle()
    expect(bench.files()).toEqual([])
    bench.monotonicMs += 2000
    expect(await bench.tick()).toHaveLength(1)
  }
})

test('only its own backups count and go: other names, other registries, what cannot be read', async () => {
  const bench = await Bench.open({ keep: 2 })
  const other = await Bench.open()
  const [foreign = ''] = await other.tick()
  await bench.tick()
  const foreignBytes = readFileSync(`${other.directory}/${foreign}`)
  const kept = {
    [foreign.replace('20260110', '20200110')]: foreignBytes,
    'secreg-20200111T000000Z-00000000.backup': 'precious, and no backup',
    'secreg-20200112T000000Z-0000000x.backup': 'precious',
    'secreg.backup': 'precious',
    '.secreg-20200110T000000Z-00000000.00000000.part': 'of another store',
  }
  for (const [name, bytes] of Object.entries(kept)) {
    writeFileSync(`${bench.directory}/${name}`, bytes, { mode: 0o600 })
  }
  const left = `.secreg-20200110T000000Z-00000000.${bench.registry.generation.slice(0, 8)}.part`
  writeFileSync(`${bench.directory}/${left}`, 'half')
  await bench.scheduler.close()
  bench.start({ keep: 2 })
  expect(await bench.tick()).not.toContain(left)
  for (let day = 0; day < 4; day++) await bench.pass(24 * HOUR)
  const files = bench.files()
  for (const name of Object.keys(kept)) expect(files).toContain(name)
  expect(files).toHaveLength(Object.keys(kept).length + 2)
  expect(bench.scheduler.schedule?.files).toBe(2)
})

test('by age, but never the last one', async () => {
  const bench = await Bench.open({ keep: 10, keepDays: 2 })
  await bench.tick()
  await bench.pass(24 * HOUR)
  await bench.pass(24 * HOUR)
  expect(await bench.pass(24 * HOUR)).toHaveLength(3)
  await bench.scheduler.close()
  bench.start({ keep: 10, keepDays: 1 })
  // Nothing is removed without a new one.
  expect(await bench.pass(HOUR)).toHaveLength(3)
  bench.wallMs += 30 * 24 * HOUR
  bench.monotonicMs += 30 * 24 * HOUR
  expect(await bench.tick()).toHaveLength(1)
})

test('one that is read back damaged has no name, and costs none that is there', async () => {
  const bench = await Bench.open({ keep: 1 })
  const [good = ''] = await bench.tick()
  const { backups } = bench.registry
  let broken = true
  const scheduled = async () => {
    const backup = await backups.scheduled()
    let at = 0
    const next = backup.next.bind(backup)
    return Object.assign(backup, {
      next: async () => {
        const piece = await next()
        if (broken && ++at === 2 && piece !== undefined) piece[100] = (piece[100] ?? 0) ^ 1
        return piece
      },
    })
  }
  const facade = {
    get state() {
      return bench.registry.state
    },
    generation: bench.registry.generation,
    believedMs: START,
    backups: { scheduled, ownHeader: backups.ownHeader.bind(backups) },
  }
  await bench.scheduler.close()
  bench.start({ keep: 1 }, facade as unknown as Registry)
  expect(await bench.pass(24 * HOUR)).toEqual([good])
  expect(bench.scheduler.schedule?.failing).toContain('damaged')
  broken = false
  const files = await bench.pass(HOUR)
  expect(files).toHaveLength(1)
  expect(files).not.toEqual([good])
})

test('one that is stopped in its midst leaves nothing', async () => {
  const bench = await Bench.open()
  const api = bench.registry.as(bench.admin)
  for (let i = 0; i < 40; i++) await api.set({ key: `/l/${i}`, value: 'L'.repeat(60_000) })
  bench.scheduler.tick()
  await bench.scheduler.close()
  expect(bench.files()).toEqual([])
  expect(bench.count('scheduled backups fail')).toBe(0)
})

test('a reload names another directory, or none', async () => {
  const bench = await Bench.open()
  await bench.tick()
  bench.scheduler.configure(bench.settings({ directory: undefined }))
  expect(bench.scheduler.schedule).toBeUndefined()
  await bench.pass(48 * HOUR)
  expect(bench.files()).toHaveLength(1)
  const second = bench.home.file('second')
  bench.scheduler.configure(bench.settings({ directory: second }))
  await bench.tick()
  expect(readdirSync(second)).toHaveLength(1)
  unlinkSync(`${second}/${readdirSync(second)[0]}`)
  expect(bench.scheduler.schedule).toMatchObject({ directory: second, files: 1 })
})
