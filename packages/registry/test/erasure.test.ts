/**
 * What is erased is in no file any more (DESIGN §5): neither of the store nor of the log, as bytes, plain or sealed;
 * once the answer says so, or the housekeeping has come to it.
 */
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { canaryValue, type DiskHome, keysOf, startOnDisk, storedBytes } from './disk.ts'
import { PASSPHRASE, PEER, reason, restart, start } from './fixture.ts'

const KEY = '/app/secret'

/** Where the bytes are at the time of the erasure. */
const PLACES = ['in the log', 'in tables under others'] as const

const FORMS = (['small', 'large'] as const).flatMap((size) =>
  [false, true].map((encrypt) => [size, encrypt] as const),
)

async function neighbours({ api }: Pick<DiskHome, 'api'>, round: number): Promise<void> {
  for (const key of ['/app/a', '/app/secret2', '/app/z', '/z']) {
    await api.set({ key, value: `${key} ${round}` })
  }
}

/** Bring what was written so far to a place. */
async function settleAt(home: DiskHome, place: (typeof PLACES)[number]): Promise<void> {
  if (place === 'in the log') return
  await home.medium.compact('', '')
  for (let round = 2; round < 4; round++) {
    await neighbours(home, round)
    await home.medium.compact('x/', 'x0')
  }
}

/** What is erased, and by which request: bytes of versions 1 and 2, of which 2 is active. */
const ERASURES: Readonly<
  Record<
    string,
    {
      readonly erases: readonly number[]
      run(home: DiskHome, key: string): Promise<{ readonly erased?: boolean }>
    }
  >
> = {
  purge: {
    erases: [1, 2],
    run: ({ api }, key) => api.versions({ op: 'purge', key }),
  },
  'recursive purge': {
    erases: [1, 2],
    run: ({ api }) => api.versions({ op: 'purge', key: '/app', recursive: true }),
  },
  'destroy of the active version': {
    erases: [2],
    run: ({ api }, key) => api.versions({ op: 'destroy', key, versions: [2] }),
  },
  'destroy of an old version': {
    erases: [1],
    run: ({ api }, key) => api.versions({ op: 'destroy', key, versions: [1] }),
  },
  'switch to ephemeral': {
    erases: [1, 2],
    run: async ({ api }, key) => {
      await api.set({ key, value: 'in memory', ephemeral: true })
      return { erased: true }
    },
  },
  'switch to ephemeral in a transaction': {
    erases: [1, 2],
    run: async ({ api }, key) => {
      await api.txn({ then: [{ op: 'set', key, value: 'in memory', ephemeral: true }] })
      return { erased: true }
    },
  },
  'switch to ephemeral by a copy over it': {
    erases: [1, 2],
    run: async ({ api }, key) => {
      await api.set({ key: '/memory', value: 'in memory', ephemeral: true })
      await api.transfer({ op: 'copy', from: '/memory', to: key, force: true })
      return { erased: true }
    },
  },
  'switch to ephemeral by an import': {
    erases: [1, 2],
    run: async ({ api }, key) => {
      const { import: id = '' } = await api.import({ op: 'begin', force: true })
      const entries = [{ key, value: 'in memory', ephemeral: true }]
      await api.import({ op: 'stage', import: id, entries })
      await api.import({ op: 'commit', import: id })
      return { erased: true }
    },
  },
}

describe.each(Object.entries(ERASURES))('%s', (_, { erases, run }) => {
  test.each(PLACES)('bytes that are %s are in no file after the answer', async (place) => {
    const home = await startOnDisk()
    const { api, engine, filesWith } = home
    await neighbours(home, 1)
    const stored = new Map<string, Buffer[]>()
    for (const [size, encrypt] of FORMS) {
      const key = `${KEY}/${size}${encrypt}`
      const values = [canaryValue(size), canaryValue(size)]
      for (const value of values) await api.set({ key, value, encrypt, type: 'string' })
      stored.set(
        key,
        await Promise.all(values.map((_, index) => storedBytes(engine, key, index + 1))),
      )
      if (!encrypt) expect(stored.get(key)?.map(String)).toEqual(values)
    }
    await settleAt(home, place)
    const found = (key: string, version: number): boolean =>
      filesWith(stored.get(key)?.[version - 1] as Buffer).length > 0
    for (const key of stored.keys()) expect([found(key, 1), found(key, 2)]).toEqual([true, true])
    for (const key of stored.keys()) {
      if ((await engine.get(`e${key}`)) === undefined) continue
      expect(await run(home, key)).toMatchObject({ erased: true })
    }
    for (const key of stored.keys()) {
      for (const version of [1, 2]) {
        expect([key, version, found(key, version)]).toEqual([
          key,
          version,
          !erases.includes(version),
        ])
      }
    }
    expect(await keysOf(engine, 'q')).toEqual([])
    expect((await engine.scrub()).findings).toEqual([])
  })
})

