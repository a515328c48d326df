import { createMemoryFiles } from '@secreg/audit/testing'
import {
  type ExportEntry,
  LIMITS,
  type ListResponse,
  type RegistryApi,
  type RequestOf,
  type ValueType,
} from '@secreg/protocol'
import { compareKeys, DEFAULT_LIMITS, MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { decodeChangePiece } from '../src/change.ts'
import { REGISTRY_LIMITS } from '../src/limits.ts'
import { EXPORT_IDLE_MS } from '../src/operations/export.ts'
import { IMPORT_LIMITS } from '../src/operations/import.ts'
import {
  addUser,
  type Home,
  linesOf,
  outcomeOf,
  PASSWORD,
  PEER,
  reason,
  restart,
  start,
} from './fixture.ts'

/** Write many entries at once. */
async function fill(api: RegistryApi, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += 5000) {
    const { import: id = '' } = await api.import({ op: 'begin', force: true })
    const entries = keys.slice(at, at + 5000).map((key) => ({ key, value: key }))
    await api.import({ op: 'stage', import: id, entries })
    await api.import({ op: 'commit', import: id })
  }
}

const ROUND_TRIPS: readonly (readonly [ValueType, string])[] = [
  ['string', ''],
  ['string', 'true'],
  ['string', 'line\nbreak \u0000 é 🎈'],
  ['string', 'x'.repeat(64 * 1024)],
  ['integer', '9223372036854775807'],
  ['integer', '-9223372036854775808'],
  ['boolean', 'false'],
  ['json', '{ "a" : [1, 2.0, 1e400, null] }'],
  ['json', `"${'x'.repeat(1024 * 1024 - 2)}"`],
  ['bytes', Buffer.alloc(1024 * 1024, 7).toString('base64')],
  ['bytes', 'AAH/AA=='],
]

test('weakness 21: every type round-trips, plain and encrypted, through a restart', async () => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const home = await start({ engine: new FaultEngine(medium), files })
  for (const [at, [type, value]] of ROUND_TRIPS.entries()) {
    await home.api.set({ key: `/plain/${at}`, value, type })
    await home.api.set({ key: `/secret/${at}`, value, type, encrypt: true })
  }
  await home.registry.close()
  const { api } = await restart({ engine: new FaultEngine(medium), files })
  for (const [at, [type, value]] of ROUND_TRIPS.entries()) {
    expect(await api.get({ key: `/plain/${at}` })).toMatchObject({ value, type, encrypted: false })
    expect(await api.get({ key: `/secret/${at}`, decrypt: true })).toMatchObject({
      value,
      type,
      encrypted: true,
    })
    expect(await api.get({ key: `/secret/${at}` })).toMatchObject({ value: null })
  }
})

test.each([
  ['12abc', 'integer'],
  ['yes', 'boolean'],
  ['{', 'json'],
  ['A A=', 'bytes'],
  ['x', 'float'],
])('weakness 22: %j as %s is refused and the old value stays', async (value, type) => {
  const { api } = await start()
  await api.set({ key: '/a', value: '7', type: 'integer' })
  await expect(api.set({ key: '/a', value, type })).rejects.toMatchObject({
    reason: 'VALUE_INVALID',
    status: 1,
  })
  expect(await api.get({ key: '/a' })).toMatchObject({ value: '7', type: 'integer', version: 1 })
})

test('weakness 23: a second set keeps who and when, and grows the version by one', async () => {
  let nowMs = 1_000_000
  const home = await start({ now: () => nowMs })
  const olga = await addUser(home, 'olga', ['operator'])
  await home.api.set({ key: '/a', value: 'one' })
  nowMs += 5000
  expect(await olga.api.set({ key: '/a', value: 'two' })).toMatchObject({ version: 2 })
  expect(await home.api.get({ key: '/a', detail: true })).toMatchObject({
    version: 2,
    created_at: 1_000_000,
    created_by: 'root',
    modified_at: 1_005_000,
    modified_by: 'olga',
  })
  await home.api.delete({ key: '/a' })
  expect(await home.api.set({ key: '/a', value: 'three' })).toMatchObject({ version: 3 })
})

