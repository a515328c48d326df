/** What the doctor finds, each at its threshold, and what it says to do. */
import type { SecurityFinding } from '@secreg/protocol'
import { openTestRegistry, TEST_ADMIN } from '@secreg/registry/testing'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { backupFinding } from '../src/doctor/backup-finding.ts'
import { type ClockFacts, clockFindings } from '../src/doctor/clock-findings.ts'
import { finding } from '../src/doctor/finding.ts'
import { sealFindings } from '../src/doctor/seal-findings.ts'
import { rotationFindings, scrubFinding, syncFinding } from '../src/doctor/store-findings.ts'
import { takeBackup } from './backup-reader.ts'
import {
  addUser,
  fastScrypt,
  type Home,
  linesOf,
  PASSPHRASE,
  PEER,
  reason,
  start,
} from './fixture.ts'

const levels = (found: readonly SecurityFinding[]): string[] => found.map(({ level }) => level)

async function doctor({ api }: Pick<Home, 'api'>, check?: string): Promise<SecurityFinding[]> {
  const { findings = [] } = await api.maintain({ op: 'doctor' })
  return findings.filter((each) => check === undefined || each.check === check)
}

const CLOCK: ClockFacts = {
  wallMs: 1_800_000_000_000,
  expiryMs: 1_800_000_000_000,
  believedMs: 1_800_000_000_000,
  lastCommitMs: 1_800_000_000_000,
  wallSinceStartMs: 1000,
  monotonicSinceStartMs: 1000,
}
const wall = CLOCK.wallMs

describe('the clock', () => {
  test.each<[string, Partial<ClockFacts>, number]>([
    ['fits', {}, 0],
    ['knows of no commit', { lastCommitMs: undefined }, 0],
    ['is a little behind', { expiryMs: wall + 60_000, lastCommitMs: wall + 60_000 }, 0],
    ['is behind the high-water mark', { expiryMs: wall + 60_001 }, 1],
    ['is behind the last commit', { lastCommitMs: wall + 60_001 }, 1],
    ['has leapt ahead', { believedMs: wall - 60_001 }, 1],
    ['was put back since the start', { wallSinceStartMs: -59_001 }, 1],
    ['was put ahead since the start', { wallSinceStartMs: 61_001 }, 1],
    ['drifts a little', { wallSinceStartMs: 60_900 }, 0],
    ['was put back behind everything', { expiryMs: wall + 9e6, lastCommitMs: wall + 9e6 }, 2],
  ])('that %s', (_, facts, warnings) => {
    const found = clockFindings({ ...CLOCK, ...facts })
    expect(levels(found)).toEqual(warnings === 0 ? ['ok'] : Array(warnings).fill('warning'))
    if (warnings > 0) expect(found[0]?.advice).toContain('timedatectl')
  })

  test('of a registry that is opened before its last change was made', async () => {
    const medium = new MemoryEngine()
    const time = { wall: CLOCK.wallMs }
    const options = { now: () => time.wall, engine: new FaultEngine(medium) }
    const home = await start(options)
    expect(levels(await doctor(home, 'clock'))).toEqual(['ok'])
    await home.registry.close()
    time.wall -= 3_600_000
    const { registry } = await openTestRegistry({
      scrypt: fastScrypt,
      ...options,
      engine: new FaultEngine(medium),
      files: home.files,
    })
    await registry.unlock(PEER, PASSPHRASE)
    const { admin: username, admin_password: password } = TEST_ADMIN
    const { session_id = '' } = await registry.login(PEER, { username, password })
    const session = registry.sessionHandle().resolve(session_id)
    const caller = session && registry.callerOf(session, PEER)
    if (caller === undefined) throw new Error('no session')
    const api = registry.as(caller)
    await api.set({ key: '/a', value: 'x' })
    const found = await doctor({ api }, 'clock')
    expect(found.map(({ message }) => message)).toContain(
      'the clock is 3600 s behind the last change',
    )
    await registry.close()
  })
})

