/** Weaknesses of entries and of what changes many of them, one test each, through the socket of a running daemon. */
import { createCanary, findCanary, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN, PASSWORD, type Site, startSite } from '../lib/site.ts'
import { ERROR, PUSH, type RequestKind, TYPE, Wire } from '../lib/wire.ts'

let running: Awaited<ReturnType<typeof startSite>>
let site: Site
let admin: Wire

beforeAll(async () => {
  running = await startSite()
  ;({ site, admin } = running)
})
afterAll(async () => {
  await running?.[Symbol.asyncDispose]()
})

/** An account of a role, logged in. */
async function open(user: string, roles: readonly string[]): Promise<Wire> {
  const password = 'Very-Strong-Phrase-9'
  await admin.ok('user', { op: 'add', user, password, roles })
  return Wire.login(site.socket, user, password)
}

test('weakness 24: a transaction is all or nothing, and nobody sees half of it', async () => {
  const keys = ['/w24/a', '/w24/b', '/w24/c/d']
  const write = (value: number, more: readonly object[] = []) =>
    admin.ask('txn', {
      then: [...keys.map((key) => ({ op: 'set', key, value })), ...more],
    })
  expect((await write(0)).body).toMatchObject({ succeeded: true })

  // Each last operation cannot be done, so the ones before it are not done either.
  const spoilers: [object, string][] = [
    [{ op: 'set', key: '/w24/x', value: '1', if_version: 7 }, 'VERSION_CONFLICT'],
    [{ op: 'set', key: '/w24/x', value: 'no number', type: 'integer' }, 'VALUE_INVALID'],
    [{ op: 'set', key: '/w24/a', value: '1' }, 'INVALID_ARGUMENT'],
    [{ op: 'set', key: '/w24/../x', value: '1' }, 'PATH_INVALID'],
  ]
  for (const [spoiler, reason] of spoilers) {
    expect((await write(1, [spoiler])).body, reason).toMatchObject({ reason })
  }
  using operator = await open('w24', ['operator'])
  expect(
    await operator.refused('txn', {
      then: [
        { op: 'set', key: '/w24/a', value: 1 },
        { op: 'set', key: '/security/x', value: 1 },
      ],
    }),
  ).toMatchObject({ reason: 'ACCESS_DENIED' })
  for (const key of keys) {
    expect(await admin.ok('get', { key })).toMatchObject({ value: '0', version: 1 })
  }

  // While it is made over and over, every look shows one of them.
  let writing = true
  let last = 0
  const seen = new Set<string>()
  using reader = await Wire.login(site.socket, ADMIN, PASSWORD)
  const writer = (async () => {
    while (last < 200 || seen.size < 2) await write(++last)
    writing = false
  })()
  while (writing) {
    const { results } = await reader.ok('txn', { then: keys.map((key) => ({ op: 'get', key })) })
    const values = results.map(
      ({ found }: { found: { value: string; version: number; modify_revision: number } }) =>
        `${found.value} ${found.version} ${found.modify_revision}`,
    )
    expect(new Set(values).size, values.join()).toBe(1)
    seen.add(values[0])
  }
  await writer
  expect(seen.size).toBeGreaterThan(1)

  // And otherwise it does the other thing, wholly.
  const answer = await admin.ok('txn', {
    compare: [
      { key: '/w24/a', value: last },
      { key: '/w24/b', version: 1 },
    ],
    then: [{ op: 'set', key: '/w24/then', value: 1 }],
    else: [
      { op: 'delete', key: '/w24/a' },
      { op: 'set', key: '/w24/else', value: 1 },
    ],
  })
  expect(answer).toMatchObject({ succeeded: false, results: [{ deleted: 1 }, { version: 1 }] })
  expect((await admin.ok('list', { prefix: '/w24', recursive: true })).keys).toEqual([
    '/w24/b',
    '/w24/c/d',
    '/w24/else',
  ])
  const { records } = await admin.ok('audit', { action: 'transaction', key: '/w24/else' })
  expect(records).toHaveLength(1)
  expect(records[0]).toMatchObject({
    outcome: 'ok',
    paths: ['/w24/a', '/w24/b', '/w24/then', '/w24/else'],
  })
})

