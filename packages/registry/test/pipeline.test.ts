import { createMemoryFiles, withFaults } from '@secreg/audit/testing'
import { MemoryEngine, StorageError } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { decodeChangePiece } from '../src/change.ts'
import type { PipelineStep } from '../src/writer.ts'
import {
  addUser,
  linesOf,
  open,
  PASSPHRASE,
  PASSWORD,
  PEER,
  reason,
  restart,
  start,
} from './fixture.ts'
import { openPipeline } from './internals.ts'

const settle = (promises: readonly Promise<unknown>[]) => Promise.allSettled(promises)

test('concurrent sets share commits, keep their order, and leave one record each', async () => {
  const home = await start()
  const commits = home.engine.head
  const before = linesOf(home.files).length
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) => home.api.set({ key: `/k/${at}`, value: `${at}` })),
  )
  const used = home.engine.head - commits
  expect(used).toBeLessThanOrEqual(4)
  expect(home.engine.stats().syncs).toBe(home.engine.head)
  expect(answers.map(({ version }) => version)).toEqual(Array(200).fill(1))
  const revisions = answers.map(({ revision }) => revision)
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
  const lines = linesOf(home.files).slice(before)
  expect(lines.map(({ body }) => body.paths[0])).toEqual(
    Array.from({ length: 200 }, (_, at) => `/k/${at}`),
  )
  expect(lines.map(({ rev }) => rev)).toEqual(revisions)
})

test('sets of one key in one group see each other', async () => {
  const home = await start()
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, at) => home.api.set({ key: '/same', value: `${at}` })),
  )
  expect(answers.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
  expect(await home.api.get({ key: '/same' })).toMatchObject({ value: '49', version: 50 })
})

test('weakness 28: of two compare-and-sets on one version exactly one wins', async () => {
  const { api } = await start()
  await api.set({ key: '/cas', value: 'a' })
  const results = await settle(
    ['b', 'c', 'd'].map((value) => api.set({ key: '/cas', value, if_version: 1 })),
  )
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(await api.get({ key: '/cas' })).toMatchObject({ value: 'b', version: 2 })
})

test('one operation leaves one record with its outcome and all its paths', async () => {
  const home = await start()
  const { api, files } = home
  const run = async (work: () => Promise<unknown>) => {
    const before = linesOf(files).length
    await work().catch(() => {})
    return linesOf(files)
      .slice(before)
      .map(({ body: { action, outcome, paths, reason } }) => [action, outcome, paths, reason])
  }
  expect(await run(() => api.set({ key: '/a/b', value: 'x' }))).toEqual([
    ['write', 'ok', ['/a/b'], undefined],
  ])
  expect(await run(() => api.get({ key: '/a/b' }))).toEqual([['read', 'ok', ['/a/b'], undefined]])
  expect(await run(() => api.get({ key: '/a/c' }))).toEqual([
    ['read', 'failed', ['/a/c'], 'STORAGE_KEY_NOT_FOUND'],
  ])
  expect(await run(() => api.set({ key: '/a/b', value: 'x', if_version: 7 }))).toEqual([
    ['write', 'failed', ['/a/b'], 'VERSION_CONFLICT'],
  ])
  expect(await run(() => api.set({ key: '/a/b', value: 'x', type: 'integer' }))).toEqual([
    ['write', 'failed', ['/a/b'], 'VALUE_INVALID'],
  ])
  expect(await run(() => api.set({ key: '/a//b', value: 'x' }))).toEqual([
    ['write', 'failed', [], 'PATH_INVALID'],
  ])
  expect(await run(() => api.list({ prefix: '/a/' }))).toEqual([['list', 'ok', ['/a'], undefined]])
  expect(await run(() => api.export({}))).toEqual([['export', 'ok', ['/a/b'], undefined]])
  expect(await run(() => api.delete({ key: '/a', recursive: true }))).toEqual([
    ['delete', 'ok', ['/a'], undefined],
  ])
})

