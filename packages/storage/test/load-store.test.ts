import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  inspectStore,
  type KeyedRow,
  LevelEngine,
  type LoadStoreOptions,
  loadStore,
  type Op,
} from '@secreg/storage'
import { createTestCheck, ORDERED_KEYS } from '@secreg/storage/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openLevel } from '../src/level-port.ts'
import { outcome, put, remove, temporaryDirectory } from './stores.ts'

const check = createTestCheck(
  'load',
  (key) => !key.startsWith('x/'),
  (key) => key.startsWith('a/'),
)
const SPACES = [{ gte: 'a/', lt: 'a0' }]

async function all(engine: LevelEngine): Promise<KeyedRow[]> {
  const rows: KeyedRow[] = []
  for await (const row of engine.iterate({})) {
    rows.push({ ...row, value: Uint8Array.from(row.value) })
  }
  return rows
}

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

function rowOf(key: string, revision = 1, value = key): KeyedRow {
  return { key, value: Buffer.from(value), createRevision: revision, modifyRevision: revision }
}

function loading(rows: Iterable<KeyedRow>, options: Partial<LoadStoreOptions> = {}) {
  return { rows: each(rows), revision: 9, check, ...options }
}

const key = fc.oneof(
  fc.constantFrom(...ORDERED_KEYS),
  fc.tuple(fc.constantFrom('a/', 'b/', 'x/'), fc.nat(30)).map(([space, n]) => space + n),
)
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: key.map((name) => put(name)) },
  { weight: 1, arbitrary: key.map((name) => remove(name)) },
)

test('a store of the rows of another one equals it, whatever order they come in', async () => {
  const parent = await temporaryDirectory()
  let runs = 0
  const property = fc.asyncProperty(
    fc.array(fc.uniqueArray(op, { selector: (one) => one.key, maxLength: 20 }), { maxLength: 12 }),
    fc.boolean(),
    async (commits, shuffled) => {
      const [one, two] = [join(parent, `${++runs}-one`), join(parent, `${runs}-two`)]
      const source = await LevelEngine.open(one)
      source.setCheckKey(check)
      for (const ops of commits) await source.commit({ ops })
      const rows = await all(source)
      const { head: revision } = source
      const given = shuffled ? [...rows].sort((a, b) => a.value.length - b.value.length) : rows
      const loaded = await loadStore(two, { rows: each(given), revision, check })
      const engine = await LevelEngine.open(two, { expectHeadAtLeast: revision })
      try {
        expect([engine.generation, rows.length]).toEqual([loaded.generation, loaded.rows])
        expect(engine.generation).not.toBe(source.generation)
        engine.setCheckKey(check)
        expect(await all(engine)).toEqual(rows)
        expect((await engine.scrub()).findings).toEqual([])
        await engine.verifyGuarded(SPACES)
        expect([engine.head, engine.trimmed, engine.stats().rows]).toEqual([
          revision,
          revision,
          rows.length,
        ])
        // It goes on like any other.
        expect(await engine.commit({ ops: [put('a/next'), remove('a/1')] })).toEqual({
          revision: revision + 1,
        })
        await engine.verifyGuarded(SPACES)
        expect((await engine.scrub()).findings).toEqual([])
      } finally {
        await engine.close()
        await source.close()
      }
    },
  )
  await fc.assert(property, { numRuns: 25 })
})

test('many rows are written in pieces, and the event loop gets its turns', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  const names = Array.from({ length: 30_000 }, (_, i) => `e/${String(i).padStart(6, '0')}`)
  const progress: number[] = []
  let done = false
  let turns = 0
  const load = loadStore(directory, {
    ...loading(names.map((name) => rowOf(name, 3, 'x'.repeat(100)))),
    onProgress: (rows) => progress.push(rows),
  }).finally(() => {
    done = true
  })
  while (!done) {
    await setImmediate()
    turns++
  }
  expect((await load).rows).toBe(30_000)
  expect(progress.length).toBeGreaterThan(3)
  expect(turns).toBeGreaterThan(progress.length)
  const engine = await LevelEngine.open(directory)
  onTestFinished(() => engine.close())
  engine.setCheckKey(check)
  expect((await engine.scrub()).findings).toEqual([])
  expect(engine.stats().rows).toBe(30_000)
})

test('an empty store can be loaded too', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  const generation = 'ab'.repeat(16)
  expect(await loadStore(directory, loading([], { revision: 0, generation }))).toEqual({
    generation,
    rows: 0,
  })
  const engine = await LevelEngine.open(directory)
  onTestFinished(() => engine.close())
  expect(await outcome(() => engine.commit({ ops: [] }))).toBe('ERR_STORAGE_UNAVAILABLE')
  expect(() => engine.setCheckKey(createTestCheck('another'))).toThrow(/head/)
  engine.setCheckKey(check)
  expect(await engine.commit({ ops: [put('a/1')] })).toEqual({ revision: 1 })
  await engine.verifyGuarded(SPACES)
})