test.each([
  '/a/../b',
  '/a*b/c',
  '//a',
  '/a/./b',
  '/a/',
  'a',
  '',
  '/',
  '/a\u0000',
  '/a\n',
  '/e\u0301',
])(
  'weakness 17: the path %j is refused by every operation, and nothing is rewritten',
  async (key) => {
    const home = await start()
    const { api } = home
    const head = home.engine.head
    const calls: (() => Promise<unknown>)[] = [
      () => api.get({ key }),
      () => api.set({ key, value: 'x' }),
      () => api.delete({ key }),
      () => api.delete({ key, recursive: true }),
    ]
    if (!key.endsWith('/'))
      calls.push(
        () => api.list({ prefix: key }),
        () => api.export({ prefix: key }),
      )
    for (const call of calls) await expect(call()).rejects.toEqual(reason('PATH_INVALID'))
    const { import: id = '' } = await api.import({ op: 'begin' })
    await expect(
      api.import({ op: 'stage', import: id, entries: [{ key, value: 'x' }] }),
    ).rejects.toEqual(reason('PATH_INVALID'))
    expect(home.engine.head).toBe(head)
    expect(
      linesOf(home.files)
        .slice(-calls.length)
        .flatMap(({ body }) => body.paths),
    ).toEqual([])
  },
)

test('weakness 18: policy, store, change row and audit see the identical path', async () => {
  const seen: string[] = []
  const home = await start()
  const { Authorizer } = await import('../src/authorizer.ts')
  const { allows } = Authorizer.prototype
  Authorizer.prototype.allows = function (caller, action, resource) {
    seen.push(resource)
    return allows.call(this, caller, action, resource)
  }
  try {
    const key = '/app/é-🎈/%2F.x y'
    await home.api.set({ key, value: 'x' })
    await home.api.get({ key })
    await home.api.delete({ key })
    expect(new Set(seen)).toEqual(new Set([key]))
    expect(await home.engine.get(`e${key}`)).toBeDefined()
    const paths = linesOf(home.files)
      .slice(-3)
      .map(({ body }) => body.paths)
    expect(paths).toEqual([[key], [key], [key]])
    for await (const { revision, payload } of home.engine.changes(home.engine.head - 1)) {
      expect(revision).toBe(home.engine.head)
      expect(decodeChangePiece(payload ?? new Uint8Array(), 0).events[0]?.key).toBe(key)
    }
  } finally {
    Authorizer.prototype.allows = allows
  }
})

test('weakness 19: a list ends at whole segments, and knows no wildcards', async () => {
  const { api } = await start()
  for (const key of ['/app/x', '/app2/x', '/app-2/x', '/ap/x', '/a%p/x', '/a_p/x']) {
    await api.set({ key, value: 'x' })
  }
  expect(await api.list({ prefix: '/app', recursive: true })).toEqual({ keys: ['/app/x'] })
  expect(await api.list({ prefix: '/a%p', recursive: true })).toEqual({ keys: ['/a%p/x'] })
  expect(await api.list({ prefix: '/a_p', recursive: true })).toEqual({ keys: ['/a_p/x'] })
  await expect(api.list({ prefix: '/a*' })).rejects.toEqual(reason('PATH_INVALID'))
})

test('weakness 20: a list that is not recursive never returns grandchildren', async () => {
  const { api } = await start()
  for (const key of ['/app/a', '/app/a/b', '/app/c/d/e', '/app-2', '/app']) {
    await api.set({ key, value: 'x' })
  }
  expect(await api.list({ prefix: '/app' })).toEqual({ keys: ['/app/a', '/app/a/', '/app/c/'] })
  expect(await api.list({ prefix: '/' })).toEqual({ keys: ['/app', '/app-2', '/app/'] })
})

const segment = fc.constantFrom(
  'a',
  'b',
  'app',
  'app-2',
  'app!'.slice(0, 3),
  '~',
  '\uffee',
  '🎈',
  'é',
  '0',
)
const tree = fc.uniqueArray(
  fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
  { minLength: 1, maxLength: 30 },
)

function modelList(keys: readonly string[], prefix: string, recursive: boolean): string[] {
  const found = new Set<string>()
  for (const key of keys) {
    if (!key.startsWith(`${prefix}/`)) continue
    const slash = recursive ? -1 : key.indexOf('/', prefix.length + 1)
    found.add(slash === -1 ? key : key.slice(0, slash + 1))
  }
  return [...found].sort(compareKeys)
}