describe('the seal', () => {
  const kinds = (...list: string[]) => list.map((kind) => ({ kind: kind as 'passphrase' }))

  test.each([
    ['uninitialized', [], ['seal warning']],
    ['sealed', ['passphrase', 'shamir'], ['seal warning', 'protectors ok']],
    ['unsealed', ['passphrase', 'shamir'], ['seal ok', 'protectors ok']],
    ['unsealed', ['passphrase'], ['seal ok', 'protectors warning']],
    ['unsealed', ['key-file', 'key-file'], ['seal ok', 'protectors warning']],
    ['unsealed', ['key-file'], ['seal ok', 'protectors warning', 'protectors warning']],
    ['unsealed', ['systemd-credential'], ['seal ok', 'protectors warning', 'protectors warning']],
    ['unsealed', ['systemd-credential', 'passphrase'], ['seal ok', 'protectors ok']],
    ['unsealed', ['systemd-credential', 'key-file'], ['seal ok', 'protectors ok']],
  ] as const)('%s with %j', (state, protectors, wanted) => {
    const found = sealFindings(state, kinds(...protectors))
    expect(found.map(({ check, level }) => `${check} ${level}`)).toEqual(wanted)
    for (const { level, advice } of found) expect(advice !== undefined).toBe(level !== 'ok')
  })
})

describe('backups', () => {
  const day = 86_400_000

  test.each([
    [undefined, 'warning', 'no backup has been made'],
    [{ scheduled: true }, 'warning', 'no backup has been made'],
    [{ scheduled: false, lastSuccessMs: wall - day }, 'ok', 'the last backup is 24 h old'],
    [{ scheduled: true, lastSuccessMs: wall - 7 * day }, 'ok', '7 days old, more are scheduled'],
    [{ scheduled: false, lastSuccessMs: wall - 8 * day }, 'warning', '8 days old'],
    [{ scheduled: false, lastSuccessMs: wall + day }, 'ok', '0 h old'],
    [
      { scheduled: true, lastSuccessMs: wall, failing: 'the disk is full' },
      'warning',
      'scheduled backups fail: the disk is full',
    ],
  ])('%j', (state, level, message) => {
    const found = backupFinding(state, wall)
    expect(found).toMatchObject({ level, message: expect.stringContaining(message) })
    expect(found.advice === undefined).toBe(level === 'ok')
    // What the maker of backups says may name files.
    expect(found.shareable).toBe(message.includes('disk') ? undefined : true)
  })
})

