/** Entries brought back from a backup: as they were, as one change, and only by who may write them (DESIGN §6). */
import { createHash } from 'node:crypto'
import { type BackupRow, openBackup, writeBackup } from '@secreg/backup'
import { createSeal, deriveSubkey, encodeFields, type SealHeader } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import type { Caller, Dialect, RegistryApi, RequestOf, RestoreResponse } from '@secreg/protocol'
import { TEST_ADMIN, TEST_SCRYPT } from '@secreg/registry/testing'
import { type Batch, type CommitResult, MemoryEngine } from '@secreg/storage'
import { createCanary } from '@secreg/testkit'
import type { Session } from '@secreg/zones'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeEntry } from '../src/entry.ts'
import { takeBackup } from './backup-reader.ts'
import {
  addUser,
  fastScrypt,
  type Home,
  linesOf,
  outcomeOf,
  PASSPHRASE,
  PEER,
  reason,
  start,
} from './fixture.ts'

const PROOF = { passphrase: TEST_ADMIN.passphrase } as const
const PIECE = 100_000

type Commit = Partial<Omit<Extract<RequestOf<'restore'>, { op: 'commit' }>, 'op' | 'restore'>>

/** Hand a file over; answers the name of the restore. */
async function handOver(api: RegistryApi, file: Uint8Array): Promise<string> {
  const { restore = '' } = await api.restore({ op: 'begin', size: file.length })
  for (let at = 0; at < file.length; at += PIECE) {
    const data = Buffer.from(file.subarray(at, at + PIECE)).toString('base64')
    await api.restore({ op: 'stage', restore, data })
  }
  return restore
}

async function restore(
  api: RegistryApi,
  file: Uint8Array,
  commit: Commit = {},
): Promise<RestoreResponse> {
  const id = await handOver(api, file)
  try {
    const answer = await api.restore({
      op: 'commit',
      restore: id,
      only: '/',
      proof: PROOF,
      ...commit,
    })
    if (commit.dry_run === true) await api.restore({ op: 'abort', restore: id })
    return answer
  } catch (error) {
    await api.restore({ op: 'abort', restore: id })
    throw error
  }
}

/** What clients see of an entry, but for what a new version changes. */
async function seen({ api }: Pick<Home, 'api'>, prefix = '/') {
  const { keys } = await api.list({ prefix, recursive: true })
  return Promise.all(
    keys.map(async (key) => {
      const { value } = await api.get({ key, decrypt: true })
      const meta = await api.meta({ op: 'get', key })
      const { type, encrypted, private: isPrivate, ephemeral, description, tags } = meta
      const { custom, granted, max_versions, cas_required, delete_after_s, expires_at } = meta
      const of = { type, encrypted, isPrivate, ephemeral, description, tags, custom, granted }
      return { key, value, ...of, max_versions, cas_required, delete_after_s, expires_at }
    }),
  )
}

const SETEC: Dialect = {
  name: 'setec',
  encrypted: true,
  maxVersions: 1000,
  maxVersion: 4_294_967_295,
  activatesNew: false,
  operations: {},
}

const LARGE = 'L'.repeat(60_000)

/** Entries of every form. */
async function fill({ api }: Pick<Home, 'api'>): Promise<void> {
  await api.set({ key: '/app', value: 'at the prefix itself' })
  await api.set({ key: '/app/plain', value: 'old' })
  await api.set({ key: '/app/plain', value: 'plain' })
  await api.set({ key: '/app/secret', value: 'sealed', encrypt: true })
  await api.set({ key: '/app/large', value: LARGE, encrypt: true })
  await api.set({ key: '/app/large plain', value: LARGE })
  await api.set({ key: '/app/number', value: -5, type: 'integer' })
  await api.set({ key: '/app/json', value: '{"a": [1]}', type: 'json' })
  await api.set({ key: '/app/bytes', value: 'AP8K', type: 'bytes', encrypt: true })
  await api.set({ key: '/app/empty', value: '' })
  await api.set({ key: '/app/described', value: 'x' })
  const custom = { owner: 'alice' }
  await api.meta({ op: 'set', key: '/app/described', description: 'what', tags: ['t'], custom })
  await api.meta({ op: 'set', key: '/app/described', max_versions: 3, cas_required: true })
  await api.meta({ op: 'set', key: '/app/described', custom: { team: 'a' }, granted: true })
  await api.set({ key: '/app/expiring', value: 'x', ttl_s: 100_000 })
  await api.set({ key: '/app/deleted', value: 'gone' })
  await api.delete({ key: '/app/deleted' })
  await api.set({ key: '/app/passing', value: 'in memory', ephemeral: true })
  await api.set({ key: '/apple', value: 'beside' })
  await api.set({ key: '/app0', value: 'beside' })
  await api.set({ key: '/other/x', value: 'elsewhere', encrypt: true })
}

