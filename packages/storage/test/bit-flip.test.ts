import { existsSync } from 'node:fs'
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isStorageError, LevelEngine } from '@secreg/storage'
import { createTestCheck } from '@secreg/storage/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCrc32c } from '../src/crc32c.ts'
import { readManifest } from '../src/manifest.ts'

/** Small numbers that repeat: the same places in every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const PLACES = 500

describe('one flipped bit anywhere in the store', () => {
  let parent: string
  let pristine: string
  let head = 0
  const expected = new Map<string, string>()

  beforeAll(async () => {
    // Hundreds of openings, each with its syncs: in memory where there is such a place.
    const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
    parent = await mkdtemp(join(base, 'storage-flip-'))
    pristine = join(parent, 'pristine')
    const random = createRandom(7)
    // Large values and small write buffers give several tables; the last life's commits stay in
    // the log.
    for (let life = 0; life < 4; life++) {
      const engine = await LevelEngine.open(pristine, life < 3 ? { writeBufferBytes: 65_536 } : {})
      engine.setCheckKey(createTestCheck('flip', (key) => key.startsWith('/keyed')))
      for (let i = 0; i < 40; i++) {
        const ops = []
        const keys = new Set<string>()
        for (let j = 0; j < 8; j++) {
          const key = `/${random() < 0.5 ? 'keyed' : 'plain'}/${Math.floor(random() * 400)}`
          if (keys.has(key)) continue
          keys.add(key)
          if (random() < 0.2) {
            ops.push({ type: 'delete' as const, key })
            expected.delete(key)
          } else {
            const length = 1 + Math.floor(random() * (life === 0 ? 7000 : 40))
            const value = `${life}.${i}.${j}:`.repeat(length)
            ops.push({ type: 'put' as const, key, value: Buffer.from(value) })
            expected.set(key, value)
          }
        }
        await engine.commit({ ops, change: Buffer.from(`change ${life}.${i}`) })
      }
      head = engine.head
      await engine.close()
    }
  })

  afterAll(() => rm(parent, { recursive: true }))

  test('the store has several tables and a log', async () => {
    const names = await readdir(pristine)
    expect(names.filter((name) => name.endsWith('.ldb')).length).toBeGreaterThanOrEqual(2)
    const log = names.find((name) => name.endsWith('.log'))
    expect((await stat(join(pristine, log as string))).size).toBeGreaterThan(10_000)
    await using engine = await openCopy('sound')
    expect(await verify(engine)).toEqual([])
  })

  test(`never gives a wrong value or misses a key silently (${PLACES} places)`, async () => {
    const files: { name: string; size: number }[] = []
    for (const name of await readdir(pristine)) {
      files.push({ name, size: (await stat(join(pristine, name))).size })
    }
    const filled = files.filter(({ size }) => size > 0)
    const total = filled.reduce((sum, { size }) => sum + size, 0)
    const random = createRandom(11)
    const outcomes = { refused: 0, detected: 0, harmless: 0 }
    const places: { name: string; bit: number }[] = []
    for (const { name, size } of filled) {
      const share = /^LOG/.test(name) ? 5 : Math.max(60, Math.round((PLACES * 0.6 * size) / total))
      for (let i = 0; i < share; i++) places.push({ name, bit: Math.floor(random() * size * 8) })
    }
    expect(places.length).toBeGreaterThanOrEqual(PLACES)
    const silent: string[] = []
    for (const [index, { name, bit }] of places.entries()) {
      const directory = `flip-${index}`
      let engine: LevelEngine | undefined
      try {
        engine = await openCopy(directory, async (path) => {
          const file = join(path, name)
          const bytes = await readFile(file)
          bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
          await rm(file)
          await writeFile(file, bytes, { mode: 0o600 })
        })
        const faults = await verify(engine)
        if (faults.includes('detected')) outcomes.detected++
        else outcomes.harmless++
        for (const fault of faults) {
          if (fault !== 'detected') silent.push(`${name} bit ${bit}: ${fault}`)
        }
        // Nothing that a scrub finds may have passed the checks at open.
        if (faults.length === 0 && /\.(ldb|log)$|MANIFEST|CURRENT|FORMAT/.test(name)) {
          silent.push(...(await engine.scrub()).findings.map(({ detail }) => detail))
        }
      } catch (error) {
        if (!isStorageError(error)) throw error
        outcomes.refused++
      } finally {
        await engine?.close()
        await rm(join(parent, directory), { recursive: true })
      }
    }
    expect(silent).toEqual([])
    // LevelDB may have been closed before it removed the tables that it had replaced: those do no harm.
    const { tables } = await readManifest(pristine, await createCrc32c())
    const unused = places.filter(
      ({ name }) => name.endsWith('.ldb') && !tables.has(Number.parseInt(name, 10)),
    )
    expect(outcomes.refused).toBeGreaterThan((places.length - unused.length) * 0.9)
  })

  async function openCopy(
    name: string,
    damage?: (directory: string) => Promise<void>,
  ): Promise<LevelEngine> {
    const directory = join(parent, name)
    await mkdir(directory, { mode: 0o700 })
    // LevelDB replaces files and never changes them, but for its lock.
    for (const file of await readdir(pristine)) {
      await link(join(pristine, file), join(directory, file))
    }
    await damage?.(directory)
    return LevelEngine.open(directory, { expectHeadAtLeast: head })
  }

  /** What is wrong without an error of the store; 'detected' stands for such errors. */
  async function verify(engine: LevelEngine): Promise<string[]> {
    const faults: string[] = []
    const attempt = async (work: () => Promise<void> | void): Promise<void> => {
      try {
        await work()
      } catch (error) {
        if (!isStorageError(error)) throw error
        faults.push('detected')
      }
    }
    for (let i = 0; i < 400; i++) {
      for (const key of [`/keyed/${i}`, `/plain/${i}`]) {
        await attempt(() => {
          const row = engine.get(key)
          const found = row && Buffer.from(row.value).toString()
          if (found !== expected.get(key)) faults.push(`wrong value of ${key}`)
        })
      }
    }
    await attempt(async () => {
      const found = new Map<string, string>()
      for await (const { key, value } of engine.iterate({})) {
        found.set(key, Buffer.from(value).toString())
      }
      if (found.size !== expected.size) faults.push('missing or extra keys')
      for (const [key, value] of found) {
        if (expected.get(key) !== value) faults.push(`wrong value of ${key} in the iteration`)
      }
    })
    return faults
  }
})
