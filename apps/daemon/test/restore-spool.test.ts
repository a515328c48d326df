/** Files that are handed over: without a name, also on file systems that can only take it away again. */
import { readdirSync, writeFileSync } from 'node:fs'
import type * as fs from 'node:fs/promises'
import { createTempHome } from '@secreg/testkit'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { cleanDiskSpools, openDiskSpool } from '../src/restore-spool.ts'

const opened = vi.hoisted(() => ({ paths: [] as string[], refuse: '' }))

vi.mock('node:fs/promises', async (load) => {
  const own = await load<typeof fs>()
  const open = async (path: string, flags: number, mode: number) => {
    opened.paths.push(path)
    if (opened.paths.length === 1 && opened.refuse !== '') {
      throw Object.assign(new Error('open'), { code: opened.refuse })
    }
    return own.open(path, flags, mode)
  }
  return { ...own, open }
})

afterEach(() => {
  opened.paths = []
  opened.refuse = ''
})

function makeDirectory(): string {
  const home = createTempHome()
  onTestFinished(() => home.remove())
  return home.path
}

async function contents(directory: string): Promise<{ names: string[]; bytes: Buffer }> {
  const spool = await openDiskSpool(directory)
  try {
    await spool.append(Buffer.from('one '))
    await spool.append(Buffer.from('two'))
    const parts: Uint8Array[] = []
    for await (const part of spool.read()) parts.push(part)
    return { names: readdirSync(directory), bytes: Buffer.concat(parts) }
  } finally {
    await spool.remove()
  }
}

describe('openDiskSpool', () => {
  test('makes a file that has no name at any moment, where the file system can', async () => {
    const directory = makeDirectory()
    const { names, bytes } = await contents(directory)
    expect([names, bytes.toString()]).toEqual([[], 'one two'])
    expect(opened.paths[0]).toBe(directory)
  })

  test.each(['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL'])(
    'takes the name away again where there are no such files: %s',
    async (code) => {
      const directory = makeDirectory()
      opened.refuse = code
      const { names, bytes } = await contents(directory)
      expect([names, bytes.toString()]).toEqual([[], 'one two'])
      expect(opened.paths[1]).toMatch(/\/\.incoming-[0-9a-f]{32}$/)
    },
  )

  test.each(['EACCES', 'ENOSPC', 'EMFILE'])('passes other failures on: %s', async (code) => {
    opened.refuse = code
    await expect(openDiskSpool(makeDirectory())).rejects.toMatchObject({ code })
    expect(opened.paths).toHaveLength(1)
  })
})

test('cleanDiskSpools removes what is left of them, and nothing else', async () => {
  const directory = makeDirectory()
  const left = `.incoming-${'0'.repeat(32)}`
  const others = ['.incoming-0', `x${left}`, 'CURRENT']
  for (const name of [left, ...others]) writeFileSync(`${directory}/${name}`, '')
  await cleanDiskSpools(directory)
  expect(readdirSync(directory).sort()).toEqual([...others].sort())
})