test('metadata goes with its entry, and what it said before with it', async () => {
  const { api, filesWith } = await startOnDisk()
  const texts = [canaryValue('small'), canaryValue('small')]
  await api.set({ key: KEY, value: 'x' })
  for (const text of texts) await api.meta({ op: 'set', key: KEY, custom: { text } })
  expect(texts.map((text) => filesWith(text).length > 0)).toEqual([true, true])
  expect(await api.versions({ op: 'purge', key: KEY })).toMatchObject({ erased: true })
  expect(texts.flatMap(filesWith)).toEqual([])
})

/**
 * So many bytes between `/a` and `/c` that LevelDB merges the tables there apart (from ten times 2 MiB on). They are no
 * entries, but nobody looks.
 */
async function spread({ engine, medium }: DiskHome): Promise<void> {
  const value = Buffer.alloc(8 * 1024 * 1024, 'x')
  await engine.commit({
    ops: [1, 2, 3, 4].map((at) => ({ type: 'put', key: `e/b/${at}`, value })),
  })
  await medium.compact('', '')
}

test('fault: a purge left the value at the paths from which the entry had been moved', async () => {
  const home = await startOnDisk()
  const { api, engine, filesWith } = home
  const [first, second] = [canaryValue('small'), canaryValue('small')]
  await api.set({ key: '/a', value: first })
  await spread(home)
  await api.transfer({ op: 'move', from: '/a', to: '/bb' })
  await api.transfer({ op: 'move', from: '/bb', to: '/c' })
  await api.set({ key: '/c', value: second })
  expect(filesWith(first)).not.toEqual([])
  expect(await api.versions({ op: 'destroy', key: '/c', versions: [1] })).toMatchObject({
    erased: true,
  })
  expect(filesWith(first)).toEqual([])
  expect(filesWith(second)).not.toEqual([])
  await api.transfer({ op: 'move', from: '/c', to: '/a' })
  expect(await api.versions({ op: 'purge', key: '/a' })).toMatchObject({ erased: true })
  expect(filesWith(second)).toEqual([])
  expect(await keysOf(engine, 'q')).toEqual([])
})

test('an entry that was at very many paths is erased at all of them', async () => {
  const home = await startOnDisk()
  const { api, filesWith } = home
  const value = canaryValue('small')
  await api.set({ key: '/a/0', value })
  await spread(home)
  for (let at = 0; at < 20; at++) {
    await api.transfer({ op: 'move', from: `/a/${at}`, to: `/a/${at + 1}` })
  }
  await api.transfer({ op: 'move', from: '/a/20', to: '/c' })
  expect(await api.versions({ op: 'purge', key: '/c' })).toMatchObject({ erased: true })
  expect(filesWith(value)).toEqual([])
})

describe('erasures that no answer waits for', () => {
  const time = { wall: 1_800_000_000_000, monotonic: 1000 }
  const options = {
    now: () => time.wall,
    monotonicMs: () => time.monotonic,
    housekeepingMs: 5,
  }
  const pass = (ms: number): void => {
    time.wall += ms
    time.monotonic += ms
  }

  /** Each writes a value, and has it erased; answers the bytes that must go where they are others. */
  const BACKGROUND: Readonly<
    Record<string, (home: DiskHome, value: string) => Promise<Buffer | undefined>>
  > = {
    'expiry and sweep': async ({ api }, value) => {
      await api.set({ key: KEY, value, ttl_s: 10 })
      pass(10_000)
      return undefined
    },
    'fault: a set over what had expired was forgotten': async ({ api }, value) => {
      await api.set({ key: KEY, value, ttl_s: 10 })
      // The set takes its turn before the sweeper can.
      pass(10_000)
      await api.set({ key: KEY, value: 'new' })
      return undefined
    },
    'fault: the old rows of a move with new numbers were forgotten': async (
      { api, engine },
      value,
    ) => {
      await api.set({ key: '/b', value: 'x' })
      await api.versions({ op: 'purge', key: '/b' })
      await api.set({ key: KEY, value, encrypt: true })
      const sealed = await storedBytes(engine, KEY, 1)
      await api.transfer({ op: 'move', from: KEY, to: '/b' })
      expect(await api.get({ key: '/b', decrypt: true })).toMatchObject({ value, version: 2 })
      return sealed
    },
    'fault: a copy of an ephemeral entry over another was forgotten': async ({ api }, value) => {
      await api.set({ key: KEY, value: 'in memory', ephemeral: true })
      await api.set({ key: '/b', value })
      await api.transfer({ op: 'copy', from: KEY, to: '/b', force: true })
      return undefined
    },
    'fault: a purge of unknown outcome was forgotten': async ({ api, engine }, value) => {
      await api.set({ key: KEY, value })
      const failing = engine.commit
      engine.commit = (batch) => {
        if (batch.ops.some(({ key }) => key.startsWith('q/'))) {
          engine.commit = failing
          engine.failCommit(1, { errno: 'EIO', applied: true, reopens: false })
        }
        return failing.call(engine, batch)
      }
      await expect(api.versions({ op: 'purge', key: KEY })).rejects.toEqual(
        reason('OUTCOME_UNKNOWN'),
      )
      engine.heal()
      return undefined
    },
  }

  test.each(Object.entries(BACKGROUND))('%s', async (_, run) => {
    const home = await startOnDisk(options)
    // An eraser that has found nothing to do so far.
    await home.api.set({ key: '/none', value: 'x' })
    expect(await home.api.versions({ op: 'purge', key: '/none' })).toMatchObject({ erased: true })
    const value = canaryValue('small')
    const bytes = (await run(home, value)) ?? value
    await waitFor(() => home.filesWith(bytes).length === 0)
    await waitFor(async () => (await keysOf(home.engine, 'q')).length === 0)
    expect((await home.engine.scrub()).findings).toEqual([])
  })
})

