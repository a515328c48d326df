import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryFiles } from '@secreg/audit/testing'
import { SecregError } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { isStorageError, LevelEngine } from '@secreg/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Home, open, PASSPHRASE, PEER, start } from './fixture.ts'

const PLACES = 500
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'registry-flip-'))
const pristine = join(root, 'pristine')
const expected = new Map<string, string>()
let log: Buffer

/** Small numbers that repeat: the same places in every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

beforeAll(async () => {
  const files = createMemoryFiles()
  let home: Home | undefined
  for (let life = 0; life < 3; life++) {
    // Small write buffers give several tables; the last life stays in LevelDB's own log.
    const engine = await LevelEngine.open(pristine, life < 2 ? { writeBufferBytes: 65_536 } : {})
    home = life === 0 ? await start({ engine, files }) : await again(engine, files)
    for (let at = life; at < 200; at += life + 1) {
      const key = `/${at % 2 === 0 ? 'plain' : 'secret'}/${at}`
      const value = `${life}-${at}-`.repeat(1 + (at % 7) * 100)
      await home.api.set({ key, value, encrypt: at % 2 === 1 })
      expected.set(key, value)
    }
    await home.api.set({ key: '/gone', value: 'x' })
    await home.api.delete({ key: '/gone' })
    await home.registry.close()
  }
  log = files.readFile('/log/00000001.jsonl')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function again(engine: LevelEngine, files = logFiles()): Promise<Home> {
  const home = await open({ engine, files })
  await home.registry.unlock(PEER, PASSPHRASE)
  const admin = await loginTestUser(home.opened, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
  return { ...home, admin, api: home.registry.as(admin) }
}

function logFiles() {
  const files = createMemoryFiles()
  files.makeDirectory('/log')
  if (log !== undefined) files.writeFile('/log/00000001.jsonl', log)
  return files
}

/** What somebody who reads everything gets; throws when something is refused. */
async function readAll({ api }: Home): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let answer = await api.export({ with_secrets: true })
  for (;;) {
    for (const { key, value } of answer.entries) found.set(key, value)
    if (answer.cursor === undefined) break
    answer = await api.export({ cursor: answer.cursor })
  }
  const { keys } = await api.list({ prefix: '/', recursive: true })
  expect(keys).toEqual([...found.keys()])
  return found
}

test(`one flipped bit: never a wrong value, never a key silently missing (${PLACES} places)`, async () => {
  const files = readdirSync(pristine).map((name) => ({
    name,
    bytes: readFileSync(join(pristine, name)),
  }))
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const random = createRandom(5)
  const copy = join(root, 'copy')
  const outcomes = { refused: 0, harmless: 0, partly: 0 }
  for (let place = 0; place < PLACES; place++) {
    let at = Math.floor(random() * total)
    const file = files.find(({ bytes }) => {
      if (at < bytes.length) return true
      at -= bytes.length
      return false
    })
    if (file === undefined) throw new Error('no file')
    mkdirSync(copy, { mode: 0o700 })
    // LevelDB replaces files and never changes them, so names are enough.
    for (const { name } of files) {
      if (name !== file.name) linkSync(join(pristine, name), join(copy, name))
    }
    const flipped = Buffer.from(file.bytes)
    flipped[at] = (flipped[at] as number) ^ (1 << Math.floor(random() * 8))
    writeFileSync(join(copy, file.name), flipped, { mode: 0o600 })
    let engine: LevelEngine | undefined
    try {
      engine = await LevelEngine.open(copy)
      const home = await again(engine)
      const found = await readAll(home)
      expect(found).toEqual(expected)
      outcomes.harmless++
    } catch (error) {
      const ours =
        SecregError.is(error) ||
        isStorageError(error) ||
        /^login failed/.test((error as Error).message)
      if (!ours) throw error
      outcomes.refused++
      // What can still be read one by one is right, or says that it is damaged.
      if (engine?.state === 'open') {
        for (const [key, value] of [...expected].slice(0, 10)) {
          const row = await Promise.resolve()
            .then(() => engine?.get(`e${key}`))
            .catch((fault) => (isStorageError(fault) ? 'told' : Promise.reject(fault)))
          expect(row, `${key} ${value.length}`).toBeDefined()
        }
        outcomes.partly++
      }
    } finally {
      await engine?.close()
      rmSync(copy, { recursive: true, force: true })
    }
  }
  expect(outcomes.refused).toBeGreaterThan(PLACES / 4)
  expect(outcomes.refused + outcomes.harmless).toBe(PLACES)
})
