/** Watches of a whole registry: who may, what is told, and how they end. */

import { createMemoryFiles, withFaults } from '@secreg/audit/testing'
import { compile } from '@secreg/policy-engine'
import type { Caller, ChangeEvent } from '@secreg/protocol'
import type { RequestOf } from '@secreg/protocol/messages'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { describe, expect, test, vi } from 'vitest'
import { Authorizer } from '../src/authorizer.ts'
import { WATCH_LIMITS } from '../src/watch/limits.ts'
import { createMayTell } from '../src/watch/may-tell.ts'
import type { OpenedWatch } from '../src/watch/sink.ts'
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
import { TestSink, wholeRevisions } from './watch-reader.ts'

const turn = () => new Promise((resume) => setImmediate(resume))

/** Wait for what is told over several turns. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 })

/** A watch with its reader. */
interface Begun {
  readonly watch: OpenedWatch
  readonly sink: TestSink
  /** Events that have been told whole, as `op key`. */
  told(): string[]
}

async function begin(
  { registry }: Pick<Home, 'registry'>,
  caller: Caller,
  request: RequestOf<'watch'>,
  sink: TestSink = new TestSink(),
): Promise<Begun> {
  sink.who = caller
  const watch = await registry.watch(caller, request, sink)
  watch.start()
  return {
    watch,
    sink,
    told: () =>
      wholeRevisions(sink.messages, watch.revision).flatMap(([, events]) =>
        events.map(({ op, key }) => `${op} ${key}`),
      ),
  }
}

/** A clock that the test turns, which housekeeping does not run by. */
function clock() {
  const time = { monotonic: 0 }
  return { time, options: { monotonicMs: () => time.monotonic } }
}

