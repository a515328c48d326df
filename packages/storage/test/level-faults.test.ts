import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { LevelEngine, type LevelEngineOptions } from '@secreg/storage'
import { createTestCheck } from '@secreg/storage/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type LevelOpener, openLevel } from '../src/level-port.ts'
import { Attacker } from './attacker.ts'
import { contents, outcome, put, temporaryDirectory, textOf } from './stores.ts'

type Failure = 'lost' | 'applied'

/** Stands between the engine and LevelDB. */
class Faults {
  write: Failure | undefined
  open = false
  openings = 0
  errno = 'No space left on device'
  hold: Promise<void> | undefined
  /** Called before LevelDB opens a store again. */
  between: ((directory: string) => Promise<void>) | undefined
  nowMs = 0

  readonly openDatabase: LevelOpener = async (directory, options) => {
    this.openings++
    if (this.open) throw new Error(`IO error: ${directory}/LOCK: ${this.errno}`)
    await this.between?.(directory)
    const db = await openLevel(directory, options)
    return {
      ...db,
      write: async (operations) => {
        await this.hold
        const failure = this.write
        this.write = undefined
        if (failure !== 'lost') await db.write(operations)
        if (failure !== undefined) throw new Error(`IO error: 000003.log: ${this.errno}`)
      },
    }
  }

  options(): LevelEngineOptions {
    return { openDatabase: this.openDatabase, now: () => this.nowMs, reopenIntervalMs: 1000 }
  }
}

async function setUp(): Promise<{ engine: LevelEngine; faults: Faults; directory: string }> {
  const directory = join(await temporaryDirectory(), 'db')
  const faults = new Faults()
  const engine = await LevelEngine.open(directory, faults.options())
  onTestFinished(() => engine.close())
  await engine.commit({ ops: [put('a', '1')] })
  return { engine, faults, directory }
}

