/** What the daemon tells the doctor about machine, process and configuration. */
import { chmodSync, mkdirSync } from 'node:fs'
import { parseConfig } from '@secreg/host'
import { createCanary, createTempHome } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { configFindings } from '../src/doctor/config-findings.ts'
import { DISK_THRESHOLDS, diskFindings, roomFinding } from '../src/doctor/disk-findings.ts'
import { createHostPort } from '../src/doctor/host-port.ts'
import { processFindings } from '../src/doctor/process-findings.ts'
import { FaultRing } from '../src/fault-ring.ts'
import { DaemonMetrics } from '../src/metrics.ts'

const configOf = (source: string) => parseConfig(source, 'f').config
const MIB = 1024 * 1024

describe('room on the disk', () => {
  test.each([
    [256 * MIB - 1, 300 * MIB, 'fault'],
    [256 * MIB, 300 * MIB, 'warning'],
    [1024 * MIB - 1, 2048 * MIB, 'warning'],
    [1024 * MIB, 2048 * MIB, 'ok'],
    [5000 * MIB, 50_001 * MIB, 'warning'],
    [5000 * MIB, 50_000 * MIB, 'ok'],
    [0, 0, 'fault'],
  ])('%d of %d bytes: %s', (freeBytes, totalBytes, level) => {
    const found = roomFinding('disk', { freeBytes, totalBytes })
    expect(found.level).toBe(level)
    expect(found.advice === undefined).toBe(level === 'ok')
  })

  test.each([
    [100, 'fault', 'every operation is refused'],
    [250, 'fault', 'logins are refused'],
    [350, 'warning', 'free'],
    [450, 'warning', 'free'],
    [2000, 'ok', 'free'],
  ])('of the log, below what the configuration says: %d MiB', (mebibytes, level, words) => {
    const { audit } = configOf(
      `audit.free_warning = ${400 * MIB}\naudit.free_low = ${300 * MIB}\naudit.free_least = ${200 * MIB}`,
    )
    const room = { freeBytes: mebibytes * MIB, totalBytes: 2000 * MIB }
    const found = roomFinding('disk', room, audit)
    expect(found.level).toBe(level)
    expect(found.message).toContain(words)
  })

  test('of the file systems as they are, and of one that is not there', async () => {
    using home = createTempHome()
    mkdirSync(home.file('data'))
    const config = configOf(
      `database.path = "${home.file('data')}"\naudit.path = "${home.file('gone')}"`,
    )
    const [data, log] = await diskFindings(config)
    expect(data).toMatchObject({ check: 'disk of the store' })
    expect(data?.message).toMatch(/^\d+ MiB of \d+ MiB free$/)
    expect(log).toMatchObject({ check: 'disk of the log', level: 'warning' })
    expect(JSON.stringify([data, log])).not.toContain(home.path)
    expect(DISK_THRESHOLDS.faultBytes).toBeLessThan(DISK_THRESHOLDS.warningBytes)
  })
})

describe('the process', () => {
  const right = {
    coreDumps: { limitZero: true, filterZero: true },
    node: '20.19.0',
    nodeOptions: undefined,
  }

  test.each([
    [{}, []],
    [{ coreDumps: { limitZero: false, filterZero: true } }, ['core dumps']],
    [{ coreDumps: { limitZero: true, filterZero: false } }, ['core dumps']],
    [{ node: '20.18.9' }, ['node']],
    [{ node: '18.20.0' }, ['node']],
    [{ node: '22.1.0' }, []],
    [{ nodeOptions: '' }, []],
    [{ nodeOptions: '--inspect' }, ['environment']],
  ])('%j', (facts, wrong) => {
    const found = processFindings({ ...right, ...facts })
    expect(found.filter(({ level }) => level !== 'ok').map(({ check }) => check)).toEqual(wrong)
    for (const { level, advice } of found) expect(advice !== undefined).toBe(level !== 'ok')
  })
})

