/**
 * Weaknesses of the audit log of SecReg-Linux, by number, on a real daemon and its files. Number 54 has a file of its own. That
 * a log verifies after retention, too, needs a clock that can be set: it is shown in the tests of the registry.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { requireProgram, runChild, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import {
  allCompressed,
  checkpointOf,
  segmentsWith,
  verifyStopped,
  vkeyOf,
} from '../lib/audit-log.ts'
import { DatagramReceiver, lineOf, SyslogReceiver, sequencesOf } from '../lib/audit-receivers.ts'
import { ADMIN, PASSWORD, Site, startSite } from '../lib/site.ts'
import { type RequestKind, TYPE, Wire } from '../lib/wire.ts'

vi.setConfig({ testTimeout: 120_000 })

const EVE = { user: 'eve', password: PASSWORD }

for (const asyncWrite of [true, false]) {
  test(`weakness 49: with async_write = ${asyncWrite}, every allowed and denied operation has exactly one record right after kill -9`, async () => {
    await using running = await startSite({ audit: `async_write = ${asyncWrite}` })
    const { site, admin, daemon } = running
    await admin.ok('user', { op: 'add', ...EVE, roles: [] })
    using eve = await Wire.login(site.socket, EVE.user, EVE.password)
    using stranger = await Wire.open(site.socket)
    const before = site.records().length
    const expected: string[] = []
    for (let i = 0; i < 8; i++) {
      const key = `/w49/${i}`
      await admin.ok('set', { key, value: 'x' })
      await admin.ok('get', { key })
      await eve.refused('get', { key })
      await eve.refused('set', { key, value: 'y' })
      await admin.refused('get', { key: `${key}/absent` })
      expected.push(`${ADMIN} write ok ${key}`, `${ADMIN} read ok ${key}`)
      expected.push(`eve read denied ${key}`, `eve write denied ${key}`)
      expected.push(`${ADMIN} read failed ${key}/absent`)
    }
    await stranger.ask('auth', { username: ADMIN, password: 'wrong' })
    await stranger.refused('get', { key: '/w49/0' })
    expected.push(`${ADMIN} auth denied `, '- auth denied ')
    await daemon.kill('SIGKILL')
    const told = site
      .records()
      .slice(before)
      .map(({ body }) => {
        return `${body.actor.user ?? '-'} ${body.action} ${body.outcome} ${body.paths.join(' ')}`
      })
    expect(told).toEqual(expected)
  })
}

/** What was done to the lines of a log, and the number of the line that has to be named. */
type Deed = (lines: string[], at: number) => number

const DEEDS: Readonly<Record<string, Deed>> = {
  edit: (lines, at) => {
    lines[at] = (lines[at] as string).replace('"action":"', '"action":"x')
    return at + 1
  },
  delete: (lines, at) => {
    lines.splice(at, 1)
    return at + 1
  },
  insert: (lines, at) => {
    lines.splice(at + 1, 0, lines[at] as string)
    return at + 1
  },
  reorder: (lines, at) => {
    const other = at === lines.length - 1 ? at - 1 : at + 1
    ;[lines[at], lines[other]] = [lines[other] as string, lines[at] as string]
    return Math.min(at, other) + 1
  },
  truncate: (lines, at) => {
    lines.length = at
    return at + 1
  },
}

test('weakness 50: a line that is edited, deleted, inserted, moved or cut off is named by its number', async () => {
  await using running = await startSite()
  const { site, admin, daemon } = running
  for (let i = 0; i < 12; i++) {
    await admin.ok('set', { key: `/w50/${i}`, value: 'x' })
    await admin.ok('get', { key: `/w50/${i}` })
  }
  const key = await vkeyOf(admin)
  // What the last line was, only a checkpoint says; the one before tells that it was no other.
  await checkpointOf(admin)
  await daemon.kill('SIGTERM')
  const path = join(site.audit, '00000001.jsonl')
  const sound = readFileSync(path, 'utf8')
  const lines = sound.trimEnd().split('\n')
  expect(await verifyStopped(site, key)).toMatchObject({ ok: true, size: lines.length })
  for (const [name, deed] of Object.entries(DEEDS)) {
    for (let at = 0; at < lines.length; at++) {
      const changed = [...lines]
      const sequence = deed(changed, at)
      writeFileSync(path, changed.map((line) => `${line}\n`).join(''))
      const { ok, firstFault } = await verifyStopped(site, key)
      expect({ ok, sequence: firstFault?.sequence }, `${name} line ${at + 1}`).toEqual({
        ok: false,
        sequence,
      })
    }
  }
  // Nor does the daemon go on from it: the store knows the last line that was synced.
  for (const name of ['edit', 'delete', 'truncate']) {
    const changed = [...lines]
    DEEDS[name]?.(changed, lines.length - 3)
    writeFileSync(path, changed.map((line) => `${line}\n`).join(''))
    const child = site.launch()
    expect((await child.exit).code, name).toBe(7)
    expect(child.stderr(), name).toContain(site.audit)
    expect(child.stderr(), name).toMatch(/\bline \d+\b/)
    expect(readFileSync(path, 'utf8')).toBe(changed.map((line) => `${line}\n`).join(''))
  }
  writeFileSync(path, sound)
  await site.start()
})