describe('what is told', () => {
  test('of an entry, of children and of a subtree, each change in its revision', async () => {
    const home = await start()
    const { admin, api } = home
    const entry = await begin(home, admin, { key: '/app/a' })
    const children = await begin(home, admin, { prefix: '/app/', recursive: false })
    const subtree = await begin(home, admin, { prefix: '/app' })
    const all = await begin(home, admin, { prefix: '/' })
    const { revision } = await api.set({ key: '/app/a', value: 'x' })
    await api.set({ key: '/app', value: 'x' })
    await api.set({ key: '/app/a/b', value: 'x', encrypt: true })
    await api.delete({ key: '/app/a' })
    await api.versions({ op: 'undelete', key: '/app/a' })
    await api.meta({ op: 'set', key: '/app/a', description: 'd' })
    await api.versions({ op: 'purge', key: '/app', recursive: true })
    expect(entry.told()).toEqual([
      'set /app/a',
      'delete /app/a',
      'undelete /app/a',
      'metadata /app/a',
      'purge /app/a',
    ])
    expect(children.told()).toEqual(entry.told())
    expect(subtree.told().toSorted()).toEqual(
      [...entry.told(), 'set /app/a/b', 'purge /app/a/b'].toSorted(),
    )
    expect(all.told().toSorted()).toEqual([...subtree.told(), 'set /app', 'purge /app'].toSorted())
    expect(entry.sink.messages[0]).toEqual({
      revision,
      events: [{ op: 'set', key: '/app/a', version: 1, type: 'string', encrypted: false }],
    })
  })

  test('one transaction is one revision, for every watch', async () => {
    const home = await start()
    const { admin, api } = home
    const all = await begin(home, admin, { prefix: '/' })
    const one = await begin(home, admin, { key: '/b' })
    const { revision } = await api.txn({
      then: ['/a', '/b', '/c'].map((key) => ({ op: 'set' as const, key, value: 'x' })),
    })
    expect(all.sink.messages.map((message) => [message.revision, message.events.length])).toEqual([
      [revision, 3],
    ])
    expect(one.sink.messages.map((message) => [message.revision, message.events.length])).toEqual([
      [revision, 1],
    ])
  })

  test('an import of many entries comes in several messages, and the watch goes on live behind it', async () => {
    const home = await start()
    const { admin, api } = home
    const all = await begin(home, admin, { prefix: '/' })
    const few = await begin(home, admin, { prefix: '/m/7' })
    const none = await begin(home, admin, { prefix: '/other' })
    const { import: id = '' } = await api.import({ op: 'begin' })
    const count = 5000
    for (let at = 0; at < count; at += 1000) {
      const entries = Array.from({ length: 1000 }, (_, i) => ({
        key: `/m/${at + i}/of-${'many'.repeat(20)}`,
        value: 'x',
      }))
      await api.import({ op: 'stage', import: id, entries })
    }
    const { revision } = await api.import({ op: 'commit', import: id })
    const { revision: next } = await api.set({ key: '/other/a', value: 'x' })
    await eventually(() => all.told().length).toBe(count + 1)
    const parts = all.sink.messages.filter((message) => message.revision === revision)
    expect(parts.length).toBeGreaterThan(5)
    expect(parts.map(({ more }) => more)).toEqual([
      ...Array(parts.length - 1).fill(true),
      undefined,
    ])
    for (const part of parts) {
      expect(JSON.stringify(part).length).toBeLessThan(WATCH_LIMITS.pieceBytes + 1024)
    }
    await eventually(() => few.told()).toHaveLength(1)
    expect(few.sink.messages).toHaveLength(1)
    await eventually(() => none.sink.messages).toEqual([
      { revision: next, events: [expect.objectContaining({ key: '/other/a' })] },
    ])
  })

  test('nothing before it is started, and everything since it was answered', async () => {
    const home = await start()
    const { admin, api } = home
    const sink = new TestSink()
    sink.who = admin
    const watch = await home.registry.watch(admin, { prefix: '/' }, sink)
    expect(watch).toMatchObject({ revision: home.engine.head, generation: home.engine.generation })
    await api.set({ key: '/a', value: 'x' })
    expect(sink.messages).toEqual([])
    watch.start()
    await eventually(() => sink.messages.length).toBe(1)
    watch.close()
    watch.close()
    await api.set({ key: '/a', value: 'y' })
    expect(sink.messages).toHaveLength(1)
  })

  test('from a revision on, and not again what is known', async () => {
    const home = await start()
    const { admin, api } = home
    const revisions: number[] = []
    for (let i = 0; i < 300; i++) {
      revisions.push((await api.set({ key: `/k/${i}`, value: 'x' })).revision)
    }
    for (const from of [0, 150, 299]) {
      const since_revision = revisions[from] as number
      const { sink, told, watch } = await begin(home, admin, { prefix: '/k', since_revision })
      expect(watch.revision).toBe(since_revision)
      await api.set({ key: `/k/live-${from}`, value: 'x' })
      await eventually(() => told().at(-1)).toBe(`set /k/live-${from}`)
      expect(told().filter((text) => !text.includes('live'))).toEqual(
        Array.from({ length: 299 - from }, (_, i) => `set /k/${from + 1 + i}`),
      )
      expect(sink.messages.map(({ revision }) => revision).slice(0, 299 - from)).toEqual(
        revisions.slice(from + 1),
      )
      watch.close()
    }
  })

  test('what expires is told when it is swept', async () => {
    const time = { wall: 1_800_000_000_000 }
    const home = await start({ now: () => time.wall, housekeepingMs: 5 })
    const { admin, api } = home
    const { told } = await begin(home, admin, { prefix: '/' })
    await api.set({ key: '/short', value: 'x', ttl_s: 1 })
    time.wall += 1001
    await eventually(told).toEqual(['set /short', 'expire /short'])
    await home.registry.close()
  })
})

describe('progress', () => {
  test('is told once after catching up, then at most every ten seconds and only when something passed', async () => {
    const { time, options } = clock()
    const home = await start(options)
    const { admin, api, registry } = home
    const since_revision = home.engine.head
    await api.set({ key: '/a', value: 'x' })
    const { sink } = await begin(home, admin, { key: '/b', since_revision, progress: true })
    await eventually(() => sink.messages).toEqual([{ revision: home.engine.head, events: [] }])
    const quiet = await begin(home, admin, { key: '/b', since_revision })
    const now = await begin(home, admin, { key: '/b', progress: true })
    await registry.sweep()
    time.monotonic += 60_000
    await registry.sweep()
    expect(sink.messages).toHaveLength(1)
    const { revision } = await api.set({ key: '/a', value: 'y' })
    await registry.sweep()
    expect(sink.messages[1]).toEqual({ revision, events: [] })
    expect(now.sink.messages).toEqual([{ revision, events: [] }])
    await api.set({ key: '/a', value: 'z' })
    time.monotonic += WATCH_LIMITS.progressMs - 1
    await registry.sweep()
    expect(sink.messages).toHaveLength(2)
    time.monotonic += 1
    await registry.sweep()
    expect(sink.messages[2]).toEqual({ revision: revision + 1, events: [] })
    expect(quiet.sink.messages).toEqual([])
  })
})