test('weakness 25: what has expired is not found from its second on, and is purged', async () => {
  const key = '/w25/token'
  const value = createCanary()
  const askedMs = Date.now()
  await admin.ok('set', { key, value, ttl_s: 2 })
  expect(await admin.ok('get', { key })).toMatchObject({ value })
  const { expires_at: expiresAtMs } = await admin.ok('meta', { op: 'get', key })
  expect(expiresAtMs).toBeGreaterThanOrEqual(askedMs + 2000)
  expect(expiresAtMs).toBeLessThanOrEqual(Date.now() + 2000)
  expect(findCanary(value, site.data)).not.toEqual([])
  for (;;) {
    const fromMs = Date.now()
    const { type, body } = await admin.ask('get', { key })
    const toMs = Date.now()
    if (type === ERROR) {
      expect(body).toMatchObject({ code: 2, reason: 'STORAGE_KEY_NOT_FOUND' })
      expect(toMs, 'not before its second').toBeGreaterThanOrEqual(expiresAtMs)
      break
    }
    expect(fromMs, 'not after its second').toBeLessThan(expiresAtMs)
  }
  const reads: [RequestKind, object][] = [
    ['history', { key }],
    ['meta', { op: 'get', key }],
    ['meta', { op: 'set', key, description: 'x' }],
    ['versions', { op: 'undelete', key }],
    ['versions', { op: 'rollback', key, version: 1 }],
    ['transfer', { op: 'copy', from: key, to: '/w25/copy' }],
    ['delete', { key }],
  ]
  for (const [kind, request] of reads) {
    expect(await admin.refused(kind, request), kind).toMatchObject({
      reason: 'STORAGE_KEY_NOT_FOUND',
    })
  }
  expect((await admin.ok('list', { prefix: '/w25' })).keys).toEqual([])
  expect((await admin.ok('search', { prefix: '/w25' })).entries).toEqual([])
  expect((await admin.ok('export', { prefix: '/w25' })).entries).toEqual([])
  await waitFor(() => findCanary(value, site.data, site.audit).length === 0)
  expect((await admin.ok('audit', { action: 'expire', key })).records).toMatchObject([
    { paths: [key], actor: { door: 'internal' } },
  ])
  // A new life, whose number nobody has seen.
  expect(await admin.ok('set', { key, value: 'new', if_version: 0 })).toMatchObject({ version: 2 })
})

test('weakness 27: metadata that is set is returned, until something else is set', async () => {
  const key = '/w27/db'
  await admin.ok('set', { key, value: 'x' })
  const description = 'the "main" database\n\u00fcber alles \ud83d\ude00'
  const tags = ['prod', 'db', '\u00e4']
  const custom = { owner: 'ops', constructor: 'text', 'with space': '', tier: '1' }
  const set = await admin.ok('meta', { op: 'set', key, description, tags, custom })
  const expected = { description, tags: [...tags].sort() }
  const check = async (what: string): Promise<void> => {
    const meta = await admin.ok('meta', { op: 'get', key })
    expect(meta, what).toMatchObject(expected)
    expect(Object.entries(meta.custom).sort(), what).toEqual(Object.entries(custom).sort())
  }
  expect(set).toMatchObject(expected)
  await check('at once')
  // A value is changed without it, and it without the value.
  await admin.ok('set', { key, value: 'y' })
  await check('after a set')
  await admin.ok('delete', { key })
  await admin.ok('versions', { op: 'undelete', key })
  await check('after a deletion that was taken back')
  expect(await admin.ok('get', { key })).toMatchObject({ value: 'y', version: 2 })
  for (const filter of [{ tag: 'db' }, { metadata: { owner: 'ops' } }]) {
    const { entries } = await admin.ok('search', { prefix: '/w27', ...filter })
    expect(entries).toMatchObject([{ key }])
  }
  const { revision } = await admin.ok('status', {})
  await running.daemon.kill('SIGKILL')
  const daemon = await site.start()
  admin = await site.unlock()
  running = { ...running, daemon, admin }
  expect((await admin.ok('status', {})).revision).toBeGreaterThanOrEqual(revision)
  await check('after a death')
  await admin.ok('meta', { op: 'set', key, description: null, tags: [], custom: { tier: null } })
  const { tier: _, ...rest } = custom
  const meta = await admin.ok('meta', { op: 'get', key })
  expect(meta.description).toBeUndefined()
  expect(meta.tags).toEqual([])
  expect(Object.entries(meta.custom).sort()).toEqual(Object.entries(rest).sort())
})

test('weakness 28: of N compare-and-sets on one version exactly one wins, however they compare', async () => {
  const key = '/w28/cas'
  await admin.ok('set', { key, value: 'first' })
  const wires = await Promise.all(
    Array.from({ length: 16 }, () => Wire.login(site.socket, ADMIN, PASSWORD)),
  )
  try {
    for (let round = 0; round < 20; round++) {
      const { version, modify_revision: revision } = await admin.ok('get', { key })
      const asks = wires.flatMap((wire, index) =>
        [0, 1, 2, 3].map(async (depth) => {
          const value = `${round} of ${index}, ${depth}`
          const request = { key, value }
          switch ((index + depth) % 4) {
            case 0:
              return [value, await wire.ask('set', { ...request, if_version: version })] as const
            case 1:
              return [value, await wire.ask('set', { ...request, if_revision: revision })] as const
            case 2:
              return [
                value,
                await wire.ask('txn', {
                  compare: [{ key, version }],
                  then: [{ op: 'set', ...request }],
                }),
              ] as const
            default:
              return [
                value,
                await wire.ask('txn', {
                  compare: [{ key, revision }],
                  then: [{ op: 'set', ...request }],
                }),
              ] as const
          }
        }),
      )
      const answers = await Promise.all(asks)
      const winners = answers.filter(
        ([, { type, body }]) => type === TYPE.set + 1 || body.succeeded === true,
      )
      expect(winners.map(([value]) => value)).toHaveLength(1)
      for (const [, { type, body }] of answers) {
        if (type === ERROR) expect(body).toMatchObject({ code: 6, reason: 'VERSION_CONFLICT' })
      }
      expect(await admin.ok('get', { key })).toMatchObject({
        value: winners[0]?.[0],
        version: version + 1,
      })
    }
  } finally {
    for (const wire of wires) wire.close()
  }
})

