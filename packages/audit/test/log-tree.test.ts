import type { AuditLog } from '@secreg/audit'
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LogTree } from '../src/log-tree.ts'
import { hashNode } from '../src/proof/merkle.ts'
import { DIRECTORY, items, leaf, linesOf, openSmall, SEGMENT_1 } from './support.ts'

/** RFC 6962 §2.1, written apart from the code under test. */
function rootOf(leaves: readonly Buffer[]): Uint8Array {
  if (leaves.length === 1) return leaves[0] as Buffer
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return hashNode(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)))
}

function leavesOf(files: MemoryFiles): Buffer[] {
  return files
    .list(DIRECTORY)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => linesOf(files.readFile(`${DIRECTORY}/${name}`)))
    .map((line) => Buffer.from(leaf(line.subarray(0, -1)), 'hex'))
}

async function write(log: AuditLog, tree: LogTree, files: MemoryFiles, count: number) {
  const before = log.tail.sequence
  log.append(items(count, before + 1))
  tree.add(
    leavesOf(files)
      .slice(before)
      .map((hash) => hash.toString('hex')),
  )
}

test('by lines as they are written, by the disk, or by both: the tree is one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('write', 'root', 'advance', 'collect'), { maxLength: 25 }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(20),
      async (steps, maxPending, first) => {
        const files = createMemoryFiles()
        const log = await openSmall(files)
        const tree = new LogTree(files, DIRECTORY, () => undefined, maxPending)
        await write(log, tree, files, first + 1)
        for (const step of [...steps, 'root']) {
          if (step === 'write') await write(log, tree, files, 7)
          else if (step === 'collect') tree.collect(log.tail)
          else if (step === 'advance') tree.advance(await log.sync())
          else {
            tree.collect(log.tail)
            const cursor = await log.sync()
            expect(await tree.rootAt(cursor)).toEqual(Uint8Array.from(rootOf(leavesOf(files))))
          }
        }
        tree.close()
        await log.close()
      },
    ),
    { numRuns: 60 },
  )
})

test('lines of before that contradict what was signed are not signed again', async () => {
  const files = createMemoryFiles()
  const log = await openSmall(files)
  log.append(items(5))
  const cursor = await log.sync()
  const root = await new LogTree(files, DIRECTORY, () => undefined).rootAt(cursor)
  const signed = { origin: 'o', size: 5, root }
  expect(await new LogTree(files, DIRECTORY, () => signed).rootAt(cursor)).toEqual(root)
  const other = { ...signed, root: new Uint8Array(32) }
  await expect(new LogTree(files, DIRECTORY, () => other).rootAt(cursor)).rejects.toMatchObject({
    code: 'ERR_AUDIT_TAMPERED',
  })
  const bytes = files.readFile(SEGMENT_1)
  bytes[bytes.indexOf('system')] = 0x53
  const file = files.open(SEGMENT_1, 'write')
  file.write(bytes, 0, bytes.length, 0)
  await expect(new LogTree(files, DIRECTORY, () => signed).rootAt(cursor)).rejects.toMatchObject({
    code: 'ERR_AUDIT_TAMPERED',
  })
  await log.close()
})