describe('who may', () => {
  test('a denied caller learns nothing, and there is one record of each request', async () => {
    const home = await start()
    const bob = await addUser(home, 'bob', ['user'])
    await home.api.set({ key: '/app/there', value: 'x' })
    const ask = (request: RequestOf<'watch'>): Promise<unknown> =>
      outcomeOf(() => home.registry.watch(bob.caller, request, new TestSink()))
    const before = linesOf(home.files).length
    const missing = await ask({ key: '/app/never' })
    expect(missing).toEqual({ reason: 'ACCESS_DENIED', message: 'permission denied', status: 3 })
    const requests: RequestOf<'watch'>[] = [
      { key: '/app/there' },
      { prefix: '/app/' },
      { prefix: '/app/', since_revision: 1_000_000 },
      { prefix: '/app/', since_revision: 1, generation: 'another' },
    ]
    for (const request of requests) expect(await ask(request)).toEqual(missing)
    await expect(home.registry.watch(bob.caller, {}, new TestSink())).rejects.toEqual(
      reason('INVALID_ARGUMENT'),
    )
    await begin(home, bob.caller, { prefix: '/user/bob/' })
    const bodies = linesOf(home.files)
      .slice(before)
      .map(({ body: { action, outcome, paths, reason: why } }) => [action, outcome, paths, why])
    expect(bodies).toEqual([
      ['watch', 'denied', ['/app/never'], 'ACCESS_DENIED'],
      ['watch', 'denied', ['/app/there'], 'ACCESS_DENIED'],
      ...Array(3).fill(['watch', 'denied', ['/app'], 'ACCESS_DENIED']),
      ['watch', 'failed', [], 'INVALID_ARGUMENT'],
      ['watch', 'ok', ['/user/bob'], undefined],
    ])
  })

  test('policy is asked for each event: what changes of it counts at once, in history too', async () => {
    const home = await start()
    await addUser(home, 'bob', ['user'])
    const answer = await home.registry.login(PEER, { username: 'bob', password: PASSWORD })
    const session = home.registry.sessionHandle().resolve(answer.session_id ?? '')
    if (session === undefined) throw new Error('no session')
    class SessionSink extends TestSink {
      override caller(): Caller | undefined {
        return home.registry.watcherOf(session as NonNullable<typeof session>, PEER)
      }
    }
    const caller = home.registry.callerOf(session, PEER) as Caller
    const sink = new SessionSink()
    const live = await begin(home, caller, { prefix: '/' }, sink)
    const since_revision = home.engine.head
    const write = async (round: string): Promise<void> => {
      await home.api.set({ key: `/app/${round}`, value: 'x' })
      await home.api.set({ key: `/user/bob/${round}`, value: 'x' })
    }
    await write('1')
    expect(live.told()).toEqual(['set /user/bob/1'])
    await home.api.user({ op: 'roles', user: 'bob', roles: ['operator'] })
    await write('2')
    expect(live.told()).toContain('set /app/2')
    await home.api.user({ op: 'roles', user: 'bob', roles: ['user'] })
    await write('3')
    expect(live.told()).not.toContain('set /app/3')
    expect(live.told()).toContain('set /user/bob/3')
    const past = await begin(home, caller, { prefix: '/', since_revision }, new SessionSink())
    await eventually(() => past.told()).toEqual(
      ['1', '2', '3'].map((round) => `set /user/bob/${round}`),
    )
    await home.api.user({ op: 'disable', user: 'bob' })
    await write('4')
    expect(sink.messages.at(-1)).toMatchObject({
      events: [],
      error: { reason: 'SESSION_INVALID', code: 4 },
    })
    expect(live.told()).not.toContain('set /user/bob/4')
  })

  test('a session that has ended ends its watch, also when nothing happens', async () => {
    const { time, options } = clock()
    const home = await start({ ...options, sessionLimits: { idleMs: 1000 } })
    const { registry, api } = home
    const answer = await registry.login(PEER, {
      username: 'root',
      password: 'Correct-Horse-Battery-9',
    })
    const session = registry.sessionHandle().resolve(answer.session_id ?? '')
    if (session === undefined) throw new Error('no session')
    const sink = new TestSink()
    sink.caller = () => registry.watcherOf(session, PEER)
    const watch = await registry.watch(
      registry.callerOf(session, PEER) as Caller,
      { prefix: '/' },
      sink,
    )
    watch.start()
    const { revision } = await api.set({ key: '/a', value: 'x' })
    await registry.sweep()
    time.monotonic += 999
    expect(registry.watcherOf(session, PEER)).toBeDefined()
    time.monotonic += 1
    expect(registry.watcherOf(session, PEER)).toBeUndefined()
    await registry.sweep()
    expect(sink.messages.at(-1)).toEqual({
      revision,
      events: [],
      error: expect.objectContaining({ reason: 'SESSION_INVALID' }),
    })
  })

  test('metadata that policy asks for are those of the entry as it is; unknown ones allow nothing', async () => {
    const home = await start()
    const { api } = home
    for (const key of ['/app/mine', '/app/hers']) await api.set({ key, value: 'x' })
    const custom = { owner: 'me' }
    await api.meta({ op: 'set', key: '/app/mine', custom, granted: true })
    const authorizer = new Authorizer(Date.now)
    const conditional = (effect: string, when: object) => ({
      id: effect,
      effect,
      principals: ['*'],
      actions: ['watch'],
      resources: ['/app/**'],
      ...when,
    })
    const event = (key: string): ChangeEvent => ({
      op: 'set',
      key,
      version: 1,
      type: 'string',
      encrypted: false,
    })
    const told = (
      rules: object[],
      engine: Pick<MemoryEngine, 'get'> = home.engine as never,
    ): string[] => {
      const document = { id: 'test', rules }
      authorizer.use(new Map([['test', document]]), compile([document]))
      const mayTell = createMayTell(engine, authorizer)
      return ['/app/mine', '/app/hers', '/app/gone'].filter((key) =>
        mayTell(home.admin, event(key)),
      )
    }
    const allowMine = conditional('allow', { when: { metadata: custom } })
    const allowAll = conditional('allow', {})
    const denyMine = conditional('deny', { when: { metadata: custom } })
    expect(told([allowAll])).toEqual(['/app/mine', '/app/hers', '/app/gone'])
    expect(told([allowMine])).toEqual(['/app/mine'])
    expect(told([allowAll, denyMine])).toEqual(['/app/hers'])
    const late = { get: async () => undefined } as never
    expect(told([allowAll, denyMine], late)).toEqual([])
    expect(told([allowMine], late)).toEqual([])
  })
})

