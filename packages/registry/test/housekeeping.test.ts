import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelEngine } from '@secreg/storage'
import { waitFor } from '@secreg/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { start } from './fixture.ts'

/** A registry on disk whose clock for scrubs is turned by the test. */
async function startOnDisk() {
  const directory = mkdtempSync(join(tmpdir(), 'registry-scrub-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'store')
  const faults: unknown[] = []
  let nowMs = 0
  const engine = await LevelEngine.open(path)
  const home = await start({
    engine,
    housekeepingMs: 5,
    scrub: { firstAfterMs: 1000, everyMs: 1000 },
    monotonicMs: () => nowMs,
    onFault: (fault) => faults.push(fault),
  })
  onTestFinished(() => home.registry.close())
  let scrubs = 0
  const scrub = engine.scrub.bind(engine)
  engine.scrub = async (options) => {
    const report = await scrub(options)
    scrubs++
    return report
  }
  const nextScrub = async (): Promise<void> => {
    const before = scrubs
    nowMs += 1001
    await waitFor(() => scrubs > before)
  }
  const advance = (ms: number): void => {
    nowMs += ms
  }
  return { ...home, path, faults, nextScrub, advance }
}

test('damage that nobody reads is found by the scrub, told, and shown by status', async () => {
  const { api, admin, engine, faults, nextScrub, path, registry } = await startOnDisk()
  for (let i = 0; i < 50; i++) await api.set({ key: `/app/${i}`, value: `value ${i}` })
  await engine.compact('', '')
  await nextScrub()
  expect(faults).toEqual([])
  expect(registry.status(admin).warnings).toBeUndefined()

  const table = readdirSync(path).find((name) => name.endsWith('.ldb')) as string
  const bytes = readFileSync(join(path, table))
  const at = bytes.indexOf('value 7')
  // In its place: the engine has the file mapped, and a file cut short meanwhile would kill the process.
  const file = openSync(join(path, table), 'r+')
  writeSync(file, Buffer.of((bytes[at] as number) ^ 1), 0, 1, at)
  closeSync(file)
  await nextScrub()
  await waitFor(() => registry.status(admin).warnings !== undefined)
  expect(registry.status(admin).warnings).toHaveLength(1)
  expect(faults).toEqual([expect.objectContaining({ code: 'ERR_STORAGE_CORRUPT' })])
})

test('a registry that closes does not wait for a scrub', async () => {
  const { advance, engine, faults, registry } = await startOnDisk()
  let running = false
  engine.scrub = ({ signal } = {}) =>
    new Promise((_, reject) => {
      running = true
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
  advance(1001)
  await waitFor(() => running)
  await registry.close()
  expect(engine.state).toBe('closed')
  expect(faults).toEqual([])
})
