import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  inspectStore,
  LevelEngine,
  loadStore,
  type MigrateStoreOptions,
  migrateStore,
  StoreFormatError,
} from '@secreg/storage'
import { createTestCheck } from '@secreg/storage/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openLevel } from '../src/level-port.ts'
import { Attacker, assemble, takeApart } from './attacker.ts'
import { checkOfFormat1, copyFormat1, expected, GUARDED } from './format-1.ts'
import { contents, outcome, put, temporaryDirectory, textOf } from './stores.ts'

async function oldStore(): Promise<string> {
  const directory = join(await temporaryDirectory(), 'db')
  await copyFormat1(directory)
  return directory
}

const check = await checkOfFormat1()
const store = await expected()

/** Every file as it is, with its name. */
async function files(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).sort()
  const each = names.map(async (name) => {
    const path = join(directory, name)
    const { mtimeMs, mode } = await stat(path)
    return [name, `${mode} ${mtimeMs} ${(await readFile(path)).toString('base64')}`]
  })
  return Object.fromEntries(await Promise.all(each))
}

/** That a store is what the old one was, in this version's format. */
async function verifyMigrated(directory: string): Promise<void> {
  const engine = await LevelEngine.open(directory, { expectHeadAtLeast: store.head })
  try {
    engine.setCheckKey(check)
    expect([engine.head, engine.generation, engine.stats().rows]).toEqual([
      store.head,
      store.generation,
      store.rows,
    ])
    await engine.verifyGuarded(GUARDED)
    expect((await engine.scrub()).findings).toEqual([])
    expect((await contents(engine)).length).toBe(store.rows)
    expect(await engine.commit({ ops: [put('e/new')] })).toEqual({ revision: store.head + 1 })
    expect((await engine.scrub()).findings).toEqual([])
  } finally {
    await engine.close()
  }
}

test('a store of format 1 is refused with what to do, and left alone', async () => {
  const directory = await oldStore()
  const before = await files(directory)
  const error = await LevelEngine.open(directory).catch((each) => each)
  expect(error).toBeInstanceOf(StoreFormatError)
  expect(error).toMatchObject({ code: 'ERR_STORAGE_FORMAT', found: 1, isOlder: true })
  expect(error.message).toContain('run secregd migrate')
  expect(await files(directory)).toEqual(before)
  const { generation } = store
  expect(await inspectStore(directory)).toEqual({ format: 1, state: 'ready', generation })
})

test('what is no store of this version is told apart', async () => {
  const parent = await temporaryDirectory()
  expect(await inspectStore(join(parent, 'absent'))).toBe(undefined)
  expect(await inspectStore(parent)).toBe(undefined)
  expect(await readdir(parent)).toEqual([])
  const directory = join(parent, 'db')
  await (await LevelEngine.open(directory)).close()
  const now = await inspectStore(directory)
  expect(now).toMatchObject({ format: 2, state: 'ready' })
  const path = join(directory, 'FORMAT')
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace('"format":2', '"format":3'))
  for (const work of [
    () => inspectStore(directory),
    () => LevelEngine.open(directory),
    () => migrateStore(directory, { check }),
  ]) {
    const error = await work().catch((each) => each)
    expect(error).toMatchObject({ code: 'ERR_STORAGE_FORMAT', found: 3, isOlder: false })
    expect(error.message).not.toContain('migrate')
  }
  for (const bad of ['{}', text.replace('"format":2', '"format":0'), text.replace(':2', ':"1"')]) {
    await writeFile(path, bad)
    expect(await outcome(() => inspectStore(directory))).toBe('ERR_STORAGE_CORRUPT')
  }
  await mkdir(join(parent, 'other'), { mode: 0o700 })
  await writeFile(join(parent, 'other', 'letter.txt'), 'dear')
  expect(await outcome(() => inspectStore(join(parent, 'other')))).toBe('ERR_STORAGE_FORMAT')
  expect(await outcome(() => migrateStore(join(parent, 'none'), { check }))).toBe(
    'ERR_STORAGE_FORMAT',
  )
  expect(await readdir(parent)).not.toContain('none')
})

