import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LevelEngine } from '@secreg/storage'
import { describe, expect, onTestFinished, test } from 'vitest'
import { put, remove, temporaryDirectory, textOf } from './stores.ts'

async function filesWith(directory: string, bytes: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(directory)) {
    // LevelDB removes what it has replaced at any time.
    const content = await readFile(join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    if (content?.includes(bytes) === true) found.push(name)
  }
  return found
}

async function open(directory: string): Promise<LevelEngine> {
  const engine = await LevelEngine.open(directory, { writeBufferBytes: 65_536 })
  onTestFinished(() => engine.close())
  return engine
}

const SECRET = 'hunter2-hunter2'

describe('compacting removes deleted and overwritten bytes from all files', () => {
  test('still in memory and log', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const engine = await open(directory)
    await engine.commit({ ops: [put('/a'), put('/b', SECRET), put('/c')] })
    expect(await filesWith(directory, SECRET)).not.toEqual([])
    await engine.commit({ ops: [remove('/b')] })
    await engine.compact('/b', '/b\u0000')
    expect(await filesWith(directory, SECRET)).toEqual([])
    expect(textOf(engine.get('/a'))).toBe('/a')
  })

  test('in the deepest table, without anything above it', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    let engine = await open(directory)
    await engine.commit({ ops: [put('/b', SECRET)] })
    await engine.commit({ ops: [put('/b', 'changed')] })
    await engine.close()
    engine = await open(directory)
    expect(await filesWith(directory, SECRET)).toEqual([expect.stringMatching(/ldb$/)])
    await engine.compact('/b', '/c')
    expect(await filesWith(directory, SECRET)).toEqual([])
    expect(textOf(engine.get('/b'))).toBe('changed')
    await engine.close()
    engine = await open(directory)
    expect((await engine.scrub()).findings).toEqual([])
  })

  test('among many other rows in several tables, and twice', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const engine = await open(directory)
    const filler = 'f'.repeat(3000)
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 300; i += 10) {
        const ops = Array.from({ length: 10 }, (_, j) => put(`/${1000 + i + j}`, filler + round))
        await engine.commit({ ops })
      }
      const secret = `${SECRET}-${round}-`
      await engine.commit({
        ops: [put('/1007', secret), put('/1150', secret), put('/1299', secret)],
      })
    }
    for (const key of ['/1007', '/1150']) await engine.commit({ ops: [remove(key)] })
    for (const key of ['/1007', '/1150']) await engine.compact(key, `${key}\u0000`)
    expect(textOf(engine.get('/1299'))).toBe(`${SECRET}-2-`)
    await engine.commit({ ops: [put('/1299', filler)] })
    await engine.compact('', '')
    expect(await filesWith(directory, SECRET)).toEqual([])
    expect((await engine.scrub()).findings).toEqual([])
    expect(engine.stats().rows).toBe(298)
  })

  test('fault: where more than 20 MiB of a level overlapped the range, it did not finish', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const engine = await LevelEngine.open(directory)
    onTestFinished(() => engine.close())
    const large = 'x'.repeat(6 * 1024 * 1024)
    for (const key of ['/b', '/c', '/d', '/e', '/f', '/f1', '/f2'])
      await engine.commit({ ops: [put(key, `${SECRET}${large}`)] })
    await engine.commit({ ops: [put('/a', '1'), put('/g', '2')] })
    await engine.compact('', '')
    await engine.commit({ ops: [remove('/c'), put('/a', '3'), put('/g', '4')] })
    await engine.compact('/c', '/c\u0000')
    expect(textOf(engine.get('/d'))?.slice(0, SECRET.length)).toBe(SECRET)
    // A change at one end only, and what stands above the other tables is brought down to them.
    await engine.commit({ ops: [put('/a', '5')] })
    await engine.compact('/g', '/h')
    await engine.compact('/', '/g')
    await engine.commit({
      ops: [...['/b', '/e', '/f', '/f1', '/f2'].map(remove), put('/d', 'changed')],
    })
    await engine.compact('/', '/g')
    expect(await filesWith(directory, SECRET)).toEqual([])
    expect(['/a', '/d', '/g'].map((key) => textOf(engine.get(key)))).toEqual(['5', 'changed', '4'])
    expect((await engine.scrub()).findings).toEqual([])
  })

  test('after waiting for those who still look at them', async () => {
    const directory = join(await temporaryDirectory(), 'db')
    const engine = await open(directory)
    await engine.commit({ ops: [put('/b', SECRET)] })
    const snapshot = engine.snapshot()
    const iterator = engine.iterate({})
    await engine.commit({ ops: [remove('/b')] })
    const reason = new Error('no longer')
    const controller = new AbortController()
    const impatient = engine.compact('', '', { signal: controller.signal })
    controller.abort(reason)
    await expect(impatient).rejects.toBe(reason)
    const compacting = engine.compact('', '')
    expect(textOf(await snapshot.get('/b'))).toBe(SECRET)
    await snapshot.close()
    await iterator.close()
    await compacting
    expect(await filesWith(directory, SECRET)).toEqual([])
  })

  test('while commits go on, also when one of them reads just when LevelDB cleans up', async () => {
    for (let round = 0; round < 20; round++) {
      const directory = join(await temporaryDirectory(), 'db')
      const engine = await open(directory)
      await engine.commit({ ops: [put('/b', SECRET)] })
      await engine.commit({ ops: [remove('/b')] })
      const compacting = engine.compact('/b', '/c')
      for (let i = 0; i < 20; i++) await engine.commit({ ops: [put(`/b${i}`, 'x'.repeat(5000))] })
      await compacting
      expect(await filesWith(directory, SECRET)).toEqual([])
      expect((await engine.scrub()).findings).toEqual([])
    }
  })
})
