/**
 * Classes 13 and 14 of known faults of such servers: a way past the audit log, and the log as a way to write elsewhere. One
 * record for one operation, by whomever; destinations that only the configuration names; a directory that is ours alone.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { REQUESTS } from '@secreg/protocol/messages'
import { createCanary, requireProgram, runChild, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { allCompressed } from '../lib/audit-log.ts'
import { SyslogReceiver } from '../lib/audit-receivers.ts'
import { type Ask, askEverything, type Payload } from '../lib/audit-requests.ts'
import { codeOf } from '../lib/authenticator.ts'
import { ADMIN, PASSPHRASE, PASSWORD, Site, startSite } from '../lib/site.ts'
import { ERROR, type Reply, type RequestKind, Wire } from '../lib/wire.ts'

vi.setConfig({ testTimeout: 120_000 })

/** What is no operation leaves no record, whoever asks (DESIGN §2). */
const FREE: ReadonlySet<RequestKind> = new Set(['hello', 'status'])
/** Refusals of whoever may not ask at all: each is an operation that was denied. */
const SHUT_OUT: ReadonlySet<string> = new Set([
  'AUTH_REQUIRED',
  'MFA_ENROLLMENT_REQUIRED',
  'ACCESS_DENIED',
])

/** A part of an operation that is not under way: what it was a part of, if there was anything, has its record. */
const PART_OF_NOTHING = /^the \w+ has ended; start it again$/

function expectedOf(
  kind: RequestKind,
  error: { readonly reason: string; readonly message: string } | undefined,
  records: number,
): number {
  if (FREE.has(kind)) return 0
  if (error === undefined) return records
  if (SHUT_OUT.has(error.reason)) return 1
  // Of a frame that is too large for a stranger, nothing is read.
  if (error.reason === 'FRAME_TOO_LARGE') return 0
  return PART_OF_NOTHING.test(error.message) ? 0 : records
}

/** Asks, and holds each answer against the records that it left. */
class Examiner {
  readonly asked = new Set<RequestKind>()
  readonly reasons = new Map<string, number>()
  readonly #site: Site
  #seen: number

  constructor(site: Site) {
    this.#site = site
    this.#seen = site.records().length
  }