describe('a migration', () => {
  test('brings format 1 to this version, and is at its end when run again', async () => {
    const directory = await oldStore()
    const { rows } = store
    expect(await migrateStore(directory, { check })).toEqual({ from: 1, to: 2, rows })
    expect(await migrateStore(directory, { check })).toEqual({ from: 2, to: 2, rows })
    await verifyMigrated(directory)
    for (const name of await readdir(directory)) {
      expect((await stat(join(directory, name))).mode & 0o777, name).toBe(0o600)
    }
  })

  test('finds its check with the help of the rows', async () => {
    const directory = await oldStore()
    let header = ''
    await migrateStore(directory, {
      check: async (read) => {
        header = textOf(read('s/header')) ?? ''
        expect(read('s/none')).toBe(undefined)
        return check
      },
    })
    expect(JSON.parse(header)).toHaveProperty('epochs')
    await verifyMigrated(directory)
    const reason = new Error('a wrong passphrase')
    const failing = migrateStore(directory, { check: () => Promise.reject(reason) })
    await expect(failing).rejects.toBe(reason)
    await verifyMigratedAgain(directory)
  })

  async function verifyMigratedAgain(directory: string): Promise<void> {
    const engine = await LevelEngine.open(directory)
    engine.setCheckKey(check)
    expect((await engine.scrub()).findings).toEqual([])
    await engine.close()
  }

  test('that is dry verifies everything and changes no file', async () => {
    const directory = await oldStore()
    const before = await files(directory)
    const dry = { check, dryRun: true }
    expect(await migrateStore(directory, dry)).toEqual({ from: 1, to: 2, rows: store.rows })
    expect(await files(directory)).toEqual(before)
    expect(await readdir(join(directory, '..'))).toEqual(['db'])
    await Attacker.on(directory, (attacker) => attacker.write('de/app/name', undefined))
    expect(await outcome(() => migrateStore(directory, dry))).toBe('ERR_STORAGE_CORRUPT')
    expect(await readdir(join(directory, '..'))).toEqual(['db'])
    const engine = await LevelEngine.open(join(directory, '..', 'open'))
    onTestFinished(() => engine.close())
    const open = join(directory, '..', 'open')
    expect(await outcome(() => migrateStore(open, dry))).toBe('ERR_STORAGE_LOCKED')
    expect(await outcome(() => migrateStore(open, { check }))).toBe('ERR_STORAGE_LOCKED')
  })

  test('removes the copy of a dry run that was killed, and nothing else in its place', async () => {
    const directory = await oldStore()
    const copy = `${directory}.dry-run`
    await cp(directory, copy, { recursive: true })
    await migrateStore(directory, { check, dryRun: true })
    expect(await readdir(join(directory, '..'))).toEqual(['db'])
    await mkdir(copy)
    await writeFile(join(copy, 'letter.txt'), 'dear')
    for (const dryRun of [true, false]) {
      expect(await outcome(() => migrateStore(directory, { check, dryRun }))).toBe(
        'ERR_STORAGE_UNAVAILABLE',
      )
    }
    expect(await readdir(copy)).toEqual(['letter.txt'])
  })

  test('that was killed at any point is finished by the next', async () => {
    const directory = await oldStore()
    const copies: string[] = []
    const copy = async (): Promise<void> => {
      copies.push(`${directory}-${copies.length}`)
      await cp(directory, copies.at(-1) as string, { recursive: true })
    }
    const openDatabase: MigrateStoreOptions['openDatabase'] = async (path, options) => {
      await copy()
      const db = await openLevel(path, options)
      const write = async (...args: Parameters<typeof db.write>): Promise<void> => {
        await copy()
        await db.write(...args)
        await copy()
      }
      return { ...db, write, close: () => db.close().then(copy) }
    }
    await migrateStore(directory, { check, openDatabase })
    expect(copies.length).toBe(4)
    for (const path of copies) {
      const error = await LevelEngine.open(path).catch((each) => each)
      expect(error).toMatchObject({ found: 1, isOlder: true })
      const dry = await migrateStore(path, { check, dryRun: true })
      expect(dry).toEqual({ from: 1, to: 2, rows: store.rows })
      expect(await migrateStore(path, { check })).toEqual(dry)
      await verifyMigrated(path)
    }
  })

  test('whose write fails, or whose database does not close, leaves a store for the next', async () => {
    const directory = await oldStore()
    for (const point of ['write', 'close'] as const) {
      let failed = false
      const openDatabase: MigrateStoreOptions['openDatabase'] = async (path, options) => {
        const db = await openLevel(path, options)
        const fault = async (): Promise<void> => {
          if (point === 'close') await db.close()
          if (!failed) {
            failed = true
            throw new Error('IO error: 000003.log: No space left on device')
          }
        }
        return { ...db, [point]: fault }
      }
      const options = { check, openDatabase }
      expect(await outcome(() => migrateStore(directory, options)), point).toBe('ERR_STORAGE_FULL')
      expect((await inspectStore(directory))?.format).toBe(1)
    }
    expect(await migrateStore(directory, { check })).toMatchObject({ from: 1, to: 2 })
    await verifyMigrated(directory)
  })

  test('can be stopped before it changes anything', async () => {
    const directory = await oldStore()
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(migrateStore(directory, { check, signal })).rejects.toBe(reason)
    expect(await migrateStore(directory, { check })).toMatchObject({ from: 1 })
  })

  test('of a store that is not there yet, or whose rows carry no tags, needs no check', async () => {
    const parent = await temporaryDirectory()
    const creating = join(parent, 'creating')
    await mkdir(creating, { mode: 0o700 })
    const format = { format: 1, state: 'creating', generation: 'ab'.repeat(16) }
    await writeFile(join(creating, 'FORMAT'), JSON.stringify(format))
    const none = { check: undefined }
    expect(await migrateStore(creating, none)).toEqual({ from: 1, to: 2, rows: 0 })
    const made = await LevelEngine.open(creating)
    expect([made.head, made.generation]).toEqual([0, format.generation])
    await made.close()
    expect((await inspectStore(creating))?.format).toBe(2)

    const plain = join(parent, 'plain')
    const engine = await LevelEngine.open(plain)
    await engine.commit({ ops: [put('a'), put('b')] })
    await engine.close()
    await backToFormat1(plain)
    expect(await outcome(() => migrateStore(plain, { check }))).toBe('ERR_STORAGE_CORRUPT')
    expect(await migrateStore(plain, none)).toEqual({ from: 1, to: 2, rows: 2 })
    const again = await LevelEngine.open(plain)
    expect(await contents(again)).toEqual([
      ['a', 'a'],
      ['b', 'b'],
    ])
    expect((await again.scrub()).findings).toEqual([])
    expect(await again.commit({ ops: [put('c')] })).toEqual({ revision: 2 })
    await again.close()
  })
})

