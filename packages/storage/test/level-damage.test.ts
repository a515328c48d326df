import { cp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LevelEngine, type LevelEngineOptions } from '@secreg/storage'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCrc32c } from '../src/crc32c.ts'
import { changeKey, DATA_SPACE, HEAD_KEY } from '../src/layout.ts'
import { openLevel } from '../src/level-port.ts'
import { readManifest } from '../src/manifest.ts'
import { encodeRow } from '../src/row-format.ts'
import { contents, copyLive, outcome, put, remove, temporaryDirectory } from './stores.ts'

const SMALL = { writeBufferBytes: 65_536 }

async function filled(): Promise<{ directory: string; head: number; rows: [string, string][] }> {
  const directory = join(await temporaryDirectory(), 'db')
  for (let life = 0; life < 2; life++) {
    const engine = await LevelEngine.open(directory, SMALL)
    for (let i = 0; i < 20; i++) {
      await engine.commit({ ops: [put(`/${i}`, `${life}.${i}`.repeat(900)), put(`/x/${life}`)] })
    }
    await engine.commit({ ops: [remove('/3')] })
    await engine.close()
  }
  const engine = await LevelEngine.open(directory, SMALL)
  await engine.commit({ ops: [put('/last')] })
  const rows = await contents(engine)
  const { head } = engine
  await engine.close()
  return { directory, head, rows }
}

async function opening(directory: string, options?: LevelEngineOptions): Promise<string> {
  return outcome(async () => {
    const engine = await LevelEngine.open(directory, options)
    await engine.close()
  })
}

async function named(directory: string, pattern: RegExp): Promise<string> {
  const name = (await readdir(directory)).filter((each) => pattern.test(each)).at(-1)
  if (name === undefined) throw new Error(`no file like ${pattern}`)
  return join(directory, name)
}

/** A table that the store needs: LevelDB may be closed before it has removed those that it has replaced. */
async function tableOf(directory: string): Promise<string> {
  const { tables } = await readManifest(directory, await createCrc32c())
  const number = String([...tables.keys()].at(-1)).padStart(6, '0')
  return named(directory, new RegExp(`^${number}\\.ldb$`))
}

/** Change the database without the engine's knowledge. */
async function tamper(
  directory: string,
  change: (db: Awaited<ReturnType<typeof openLevel>>) => Promise<void>,
): Promise<void> {
  const options = { createIfMissing: false, blockCacheBytes: 1 << 20, writeBufferBytes: 1 << 22 }
  const db = await openLevel(directory, options)
  await change(db)
  await db.close()
}

