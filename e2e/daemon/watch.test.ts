/** Watches between real processes: who is told what, how fast, and what becomes of the slow and of a dying daemon. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connectRegistry, followChanges, WatchOverflowError } from '@secreg/client'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { ADMIN, PASSWORD, Site, startSite } from '../lib/site.ts'
import { type Seen, Watched, Watcher } from '../lib/watcher.ts'
import { PUSH, type Reply, TYPE, Wire } from '../lib/wire.ts'

const MIB = 1024 * 1024

/** Set keys one behind the other without waiting for answers; gives the revision of each. */
async function setAll(wire: Wire, keys: readonly string[]): Promise<number[]> {
  for (const key of keys) wire.send('set', { key, value: 'x' })
  const revisions: number[] = []
  for (const key of keys) {
    const { type, body } = await wire.next()
    if (type !== TYPE.set + 1) throw new Error(`${key}: ${JSON.stringify(body)}`)
    revisions.push(body.revision)
  }
  return revisions
}

const keysOf = (seen: readonly Seen[]): string[] => seen.map(({ key }) => key)

test('1,000 watches on 100 prefixes are told of 10,000 writes: each exactly its own, in order', {
  timeout: 120_000,
}, async () => {
  await using running = await startSite()
  const { site, admin } = running
  const prefixes = 100
  const watchers: Watcher[] = []
  const watched: { watch: Watched; prefix: number; isOdd: boolean }[] = []
  for (let connection = 0; connection < 5; connection++) {
    const watcher = new Watcher(await site.admin())
    watchers.push(watcher)
    await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const number = connection * 200 + at
        const prefix = number % prefixes
        // Every tenth looks at the one entry of its prefix that is written again and again.
        const isOdd = Math.floor(number / prefixes) === 9
        const watch = await watcher.watch(
          isOdd ? { key: `/w/${prefix}/same` } : { prefix: `/w/${prefix}/` },
        )
        watched.push({ watch, prefix, isOdd })
      }),
    )
  }
  expect(watched).toHaveLength(1000)
  const keys = Array.from({ length: 10_000 }, (_, i) => {
    const at = Math.floor(i / prefixes)
    return `/w/${i % prefixes}/${at % 10 === 0 ? 'same' : at}`
  })
  using writer = await site.admin()
  const started = performance.now()
  const revisions = await setAll(writer, keys)
  const written = performance.now()
  const expected = (prefix: number, isOdd: boolean): [number, string][] =>
    keys.flatMap((key, i): [number, string][] =>
      i % prefixes === prefix && (!isOdd || key.endsWith('/same'))
        ? [[revisions[i] as number, key]]
        : [],
    )
  const counts = watched.map(({ prefix, isOdd }) => expected(prefix, isOdd).length)
  await Promise.all(
    watchers.map((watcher) =>
      watcher.until(() =>
        watched.every(
          ({ watch }, i) => !isOf(watcher, watch) || watch.seen.length >= (counts[i] as number),
        ),
      ),
    ),
  )
  const told = performance.now()
  for (const { watch, prefix, isOdd } of watched) {
    expect(watch.seen.map(({ revision, key }) => [revision, key])).toEqual(expected(prefix, isOdd))
  }
  report({
    writesPerSecond: Math.round(keys.length / ((written - started) / 1000)),
    eventsPerSecond: Math.round(
      counts.reduce((sum, count) => sum + count, 0) / ((told - started) / 1000),
    ),
    lastEventAfterLastAnswerMs: Math.round(told - written),
  })
  expect((await admin.ok('status', {})).buffer_bytes).toBeLessThan(8 * MIB)
  for (const { wire } of watchers) wire.close()
})

function isOf(watcher: Watcher, watch: Watched): boolean {
  return watcher.watches.get(watch.id) === watch
}

/** Figures of a run, where they are asked for. */
function report(figures: Readonly<Record<string, number>>): void {
  if (process.env['SECREG_FIGURES'] !== undefined)
    process.stderr.write(`${JSON.stringify(figures)}\n`)
}