describe('the configuration', () => {
  test.each([
    ['', []],
    ['audit.retention_days = 30\naudit.async_write = false', []],
    ['limits.max_connections_per_uid = 5', []],
    ['security.scrypt_log_n = 16', ['security.scrypt_log_n is 16']],
    ['http.listen = "0.0.0.0:80"', ['HTTP is served to other machines without TLS']],
    ['http.listen = "127.0.0.1:80"', []],
    ['http = { listen = "[::]:443", tls_cert = "/c" }', []],
    ['security.require_mfa = true', []],
    ['audit.retention_days = 90', []],
  ])('%j', async (source, wanted) => {
    const found = await configFindings(configOf(source))
    const messages = found.filter(({ level }) => level !== 'ok').map(({ message }) => message)
    expect(messages).toEqual(wanted.map((text) => expect.stringContaining(text)))
  })

  test('the key file: private, open, absent, a directory; it is never named', async () => {
    using home = createTempHome()
    const name = createCanary()
    const file = home.write(name, 'x'.repeat(32))
    const level = async (): Promise<string | undefined> => {
      const found = await configFindings(configOf(`unlock.key_file = "${file}"`))
      expect(JSON.stringify(found)).not.toContain(name)
      return found.find(({ check }) => check === 'key file')?.level
    }
    chmodSync(file, 0o400)
    expect(await level()).toBe('ok')
    chmodSync(file, 0o440)
    expect(await level()).toBe('fault')
    using other = createTempHome()
    const gone = await configFindings(configOf(`unlock.key_file = "${other.file('gone')}"`))
    expect(gone[0]).toMatchObject({ check: 'key file', level: 'warning' })
    const directory = await configFindings(configOf(`unlock.key_file = "${other.path}"`))
    expect(directory[0]).toMatchObject({ check: 'key file', level: 'warning' })
  })
})

describe('faults', () => {
  test.each([
    [Object.assign(new Error('/secret/path'), { code: 'ERR_STORAGE_FULL' }), 'ERR_STORAGE_FULL'],
    [Object.assign(new Error('x'), { code: 'EIO' }), 'EIO'],
    [Object.assign(new Error('x'), { code: '/secret/path' }), 'Error'],
    [Object.assign(new TypeError('x'), { code: 5 }), 'TypeError'],
    [Object.assign(new Error('x'), { name: 'a name of somebody' }), 'UNKNOWN'],
    ['/secret/path', 'UNKNOWN'],
    [null, 'UNKNOWN'],
    [undefined, 'UNKNOWN'],
  ])('%o is kept as %s', (fault, code) => {
    const ring = new FaultRing(() => 7)
    ring.note(fault)
    expect(ring.list()).toEqual([{ code, at: 7 }])
  })

  test('only the last 64 are kept', () => {
    let now = 0
    const ring = new FaultRing(() => now++)
    for (let at = 0; at < 100; at++) ring.noteCode(`E${at}`)
    expect(ring.list()).toHaveLength(64)
    expect(ring.list()[0]).toEqual({ code: 'E36', at: 36 })
    expect(ring.list().at(-1)).toEqual({ code: 'E99', at: 99 })
  })
})

test('the part of a support document names no path', async () => {
  using home = createTempHome()
  const canary = createCanary()
  mkdirSync(home.file(canary))
  home.write(`${canary}/a`, 'x'.repeat(100))
  home.write(`${canary}/b`, 'x'.repeat(23))
  const config = configOf(
    `database.path = "${home.file(canary)}"\nsecurity.encrypt_prefixes = ["/${canary}"]`,
  )
  const faults = new FaultRing()
  faults.note(new Error(canary))
  const metrics = new DaemonMetrics()
  onTestFinished(() => metrics.close())
  const figures = () => ({ connections: 3 })
  const space = {
    room: { level: 'ok', auditBytes: 1, storeBytes: 1 },
    warning: undefined,
  } as const
  const port = createHostPort({
    config: () => config,
    faults,
    figures,
    metrics,
    sinks: () => undefined,
    space,
  })
  expect(await port.storeBytes?.()).toBe(123)
  const support = await port.support?.()
  expect(JSON.stringify(support)).not.toContain(canary)
  expect(support).toMatchObject({
    node: process.version,
    connections: 3,
    configuration: { 'security.encrypt_prefixes': '1 given' },
    faults: [{ code: 'Error' }],
  })
  expect(support?.event_loop.delay_ms.max).toBeGreaterThanOrEqual(0)
})
