import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isStorageError, LevelEngine, type RowCheck, type ScrubFinding } from '@secreg/storage'
import { createTestCheck } from '@secreg/storage/testing'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Attacker, assemble, seal, takeApart } from './attacker.ts'
import { put, remove, temporaryDirectory } from './stores.ts'

const check: RowCheck = createTestCheck('tampering', undefined, (key) => /^[ap]\//.test(key))
const SPACES = [
  { gte: 'a/', lt: 'a0' },
  { gte: 'p/', lt: 'p0' },
]

/** Moments of one store that the attacker has copies of. */
interface Moments {
  /** Revision 1: everything as it was first. */
  readonly first: string
  /** Revision 3: the state that is attacked, except for two commits that change nothing of it. */
  readonly last: string
}

let parent: string
let moments: Moments

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'storage-tampering-'))
  const directory = join(parent, 'db')
  const life = async (work: (engine: LevelEngine) => Promise<void>): Promise<void> => {
    const engine = await LevelEngine.open(directory)
    engine.setCheckKey(check)
    await work(engine)
    await engine.close()
  }
  await life(async (engine) => {
    await engine.commit({
      ops: [
        put('a/alice', 'admin'),
        put('a/bob', 'x'),
        put('p/web', 'allow'),
        put('p/kept'),
      ].concat([put('e/x', 'old'), put('e/gone'), put('e/too'), put('e/kept')]),
    })
  })
  await cp(directory, `${directory}-first`, { recursive: true })
  await life(async (engine) => {
    await engine.commit({ ops: [put('p/web', 'deny'), put('e/x', 'new')] })
    await engine.commit({
      ops: [put('a/alice', 'user'), remove('a/bob'), remove('e/gone'), remove('e/too')],
    })
  })
  // What is verified at open is only what came after the life before.
  await life(async (engine) => void (await engine.commit({ ops: [put('e/later')] })))
  await life(async (engine) => void (await engine.commit({ ops: [put('e/latest')] })))
  moments = { first: `${directory}-first`, last: directory }
})

afterAll(() => rm(parent, { recursive: true }))

/** Rows as the attacker kept them from the first commit. */
function before(storageKey: string): Promise<Buffer> {
  return Attacker.on(moments.first, (attacker) => attacker.read(storageKey))
}

interface Outcome {
  /** Where it was noticed before anything was read for anybody. */
  readonly refusedAt: 'open' | 'check' | 'guarded' | undefined
  readonly message: string
  readonly findings: readonly ScrubFinding[]
}

let copies = 0

/** Attack a copy of the last moment, and open it as a daemon does that is unsealed. */
async function attacked(attack: (attacker: Attacker, directory: string) => Promise<void>) {
  const directory = `${await temporaryDirectory()}/db-${++copies}`
  await cp(moments.last, directory, { recursive: true })
  await Attacker.on(directory, (attacker) => attack(attacker, directory))
  return directory
}

async function outcomeOf(directory: string): Promise<Outcome> {
  let refusedAt: Outcome['refusedAt'] = 'open'
  let engine: LevelEngine | undefined
  let findings: readonly ScrubFinding[] = []
  try {
    engine = await LevelEngine.open(directory)
    refusedAt = 'check'
    engine.setCheckKey(check)
    findings = (await engine.scrub()).findings
    refusedAt = 'guarded'
    await engine.verifyGuarded(SPACES)
    return { refusedAt: undefined, message: '', findings }
  } catch (error) {
    if (!isStorageError(error, 'ERR_STORAGE_CORRUPT')) throw error
    return { refusedAt, message: error.message, findings }
  } finally {
    await engine?.close()
  }
}

const subjects = (findings: readonly ScrubFinding[]) => findings.map(({ subject }) => subject)

test('what nobody has attacked is accepted', async () => {
  const directory = await attacked(async () => {})
  expect(await outcomeOf(directory)).toEqual({ refusedAt: undefined, message: '', findings: [] })
})

