/**
 * No operation without its record, none with two, under kill -9 at random moments while segments end, are compressed and
 * signed. Durability class: *written* of everything, which survives the death of the process; that every change, and with
 * `audit.async_write` off every read, is synced before its answer, is seen in the system calls. Rounds: `SECREG_SOAK_ROUNDS`,
 * 20 unless told.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { parseCheckpoint, parseNote } from '@secreg/audit/verify'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { checkpointOf, segmentsWith, verifyStopped, vkeyOf } from '../lib/audit-log.ts'
import { AuditWriter, FailedLogins, KINDS, recordsByPath } from '../lib/audit-writers.ts'
import { readLog, Site } from '../lib/site.ts'
import { startTraced, type Traced } from '../lib/traced.ts'
import { Wire } from '../lib/wire.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 20)
const SEGMENT = 65_536
const USER = { user: 'eve', password: 'Very-Strong-Phrase-9' }

/** Kept elsewhere of the checkpoints, in all rounds together. */
const KEPT = 16

test(`kill -9 under load: every answered operation has its one record, and the log proves itself, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 20_000,
}, async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  site.configure({
    audit: `segment_size = ${SEGMENT}\ncheckpoint_interval = 1`,
    config: `rate_limit_attempts = 10000\n[unlock]\nkey_file = ${JSON.stringify(key)}`,
  })
  const writers = KINDS.map((kind) => new AuditWriter(kind, kind))
  const logins = new FailedLogins('a')
  let daemon = await site.start()
  let admin = await site.initialize()
  await admin.ok('user', { op: 'add', ...USER, roles: [] })
  const vkey = await vkeyOf(admin)
  const kept: string[] = []
  let halfMade = 0
  for (let round = 0; round < ROUNDS; round++) {
    using eve = await Wire.login(site.socket, USER.user, USER.password)
    const before = { lines: writers.map(({ answered }) => answered), logins: logins.answered }
    const work = Promise.all([
      ...writers.map((writer) =>
        writer.run(site.socket, writer.kind === 'denied' ? eve.session : admin.session),
      ),
      logins.run(site.socket),
    ])
    const answered = (): number => writers.reduce((sum, one) => sum + one.answered, 0)
    const until = answered() + randomInt(1, 500)
    const first = round === 0
    // The first round lasts until everything has been seen; those after it, until one has died while a segment was closed.
    const ripe = (): boolean => {
      if (first) {
        const everybody = writers.every((one, at) => one.answered > (before.lines[at] ?? 0))
        const { length } = segmentsWith(site.audit, 'jsonl.gz')
        return everybody && logins.answered > before.logins && length > 1
      }
      if (halfMade === 0) return isClosing(site.audit)
      return answered() >= until
    }
    await Promise.race([work, waitFor(ripe, { intervalMs: 1, timeoutMs: 100_000 })])
    // Not only right behind an answer: also in the middle of what follows it.
    for (let turns = halfMade === 0 ? 0 : randomInt(0, 200); turns > 0; turns--) {
      await new Promise((resume) => setImmediate(resume))
    }
    await daemon.kill('SIGKILL')
    await work
    admin.close()
    if (isClosing(site.audit)) halfMade++

    // What an outsider sees who has only files and a key, before anything is put in order.
    const found = await verifyStopped(site, vkey, kept)
    expect({ round, fault: found.firstFault }).toSatisfy(
      ({ fault }) => fault === undefined || fault.kind === 'torn',
    )
    daemon = await site.start()
    admin = await site.admin()
    const { lines, torn } = readLog(site.audit)
    expect(torn, `round ${round}`).toBe('')
    const records = recordsByPath(lines)
    for (const writer of writers) writer.check(records)
    logins.check(lines)
    const checkpoint = await checkpointOf(admin)
    for (const old of kept) {
      expect(await admin.ok('evidence', { op: 'consistency', checkpoint: old })).toHaveProperty(
        'proof',
      )
    }
    kept.push(checkpoint)
    if (kept.length > KEPT) kept.splice(randomInt(KEPT), 1)
  }
  for (const writer of writers) expect(writer.answered, writer.kind).toBeGreaterThan(0)
  expect(halfMade, 'killed while a segment was being closed').toBeGreaterThan(0)
  const { ok, findings } = await admin.ok('security', { op: 'audit' })
  expect(ok, JSON.stringify(findings)).toBe(true)
  admin.close()
  await daemon.kill('SIGTERM')
  const { ok: whole, trusted, proven, size } = await verifyStopped(site, vkey, kept)
  expect({ whole, trusted }).toEqual({ whole: true, trusted: true })
  // The last checkpoint is of the whole log.
  expect(proven).toBe(size)
  for (const note of kept) {
    expect(parseCheckpoint(parseNote(note)?.text ?? '')?.size).toBeLessThanOrEqual(size)
  }
})

/** A segment that ended is not compressed yet, or a file is half made. */
function isClosing(directory: string): boolean {
  const names = readdirSync(directory)
  return names.some((name) => name.endsWith('.part')) || segmentsWith(directory, 'jsonl').length > 1
}

/** Times that the log was synced so far. */
function syncsOf(traced: Traced): number {
  return (
    traced
      .text()
      .split('\n')
      // One that another thread's call came between is written in two parts; both would be one too many.
      .filter((line) => /\.jsonl>(?:\) += 0| <unfinished \.\.\.>)$/.test(line)).length
  )
}

for (const asyncWrite of [true, false]) {
  const what = asyncWrite ? 'written, and synced later' : 'synced before its answer'
  test(`with audit.async_write = ${asyncWrite}, the record of a read is ${what}; that of a change is in a synced commit`, async (context) => {
    await using site = new Site({ audit: `async_write = ${asyncWrite}` })
    await using traced = await startTraced(context, site, 'fdatasync,fsync', ['-y'])
    using admin = await site.initialize()
    await admin.ok('set', { key: '/a', value: 'x' })
    const { log_sequence } = await admin.ok('status', {})
    const before = syncsOf(traced)
    const READS = 200
    for (let i = 0; i < READS; i++) {
      if (i % 2 === 0) await admin.ok('get', { key: '/a' })
      else await admin.refused('get', { key: '/absent' })
    }
    const status = await admin.ok('status', {})
    expect(status.log_sequence).toBe(log_sequence + READS)
    if (asyncWrite) {
      expect(syncsOf(traced) - before).toBeLessThan(READS / 4)
      // Within a second by itself; nothing else has to happen.
      await waitFor(async () => (await admin.ok('status', {})).log_synced >= log_sequence + READS)
    } else {
      expect(syncsOf(traced) - before).toBeGreaterThanOrEqual(READS)
      expect(status.log_synced).toBe(status.log_sequence)
    }
    expect(site.records()).toHaveLength(status.log_sequence)
  })
}
