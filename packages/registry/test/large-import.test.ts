import { cpSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import type { RegistryApi } from '@secreg/protocol'
import { LevelEngine } from '@secreg/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { IMPORT_LIMITS } from '../src/operations/import.ts'
import { type Home, linesOf, outcomeOf, reason, restart, start } from './fixture.ts'

const COUNT = IMPORT_LIMITS.entries
const keyOf = (at: number): string => `/large/${at % 97}/service-${at}/setting`
const textOf = (at: number): string => `value ${at} ${'x'.repeat(at % 50)}`

let parent: string
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'large-import-'))
})
afterAll(() => rm(parent, { recursive: true, force: true }))

async function stage(api: RegistryApi): Promise<string> {
  const id = (await api.import({ op: 'begin', force: true })).import ?? ''
  for (let from = 0; from < COUNT; from += 5000) {
    const entries = Array.from({ length: 5000 }, (_, i) => {
      return { key: keyOf(from + i), value: textOf(from + i), encrypt: (from + i) % 10 === 0 }
    })
    await api.import({ op: 'stage', import: id, entries })
  }
  return id
}

/** Reopen what stands in a directory with the log as it is. */
async function reopen(directory: string, files: MemoryFiles): Promise<Home> {
  return restart({ engine: await LevelEngine.open(directory), files })
}

test('an import of 100,000 entries is one commit, one record, and all or nothing', async () => {
  const directory = join(parent, 'db')
  const files = createMemoryFiles()
  const copy = join(parent, 'planned')
  const home = await start({
    engine: await LevelEngine.open(directory),
    files,
    onStep: (step) => {
      if (step !== 'gated' || !armed) return
      armed = false
      // At once: later there is more, and LevelDB moves its files about.
      cpSync(directory, copy, { recursive: true })
    },
  })
  let armed = false
  await home.api.set({ key: keyOf(0), value: 'before' })
  const id = await stage(home.api)
  armed = true
  const before = { head: home.engine.head, lines: linesOf(files).length, entries: 1 }
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const started = performance.now()
  let settled = false
  const importing = home.api.import({ op: 'commit', import: id }).finally(() => {
    settled = true
  })
  // Who reads meanwhile sees nothing of it, and is answered meanwhile.
  let reads = 0
  while (!settled) {
    const { value } = await home.api.get({ key: keyOf(0) })
    reads++
    if (home.engine.head === before.head) expect(value).toBe('before')
    await new Promise((resume) => setTimeout(resume, 20))
  }
  expect(await importing).toMatchObject({ imported: COUNT, revision: before.head + 1 })
  delay.disable()
  const ms = (value: number): string => `${value.toFixed(0)} ms`
  console.log(
    `import of ${COUNT} entries: ${ms(performance.now() - started)}; event loop delay: ` +
      `p50 ${ms(delay.percentile(50) / 1e6)}, p99 ${ms(delay.percentile(99) / 1e6)}, max ${ms(delay.max / 1e6)}; ${reads} reads meanwhile`,
  )
  expect(reads).toBeGreaterThan(1)
  const records = linesOf(files)
    .slice(before.lines)
    .filter(({ body }) => body.action === 'import')
  expect(records.length).toBe(1)
  const paths = new Set(records[0]?.body.paths)
  expect(paths.size).toBe(COUNT)
  expect(records[0]).toMatchObject({ rev: before.head + 1, body: { outcome: 'ok', count: COUNT } })
  expect(home.registry.status(home.admin).entries).toBe(COUNT)
  await home.registry.close()

  const again = await reopen(directory, files)
  expect(again.registry.status(again.admin).entries).toBe(COUNT)
  for (const at of [0, 1, 10, 54_321, COUNT - 1]) {
    expect(paths.has(keyOf(at))).toBe(true)
    expect(await again.api.get({ key: keyOf(at), decrypt: true })).toMatchObject({
      value: textOf(at),
    })
  }
  await again.registry.close()

  // What stood on the disk when the commit began is what a process killed in it leaves: nothing of it.
  const killed = await LevelEngine.open(copy)
  expect(killed.head).toBe(before.head)
  const rows = await killed.iterate({ gte: 'e/large', lt: 'e/large0' }).nextPage(10)
  expect(rows.map(({ key }) => key)).toEqual([`e${keyOf(0)}`])
  await killed.close()
}, 300_000)

test('the paths of an import fit its record, or it is refused when it is staged', async () => {
  const { api } = await start()
  const id = (await api.import({ op: 'begin' })).import ?? ''
  const long = `/${'x'.repeat(200)}/${'y'.repeat(200)}/${'z'.repeat(90)}`
  let staged = 0
  let refused: unknown
  for (let round = 0; round < 4 && refused === undefined; round++) {
    const entries = Array.from({ length: 10_000 }, (_, at) => ({
      key: `${long}/${round}-${at}`,
      value: '',
    }))
    const outcome = await outcomeOf(() => api.import({ op: 'stage', import: id, entries }))
    if ((outcome as { reason?: string }).reason === undefined) staged += entries.length
    else refused = outcome
  }
  expect(refused).toEqual(reason('LIMIT_EXCEEDED'))
  expect(await api.import({ op: 'commit', import: id })).toMatchObject({ imported: staged })
  const { records } = await api.audit({ action: 'import' })
  expect(records[0]).toMatchObject({ count: staged })
}, 300_000)