describe('a row that is not as it was written, with a right checksum', () => {
  test.each(['flags', 'createRevision', 'modifyRevision', 'value', 'tag'] as const)(
    'changed in its %s',
    async (part) => {
      const directory = await attacked((attacker) =>
        attacker.edit('dp/web', (row) => {
          const { [part]: field } = row
          if (typeof field !== 'number') field[0] = (field[0] as number) ^ 1
          else if (part === 'flags') Object.assign(row, { flags: 0, tag: Buffer.alloc(0) })
          else Object.assign(row, { [part]: field - 1 })
        }),
      )
      const { refusedAt, message, findings } = await outcomeOf(directory)
      expect([refusedAt, subjects(findings)]).toEqual(['guarded', ['p/web']])
      expect(message).toContain('row "p/web": authentication')
      const engine = await LevelEngine.open(directory)
      onTestFinished(() => engine.close())
      engine.setCheckKey(check)
      expect(() => engine.get('p/web')).toThrow(/row "p\/web": authentication/)
    },
  )

  test('exchanged with another', async () => {
    const directory = await attacked(async (attacker) => {
      const [a, b] = [await attacker.read('dp/web'), await attacker.read('dp/kept')]
      await attacker.write('dp/web', assemble('dp/web', takeApart(b)))
      await attacker.write('dp/kept', assemble('dp/kept', takeApart(a)))
      await attacker.adaptHead()
    })
    expect(await outcomeOf(directory)).toMatchObject({ refusedAt: 'check' })
    const quiet = await attacked(async (attacker) => {
      const [a, b] = [await attacker.read('dp/web'), await attacker.read('dp/kept')]
      await attacker.write('dp/web', assemble('dp/web', takeApart(b)))
      await attacker.write('dp/kept', assemble('dp/kept', takeApart(a)))
    })
    const { refusedAt, message, findings } = await outcomeOf(quiet)
    expect([refusedAt, subjects(findings).slice(0, 2)]).toEqual(['guarded', ['p/kept', 'p/web']])
    expect(message).toContain('row "p/kept": authentication failed')
  })

  test('moved to another key', async () => {
    const directory = await attacked(async (attacker) => {
      const row = takeApart(await attacker.read('da/alice'))
      await attacker.write('da/mallory', assemble('da/mallory', row))
    })
    const { refusedAt, message } = await outcomeOf(directory)
    expect(refusedAt).toBe('guarded')
    expect(message).toContain('row "a/mallory": authentication failed')
  })

  test('inserted without a tag', async () => {
    const directory = await attacked(async (attacker) => {
      const none = { flags: 0, tag: Buffer.alloc(0), createRevision: 2, modifyRevision: 2 }
      const value = Buffer.from('admin')
      await attacker.write('da/mallory', assemble('da/mallory', { ...none, value }))
    })
    const { refusedAt, message } = await outcomeOf(directory)
    expect(refusedAt).toBe('guarded')
    expect(message).toContain('row "a/mallory": authentication tag missing')
  })
})

type Attack = (attacker: Attacker) => Promise<void>

/** What can be done with rows that carry valid tags, and how the history names it. */
const REPLAYS: Record<string, [Attack, subject: string, detail: string]> = {
  'a policy replaced by its older copy': [
    async (attacker) => attacker.write('dp/web', await before('dp/web')),
    'p/web',
    'was written at revision 2 and is as revision 1 left it',
  ],
  'an account replaced by its older copy': [
    async (attacker) => attacker.write('da/alice', await before('da/alice')),
    'a/alice',
    'was written at revision 3 and is as revision 1 left it',
  ],
  'an account removed': [
    (attacker) => attacker.write('da/alice', undefined),
    'a/alice',
    'was written at revision 3 and is missing',
  ],
  'a deleted account put back': [
    async (attacker) => attacker.write('da/bob', await before('da/bob')),
    'a/bob',
    'was deleted at revision 3 and is there again, as revision 1 left it',
  ],
  'an entry replaced by its older copy': [
    async (attacker) => attacker.write('de/x', await before('de/x')),
    'e/x',
    'was written at revision 2 and is as revision 1 left it',
  ],
  'an entry removed': [
    (attacker) => attacker.write('de/x', undefined),
    'e/x',
    'was written at revision 2 and is missing',
  ],
  'a deleted entry put back': [
    async (attacker) => attacker.write('de/gone', await before('de/gone')),
    'e/gone',
    'was deleted at revision 3 and is there again, as revision 1 left it',
  ],
}