describe('a failed write', () => {
  test('that was lost is answered so, and the store works on', async () => {
    const { engine, faults } = await setUp()
    faults.write = 'lost'
    expect(await outcome(() => engine.commit({ ops: [put('a', '2')] }))).toBe('ERR_STORAGE_FULL')
    expect(engine.state).toBe('open')
    expect([engine.head, textOf(engine.get('a'))]).toEqual([1, '1'])
    faults.write = 'lost'
    faults.errno = 'Input/output error'
    expect(await outcome(() => engine.commit({ ops: [] }))).toBe('ERR_STORAGE_WRITE_FAILED')
    expect(await engine.commit({ ops: [put('a', '3')] })).toEqual({ revision: 2 })
    expect(engine.stats().reopenings).toBe(2)
  })

  test('that is found after reopening has succeeded', async () => {
    const { engine, faults } = await setUp()
    faults.write = 'applied'
    expect(await engine.commit({ ops: [put('a', '2')] })).toEqual({ revision: 2 })
    expect([engine.head, textOf(engine.get('a'))]).toEqual([2, '2'])
    expect((await engine.scrub()).findings).toEqual([])
  })

  test('stops reads and writes until the store opens again, tried once per interval', async () => {
    const { engine, faults } = await setUp()
    faults.write = 'lost'
    faults.open = true
    expect(await outcome(() => engine.commit({ ops: [put('a', '2')] }))).toBe('ERR_STORAGE_FULL')
    expect(engine.state).toBe('failed')
    expect(await outcome(() => engine.get('a'))).toBe('ERR_STORAGE_UNAVAILABLE')
    expect(await outcome(() => engine.iterate({}))).toBe('ERR_STORAGE_UNAVAILABLE')
    expect(await outcome(() => engine.snapshot())).toBe('ERR_STORAGE_UNAVAILABLE')
    const tried = faults.openings
    faults.nowMs = 999
    faults.open = false
    expect(await outcome(() => engine.commit({ ops: [] }))).toBe('ERR_STORAGE_UNAVAILABLE')
    expect(await outcome(() => engine.recover())).toBe('ERR_STORAGE_UNAVAILABLE')
    expect(faults.openings).toBe(tried)
    faults.nowMs = 1000
    expect(await engine.commit({ ops: [put('b')] })).toEqual({ revision: 2 })
    expect(await contents(engine)).toEqual([
      ['a', '1'],
      ['b', 'b'],
    ])
  })

  test('that was applied is unknown while the store cannot be opened', async () => {
    const { engine, faults } = await setUp()
    faults.write = 'applied'
    faults.open = true
    const result = await outcome(() => engine.commit({ ops: [put('a', '2')] }))
    expect(result).toBe('ERR_STORAGE_OUTCOME_UNKNOWN')
    expect(engine.head).toBe(1)
    faults.open = false
    faults.nowMs = 5000
    await engine.recover()
    expect([engine.head, textOf(engine.get('a'))]).toEqual([2, '2'])
  })

  test('ends iterators and snapshots that were open', async () => {
    const { engine, faults } = await setUp()
    await engine.commit({ ops: [put('b'), put('c')] })
    const iterator = engine.iterate({})
    await iterator.next()
    const snapshot = engine.snapshot()
    faults.write = 'lost'
    expect(await outcome(() => engine.commit({ ops: [] }))).toBe('ERR_STORAGE_FULL')
    expect(await outcome(() => iterator.nextPage(5))).toBe('ERR_STORAGE_UNAVAILABLE')
    iterator.seek('a')
    expect(await outcome(() => iterator.next())).toBe('ERR_STORAGE_UNAVAILABLE')
    expect(await outcome(() => snapshot.get('a'))).toBe('ERR_STORAGE_UNAVAILABLE')
    expect(await outcome(() => snapshot.iterate({}))).toBe('ERR_STORAGE_UNAVAILABLE')
    await iterator.close()
    await snapshot.close()
  })

  test('lets the commits that wait behind it go on', async () => {
    const { engine, faults } = await setUp()
    faults.write = 'lost'
    const results = await Promise.all([
      outcome(() => engine.commit({ ops: [put('x')] })),
      outcome(() => engine.commit({ ops: [put('y')] })),
      outcome(() => engine.trimChanges(1)),
      outcome(() => engine.commit({ ops: [put('z')] })),
    ])
    expect(results).toEqual(['ERR_STORAGE_FULL', 'ok', 'ok', 'ok'])
    expect(engine.head).toBe(3)
  })

  test('is followed by a look at the head under the check that is set', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const faults = new Faults()
    const engine = await LevelEngine.open(directory, faults.options())
    onTestFinished(() => engine.close())
    engine.setCheckKey(createTestCheck('head'))
    // Before the first commit there is no tag to look at.
    faults.write = 'lost'
    expect(await outcome(() => engine.commit({ ops: [put('a', '1')] }))).toBe('ERR_STORAGE_FULL')
    await engine.commit({ ops: [put('a', '1')] })
    faults.write = 'lost'
    expect(await outcome(() => engine.commit({ ops: [] }))).toBe('ERR_STORAGE_FULL')
    expect([engine.state, textOf(engine.get('a'))]).toEqual(['open', '1'])
    faults.write = 'lost'
    faults.between = (path) =>
      Attacker.on(path, async (attacker) => {
        await attacker.edit('h', ({ value }) => value.writeUInt8(1, 30))
      })
    expect(await outcome(() => engine.commit({ ops: [] }))).toBe('ERR_STORAGE_FULL')
    expect(engine.state).toBe('failed')
    expect(await outcome(() => engine.get('a'))).toBe('ERR_STORAGE_UNAVAILABLE')
    expect(await outcome(() => engine.setCheckKey(createTestCheck('head')))).toBe(
      'ERR_STORAGE_UNAVAILABLE',
    )
    faults.nowMs = 5000
    const error = await engine.recover().catch((each) => each)
    expect(error.cause).toMatchObject({
      code: 'ERR_STORAGE_CORRUPT',
      message: 'the head row: authentication failed',
    })
    // Without the key it opens, as after a restart.
    engine.setCheckKey(undefined)
    faults.between = undefined
    faults.nowMs = 10_000
    await engine.recover()
    expect(textOf(engine.get('a'))).toBe('1')
    expect(() => engine.setCheckKey(createTestCheck('head'))).toThrow(/the head row/)
  })

  test('of a trim leaves the changes in order', async () => {
    const { engine, faults } = await setUp()
    faults.write = 'lost'
    expect(await outcome(() => engine.trimChanges(1))).toBe('ERR_STORAGE_FULL')
    const revisions = []
    for await (const { revision } of engine.changes(0)) revisions.push(revision)
    expect(revisions).toEqual([1])
  })

  test('does not keep the engine from closing', async () => {
    const { engine, faults } = await setUp()
    faults.write = 'lost'
    faults.open = true
    await outcome(() => engine.commit({ ops: [] }))
    await engine.close()
    expect(await outcome(() => engine.commit({ ops: [] }))).toBe('ERR_STORAGE_CLOSED')
  })
})