test('a reader that is stuck is told where to resume, loses nothing, and costs bounded memory', async () => {
  await using running = await startSite({ config: '[limits]\nread_timeout = 120' })
  const { site, admin, daemon } = running
  using stuck = await site.admin()
  const watcher = new Watcher(stuck)
  const first = await watcher.watch({ prefix: '/stuck' })
  using beside = await site.admin()
  const reader = new Watcher(beside)
  const quick = await reader.watch({ prefix: '/stuck' })
  const rss = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1]) * 1024
  stuck.socket.pause()
  const before = rss()
  const long = 'x'.repeat(200)
  const keys = Array.from({ length: 20_000 }, (_, i) => `/stuck/${long}/${long}/${i}`)
  let most = 0
  const revisions: number[] = []
  for (let at = 0; at < keys.length; at += 1000) {
    revisions.push(...(await setAll(admin, keys.slice(at, at + 1000))))
    most = Math.max(most, (await admin.ok('status', {})).buffer_bytes)
  }
  expect(most).toBeGreaterThan(MIB / 2)
  expect(most).toBeLessThan(8 * MIB)
  // What 10 MB of events would take if they were kept for it, beside what the store itself takes.
  expect(rss() - before).toBeLessThan(256 * MIB)
  await reader.until(() => quick.seen.length === keys.length)
  stuck.socket.resume()
  await watcher.until(() => first.end !== undefined)
  expect(first.end).toMatchObject({ overflow: true, events: [] })
  expect(first.seen.length).toBeLessThan(keys.length)
  const second = await watcher.watch({ prefix: '/stuck', since_revision: first.revision })
  await watcher.until(() => second.revision >= (revisions.at(-1) as number))
  const seen = [...first.seen, ...second.seen]
  expect(keysOf(seen)).toEqual(keys)
  expect(seen.map(({ revision }) => revision)).toEqual(revisions)
  expect(seen).toEqual(quick.seen)
})

test('watches go on where they were after kill -9 and restart', { timeout: 120_000 }, async () => {
  await using running = await startSite()
  const { site } = running
  let { daemon } = running
  running.admin.close()
  const prefixes = ['/r', '/r/a', '/r/b', '/elsewhere']
  let watched = prefixes.map(() => new Watched({ watch_id: 0, revision: 0, generation: '' }))
  const told = prefixes.map((): Seen[] => [])
  const acknowledged: [string, number][] = []
  let generation: string | undefined
  for (let round = 0; round < 4; round++) {
    using reader = await site.admin()
    const watcher = new Watcher(reader)
    const before = watched
    watched = await Promise.all(
      prefixes.map((prefix, i) =>
        watcher.watch({
          prefix,
          since_revision: before[i]?.revision ?? 0,
          ...(generation === undefined ? {} : { generation }),
        }),
      ),
    )
    generation = watched[0]?.generation
    using writer = await site.admin()
    const until = (round + 1) * 300
    const writing = (async () => {
      for (let i = acknowledged.length; ; i++) {
        const key = `/r/${i % 2 === 0 ? 'a' : 'b'}/${round}-${i}`
        const { body } = await writer.ask('set', { key, value: 'x' })
        acknowledged.push([key, body.revision])
      }
    })().catch(() => {})
    await waitFor(() => acknowledged.length >= until, { timeoutMs: 20_000 })
    await daemon.kill('SIGKILL')
    await writing
    await reader.closed
    for (const [i, { seen }] of watched.entries()) told[i]?.push(...seen)
    if (watcher.fault !== undefined) throw watcher.fault
    daemon = await site.start()
    ;(await site.unlock()).close()
  }
  using reader = await site.admin()
  const watcher = new Watcher(reader)
  const whole = await watcher.watch({ prefix: '/', since_revision: 0, generation, progress: true })
  const last = await Promise.all(
    watched.map(({ revision }, i) =>
      watcher.watch({ prefix: prefixes[i], since_revision: revision, progress: true }),
    ),
  )
  const { revision: head } = await reader.ok('status', {})
  await watcher.until(() => [whole, ...last].every(({ revision }) => revision >= head))
  for (const [i, prefix] of prefixes.entries()) {
    const seen = [...(told[i] as Seen[]), ...(last[i] as Watched).seen]
    expect(seen).toEqual(whole.seen.filter(({ key }) => key.startsWith(`${prefix}/`)))
  }
  for (const [key, revision] of acknowledged) {
    expect(whole.seen).toContainEqual(expect.objectContaining({ key, revision }))
  }
  await expect(
    reader.refused('watch', { prefix: '/', since_revision: head + 100 }),
  ).resolves.toMatchObject({
    reason: 'INVALID_ARGUMENT',
  })
  const other = 'f'.repeat(32)
  const refused = await reader.refused('watch', {
    prefix: '/',
    since_revision: 1,
    generation: other,
  })
  expect(refused).toMatchObject({ reason: 'REVISION_COMPACTED', code: 6 })
  expect(refused.min_revision).toBeGreaterThanOrEqual(head)
})

