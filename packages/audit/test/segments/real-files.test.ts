import { execFileSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type LogRecord, nodeFiles, openLog, verifyDirectory } from '@secreg/audit'
import { expect, test } from 'vitest'
import { blocksBackward } from '../../src/backward.ts'
import { removeSegments } from '../../src/segments/retention.ts'
import { freshDirectory, range } from '../support.ts'
import { bodies, terms } from './support.ts'

test('on a real file system: closed, asked, removed, opened again', async () => {
  const directory = freshDirectory()
  const options = { directory, segmentBytes: 150_000, terms, reserveBytes: 4096 }
  const log = await openLog(options)
  for (let n = 1; n <= 6000; n += 100) {
    log.append(bodies(100, n))
    await log.sync()
  }
  await log.settle()
  const names = readdirSync(directory).sort()
  const closed = names.filter((name) => name.endsWith('.jsonl.gz'))
  expect(closed.length).toBeGreaterThan(3)
  expect(names.filter((name) => /\.(hashes|index)$/.test(name))).toHaveLength(2 * closed.length)
  for (const name of names) expect(lstatSync(join(directory, name)).mode & 0o777).toBe(0o600)

  const first = gunzipSync(readFileSync(join(directory, '00000001.jsonl.gz'))).toString()
  expect(first.startsWith('{"seq":1,')).toBe(true)
  const user = 'rare'
  const match = ({ body }: LogRecord): boolean => (body as { user: string }).user === user
  const rare: number[] = []
  for await (const { sequence } of log.query({ match, terms: [`user:${user}`], limit: 1000 })) {
    rare.push(sequence)
  }
  expect(rare).toEqual(
    range(60)
      .map((n) => n * 100)
      .reverse(),
  )
  const verified = await verifyDirectory(directory, { known: [log.tail] })
  expect(verified).toMatchObject({ ok: true, records: 6000 })
  await log.close()

  await removeSegments(nodeFiles, directory, 2)
  expect(readdirSync(directory).filter((name) => name.startsWith('00000001'))).toEqual([
    '00000001.hashes',
  ])
  writeFileSync(join(directory, '00000003.index.part'), 'half', { mode: 0o600 })
  const again = await openLog({ ...options, cursor: log.synced })
  const found: number[] = []
  for await (const { sequence } of again.query({ limit: 10_000 })) found.push(sequence)
  expect(found[0]).toBe(6000)
  expect(found).toEqual(found.map((_, index) => 6000 - index))
  expect(found.length).toBeLessThan(6000)
  await again.close()
  expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([])
})

test('gzip takes the compressed segments for its own', async (context) => {
  const directory = freshDirectory()
  const log = await openLog({ directory, segmentBytes: 1000, reserveBytes: 4096 })
  for (let n = 1; n <= 30; n++) log.append(bodies(1, n))
  await log.sync()
  await log.settle()
  await log.close()
  const bytes = readFileSync(join(directory, '00000001.jsonl.gz'))
  let text: string
  try {
    text = execFileSync('gzip', ['-dc'], { input: bytes, encoding: 'utf8' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return context.skip('there is no gzip')
  }
  expect(text).toBe(gunzipSync(bytes).toString())
})

test('blocks backward of a stretch begin where it begins', async () => {
  const bytes = Buffer.from(
    range(200)
      .map((n) => `${'x'.repeat(n % 17)}${n}\n`)
      .join(''),
  )
  const file = {
    read: async (into: Uint8Array, position: number) =>
      bytes.copy(into, 0, position, position + into.length),
  }
  const borders = [0]
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1))
    borders.push(at + 1)
  for (const from of borders.filter((_, index) => index % 9 === 0)) {
    for (const end of borders.filter((border, index) => border >= from && index % 13 === 0)) {
      const found: Buffer[] = []
      let at = end
      for await (const block of blocksBackward(file, end, from, 64)) {
        const lines = block.bytes.subarray(1)
        expect(block.offset + lines.length).toBe(at)
        at = block.offset
        found.unshift(lines)
      }
      expect(Buffer.concat(found).equals(bytes.subarray(from, end))).toBe(true)
    }
  }
})
