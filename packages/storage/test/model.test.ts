import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Batch,
  compareKeys,
  type Engine,
  type KeyedRow,
  LevelEngine,
  MemoryEngine,
  type Range,
  type Row,
} from '@secreg/storage'
import { createTestCheck, ORDERED_KEYS } from '@secreg/storage/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outcome } from './stores.ts'

const key = fc.oneof(
  fc.constantFrom(...ORDERED_KEYS),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
)

const op = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('put' as const), key, value: bytes() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
)

const batch = fc.record(
  {
    ops: fc.uniqueArray(op, { selector: (each) => each.key, maxLength: 8 }),
    preconditions: fc.array(fc.record({ key, guess: fc.nat(3) }), { maxLength: 2 }),
    change: bytes(),
  },
  { requiredKeys: ['ops'] },
)

const range: fc.Arbitrary<Range> = fc.oneof(
  fc.record({ gte: key, lt: key, limit: fc.nat(5) }, { requiredKeys: [] }),
  fc.record({ gt: key, lte: key, reverse: fc.boolean() }, { requiredKeys: [] }),
)

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('commit' as const), batch }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('iterate' as const), range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), to: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const), a: key, b: key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }) },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function bytes(): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength: 20 })
}

interface ModelRow {
  readonly value: string
  readonly createRevision: number
  readonly modifyRevision: number
}

/** The contract in its simplest form. */
class Model {
  rows: Map<string, ModelRow> = new Map()
  changes: { revision: number; keys: readonly string[] }[] = []
  trimmed = 0
  head = 0

  holds(preconditions: Batch['preconditions']): boolean {
    return (preconditions ?? []).every(
      (each) => (this.rows.get(each.key)?.modifyRevision ?? 0) === each.modifyRevision,
    )
  }

  commit({ ops }: Batch): void {
    this.head++
    for (const each of ops) {
      if (each.type === 'delete') this.rows.delete(each.key)
      else {
        const createRevision = this.rows.get(each.key)?.createRevision ?? this.head
        const value = Buffer.from(each.value).toString('hex')
        this.rows.set(each.key, { value, createRevision, modifyRevision: this.head })
      }
    }
    this.changes.push({ revision: this.head, keys: ops.map((each) => each.key) })
  }

  select({ gte, gt, lt, lte, reverse, limit }: Range): [string, ModelRow][] {
    const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
    const rows = [...this.rows]
      .filter(([each]) => gte === undefined || order(each, gte) >= 0)
      .filter(([each]) => gt === undefined || order(each, gt) > 0)
      .filter(([each]) => lt === undefined || order(each, lt) < 0)
      .filter(([each]) => lte === undefined || order(each, lte) <= 0)
      .sort(([a], [b]) => (reverse ? order(b, a) : order(a, b)))
    return limit === undefined ? rows : rows.slice(0, limit)
  }
}

function plain(row: Row): ModelRow {
  const { value, createRevision, modifyRevision } = row
  return { value: Buffer.from(value).toString('hex'), createRevision, modifyRevision }
}

async function selected(engine: Pick<Engine, 'iterate'>, given: Range): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const row of engine.iterate(given) as AsyncIterable<KeyedRow>) {
    rows.push([row.key, plain(row)])
  }
  return rows
}

async function run(
  steps: readonly Step[],
  open: (expectHeadAtLeast: number) => Promise<Engine>,
): Promise<void> {
  const model = new Model()
  let engine = await open(0)
  const check = createTestCheck('model')
  engine.setCheckKey(check)
  try {
    for (const each of steps) {
      if (each.kind === 'commit') {
        const { preconditions, ...rest } = each.batch
        const given: Batch = {
          ...rest,
          preconditions: (preconditions ?? []).map((one) => ({
            key: one.key,
            // Mostly right, so that enough commits go through.
            modifyRevision:
              one.guess === 0 ? model.head : (model.rows.get(one.key)?.modifyRevision ?? 0),
          })),
        }
        const expected = model.holds(given.preconditions) ? 'ok' : 'ERR_STORAGE_PRECONDITION'
        expect(await outcome(() => engine.commit(given))).toBe(expected)
        if (expected === 'ok') model.commit(given)
      } else if (each.kind === 'iterate') {
        expect(await selected(engine, each.range)).toEqual(model.select(each.range))
      } else if (each.kind === 'reopen') {
        await engine.close()
        engine = await open(model.head)
        engine.setCheckKey(check)
      } else if (each.kind === 'trim') {
        await engine.trimChanges(each.to)
        model.trimmed = Math.max(model.trimmed, Math.min(each.to, model.head))
      } else if (each.kind === 'compact') {
        await engine.compact(each.a, each.b)
      } else {
        const snapshot = engine.snapshot()
        await engine.commit({ ops: [{ type: 'delete', key: ORDERED_KEYS[3] as string }] })
        expect(await selected(snapshot, {})).toEqual(model.select({}))
        model.commit({ ops: [{ type: 'delete', key: ORDERED_KEYS[3] as string }] })
        await snapshot.close()
      }
    }
    expect(engine.head).toBe(model.head)
    expect(await selected(engine, {})).toEqual(model.select({}))
    for (const each of ORDERED_KEYS) {
      const row = await engine.get(each)
      expect(row && plain(row)).toEqual(model.rows.get(each))
    }
    const changes = []
    for await (const { revision, keys } of engine.changes(model.trimmed)) {
      changes.push({ revision, keys })
    }
    expect(changes).toEqual(model.changes.slice(model.trimmed))
    expect((await engine.scrub()).findings).toEqual([])
  } finally {
    await engine.close()
  }
}

describe('an engine does what the model does', () => {
  test('memory', async () => {
    const steps = fc.array(
      step.filter(({ kind }) => kind !== 'reopen'),
      { maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(steps, (given) => run(given, async () => new MemoryEngine())),
      { numRuns: 150 },
    )
  })

  test('level, also over reopening and without a cache', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'storage-model-'))
    let runs = 0
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(0, 2000, 1 << 20),
      async (given, cacheBytes) => {
        const directory = join(parent, String(runs++))
        await run(given, (expectHeadAtLeast) =>
          LevelEngine.open(directory, { expectHeadAtLeast, cacheBytes }),
        )
        await rm(directory, { recursive: true })
      },
    )
    try {
      await fc.assert(property, { numRuns: 40 })
    } finally {
      await rm(parent, { recursive: true })
    }
  })
})

test('keys compare like their UTF-8 bytes', () => {
  const any = fc.string({ unit: 'binary', maxLength: 6 })
  fc.assert(
    fc.property(fc.oneof(any, key), fc.oneof(any, key), (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
    { numRuns: 1000 },
  )
})