test('pages of any size are the whole list, in the order of bytes, in both modes', async () => {
  const { api } = await start()
  await fc.assert(
    fc.asyncProperty(
      tree,
      fc.subarray(['', '/a', '/app', '/app/a', '/🎈'], { minLength: 1 }),
      fc.integer({ min: 1, max: 4 }),
      async (keys, prefixes, limit) => {
        await outcomeOf(() => api.delete({ key: '/t', recursive: true }))
        await fill(
          api,
          keys.map((key) => `/t${key}`),
        )
        for (const below of prefixes) {
          const prefix = `/t${below}`
          for (const recursive of [true, false]) {
            const expected = modelList(
              keys.map((key) => `/t${key}`),
              prefix,
              recursive,
            )
            expect((await api.list({ prefix, recursive })).keys).toEqual(expected)
            const paged: string[] = []
            let after: string | undefined
            do {
              const page: ListResponse = await api.list({
                prefix,
                recursive,
                limit,
                ...(after === undefined ? {} : { after }),
              })
              expect(page.keys.length).toBeLessThanOrEqual(limit)
              paged.push(...page.keys)
              after = page.next
            } while (after !== undefined)
            expect(paged).toEqual(expected)
          }
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('a recursive delete takes what the model takes, and nothing else', async () => {
  const { api } = await start()
  await fc.assert(
    fc.asyncProperty(tree, segment, async (keys, first) => {
      await outcomeOf(() => api.delete({ key: '/t', recursive: true }))
      const all = keys.map((key) => `/t${key}`)
      await fill(api, all)
      const key = `/t/${first}`
      const gone = all.filter((one) => one === key || one.startsWith(`${key}/`))
      const outcome = await outcomeOf(() => api.delete({ key, recursive: true }))
      expect(outcome).toMatchObject(
        gone.length === 0
          ? { reason: 'STORAGE_KEY_NOT_FOUND' }
          : { answer: { deleted: gone.length } },
      )
      const left = all.filter((one) => !gone.includes(one)).sort(compareKeys)
      expect((await api.list({ prefix: '/t', recursive: true })).keys).toEqual(left)
    }),
    { numRuns: 40 },
  )
})

test('delete: of what has only keys below it is refused, of nothing is not found', async () => {
  const { api } = await start()
  await api.set({ key: '/a/b/c', value: 'x' })
  await expect(api.delete({ key: '/a/b' })).rejects.toEqual(reason('NOT_A_LEAF'))
  await expect(api.delete({ key: '/a/x' })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
  await api.delete({ key: '/a/b/c' })
  await expect(api.delete({ key: '/a/b' })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
  await expect(api.delete({ key: '/a/b/c' })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
})

test('a recursive delete takes 10,000 entries at once, refuses more, and ignores deleted ones', async () => {
  const home = await start()
  const keys = Array.from({ length: REGISTRY_LIMITS.subtreeEntries + 1 }, (_, at) => `/big/${at}`)
  await fill(home.api, keys)
  await expect(home.api.delete({ key: '/big', recursive: true })).rejects.toEqual(
    reason('LIMIT_EXCEEDED'),
  )
  expect((await home.api.list({ prefix: '/big', recursive: true })).keys).toHaveLength(keys.length)
  await home.api.delete({ key: '/big/0' })
  expect(await home.api.delete({ key: '/big', recursive: true })).toMatchObject({
    deleted: REGISTRY_LIMITS.subtreeEntries,
  })
  expect(home.registry.status(home.admin).entries).toBe(0)
})

test('10,000 rows that a caller does not see neither stop his delete nor show in it', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  await fill(
    home.api,
    Array.from({ length: REGISTRY_LIMITS.subtreeEntries + 1 }, (_, at) => `/user/other/${at}`),
  )
  await bob.api.set({ key: '/user/bob/a', value: 'x' })
  expect(await bob.api.delete({ key: '/user', recursive: true })).toMatchObject({ deleted: 1 })
})

async function exportAll(api: RegistryApi, between: () => Promise<unknown>) {
  const entries: ExportEntry[] = []
  let pages = 0
  let answer = await api.export({ with_secrets: true })
  const { revision, total } = answer
  for (;;) {
    pages++
    entries.push(...answer.entries)
    expect(answer).toMatchObject({ revision, total })
    if (answer.cursor === undefined) return { entries, pages, total, revision }
    await between()
    answer = await api.export({ cursor: answer.cursor })
  }
}

test('the pages of an export show one revision, while writes go on', async () => {
  const home = await start()
  const keys = Array.from({ length: 60 }, (_, at) => `/x/${String(at).padStart(2, '0')}`)
  for (const [at, key] of keys.entries()) {
    await home.api.set({ key, value: 'v'.repeat(60_000), encrypt: at % 2 === 0 })
  }
  const before = linesOf(home.files).length
  const expected = await Promise.all(
    keys.map(async (key) => ({ key, ...(await home.api.get({ key, decrypt: true })) })),
  )
  let at = 0
  const { entries, pages, total } = await exportAll(home.api, async () => {
    await home.api.set({ key: keys[at++ % 60] as string, value: 'changed' })
    await home.api.set({ key: `/x/new${at}`, value: 'new' })
    await home.api.delete({ key: keys.at(-at) as string })
  })
  expect(pages).toBeGreaterThan(2)
  expect(total).toBe(60)
  expect(entries.map(({ key, value, version }) => [key, value, version])).toEqual(
    expected.map(({ key, value, version }) => [key, value, version]),
  )
  const exports = linesOf(home.files)
    .slice(before)
    .filter(({ body }) => body.action === 'export')
  expect(exports).toHaveLength(1)
  expect(exports[0]?.body.paths).toEqual(keys)
})

test('every page of an export fits a frame, whatever its values hold', async () => {
  const home = await start()
  for (let at = 0; at < 40; at++) {
    await home.api.set({ key: `/x/${at}`, value: '\u0001'.repeat(60_000) })
  }
  const newlines = `[${'\n'.repeat(1024 * 1024 - 2)}]`
  await home.api.set({ key: '/x/json', value: newlines, type: 'json' })
  let answer = await home.api.export({})
  for (;;) {
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(LIMITS.frameBytes - 4096)
    if (answer.cursor === undefined) break
    answer = await home.api.export({ cursor: answer.cursor })
  }
})

/** A home with an export of two pages and more. */
async function large(options: Parameters<typeof start>[0] = {}): Promise<Home> {
  const home = await start(options)
  for (let at = 0; at < 40; at++) {
    await home.api.set({ key: `/x/${at}`, value: 'v'.repeat(60_000) })
  }
  return home
}

/** Counts the snapshots of an engine that are open. */
function counting(medium: MemoryEngine) {
  const state = { open: 0 }
  const { snapshot } = MemoryEngine.prototype
  medium.snapshot = () => {
    const inner = snapshot.call(medium)
    state.open++
    return {
      ...inner,
      close: async () => {
        state.open--
        await inner.close()
      },
    }
  }
  return state
}

test('an export is released at its end, when nobody goes on, with its session, and on close', async () => {
  let nowMs = 1_000_000
  const medium = new MemoryEngine()
  const snapshots = counting(medium)
  const home = await large({ engine: medium, now: () => nowMs })
  await exportAll(home.api, async () => {})
  expect(snapshots.open).toBe(0)
  const { cursor = '' } = await home.api.export({})
  expect(snapshots.open).toBe(1)
  await home.registry.sweep()
  expect(snapshots.open).toBe(1)
  nowMs += EXPORT_IDLE_MS + 1
  await home.registry.sweep()
  expect(snapshots.open).toBe(0)
  await expect(home.api.export({ cursor })).rejects.toEqual(reason('NOT_FOUND'))
  await home.api.user({ op: 'add', user: 'ada', password: PASSWORD, roles: ['admin'] })
  const { session_id = '' } = await home.registry.login(PEER, {
    username: 'ada',
    password: PASSWORD,
  })
  const session = home.registry.sessionHandle().resolve(session_id)
  const ada = session === undefined ? undefined : home.registry.callerOf(session, PEER)
  if (session === undefined || ada === undefined) throw new Error('no session')
  const own = await home.registry.as(ada).export({})
  await expect(home.api.export({ cursor: own.cursor ?? '' })).rejects.toEqual(reason('NOT_FOUND'))
  expect(snapshots.open).toBe(1)
  await home.registry.logout(ada, session)
  await home.registry.sweep()
  expect(snapshots.open).toBe(0)
  for (let at = 0; at < 12; at++) await home.api.export({})
  expect(snapshots.open).toBe(8)
  await home.registry.close()
  expect(snapshots.open).toBe(0)
})

test('callers without a session share no cursor and no import', async () => {
  const home = await large()
  const { sessionRef: _, ...one } = home.admin
  const [first, second] = [home.registry.as({ ...one }), home.registry.as({ ...one })]
  const { cursor = '' } = await first.export({})
  await expect(second.export({ cursor })).rejects.toEqual(reason('NOT_FOUND'))
  expect((await first.export({ cursor })).entries.length).toBeGreaterThan(0)
  const { import: id = '' } = await first.import({ op: 'begin' })
  await expect(second.import({ op: 'commit', import: id })).rejects.toEqual(reason('NOT_FOUND'))
})

test('lock ends an export with secrets between two pages', async () => {
  const home = await start()
  for (let at = 0; at < 40; at++) {
    await home.api.set({ key: `/x/${at}`, value: 'v'.repeat(60_000), encrypt: true })
  }
  const { cursor = '' } = await home.api.export({ with_secrets: true })
  await home.registry.lock(home.admin)
  await expect(home.api.export({ cursor })).rejects.toEqual(reason('SEALED'))
})

test('an export of more paths than a record holds names its prefix and their number', async () => {
  const home = await start()
  const long = 'x'.repeat(400)
  const keys = Array.from({ length: 11_000 }, (_, at) => `/e/${long}/${at}`)
  await fill(home.api, keys)
  expect(await home.api.export({ prefix: '/e' })).toMatchObject({ total: 11_000 })
  expect(linesOf(home.files).at(-1)?.body).toMatchObject({ paths: ['/e'], count: 11_000 })
  const { records } = await home.api.audit({ action: 'import' })
  expect(records[0]).toMatchObject({ count: 1000 })
  expect(records[1]?.paths).toHaveLength(1000)
  expect(records[1]).toMatchObject({ count: 5000 })
})

async function begin(api: RegistryApi, force = false): Promise<string> {
  return (await api.import({ op: 'begin', force })).import ?? ''
}

test('an import is all or nothing', async () => {
  const home = await start()
  await home.api.set({ key: '/i/b', value: 'old' })
  const entries = ['a', 'b', 'c'].map((name) => ({ key: `/i/${name}`, value: 'new' }))
  const stage = async (force: boolean) => {
    const id = await begin(home.api, force)
    expect(await home.api.import({ op: 'stage', import: id, entries })).toEqual({ staged: 3 })
    return id
  }
  let id = await stage(false)
  expect(await home.api.import({ op: 'diff', import: id })).toEqual({
    changes: [
      { key: '/i/a', change: 'create', type: 'string', encrypted: false },
      {
        key: '/i/b',
        change: 'update',
        type: 'string',
        encrypted: false,
        old_type: 'string',
        old_version: 1,
      },
      { key: '/i/c', change: 'create', type: 'string', encrypted: false },
    ],
  })
  await expect(home.api.import({ op: 'commit', import: id })).rejects.toEqual(
    reason('ALREADY_EXISTS'),
  )
  expect((await home.api.list({ prefix: '/i' })).keys).toEqual(['/i/b'])
  await expect(home.api.import({ op: 'commit', import: id })).rejects.toEqual(reason('NOT_FOUND'))
  id = await stage(true)
  expect(await home.api.import({ op: 'commit', import: id })).toMatchObject({
    imported: 3,
    unchanged: 0,
  })
  expect(home.registry.status(home.admin).entries).toBe(3)
  id = await stage(false)
  expect(await home.api.import({ op: 'commit', import: id })).toMatchObject({
    imported: 0,
    unchanged: 3,
  })
  expect(await home.api.get({ key: '/i/b' })).toMatchObject({ value: 'new', version: 2 })
})

test('an import names no key twice, and what was refused can be sent again', async () => {
  const { api } = await start()
  const id = await begin(api)
  const twice = [
    { key: '/i/a', value: '1' },
    { key: '/i/b', value: '1' },
    { key: '/i/a', value: '2' },
  ]
  await expect(api.import({ op: 'stage', import: id, entries: twice })).rejects.toEqual(
    reason('INVALID_ARGUMENT'),
  )
  const once = twice.slice(0, 2)
  expect(await api.import({ op: 'stage', import: id, entries: once })).toEqual({ staged: 2 })
  await expect(api.import({ op: 'stage', import: id, entries: once })).rejects.toEqual(
    reason('INVALID_ARGUMENT'),
  )
  expect(await api.import({ op: 'commit', import: id })).toMatchObject({ imported: 2 })
})

test('what an import stages is limited, however often it tries', async () => {
  const { api } = await start()
  const id = await begin(api)
  const value = 'x'.repeat(64 * 1024)
  const entries = Array.from({ length: 100 }, (_, at) => ({ key: `/i/${at}`, value }))
  let staged = 0
  for (let round = 0; round < 25; round++) {
    const outcome = (await outcomeOf(() =>
      api.import({
        op: 'stage',
        import: id,
        entries: entries.map(({ key, value }) => ({ key: `${key}-${round}`, value })),
      }),
    )) as { answer?: { staged: number }; reason?: string }
    if (outcome.answer === undefined) expect(outcome.reason).toBe('LIMIT_EXCEEDED')
    else staged = outcome.answer.staged
  }
  expect(staged * value.length).toBeLessThanOrEqual(IMPORT_LIMITS.bytes)
  expect(staged).toBeLessThan(2500)
  const many = Array.from({ length: 10_000 }, (_, at) => ({ key: `/m/${at}`, value: '' }))
  await expect(api.import({ op: 'stage', import: id, entries: many })).rejects.toEqual(
    reason('LIMIT_EXCEEDED'),
  )
  expect(await api.import({ op: 'abort', import: id })).toEqual({})
  await expect(api.import({ op: 'commit', import: id })).rejects.toEqual(reason('NOT_FOUND'))
})

test('the largest import is one commit', async () => {
  const home = await start()
  const id = await begin(home.api)
  const keys = Array.from({ length: IMPORT_LIMITS.entries }, (_, at) => `/l/${at}`)
  const entries = keys.map((key) => ({ key, value: '' }))
  await home.api.import({ op: 'stage', import: id, entries })
  const head = home.engine.head
  expect(await home.api.import({ op: 'commit', import: id })).toMatchObject({
    imported: keys.length,
    revision: head + 1,
  })
}, 300_000)

test('an import larger than a commit is refused whole', async () => {
  class SmallEngine extends MemoryEngine {
    override readonly limits = { ...DEFAULT_LIMITS, maxOps: 1000 }
  }
  const home = await start({ engine: new SmallEngine() })
  const keys = Array.from({ length: 200 }, (_, at) => `/m/${at}`)
  const run = async (value: string) => {
    const id = await begin(home.api, true)
    const entries = keys.map((key) => ({ key, value }))
    await home.api.import({ op: 'stage', import: id, entries })
    return outcomeOf(() => home.api.import({ op: 'commit', import: id }))
  }
  for (let at = 0; at < 10; at++) {
    expect(await run(`${at}`)).toMatchObject({ answer: { imported: keys.length } })
  }
  // From here on each write prunes a version, which is a third row.
  const head = home.engine.head
  expect(await run('x')).toMatchObject({ reason: 'LIMIT_EXCEEDED' })
  expect(home.engine.head).toBe(head)
  expect(await home.api.get({ key: '/m/0' })).toMatchObject({ value: '9', version: 10 })
})

test('imports expire, are few, and two at once do not touch each other', async () => {
  let nowMs = 1_000_000
  const home = await start({ now: () => nowMs })
  const ada = await addUser(home, 'ada', ['admin'])
  const [one, two] = [await begin(home.api), await begin(home.api)]
  await expect(begin(home.api)).rejects.toEqual(reason('BUSY'))
  const hers = await begin(ada.api)
  await expect(ada.api.import({ op: 'abort', import: one })).rejects.toEqual(reason('NOT_FOUND'))
  const entries = (value: string) => [{ key: '/i/same', value }]
  await home.api.import({ op: 'stage', import: one, entries: entries('1') })
  await home.api.import({ op: 'stage', import: two, entries: entries('2') })
  const results = await Promise.all(
    [one, two].map((id) => outcomeOf(() => home.api.import({ op: 'commit', import: id }))),
  )
  expect(results).toMatchObject([{ answer: { imported: 1 } }, { reason: 'ALREADY_EXISTS' }])
  nowMs += IMPORT_LIMITS.idleMs + 1
  await begin(home.api)
  await expect(ada.api.import({ op: 'commit', import: hers })).rejects.toEqual(reason('NOT_FOUND'))
})

test('imports whose client is gone do not block the next one of their account', async () => {
  let nowMs = 1_000_000
  const home = await start({ now: () => nowMs })
  const ada = await addUser(home, 'ada', ['admin'])
  const gone = [await begin(home.api), await begin(home.api)]
  const hers = await begin(ada.api)
  nowMs += IMPORT_LIMITS.yieldMs + 1
  await home.api.import({ op: 'stage', import: gone[1] ?? '', entries: [] })
  await begin(home.api)
  const commit = (id: string | undefined) => home.api.import({ op: 'commit', import: id ?? '' })
  await expect(commit(gone[0])).rejects.toEqual(reason('NOT_FOUND'))
  // What is still being staged, and what is another's, goes on.
  expect(await commit(gone[1])).toMatchObject({ imported: 0 })
  expect(await ada.api.import({ op: 'commit', import: hers })).toMatchObject({ imported: 0 })
})

test('who may write nowhere takes no place among the imports', async () => {
  const home = await start()
  const nobody = { ...home.admin, principals: ['user:nobody'], roles: [] }
  await expect(begin(home.registry.as(nobody))).rejects.toEqual(reason('ACCESS_DENIED'))
  expect(linesOf(home.files).at(-1)?.body).toMatchObject({ action: 'import', outcome: 'denied' })
})

test('an import writes nothing when one of its keys may not be written', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  const id = await begin(bob.api)
  const entries = ['/user/bob/a', '/app/x'].map((key) => ({ key, value: 'x' }))
  await bob.api.import({ op: 'stage', import: id, entries })
  await expect(bob.api.import({ op: 'commit', import: id })).rejects.toEqual(
    reason('ACCESS_DENIED'),
  )
  expect((await home.api.list({ prefix: '/', recursive: true })).keys).toEqual([])
})

let audited: Home
beforeAll(async () => {
  audited = await start()
  const { api } = audited
  for (let at = 0; at < 30; at++) {
    await api.set({ key: `/q/${at % 3}`, value: `${at}` })
    await api.get({ key: `/q/${at % 5}` }).catch(() => {})
  }
})

const FILTERS: readonly RequestOf<'audit'>[] = [
  {},
  { action: 'read' },
  { key: '/q/1' },
  { key: '/q', failed: true },
  { user: 'root', action: 'read', key: '/q/4', failed: true },
  { user: 'nobody' },
]

test.each(FILTERS)('pages of an audit query by %j are the whole, newest first', async (filter) => {
  const { api, files } = audited
  const lines = linesOf(files).filter(
    ({ body }) =>
      (filter.user === undefined || body.actor.user === filter.user) &&
      (filter.action === undefined || body.action === filter.action) &&
      (filter.failed === undefined || body.outcome !== 'ok') &&
      (filter.key === undefined ||
        body.paths.some((path) => path === filter.key || path.startsWith(`${filter.key}/`))),
  )
  const last = linesOf(files).length
  const found: number[] = []
  let before: number | undefined = last + 1
  while (before !== undefined) {
    const page: { records: readonly { sequence: number }[]; next?: number } = await api.audit({
      ...filter,
      before,
      limit: 7,
    })
    expect(page.records.length).toBeLessThanOrEqual(7)
    found.push(...page.records.map(({ sequence }) => sequence))
    before = page.next
  }
  expect(found).toEqual(lines.map(({ seq }) => seq).reverse())
})