test('the outbox is freed once its lines are synced', async () => {
  const home = await start({ housekeepingMs: 5 })
  const outbox = async () => {
    let rows = 0
    for await (const _ of home.engine.iterate({ gte: 'o/', lt: 'o0' })) rows++
    return rows
  }
  for (let at = 0; at < 20; at++) await home.api.set({ key: '/k', value: `${at}` })
  expect(await outbox()).toBeGreaterThan(0)
  await waitFor(async () => (await outbox()) === 0)
  await home.registry.close()
})

test('a backlog of the outbox larger than a commit never makes a commit too large', async () => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const syncIntervalMs = 600_000
  const home = await start({ engine: new FaultEngine(medium), files, syncIntervalMs })
  for (let at = 0; at < 1200; at++) await home.api.set({ key: '/k', value: `${at}` })
  await home.registry.close()
  const outbox = async () => {
    let rows = 0
    for await (const _ of medium.iterate({ gte: 'o/', lt: 'o0' })) rows++
    return rows
  }
  const left = await outbox()
  expect(left).toBeGreaterThan(600)
  const again = await restart({ engine: new FaultEngine(medium), files })
  await again.api.set({ key: '/k', value: 'x' })
  await again.api.set({ key: '/k', value: 'y' })
  expect(await outbox()).toBeLessThan(left - 600)
})

test('while the log cannot be written, nothing is changed or disclosed; afterwards all goes on', async () => {
  const memory = createMemoryFiles()
  const files = withFaults(memory)
  const home = await start({ files: Object.assign(files, { readFile: memory.readFile }) as never })
  await home.api.set({ key: '/a', value: 'one' })
  files.fail({ operation: 'write', code: 'EIO', times: Number.POSITIVE_INFINITY })
  files.fail({ operation: 'create', code: 'EIO', times: Number.POSITIVE_INFINITY })
  await expect(home.api.get({ key: '/a' })).rejects.toEqual(reason('AUDIT_FAILED'))
  const head = home.engine.head
  await expect(home.api.set({ key: '/a', value: 'two' })).rejects.toEqual(reason('AUDIT_FAILED'))
  await expect(home.api.export({})).rejects.toEqual(reason('AUDIT_FAILED'))
  expect(home.engine.head).toBe(head)
  expect(home.registry.status(home.admin)).toMatchObject({ log: 'failing' })
  files.clear()
  expect(await home.api.get({ key: '/a' })).toMatchObject({ value: 'one' })
  await waitFor(() => home.api.set({ key: '/a', value: 'three' }))
})

test('a record that fails after its commit is answered truthfully and written later, once', async () => {
  const memory = createMemoryFiles()
  const files = withFaults(memory)
  let arm = false
  const home = await start({
    files: files as never,
    onStep: (step) => {
      if (!arm || step !== 'committed') return
      arm = false
      files.fail({ operation: 'write', code: 'ENOSPC', times: Number.POSITIVE_INFINITY })
      files.fail({ operation: 'create', code: 'ENOSPC', times: Number.POSITIVE_INFINITY })
    },
  })
  arm = true
  const answer = await home.api.set({ key: '/a', value: 'kept' })
  expect(answer).toMatchObject({ version: 1, revision: home.engine.head })
  const lines = () => linesOf(memory).filter(({ rev }) => rev === answer.revision)
  expect(lines()).toEqual([])
  await expect(home.api.set({ key: '/b', value: 'x' })).rejects.toEqual(reason('AUDIT_FAILED'))
  await expect(home.api.get({ key: '/a' })).rejects.toEqual(reason('AUDIT_FAILED'))
  files.clear()
  expect(await home.api.get({ key: '/a' })).toMatchObject({ value: 'kept' })
  await waitFor(() => home.api.set({ key: '/b', value: 'x' }))
  expect(lines()).toHaveLength(1)
  const sequences = linesOf(memory).map(({ seq }) => seq)
  expect(sequences).toEqual(sequences.map((_, at) => at + 1))
})

const STEPS: readonly PipelineStep[] = ['planned', 'gated', 'committed', 'logged', 'published']