test('while a snapshot holds the bytes, the answer says so after its wait; afterwards they go', async () => {
  const { api, engine, filesWith } = await startOnDisk({ eraseWaitMs: 20 })
  const value = canaryValue('large')
  await api.set({ key: KEY, value })
  // More than one page, so that the export stays open.
  const big = Buffer.alloc(700_000).toString('base64')
  for (let at = 0; at < 3; at++) await api.set({ key: `/big/${at}`, value: big, type: 'bytes' })
  let { cursor } = await api.export({})
  expect(cursor).toBeDefined()
  expect(await api.versions({ op: 'purge', key: KEY })).toMatchObject({ erased: false })
  expect(filesWith(value)).not.toEqual([])
  expect(await keysOf(engine, 'q')).toHaveLength(1)
  // Others are not held up.
  expect(await api.set({ key: KEY, value: 'new' })).toMatchObject({ version: 2 })
  while (cursor !== undefined) cursor = (await api.export({ cursor })).cursor
  await waitFor(async () => (await keysOf(engine, 'q')).length === 0)
  expect(filesWith(value)).toEqual([])
  expect(await api.get({ key: KEY })).toMatchObject({ value: 'new' })
})

test('fault: what was noted anew while a round went on was taken for done with it', async () => {
  const { api, engine, filesWith } = await startOnDisk()
  const values = [canaryValue('small'), canaryValue('small'), 'kept']
  for (const value of values) await api.set({ key: KEY, value })
  const compact = engine.compact.bind(engine)
  let round: (() => void) | undefined
  let compactions = 0
  engine.compact = async (...range) => {
    await compact(...range)
    // The last range of the first round: its bytes have gone, its note has not.
    if (++compactions === 3) await new Promise<void>((letGo) => (round = letGo))
  }
  const first = api.versions({ op: 'destroy', key: KEY, versions: [1] })
  await waitFor(() => round)
  const second = api.versions({ op: 'destroy', key: KEY, versions: [2] })
  await waitFor(async () => {
    const { versions } = await api.history({ key: KEY })
    return versions.filter(({ state }) => state === 'destroyed').length === 2
  })
  expect(filesWith(values[0] as string)).toEqual([])
  expect(filesWith(values[1] as string)).not.toEqual([])
  round?.()
  expect(await Promise.all([first, second])).toMatchObject([{ erased: true }, { erased: true }])
  expect(filesWith(values[1] as string)).toEqual([])
})

test('a compaction that fails is answered truthfully, and made good', async () => {
  const { api, engine, filesWith } = await startOnDisk({ housekeepingMs: 5 })
  const value = canaryValue('small')
  await api.set({ key: KEY, value })
  const compact = engine.compact.bind(engine)
  engine.compact = () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
  expect(await api.versions({ op: 'purge', key: KEY })).toMatchObject({ erased: false })
  expect(filesWith(value)).not.toEqual([])
  engine.compact = compact
  await waitFor(async () => (await keysOf(engine, 'q')).length === 0)
  expect(filesWith(value)).toEqual([])
})

