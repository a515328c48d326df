import { cp, open, readdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { LevelEngine, type LevelEngineOptions, type Op } from '@secreg/storage'
import { createTestCheck } from '@secreg/storage/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readHead } from '../src/head-row.ts'
import { DATA_SPACE } from '../src/layout.ts'
import { type LevelOperation, openLevel } from '../src/level-port.ts'
import { planCommit } from '../src/level-rows.ts'
import { decodeRow } from '../src/row-format.ts'
import { atOnce, SLICED_OPS } from '../src/slices.ts'
import { StoreCheck } from '../src/store-check.ts'
import { copyLive, outcome, put, remove, temporaryDirectory, textOf } from './stores.ts'

const OPEN = { createIfMissing: false, blockCacheBytes: 1 << 20, writeBufferBytes: 1 << 22 }

function many(count: number, value: string): Op[] {
  return Array.from({ length: count }, (_, i) => put(`/many/${i}`, `${value}.${i}`))
}

/** Every byte that LevelDB holds. */
async function dump(directory: string): Promise<[string, string][]> {
  const db = await openLevel(directory, OPEN)
  const rows: [string, string][] = []
  const iterator = db.iterator({ gte: '' })
  for (let page = await iterator.nextv(1000); page.length > 0; page = await iterator.nextv(1000)) {
    for (const [key, bytes] of page) rows.push([key, Buffer.from(bytes).toString('base64')])
  }
  await iterator.close()
  await db.close()
  return rows
}

test('a commit in slices leaves the same bytes as one at once', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  const check = createTestCheck('large', (key) => key.length % 2 === 0)
  const first = await LevelEngine.open(directory)
  first.setCheckKey(check)
  await first.commit({ ops: [...many(300, 'old'), put('/kept')] })
  await first.close()
  const keyed = new StoreCheck(check, first.generation)
  let copies = 0
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 0, max: 2000 }), { minLength: SLICED_OPS + 1 }),
      fc.option(fc.uint8Array({ maxLength: 700_000 }), { nil: undefined }),
      async (numbers, change) => {
        const ops = numbers.map((n): Op => {
          return n % 5 === 0 ? remove(`/many/${n}`) : put(`/many/${n}`, 'x'.repeat(n % 97))
        })
        const batch = { ops, ...(change === undefined ? {} : { change }) }
        const [one, two] = [`${directory}-${++copies}`, `${directory}-${++copies}`]
        await cp(directory, one, { recursive: true })
        await cp(directory, two, { recursive: true })
        const engine = await LevelEngine.open(one)
        engine.setCheckKey(check)
        await engine.commit(batch)
        await engine.close()
        const db = await openLevel(two, OPEN)
        const snapshot = db.snapshot()
        const last = readHead(db, keyed, snapshot)
        await snapshot.close()
        const operations: LevelOperation[] = []
        const parts = {
          batch,
          last,
          check: keyed,
          verified: last.revision,
          memory: Buffer.allocUnsafeSlow,
          current: (key: string) => {
            const bytes = db.getSync(DATA_SPACE + key)
            return bytes && decodeRow(DATA_SPACE + key, key, bytes, check)
          },
          replaced: () => {},
          write: (operation: LevelOperation) => operations.push(operation),
        }
        atOnce(planCommit(parts))
        await db.write(operations)
        await db.close()
        expect(await dump(one)).toEqual(await dump(two))
      },
    ),
    { numRuns: 5 },
  )
})

test('the end of a large commit is one step for readers, and leaves the cache as large as it was', async () => {
  const engine = await LevelEngine.open(join(await temporaryDirectory(), 'db'))
  onTestFinished(() => engine.close())
  await engine.commit({ ops: [...many(100, 'old'), put('/kept')] })
  const kept = engine.get('/kept')
  const { cacheRows } = engine.stats()
  const view = engine.snapshot()
  let settled = false
  const done = engine.commit({ ops: many(20_000, 'new') }).finally(() => {
    settled = true
  })
  let turns = 0
  while (!settled) {
    await setImmediate()
    turns++
    const value = engine.head === 1 ? 'old' : 'new'
    for (const i of [0, 50, 99]) expect(textOf(engine.get(`/many/${i}`))).toBe(`${value}.${i}`)
    if (!settled) expect(engine.get('/many/19999')).toBe(undefined)
  }
  expect(turns).toBeGreaterThan(1)
  expect(await done).toEqual({ revision: 2 })
  expect(engine.get('/kept')).toBe(kept)
  expect(engine.stats().cacheRows).toBeLessThanOrEqual(cacheRows)
  for (const i of [0, 99, 100, 19_999]) expect(textOf(engine.get(`/many/${i}`))).toBe(`new.${i}`)
  expect(textOf(await view.get('/many/7'))).toBe('old.7')
  expect(await view.get('/many/777')).toBe(undefined)
  await view.close()
  await engine.compact('', '')
  expect((await engine.scrub()).findings).toEqual([])
})