test('weakness 50: the same in a segment that was compressed', async () => {
  await using running = await startSite({ audit: 'segment_size = 65536' })
  const { site, admin, daemon } = running
  while (segmentsWith(site.audit, 'jsonl').at(-1) !== 3) await admin.ok('list', { prefix: '/w50' })
  await allCompressed(admin, site.audit)
  const key = await vkeyOf(admin)
  await daemon.kill('SIGTERM')
  const path = join(site.audit, '00000002.jsonl')
  const sound = readFileSync(`${path}.gz`)
  const lines = gunzipSync(sound).toString().trimEnd().split('\n')
  const before = (JSON.parse(lines[0] as string) as { seq: number }).seq - 1
  const faultOf = async () => {
    const { ok, firstFault } = await verifyStopped(site, key)
    return { ok, segment: firstFault?.segment, sequence: firstFault?.sequence }
  }
  for (const [name, deed] of Object.entries(DEEDS)) {
    for (const at of [0, 57, 101, lines.length - 2]) {
      const changed = [...lines]
      const sequence = deed(changed, at) + before
      const text = changed.map((line) => `${line}\n`).join('')
      // Unpacked, changed and put in its place.
      rmSync(`${path}.gz`)
      writeFileSync(path, text, { mode: 0o600 })
      const what = `${name} line ${at + 1}`
      expect(await faultOf(), what).toMatchObject({ ok: false, sequence })
      rmSync(path)
      // Packed by another program: the block cannot be read, which begins with the first line.
      writeFileSync(`${path}.gz`, gzipSync(text), { mode: 0o600 })
      expect(await faultOf(), what).toEqual({ ok: false, segment: 2, sequence: before + 1 })
    }
  }
  writeFileSync(`${path}.gz`, sound)
  expect(await verifyStopped(site, key)).toMatchObject({ ok: true })
})

test('weakness 51: what was kept of the log holds after every restart, in whatever way it ended', async () => {
  await using running = await startSite({
    audit: 'segment_size = 65536\ncheckpoint_interval = 1',
  })
  const { site } = running
  let { admin, daemon } = running
  const key = await vkeyOf(admin)
  const kept = [await checkpointOf(admin)]
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
    const { length } = site.records()
    while (site.records().length < length + 100) await admin.ok('list', { prefix: '/w51' })
    kept.push(await checkpointOf(admin))
    await admin.ok('evidence', { op: 'rotate-key' })
    await daemon.kill(signal)
    expect(await verifyStopped(site, key, kept)).toMatchObject({ ok: true, trusted: true })
    daemon = await site.start()
    admin = await site.unlock()
    const { verification } = await admin.ok('evidence', { op: 'verify', checkpoints: kept })
    const { job } = verification
    const done = await waitFor(async () => {
      const now = (await admin.ok('evidence', { op: 'verify', job })).verification
      return now.done ? now : undefined
    })
    expect(done).toMatchObject({ ok: true })
    for (const checkpoint of kept) {
      expect(await admin.ok('evidence', { op: 'consistency', checkpoint })).toHaveProperty('proof')
    }
    expect((await admin.ok('security', { op: 'audit' })).ok).toBe(true)
  }
  admin.close()
})

