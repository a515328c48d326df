/**
 * Reads with and without the row cache, a group commit beside the raw synced LevelDB batch of the
 * same rows and bytes, and opening with all checks.
 *
 * Run with `npx vitest bench --run --root . --config ../../vitest.config.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Batch, LevelEngine, type Op } from '@secreg/storage'
import { createTestCheck } from '@secreg/storage/testing'
import { Level } from 'level'
import { afterAll, bench, describe } from 'vitest'

const ROWS = 100_000
const GROUP = 128
const parent = mkdtempSync(join(tmpdir(), 'storage-bench-'))
const value = new Uint8Array(200).fill(7)
const key = (i: number): string => `/bench/service/${String(i % ROWS).padStart(6, '0')}`

const filled = join(parent, 'filled')
const engine = await LevelEngine.open(filled)
for (let i = 0; i < ROWS; i += 1000) {
  const ops = Array.from({ length: 1000 }, (_, j): Op => ({ type: 'put', key: key(i + j), value }))
  await engine.commit({ ops })
}
await engine.trimChanges(engine.head)
const uncached = await LevelEngine.open(join(parent, 'uncached'), { cacheBytes: 0 })
await uncached.commit({
  ops: Array.from({ length: 10_000 }, (_, i): Op => ({ type: 'put', key: key(i), value })),
})
const committing = await LevelEngine.open(join(parent, 'commit'))
const keyed = await LevelEngine.open(join(parent, 'keyed'))
keyed.setCheckKey(createTestCheck('bench'))
const raw = new Level<string, Uint8Array>(join(parent, 'raw'), {
  valueEncoding: 'view',
  compression: false,
} as never)
await raw.open()

afterAll(async () => {
  for (const each of [engine, uncached, committing, keyed, policed, raw]) await each.close()
  rmSync(parent, { recursive: true })
})

function group(i: number): Batch {
  const ops = Array.from({ length: GROUP }, (_, j): Op => {
    return { type: 'put', key: key(i * 37 + j), value }
  })
  return { ops, change: new Uint8Array(64 * 300) }
}

const COMMITTED = 64
const policed = await LevelEngine.open(join(parent, 'policed'))
policed.setCheckKey(createTestCheck('bench', undefined, (name) => name.startsWith('/bench')))
for (const each of [committing, policed]) await each.commit({ ops: several(0) })

/** Rows that replace those of the call before. */
function several(i: number): Op[] {
  return Array.from({ length: COMMITTED }, (_, j) => {
    return { type: 'put', key: `/bench/${j}`, value: value.fill(i) }
  })
}

let n = 0

describe('get, 200 B', () => {
  bench('from the cache', () => {
    engine.get(key(7))
  })
  bench('from the cache, 10,000 keys in turn', () => {
    engine.get(key(n++ % 10_000))
  })
  bench('from LevelDB, verified', () => {
    uncached.get(key(n++ % 10_000))
  })
})

describe(`synced write of ${GROUP} rows of 200 B and their change row`, () => {
  const bytes = { row: new Uint8Array(218), change: new Uint8Array(64 * 300 + GROUP * 24) }
  bench('raw LevelDB batch', async () => {
    const { ops } = group(n++)
    await raw.batch(
      [
        ...ops.map((op) => ({ type: 'put' as const, key: `d${op.key}`, value: bytes.row })),
        { type: 'put', key: `c${String(n).padStart(16, '0')}`, value: bytes.change },
        { type: 'put', key: 'h', value: bytes.row.subarray(0, 46) },
      ],
      { sync: true },
    )
  })
  bench('commit', async () => {
    await committing.commit(group(n++))
  })
  bench('commit, rows with a tag (HMAC-SHA-256)', async () => {
    await keyed.commit(group(n++))
  })
})

describe(`synced commit of ${COMMITTED} rows of 200 B that replace others`, () => {
  bench('without tags', async () => {
    await committing.commit({ ops: several(n++) })
  })
  bench('with tags, sums of tags and a tag of the head', async () => {
    await policed.commit({ ops: several(n++) })
  })
})

describe(`open`, () => {
  bench(
    `${ROWS} rows, all tables checked`,
    async () => {
      await engine.close()
      const again = await LevelEngine.open(filled)
      await again.close()
    },
    { iterations: 5, time: 0, warmupIterations: 0, warmupTime: 0 },
  )
})