describe('a watch on the wire', () => {
  test('is answered before its first event, and numbers count from 1 on each connection', async () => {
    await using running = await startSite()
    const { site, admin } = running
    const { revision } = await admin.ok('set', { key: '/a/b', value: 'one' })
    using wire = await site.admin()
    wire.socket.write(
      Buffer.concat([
        wire.frame('get', { key: '/a/b' }),
        wire.frame('watch', { prefix: '/a', since_revision: revision - 1, progress: true }),
        wire.frame('watch', { key: '/a/b', since_revision: revision - 1, id: 'x' }),
        wire.frame('whoami', {}),
      ]),
    )
    const arrived: Reply[] = []
    for (let i = 0; i < 7; i++) arrived.push(await wire.next())
    const at = (isIt: (reply: Reply) => boolean): number => arrived.findIndex(isIt)
    const answers = arrived.filter(({ type }) => type === TYPE.watch + 1)
    expect(answers.map(({ body }) => body.watch_id).sort()).toEqual([1, 2])
    for (const { body } of answers) {
      expect(body).toMatchObject({
        revision: revision - 1,
        generation: expect.stringMatching(/^[0-9a-f]{32}$/),
      })
      const told = at(({ type, body: { watch_id } }) => type === PUSH && watch_id === body.watch_id)
      expect(told).toBeGreaterThan(at((reply) => reply.body === body))
    }
    const pushes = arrived.filter(({ type }) => type === PUSH).map(({ body }) => body)
    const event = { op: 'set', key: '/a/b', version: 1, type: 'string', encrypted: false }
    expect(pushes.filter(({ events }) => events.length > 0)).toEqual([
      { watch_id: expect.any(Number), revision, events: [event] },
      { watch_id: expect.any(Number), revision, events: [event] },
    ])
    expect(pushes.filter(({ events }) => events.length === 0)).toHaveLength(1)
    using other = await site.admin()
    expect(await other.ok('watch', { prefix: '/' })).toMatchObject({ watch_id: 1 })
    expect((await other.ok('hello', {})).features).toEqual(
      expect.arrayContaining(['watch', 'transactions']),
    )
  })

  test('says what happened, and never a value', async () => {
    await using running = await startSite()
    const { site, admin } = running
    using wire = await site.admin()
    const bytes: Buffer[] = []
    wire.socket.on('data', (chunk: Buffer) => bytes.push(chunk))
    const watcher = new Watcher(wire)
    const all = await watcher.watch({ prefix: '/' })
    const below = await watcher.watch({ prefix: '/v/', recursive: false })
    await admin.ok('set', { key: '/v/plain', value: 'a value to be looked for' })
    await admin.ok('set', { key: '/v/secret', value: 'a value to be looked for', encrypt: true })
    await admin.ok('set', { key: '/v/deep/er', value: 'a value to be looked for' })
    await admin.ok('delete', { key: '/v/plain' })
    await admin.ok('set', { key: '/v', value: 'a value to be looked for' })
    await watcher.until(() => all.seen.length === 5)
    expect(all.seen.map(({ op, key }) => `${op} ${key}`)).toEqual([
      'set /v/plain',
      'set /v/secret',
      'set /v/deep/er',
      'delete /v/plain',
      'set /v',
    ])
    expect(all.seen[1]).toMatchObject({ encrypted: true, version: 1, type: 'string' })
    expect(below.seen.map(({ op, key }) => `${op} ${key}`)).toEqual([
      'set /v/plain',
      'set /v/secret',
      'delete /v/plain',
    ])
    expect(Buffer.concat(bytes).includes('to be looked for')).toBe(false)
    const watches = site.records().filter(({ body }) => body.action === 'watch')
    expect(watches.map(({ body: { outcome, paths } }) => [outcome, paths])).toEqual([
      ['ok', ['/']],
      ['ok', ['/v']],
    ])
  })

  test('a caller is told of what he may watch only, and a refusal tells nothing', async () => {
    await using running = await startSite()
    const { site, admin } = running
    await admin.ok('user', { op: 'add', user: 'bob', password: PASSWORD, roles: ['user'] })
    await admin.ok('set', { key: '/secret/there', value: 'x' })
    using bob = await Wire.login(site.socket, 'bob', PASSWORD)
    const refusals = []
    for (const request of [
      { key: '/secret/there' },
      { key: '/secret/absent' },
      { prefix: '/secret/' },
      { prefix: '/nothing/' },
      { prefix: '/secret/', since_revision: 1_000_000 },
    ]) {
      refusals.push(await bob.refused('watch', request))
    }
    const [first] = refusals
    expect(first).toMatchObject({ reason: 'ACCESS_DENIED', code: 3 })
    for (const refusal of refusals) expect(refusal).toEqual(first)
    const watcher = new Watcher(bob)
    const own = await watcher.watch({ prefix: '/' })
    for (const key of ['/secret/a', '/user/bob/a', '/user/bobby/a', '/user/bob/b']) {
      await admin.ok('set', { key, value: 'x' })
    }
    await watcher.until(() => own.seen.length === 2)
    expect(keysOf(own.seen)).toEqual(['/user/bob/a', '/user/bob/b'])
    // An account that is disabled is told nothing more, at once.
    await admin.ok('user', { op: 'disable', user: 'bob' })
    await admin.ok('set', { key: '/user/bob/c', value: 'x' })
    await watcher.until(() => own.end !== undefined)
    expect(own.end?.error).toMatchObject({ reason: 'SESSION_INVALID' })
    expect(own.seen).toHaveLength(2)
  })

  test('wrong requests, limits and unwatch', async () => {
    await using running = await startSite()
    const { site, admin } = running
    using wire = await site.admin()
    for (const request of [{}, { key: '/a', prefix: '/a' }, { key: '/a', recursive: true }]) {
      expect(await wire.refused('watch', request)).toMatchObject({ reason: 'INVALID_ARGUMENT' })
    }
    expect(await wire.refused('watch', { key: '/a//b' })).toMatchObject({ reason: 'PATH_INVALID' })
    expect(await wire.refused('unwatch', { watch_id: 1 })).toMatchObject({
      reason: 'NOT_FOUND',
      code: 2,
    })
    const watcher = new Watcher(wire)
    const watches: Watched[] = []
    for (let i = 0; i < 1024; i++) watches.push(await watcher.watch({ key: `/many/${i % 4}` }))
    expect(watches.map(({ id }) => id)).toEqual(Array.from({ length: 1024 }, (_, i) => i + 1))
    expect(await wire.refused('watch', { key: '/a' })).toMatchObject({ reason: 'LIMIT_EXCEEDED' })
    expect(await wire.ok('unwatch', { watch_id: 5 })).toEqual({ success: true })
    expect(await wire.refused('unwatch', { watch_id: 5 })).toMatchObject({ reason: 'NOT_FOUND' })
    const again = await watcher.watch({ key: '/many/0' })
    expect(again.id).toBe(1025)
    // The watch of another account on the same connection is as if it were not there.
    await admin.ok('user', { op: 'add', user: 'bob', password: PASSWORD, roles: ['user'] })
    const session = wire.session
    await wire.login('bob', PASSWORD)
    expect(await wire.refused('unwatch', { watch_id: 1 })).toMatchObject({ reason: 'NOT_FOUND' })
    wire.session = session
    await admin.ok('set', { key: '/many/0', value: 'x' })
    const told = watches.filter(({ id }, i) => i % 4 === 0 && id !== 5)
    await watcher.until(() => [again, ...told].every(({ seen }) => seen.length === 1))
    expect(watches.find(({ id }) => id === 5)?.seen).toEqual([])
  })

  test('a watch ends with its session, and not with another of the connection', async () => {
    await using running = await startSite()
    const { site, admin } = running
    using wire = await site.admin()
    const watcher = new Watcher(wire)
    const first = await watcher.watch({ prefix: '/' })
    const session = wire.session
    await wire.login(ADMIN, PASSWORD)
    const second = await watcher.watch({ prefix: '/' })
    const newer = wire.session
    wire.session = session
    await wire.ok('logout', {})
    await watcher.until(() => first.end !== undefined)
    expect(first.end?.error).toMatchObject({ reason: 'SESSION_INVALID', code: 4 })
    await admin.ok('set', { key: '/a', value: 'x' })
    await watcher.until(() => second.seen.length === 1)
    wire.session = newer
    expect(await wire.refused('unwatch', { watch_id: first.id })).toMatchObject({
      reason: 'NOT_FOUND',
    })
  })

  test('a session that expires ends its watch by an error; until then the connection is not idle', async () => {
    // A connection without a request is closed after as many seconds as an unused session lasts.
    await using running = await startSite({ session: 'timeout = 2' })
    const { site } = running
    using wire = await site.admin()
    const watcher = new Watcher(wire)
    const watch = await watcher.watch({ prefix: '/' })
    let closed = false
    void wire.closed.then(() => {
      closed = true
    })
    using beside = await Wire.open(site.socket)
    beside.session = wire.session
    const { uptime_s: since } = await beside.ok('status', {})
    await waitFor(async () => (await beside.ok('status', {})).uptime_s > since + 5)
    expect([watch.end, closed]).toEqual([undefined, false])
    await watcher.until(() => watch.end !== undefined)
    expect(watch.end?.error).toMatchObject({ reason: 'SESSION_INVALID' })
    expect(closed).toBe(false)
    await wire.login(ADMIN, PASSWORD)
    expect(await wire.ok('watch', { prefix: '/' })).toMatchObject({ watch_id: 2 })
  })

  test('a lock and a stop end all watches, and say so', async () => {
    await using running = await startSite()
    const { site, admin, daemon } = running
    using wire = await site.admin()
    const watcher = new Watcher(wire)
    const { revision } = await admin.ok('set', { key: '/a', value: 'x' })
    const watches = [await watcher.watch({ prefix: '/' }), await watcher.watch({ key: '/a' })]
    await admin.ok('seal', { op: 'lock' })
    await watcher.until(() => watches.every(({ end }) => end !== undefined))
    for (const { end } of watches) {
      expect(end?.error).toMatchObject({ reason: 'SEALED' })
      expect(end?.revision).toBeGreaterThanOrEqual(revision)
    }
    using unlocked = await site.unlock()
    const again = new Watcher(unlocked)
    const last = await again.watch({ prefix: '/', since_revision: revision })
    daemon.signal('SIGTERM')
    await again.until(() => last.end !== undefined)
    expect(last.end?.error).toMatchObject({ reason: 'SHUTTING_DOWN' })
    await unlocked.closed
  })
})

