import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog, verifyDirectory } from '@secreg/audit'
import { afterEach, expect, test } from 'vitest'

const homes: string[] = []
function home(): string {
  const path = mkdtempSync(join(tmpdir(), 'audit-'))
  homes.push(path)
  return join(path, 'audit')
}
afterEach(() => {
  for (const path of homes.splice(0)) rmSync(path, { recursive: true, force: true })
})

const leaf = (line: string): string =>
  createHash('sha256')
    .update(Buffer.from([0]))
    .update(line)
    .digest('hex')

test('lines have exactly the documented form and chain', async () => {
  const directory = home()
  const log = await openLog({ directory })
  const timeMs = Date.UTC(2026, 10, 22, 7, 4, 5, 123)
  log.append([{ timeMs, body: '{"a":1}' }])
  log.append([
    { timeMs, revision: 7, body: '{"b":"ü"}' },
    { timeMs: timeMs + 1, body: '{}' },
  ])
  const one = `{"seq":1,"time":"2026-11-22T07:04:05.123Z","prev":"${'0'.repeat(64)}","body":{"a":1}}`
  const two = `{"seq":2,"time":"2026-11-22T07:04:05.123Z","prev":"${leaf(one)}","rev":7,"body":{"b":"ü"}}`
  const three = `{"seq":3,"time":"2026-11-22T07:04:05.124Z","prev":"${leaf(two)}","body":{}}`
  const path = join(directory, '00000001.jsonl')
  const text = readFileSync(path, 'utf8')
  expect(text).toBe(`${one}\n${two}\n${three}\n`)
  expect(log.tail).toEqual({
    segment: 1,
    offset: Buffer.byteLength(text),
    sequence: 3,
    hash: leaf(three),
    revision: 7,
  })
  expect(log.synced.sequence).toBe(0)
  expect(await log.sync()).toEqual(log.tail)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  expect(log.gate(1024)).toBe(true)
  await log.close()
  const again = await openLog({ directory, cursor: log.synced })
  expect(again.tail).toEqual(log.tail)
  expect(again.recovered).toMatchObject({ tornBytes: 0, linesAfterCursor: 0 })
  const records = []
  for await (const record of again.query()) records.push(record)
  expect(records.map(({ sequence }) => sequence)).toEqual([3, 2, 1])
  expect(records[1]).toEqual({
    sequence: 2,
    timeMs,
    revision: 7,
    previous: leaf(one),
    body: { b: 'ü' },
  })
  await again.close()
  expect(await verifyDirectory(directory)).toEqual({
    ok: true,
    records: 3,
    tail: { sequence: 3, hash: leaf(three) },
  })
})