/** Give a store the head and FORMAT that it would have in format 1. */
async function backToFormat1(directory: string): Promise<void> {
  await Attacker.on(directory, (attacker) =>
    attacker.edit('h', (row) => {
      Object.assign(row, { flags: 0, tag: Buffer.alloc(0), value: row.value.subarray(0, 28) })
    }),
  )
  const path = join(directory, 'FORMAT')
  await writeFile(path, (await readFile(path, 'utf8')).replace('"format":2', '"format":1'))
}

describe('a store of format 1 is not migrated', () => {
  const tag = Buffer.alloc(0)
  const attacks: Record<string, (attacker: Attacker) => Promise<void>> = {
    'a row whose value was changed': (attacker) =>
      attacker.edit('de/app/name', ({ value }) => value.writeUInt8(1, value.length - 1)),
    'a row without its tag, under a right sum': async (attacker) => {
      await attacker.edit('dp/role-admin', (row) => Object.assign(row, { flags: 0, tag }))
      await attacker.adaptHead()
    },
    'a row that was moved, under a right sum': async (attacker) => {
      const row = takeApart(await attacker.read('dp/role-admin'))
      await attacker.write('dp/role-auditor', assemble('dp/role-auditor', row))
      await attacker.adaptHead()
    },
    'an older copy of a row, with a valid tag': (attacker) =>
      attacker.edit('de/app/debug', (row) => {
        row.modifyRevision = row.createRevision - 1
        const bytes = assemble('de/app/debug', { ...row, tag: Buffer.alloc(0) })
        row.tag = Buffer.from(check.tag('e/app/debug', bytes.subarray(0, -4)))
      }),
    'a row that is missing': (attacker) => attacker.write('dg/counters', undefined),
    'a row that was inserted, under a right sum': async (attacker) => {
      const parts = {
        flags: 0,
        tag,
        createRevision: 1,
        modifyRevision: 1,
        value: Buffer.from('{}'),
      }
      await attacker.write('dp/mine', assemble('dp/mine', parts))
      await attacker.adaptHead()
    },
    'a change row that is missing': (attacker) =>
      attacker.write(`c${String(store.head).padStart(16, '0')}`, undefined),
    'a head of other numbers': (attacker) =>
      attacker.edit('h', ({ value }) => value.writeUIntBE(store.rows + 1, 16, 6)),
    'a head of another store': (attacker) =>
      attacker.edit('h', ({ value }) => value.fill(1, 0, 16)),
    'a head that is cut short': (attacker) =>
      attacker.edit('h', (row) => Object.assign(row, { value: row.value.subarray(0, 27) })),
    'no head': (attacker) => attacker.write('h', undefined),
  }

  test.each(Object.entries(attacks))('with %s', async (_, attack) => {
    const directory = await oldStore()
    await Attacker.on(directory, attack)
    for (const dryRun of [true, false]) {
      expect(await outcome(() => migrateStore(directory, { check, dryRun }))).toBe(
        'ERR_STORAGE_CORRUPT',
      )
    }
    expect((await inspectStore(directory))?.format).toBe(1)
  })

  test('with damaged files, or one that ends too early', async () => {
    const directory = await oldStore()
    const expectation = { check, expectHeadAtLeast: store.head + 1 }
    expect(await outcome(() => migrateStore(directory, expectation))).toBe(
      'ERR_STORAGE_ROLLED_BACK',
    )
    const table = (await readdir(directory)).find((name) => name.endsWith('.ldb')) as string
    const bytes = await readFile(join(directory, table))
    bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000)
    await writeFile(join(directory, table), bytes)
    expect(await outcome(() => migrateStore(directory, { check }))).toBe('ERR_STORAGE_CORRUPT')
  })

  test('under another check, or none', async () => {
    const directory = await oldStore()
    const wrong = { check: createTestCheck('wrong') }
    expect(await outcome(() => migrateStore(directory, wrong))).toBe('ERR_STORAGE_CORRUPT')
    for (const none of [undefined, async () => undefined]) {
      expect(await outcome(() => migrateStore(directory, { check: none }))).toBe(
        'ERR_STORAGE_UNAVAILABLE',
      )
    }
    await migrateStore(directory, { check })
    expect(await outcome(() => migrateStore(directory, wrong))).toBe('ERR_STORAGE_CORRUPT')
    expect(await outcome(() => migrateStore(directory, { check: undefined }))).toBe(
      'ERR_STORAGE_UNAVAILABLE',
    )
  })

  test('when its migration was interrupted and its rows were changed then', async () => {
    const directory = await oldStore()
    const old = await Attacker.on(directory, (attacker) => attacker.read('de/app/name'))
    await migrateStore(directory, { check })
    const engine = await LevelEngine.open(directory)
    engine.setCheckKey(check)
    await engine.commit({ ops: [put('e/app/name', 'newer')] })
    await engine.close()
    const path = join(directory, 'FORMAT')
    await writeFile(path, (await readFile(path, 'utf8')).replace('"format":2', '"format":1'))
    expect(await migrateStore(directory, { check, dryRun: true })).toMatchObject({ from: 1 })
    await Attacker.on(directory, async (attacker) => {
      await attacker.write('de/app/name', old)
      await attacker.forgetChanges(store.head + 1)
    })
    await expect(migrateStore(directory, { check })).rejects.toThrow(/older copies of themselves/)
  })

  test('when it is one that was not loaded to the end', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const rows = (async function* () {
      yield* []
      throw new Error('source')
    })()
    await loadStore(directory, { rows, revision: 1, check }).catch(() => {})
    expect(await outcome(() => migrateStore(directory, { check }))).toBe('ERR_STORAGE_UNAVAILABLE')
  })
})
