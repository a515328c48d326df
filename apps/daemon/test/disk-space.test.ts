/** Room on the disk of the audit log, with a file system that says what it is told to. */
import { createLogger, parseConfig } from '@secreg/host'
import { waitFor } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DiskSpace, levelOf, type StatFs } from '../src/disk-space.ts'

const settingsOf = (lines: string) =>
  parseConfig(`[audit]\npath = "/log"\n${lines}\n[database]\npath = "/store"`, 'f').config
const SETTINGS = settingsOf('free_warning = 3000\nfree_low = 2000\nfree_least = 1000')

function open({ settings = SETTINGS, everyMs = 3_600_000 } = {}) {
  const free = new Map<string, number | Error>([
    ['/log', 10_000],
    ['/store', 500],
  ])
  const lines: { level: string; event: string; bytes?: number; detail?: string }[] = []
  let looks = 0
  let wait: Promise<void> | undefined
  const statfs: StatFs = async (path) => {
    if (path === '/log') looks++
    await wait
    const bytes = free.get(path) ?? new Error('ENOENT')
    if (typeof bytes !== 'number') throw bytes
    return { bavail: bytes / 4, bsize: 4 }
  }
  let told = 0
  const space = new DiskSpace({
    settings,
    everyMs,
    statfs,
    looked: () => told++,
    log: createLogger({
      name: 'test',
      destination: { write: (line) => lines.push(JSON.parse(line)) },
    }),
  })
  onTestFinished(() => space.close())
  return {
    space,
    free,
    lines,
    looks: () => looks,
    told: () => told,
    hold: (until: Promise<void>) => {
      wait = until
    },
  }
}

describe('levels', () => {
  test.each([
    [3000, 'ok'],
    [2999, 'warning'],
    [2000, 'warning'],
    [1999, 'low'],
    [1000, 'low'],
    [999, 'least'],
    [0, 'least'],
  ])('%d bytes: %s', (bytes, level) => {
    expect(levelOf(bytes, SETTINGS.audit)).toBe(level)
  })

  test.each([
    ['free_warning = 0\nfree_low = 0\nfree_least = 0', 'ok'],
    ['free_warning = 1\nfree_low = 0\nfree_least = 0', 'warning'],
    ['free_warning = 0\nfree_low = 1\nfree_least = 0', 'low'],
    ['free_warning = 0\nfree_low = 0\nfree_least = 1', 'least'],
  ])('a threshold of 0 is off: %j', (lines, level) => {
    expect(levelOf(0, settingsOf(lines).audit)).toBe(level)
  })
})

test('follows the room down and up again, tells each change once, and warns', async () => {
  const { space, free, lines, told } = open()
  for (const [bytes, level, warning] of [
    [10_000, 'ok', undefined],
    [2500, 'warning', 'make room'],
    [2504, 'warning', 'make room'],
    [1500, 'low', 'logins are refused'],
    [500, 'least', 'every operation is refused'],
    [1500, 'low', 'logins are refused'],
    [4000, 'ok', undefined],
  ] as const) {
    free.set('/log', bytes)
    await space.look()
    expect(space.room).toEqual({ level, auditBytes: bytes, storeBytes: 500 })
    if (warning === undefined) expect(space.warning).toBeUndefined()
    else expect(space.warning).toContain(warning)
  }
  expect(told()).toBe(7)
  expect(lines.map(({ level, bytes }) => [level, bytes])).toEqual([
    ['warn', 2500],
    ['error', 1500],
    ['error', 500],
    ['error', 1500],
    ['info', 4000],
  ])
})

test('what cannot be found out shuts nothing', async () => {
  const { space, free } = open()
  free.set('/log', 0)
  await space.look()
  expect(space.level).toBe('least')
  free.set('/log', new Error('EIO'))
  free.set('/store', new Error('EIO'))
  await space.look()
  expect(space.room).toEqual({ level: 'ok', auditBytes: undefined, storeBytes: undefined })
})

test('other thresholds hold from the next look on', async () => {
  const { space } = open()
  await space.look()
  space.configure(settingsOf('free_warning = 0\nfree_low = 20000\nfree_least = 0'))
  await space.look()
  expect(space.level).toBe('low')
})

test('looks by itself, one look at a time, and no more once it is closed', async () => {
  let go: () => void = () => {}
  const { space, looks, told, hold } = open({ everyMs: 1 })
  await waitFor(() => told() >= 2)
  hold(
    new Promise((resolve) => {
      go = resolve
    }),
  )
  const before = told()
  const seen = looks()
  await waitFor(() => looks() > seen)
  const held = looks()
  const next = [space.look(), space.look()]
  expect(looks()).toBe(held)
  go()
  await Promise.all(next)
  expect(told()).toBeGreaterThan(before)
  space.close()
  await space.look()
  const last = told()
  await space.look()
  expect(told()).toBe(last)
})