describe('restore', () => {
  test('brings back what is at and below the path, as it was, into another registry', async () => {
    const home = await start()
    await fill(home)
    const { file } = await takeBackup(home.api)
    const there = await start()
    const answer = await restore(there.api, file, { only: '/app' })
    expect(answer).toMatchObject({ created: 11, updated: 0, unchanged: 0 })
    expect(answer.backup).toMatchObject({ revision: expect.any(Number) })
    const durable = (await seen(home)).filter(
      ({ key, ephemeral }) => (key === '/app' || key.startsWith('/app/')) && !ephemeral,
    )
    expect(await seen(there)).toEqual(durable)
    expect(durable).toHaveLength(11)
    await home.registry.close()
    await there.registry.close()
  })

  test('is one change with one record; what is as it was stays, what is new stays', async () => {
    const home = await start()
    await fill(home)
    const before = await seen(home, '/app')
    const { file } = await takeBackup(home.api)
    const { api } = home
    await api.set({ key: '/app/plain', value: 'changed' })
    await api.set({ key: '/app/secret', value: 'in the clear now', encrypt: false })
    await api.set({ key: '/app/number', value: 'a text now', type: 'string' })
    await api.meta({ op: 'set', key: '/app/described', description: null, tags: [] })
    await api.versions({ op: 'purge', key: '/app/large' })
    await api.delete({ key: '/app/empty' })
    await api.set({ key: '/app/expiring', value: 'x' })
    await api.set({ key: '/app/new', value: 'only now' })
    const latest = (await api.history({ key: '/app/plain' })).latest
    const { head } = home.engine
    const dry = await restore(api, file, { only: '/app', dry_run: true })
    expect(home.engine.head).toBe(head)
    const answer = await restore(api, file, { only: '/app' })
    expect(answer).toMatchObject({ revision: head + 1, created: 2, updated: 5, unchanged: 4 })
    expect(dry).toMatchObject({ created: 2, updated: 5, unchanged: 4 })
    expect(dry.changes?.find(({ key }) => key === '/app/large')).toMatchObject({ change: 'create' })
    expect(dry.changes?.find(({ key }) => key === '/app/plain')).toMatchObject({
      change: 'update',
      old_version: latest,
      old_type: 'string',
    })
    const now = await seen(home, '/app')
    expect(now.filter(({ key }) => key !== '/app/new')).toEqual(before)
    expect(now.some(({ key }) => key === '/app/new')).toBe(true)
    expect((await api.history({ key: '/app/plain' })).latest).toBe(latest + 1)
    const records = linesOf(home.files).filter(({ body }) => body.action === 'restore')
    expect(records.map(({ rev, body }) => [rev, body.outcome, body.count])).toEqual([
      [undefined, 'ok', 11],
      [head + 1, 'ok', 11],
    ])
    expect(records[1]?.body.detail).toMatch(/^\/app from [0-9a-f]{32} revision \d+$/)
    expect(records[1]?.body.paths).toContain('/app/plain')
    // Again, it changes nothing.
    expect(await restore(api, file, { only: '/app' })).toMatchObject({ unchanged: 11, updated: 0 })
    await home.registry.close()
  })

  test('one entry alone; nothing there is told', async () => {
    const home = await start()
    await fill(home)
    const { file } = await takeBackup(home.api)
    const there = await start()
    expect(await restore(there.api, file, { only: '/app/plain' })).toMatchObject({ created: 1 })
    expect((await there.api.list({ prefix: '/', recursive: true })).keys).toEqual(['/app/plain'])
    for (const only of ['/app/deleted', '/app/passing', '/nothing']) {
      await expect(restore(there.api, file, { only })).rejects.toEqual(reason('NOT_FOUND'))
    }
    await expect(restore(there.api, file, { only: 'app' })).rejects.toEqual(reason('PATH_INVALID'))
    await there.registry.close()
  })

  test('what has expired since stays gone', async () => {
    let nowMs = Date.now()
    const home = await start({ now: () => nowMs })
    await home.api.set({ key: '/a', value: 'x', ttl_s: 100 })
    await home.api.set({ key: '/b', value: 'x' })
    const { file } = await takeBackup(home.api)
    nowMs += 101_000
    expect(await restore(home.api, file)).toMatchObject({ created: 0, unchanged: 1 })
    await expect(home.api.get({ key: '/a' })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    await home.registry.close()
  })

  test('the rules of the mount hold there: forced encryption, dialects, quotas', async () => {
    const home = await start({ dialects: [SETEC] })
    await fill(home)
    await home.api.set({ key: '/setec/a', value: 'x' })
    const { file } = await takeBackup(home.api)
    const there = await start({
      settings: { requireMfa: false, sealedReads: true, encryptPrefixes: ['/app/plain'] },
    })
    await restore(there.api, file, { only: '/app/plain' })
    expect(await there.api.get({ key: '/app/plain' })).toMatchObject({ encrypted: true })
    await expect(restore(there.api, file, { only: '/setec' })).rejects.toEqual(
      reason('DIALECT_REFUSED'),
    )
    await there.api.mount({ op: 'set', path: '/other', dialect: 'registry', max_bytes: 1 })
    await expect(restore(there.api, file, { only: '/other' })).rejects.toEqual(
      reason('QUOTA_EXCEEDED'),
    )
    expect((await there.api.list({ prefix: '/', recursive: true })).keys).toEqual(['/app/plain'])
    await home.registry.close()
    await there.registry.close()
  })

  test('an entry that is private stays so, and one in memory goes to disk', async () => {
    const home = await start()
    await home.api.set({ key: '/a', value: 'x', private: true, encrypt: true })
    await home.api.set({ key: '/b', value: 'x' })
    await home.api.set({ key: '/c', value: 'x' })
    const { file } = await takeBackup(home.api)
    const there = await start()
    await there.api.set({ key: '/b', value: 'y', private: true })
    await there.api.set({ key: '/c', value: 'x', ephemeral: true })
    expect(await restore(there.api, file)).toMatchObject({ created: 1, updated: 2 })
    const flags = await Promise.all(
      ['/a', '/b', '/c'].map((key) => there.api.meta({ op: 'get', key })),
    )
    expect(flags.map((meta) => meta.private)).toEqual([true, true, false])
    expect(flags.map(({ ephemeral }) => ephemeral)).toEqual([false, false, false])
    await home.registry.close()
    await there.registry.close()
  })

  test('what policy relies on comes back only for who may change it', async () => {
    const home = await start()
    await fill(home)
    const { file } = await takeBackup(home.api)
    await home.registry.close()
    const there = await start()
    const { api } = await addUser(there, 'olaf', ['operator'])
    await there.api.user({ op: 'list' })
    // An operator may write entries, but has no right to backups.
    await expect(api.restore({ op: 'begin' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await restore(there.api, file, { only: '/app/described' })
    const meta = await there.api.meta({ op: 'get', key: '/app/described' })
    expect(meta).toMatchObject({ granted: ['team'], custom: { team: 'a', owner: 'alice' } })
    await there.registry.close()
  })

  test('every right that a set needs is needed for each path, and nothing is learnt without', async () => {
    const home = await start()
    await home.api.set({ key: '/open/a', value: 'same' })
    await home.api.set({ key: '/shut/a', value: 'same', encrypt: true })
    const { file } = await takeBackup(home.api)
    const document = {
      id: 'keeper',
      rules: [
        {
          id: 'b',
          effect: 'allow',
          principals: ['user:keeper'],
          actions: ['backup'],
          resources: ['/'],
        },
        {
          id: 'w',
          effect: 'allow',
          principals: ['user:keeper'],
          actions: ['create', 'update'],
          resources: ['/open/**', '/shut/**'],
        },
        {
          id: 'd',
          effect: 'deny',
          principals: ['user:keeper'],
          actions: ['update'],
          resources: ['/shut/**'],
        },
      ],
    }
    const { api } = await addUser(home, 'keeper', [])
    await home.api.policy({ op: 'set', document })
    await expect(restore(api, file)).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(restore(api, file, { dry_run: true })).rejects.toEqual(reason('ACCESS_DENIED'))
    // He may not read, so he does not learn that the value is the same.
    expect(await restore(api, file, { only: '/open', dry_run: true })).toMatchObject({
      updated: 1,
      unchanged: 0,
    })
    expect(await restore(api, file, { only: '/open' })).toMatchObject({ updated: 1 })
    await home.registry.close()
  })
})

describe('what cannot be used is named', () => {
  test('each its own reason; nothing is changed, and a record says so', async () => {
    const home = await start()
    await fill(home)
    const { protectors = [], shares = [] } = await home.api
      .protector({ op: 'add', kind: 'shares', shares: { count: 3, threshold: 2 }, proof: PROOF })
      .then(async (added) => ({ ...added, ...(await home.api.protector({ op: 'list' })) }))
    expect(protectors).toHaveLength(2)
    const { file } = await takeBackup(home.api)
    const other = await start()
    const foreign = await other.api.protector({
      op: 'add',
      kind: 'shares',
      shares: { count: 3, threshold: 2 },
      proof: PROOF,
    })
    const there = await start()
    // The first checkpoint frees what initialising has left; after that, nothing is to be committed.
    await there.registry.housekeep()
    await there.registry.housekeep()
    const { head } = there.engine
    const at = (byte: number): Uint8Array => {
      const bent = Uint8Array.from(file)
      bent[byte] = (bent[byte] as number) ^ 1
      return bent
    }
    const newer = Buffer.from(
      Buffer.from(file).toString('latin1').replace('"version":1', '"version":2'),
      'latin1',
    )
    const [one = '', two = ''] = shares
    const cases: [string, Uint8Array, Commit['proof'], string][] = [
      ['a wrong passphrase', file, { passphrase: 'wrong words' }, 'UNLOCK_FAILED'],
      ['a wrong key file', file, { key_file: Buffer.alloc(32).toString('base64') }, 'NO_PROTECTOR'],
      ['too few shares', file, { shares: [one] }, 'SHARES_MISSING'],
      ['one share twice', file, { shares: [one, one.toLowerCase()] }, 'SHARES_MISSING'],
      ['a foreign share', file, { shares: [one, foreign.shares?.[0] ?? ''] }, 'SHARE_FOREIGN'],
      ['a mistyped share', file, { shares: [one, two.slice(0, -3)] }, 'SHARE_INVALID'],
      ['nothing', file, {}, 'INVALID_ARGUMENT'],
      ['two things', file, { ...PROOF, shares: [one, two] }, 'INVALID_ARGUMENT'],
      ['no backup', Buffer.from('{"format":"secreg-export"}\n'), PROOF, 'BACKUP_INVALID'],
      ['no file', new Uint8Array(0), PROOF, 'BACKUP_TRUNCATED'],
      ['half a header', file.subarray(0, 300), PROOF, 'BACKUP_TRUNCATED'],
      ['half the content', file.subarray(0, file.length - 70_000), PROOF, 'BACKUP_TRUNCATED'],
      ['a bent header', at(60), PROOF, 'BACKUP_DAMAGED'],
      ['bent content', at(file.length - 5000), PROOF, 'BACKUP_DAMAGED'],
      ['something behind it', Buffer.concat([file, file]), PROOF, 'BACKUP_DAMAGED'],
      ['a newer one', withChecksum(newer), PROOF, 'BACKUP_NEWER'],
    ]
    for (const [what, bytes, proof, why] of cases) {
      const outcome = await outcomeOf(() =>
        restore(there.api, bytes, proof === undefined ? {} : { proof }),
      )
      expect(outcome, what).toMatchObject({ reason: why })
      const record = linesOf(there.files).at(-1)?.body
      expect(record, what).toMatchObject({ action: 'restore', reason: why })
      expect(record?.outcome, what).toMatch(/^(?:failed|denied)$/)
      await there.registry.housekeep()
    }
    expect(there.engine.head).toBe(head)
    expect(await restore(there.api, file, { proof: { shares: [two, one] } })).toMatchObject({
      created: 14,
    })
    for (const home of [other, there]) await home.registry.close()
    await home.registry.close()
  }, 60_000)

  test('after a wrong credential the file need not be handed over again', async () => {
    const home = await start()
    await home.api.set({ key: '/a', value: 'x' })
    const { file } = await takeBackup(home.api)
    const id = await handOver(home.api, file)
    const commit = { op: 'commit', restore: id, only: '/' } as const
    await expect(
      home.api.restore({ ...commit, proof: { passphrase: 'wrong words' } }),
    ).rejects.toEqual(reason('UNLOCK_FAILED'))
    expect(await home.api.restore({ ...commit, proof: PROOF })).toMatchObject({ unchanged: 1 })
    await expect(home.api.restore({ ...commit, proof: PROOF })).rejects.toEqual(reason('NOT_FOUND'))
    await home.registry.close()
  })

  test.each(['not base64!', 'AAA', 'AA=A', 'AAAA====', 'A A='])(
    'a piece %j is refused',
    async (data) => {
      const home = await start()
      const { restore: id = '' } = await home.api.restore({ op: 'begin' })
      await expect(home.api.restore({ op: 'stage', restore: id, data })).rejects.toEqual(
        reason('INVALID_ARGUMENT'),
      )
      expect(await home.api.restore({ op: 'stage', restore: id, data: 'AAAA' })).toEqual({
        staged: 3,
      })
      expect(await home.api.restore({ op: 'abort', restore: id })).toEqual({})
      await expect(home.api.restore({ op: 'abort', restore: id })).rejects.toEqual(
        reason('NOT_FOUND'),
      )
      await home.registry.close()
    },
  )

  test('a lock ends it, and its file is gone', async () => {
    let removed = 0
    const home = await start({
      openSpool: async () => ({
        bytes: 0,
        append: async () => {},
        read: async function* () {},
        remove: async () => {
          removed++
        },
      }),
    })
    const { restore: id = '' } = await home.api.restore({ op: 'begin' })
    await expect(
      home.api.restore({ op: 'commit', restore: id, only: '/', proof: PROOF }),
    ).rejects.toEqual(reason('BACKUP_TRUNCATED'))
    await home.registry.lock(home.admin)
    expect(removed).toBe(1)
    await home.registry.unlock(PEER, PASSPHRASE)
    await expect(home.api.restore({ op: 'abort', restore: id })).rejects.toEqual(
      reason('NOT_FOUND'),
    )
    await home.registry.close()
  })

  test('one that takes effect is answered, though its session ends meanwhile', async () => {
    let began: (() => void) | undefined
    let gate: Promise<void> | undefined
    class WaitingEngine extends MemoryEngine {
      override async commit(batch: Batch): Promise<CommitResult> {
        began?.()
        await gate
        return super.commit(batch)
      }
    }
    const { registry, ...home } = await start({ engine: new WaitingEngine() })
    await home.api.set({ key: '/a', value: 'old' })
    const { file } = await takeBackup(home.api)
    await home.api.set({ key: '/a', value: 'new' })
    const { admin: username, admin_password: password } = TEST_ADMIN
    const { session_id = '' } = await registry.login(PEER, { username, password })
    const session = registry.sessionHandle().resolve(session_id) as Session
    const caller = registry.callerOf(session, PEER) as Caller
    const api = registry.as(caller)
    const id = await handOver(api, file)
    let open: () => void = () => {}
    const underWay = new Promise<void>((resolve) => {
      began = resolve
    })
    gate = new Promise((resolve) => {
      open = resolve
    })
    const restoring = api.restore({ op: 'commit', restore: id, only: '/', proof: PROOF })
    await underWay
    await registry.logout(caller, session)
    const sweeping = registry.sweep()
    open()
    expect(await restoring).toMatchObject({ updated: 1 })
    await sweeping
    expect((await home.api.get({ key: '/a' })).value).toBe('old')
    await registry.close()
  })
})

/** The line's checksum made right again, as a later version would. */
function withChecksum(file: Buffer): Uint8Array {
  const end = file.indexOf('\n')
  const line = file.subarray(0, end).toString()
  const checked = line.slice(0, line.lastIndexOf(',"checksum":'))
  const digest = createHash('sha256')
    .update(encodeFields('secreg/v1/backup-header', new TextEncoder().encode(checked)))
    .digest('base64')
  return Buffer.concat([Buffer.from(`${checked},"checksum":"${digest}"}`), file.subarray(end)])
}

describe('a backup that somebody has made by hand', () => {
  async function forge(rows: readonly Pick<BackupRow, 'key' | 'value'>[]): Promise<Uint8Array> {
    const { header, rootKey } = await createSeal(
      [{ kind: 'passphrase', passphrase: PROOF.passphrase, params: TEST_SCRYPT }],
      { backend: nodeBackend, scrypt: fastScrypt },
    )
    const stream = writeBackup({
      seal: header as SealHeader,
      backupKey: deriveSubkey(rootKey, 'backup', nodeBackend),
      generation: '0'.repeat(32),
      revision: 9,
      createdAtMs: 1,
      meta: {},
      rows: rows.map((row) => ({ ...row, createRevision: 1, modifyRevision: 1 })),
      backend: nodeBackend,
    })
    const pieces: Uint8Array[] = []
    for await (const piece of stream) pieces.push(Uint8Array.from(piece))
    return Buffer.concat(pieces)
  }

  const ENTRY = {
    id: '0'.repeat(32),
    type: 'string',
    encrypted: false,
    private: false,
    ephemeral: false,
    createdAtMs: 1,
    createdBy: 'x',
    active: 1,
    latest: 1,
    base: 0,
    present: [1, 1],
    unused: [],
    scattered: false,
    modifiedAtMs: 1,
    modifiedBy: 'x',
    metadata: {},
    limits: {},
    value: new TextEncoder().encode('text'),
  }

  test.each<[string, string, object]>([
    ['a path that is none', 'e/a//b', {}],
    ['a type that is none', 'e/a', { type: 'text' }],
    ['a number that is none', 'e/a', { type: 'integer' }],
    ['text that is none', 'e/a', { value: new Uint8Array([255]) }],
    ['a text that is too long', 'e/a', { value: new Uint8Array(70_000).fill(65) }],
    ['a description that is none', 'e/a', { metadata: { description: 5 } }],
    ['a description that is too long', 'e/a', { metadata: { description: 'x'.repeat(2000) } }],
    ['metadata that is none', 'e/a', { metadata: { custom: { a: null } } }],
    ['what policy relies on without a name', 'e/a', { metadata: { granted: ['a'] } }],
    ['limits that are none', 'e/a', { limits: { maxVersions: 1e9 } }],
    ['a time that is none', 'e/a', { expiresAtMs: 1e300 }],
    ['a version that is missing', 'e/a', { value: undefined }],
    ['an id that is none', 'e/a', { id: '../../x' }],
  ])('%s: refused, and nothing is written', async (_, key, change) => {
    const home = await start()
    const { head } = home.engine
    const value = encodeEntry({ ...ENTRY, ...change } as never)
    const file = await forge([{ key, value }])
    await expect(restore(home.api, file)).rejects.toEqual(reason('BACKUP_DAMAGED'))
    expect(home.engine.head).toBe(head)
    await home.registry.close()
  })

  test('a version that is none: refused', async () => {
    const home = await start()
    const { value: _, ...entry } = ENTRY
    const file = await forge([
      { key: 'e/a', value: encodeEntry(entry as never) },
      { key: `v/${ENTRY.id}/000000000001`, value: new Uint8Array([1, 2, 3]) },
    ])
    await expect(restore(home.api, file)).rejects.toEqual(reason('BACKUP_DAMAGED'))
    await home.registry.close()
  })

  test('only entries come from it: no account, no policy, no mount', async () => {
    const home = await start()
    const text = (value: string): Uint8Array => new TextEncoder().encode(value)
    const file = await forge([
      { key: 'a/evil', value: text('{}') },
      { key: 'e/fine', value: encodeEntry(ENTRY as never) },
      { key: 'p/evil', value: text('{"id":"evil"}') },
    ])
    expect(await restore(home.api, file)).toMatchObject({ created: 1 })
    expect(await home.engine.get('p/evil')).toBeUndefined()
    expect(await home.engine.get('a/evil')).toBeUndefined()
    await home.registry.close()
  })
})

test('property: backup and restore of any entries is the identity', async () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 200 })
  const entry = fc.record({
    path: fc.stringMatching(/^\/[a-c](?:\/[a-c]){0,2}$/),
    value,
    encrypt: fc.boolean(),
    versions: fc.integer({ min: 1, max: 3 }),
    description: fc.option(fc.stringMatching(/^[a-z ]{1,20}$/), { nil: undefined }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 12 }), async (entries) => {
      const home = await start()
      for (const { path: key, value, encrypt, versions, description } of entries) {
        for (let i = 1; i < versions; i++) await home.api.set({ key, value: `${i}`, encrypt })
        await home.api.set({ key, value, type: 'string', encrypt }).catch(() => {})
        if (description !== undefined) await home.api.meta({ op: 'set', key, description })
      }
      const there = await start()
      await restore(there.api, (await takeBackup(home.api)).file)
      expect(await seen(there)).toEqual(await seen(home))
      await home.registry.close()
      await there.registry.close()
    }),
    { numRuns: 25 },
  )
}, 120_000)