test('weakness 52: user and key and action and time hold together, and limit 1 is the newest', async () => {
  await using running = await startSite()
  const { site, admin } = running
  await admin.ok('user', { op: 'add', ...EVE, roles: ['admin'] })
  using eve = await Wire.login(site.socket, EVE.user, EVE.password)
  const round = async (name: string): Promise<void> => {
    for (const wire of [admin, eve]) {
      for (const key of ['/w52/a', '/w52/a/b', '/w52/ab']) {
        await wire.ok('set', { key, value: name })
        await wire.ok('get', { key })
      }
    }
  }
  await round('first')
  const since_ms = Date.now() + 1
  await waitFor(() => Date.now() > since_ms)
  await round('second')
  const filters = { user: 'eve', key: '/w52/a', action: 'write', since_ms }
  const ask = async (payload: object) => (await admin.ok('audit', payload)).records
  const newestFirst = (records: { sequence: number }[]): boolean =>
    records.every(({ sequence }, at) => at === 0 || sequence < (records[at - 1]?.sequence ?? 0))
  const all = await ask({ limit: 1000 })
  expect(newestFirst(all)).toBe(true)
  const fits = all.filter(
    (one: { time: string; action: string; paths: string[]; actor: { user?: string } }) =>
      one.actor.user === 'eve' &&
      one.action === 'write' &&
      Date.parse(one.time) >= since_ms &&
      one.paths.some((path) => path === '/w52/a' || path.startsWith('/w52/a/')),
  )
  expect(fits).toHaveLength(2)
  expect(await ask(filters)).toEqual(fits)
  expect(await ask({ ...filters, limit: 1 })).toEqual(fits.slice(0, 1))
  await eve.ok('get', { key: '/w52/ab' })
  expect(await ask({ limit: 1 })).toMatchObject([
    { action: 'read', paths: ['/w52/ab'], actor: { user: 'eve' } },
  ])
})

const FORGED = '"action":"forged"'
/** What passes for the end of a record somewhere, and what would stand in the next one. */
const BREAKS = ['\n', '\r\n', '\u0000', '\u2028', '\u0085', '\u001b[2K\r', '\\n', '"}}\n']

