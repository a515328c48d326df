import { createMemoryFiles, type FaultOperation, withFaults } from '@secreg/audit/testing'
import { describe, expect, test } from 'vitest'
import { DIRECTORY, seeded } from './support.ts'

const A = `${DIRECTORY}/a`
const B = `${DIRECTORY}/b`

function twoFiles() {
  const files = createMemoryFiles()
  files.makeDirectory(DIRECTORY)
  files.writeFile(A, Buffer.from('a'))
  files.writeFile(B, Buffer.from('b'))
  return files
}

const text = (files: ReturnType<typeof twoFiles>, path: string): string | undefined =>
  files.facts(path) === undefined ? undefined : files.readFile(path).toString()

describe('names', () => {
  test('one that is removed is gone, and the open file can be read', async () => {
    const files = twoFiles()
    const open = files.open(A, 'read')
    files.remove(A)
    expect(files.list(DIRECTORY)).toEqual(['b'])
    expect(open.facts().links).toBe(0)
    const into = Buffer.alloc(1)
    await open.read(into, 0)
    expect(into.toString()).toBe('a')
    expect(() => files.remove(A)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  test('one that is given to another file replaces what had it', () => {
    const files = twoFiles()
    const replaced = files.open(B, 'read')
    files.rename(A, B)
    expect(text(files, B)).toBe('a')
    expect(files.list(DIRECTORY)).toEqual(['b'])
    expect(replaced.facts().links).toBe(0)
    expect(() => files.rename(A, B)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  test('are as before after a power loss, unless the directory was synced', () => {
    for (const synced of [false, true]) {
      const files = twoFiles()
      files.rename(A, B)
      if (synced) files.syncDirectory(DIRECTORY)
      files.crash('lost')
      expect([text(files, A), text(files, B)]).toEqual(synced ? [undefined, 'a'] : ['a', 'b'])
      files.remove(B)
      if (synced) files.syncDirectory(DIRECTORY)
      files.crash('lost')
      expect(text(files, B)).toBe(synced ? undefined : 'b')
    }
  })

  test('a power loss may keep any of the changes, each as a whole', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const files = twoFiles()
      files.rename(A, B)
      files.remove(B)
      files.crash('torn', seeded(seed))
      seen.add(
        files
          .list(DIRECTORY)
          .map((name) => `${name}=${text(files, `${DIRECTORY}/${name}`)}`)
          .join(),
      )
    }
    expect([...seen].sort()).toEqual(['', 'a=a', 'a=a,b=b', 'b=a'])
  })
})

test.each<[FaultOperation, (files: ReturnType<typeof withFaults>) => void]>([
  ['remove', (files) => files.remove(A)],
  ['rename', (files) => files.rename(B, A)],
])('%s can fail, and can be where the process dies', (operation, change) => {
  const memory = twoFiles()
  const files = withFaults(memory)
  files.fail({ operation, path: '/a', code: 'EIO' })
  expect(() => change(files)).toThrow(expect.objectContaining({ code: 'EIO' }))
  expect(files.changes).toBe(1)
  files.dieAt(1)
  expect(() => change(files)).toThrow('died')
  expect([text(memory, A), text(memory, B)]).toEqual(['a', 'b'])
  change(withFaults(memory))
  expect(memory.list(DIRECTORY)).toHaveLength(1)
})