/** Lines of changes against commits: every commit has its lines, every line of a change its commit. */
async function compare(medium: MemoryEngine, files: ReturnType<typeof createMemoryFiles>) {
  const logged = new Map<number, string[]>()
  for (const { rev, body } of linesOf(files)) {
    if (rev === undefined) continue
    logged.set(rev, [...(logged.get(rev) ?? []), ...body.paths])
  }
  for await (const { revision, payload } of medium.changes(0)) {
    if (payload === undefined) continue
    const keys = decodeChangePiece(payload, 0).events.map(({ key }) => key)
    if (keys.length > 0) expect(logged.get(revision)).toEqual(keys)
  }
  for (const revision of logged.keys()) expect(revision).toBeLessThanOrEqual(medium.head)
}

test.each(
  STEPS.flatMap((step) =>
    (['written', 'lost', 'torn', 'holes'] as const).map((death) => [step, death] as const),
  ),
)(
  'weakness 24: a death at "%s" (%s) loses no acknowledged set and no record',
  async (step, death) => {
    const medium = new MemoryEngine()
    const files = createMemoryFiles()
    let armed = 0
    const engine = new FaultEngine(medium)
    const home = await start({
      engine,
      files,
      onStep: (reached) => {
        if (armed === 0 || reached !== step || --armed > 0) return
        engine.crash()
        // Class "written" survives the death of the process, class "synced" the loss of power.
        if (death === 'written') files.kill()
        else files.crash(death)
      },
    })
    await home.api.set({ key: '/first', value: 'x' })
    armed = 3
    const acknowledged = new Map<string, string>()
    for (let round = 0; round < 4; round++) {
      await settle(
        Array.from({ length: 5 }, async (_, at) => {
          const [key, value] = [`/k/${at}`, `${round}`]
          await home.api.set({ key, value })
          acknowledged.set(key, value)
        }),
      )
    }
    expect(engine.state).toBe('closed')
    const again = await restart({ engine: new FaultEngine(medium), files })
    await compare(medium, files)
    for (const [key, value] of acknowledged) {
      const found = await again.api.get({ key })
      expect(Number(found.value)).toBeGreaterThanOrEqual(Number(value))
    }
    const security = linesOf(files).map(({ seq }) => seq)
    expect(security).toEqual(security.map((_, at) => at + 1))
  },
)

test('fault: after a log that ended within a commit, the rest of it was lost with the power', async () => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const engine = new FaultEngine(medium)
  const home = await start({ engine, files })
  const [answer] = await Promise.all(['/a', '/b'].map((key) => home.api.set({ key, value: 'x' })))
  const [segment = ''] = files.list('/log').filter((name) => name.endsWith('.jsonl'))
  const text = files.readFile(`/log/${segment}`).toString('utf8')
  engine.crash()
  files.crash('lost')
  // All but the last line has reached the disk.
  files.writeFile(
    `/log/${segment}`,
    Buffer.from(text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1)),
  )
  const second = new FaultEngine(medium)
  const { api } = await restart({ engine: second, files })
  // Brings the cursor to the store, before what was missing is synced.
  await api.set({ key: '/c', value: 'x' })
  second.crash()
  files.crash('lost')
  await restart({ engine: new FaultEngine(medium), files })
  const lines = linesOf(files).filter(({ rev }) => rev === answer?.revision)
  expect(lines.map(({ body }) => body.paths)).toEqual([['/a'], ['/b']])
})

test('a store that drops what is not synced loses no acknowledged set', async () => {
  for (const point of ['before-sync', 'after-sync'] as const) {
    const medium = new MemoryEngine()
    const files = createMemoryFiles()
    let left = -1
    const engine = new FaultEngine(medium, {
      onPoint: (reached) => {
        if (left < 0 || reached !== point || left-- > 0) return
        engine.crash()
        files.crash('lost')
      },
    })
    const home = await start({ engine, files })
    left = 5
    const acknowledged = new Map<string, string>()
    for (let round = 0; round < 10; round++) {
      await settle(
        Array.from({ length: 8 }, async (_, at) => {
          await home.api.set({ key: `/k/${at}`, value: `${round}` })
          acknowledged.set(`/k/${at}`, `${round}`)
        }),
      )
    }
    const again = await restart({ engine: new FaultEngine(medium), files })
    await compare(medium, files)
    expect(acknowledged.size).toBe(8)
    for (const [key, value] of acknowledged) {
      expect(Number((await again.api.get({ key })).value)).toBeGreaterThanOrEqual(Number(value))
    }
  }
})