describe('a store with something missing is refused', () => {
  test('a table', async () => {
    const { directory } = await filled()
    await rm(await tableOf(directory))
    expect(await opening(directory)).toBe('ERR_STORAGE_CORRUPT')
  })

  test('the end of a table', async () => {
    const { directory } = await filled()
    const table = await tableOf(directory)
    await truncate(table, (await readFile(table)).length - 1)
    expect(await opening(directory)).toBe('ERR_STORAGE_CORRUPT')
  })

  test.each([/^CURRENT$/, /^MANIFEST/, /^FORMAT$/])('%s', async (pattern) => {
    const { directory } = await filled()
    await rm(await named(directory, pattern))
    expect(await opening(directory)).toBe('ERR_STORAGE_CORRUPT')
  })

  test('the write-ahead log', async () => {
    const { directory, head } = await filled()
    await rm(await named(directory, /\.log$/))
    expect(await opening(directory, { expectHeadAtLeast: head })).toBe('ERR_STORAGE_ROLLED_BACK')
  })

  test('everything since an older copy', async () => {
    const { directory, head } = await filled()
    await cp(directory, `${directory}-old`, { recursive: true })
    const engine = await LevelEngine.open(directory)
    await engine.commit({ ops: [put('/new')] })
    await engine.close()
    const expectation = { expectHeadAtLeast: head + 1 }
    expect(await opening(`${directory}-old`, expectation)).toBe('ERR_STORAGE_ROLLED_BACK')
    const error = await LevelEngine.open(`${directory}-old`, expectation).catch((each) => each)
    expect(error.message).toContain(`revisions ${head + 1} to ${head + 1} are missing`)
    expect(await opening(`${directory}-old`, { expectHeadAtLeast: head })).toBe('ok')
  })

  test('a change row', async () => {
    const { directory, head } = await filled()
    const engine = await LevelEngine.open(directory)
    for (let i = 0; i < 4; i++) await engine.commit({ ops: [put('/more', String(i))] })
    await engine.close()
    for (const revision of [head + 1, head + 3, head + 4]) {
      const copy = `${directory}-${revision}`
      await cp(directory, copy, { recursive: true })
      await tamper(copy, (db) => db.write([{ type: 'del', key: changeKey(revision) }]))
      expect(await opening(copy)).toBe('ERR_STORAGE_CORRUPT')
    }
  })

  test.each(['missing', 'stale', 'undeleted'])('a row of a recent commit (%s)', async (kind) => {
    const { directory } = await filled()
    const engine = await LevelEngine.open(directory)
    await engine.commit({ ops: [put('/recent'), put('/stale', 'old'), put('/gone')] })
    await engine.commit({ ops: [put('/stale', 'new'), remove('/gone')] })
    const { head } = engine
    await engine.close()
    await tamper(directory, (db) => {
      const key = DATA_SPACE + { missing: '/recent', stale: '/stale', undeleted: '/gone' }[kind]
      if (kind === 'missing') return db.write([{ type: 'del', key }])
      const name = key.slice(DATA_SPACE.length)
      const row = encodeRow(key, name, Buffer.from('old'), head - 1, head - 1, undefined)
      return db.write([{ type: 'put', key, value: row.bytes }])
    })
    expect(await opening(directory)).toBe('ERR_STORAGE_CORRUPT')
  })

  test('the head row, or one of another store', async () => {
    const { directory } = await filled()
    await cp(directory, `${directory}-headless`, { recursive: true })
    await tamper(`${directory}-headless`, (db) => db.write([{ type: 'del', key: HEAD_KEY }]))
    expect(await opening(`${directory}-headless`)).toBe('ERR_STORAGE_CORRUPT')
    const other = await filled()
    await cp(join(other.directory, 'FORMAT'), join(directory, 'FORMAT'))
    expect(await opening(directory)).toBe('ERR_STORAGE_CORRUPT')
  })
})

describe('the write-ahead log', () => {
  async function withLog(): Promise<{ directory: string; head: number; log: string }> {
    const { directory } = await filled()
    const engine = await LevelEngine.open(directory)
    for (let i = 0; i < 12; i++) await engine.commit({ ops: [put(`/log/${i}`, 'x'.repeat(5000))] })
    const { head } = engine
    await engine.close()
    return { directory, head, log: await named(directory, /\.log$/) }
  }

  test('cut short anywhere in its last commit opens one commit earlier, as after a crash', async () => {
    const { directory, head, log } = await withLog()
    const { length } = await readFile(log)
    for (const cut of [1, 6, 7, 100, 4000, 5100]) {
      const copy = `${directory}-${cut}`
      await cp(directory, copy, { recursive: true })
      await truncate(log.replace(directory, copy), length - cut)
      expect(await opening(copy, { expectHeadAtLeast: head })).toBe('ERR_STORAGE_ROLLED_BACK')
      // The refusal left the log as it was.
      expect((await readFile(log.replace(directory, copy))).length).toBe(length - cut)
      const engine = await LevelEngine.open(copy, { expectHeadAtLeast: head - 1 })
      expect(engine.head).toBe(head - 1)
      await engine.close()
    }
  })

  test('with an unsynced end of zeros opens', async () => {
    const { directory, head, log } = await withLog()
    await writeFile(log, Buffer.concat([await readFile(log), Buffer.alloc(3000)]))
    expect(await opening(directory, { expectHeadAtLeast: head })).toBe('ok')
  })

  test('damaged before its last commit is refused, whatever head is expected', async () => {
    const { directory, log } = await withLog()
    const bytes = await readFile(log)
    // Offsets of length, type, checksum and payload of the first record, and later places.
    for (const offset of [0, 4, 5, 6, 30, 20_000, 32_768 + 5, 40_000]) {
      const copy = `${directory}-${offset}`
      await cp(directory, copy, { recursive: true })
      const damaged = Buffer.from(bytes)
      damaged[offset] = (damaged[offset] as number) ^ 4
      await writeFile(log.replace(directory, copy), damaged)
      expect(await opening(copy), `offset ${offset}`).toBe('ERR_STORAGE_CORRUPT')
    }
  })
})

