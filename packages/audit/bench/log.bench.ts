/**
 * Append beside a bare write of the same bytes, and verification.
 * Run with `npx vitest bench --run --root . --config ../../vitest.config.ts`.
 */
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogItem, openLog, verifyDirectory } from '@secreg/audit'
import { verifySegments } from '@secreg/audit/verify'
import { afterAll, bench, describe } from 'vitest'

const home = mkdtempSync(join(tmpdir(), 'audit-bench-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** A body as the registry writes it, 270 bytes. */
function item(index: number): LogItem {
  const body = JSON.stringify({
    id: `0192f0c1-7a3b-7c4d-8e5f-${String(index).padStart(12, '0')}`,
    action: 'read',
    outcome: 'allow',
    paths: [`/system/network/interface/eth${index % 8}/address`],
    actor: { login: 'alice', account: '0123456789abcdef0123456789abcdef', uid: 1000 },
    door: 'registry',
    session: '0123456789abcdef',
  })
  return { timeMs: 1_795_331_045_123 + (index >> 3), body }
}

const group = Array.from({ length: 64 }, (_, index) => item(index))
const opened = await openLog({ directory: join(home, 'audit') })
opened.append(group)
const lines = readFileSync(join(home, 'audit', '00000001.jsonl'))
if (!(await verifyDirectory(join(home, 'audit'), { known: [opened.tail] })).ok) {
  throw new Error('the log that is measured does not verify')
}
const LINE_BYTES = Math.floor(lines.length / 64)

for (const count of [1, 16, 64]) {
  describe(`${count} lines of ${LINE_BYTES} bytes`, () => {
    const items = group.slice(0, count)
    const bytes = lines.subarray(0, count * LINE_BYTES)
    const fd = openSync(join(home, `plain-${count}`), 'w')
    let at = 0
    bench('append', () => {
      opened.append(items)
    })
    bench('bare write', () => {
      at += writeSync(fd, bytes, 0, bytes.length, at)
    })
  })
}

const COUNT = 100_000
const large = await openLog({ directory: join(home, 'large') })
for (let index = 0; index < COUNT; index += 64) large.append(group)
const path = join(home, 'large')
const inMemory = readFileSync(join(path, '00000001.jsonl'))

describe(`verify ${COUNT} records`, () => {
  bench('files', async () => {
    const { ok, records } = await verifyDirectory(path)
    if (!ok || records < COUNT) throw new Error('not verified')
  })
  bench('bytes in memory', async () => {
    const { ok } = await verifySegments([{ segment: 1, bytes: [inMemory] }])
    if (!ok) throw new Error('not verified')
  })
})

describe(`query ${COUNT} records`, () => {
  bench('newest 100', async () => {
    for await (const record of large.query()) record.body
  })
  bench('match one of all', async () => {
    for await (const record of large.query({ match: ({ sequence }) => sequence === 1 })) record.body
  })
})
