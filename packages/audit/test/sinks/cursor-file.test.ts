import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type LogCursor, nodeFiles } from '@secreg/audit'
import { createMemoryFiles, type PowerLoss, withFaults } from '@secreg/audit/testing'
import { expect, test } from 'vitest'
import { createCursorFiles } from '../../src/sinks/cursor-file.ts'
import { DIRECTORY, freshDirectory, seeded } from '../support.ts'

const FILE = `${DIRECTORY}/cursor-siem`
const OLD: LogCursor = { segment: 1, offset: 80, sequence: 3, hash: 'ab'.repeat(32), revision: 2 }
const NEW: LogCursor = { ...OLD, offset: 9_000, sequence: 40, hash: 'cd'.repeat(32) }

function setUp() {
  const memory = createMemoryFiles()
  memory.makeDirectory(DIRECTORY)
  const files = withFaults(memory)
  return { memory, files, cursors: createCursorFiles(files, DIRECTORY) }
}

test('gives back what was stored, for each name', async () => {
  const { cursors, memory } = setUp()
  expect(await cursors.load('siem')).toEqual({})
  await cursors.store('siem', OLD)
  await cursors.store('kafka', NEW)
  await cursors.store('siem', NEW)
  await cursors.store('siem', OLD)
  expect(await cursors.load('siem')).toEqual({ cursor: OLD })
  expect(await cursors.load('kafka')).toEqual({ cursor: NEW })
  expect(memory.list(DIRECTORY).sort()).toEqual(['cursor-kafka', 'cursor-siem'])
})

test('every changed, missing or added byte is noticed', async () => {
  const { cursors, memory } = setUp()
  await cursors.store('siem', OLD)
  const bytes = memory.readFile(FILE)
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 4, 32, 128]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] as number) ^ bit
      memory.writeFile(FILE, damaged)
      expect(await cursors.load('siem')).toEqual({ rejected: 'damaged' })
    }
    memory.writeFile(FILE, bytes.subarray(0, at))
    expect(await cursors.load('siem')).toEqual({ rejected: 'damaged' })
  }
  for (const longer of [Buffer.concat([bytes, bytes]), Buffer.alloc(100_000, 0x7b)]) {
    memory.writeFile(FILE, longer)
    expect(await cursors.load('siem')).toEqual({ rejected: 'damaged' })
  }
})

test('the cursor of another sink is not taken', async () => {
  const { cursors, memory } = setUp()
  await cursors.store('kafka', OLD)
  memory.writeFile(FILE, memory.readFile(`${DIRECTORY}/cursor-kafka`))
  expect(await cursors.load('siem')).toEqual({ rejected: 'damaged' })
})

test.each(['kill', 'lost', 'torn', 'holes'] as const)(
  'a store that ends anywhere leaves the old cursor or the new: %s',
  async (outcome: PowerLoss | 'kill') => {
    for (let seed = 1; seed <= 20; seed++) {
      for (let step = 1; ; step++) {
        const { memory, files, cursors } = setUp()
        await cursors.store('siem', OLD)
        const { changes } = files
        files.dieAt(step, 50)
        let died = false
        await cursors.store('siem', NEW).catch(() => {
          died = true
        })
        if (outcome === 'kill') memory.kill()
        else memory.crash(outcome, seeded(seed))
        const again = createCursorFiles(memory, DIRECTORY)
        const { cursor } = await again.load('siem')
        expect([OLD, NEW]).toContainEqual(cursor)
        if (!died) {
          expect(cursor).toEqual(NEW)
          expect(files.changes - changes).toBe(step - 1)
          break
        }
        // What is left half-made is not in the way.
        await again.store('siem', NEW)
        expect(await again.load('siem')).toEqual({ cursor: NEW })
      }
    }
  },
)

test('a disk that cannot be read now is an error, not a reason to begin again', async () => {
  const { files, cursors } = setUp()
  await cursors.store('siem', OLD)
  for (const operation of ['open', 'read'] as const) {
    files.fail({ operation, code: 'EIO' })
    await expect(cursors.load('siem')).rejects.toMatchObject({ code: 'EIO' })
  }
  expect(await cursors.load('siem')).toEqual({ cursor: OLD })
})

test('a full disk leaves the old cursor', async () => {
  const { files, cursors } = setUp()
  await cursors.store('siem', OLD)
  files.fail({ operation: 'write', code: 'ENOSPC', bytes: 20 })
  await expect(cursors.store('siem', NEW)).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(await cursors.load('siem')).toEqual({ cursor: OLD })
  files.fail({ operation: 'write', bytes: 20 })
  await cursors.store('siem', NEW)
  expect(await cursors.load('siem')).toEqual({ cursor: NEW })
})

const plants: [string, (path: string, elsewhere: string) => void][] = [
  ['a symbolic link', (path, elsewhere) => symlinkSync(elsewhere, path)],
  ['a second name', (path, elsewhere) => linkSync(elsewhere, path)],
  ['a directory', (path) => mkdirSync(path)],
]

test.each(plants)('%s in place of the file is not followed', async (what, plant) => {
  const directory = freshDirectory()
  mkdirSync(directory, { mode: 0o700 })
  const cursors = createCursorFiles(nodeFiles, directory)
  await cursors.store('good', OLD)
  const elsewhere = join(directory, '..', 'elsewhere')
  writeFileSync(elsewhere, readFileSync(join(directory, 'cursor-good')), { mode: 0o600 })
  plant(join(directory, 'cursor-siem'), elsewhere)
  expect(await cursors.load('siem')).toEqual({ rejected: 'foreign' })
  if (what === 'a directory') return
  // Nor is it written through, nor the half-made file.
  plant(join(directory, 'cursor-siem.part'), elsewhere)
  const before = readFileSync(elsewhere)
  await cursors.store('siem', NEW)
  expect(readFileSync(elsewhere)).toEqual(before)
  expect(await cursors.load('siem')).toEqual({ cursor: NEW })
  expect(statSync(join(directory, 'cursor-siem')).mode & 0o777).toBe(0o600)
})

test('a file that others can read is not ours', async () => {
  const directory = freshDirectory()
  mkdirSync(directory, { mode: 0o700 })
  const cursors = createCursorFiles(nodeFiles, directory)
  await cursors.store('siem', OLD)
  chmodSync(join(directory, 'cursor-siem'), 0o644)
  expect(await cursors.load('siem')).toEqual({ rejected: 'foreign' })
})

test('names and cursors are checked before anything is touched', async () => {
  const { files, cursors } = setUp()
  const { changes } = files
  for (const name of ['', '../x', 'A', 'a_b', 'x'.repeat(33)]) {
    await expect(cursors.load(name)).rejects.toThrow(RangeError)
    await expect(cursors.store(name, OLD)).rejects.toThrow(RangeError)
  }
  await expect(cursors.store('siem', { ...OLD, segment: 0 })).rejects.toThrow(TypeError)
  await expect(cursors.store('siem', { ...OLD, hash: 'x' })).rejects.toThrow(TypeError)
  expect(files.changes).toBe(changes)
})
