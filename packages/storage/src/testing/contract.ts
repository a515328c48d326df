/**
 * The contract suite: what every engine must do. Framework-neutral; pass the test functions in.
 *
 * ```ts
 * runEngineContract('memory', async () => ({ engine: new MemoryEngine() }), { describe, test })
 * ```
 */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import type { Change, Engine, KeyedRow, Range, RowCheck } from '../engine.ts'
import { isStorageError, type PreconditionError, type StorageErrorCode } from '../errors.ts'

export interface ContractFramework {
  readonly describe: (name: string, body: () => void) => void
  readonly test: (name: string, body: () => Promise<void>) => void
}

export interface ContractSubject {
  readonly engine: Engine
  /** Close and open again on the same data; absent when data ends with the engine. */
  reopen?(): Promise<Engine>
  dispose?(): Promise<void>
}

export type ContractFactory = () => Promise<ContractSubject>

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

const put = (key: string, value = key): { type: 'put'; key: string; value: Uint8Array } => ({
  type: 'put',
  key,
  value: text(value),
})

const remove = (key: string): { type: 'delete'; key: string } => ({ type: 'delete', key })

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function keysOf(engine: { iterate: Engine['iterate'] }, range: Range): Promise<string[]> {
  return (await collect<KeyedRow>(engine.iterate(range))).map(({ key }) => key)
}

async function rejects(work: () => unknown, code: StorageErrorCode): Promise<Error> {
  try {
    await work()
  } catch (error) {
    assert.ok(isStorageError(error, code), `expected ${code}, got ${String(error)}`)
    return error
  }
  return assert.fail(`expected ${code}`)
}

/** A tag that depends on key, row and secret; stands for the keyed check of an unsealed store. */
export function createTestCheck(
  secret: string,
  covers?: (key: string) => boolean,
  guards?: (key: string) => boolean,
): RowCheck {
  const tag = (key: string, row: Uint8Array): Uint8Array =>
    createHmac('sha256', secret)
      .update(`${Buffer.byteLength(key)}:${key}`)
      .update(row)
      .digest()
      .subarray(0, 16)
  return {
    tag,
    ...(covers === undefined ? {} : { covers }),
    ...(guards === undefined ? {} : { guards }),
  }
}

/** One-byte to four-byte characters around the places where UTF-16 order differs from UTF-8's. */
export const ORDERED_KEYS: readonly string[] = [
  '\u0000',
  '\u0000\u0000',
  ' ',
  '/a',
  '/a/b',
  '/a0',
  'z',
  'z\u0000',
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\ue000\u{10000}',
  '\uf8ff',
  '\ufffd',
  '\uffff',
  '\uffff\uffff',
  '\u{10000}',
  '\u{10000}a',
  '\u{1f600}',
  '\u{10ffff}',
]