test('every caller is answered when what surrounds the pipeline throws', async () => {
  const faults: unknown[] = []
  let broken: PipelineStep | undefined
  const home = await start({
    onStep: (step) => {
      if (step === broken) throw new Error(`broken at ${step}`)
    },
    onFault: (fault) => faults.push(fault),
  })
  for (const step of STEPS) {
    broken = step
    await home.api.set({ key: '/a', value: step })
  }
  expect(faults).toHaveLength(5)
  broken = undefined
  const { writer } = await openPipeline()
  const record = '{"action":"admin","outcome":"ok","paths":[]}'
  const result = () => 1
  const refusal = () => record
  const boom = (): never => {
    throw new Error('boom')
  }
  const submitted = await settle([
    writer.submit({ plan: boom, refusal }),
    writer.submit({ plan: boom, refusal: boom }),
    writer.submit({ plan: () => ({ ops: [], record, result: boom }), refusal }),
    writer.submit({ plan: () => ({ ops: [], record, result, publish: boom }), refusal }),
    writer.submit({ plan: () => ({ ops: [], record, result }), refusal }),
    writer.submit({
      plan: () => ({ scan: { gte: 'e', lt: 'f' }, maxRows: 0 }),
      refusal,
    }),
    writer.submit({
      plan: () => ({
        // biome-ignore lint/correctness/useYield: it fails before its first step
        slices: (function* () {
          boom()
        })() as never,
      }),
      refusal,
    }),
  ])
  expect(
    submitted.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.reason)),
  ).toEqual(['INTERNAL', 'AUDIT_FAILED', 'INTERNAL', 'INTERNAL', 1, 'INTERNAL', 'INTERNAL'])
  expect(await home.api.set({ key: '/a', value: 'still alive' })).toMatchObject({ success: true })
})

test('what is freed in between never runs beside a turn', async () => {
  const { writer, engine, log } = await openPipeline()
  const next = () =>
    writer.submit({
      plan: (view) => {
        const value = Uint8Array.of((view.get('n')?.value[0] ?? 0) + 1)
        const record = '{"action":"write"}'
        return { ops: [{ type: 'put', key: 'n', value }], record, result: () => value[0] }
      },
      refusal: () => '{}',
    })
  const work: Promise<unknown>[] = []
  for (let round = 1; round <= 100; round++) {
    const mine = next()
    work.push(mine, writer.free(), writer.free())
    if (round % 3 === 0) await log.sync()
    if (round % 4 === 0) await mine
  }
  await Promise.all(work)
  expect((await engine.get('n'))?.value[0]).toBe(100)
})

test('an engine that answers later plans the same, and a read that fails answers its caller alone', async () => {
  const engine = new MemoryEngine()
  const { get } = MemoryEngine.prototype
  let failing = ''
  const later = new Proxy(engine, {
    get: (target, name) => {
      if (name === 'get') {
        return async (key: string) => {
          await new Promise((resume) => setImmediate(resume))
          if (key === failing) throw new StorageError('ERR_STORAGE_CORRUPT', 'damaged')
          return get.call(engine, key)
        }
      }
      const member = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  const { writer } = await openPipeline({ engine: later })
  const add = (key: string, read = true) =>
    writer.submit({
      plan: (view) => {
        const value = Uint8Array.of(read ? (view.get(key)?.value[0] ?? 0) + 1 : 1)
        return { ops: [{ type: 'put', key, value }], record: '{"a":1}', result: () => value[0] }
      },
      refusal: () => '{"a":2}',
    })
  expect(await Promise.all([add('a'), add('a'), add('b', false), add('a')])).toEqual([1, 2, 1, 3])
  failing = 'bad'
  const results = await settle([add('a'), add('bad'), add('b'), add('bad', false), add('a')])
  expect(
    results.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.reason)),
  ).toEqual([4, 'STORAGE_CORRUPT', 2, 1, 5])
})

test.each(STEPS)('an import is there whole or not at all after a death at "%s"', async (step) => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const engine = new FaultEngine(medium)
  let armed = false
  const home = await start({
    engine,
    files,
    onStep: (reached) => {
      if (!armed || reached !== step) return
      engine.crash()
      files.kill()
    },
  })
  const { import: id = '' } = await home.api.import({ op: 'begin' })
  const entries = Array.from({ length: 300 }, (_, at) => ({ key: `/i/${at}`, value: `${at}` }))
  await home.api.import({ op: 'stage', import: id, entries })
  armed = true
  const answer = await home.api.import({ op: 'commit', import: id }).catch(() => undefined)
  const again = await restart({ engine: new FaultEngine(medium), files })
  const { keys } = await again.api.list({ prefix: '/', recursive: true })
  expect([0, 300]).toContain(keys.length)
  if (answer !== undefined) expect(keys).toHaveLength(300)
  const logged = linesOf(files).filter(
    ({ body }) => body.action === 'import' && body.outcome === 'ok',
  )
  expect(logged).toHaveLength(keys.length / 300)
})