test('a killed process leaves a store that opens at the commit it had answered', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  const engine = await LevelEngine.open(directory, SMALL)
  onTestFinished(() => engine.close())
  for (let i = 1; i <= 60; i++) {
    await engine.commit({ ops: [put(`/${i % 7}`, `${i}`.repeat(1500)), put('/n', String(i))] })
    if (i % 6 !== 0) continue
    const copy = `${directory}-${i}`
    await copyLive(directory, copy)
    const found = await LevelEngine.open(copy, { ...SMALL, expectHeadAtLeast: i })
    expect(found.head).toBe(i)
    expect(await contents(found)).toEqual(await contents(engine))
    await found.close()
  }
})

describe('a scrub', () => {
  test('finds old rows that are missing although everything there is sound', async () => {
    const { directory, rows } = await filled()
    expect(await opening(directory)).toBe('ok')
    const first = await LevelEngine.open(directory)
    await first.commit({ ops: [put('/checkpoint')] })
    await first.close()
    await tamper(directory, (db) => db.write([{ type: 'del', key: `${DATA_SPACE}/5` }]))
    const engine = await LevelEngine.open(directory)
    onTestFinished(() => engine.close())
    const { findings } = await engine.scrub()
    const detail = `found ${rows.length}, expected ${rows.length + 1}`
    expect(findings).toEqual([{ kind: 'count', subject: 'rows', detail }])
  })

  test('finds stale rows and damaged rows', async () => {
    const { directory } = await filled()
    const first = await LevelEngine.open(directory)
    await first.commit({ ops: [put('/checkpoint')] })
    await first.close()
    const key = `${DATA_SPACE}/5`
    const stale = encodeRow(key, '/5', Buffer.from('old'), 1, 1, undefined).bytes
    await tamper(directory, (db) => db.write([{ type: 'put', key, value: stale }]))
    const engine = await LevelEngine.open(directory)
    expect((await engine.scrub()).findings.map(({ kind }) => kind)).toEqual(['count'])
    await engine.close()
    await tamper(directory, (db) =>
      db.write([
        { type: 'put', key, value: Buffer.concat([stale, Buffer.of(1)]) },
        { type: 'put', key: `${DATA_SPACE}/6`, value: Buffer.alloc(3) },
        { type: 'put', key: `${DATA_SPACE}/7`, value: stale },
      ]),
    )
    const again = await LevelEngine.open(directory)
    onTestFinished(() => again.close())
    expect((await again.scrub()).findings.map(({ subject }) => subject)).toEqual(['/5', '/6', '/7'])
    for (const each of ['/5', '/6', '/7']) {
      expect(await outcome(() => again.get(each))).toBe('ERR_STORAGE_CORRUPT')
    }
    expect(await outcome(() => contents(again))).toBe('ERR_STORAGE_CORRUPT')
  })

  test('reads the tables of the running store again', async () => {
    const { directory } = await filled()
    const engine = await LevelEngine.open(directory)
    onTestFinished(() => engine.close())
    // Else LevelDB may be merging the tables: it would replace the damaged one, or read it.
    await engine.compact('', '')
    expect((await engine.scrub()).tables).toBeGreaterThan(0)
    const table = await tableOf(directory)
    const bytes = await readFile(table)
    // In its place: LevelDB has the file mapped, and one that is cut short meanwhile would kill the process.
    const file = await open(table, 'r+')
    await file.write(Buffer.of((bytes[100] as number) ^ 1), 0, 1, 100)
    await file.close()
    const { findings } = await engine.scrub()
    expect(findings.filter(({ kind }) => kind === 'table').length).toBe(1)
  })
})