/** Define all tests of the contract; each makes its own engine. */
export function runEngineContract(
  name: string,
  factory: ContractFactory,
  { describe, test }: ContractFramework,
): void {
  const using = (title: string, body: (subject: ContractSubject) => Promise<void>): void => {
    test(title, async () => {
      const subject = await factory()
      try {
        await body(subject)
      } finally {
        await subject.engine.close()
        await subject.dispose?.()
      }
    })
  }

  describe(`${name}: engine contract`, () => {
    using('starts empty', async ({ engine }) => {
      assert.equal(engine.head, 0)
      assert.equal(engine.state, 'open')
      assert.match(engine.generation, /^[0-9a-f]{32}$/)
      assert.equal(await engine.get('a'), undefined)
      assert.deepEqual(await keysOf(engine, {}), [])
      assert.deepEqual(await collect(engine.changes(0)), [])
    })

    using('keeps rows with their revisions', async ({ engine }) => {
      assert.deepEqual(await engine.commit({ ops: [put('a', '1'), put('b', '')] }), { revision: 1 })
      assert.deepEqual(await engine.commit({ ops: [put('a', '2')] }), { revision: 2 })
      const row = await engine.get('a')
      assert.deepEqual([row?.createRevision, row?.modifyRevision], [1, 2])
      assert.deepEqual(Buffer.from(row?.value ?? []).toString(), '2')
      assert.equal((await engine.get('b'))?.value.length, 0)
      await engine.commit({ ops: [remove('a')] })
      assert.equal(await engine.get('a'), undefined)
      await engine.commit({ ops: [put('a', '3')] })
      const again = await engine.get('a')
      assert.deepEqual([again?.createRevision, again?.modifyRevision], [4, 4])
      assert.equal(engine.head, 4)
    })

    using('a row that is known to be new is like any other', async ({ engine }) => {
      await engine.commit({ ops: [put('a')] })
      await engine.commit({ ops: [{ ...put('b', '1'), fresh: true }] })
      const row = await engine.get('b')
      assert.deepEqual([row?.createRevision, row?.modifyRevision], [2, 2])
      await engine.commit({ ops: [put('b', '2'), remove('a')] })
      assert.equal((await engine.get('b'))?.createRevision, 2)
      assert.deepEqual(await keysOf(engine, {}), ['b'])
      assert.deepEqual((await engine.scrub()).findings, [])
    })

    using('returns many rows in the order asked for', async ({ engine }) => {
      await engine.commit({ ops: [put('a'), put('c')] })
      const rows = await engine.getMany(['c', 'b', 'a', 'c'])
      assert.deepEqual(
        rows.map((row) => row && Buffer.from(row.value).toString()),
        ['c', undefined, 'a', 'c'],
      )
    })

    using('returns the same row object while the row is unchanged', async ({ engine }) => {
      await engine.commit({ ops: [put('a'), put('b')] })
      const first = await engine.get('a')
      await engine.commit({ ops: [put('b', '2')] })
      assert.equal(await engine.get('a'), first)
      await engine.commit({ ops: [put('a')] })
      assert.notEqual(await engine.get('a'), first)
    })

    using('does not share memory with the caller of a commit', async ({ engine }) => {
      const value = text('abc')
      const change = text('xyz')
      await engine.commit({ ops: [{ type: 'put', key: 'a', value }], change })
      value.fill(0)
      change.fill(0)
      assert.equal(Buffer.from((await engine.get('a'))?.value ?? []).toString(), 'abc')
      const [stored] = await collect(engine.changes(0))
      assert.equal(Buffer.from(stored?.payload ?? []).toString(), 'xyz')
    })

    using('checks preconditions atomically', async ({ engine }) => {
      await engine.commit({ ops: [put('a')], preconditions: [{ key: 'a', modifyRevision: 0 }] })
      const failing = { ops: [put('b'), put('a', '2')] }
      for (const modifyRevision of [0, 2]) {
        const error = (await rejects(
          () => engine.commit({ ...failing, preconditions: [{ key: 'a', modifyRevision }] }),
          'ERR_STORAGE_PRECONDITION',
        )) as PreconditionError
        assert.deepEqual([error.key, error.found], ['a', 1])
      }
      assert.equal(engine.head, 1)
      assert.equal(await engine.get('b'), undefined)
      await engine.commit({ ...failing, preconditions: [{ key: 'a', modifyRevision: 1 }] })
      assert.equal((await engine.get('b'))?.createRevision, 2)
    })

    using('lets exactly one of many racing commits win', async ({ engine }) => {
      const race = Array.from({ length: 20 }, (_, i) =>
        engine
          .commit({ ops: [put('a', String(i))], preconditions: [{ key: 'a', modifyRevision: 0 }] })
          .then(
            () => i,
            () => undefined,
          ),
      )
      const winners = (await Promise.all(race)).filter((each) => each !== undefined)
      assert.equal(winners.length, 1)
      assert.equal(Buffer.from((await engine.get('a'))?.value ?? []).toString(), String(winners[0]))
    })

    using('gives commits made together consecutive revisions in order', async ({ engine }) => {
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, i) => engine.commit({ ops: [put(`k${i}`)] })),
      )
      assert.deepEqual(
        results.map(({ revision }) => revision),
        Array.from({ length: 30 }, (_, i) => i + 1),
      )
      assert.equal((await engine.get('k7'))?.modifyRevision, 8)
    })

    using('orders keys by their UTF-8 bytes', async ({ engine }) => {
      await engine.commit({ ops: [...ORDERED_KEYS].reverse().map((key) => put(key)) })
      const keys = await keysOf(engine, {})
      assert.deepEqual(keys, ORDERED_KEYS)
      const bytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      assert.deepEqual(keys, bytes)
      assert.deepEqual(await keysOf(engine, { reverse: true }), [...ORDERED_KEYS].reverse())
    })

    using('honours bounds, direction and limit', async ({ engine }) => {
      await engine.commit({ ops: ORDERED_KEYS.map((key) => put(key)) })
      const indexes = [0, 3, 12, 13, 17, 19, 22]
      for (const from of indexes) {
        for (const to of indexes) {
          const [low, high] = [ORDERED_KEYS[from] as string, ORDERED_KEYS[to] as string]
          const half = ORDERED_KEYS.slice(from, Math.max(from, to))
          assert.deepEqual(await keysOf(engine, { gte: low, lt: high }), half)
          const open = ORDERED_KEYS.slice(from + 1, Math.max(from, to) + 1)
          const expected = to < from ? [] : open
          assert.deepEqual(await keysOf(engine, { gt: low, lte: high }), expected)
          const reverse = { reverse: true, gt: low, lte: high }
          assert.deepEqual(await keysOf(engine, reverse), [...expected].reverse())
        }
      }
      assert.deepEqual(await keysOf(engine, { limit: 2 }), ORDERED_KEYS.slice(0, 2))
      assert.deepEqual(await keysOf(engine, { limit: 0 }), [])
      assert.deepEqual(await keysOf(engine, { reverse: true, limit: 1 }), ['\u{10ffff}'])
      assert.deepEqual(await keysOf(engine, { gte: '' }), ORDERED_KEYS)
    })

    using('pages, steps and seeks', async ({ engine }) => {
      const keys = Array.from({ length: 1000 }, (_, i) => `k${String(i).padStart(4, '0')}`)
      await engine.commit({ ops: keys.map((key) => put(key)) })
      const iterator = engine.iterate({ gte: 'k0010', lt: 'k0900' })
      assert.equal((await iterator.next())?.key, 'k0010')
      assert.deepEqual(
        (await iterator.nextPage(300)).map(({ key }) => key),
        keys.slice(11, 311),
      )
      iterator.seek('k0850x')
      assert.equal((await iterator.next())?.key, 'k0851')
      iterator.seek('k0020')
      assert.equal((await iterator.next())?.key, 'k0020')
      iterator.seek('k0899')
      assert.deepEqual((await iterator.nextPage(5)).length, 1)
      assert.deepEqual(await iterator.nextPage(5), [])
      assert.equal(await iterator.next(), undefined)
      iterator.seek('k0950')
      assert.equal(await iterator.next(), undefined)
      iterator.seek('k0020')
      await iterator.close()
      await iterator.close()
      assert.equal(await iterator.next(), undefined)
      assert.deepEqual(await iterator.nextPage(1), [])
      const reverse = engine.iterate({ reverse: true, limit: 3 })
      reverse.seek('k0500x')
      assert.deepEqual(
        (await reverse.nextPage(10)).map(({ key }) => key),
        ['k0500', 'k0499', 'k0498'],
      )
      await reverse.close()
    })

    using('iterates over the state at the start of the iteration', async ({ engine }) => {
      await engine.commit({ ops: [put('a', '1'), put('b', '1'), put('c', '1')] })
      const iterator = engine.iterate({})
      await engine.commit({ ops: [put('a', '2'), remove('b'), put('bb', '2')] })
      const rows = await collect<KeyedRow>(iterator)
      assert.deepEqual(
        rows.map(({ key, value }) => [key, Buffer.from(value).toString()]),
        [
          ['a', '1'],
          ['b', '1'],
          ['c', '1'],
        ],
      )
    })

    using('snapshots keep their revision', async ({ engine }) => {
      await engine.commit({ ops: [put('a', '1'), put('b', '1'), put('c', '1')] })
      const snapshot = engine.snapshot()
      const during = engine.commit({ ops: [put('a', '2'), remove('b'), put('d')] })
      const early = engine.snapshot()
      await during
      assert.equal(snapshot.revision, 1)
      assert.equal((await snapshot.get('a'))?.modifyRevision, 1)
      assert.equal((await snapshot.get('b'))?.modifyRevision, 1)
      assert.equal((await snapshot.get('c'))?.modifyRevision, 1)
      assert.equal(await snapshot.get('d'), undefined)
      assert.deepEqual(await keysOf(snapshot, {}), ['a', 'b', 'c'])
      assert.equal((await early.get('a'))?.modifyRevision, early.revision)
      assert.equal((await early.get('b')) === undefined, early.revision === 2)
      const [b, d] = await snapshot.getMany(['b', 'd'])
      assert.deepEqual([b?.createRevision, d], [1, undefined])
      await snapshot.close()
      await snapshot.close()
      await early.close()
    })

    using('keeps one change per commit', async ({ engine }) => {
      await engine.commit({ ops: [put('a'), put('\u{1f600}')], change: text('first') })
      await engine.commit({ ops: [], change: text('') })
      await engine.commit({ ops: [remove('a')] })
      const changes = await collect<Change>(engine.changes(0))
      assert.deepEqual(
        changes.map(({ revision, keys, payload }) => [
          revision,
          keys,
          payload && Buffer.from(payload).toString(),
        ]),
        [
          [1, ['a', '\u{1f600}'], 'first'],
          [2, [], ''],
          [3, ['a'], undefined],
        ],
      )
      assert.deepEqual((await collect(engine.changes(2))).length, 1)
      assert.deepEqual(await collect(engine.changes(3)), [])
      assert.deepEqual(await collect(engine.changes(9)), [])
    })

    using('trims changes', async ({ engine }) => {
      for (let i = 0; i < 5; i++) await engine.commit({ ops: [put('a', String(i))] })
      assert.equal(engine.trimmed, 0)
      await engine.trimChanges(3)
      await engine.trimChanges(2)
      assert.equal(engine.trimmed, 3)
      await rejects(() => collect(engine.changes(2)), 'ERR_STORAGE_TRIMMED')
      assert.deepEqual(
        (await collect<Change>(engine.changes(3))).map(({ revision }) => revision),
        [4, 5],
      )
      await engine.trimChanges(99)
      assert.equal(engine.trimmed, 5)
      assert.deepEqual(await collect(engine.changes(5)), [])
      await engine.commit({ ops: [put('a')] })
      assert.deepEqual((await collect<Change>(engine.changes(5)))[0]?.revision, 6)
    })

    using(
      'shows nothing of a large commit before its end, and keeps the order',
      async ({ engine }) => {
        await engine.commit({ ops: [put('k0', 'old'), put('k1', 'old'), put('other')] })
        const ops = Array.from({ length: 5000 }, (_, i) => put(`k${i}`, 'new'))
        let settled = false
        const large = engine.commit({ ops: [...ops, remove('other')] }).finally(() => {
          settled = true
        })
        const small = engine.commit({ ops: [put('k1', 'newer')] })
        while (!settled) {
          await new Promise((resume) => setImmediate(resume))
          const [done, first] = [engine.head > 1, await engine.get('k0')]
          if (engine.head > 1 !== done) continue
          assert.deepEqual(first?.value, text(done ? 'new' : 'old'))
          assert.equal((await engine.get('k4999')) !== undefined, engine.head > 1)
        }
        assert.deepEqual(await Promise.all([large, small]), [{ revision: 2 }, { revision: 3 }])
        assert.deepEqual((await engine.get('k1'))?.value, text('newer'))
        assert.equal(await engine.get('other'), undefined)
        assert.equal(engine.stats().rows, 5000)
        const changes = await collect<Change>(engine.changes(1))
        assert.deepEqual(
          changes.map(({ keys }) => keys.length),
          [5001, 1],
        )
      },
    )

    using('refuses what is over its limits or malformed', async ({ engine }) => {
      const { maxKeyBytes, maxValueBytes, maxOps } = engine.limits
      const value = text('v')
      const tooLong = '\u20ac'.repeat(Math.floor(maxKeyBytes / 3) + 1)
      await rejects(() => engine.commit({ ops: [put(tooLong)] }), 'ERR_STORAGE_LIMIT')
      await rejects(() => engine.get(tooLong), 'ERR_STORAGE_LIMIT')
      const big = new Uint8Array(maxValueBytes + 1)
      await rejects(
        () => engine.commit({ ops: [{ type: 'put', key: 'a', value: big }] }),
        'ERR_STORAGE_LIMIT',
      )
      const many = Array.from({ length: maxOps + 1 }, (_, i) => put(`k${i}`))
      await rejects(() => engine.commit({ ops: many }), 'ERR_STORAGE_LIMIT')
      for (const key of ['', '\ud800', 'a\udc00b', 7]) {
        const ops = [{ type: 'put' as const, key: key as string, value }]
        await assert.rejects(() => engine.commit({ ops }), TypeError)
        await assert.rejects(async () => engine.get(key as string), TypeError)
      }
      await assert.rejects(() => engine.commit({ ops: [put('a'), remove('a')] }), TypeError)
      await assert.rejects(
        () => engine.commit({ ops: [{ type: 'put', key: 'a', value: 'x' as never }] }),
        TypeError,
      )
      await assert.rejects(() => engine.commit({ ops: [{ type: 'x' } as never] }), TypeError)
      await assert.rejects(
        () => engine.commit({ ops: [], preconditions: [{ key: 'a', modifyRevision: -1 }] }),
        RangeError,
      )
      await assert.rejects(async () => engine.iterate({ limit: -1 }), RangeError)
      await assert.rejects(async () => engine.iterate({ gt: 'a', gte: 'a' }), TypeError)
      assert.equal(engine.head, 0)
      await engine.commit({ ops: [put('k'.repeat(maxKeyBytes))] })
      assert.equal(engine.head, 1)
    })

    using('is set up under a check from its first commit on, or not at all', async ({ engine }) => {
      await engine.commit({ ops: [put('plain')] })
      const error = await rejects(
        () => engine.setCheckKey(createTestCheck('late')),
        'ERR_STORAGE_CORRUPT',
      )
      assert.match(error.message, /head/)
      assert.ok(await engine.get('plain'))
      assert.deepEqual(await engine.commit({ ops: [remove('plain')] }), { revision: 2 })
      await rejects(() => engine.setCheckKey(createTestCheck('late')), 'ERR_STORAGE_CORRUPT')
    })

    using('demands the tag of the check that is set', async ({ engine }) => {
      const check = createTestCheck('one', (key) => !key.startsWith('open/'))
      engine.setCheckKey(check)
      await engine.commit({ ops: [put('keyed'), put('open/x')] })
      await engine.commit({ ops: [put('keyed'), put('open/y')] })
      const row = await engine.get('keyed')
      assert.equal(await engine.get('keyed'), row)
      engine.setCheckKey(undefined)
      assert.equal(Buffer.from((await engine.get('keyed'))?.value ?? []).toString(), 'keyed')
      for (const secret of ['two', 'One']) {
        await rejects(() => engine.setCheckKey(createTestCheck(secret)), 'ERR_STORAGE_CORRUPT')
      }
      // What was refused has not been set.
      assert.ok(await engine.get('keyed'))
      engine.setCheckKey(check)
      assert.ok(await engine.get('keyed'))
      await rejects(
        () => engine.setCheckKey(createTestCheck('one, but for another')),
        'ERR_STORAGE_CORRUPT',
      )
      assert.deepEqual(await keysOf(engine, {}), ['keyed', 'open/x', 'open/y'])
      assert.deepEqual((await engine.scrub()).findings, [])
      // All rows covered: those that were not are missed at once.
      engine.setCheckKey(createTestCheck('one'))
      await rejects(() => engine.get('open/y'), 'ERR_STORAGE_CORRUPT')
      await rejects(() => keysOf(engine, {}), 'ERR_STORAGE_CORRUPT')
      const { findings } = await engine.scrub()
      assert.deepEqual(
        findings.map(({ kind, subject }) => [kind, subject]),
        [
          ['row', 'open/x'],
          ['row', 'open/y'],
        ],
      )
    })

    using('is not written without the check that it was written under', async ({ engine }) => {
      const check = createTestCheck('one')
      engine.setCheckKey(check)
      engine.setCheckKey(undefined)
      engine.setCheckKey(createTestCheck('tried, and never used'))
      engine.setCheckKey(check)
      await engine.commit({ ops: [put('a')] })
      engine.setCheckKey(undefined)
      const many = Array.from({ length: 1000 }, (_, i) => put(`k${i}`))
      await rejects(() => engine.commit({ ops: [put('a', '2')] }), 'ERR_STORAGE_UNAVAILABLE')
      await rejects(() => engine.commit({ ops: many }), 'ERR_STORAGE_UNAVAILABLE')
      assert.equal(engine.head, 1)
      engine.setCheckKey(check)
      assert.deepEqual(await engine.commit({ ops: many }), { revision: 2 })
      assert.deepEqual((await engine.scrub()).findings, [])
    })

    using('accounts for the rows that its check guards', async (subject) => {
      const { engine } = subject
      const check = createTestCheck(
        'guards',
        (key) => !key.startsWith('x/'),
        (key) => key.startsWith('a/') || key.startsWith('p/'),
      )
      const spaces = [
        { gte: 'p/', lt: 'p0' },
        { gte: 'a/', lt: 'b' },
      ]
      await rejects(() => engine.verifyGuarded(spaces), 'ERR_STORAGE_UNAVAILABLE')
      engine.setCheckKey(check)
      await engine.verifyGuarded(spaces)
      await engine.commit({ ops: [put('a/1'), put('p/1'), put('e/1'), put('x/1'), put('az')] })
      await engine.verifyGuarded(spaces)
      await engine.commit({ ops: [put('a/1', 'x'), put('a/2'), remove('p/1'), remove('p/9')] })
      await engine.commit({ ops: [{ ...put('p/2'), fresh: true }, put('e/1', 'y')] })
      await engine.verifyGuarded(spaces)
      const many = Array.from({ length: 700 }, (_, i) => put(`${'aep'[i % 3]}/${i}`))
      await engine.commit({ ops: [...many.filter(({ key }) => key !== 'a/2'), remove('a/2')] })
      await engine.verifyGuarded(spaces)
      await engine.trimChanges(3)
      await engine.verifyGuarded([{ gte: 'a', lt: 'q' }])
      const [p, a] = spaces as [(typeof spaces)[0], (typeof spaces)[0]]
      for (const part of [[], [p], [a]]) {
        const error = await rejects(() => engine.verifyGuarded(part), 'ERR_STORAGE_CORRUPT')
        assert.doesNotMatch(error.message, /row /)
      }
      await assert.rejects(() => engine.verifyGuarded([p, a, { gte: 'p/x', lt: 'z' }]), RangeError)
      await assert.rejects(() => engine.verifyGuarded([{ gte: 'b', lt: 'a' }]), RangeError)
      await assert.rejects(() => engine.verifyGuarded([{ gte: 'b', lt: 'b' }]), RangeError)
      await assert.rejects(() => engine.verifyGuarded([{ gte: '\ud800', lt: 'b' }]), TypeError)
      await assert.rejects(() => engine.verifyGuarded([{ gte: 'a' } as never]), TypeError)
      assert.deepEqual((await engine.scrub()).findings, [])
      if (subject.reopen === undefined) return
      const again = await subject.reopen()
      try {
        again.setCheckKey(check)
        await again.verifyGuarded(spaces)
        await again.commit({ ops: [remove('a/1'), put('p/3')] })
        await again.verifyGuarded(spaces)
        assert.deepEqual((await again.scrub()).findings, [])
      } finally {
        await again.close()
      }
    })

    using('says so when other rows are guarded than when they were written', async ({ engine }) => {
      const guarding = (space: string) =>
        createTestCheck('guards', undefined, (key) => key.startsWith(space))
      engine.setCheckKey(guarding('a/'))
      await engine.commit({ ops: [put('a/1'), put('b/1')] })
      engine.setCheckKey(guarding('b/'))
      const space = { gte: 'b/', lt: 'b0' }
      await rejects(() => engine.verifyGuarded([space]), 'ERR_STORAGE_CORRUPT')
      const { findings } = await engine.scrub()
      const detail = 'other rows are guarded than when they were written'
      assert.deepEqual(findings, [{ kind: 'stale', subject: '', detail }])
    })

    using('scrubs what is sound without a finding', async ({ engine }) => {
      await engine.commit({ ops: ORDERED_KEYS.map((key) => put(key)) })
      await engine.commit({ ops: [remove('z'), put('/a', 'x')] })
      let calls = 0
      const report = await engine.scrub({ onProgress: () => calls++ })
      assert.deepEqual(report.findings, [])
      assert.deepEqual([report.rows, report.revision], [ORDERED_KEYS.length - 1, 2])
      assert.ok(calls > 0)
      const reason = new Error('enough')
      await assert.rejects(() => engine.scrub({ signal: AbortSignal.abort(reason) }), reason)
    })

    using('compacts without changing what is there', async ({ engine }) => {
      await engine.commit({ ops: [put('a'), put('b'), put('c')] })
      await engine.commit({ ops: [remove('b')] })
      await engine.compact('a', 'c')
      await engine.compact('', '')
      assert.deepEqual(await keysOf(engine, {}), ['a', 'c'])
      assert.equal(engine.head, 2)
      assert.deepEqual((await engine.scrub()).findings, [])
    })

    using('closes after the work under way, for good', async ({ engine }) => {
      const pending = engine.commit({ ops: [put('a')] })
      const closing = engine.close()
      assert.deepEqual(await pending, { revision: 1 })
      await closing
      await engine.close()
      assert.equal(engine.state, 'closed')
      await rejects(() => engine.get('a'), 'ERR_STORAGE_CLOSED')
      await rejects(() => engine.iterate({}), 'ERR_STORAGE_CLOSED')
      await rejects(() => engine.snapshot(), 'ERR_STORAGE_CLOSED')
      await rejects(() => engine.commit({ ops: [] }), 'ERR_STORAGE_CLOSED')
      await rejects(() => collect(engine.changes(0)), 'ERR_STORAGE_CLOSED')
      await rejects(() => engine.trimChanges(1), 'ERR_STORAGE_CLOSED')
      await rejects(() => engine.verifyGuarded([]), 'ERR_STORAGE_CLOSED')
      engine.setCheckKey(undefined)
    })

    using('is the same after it was opened again', async (subject) => {
      if (subject.reopen === undefined) return
      const { engine } = subject
      await engine.commit({ ops: ORDERED_KEYS.map((key) => put(key)), change: text('x') })
      await engine.commit({ ops: [remove('z'), put('/a', 'new')] })
      const before = await collect<KeyedRow>(engine.iterate({}))
      const again = await subject.reopen()
      try {
        assert.equal(again.head, 2)
        assert.equal(again.generation, engine.generation)
        assert.deepEqual(await collect<KeyedRow>(again.iterate({})), before)
        assert.equal((await collect<Change>(again.changes(0))).length, 2)
        assert.equal((await again.commit({ ops: [put('z')] })).revision, 3)
        assert.equal((await again.get('z'))?.createRevision, 3)
        assert.deepEqual((await again.scrub()).findings, [])
      } finally {
        await again.close()
      }
    })
  })
}