describe('store and log', () => {
  test('damage is a fault, and a scrub tells how long ago it was', () => {
    expect(scrubFinding({ damage: 2, sinceMs: 0 })).toMatchObject({ level: 'fault' })
    expect(scrubFinding({ damage: 0, sinceMs: undefined })).toMatchObject({ level: 'ok' })
    expect(scrubFinding({ damage: 0, sinceMs: 7_200_000 }).message).toBe(
      'everything was right 2 h ago',
    )
  })

  test('a rotation: none, under way, and one that cannot end', () => {
    const state = { epoch: 2, after: '', done: 3, total: 9, unreadable: 0, startedAtMs: 0 }
    expect(rotationFindings(undefined)).toEqual([])
    expect(rotationFindings({ ...state, phase: 'values' })).toMatchObject([{ level: 'ok' }])
    expect(rotationFindings({ ...state, phase: 'blocked', unreadable: 2 })).toMatchObject([
      { level: 'fault', message: expect.stringMatching(/^2 values/), advice: expect.any(String) },
    ])
  })

  test('a log that is slow to sync, or cannot be synced', async () => {
    const cursor = { segment: 1, offset: 0, hash: '', revision: 0 }
    const log = { tail: { ...cursor, sequence: 9 }, synced: { ...cursor, sequence: 4 } }
    let now = 0
    const sync = (ms: number) => async () => {
      now += ms
      return log.tail
    }
    const clock = (): number => now
    expect(await syncFinding({ ...log, sync: sync(1000) }, clock)).toMatchObject({
      level: 'ok',
      message: '5 records waited to be synced, which took 1000 ms',
    })
    expect(await syncFinding({ ...log, sync: sync(1001) }, clock)).toMatchObject({
      level: 'warning',
    })
    const failing = { ...log, sync: () => Promise.reject(new Error('EIO')) }
    expect(await syncFinding(failing, clock)).toMatchObject({ level: 'fault' })
  })

  test('what a scrub found wrong', async () => {
    let monotonic = 0
    const engine = new MemoryEngine()
    const damaged = new Proxy(engine, {
      get: (target, name) => {
        if (name === 'scrub') {
          const findings = [{ kind: 'row', subject: 'e/app/secret-name', detail: 'tag' }]
          return async () => ({ findings })
        }
        const member: unknown = Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const home = await start({
      engine: damaged,
      monotonicMs: () => monotonic,
      scrub: { firstAfterMs: 10, everyMs: 10 },
    })
    monotonic = 20
    await home.registry.housekeep()
    await waitFor(async () => (await doctor(home, 'scrub'))[0]?.level === 'fault')
    const { ok, findings } = await home.api.maintain({ op: 'doctor' })
    expect(ok).toBe(false)
    expect(JSON.stringify(findings)).not.toContain('secret-name')
  })
})

describe('over the registry', () => {
  test('a new registry has warnings and no fault; everything that is wrong says what to do', async () => {
    const home = await start()
    const { ok, findings = [] } = await home.api.maintain({ op: 'doctor' })
    expect(ok).toBe(true)
    expect(findings.map(({ check, level }) => `${check} ${level}`)).toEqual([
      'clock ok',
      'seal ok',
      'protectors warning',
      'policy ok',
      'store ok',
      'scrub ok',
      'audit log ok',
      'audit lag ok',
      'audit copy ok',
      'backup warning',
    ])
    for (const { level, advice } of findings) expect(advice !== undefined).toBe(level !== 'ok')
    expect(findings.some((each) => 'shareable' in each)).toBe(false)
    expect(linesOf(home.files).at(-1)?.body).toMatchObject({ action: 'admin', detail: 'doctor' })
  })

  test('asks the process and the maker of backups', async () => {
    const home = await start({
      hostChecks: async () => [{ check: 'socket', level: 'ok', message: '/run/s' }],
      host: { findings: async () => [finding('disk', 'fault', 'full', 'make room')] },
      backupSchedule: () => ({ directory: '/b', interval_s: 86_400, files: 0, next_at: 0 }),
    })
    await takeBackup(home.api)
    const { ok, findings = [] } = await home.api.maintain({ op: 'doctor' })
    expect(ok).toBe(false)
    expect(findings.slice(0, 2)).toEqual([
      { check: 'socket', level: 'ok', message: '/run/s' },
      { check: 'disk', level: 'fault', message: 'full', advice: 'make room' },
    ])
    expect(findings.at(-1)).toMatchObject({ check: 'backup', level: 'ok' })
  })

  test('a quota that is nearly used up is named to who may see mounts', async () => {
    const home = await start()
    const rules = { dialect: 'registry', max_entries: 10 }
    await home.api.mount({ op: 'set', path: '/team', ...rules })
    for (let at = 0; at < 8; at++) await home.api.set({ key: `/team/${at}`, value: 'x' })
    expect(await doctor(home, 'quotas')).toEqual([
      { check: 'quotas', level: 'ok', message: '1 quotas have room' },
    ])
    await home.api.set({ key: '/team/8', value: 'x' })
    expect(await doctor(home, 'quotas')).toMatchObject([
      { level: 'warning', message: expect.stringMatching(/: \/team$/) },
    ])
    const auditor = await addUser(home, 'ada', ['auditor'])
    expect(JSON.stringify(await doctor(auditor, 'quotas'))).not.toContain('/team')
  })

  test('needs the right to see policy, and works while sealed', async () => {
    const home = await start()
    const { api } = await addUser(home, 'olga', ['operator'])
    await expect(api.maintain({ op: 'doctor' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await home.registry.lock(home.admin)
    expect(await doctor(home, 'seal')).toMatchObject([
      { level: 'warning', advice: 'run: sreg unlock' },
    ])
  })
})