for (const operation of ['purge', 'destroy', 'switch to ephemeral', 'sweep'] as const) {
  test(`death right behind the commit of a ${operation}: the erasure is finished after the restart`, async () => {
    const time = { wall: 1_800_000_000_000, monotonic: 1000 }
    const clock = { now: () => time.wall, monotonicMs: () => time.monotonic }
    const home = await startOnDisk({ ...clock, housekeepingMs: 5 })
    const { api, engine, files, medium } = home
    const value = canaryValue('large')
    await api.set({ key: KEY, value, ...(operation === 'sweep' ? { ttl_s: 10 } : {}) })
    const { compact } = engine
    engine.compact = (...range) => {
      engine.crash()
      files.kill()
      return compact.call(engine, ...range)
    }
    if (operation === 'sweep') time.wall += 10_000
    if (operation === 'purge') api.versions({ op: 'purge', key: KEY }).catch(() => {})
    if (operation === 'destroy') {
      api.versions({ op: 'destroy', key: KEY, versions: [1] }).catch(() => {})
    }
    if (operation === 'switch to ephemeral') {
      api.set({ key: KEY, value: 'in memory', ephemeral: true }).catch(() => {})
    }
    await waitFor(() => engine.state === 'closed')
    expect(await keysOf(medium, 'q')).toHaveLength(1)
    expect(home.filesWith(value)).not.toEqual([])
    const next = engine.restart()
    const again = await restart({ ...clock, engine: next, files, housekeepingMs: 5 })
    await waitFor(async () => (await keysOf(medium, 'q')).length === 0)
    expect(home.filesWith(value)).toEqual([])
    expect((await next.scrub()).findings).toEqual([])
    await again.registry.close()
  })
}

test('a sealed registry erases once it is unlocked', async () => {
  const home = await startOnDisk({ housekeepingMs: 5 })
  const value = canaryValue('small')
  await home.api.set({ key: KEY, value })
  const compact = home.engine.compact.bind(home.engine)
  home.engine.compact = () => Promise.reject(new Error('not now'))
  expect(await home.api.versions({ op: 'purge', key: KEY })).toMatchObject({ erased: false })
  await home.registry.lock(home.admin)
  let calls = 0
  home.engine.compact = (...range) => {
    calls++
    return compact(...range)
  }
  const { syncs } = home.engine
  for (let turn = 0; turn < 200; turn++) await new Promise((resume) => setImmediate(resume))
  expect([calls, home.engine.syncs]).toEqual([0, syncs])
  await home.registry.unlock(PEER, PASSPHRASE)
  await waitFor(async () => (await keysOf(home.engine, 'q')).length === 0)
  expect(home.filesWith(value)).toEqual([])
})

test('nothing of an ephemeral entry is in a file, whatever is done with it', async () => {
  const time = { wall: 1_800_000_000_000, monotonic: 1000 }
  const home = await startOnDisk({
    now: () => time.wall,
    monotonicMs: () => time.monotonic,
    housekeepingMs: 5,
  })
  const { api, filesWith, registry } = home
  const texts: string[] = []
  const secret = (size: 'small' | 'large'): string => {
    const text = canaryValue(size)
    texts.push(text)
    return text
  }
  const nowhere = (when: string): void => {
    for (const text of texts) expect([when, filesWith(text)]).toEqual([when, []])
  }
  for (const [size, encrypt] of FORMS) {
    const key = `/m/${size}${encrypt}`
    await api.set({ key, value: secret(size), type: 'string', encrypt, ephemeral: true })
    await api.set({ key, value: secret(size), type: 'string' })
    await api.meta({ op: 'set', key, custom: { text: secret('small') }, tags: ['canary'] })
    await api.txn({
      compare: [{ key, version: 2 }],
      then: [{ op: 'set', key, value: secret(size), type: 'string' }],
    })
    await api.versions({ op: 'rollback', key, version: 1 })
    await api.transfer({ op: 'copy', from: key, to: `/copy${key}` })
    await api.transfer({ op: 'move', from: key, to: `/moved${key}` })
    await api.get({ key: `/moved${key}`, decrypt: true })
    await api.versions({ op: 'destroy', key: `/moved${key}`, versions: [1] })
    await api.set({ key: `/copy${key}`, value: secret(size), type: 'string', ttl_s: 10 })
    await api.delete({ key: `/moved${key}` })
    await api.export({ with_secrets: true })
  }
  nowhere('in use')
  await home.medium.compact('', '')
  nowhere('in tables')
  time.wall += 10_000
  time.monotonic += 10_000
  await waitFor(async () => (await api.audit({ action: 'expire' })).records.length > 0)
  nowhere('expired')
  await api.versions({ op: 'purge', key: '/moved', recursive: true })
  await registry.close()
  await home.medium.close()
  nowhere('closed')
})

test('a purge in memory, where nothing has to leave a file, is answered at once', async () => {
  const { api } = await start()
  await api.set({ key: KEY, value: 'x' })
  expect(await api.versions({ op: 'purge', key: KEY })).toMatchObject({ erased: true, count: 1 })
})
