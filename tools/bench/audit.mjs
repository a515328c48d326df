// The audit log: appending beside bare writes, what it costs a set and a get, verification, and questions with and without an index.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, constants, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createSigner, openLog, verifyDirectory } from '@secreg/audit'
import { createScryptPool } from '@secreg/crypto/node'
import { openRegistry } from '@secreg/registry'
import { MemoryEngine } from '@secreg/storage'
import { paired, rate, repeat, repeatSync } from './measure.mjs'
import { record } from './report.mjs'

const PEER = { door: 'registry', address: 'bench' }
const ADMIN = {
  passphrase: 'a passphrase of the bench',
  admin: 'root',
  admin_password: 'Correct-Horse-Battery-9',
}

export async function benchAudit(_, directory) {
  await benchAppend(join(directory, 'append'))
  await benchOperations(directory)
  await benchMillion(join(directory, 'million'))
}

function bodyOf(i, user = 'alice') {
  const actor = { user, account: '0'.repeat(32), session: 'f'.repeat(16), door: 'registry' }
  return JSON.stringify({ action: 'read', outcome: 'ok', paths: [`/app/${i}/host`], actor })
}

/** Both durability classes beside a loop of the same bytes without anything around them. */
async function benchAppend(directory) {
  const log = await openLog({ directory })
  const item = { timeMs: Date.now(), body: bodyOf(1) }
  log.append([item])
  const line = Buffer.alloc(log.tail.offset, 0x20)
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND
  const fd = openSync(join(directory, '..', 'bare'), flags, 0o600)
  for (const [count, total] of [
    [1, 100_000],
    [64, 4000],
  ]) {
    const items = Array.from({ length: count }, () => item)
    const bytes = Buffer.alloc(line.length * count, 0x20)
    const options = { warmUp: total / 5, count: total }
    const [bare, run] = await paired(
      () => repeatSync(() => writeSync(fd, bytes), options),
      () => repeatSync(() => log.append(items), options),
      3,
    )
    record(
      `audit: ${count} written, over a bare write of the bytes`,
      run.perSecond / bare.perSecond,
      {
        figures: `bare ${rate(bare)}; append ${rate(run)}, ${perRecord(run, count)} a record`,
      },
    )
  }
  for (const count of [1, 64]) {
    const items = Array.from({ length: count }, () => item)
    const bytes = Buffer.alloc(line.length * count, 0x20)
    const options = { warmUp: 50, count: 1000 }
    const [bare, run] = await paired(
      () =>
        repeatSync(() => {
          writeSync(fd, bytes)
          fdatasyncSync(fd)
        }, options),
      () =>
        repeat(async () => {
          log.append(items)
          await log.sync()
        }, options),
      3,
    )
    record(`audit: ${count} synced, over write and fdatasync`, run.perSecond / bare.perSecond, {
      figures: `bare ${rate(bare)}; append and sync ${rate(run)}, ${perRecord(run, count)} a record`,
    })
  }
  closeSync(fd)
  await log.close()
}