describe.each(Object.entries(REPLAYS))('%s', (_, [attack, subject, detail]) => {
  const guarded = /^[ap]/.test(subject)

  test('is named by the change history', async () => {
    const { refusedAt, message, findings } = await outcomeOf(await attacked(attack))
    expect(findings).toContainEqual({ kind: 'stale', subject, detail })
    expect(findings.filter(({ kind }) => kind === 'stale').length).toBe(1)
    expect(refusedAt).toBe(guarded ? 'guarded' : undefined)
    if (guarded) expect(message).toBe(`row "${subject}" ${detail}`)
  })

  test('is refused without the change history too', async () => {
    const directory = await attacked(async (attacker) => {
      await attack(attacker)
      await attacker.forgetChanges(4)
    })
    const { refusedAt, message, findings } = await outcomeOf(directory)
    expect(findings.map(({ kind }) => kind)).toContain('stale')
    expect(refusedAt).toBe(guarded ? 'guarded' : undefined)
    if (guarded) expect(message).toContain('removed, inserted, or replaced by an older copy')
  })

  test('is refused at the head where number and sum of rows were adapted', async () => {
    const directory = await attacked(async (attacker) => {
      await attack(attacker)
      await attacker.adaptHead()
    })
    const { refusedAt, message } = await outcomeOf(directory)
    expect([refusedAt, message]).toEqual(['check', 'the head row: authentication failed'])
  })

  test('stays to be found when the row is written over', async () => {
    const directory = await attacked(attack)
    const engine = await LevelEngine.open(directory)
    onTestFinished(() => engine.close())
    engine.setCheckKey(check)
    await engine.commit({ ops: [put(subject, 'over')] })
    const { findings } = await engine.scrub()
    expect(findings.map(({ kind }) => kind)).toContain('stale')
    if (guarded) await expect(engine.verifyGuarded(SPACES)).rejects.toThrow(/removed, inserted/)
    else await engine.verifyGuarded(SPACES)
  })
})