test('a store that fails refuses, and goes on when it is there again', async () => {
  const engine = new FaultEngine()
  const home = await start({ engine })
  await home.api.set({ key: '/a', value: 'one' })
  engine.failCommit(1, { errno: 'ENOSPC' })
  await expect(home.api.set({ key: '/a', value: 'two' })).rejects.toMatchObject({
    reason: 'STORAGE_FULL',
    status: 7,
  })
  expect(await home.api.get({ key: '/a' })).toMatchObject({ value: 'one', version: 1 })
  engine.failCommit(1, { errno: 'EIO', reopens: false })
  await expect(home.api.set({ key: '/a', value: 'two' })).rejects.toEqual(reason('STORAGE_FAILED'))
  await expect(home.api.get({ key: '/a' })).rejects.toEqual(reason('STORAGE_FAILED'))
  await expect(home.api.set({ key: '/a', value: 'two' })).rejects.toEqual(reason('STORAGE_FAILED'))
  expect(home.registry.status(home.admin)).toMatchObject({ store: 'failed' })
  engine.heal()
  expect(await home.api.set({ key: '/a', value: 'two' })).toMatchObject({ version: 2 })
  expect(linesOf(home.files).filter(({ body }) => body.reason === 'STORAGE_FULL')).toHaveLength(1)
})

test.each([true, false])(
  'a commit in doubt that was applied (%s) has its record and takes effect',
  async (applied) => {
    const medium = new MemoryEngine()
    const engine = new FaultEngine(medium)
    const home = await start({ engine })
    await addUser(home, 'bob', ['operator'])
    const { session_id = '' } = await home.registry.login(PEER, {
      username: 'bob',
      password: PASSWORD,
    })
    const session = home.registry.sessionHandle().resolve(session_id)
    if (session === undefined) throw new Error('no session')
    await home.api.set({ key: '/a', value: 'one' })
    const doubtful = [
      () => home.api.set({ key: '/a', value: 'two' }),
      () => home.api.user({ op: 'disable', user: 'bob' }),
    ]
    for (const run of doubtful) {
      engine.failCommit(1, { errno: 'EIO', applied, reopens: false })
      await expect(run()).rejects.toEqual(reason(applied ? 'OUTCOME_UNKNOWN' : 'STORAGE_FAILED'))
      engine.heal()
      await home.api.set({ key: '/b', value: 'x' })
      await home.api.set({ key: '/b', value: 'y' })
    }
    expect(await home.api.get({ key: '/a' })).toMatchObject({ version: applied ? 2 : 1 })
    expect(home.registry.callerOf(session, PEER) === undefined).toBe(applied)
    await home.registry.close()
    await restart({ engine: engine.restart(), files: home.files })
    await compare(medium, home.files)
  },
)