/** What the log costs an operation: the same registry over a log that takes everything and writes nothing. */
async function benchOperations(directory) {
  const scrypt = createScryptPool()
  const open = async (name, { settings = {}, wrap = (log) => log } = {}) => {
    const { registry } = await openRegistry({
      engine: new MemoryEngine(),
      openLog: async (cursor, terms) =>
        wrap(await openLog({ directory: join(directory, name), terms, ...(cursor && { cursor }) })),
      scrypt: scrypt.scrypt,
      scryptParams: { N: 2 ** 15, r: 8, p: 1 },
      settings: { requireMfa: false, sealedReads: true, encryptPrefixes: [], ...settings },
      version: 'bench',
    })
    await registry.initialize(PEER, { op: 'init', ...ADMIN })
    const login = { username: ADMIN.admin, password: ADMIN.admin_password }
    const { session_id: id } = await registry.login(PEER, login)
    const api = registry.as(registry.callerOf(registry.sessionHandle().resolve(id), PEER))
    await api.set({ key: '/a/b', value: 'value' })
    assert.equal((await api.get({ key: '/a/b' })).value, 'value')
    return { registry, api }
  }
  const silent = (log) =>
    new Proxy(log, {
      get: (target, name) => {
        if (name === 'append') return () => {}
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const none = await open('none', { wrap: silent })
  const written = await open('written')
  const synced = await open('synced', { settings: { syncEveryRecord: true } })
  const many = (api, request) => async () => {
    await Promise.all(Array.from({ length: 64 }, request(api)))
  }
  const gets = (api) => () => api.get({ key: '/a/b' })
  const sets = (api) => () => api.set({ key: '/a/b', value: 'value' })
  const options = { warmUp: 50, count: 400 }
  for (const [what, request, other, name] of [
    ['get', gets, written, 'written'],
    ['get', gets, synced, 'synced'],
    ['set', sets, written, 'written'],
  ]) {
    const [without, run] = await paired(
      () => repeat(many(none.api, request), options),
      () => repeat(many(other.api, request), options),
      3,
    )
    record(
      `audit: ${what}, 64 at once in the process, ${name}, over none`,
      run.perSecond / without.perSecond,
      {
        figures: `without ${perRecord(without, 64)}; with ${perRecord(run, 64)} an operation`,
      },
    )
  }
  for (const { registry } of [none, written, synced]) await registry.close()
  scrypt.close()
}

const MILLION = 1_000_000
const GROUP = 100

async function benchMillion(directory) {
  mkdirSync(directory, { mode: 0o700 })
  const path = join(directory, 'log')
  const terms = {
    version: 1,
    of: ({ actor, paths }) => [`user:${actor.user}`, ...paths.map((path) => `path:${path}`)],
  }
  const log = await openLog({ directory: path, terms })
  const signer = createSigner(randomBytes(32), 'bench')
  await log.evidence.handOver(signer)
  const rare = MILLION / 100
  for (let at = 0; at < MILLION; at += GROUP) {
    const items = Array.from({ length: GROUP }, (_, i) => ({
      timeMs: Date.now(),
      body: bodyOf(at + i, (at + i) % rare === 7 ? 'rare' : `user${(at + i) % 50}`),
    }))
    log.append(items)
    if (at % 20_000 === 0) await new Promise((resume) => setImmediate(resume))
    if (at % 250_000 === 0) await log.evidence.checkpoint(signer)
  }
  const begun = performance.now()
  await log.evidence.checkpoint(signer)
  const signedMs = performance.now() - begun
  await log.settle()
  const found = async (more) => {
    const sequences = []
    const match = ({ body }) => body.actor.user === 'rare'
    const filter = { match, terms: ['user:rare'], limit: Number.POSITIVE_INFINITY, ...more }
    for await (const { sequence } of log.query(filter)) sequences.push(sequence)
    return sequences
  }
  assert.deepEqual(await found({}), await found({ scan: true }))
  const once = async (run) => {
    const begin = performance.now()
    await run()
    return { perSecond: 1000 / (performance.now() - begin) }
  }
  const [scan, indexed] = await paired(
    () => once(() => found({ scan: true })),
    () => once(() => found({})),
    3,
  )
  record(
    'audit: a user of 100 in 1,000,000 records, with indexes, over reading all',
    indexed.perSecond / scan.perSecond,
    {
      figures: `reading all ${ms(scan)}; with indexes ${ms(indexed)}; the checkpoint before ${signedMs.toFixed(0)} ms`,
    },
  )
  await log.close()
  const verified = await once(async () => {
    const { ok, records } = await verifyDirectory(path, { keys: [signer.vkey] })
    assert.deepEqual({ ok, records }, { ok: true, records: MILLION })
  })
  const perSecond = verified.perSecond * MILLION
  record('audit: verified records a second, over 200,000', perSecond / 200_000, {
    floor: 1,
    figures: `${Math.round(perSecond)}/s: chain, tree and signatures, from compressed segments`,
  })
}

const perRecord = ({ perSecond }, count) => `${(1e6 / perSecond / count).toFixed(1)} µs`
const ms = ({ perSecond }) => `${(1000 / perSecond).toFixed(0)} ms`