describe('how it ends', () => {
  test('a reader who takes nothing has overflowed, and resumes where he was told', async () => {
    const home = await start()
    const { admin, api } = home
    const slow = new TestSink()
    slow.slow = true
    const first = await begin(home, admin, { prefix: '/' }, slow)
    const long = '/x'.repeat(16) + 'y'.repeat(400)
    let count = 0
    while (!slow.hasEnded) {
      await Promise.all(
        Array.from({ length: 64 }, (_, i) => api.set({ key: `${long}${count + i}`, value: 'x' })),
      )
      count += 64
    }
    expect(slow.unreadBytes).toBeGreaterThan(WATCH_LIMITS.unreadBytes)
    expect(slow.unreadBytes).toBeLessThan(1.5 * WATCH_LIMITS.unreadBytes)
    const last = slow.messages.at(-1)
    expect(last).toEqual({ revision: expect.any(Number), events: [], overflow: true })
    const since_revision = last?.revision ?? 0
    const second = await begin(home, admin, { prefix: '/', since_revision })
    await eventually(() => first.told().length + second.told().length).toBe(count)
    expect([...first.told(), ...second.told()]).toEqual(
      Array.from({ length: count }, (_, i) => `set ${long}${i}`),
    )
  })

  test('a connection that is full ends its watches too', async () => {
    const home = await start()
    const sink = new TestSink()
    const { watch } = await begin(home, home.admin, { prefix: '/' }, sink)
    sink.readerUnreadBytes = WATCH_LIMITS.readerUnreadBytes + 1
    await home.api.set({ key: '/a', value: 'x' })
    expect(sink.messages).toEqual([{ revision: watch.revision, events: [], overflow: true }])
  })

  test('what may not be told overflows nothing', async () => {
    const home = await start()
    const bob = await addUser(home, 'bob', ['user'])
    const sink = new TestSink()
    await begin(home, bob.caller, { prefix: '/' }, sink)
    sink.unreadBytes = WATCH_LIMITS.unreadBytes + 1
    await home.api.set({ key: '/app/secret', value: 'x' })
    expect(sink.messages).toEqual([])
  })

  test('history waits for its reader and does not overflow', async () => {
    const home = await start()
    const { admin, api } = home
    const since_revision = home.engine.head
    const long = 'y'.repeat(200)
    const keys = Array.from({ length: 12_000 }, (_, i) => `/${long}/${long}/${i}`)
    for (let at = 0; at < keys.length; at += 1000) {
      await Promise.all(keys.slice(at, at + 1000).map((key) => api.set({ key, value: 'x' })))
    }
    const sink = new TestSink()
    sink.slow = true
    const { told } = await begin(home, admin, { prefix: '/', since_revision }, sink)
    await eventually(() => sink.unreadBytes).toBeGreaterThan(WATCH_LIMITS.catchUpUnreadBytes)
    let most = 0
    for (let rounds = 0; told().length < keys.length && rounds < 1000; rounds++) {
      for (let i = 0; i < 20; i++) await turn()
      most = Math.max(most, sink.unreadBytes)
      sink.take()
    }
    expect(told()).toEqual(keys.map((key) => `set ${key}`))
    expect(most).toBeLessThan(WATCH_LIMITS.catchUpUnreadBytes + 128 * 600)
  })

  test('what is not kept any more is refused with the oldest revision that is', async () => {
    const home = await start()
    const { admin, api, engine, registry } = home
    for (let i = 0; i < 20; i++) await api.set({ key: '/a', value: `${i}` })
    await engine.trimChanges(engine.head - 5)
    const ask = (request: Partial<RequestOf<'watch'>>): Promise<OpenedWatch> =>
      registry.watch(admin, { prefix: '/', ...request }, new TestSink())
    await expect(ask({ since_revision: engine.head - 6 })).rejects.toMatchObject({
      reason: 'REVISION_COMPACTED',
      minRevision: engine.head - 5,
    })
    const { told } = await begin(home, admin, { prefix: '/', since_revision: engine.head - 5 })
    await eventually(told).toHaveLength(5)
    await expect(
      ask({ since_revision: engine.head, generation: 'f'.repeat(32) }),
    ).rejects.toMatchObject({ reason: 'REVISION_COMPACTED', minRevision: engine.head })
    await expect(ask({ since_revision: engine.head + 1 })).rejects.toEqual(
      reason('INVALID_ARGUMENT'),
    )
    const { generation } = engine
    expect(await ask({ since_revision: engine.head, generation })).toMatchObject({ generation })
    // A generation alone, without a revision, asks for nothing of the past.
    expect(await ask({ generation: 'f'.repeat(32) })).toMatchObject({ revision: engine.head })
  })

  test('a watch whose history is trimmed before it was read is told so', async () => {
    const home = await start()
    const { admin, api, engine } = home
    const since_revision = engine.head
    const long = 'y'.repeat(400)
    const sink = new TestSink()
    sink.slow = true
    for (let at = 0; at < 4000; at += 1000) {
      await Promise.all(
        Array.from({ length: 1000 }, (_, i) => api.set({ key: `/${long}/${at + i}`, value: 'x' })),
      )
    }
    await begin(home, admin, { prefix: '/', since_revision }, sink)
    await eventually(() => sink.unreadBytes).toBeGreaterThan(WATCH_LIMITS.catchUpUnreadBytes)
    await engine.trimChanges(engine.head)
    for (let i = 0; i < 200 && !sink.hasEnded; i++) {
      sink.take()
      await turn()
    }
    expect(sink.messages.at(-1)).toMatchObject({
      events: [],
      error: { reason: 'REVISION_COMPACTED', min_revision: engine.head },
    })
  })

  test('a lock ends all watches; a sealed registry is watched where plain values are read', async () => {
    const home = await start()
    const { admin, registry } = home
    const begun = await begin(home, admin, { prefix: '/' })
    const waiting = new TestSink()
    const unstarted = await registry.watch(admin, { prefix: '/' }, waiting)
    const { revision } = await home.api.set({ key: '/a', value: 'x' })
    await registry.lock(admin)
    const sealed = { events: [], error: expect.objectContaining({ reason: 'SEALED', code: 6 }) }
    expect(begun.sink.messages.at(-1)).toEqual({ revision, ...sealed })
    expect(waiting.messages).toEqual([])
    unstarted.start()
    expect(waiting.messages).toEqual([{ revision: unstarted.revision, ...sealed }])
    const plain = await begin(home, admin, { prefix: '/', since_revision: unstarted.revision })
    await eventually(plain.told).toEqual(['set /a'])
    // Whoever asks for a lock of what is sealed ends nothing.
    await expect(registry.lock(admin)).rejects.toEqual(reason('SEALED'))
    expect(plain.sink.hasEnded).toBe(false)
    registry.configure({ requireMfa: false, sealedReads: false, encryptPrefixes: [] })
    await expect(registry.watch(admin, { prefix: '/' }, new TestSink())).rejects.toEqual(
      reason('SEALED'),
    )
  })

  test('a registry that closes ends all watches, and opens no other', async () => {
    const home = await start()
    const { admin, registry } = home
    const { sink } = await begin(home, admin, { prefix: '/' })
    const closing = registry.close()
    await expect(registry.watch(admin, { prefix: '/' }, new TestSink())).rejects.toThrow()
    await closing
    expect(sink.messages).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ reason: 'SHUTTING_DOWN' }) }),
    ])
  })

  test('a door that fails ends its own watch and no other, and no answer is lost', async () => {
    const faults: unknown[] = []
    const home = await start({ onFault: (fault) => faults.push(fault) })
    const { admin, api } = home
    const bad = new TestSink()
    bad.send = () => {
      throw new Error('a door that fails')
    }
    await begin(home, admin, { prefix: '/' }, bad)
    const good = await begin(home, admin, { prefix: '/' })
    await api.set({ key: '/a', value: 'x' })
    await api.set({ key: '/b', value: 'x' })
    expect(good.told()).toEqual(['set /a', 'set /b'])
    expect(faults).toHaveLength(1)
  })
})