describe('a load is refused', () => {
  const bad: [string, Iterable<KeyedRow>, new (...args: never[]) => Error][] = [
    ['two rows of one key, in order', [rowOf('a'), rowOf('a')], TypeError],
    ['two rows of one key, apart', [rowOf('a'), rowOf('c'), rowOf('a')], TypeError],
    ['a row that is newer than the store', [rowOf('a', 10)], RangeError],
    ['a row of no revision', [rowOf('a', 0)], RangeError],
    [
      'a row that was changed before it was made',
      [{ ...rowOf('a', 3), createRevision: 4 }],
      RangeError,
    ],
    ['a row of half a revision', [rowOf('a', 1.5)], RangeError],
    ['a key that is none', [rowOf('')], TypeError],
    ['a key of half a character', [rowOf('\ud800')], TypeError],
    ['a value that is no bytes', [{ ...rowOf('a'), value: 'x' as never }], TypeError],
  ]

  test.each(bad)('with %s', async (_, rows, error) => {
    const directory = join(await temporaryDirectory(), 'db')
    await expect(loadStore(directory, loading(rows))).rejects.toThrow(error)
    expect((await inspectStore(directory))?.state).toBe('loading')
    expect(await outcome(() => LevelEngine.open(directory))).toBe('ERR_STORAGE_UNAVAILABLE')
  })

  test('with a row that was written in an earlier piece', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const rows = Array.from({ length: 5000 }, (_, i) => rowOf(`k${String(i).padStart(5, '0')}`))
    await expect(loadStore(directory, loading([...rows, rowOf('k00007')]))).rejects.toThrow(
      /two of the key "k00007"/,
    )
  })

  test('with keys and values that are too long', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    for (const row of [
      rowOf('k'.repeat(1025)),
      { ...rowOf('a'), value: new Uint8Array(16 * 1024 * 1024 + 1) },
    ]) {
      expect(await outcome(() => loadStore(directory, loading([row])))).toBe('ERR_STORAGE_LIMIT')
    }
  })

  test('with options of a wrong kind', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    for (const revision of [-1, 1.5, Number.NaN, 2 ** 48, '1']) {
      const options = loading([], { revision: revision as number })
      await expect(loadStore(directory, options)).rejects.toThrow(RangeError)
    }
    for (const generation of ['', 'xyz', 'AB'.repeat(16), 'ab'.repeat(17)]) {
      await expect(loadStore(directory, loading([], { generation }))).rejects.toThrow(TypeError)
    }
    expect(await inspectStore(directory)).toBe(undefined)
  })

  test('into a place that is not empty', async () => {
    const parent = await temporaryDirectory()
    const directory = join(parent, 'db')
    const engine = await LevelEngine.open(directory)
    await engine.commit({ ops: [put('kept')] })
    await engine.close()
    expect(await outcome(() => loadStore(directory, loading([])))).toBe('ERR_STORAGE_FORMAT')
    const again = await LevelEngine.open(directory)
    expect(again.get('kept')).toBeDefined()
    await again.close()
    const other = join(parent, 'letters')
    await mkdir(other, { mode: 0o700 })
    await writeFile(join(other, 'letter.txt'), 'dear')
    expect(await outcome(() => loadStore(other, loading([])))).toBe('ERR_STORAGE_FORMAT')
    expect(await readdir(other)).toEqual(['letter.txt'])
    await mkdir(join(parent, 'open'), { mode: 0o755 })
    expect(await outcome(() => loadStore(join(parent, 'open'), loading([])))).toBe(
      'ERR_STORAGE_PERMISSIONS',
    )
  })
})

test('a load that was killed anywhere is refused by every open, and made good by a rerun', async () => {
  const parent = await temporaryDirectory()
  const directory = join(parent, 'db')
  const rows = Array.from({ length: 12_000 }, (_, i) => rowOf(`k${String(i).padStart(5, '0')}`))
  const copies: string[] = []
  const copy = async (): Promise<void> => {
    copies.push(join(parent, `copy-${copies.length}`))
    await cp(directory, copies.at(-1) as string, { recursive: true })
  }
  await loadStore(directory, {
    ...loading(rows),
    openDatabase: async (path, options) => {
      // The moments before LevelDB's first file, after each piece, and before FORMAT says that it is ready.
      await copy()
      const db = await openLevel(path, options)
      const batch = () => {
        const inner = db.batch()
        return { ...inner, write: () => inner.write().then(copy) }
      }
      return { ...db, batch, close: () => db.close().then(copy) }
    },
  })
  expect(copies.length).toBeGreaterThan(4)
  for (const path of copies) {
    expect((await inspectStore(path))?.state).toBe('loading')
    expect(await outcome(() => LevelEngine.open(path))).toBe('ERR_STORAGE_UNAVAILABLE')
    const { generation } = await loadStore(path, loading(rows.slice(0, 100)))
    expect(await inspectStore(path)).toEqual({ format: 2, state: 'ready', generation })
    const engine = await LevelEngine.open(path)
    engine.setCheckKey(check)
    expect((await all(engine)).length).toBe(100)
    expect((await engine.scrub()).findings).toEqual([])
    await engine.close()
  }
})

test('a load that runs is not disturbed by another one', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  let second = ''
  async function* rows(): AsyncGenerator<KeyedRow> {
    yield rowOf('a')
    second = await outcome(() => loadStore(directory, loading([rowOf('b')])))
    yield rowOf('c')
  }
  await loadStore(directory, { ...loading([]), rows: rows() })
  expect(second).toBe('ERR_STORAGE_LOCKED')
  const engine = await LevelEngine.open(directory)
  onTestFinished(() => engine.close())
  engine.setCheckKey(check)
  expect((await all(engine)).map((row) => row.key)).toEqual(['a', 'c'])
})

test('a load that is stopped, or whose source fails, ends with that error', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  const reason = new Error('enough')
  async function* failing(): AsyncGenerator<KeyedRow> {
    yield rowOf('a')
    throw reason
  }
  await expect(loadStore(directory, { ...loading([]), rows: failing() })).rejects.toBe(reason)
  const signal = AbortSignal.abort(reason)
  await expect(loadStore(directory, loading([rowOf('a')], { signal }))).rejects.toBe(reason)
  expect(await readFile(join(directory, 'FORMAT'), 'utf8')).toContain('loading')
  await loadStore(directory, loading([rowOf('a')]))
})