describe('a large commit that fails', () => {
  const check = createTestCheck('large')

  /** @param begun - called when the batch of a commit is begun, after everything that it rests on was read */
  async function setUp(
    write: (real: () => Promise<void>) => Promise<void>,
    begun: () => void = () => {},
  ) {
    const directory = join(await temporaryDirectory(), 'db')
    let armed = false
    const options: LevelEngineOptions = {
      openDatabase: async (path, settings) => {
        const db = await openLevel(path, settings)
        const batch = () => {
          const inner = db.batch()
          if (armed) begun()
          return { ...inner, write: () => (armed ? write(inner.write) : inner.write()) }
        }
        return { ...db, batch }
      },
    }
    const engine = await LevelEngine.open(directory, options)
    onTestFinished(() => engine.close())
    engine.setCheckKey(check)
    await engine.commit({ ops: many(10, 'old') })
    armed = true
    return engine
  }
  const full = () => Promise.reject(new Error('IO error: 000003.log: No space left on device'))

  test('before the write leaves nothing', async () => {
    let begin = (): void => {}
    const engine = await setUp(
      (real) => real(),
      () => begin(),
    )
    const ops = many(2000, 'new')
    const preconditions = [{ key: '/many/3', modifyRevision: 7 }]
    expect(await outcome(() => engine.commit({ ops, preconditions }))).toBe(
      'ERR_STORAGE_PRECONDITION',
    )
    // So many that their rows are not all made in the turn of the event loop that begins the batch.
    const lasting = many(50_000, 'new')
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const sealed = engine.commit({ ops: lasting })
    await begun
    await setImmediate()
    const twice = engine.commit({ ops: [...lasting, put('/many/0')] })
    engine.setCheckKey(undefined)
    expect(await outcome(() => sealed)).toBe('ERR_STORAGE_WRITE_FAILED')
    await expect(twice).rejects.toThrow(TypeError)
    engine.setCheckKey(check)
    expect([engine.head, textOf(engine.get('/many/3'))]).toEqual([1, 'old.3'])
    expect(await engine.commit({ ops })).toEqual({ revision: 2 })
    expect(textOf(engine.get('/many/3'))).toBe('new.3')
  })

  test('at the write is answered by what the disk holds', async () => {
    let applied = false
    const engine = await setUp(async (real) => {
      if (applied) await real()
      return full()
    })
    const ops = many(2000, 'new')
    expect(await outcome(() => engine.commit({ ops }))).toBe('ERR_STORAGE_FULL')
    expect([engine.head, textOf(engine.get('/many/3'))]).toEqual([1, 'old.3'])
    applied = true
    expect(await engine.commit({ ops })).toEqual({ revision: 2 })
    expect(textOf(engine.get('/many/3'))).toBe('new.3')
    expect((await engine.scrub()).findings).toEqual([])
  })
})

describe('a process killed during a commit of 100,000 operations', () => {
  const COUNT = 100_000
  const rows = (engine: LevelEngine): string => `${engine.head}:${engine.stats().rows}`

  test('leaves the state before or after', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const copies: string[] = []
    const copy = async (): Promise<void> => {
      copies.push(`${directory}-${copies.length}`)
      await copyLive(directory, copies.at(-1) as string)
    }
    const options: LevelEngineOptions = {
      openDatabase: async (path, settings) => {
        const db = await openLevel(path, settings)
        const batch = () => {
          const inner = db.batch()
          const write = async (): Promise<void> => {
            await copy()
            let busy = true
            const written = inner.write().finally(() => {
              busy = false
            })
            while (busy && copies.length < 4) await copy()
            await written
            await copy()
          }
          return { ...inner, write }
        }
        return { ...db, batch }
      },
    }
    const engine = await LevelEngine.open(directory, options)
    onTestFinished(() => engine.close())
    await engine.commit({ ops: [put('/before')] })
    const value = Buffer.alloc(100, 'v')
    const ops = Array.from({ length: COUNT }, (_, i): Op => ({ type: 'put', key: `/${i}`, value }))
    await engine.commit({ ops, change: Buffer.alloc(1 << 20) })
    const states: string[] = []
    for (const path of copies) {
      const found = await LevelEngine.open(path)
      states.push(rows(found))
      expect(found.get('/99999') !== undefined).toBe(found.head === 2)
      await found.close()
    }
    expect(states[0]).toBe('1:1')
    expect(states.at(-1)).toBe(`2:${COUNT + 1}`)
    expect(new Set(states)).toEqual(new Set(['1:1', `2:${COUNT + 1}`]))
  }, 300_000)

  test('leaves the state before when its record is cut or has a hole', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const engine = await LevelEngine.open(directory)
    await engine.commit({ ops: [put('/before')] })
    const ops = many(20_000, 'y'.repeat(50))
    await engine.commit({ ops })
    await engine.close()
    const log = (await readdir(directory)).find((name) => name.endsWith('.log')) as string
    const { length } = await readFile(join(directory, log))
    expect(length).toBeGreaterThan(40 * 32_768)
    for (const cut of [1, 5, 32_768, 500_000, length - 400]) {
      const path = `${directory}-${cut}`
      await cp(directory, path, { recursive: true })
      await truncate(join(path, log), length - cut)
      const found = await LevelEngine.open(path)
      expect(rows(found)).toBe('1:1')
      await found.close()
    }
    for (const hole of [8192, 40_960, 20 * 32_768]) {
      const path = `${directory}-hole-${hole}`
      await cp(directory, path, { recursive: true })
      const file = await open(join(path, log), 'r+')
      await file.write(Buffer.alloc(65_536), 0, 65_536, hole)
      await file.close()
      const found = await LevelEngine.open(path)
      expect(rows(found)).toBe('1:1')
      await found.close()
      expect(await outcome(() => LevelEngine.open(path, { expectHeadAtLeast: 2 }))).toBe(
        'ERR_STORAGE_ROLLED_BACK',
      )
    }
  }, 300_000)
})