test('an initialisation in doubt that was applied leaves a sealed registry that its passphrase opens', async () => {
  const engine = new FaultEngine()
  const home = await open({ engine })
  const { initializeTestRegistry, loginTestUser, TEST_ADMIN } = await import(
    '@secreg/registry/testing'
  )
  engine.failCommit(1, { errno: 'EIO', applied: true, reopens: false })
  await expect(initializeTestRegistry(home.opened)).rejects.toEqual(reason('OUTCOME_UNKNOWN'))
  expect(home.registry.state).toBe('uninitialized')
  engine.heal()
  await expect(initializeTestRegistry(home.opened)).rejects.toEqual(reason('ALREADY_INITIALIZED'))
  expect(home.registry.state).toBe('sealed')
  await home.registry.unlock(
    { door: 'registry', address: 'x' },
    {
      kind: 'passphrase',
      passphrase: TEST_ADMIN.passphrase,
    },
  )
  const admin = await loginTestUser(home.opened, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
  expect(await home.registry.as(admin).set({ key: '/a', value: 'x' })).toMatchObject({ version: 1 })
})

test('a data directory or a log that was put back is refused', async () => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const first = await start({ engine: new FaultEngine(medium), files })
  await first.api.set({ key: '/a', value: 'x' })
  await first.registry.close()
  // The log knows of more than an empty store has seen.
  await expect(open({ files })).rejects.toEqual(reason('STORAGE_CORRUPT'))
  // A log cut below the cursor is no torn tail.
  const log = files.readFile('/log/00000001.jsonl')
  const short = createMemoryFiles()
  short.makeDirectory('/log')
  const cut = log.subarray(0, log.lastIndexOf(0x0a, log.length - 2) + 1)
  short.writeFile('/log/00000001.jsonl', cut)
  await expect(open({ engine: new FaultEngine(medium), files: short })).rejects.toMatchObject({
    code: 'ERR_AUDIT_TAMPERED',
  })
  // Longer by reads is what a death leaves.
  const second = await restart({ engine: new FaultEngine(medium), files })
  for (let at = 0; at < 10; at++) await second.api.get({ key: '/a' })
  files.kill()
  await restart({ engine: new FaultEngine(medium), files })
})

test('what closes waits for what was accepted, refuses the rest, and closes all even when the log fails', async () => {
  const memory = createMemoryFiles()
  const files = withFaults(memory)
  const home = await start({ files: files as never })
  const accepted = home.api.set({ key: '/a', value: 'x' })
  files.fail({ operation: 'sync', times: Number.POSITIVE_INFINITY })
  const closing = home.registry.close()
  await expect(accepted).resolves.toMatchObject({ version: 1 })
  await expect(home.api.set({ key: '/b', value: 'x' })).rejects.toEqual(reason('SHUTTING_DOWN'))
  await expect(closing).rejects.toThrow()
  expect(home.engine.state).toBe('closed')
})

test('fault: whoever waits for an idle writer, such as a lock, waited as long as there was load', async () => {
  // A disk that takes its time: meanwhile the next group is planned, so there always is one.
  const engine = new FaultEngine(new MemoryEngine(), {
    onPoint: () => new Promise<void>((resume) => setTimeout(resume, 1)),
  })
  const home = await start({ engine })
  let going = true
  let writes = 0
  const load = Array.from({ length: 200 }, async (_, i) => {
    while (going && writes < 20_000) {
      const set = home.api.set({ key: `/load/${i}`, value: `${writes++}` })
      await set.catch(() => {
        going = false
      })
    }
  })
  await new Promise((resume) => setImmediate(resume))
  const before = engine.head
  await home.registry.lock(home.admin)
  expect(home.registry.state).toBe('sealed')
  expect(engine.head - before).toBeLessThan(10)
  going = false
  await Promise.all(load)
  await home.registry.unlock(PEER, PASSPHRASE)
  await home.registry.close()
})

test('what waits behind an aside is planned once it is done', async () => {
  const { writer, engine } = await openPipeline()
  const submit = (key: string) =>
    writer.submit({
      plan: () => ({
        ops: [{ type: 'put', key, value: new Uint8Array(1) }],
        record: '{}',
        result: (revision) => revision,
      }),
      refusal: () => '{}',
    })
  const first = submit('a')
  const order: string[] = []
  const asides = ['one', 'two', 'three'].map((name) => writer.whenIdle(() => order.push(name)))
  const more = [submit('b'), submit('c')]
  await Promise.all([...asides, first, ...more])
  expect(order).toEqual(['one', 'two', 'three'])
  expect(await engine.get('c')).toBeDefined()
  await writer.close()
})