test('weakness 34: an encrypted value is not told without the right to decrypt, in whichever way', async () => {
  const canary = createCanary()
  const old = createCanary()
  const [key, before] = ['/w34/secret', '/w34/before']
  using operator = await open('w34', ['operator', 'auditor'])
  const told: Buffer[] = []
  operator.socket.on('data', (chunk: Buffer) => told.push(chunk))
  await operator.ok('watch', { prefix: '/w34', since_revision: 0 })
  for (const value of [old, canary]) await admin.ok('set', { key, value, encrypt: true })
  await admin.ok('meta', { op: 'set', key, description: 'nothing of it', tags: ['w34'] })
  // What was encrypted once stays so, also where its entry is plain by now.
  await admin.ok('set', { key: before, value: old, encrypt: true })
  await admin.ok('set', { key: before, value: 'plain', encrypt: false })

  /** Asks what may be answered with anything but the value, and what is refused. */
  const ask = async (kind: RequestKind, request: object): Promise<string> => {
    operator.send(kind, request)
    for (;;) {
      const { type, body } = await operator.next()
      if (type !== PUSH) return type === ERROR ? body.reason : 'answered'
    }
  }
  const denied: [RequestKind, object][] = [
    ['get', { key, decrypt: true }],
    ['get', { key, decrypt: true, version: 1 }],
    ['get', { key: before, decrypt: true, version: 1 }],
    ['txn', { then: [{ op: 'get', key, decrypt: true }] }],
    ['txn', { compare: [{ key, value: canary }], then: [] }],
    ['txn', { compare: [{ key, value: 'a guess', is: '!=' }], then: [] }],
    ['transfer', { op: 'copy', from: key, to: '/w34/copy' }],
    ['transfer', { op: 'move', from: key, to: '/w34/moved' }],
  ]
  for (const [kind, request] of denied) {
    expect(await ask(kind, request), JSON.stringify(request)).toBe('ACCESS_DENIED')
  }
  const answered: [RequestKind, object][] = [
    ['get', { key }],
    ['get', { key, version: 1, detail: true }],
    ['get', { key: before, version: 1 }],
    ['list', { prefix: '/w34', detail: true }],
    ['history', { key }],
    ['meta', { op: 'get', key }],
    ['search', { prefix: '/w34', tag: 'w34' }],
    ['search', { prefix: '/w34', text: 'secret' }],
    ['search', { prefix: '/w34', text: canary }],
    ['txn', { then: [{ op: 'get', key }] }],
    ['export', { prefix: '/w34' }],
    ['export', { prefix: '/w34', with_secrets: true }],
    ['audit', { key: '/w34' }],
  ]
  for (const [kind, request] of answered) {
    expect(await ask(kind, request), JSON.stringify(request)).toBe('answered')
  }
  await admin.ok('versions', { op: 'rollback', key, version: 1 })
  await admin.ok('transfer', { op: 'move', from: key, to: '/w34/moved' })
  await waitFor(() => Buffer.concat(told).includes('/w34/moved'))
  // The watch has told of everything.
  expect(Buffer.concat(told).toString()).toContain('"op":"metadata"')
  for (const secret of [canary, old]) {
    const forms = [secret, Buffer.from(secret).toString('base64').slice(0, -4)]
    for (const form of forms) {
      expect(Buffer.concat(told).includes(form), form === secret ? 'plain' : 'base64').toBe(false)
    }
    expect(findCanary(secret, site.data, site.audit)).toEqual([])
  }

  // Who has the right gets it, and even he only where he asks for it.
  expect(await admin.ok('get', { key: '/w34/moved', decrypt: true })).toMatchObject({ value: old })
  const whole = [
    await admin.ok('get', { key: '/w34/moved' }),
    await admin.ok('list', { prefix: '/w34', detail: true }),
    await admin.ok('history', { key: '/w34/moved' }),
    await admin.ok('meta', { op: 'get', key: '/w34/moved' }),
    await admin.ok('search', { prefix: '/w34' }),
    await admin.ok('txn', { then: [{ op: 'get', key: '/w34/moved' }] }),
    await admin.ok('export', { prefix: '/w34' }),
    await admin.ok('audit', { key: '/w34' }),
  ]
  for (const secret of [canary, old]) expect(JSON.stringify(whole)).not.toContain(secret)
  const output = site.children.map((child) => `${child.stdout()}${child.stderr()}`).join('')
  for (const secret of [canary, old]) expect(output).not.toContain(secret)
})