test('a connection whose peer is gone leaves no watch behind', async () => {
  await using running = await startSite()
  const { site, admin } = running
  for (let i = 0; i < 5; i++) {
    using wire = await site.admin()
    const watcher = new Watcher(wire)
    await watcher.watch({ prefix: '/' })
  }
  await waitFor(async () => (await admin.ok('status', {})).connections === 1)
  expect(await setAll(admin, ['/a', '/b'])).toHaveLength(2)
  expect(await admin.refused('unwatch', { watch_id: 1 })).toMatchObject({ reason: 'NOT_FOUND' })
})

describe('with the client library', () => {
  const connect = async (socket: string) => {
    const connection = await connectRegistry({ socket })
    await connection.auth({ username: ADMIN, password: PASSWORD })
    return connection
  }

  test('a follower is given each change once across kill -9 and restart', async () => {
    await using site = new Site()
    // Unsealed as soon as it is there: a session of the sealed time would end with it.
    const key = site.home.write('key', randomBytes(32))
    site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
    let daemon = await site.start()
    using admin = await site.initialize()
    const { revision, generation, watch_id } = await admin.ok('watch', { prefix: '/' })
    await admin.ok('unwatch', { watch_id })
    const stop = new AbortController()
    const given: string[] = []
    const following = (async () => {
      const request = { prefix: '/f', since_revision: revision, generation }
      const options = { signal: stop.signal, minDelayMs: 1, maxDelayMs: 20 }
      for await (const { events } of followChanges(() => connect(site.socket), request, options)) {
        for (const { key } of events) given.push(key)
      }
    })()
    const keys = Array.from({ length: 200 }, (_, i) => `/f/${i}`)
    await setAll(admin, keys.slice(0, 100))
    await waitFor(() => given.length === 100)
    await daemon.kill('SIGKILL')
    daemon = await site.start()
    using again = await site.admin()
    await setAll(again, keys.slice(100))
    await waitFor(() => given.length === 200)
    expect(given).toEqual(keys)
    stop.abort(new Error('enough'))
    await expect(following).rejects.toThrow('enough')
  })

  test('a consumer who does not read is told where to resume', async () => {
    await using running = await startSite()
    const { site, admin } = running
    await using connection = await connect(site.socket)
    const watch = await connection.watch({ prefix: '/' }, { maxBufferedEvents: 100 })
    const keys = Array.from({ length: 1000 }, (_, i) => `/o/${i}`)
    await setAll(admin, keys)
    const given: string[] = []
    const overflow = await (async () => {
      for await (const { events } of watch) for (const { key } of events) given.push(key)
    })().catch((error: unknown) => error)
    if (!(overflow instanceof WatchOverflowError)) throw overflow
    await using rest = await connection.watch({ prefix: '/', since_revision: overflow.revision })
    for await (const { events } of rest) {
      for (const { key } of events) given.push(key)
      if (given.length >= keys.length) break
    }
    expect(given).toEqual(keys)
  })
})