test('a commit is not seen before it is answered', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  let release: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  let written: () => void = () => {}
  const reached = new Promise<void>((resolve) => {
    written = resolve
  })
  let holding = false
  const engine = await LevelEngine.open(directory, {
    cacheBytes: 0,
    openDatabase: async (path, options) => {
      const db = await openLevel(path, options)
      const write = async (operations: Parameters<typeof db.write>[0]): Promise<void> => {
        await db.write(operations)
        if (!holding) return
        written()
        await gate
      }
      return { ...db, write }
    },
  })
  onTestFinished(() => engine.close())
  await engine.commit({ ops: [put('a', '1'), put('b', '1')] })
  holding = true
  const pending = engine.commit({ ops: [put('a', '2'), put('c', '2')] })
  await reached
  expect([textOf(engine.get('a')), engine.get('c'), engine.head]).toEqual(['1', undefined, 1])
  const snapshot = engine.snapshot()
  expect([snapshot.revision, textOf(await snapshot.get('a'))]).toEqual([2, '2'])
  release()
  await pending
  expect([textOf(engine.get('a')), textOf(engine.get('c')), engine.head]).toEqual(['2', '2', 2])
  await snapshot.close()
})

const limited = spawnSync('prlimit', ['--version']).status === 0

describe.runIf(limited)('a medium that takes no more bytes', () => {
  /** Files of this process cannot grow beyond `bytes`. */
  function limitFiles(bytes: number | 'unlimited'): void {
    const args = [`--pid=${process.pid}`, `--fsize=${bytes}:unlimited`]
    const { status, stderr } = spawnSync('prlimit', args)
    if (status !== 0) throw new Error(String(stderr))
  }

  test('loses nothing that was acknowledged, and works again when there is room', async () => {
    const ignore = (): void => {}
    // The signal would end the process before write(2) could return EFBIG.
    process.on('SIGXFSZ', ignore)
    onTestFinished(() => {
      limitFiles('unlimited')
      process.off('SIGXFSZ', ignore)
    })
    const directory = join(await temporaryDirectory(), 'db')
    let nowMs = 0
    const options = { now: () => nowMs }
    let engine = await LevelEngine.open(directory, options)
    onTestFinished(() => engine.close())
    const kept = new Map<string, string>()
    const value = 'v'.repeat(3000)
    const write = async (key: string): Promise<string> => {
      const result = await outcome(() => engine.commit({ ops: [put(key, key + value)] }))
      if (result === 'ok') kept.set(key, key + value)
      return result
    }
    for (let i = 0; i < 5; i++) expect(await write(`before${i}`)).toBe('ok')
    limitFiles(40_000)
    const results: string[] = []
    for (let i = 0; i < 30; i++) {
      nowMs += 5000
      results.push(await write(`during${i}`))
    }
    expect(results).toContain('ERR_STORAGE_FULL')
    expect(new Set(results)).not.toContain('ERR_STORAGE_CORRUPT')
    limitFiles('unlimited')
    nowMs += 5000
    for (let i = 0; i < 5; i++) expect(await write(`after${i}`)).toBe('ok')
    const { head } = engine
    await engine.close()
    engine = await LevelEngine.open(directory, { expectHeadAtLeast: head })
    expect(new Map(await contents(engine))).toEqual(kept)
    expect((await engine.scrub()).findings).toEqual([])
  })
})
