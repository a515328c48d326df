/**
 * The disk of the log full while that of the store is not, and the reverse, and a directory of the log in which nothing can be
 * made: nothing is committed without its record, nothing is told without one, what is compressed and signed waits, sinks go
 * on, and service resumes without a restart (DESIGN §2, steps 2 to 4). What the store itself does on a full disk is shown in
 * durability.test.ts, the thresholds in room.test.ts.
 */
import { chmodSync, chownSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type SkippableContext, skipTest, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import {
  allCompressed,
  checkpointOf,
  segmentsWith,
  verifyStopped,
  vkeyOf,
} from '../lib/audit-log.ts'
import { SyslogReceiver, sequencesOf } from '../lib/audit-receivers.ts'
import { fillDisk } from '../lib/fill-disk.ts'
import { readLog, Site } from '../lib/site.ts'
import { mountSmallDisk } from '../lib/small-disk.ts'
import { ERROR, TYPE, type Wire } from '../lib/wire.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Use the disk to its end. */
const NO_THRESHOLDS = 'free_warning = 0\nfree_low = 0\nfree_least = 0'

/** Run with a small file system of its own for one of the directories. */
async function onSmallDisk(
  context: SkippableContext,
  { part, audit }: { part: 'data' | 'audit'; audit: string },
  run: (site: Site, places: { disk: string; audit: string }) => Promise<void>,
): Promise<void> {
  await using site = new Site({ audit })
  await using small = await mountSmallDisk(context, site, { part })
  await run(site, { disk: small.path, audit: part === 'audit' ? small.moved : site.audit })
}

/** Ask until it has been refused for want of the log. */
async function untilRefused(admin: Wire, fill: () => void): Promise<void> {
  await waitFor(
    async () => {
      fill()
      return (await admin.ask('list', { prefix: '/' })).body.reason === 'AUDIT_FAILED'
    },
    { intervalMs: 1, what: 'the log to be full', timeoutMs: 30_000 },
  )
}

/** Wait until there is a record again. */
async function untilServed(admin: Wire): Promise<void> {
  await waitFor(
    async () => (await admin.ask('set', { key: '/again', value: 'x' })).type === TYPE.set + 1,
    { timeoutMs: 30_000 },
  )
}

test('disk of the log full: reads fail closed, closed segments and checkpoints wait, a sink gets what is recorded; then all goes on', async (context) => {
  await using receiver = await SyslogReceiver.start()
  const audit = `${NO_THRESHOLDS}\nsegment_size = 65536\ncheckpoint_interval = 1\nsyslog = "${receiver.target}"`
  await onSmallDisk(context, { part: 'audit', audit }, async (site, { disk, audit }) => {
    const daemon = await site.start()
    using admin = await site.initialize()
    const key = await vkeyOf(admin)
    await admin.ok('set', { key: '/secret', value: 'told-to-nobody', encrypt: true })
    const kept = await checkpointOf(admin)
    const filling = `${disk}/filling`
    await untilRefused(admin, () => fillDisk(filling))
    const { log_sequence } = await admin.ok('status', {})
    for (let i = 0; i < 50; i++) {
      for (const [kind, payload] of [
        ['get', { key: '/secret', decrypt: true }],
        ['set', { key: '/full', value: 'x' }],
        ['export', { prefix: '/', with_secrets: true }],
        ['audit', {}],
        ['evidence', { op: 'checkpoint' }],
      ] as const) {
        const { type, body } = await admin.ask(kind, payload)
        expect(type, kind).toBe(ERROR)
        expect(body, kind).toMatchObject({ code: 7 })
        expect(JSON.stringify(body)).not.toContain('told-to-nobody')
      }
    }
    expect((await admin.ok('status', {})).log_sequence).toBe(log_sequence)
    // What is recorded is told elsewhere all the same, although the cursor cannot be stored.
    await waitFor(() => sequencesOf(receiver.messages).at(-1) === log_sequence, {
      timeoutMs: 30_000,
    })
    rmSync(filling)
    await untilServed(admin)
    expect(await admin.refused('get', { key: '/full' })).toMatchObject({ code: 2 })
    while (segmentsWith(audit, 'jsonl').at(-1) === 1) await admin.ok('list', { prefix: '/' })
    await checkpointOf(admin)
    expect(await admin.ok('evidence', { op: 'consistency', checkpoint: kept })).toHaveProperty(
      'proof',
    )
    await waitFor(
      async () => {
        const { sinks, log_sequence: now } = await admin.ok('status', {})
        return sinks[0].sequence === now
      },
      { timeoutMs: 30_000 },
    )
    await daemon.kill('SIGTERM')
    const { lines } = readLog(audit)
    const told = sequencesOf(receiver.messages)
    expect(told).toEqual(Array.from(told, (_, at) => at + 1))
    expect(told.length).toBeGreaterThanOrEqual(lines.length - 3)
    expect(await verifyStopped({ audit }, key, [kept])).toMatchObject({ ok: true, trusted: true })
    // What waited to be compressed is, a minute later or after the next start.
    await site.start()
    using again = await site.unlock()
    await allCompressed(again, audit)
  })
})

test('disk of the store full: every change and read has its record, as it ended; then all goes on', async (context) => {
  const audit = NO_THRESHOLDS
  await onSmallDisk(context, { part: 'data', audit }, async (site, { disk }) => {
    await site.start()
    using admin = await site.initialize()
    await admin.ok('set', { key: '/a', value: 'x' })
    const filling = `${disk}/filling`
    let [refused, done, read, unread] = [0, 0, 0, 0]
    const value = 'x'.repeat(5000)
    while (refused < 10) {
      fillDisk(filling)
      const { type, body } = await admin.ask('set', { key: '/full', value })
      if (type !== ERROR) done++
      else {
        expect(body).toMatchObject({ code: 7, name: 'DatabaseError' })
        refused++
      }
      const answer = await admin.ask('get', { key: '/a' })
      // While the store is opened again, nothing can be read.
      if (answer.type === ERROR) {
        expect(answer.body).toMatchObject({ code: 7, reason: 'STORAGE_FAILED' })
        unread++
      } else {
        expect(answer.body.value).toBe('x')
        read++
      }
    }
    const about = (path: string): string[] =>
      site
        .records()
        .filter(({ body }) => body.paths.includes(path))
        .map(({ body }) => `${body.action} ${body.outcome}`)
    expect(about('/full').filter((what) => what === 'write ok')).toHaveLength(done)
    expect(about('/full').filter((what) => what === 'write failed')).toHaveLength(refused)
    expect(about('/a').filter((what) => what === 'read ok')).toHaveLength(read)
    expect(about('/a').filter((what) => what === 'read failed')).toHaveLength(unread)
    rmSync(filling)
    await untilServed(admin)
    expect((await admin.ok('security', { op: 'audit' })).ok).toBe(true)
  })
})

test('a directory of the log in which nothing can be made: no record is lost, and service resumes', async (context) => {
  const uid = process.getuid?.() === 0 ? 4242 : undefined
  await using site = new Site({ audit: 'segment_size = 65536\ncheckpoint_interval = 1' })
  if (uid !== undefined) {
    for (const path of [site.home.path, site.config]) chownSync(path, uid, uid)
  }
  const owner = uid === undefined ? {} : { uid, gid: uid }
  const daemon = site.launch(owner)
  const started = await daemon
    .line(/"event":"ready"/, { from: 'stderr' })
    .catch((error: Error) => error)
  if (started instanceof Error) {
    if (/EACCES|Cannot find module/.test(started.message)) {
      skipTest(context, 'another user cannot read the program')
    }
    throw started
  }
  using admin = await site.initialize()
  const key = await vkeyOf(admin)
  let done = 0
  const list = async (): Promise<boolean> => {
    const { type, body } = await admin.ask('list', { prefix: '/ro' })
    if (type !== ERROR) done++
    else expect(body).toMatchObject({ code: 7, reason: 'AUDIT_FAILED' })
    return type !== ERROR
  }
  await list()
  chmodSync(site.audit, 0o500)
  const before = readdirSync(site.audit).sort()
  // More than a segment holds: the next one cannot be made.
  for (let i = 0; i < 400; i++) await list()
  await daemon.line(/"event":"audit log: rotation-failed"/, { from: 'stderr' })
  expect(readdirSync(site.audit).sort()).toEqual(before)
  chmodSync(site.audit, 0o700)
  await list()
  const answered = site.records().filter(({ body }) => body.paths.includes('/ro'))
  expect(answered).toHaveLength(done)
  await checkpointOf(admin)
  expect((await admin.ok('security', { op: 'audit' })).ok).toBe(true)
  await daemon.kill('SIGTERM')
  // The next segment is made when that is tried again, or at once by the next start.
  const next = await site.start(owner)
  using again = await site.unlock()
  while (segmentsWith(site.audit, 'jsonl').at(-1) === 1) await again.ok('list', { prefix: '/' })
  await next.kill('SIGTERM')
  if (uid !== undefined) {
    for (const path of [
      site.audit,
      ...readdirSync(site.audit).map((name) => join(site.audit, name)),
    ]) {
      chownSync(path, 0, 0)
    }
  }
  expect(await verifyStopped(site, key)).toMatchObject({ ok: true, trusted: true })
})