for (const [name, open] of [
  ['tcp', () => SyslogReceiver.start()],
  ['udp', () => DatagramReceiver.start()],
] as const) {
  test(`weakness 53: no text that somebody gives forges a line, in the log, in syslog over ${name} and in the daemon's own log`, async () => {
    await using receiver = await open()
    await using site = new Site()
    site.configure({
      audit: `syslog = "${receiver.target}"`,
      config: 'rate_limit_attempts = 1000\n[log]\nlevel = "trace"',
    })
    const daemon = await site.start()
    using admin = await site.initialize()
    // A checkpoint is made by the daemon itself, at any time.
    const ours = () => site.records().filter(({ body }) => body.action !== 'checkpoint')
    let asked = ours().length
    const ask = async (...[kind, payload]: Parameters<Wire['ask']>): Promise<void> => {
      await admin.ask(kind, payload)
      asked++
    }
    for (const line of BREAKS) {
      const text = `x${line}{"seq":7,${FORGED}}${line}<13>1 - - - - - - ${FORGED}`
      await ask('auth', { username: text, password: text })
      await ask('auth', { token: text })
      await ask('get', { key: `/w53/${text}` })
      await ask('set', {
        key: '/w53/a',
        value: text,
        type: text.slice(0, 16),
        id: text.slice(0, 64),
      })
      await ask('set', { key: '/w53/a', value: text, type: 'integer' })
      await ask('user', { op: 'show', user: text.slice(0, 60) })
      await ask('group', { op: 'add', kind: 'group', name: text.slice(0, 32) })
      await ask('token', { op: 'create', boundary: 'full', label: text.slice(0, 64) })
      await ask('policy', { op: 'get', policy: text.slice(0, 64) })
      await ask('policy', { op: 'explain', action: text.slice(0, 32), resource: '/w53/a' })
      await ask('mount', { op: 'set', path: '/w53/m', dialect: text.slice(0, 32) })
      await ask('search', { prefix: '/w53', text })
      await ask('meta', { op: 'set', key: '/w53/a', description: text })
      await ask('zone', { op: 'check', zone: 'z', login: text.slice(0, 64), password: text })
      await ask('protector', { op: 'remove', protector: text.slice(0, 64) })
    }
    expect(ours()).toHaveLength(asked)
    const lines = site.records()
    for (const { seq, body } of lines) {
      expect(Number.isSafeInteger(seq)).toBe(true)
      expect(body.action).not.toBe('forged')
    }
    // JSON has no line break in a text, so a line is one to whatever else splits at those.
    const text = readFileSync(join(site.audit, '00000001.jsonl'), 'utf8')
    expect(text.split(/\r\n|[\n\r\v\f]/)).toHaveLength(lines.length + 1)
    await waitFor(() => sequencesOf(receiver.messages).length >= lines.length, {
      timeoutMs: 20_000,
    })
    for (const message of receiver.messages) {
      expect(message).toMatch(/^<\d{1,3}>1 \d{4}-\S+ \S+ secregd? \S+ \S+ \[/)
      expect(message).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      expect((JSON.parse(lineOf(message)) as { body: object }).body).not.toMatchObject({
        action: 'forged',
      })
    }
    // Of the last one, a part may be there.
    for (const line of daemon.stderr().split('\n').slice(0, -1)) {
      const told = JSON.parse(line) as { name: string; action?: string }
      expect(told.name).toBe('secregd')
      expect(told.action).toBeUndefined()
    }
  })
}

const CHANGES: readonly (readonly [RequestKind, object])[] = [
  ['set', { key: '/w55/a', value: 'after' }],
  ['delete', { key: '/w55/a' }],
  ['txn', { then: [{ op: 'set', key: '/w55/a', value: 'after' }] }],
  ['user', { op: 'add', user: 'w55' }],
  ['policy', { op: 'set', document: { id: 'w55', rules: [] } }],
  ['token', { op: 'create', boundary: 'full' }],
  ['zone', { op: 'add', zone: 'w55' }],
]

test('weakness 55: while the log cannot be written, changes fail with 7, reads tell nothing, nothing is changed; then it goes on', async (context) => {
  const prlimit = requireProgram(context, 'prlimit')
  await using running = await startSite()
  const { site, admin, daemon } = running
  await admin.ok('user', { op: 'add', ...EVE })
  await admin.ok('set', { key: '/w55/a', value: 'before' })
  // The log is to be the largest file, so that it alone is at the limit.
  const frames = Array.from({ length: 3000 }, () => admin.frame('list', { prefix: '/w55' }))
  admin.socket.write(Buffer.concat(frames))
  for (const _ of frames) await admin.next()
  const limit = async (bytes: number | 'unlimited'): Promise<void> => {
    const args = ['--pid', String(daemon.pid), `--fsize=${bytes}:unlimited`]
    expect((await runChild(prlimit, args)).code).toBe(0)
  }
  const { size } = statSync(join(site.audit, '00000001.jsonl'))
  await limit(size + 100)
  // Nothing told of it yet: this one is committed with its record, which is owed to the log (DESIGN §2, step 4).
  await admin.ok('set', { key: '/w55/a', value: 'owed' })
  const before = await admin.ok('status', {})
  for (const [kind, payload] of CHANGES) {
    const body = await admin.refused(kind, payload)
    expect(body, kind).toMatchObject({ code: 7, name: 'DatabaseError', reason: 'AUDIT_FAILED' })
  }
  const told = await admin.refused('get', { key: '/w55/a' })
  expect(told).toMatchObject({ code: 7 })
  expect(JSON.stringify(told)).not.toContain('owed')
  using stranger = await Wire.open(site.socket)
  const login = await stranger.ask('auth', { username: EVE.user, password: EVE.password })
  expect(JSON.stringify(login.body)).toContain('AUDIT_FAILED')
  expect(await admin.ok('status', {})).toMatchObject({ log: 'failing', entries: before.entries })
  await limit('unlimited')
  await waitFor(
    async () => (await admin.ask('set', { key: '/w55/c', value: 'x' })).type === TYPE.set + 1,
  )
  expect(await admin.ok('get', { key: '/w55/a' })).toMatchObject({ value: 'owed', version: 2 })
  for (const [kind, payload] of [
    ['policy', { op: 'get', policy: 'w55' }],
    ['zone', { op: 'accounts', zone: 'w55' }],
    ['user', { op: 'show', user: 'w55' }],
  ] as const) {
    expect(await admin.refused(kind, payload), kind).toMatchObject({ code: 2 })
  }
  expect(await admin.ok('token', { op: 'list' })).toEqual({ tokens: [] })
  expect((await admin.ok('security', { op: 'audit' })).ok).toBe(true)
  const about = site.records().filter(({ body }) => body.paths.includes('/w55/a'))
  // What was done, and nothing of what was refused.
  expect(about.map(({ body }) => `${body.action} ${body.outcome}`)).toEqual([
    'write ok',
    'write ok',
    'read ok',
  ])
})
