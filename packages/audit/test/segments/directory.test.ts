import { createMemoryFiles } from '@secreg/audit/testing'
import { describe, expect, test } from 'vitest'
import { cursorPath, listSegments, segmentPath, tidyDirectory } from '../../src/directory.ts'
import { DIRECTORY } from '../support.ts'

function directoryOf(...names: string[]) {
  const files = createMemoryFiles()
  files.makeDirectory(DIRECTORY)
  for (const name of names) files.writeFile(`${DIRECTORY}/${name}`, Buffer.from('x'))
  return files
}

const LAST = '00000002.jsonl'

test.each([
  'reserve',
  'checkpoints',
  'lost+found',
  'cursor-syslog',
  'cursor-kafka-2',
  'cursor-a.part',
  '00000001.jsonl.gz.part',
  '00000001.hashes.part',
  '00000001.index.part',
])('%s belongs to a log', (name) => {
  const files = directoryOf('00000001.jsonl', name)
  expect(listSegments(files, DIRECTORY)).toHaveLength(1)
})

test.each([
  '00000000.jsonl',
  '00000000.hashes',
  '00000001.jsonl.part',
  '00000000.index.part',
  '00000001.gz',
  '1.jsonl.gz',
  '000000001.hashes',
  '00000001.hashes~',
  '00000001.jsonl.gz.part.part',
  'reserve.part',
  'checkpoints.part',
  'checkpoints~',
  'cursor-',
  'cursor-A',
  'cursor-a.b',
  'cursor-a\n',
  `cursor-${'a'.repeat(33)}`,
  '.part',
  '.hidden',
])('%j does not', (name) => {
  const files = directoryOf('00000001.jsonl', name)
  const error = { code: 'ERR_AUDIT_DIRECTORY' }
  expect(() => listSegments(files, DIRECTORY)).toThrow(expect.objectContaining(error))
  expect(() => tidyDirectory(files, DIRECTORY)).toThrow(expect.objectContaining(error))
  expect(files.list(DIRECTORY)).toContain(name)
})

describe('segments', () => {
  test('with their files', () => {
    const files = directoryOf(
      ...['00000001.hashes', '00000002.jsonl.gz', '00000002.hashes', '00000002.index'],
      ...['00000003.jsonl', '00000003.index', '00000004.jsonl'],
    )
    const none = { plain: false, compressed: false, hashes: false, index: false }
    expect(listSegments(files, DIRECTORY)).toEqual([
      { ...none, segment: 1, hashes: true },
      { ...none, segment: 2, compressed: true, hashes: true, index: true },
      { ...none, segment: 3, plain: true, index: true },
      { ...none, segment: 4, plain: true },
    ])
  })

  test.each([
    ['in the midst', ['00000001.jsonl', '00000003.jsonl'], 2],
    ['at the beginning', [LAST], 1],
    [
      'of which only hashes are left, behind one with lines',
      ['00000001.jsonl', '00000002.hashes', '00000003.jsonl'],
      2,
    ],
    ['of which only an index is left', ['00000001.index', LAST], 1],
    ['behind a compressed one', ['00000001.jsonl.gz', '00000001.hashes'], 2],
    ['behind removed ones', ['00000001.hashes'], 2],
  ])('that are missing %s', (_, names, segment) => {
    expect(() => listSegments(directoryOf(...names), DIRECTORY)).toThrow(
      expect.objectContaining({ code: 'ERR_AUDIT_TAMPERED', segment }),
    )
  })
})

test('what a crash left is cleared away, and nothing else', () => {
  const kept = [
    ...['00000001.hashes', '00000002.jsonl', '00000002.hashes', '00000002.index', '00000003.jsonl'],
    ...['reserve', 'checkpoints', 'cursor-a'],
  ]
  const files = directoryOf(
    ...kept,
    ...['00000001.index', '00000002.jsonl.gz', '00000003.hashes.part', 'cursor-a.part'],
  )
  tidyDirectory(files, DIRECTORY)
  expect(files.list(DIRECTORY).sort()).toEqual(kept.sort())
})

test('names of cursors', () => {
  expect(cursorPath(DIRECTORY, 'syslog-1')).toBe(`${DIRECTORY}/cursor-syslog-1`)
  for (const name of ['', 'A', '..', 'a/b', 'a.part', 'a'.repeat(33), 'a\n']) {
    expect(() => cursorPath(DIRECTORY, name)).toThrow(RangeError)
  }
  expect(() => segmentPath(DIRECTORY, 100_000_000)).toThrow(RangeError)
})