test('a backup holds nothing in the clear, and no encrypted value even when it is open', async () => {
  const home = await start()
  const [plain, sealed, path] = [
    createCanary('plain'),
    createCanary('sealed'),
    createCanary('path'),
  ]
  await home.api.set({ key: '/a', value: plain })
  await home.api.set({ key: `/${path}`, value: sealed, encrypt: true })
  const { file } = await takeBackup(home.api)
  const { passphrase, admin_password: password } = TEST_ADMIN
  for (const word of [plain, sealed, path, passphrase, password, 'role-admin']) {
    expect(Buffer.from(file).includes(word), word).toBe(false)
  }
  await using opened = await openBackup([file], PASSPHRASE, { scrypt: fastScrypt })
  let seenPlain = 0
  for await (const { key, value } of opened.rows()) {
    for (const word of [sealed, passphrase, password]) {
      expect(Buffer.from(value).includes(word), key).toBe(false)
    }
    if (Buffer.from(value).includes(plain)) seenPlain++
  }
  expect(seenPlain).toBeGreaterThan(0)
  await home.registry.close()
})

test('what only one entry may have comes back where no other has it by now, and swaps', async () => {
  const unique: Dialect['unique'] = ({ custom }) => custom['use']
  const home = await start({ dialects: [{ ...SETEC, unique }] })
  const { api } = home
  const use = (key: string, name: string | null) =>
    api.meta({ op: 'set', key, custom: { use: name } })
  const find = async (name: string) =>
    (await api.meta({ op: 'find', dialect: 'setec', unique: name })).key
  for (const [key, name] of [
    ['/setec/a', 'disk'],
    ['/setec/b', 'tape'],
  ] as const) {
    await api.set({ key, value: 'x' })
    await use(key, name)
  }
  const { file } = await takeBackup(api)
  for (const name of [null, 'other'] as const) await use('/setec/a', name)
  await use('/setec/b', 'disk')
  await use('/setec/a', 'tape')
  await restore(api, file, { only: '/setec' })
  expect([await find('disk'), await find('tape')]).toEqual(['/setec/a', '/setec/b'])
  await use('/setec/a', null)
  await api.set({ key: '/setec/c', value: 'x' })
  await use('/setec/c', 'disk')
  await expect(restore(api, file, { only: '/setec' })).rejects.toEqual(reason('ALREADY_EXISTS'))
  expect(await find('disk')).toBe('/setec/c')
  await home.registry.close()
})
