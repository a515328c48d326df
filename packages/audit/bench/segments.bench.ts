/**
 * Questions to 1,000,000 records with and without indexes, and closing segments.
 * Run with `npx vitest bench --run --root . --config ../../vitest.config.ts bench/segments.bench.ts`.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogCursor, type LogRecord, nodeFiles, openLog, type QueryFilter } from '@secreg/audit'
import { afterAll, bench, describe } from 'vitest'
import { listSegments, segmentPath } from '../src/directory.ts'
import { queryLog } from '../src/query.ts'
import { Archiver } from '../src/segments/archiver.ts'
import type { TermSource } from '../src/segments/block-summary.ts'
import { Indexes } from '../src/segments/indexes.ts'
import { ForwardReader, readAfter } from '../src/segments/read-after.ts'

const COUNT = 1_000_000
const RARE = 100
const home = mkdtempSync(join(tmpdir(), 'audit-bench-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Body {
  readonly action: string
  readonly paths: readonly string[]
  readonly actor: { readonly login: string }
  readonly session: string
}

const terms: TermSource = {
  version: 1,
  of(body) {
    const { action, paths, actor, session } = body as Body
    const words = [`action:${action}`, `user:${actor.login}`, `session:${session}`]
    return [...words, ...paths.map((path) => `path:${path}`)]
  },
}

/** A body as the registry writes it; of 10,000, one is of `rare`. */
function body(index: number): string {
  return JSON.stringify({
    id: `0192f0c1-7a3b-7c4d-8e5f-${String(index).padStart(12, '0')}`,
    action: index % 9 === 0 ? 'update' : 'read',
    outcome: 'allow',
    paths: [`/system/network/interface/eth${index % 997}/address`],
    actor: {
      login: index % (COUNT / RARE) === 77 ? 'rare' : `user${index % 53}`,
      account: '0123456789abcdef0123456789abcdef',
      uid: 1000,
    },
    door: 'registry',
    session: (index >> 5).toString(16).padStart(16, '0'),
  })
}

const directory = join(home, 'audit')
const log = await openLog({ directory, terms })
for (let index = 0; index < COUNT; index += 100) {
  const group = Array.from({ length: 100 }, (_, n) => ({
    timeMs: 1_795_331_045_123 + (index + n) * 10,
    body: body(index + n),
  }))
  log.append(group)
  if (index % 10_000 === 0) await log.sync()
}
await log.sync()
await log.settle()
await log.close()
const tail: LogCursor = log.synced
const all = Number.POSITIVE_INFINITY
const isRare = ({ body }: LogRecord): boolean => (body as Body).actor.login === 'rare'
const rare: QueryFilter = { match: isRare, terms: ['user:rare'], limit: all }
const indexes = new Indexes(nodeFiles, directory, { terms })

async function count(filter: QueryFilter, own = indexes): Promise<number> {
  let found = 0
  for await (const _record of queryLog(nodeFiles, directory, tail, filter, own)) found++
  return found
}

async function expectCount(expected: number, filter: QueryFilter, own?: Indexes): Promise<void> {
  const found = await count(filter, own)
  if (found !== expected) throw new Error(`${found} records found, not ${expected}`)
}

const once = { iterations: 1, warmupIterations: 0, time: 0, warmupTime: 0 }

await expectCount(RARE, rare)

describe(`a user that occurs ${RARE} times in ${COUNT} records`, () => {
  bench('with indexes', () => expectCount(RARE, rare))
  bench(
    'with indexes, the open segment never read before',
    () => expectCount(RARE, rare, new Indexes(nodeFiles, directory, { terms })),
    { ...once, iterations: 3 },
  )
  bench('without (scan)', () => expectCount(RARE, { ...rare, scan: true }), once)
})

describe('pages', () => {
  bench('newest 100', () => expectCount(100, {}))
  bench('100 in the midst, by sequence', () => expectCount(100, { beforeSequence: COUNT / 2 }))
  bench('a second in the midst', () => {
    const sinceMs = 1_795_331_045_123 + (COUNT / 2) * 10
    return expectCount(100, { sinceMs, untilMs: sinceMs + 1000, limit: all })
  })
})

describe(`read ${COUNT} records forward, 1000 at a time`, () => {
  bench(
    'ForwardReader',
    async () => {
      const reader = new ForwardReader(nodeFiles, directory)
      let cursor = { segment: 1, offset: 0, sequence: 0, hash: '0'.repeat(64), revision: 0 }
      while (cursor.sequence < tail.sequence) {
        const limits = { maxRecords: 1000, maxBytes: 1 << 24 }
        cursor = { ...(await reader.read(tail, cursor, limits)).cursor }
      }
      reader.close()
    },
    once,
  )
  bench(
    'readAfter with indexes',
    async () => {
      let cursor = { segment: 1, offset: 0, sequence: 0, hash: '0'.repeat(64), revision: 0 }
      const limits = { maxRecords: 1000, maxBytes: 1 << 24 }
      while (cursor.sequence < tail.sequence) {
        const batch = await readAfter(nodeFiles, directory, tail, cursor, limits, indexes)
        cursor = { ...batch.cursor }
      }
    },
    once,
  )
})

/** One segment of 64 MiB as it was before it was closed, beside one that is being written. */
const plain = await openLog({ directory: join(home, 'plain'), segmentBytes: 1 << 30 })
let lines = 0
for (; plain.tail.offset < 64 * 1024 * 1024; lines += 100) {
  plain.append(Array.from({ length: 100 }, (_, n) => ({ timeMs: 1, body: body(lines + n) })))
}
await plain.close()
let run = 0

describe(`close a segment of 64 MiB with ${lines} records`, () => {
  bench(
    'Archiver',
    async () => {
      const path = join(home, `closed-${run++}`)
      mkdirSync(path, { mode: 0o700 })
      copyFileSync(segmentPath(join(home, 'plain'), 1), segmentPath(path, 1))
      nodeFiles.create(segmentPath(path, 2)).close()
      const synced = (): LogCursor => ({ ...tail, segment: 2 })
      await new Archiver({ files: nodeFiles, directory: path, synced, terms }).run()
      if (!listSegments(nodeFiles, path)[0]?.compressed) throw new Error('not closed')
    },
    { ...once, iterations: 3 },
  )
})