  /** @param records - of the request if whoever asks is let */
  async ask(
    wire: Wire,
    kind: RequestKind,
    payload: Payload,
    records: number,
    who: string,
  ): Promise<Reply> {
    const reply = await wire.ask(kind, payload)
    this.asked.add(kind)
    const lines = this.#site.records()
    const made = lines
      .slice(this.#seen)
      .map(({ body }) => body)
      // What the daemon does by itself is an operation of its own.
      .filter(({ actor }) => (actor as { door?: string }).door === 'registry')
    this.#seen = lines.length
    const { error = reply.type === ERROR ? reply.body : undefined } =
      kind === 'auth' ? reply.body : {}
    const { op = '' } = payload
    const what = `${kind} ${op} by ${who}: ${JSON.stringify(reply.body).slice(0, 200)}`
    expect(made.length, what).toBe(expectedOf(kind, error, records))
    for (const { outcome, reason } of made) {
      expect({ ok: outcome === 'ok', reason }, what).toEqual({
        ok: error === undefined,
        reason: error?.reason,
      })
    }
    const reason = error?.reason ?? 'ok'
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
    return reply
  }

  /** As {@link askEverything} wants it. */
  by(who: string, wireOf: () => Promise<Wire>, keeps: boolean): Ask {
    return async (kind, payload, records = 1) => {
      const wire = await wireOf()
      try {
        const { type, body } = await this.ask(wire, kind, payload, records, who)
        return type === ERROR ? undefined : body
      } finally {
        if (!keeps) wire.close()
      }
    }
  }
}

const subjectOf = (name: string) => ({
  base: `/gap/${name}`,
  name: `n${name}`,
  secret: `${createCanary('gap')}-X`,
  passphrase: PASSPHRASE,
  password: PASSWORD,
})

async function bear(site: Site, token: string): Promise<Wire> {
  const wire = await Wire.open(site.socket)
  wire.session = (await wire.ok('auth', { token })).session_id
  return wire
}

test('class 13: every request leaves its one record, by password, by token, without rights and without a session', async () => {
  await using running = await startSite({ config: 'rate_limit_attempts = 1000' })
  const { site, admin } = running
  await admin.ok('user', { op: 'add', user: 'eve', password: PASSWORD, roles: [] })
  using eve = await Wire.login(site.socket, 'eve', PASSWORD)
  const { secret: token } = await admin.ok('token', { op: 'create', boundary: 'full' })
  using bearer = await bear(site, token)
  const examiner = new Examiner(site)
  const kept = (wire: Wire) => async () => wire
  await askEverything(examiner.by('password', kept(admin), true), subjectOf('password'))
  await askEverything(examiner.by('token', kept(bearer), true), subjectOf('token'))
  await askEverything(examiner.by('eve', kept(eve), true), subjectOf('eve'))
  const strangers = (): Promise<Wire> => Wire.open(site.socket)
  await askEverything(examiner.by('nobody', strangers, false), subjectOf('nobody'))

  // What begins and ends sessions and what seals, in the forms that there are.
  using wire = await Wire.open(site.socket)
  const once = (kind: RequestKind, payload: Payload, records = 1): Promise<Reply> =>
    examiner.ask(wire, kind, payload, records, 'one after another')
  await once('auth', { username: ADMIN, password: 'wrong' })
  await once('auth', { username: 'nobody-there', password: 'wrong' })
  await once('auth', { token: `${token.slice(0, -4)}aaaa` })
  await once('auth', { token: 'no token' })
  wire.session = (await once('auth', { token })).body.session_id
  await once('logout', {})
  wire.session = (await once('auth', { username: ADMIN, password: PASSWORD })).body.session_id
  await once('seal', { op: 'lock' })
  await once('set', { key: '/gap/sealed', value: 'x' })
  await once('get', { key: '/gap/password/a', decrypt: true })
  await once('seal', { op: 'unlock', passphrase: 'a wrong one' })
  await once('seal', { op: 'unlock' })
  await once('seal', { op: 'unlock', passphrase: PASSPHRASE })
  wire.session = 'f'.repeat(32)
  await once('whoami', {})
  // What cannot be read is no operation of anybody.
  for (const kind of Object.keys(REQUESTS) as RequestKind[]) {
    await examiner.ask(admin, kind, { op: 7, key: 7, prefix: 7, id: {} }, 0, 'malformed')
  }
  expect([...examiner.asked].sort()).toEqual(Object.keys(REQUESTS).sort())
  for (const reason of ['ok', 'ACCESS_DENIED', 'AUTH_REQUIRED', 'AUTH_FAILED', 'SEALED']) {
    expect(examiner.reasons.get(reason), reason).toBeGreaterThan(0)
  }
})

test('class 13: a session that has still to enrol leaves one record for each thing that it may not do', async () => {
  await using site = new Site()
  site.configure({ config: 'require_mfa = true\nrate_limit_attempts = 1000' })
  await site.start()
  using admin = await site.initialize()
  const examiner = new Examiner(site)
  const ask = examiner.by('restricted', async () => admin, true)
  const allowed = new Set<string>()
  await askEverything(async (kind, payload, records) => {
    // That one seals nothing and needs no session.
    if (kind === 'seal') return undefined
    const body = await ask(kind, payload, records)
    if (body !== undefined) allowed.add(kind)
    return body
  }, subjectOf('restricted'))
  expect([...allowed].sort()).toEqual(['hello', 'status', 'whoami'])
  const asks = (payload: Payload) => ask('mfa', payload)
  const { secret } = await asks({ op: 'begin', password: PASSWORD })
  expect(await asks({ op: 'confirm', code: '000000' })).toBeUndefined()
  expect(await asks({ op: 'confirm', code: codeOf(secret) })).toHaveProperty('recovery_codes')
  await ask('logout', {})
  expect(examiner.reasons.get('MFA_ENROLLMENT_REQUIRED')).toBeGreaterThan(80)
})

test('class 14: no request names a destination of the log; every file is 0600, whatever the umask', async () => {
  await using receiver = await SyslogReceiver.start()
  await using site = new Site({ audit: 'segment_size = 65536' })
  await site.start({ umask: '000' })
  using admin = await site.initialize()
  const evil = site.home.file('evil')
  const destinations = {
    path: evil,
    directory: evil,
    file: evil,
    output: evil,
    log: evil,
    destination: evil,
    prefix_text: '#!/bin/sh\n',
    mode: '0755',
    syslog: receiver.target,
    brokers: [receiver.target.slice('tcp://'.length)],
    audit: { path: evil, syslog: receiver.target, mode: '0755' },
  }
  const before = new Set(readdirSync(site.home.path))
  await askEverything(async (kind, payload) => {
    const { type, body } = await admin.ask(kind, { ...destinations, ...payload })
    return type === ERROR ? undefined : body
  }, subjectOf('evil'))
  while (!readdirSync(site.audit).includes('00000002.jsonl'))
    await admin.ok('list', { prefix: '/' })
  await allCompressed(admin, site.audit)
  await waitFor(() => readdirSync(site.audit).includes('00000001.index'))
  expect(readdirSync(site.home.path).filter((name) => !before.has(name))).toEqual([])
  expect(receiver.messages).toEqual([])
  expect((await admin.ok('status', {})).audit).toBe(site.audit)
  expect(statSync(site.audit).mode & 0o7777).toBe(0o700)
  const names = readdirSync(site.audit).filter((name) => !name.endsWith('.part'))
  for (const kind of ['jsonl', 'jsonl.gz', 'hashes', 'index', 'checkpoints', 'reserve']) {
    expect(names.some((name) => name.endsWith(kind))).toBe(true)
  }
  for (const name of names) expect(statSync(join(site.audit, name)).mode & 0o7777, name).toBe(0o600)
})

test('class 14: a directory that is not ours alone, or holds what we did not make, refuses the start and is left alone', async (context) => {
  const mkfifo = requireProgram(context, 'mkfifo')
  await using site = new Site({ audit: 'segment_size = 65536' })
  const daemon = await site.start()
  using admin = await site.initialize()
  while (!readdirSync(site.audit).includes('00000003.jsonl'))
    await admin.ok('list', { prefix: '/' })
  await allCompressed(admin, site.audit)
  await daemon.kill('SIGTERM')
  const at = (name: string): string => join(site.audit, name)
  const aside = site.home.file('aside')
  const refuses = async (what: string, message: string): Promise<void> => {
    const child = site.launch()
    const { code } = await child.exit
    expect({ code, stderr: child.stderr() }, what).toEqual({
      code: 7,
      stderr: expect.stringContaining(message),
    })
  }
  /** Put something in the place of a file, try, and put the file back. */
  const instead = async (name: string, what: string, put: () => unknown): Promise<void> => {
    const [from, to] = [name === '' ? site.audit : at(name), aside]
    renameSync(from, to)
    await put()
    await refuses(`${name} ${what}`, from)
    rmSync(from)
    renameSync(to, from)
  }
  const link = (name: string) => (): void => symlinkSync(aside, name === '' ? site.audit : at(name))
  await instead('', 'is a symbolic link', link(''))
  for (const name of ['00000003.jsonl', '00000001.jsonl.gz', 'checkpoints', 'reserve']) {
    await instead(name, 'is a symbolic link', link(name))
    await instead(name, 'is a FIFO', async () => {
      expect((await runChild(mkfifo, ['-m', '600', at(name)])).code).toBe(0)
    })
    linkSync(at(name), aside)
    await refuses(`${name} has a second name`, at(name))
    rmSync(aside)
    for (const mode of [0o700, 0o640]) {
      chmodSync(at(name), mode)
      await refuses(`${name} has mode ${mode.toString(8)}`, at(name))
      chmodSync(at(name), 0o600)
    }
  }
  for (const mode of [0o755, 0o770]) {
    chmodSync(site.audit, mode)
    await refuses(`the directory has mode ${mode.toString(8)}`, site.audit)
    chmodSync(site.audit, 0o700)
  }
  for (const name of ['notes.txt', '00000003.jsonl.bak', '.hidden', 'run.sh']) {
    writeFileSync(at(name), '#!/bin/sh\n', { mode: 0o600 })
    await refuses(`there is ${name}`, at(name))
    expect(readFileSync(at(name), 'utf8')).toBe('#!/bin/sh\n')
    rmSync(at(name))
  }
  if (process.getuid?.() === 0) {
    for (const path of [site.audit, at('00000003.jsonl')]) {
      chownSync(path, 4242, 0)
      await refuses(`${path} is somebody else's`, path)
      chownSync(path, 0, 0)
    }
  }
  // Nothing that is made of the lines is written through a link.
  const theirs = site.home.write('theirs', 'theirs')
  for (const name of ['00000001.hashes', '00000001.index', 'checkpoints', 'cursor-syslog']) {
    const path = at(name)
    const kept = existsSync(path) ? readFileSync(path) : undefined
    rmSync(path, { force: true })
    symlinkSync(theirs, path)
    await refuses(`${name} is a link`, path)
    rmSync(path)
    if (kept !== undefined) writeFileSync(path, kept, { mode: 0o600 })
  }
  await site.start()
  expect(readFileSync(theirs, 'utf8')).toBe('theirs')
})