describe('a store that fails', () => {
  test.each([true, false])(
    'a commit in doubt that was applied (%s) is told once, or never',
    async (applied) => {
      const medium = new MemoryEngine()
      const engine = new FaultEngine(medium)
      const files = createMemoryFiles()
      const home = await start({ engine, files })
      const { admin, api } = home
      const since_revision = engine.head
      const live = await begin(home, admin, { prefix: '/' })
      await api.set({ key: '/a', value: '1' })
      engine.failCommit(1, { errno: 'EIO', applied, reopens: false })
      await expect(api.set({ key: '/doubt', value: 'x' })).rejects.toThrow()
      expect(live.told()).toEqual(['set /a'])
      // Who comes now reads no further than what is certain, and goes on when the store is back.
      const late = await begin(home, admin, { prefix: '/', since_revision })
      engine.heal()
      await api.set({ key: '/b', value: '1' })
      await home.registry.sweep()
      const expected = ['set /a', ...(applied ? ['set /doubt'] : []), 'set /b']
      expect(live.told()).toEqual(expected)
      await eventually(late.told).toEqual(expected)
      await home.registry.close()
      const again = await restart({ engine: engine.restart(), files })
      const past = await begin(again, again.admin, { prefix: '/', since_revision })
      await eventually(past.told).toEqual(expected)
    },
  )

  test('a watch whose record cannot be written is none', async () => {
    const memory = createMemoryFiles()
    const files = withFaults(memory)
    const home = await start({ files: files as never })
    files.fail({ operation: 'write', code: 'EIO', times: Number.POSITIVE_INFINITY })
    files.fail({ operation: 'create', code: 'EIO', times: Number.POSITIVE_INFINITY })
    const sink = new TestSink()
    const caller = vi.spyOn(sink, 'caller')
    await expect(home.registry.watch(home.admin, { prefix: '/' }, sink)).rejects.toEqual(
      reason('AUDIT_FAILED'),
    )
    await home.registry.sweep()
    expect(caller).not.toHaveBeenCalled()
  })
})