describe('the head', () => {
  test('with any bit of any byte changed is refused, whatever its checksum', async () => {
    const whole = await Attacker.on(moments.last, (attacker) => attacker.read('h'))
    const directory = await attacked(async () => {})
    for (let at = 0; at < whole.length - 4; at++) {
      const body = Buffer.from(whole.subarray(0, whole.length - 4))
      body[at] = (body[at] as number) ^ (1 << (at % 8))
      await Attacker.on(directory, (attacker) => attacker.write('h', seal('h', body)))
      const { refusedAt } = await outcomeOf(directory)
      expect(['open', 'check'], `byte ${at}`).toContain(refusedAt)
    }
  })

  test('without its tag, or of a new store, is refused', async () => {
    const bare = await attacked((attacker) =>
      attacker.edit('h', (row) => Object.assign(row, { flags: 0, tag: Buffer.alloc(0) })),
    )
    expect(await outcomeOf(bare)).toMatchObject({
      refusedAt: 'check',
      message: 'the head row: authentication tag missing',
    })
    const fresh = await attacked(async (attacker) => {
      await attacker.edit('h', (row) => {
        Object.assign(row, { flags: 0, tag: Buffer.alloc(0), createRevision: 0, modifyRevision: 0 })
        row.value.fill(0, 16)
      })
      await attacker.forgetChanges(99)
      await attacker.mark('mtrimmed', 0)
      await attacker.mark('mcheckpoint', 0)
    })
    expect(await outcomeOf(fresh)).toMatchObject({
      refusedAt: 'open',
      message: 'there are rows that no commit has written',
    })
  })

  test('replaced by its older copy is refused at open by the changes after it', async () => {
    const directory = await attacked(async (attacker) => attacker.write('h', await before('h')))
    expect(await outcomeOf(directory)).toMatchObject({ refusedAt: 'open' })
  })

  test('replaced by its older copy, with every trace of later commits but the rows removed', async () => {
    const head = await before('h')
    const directory = await attacked(async (attacker) => {
      await attacker.write('h', head)
      await attacker.forgetChanges(99)
      await attacker.mark('mtrimmed', 1)
      await attacker.mark('mcheckpoint', 1)
    })
    const { refusedAt, message, findings } = await outcomeOf(directory)
    expect([refusedAt, message]).toEqual(['guarded', 'row "a/alice" is newer than the head'])
    expect(subjects(findings)).toEqual(expect.arrayContaining(['a/alice', 'p/web', 'e/x', 'rows']))
  })

  test('that is the latest over rows that are all older', async () => {
    const old = await Attacker.on(moments.first, (attacker) => attacker.all('d', 'e'))
    const directory = await attacked(async (attacker) => {
      for (const key of (await attacker.all('d', 'e')).keys()) await attacker.write(key, undefined)
      for (const [key, bytes] of old) await attacker.write(key, bytes)
      await attacker.forgetChanges(4)
      await attacker.mark('mcheckpoint', 5)
    })
    const { refusedAt, message, findings } = await outcomeOf(directory)
    expect(refusedAt).toBe('guarded')
    expect(message).toContain('removed, inserted, or replaced by an older copy')
    expect(subjects(findings)).toEqual(['rows', 'e/latest'])
  })

  test('of another store under the same key does not go with these rows', async () => {
    const other = join(await temporaryDirectory(), 'other')
    const engine = await LevelEngine.open(other)
    engine.setCheckKey(check)
    for (let i = 0; i < 5; i++) await engine.commit({ ops: [put('p/web', `allow ${i}`)] })
    await engine.close()
    const format = await readFile(join(other, 'FORMAT'))
    const head = await Attacker.on(other, (attacker) => attacker.read('h'))
    const directory = await attacked(async (attacker) => attacker.write('h', head))
    expect(await outcomeOf(directory)).toMatchObject({ refusedAt: 'open' })
    await writeFile(join(directory, 'FORMAT'), format)
    const { refusedAt, findings } = await outcomeOf(directory)
    expect([refusedAt, subjects(findings)]).toEqual(['guarded', expect.arrayContaining(['rows'])])
  })
})

test('a row of another life of the store that the history does not know is named', async () => {
  const directory = await temporaryDirectory()
  const stores = [join(directory, 'one'), join(directory, 'two')]
  for (const [i, path] of stores.entries()) {
    const engine = await LevelEngine.open(path)
    engine.setCheckKey(check)
    await engine.commit({ ops: [put('p/web', 'deny')] })
    await engine.commit({ ops: [put(i === 0 ? 'e/a' : 'a/mallory')] })
    await engine.commit({ ops: [put('e/b')] })
    await engine.close()
  }
  const [one, two] = stores as [string, string]
  const row = await Attacker.on(two, (attacker) => attacker.read('da/mallory'))
  await Attacker.on(one, (attacker) => attacker.write('da/mallory', row))
  const { refusedAt, message, findings } = await outcomeOf(one)
  const detail = 'is said to be of revision 2, which did not write it'
  expect([refusedAt, message]).toEqual(['guarded', `row "a/mallory" ${detail}`])
  expect(findings).toContainEqual({ kind: 'stale', subject: 'a/mallory', detail })
})

test('a history that was changed to excuse an older row does not excuse it', async () => {
  const directory = await attacked(async (attacker) => {
    await attacker.write('dp/web', await before('dp/web'))
    // The commit that wrote it over is said to have written nothing.
    await attacker.edit('c0000000000000002', (row) => {
      row.value = Buffer.alloc(5)
    })
  })
  const { refusedAt, message, findings } = await outcomeOf(directory)
  expect(refusedAt).toBe('guarded')
  expect(message).toMatch(/p\/web|removed, inserted/)
  expect(findings.length).toBeGreaterThan(0)
})
