/** One compaction at a time, waited for as long as an answer may take. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LevelEngine, StorageError } from '@secreg/storage'
import { createTempHome } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { Compactor } from '../src/compactor.ts'
import { addUser, linesOf, PASSPHRASE, PEER, reason, start } from './fixture.ts'

/** A store whose compactions end when the test says so. */
function gated() {
  const asked: { end(error?: unknown): void; signal: AbortSignal | undefined }[] = []
  const faults: unknown[] = []
  let bytes = 1000
  const compactor = new Compactor({
    engine: {
      compact: (gte, lt, options) => {
        expect([gte, lt]).toEqual(['', ''])
        return new Promise((resolve, reject) => {
          const signal = options?.signal
          signal?.addEventListener('abort', () => reject(signal.reason))
          const end = (error?: unknown): void => (error === undefined ? resolve() : reject(error))
          asked.push({ end, signal })
        })
      },
    },
    storeBytes: async () => bytes,
    now: () => 5000,
    onFault: (fault) => faults.push(fault),
    waitMs: 5,
  })
  const shrink = (to: number): void => {
    bytes = to
  }
  return { compactor, asked, faults, shrink }
}

describe('a compaction', () => {
  test('that takes long is answered as running, and asked for again by its number', async () => {
    const { compactor, asked, shrink } = gated()
    const job = compactor.start()
    const running = { job: 1, done: false, startedAtMs: 5000, bytesBefore: 1000 }
    expect(await compactor.settle(job)).toMatchObject(running)
    expect(compactor.start()).toBe(1)
    expect(asked).toHaveLength(1)
    shrink(400)
    asked[0]?.end()
    expect(await compactor.settle(job)).toMatchObject({ job: 1, done: true, bytesAfter: 400 })
    expect(compactor.start()).toBe(2)
    await compactor.settle(2)
    expect(asked).toHaveLength(2)
    await expect(compactor.settle(1)).rejects.toEqual(reason('NOT_FOUND'))
    await compactor.close()
  })

  test('that is not known is not found', async () => {
    await expect(gated().compactor.settle(1)).rejects.toEqual(reason('NOT_FOUND'))
  })

  test('that fails tells everybody who asks, and the next one can begin', async () => {
    const { compactor, asked, faults } = gated()
    const job = compactor.start()
    await compactor.settle(job)
    asked[0]?.end(new StorageError('ERR_STORAGE_FULL', 'no room'))
    for (const _ of [1, 2]) {
      await expect(compactor.settle(job)).rejects.toEqual(reason('STORAGE_FULL'))
    }
    expect(faults).toEqual([reason('STORAGE_FULL')])
    expect(compactor.start()).toBe(2)
    await compactor.close()
  })

  test('is stopped at the end', async () => {
    const { compactor, asked, faults } = gated()
    const job = compactor.start()
    await compactor.settle(job)
    await compactor.close()
    expect(asked[0]?.signal?.aborted).toBe(true)
    await expect(compactor.settle(job)).rejects.toEqual(reason('SHUTTING_DOWN'))
    expect(faults).toEqual([])
  })
})

describe('over the registry', () => {
  test('it gives back the room of what was overwritten, while work goes on', async () => {
    using home = createTempHome()
    const directory = home.file('data')
    const engine = await LevelEngine.open(directory)
    // LevelDB removes what it has replaced at any time.
    const sizeOf = (name: string): number =>
      statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0
    const storeBytes = async (): Promise<number> =>
      readdirSync(directory).reduce((sum, name) => sum + sizeOf(name), 0)
    const { api, registry } = await start({ engine, host: { storeBytes } })
    const value = (at: number): string => String(at % 10).repeat(60_000)
    for (let at = 0; at < 200; at++) await api.set({ key: `/app/${at % 10}`, value: value(at) })
    const compacting = api.maintain({ op: 'compact' })
    await api.set({ key: '/app/meanwhile', value: 'x' })
    const { compaction } = await compacting
    expect(compaction).toMatchObject({ job: 1, done: true })
    const { bytes_before: before = 0, bytes_after: after = 0 } = compaction ?? {}
    // Of 20 versions of 60,000 bytes, 10 are kept.
    expect(before).toBeGreaterThan(8_000_000)
    expect(after).toBeLessThan(7_000_000)
    expect((await api.get({ key: '/app/5' })).value).toBe(value(195))
    await registry.close()
  })

  test('needs the right to seal, keys that are there, and leaves a record', async () => {
    const home = await start()
    expect(await home.api.maintain({ op: 'compact' })).toEqual({
      compaction: { job: 1, done: true, started_at: expect.any(Number) },
    })
    expect(linesOf(home.files).at(-1)?.body).toMatchObject({
      action: 'admin',
      detail: 'compact',
      outcome: 'ok',
    })
    const { api } = await addUser(home, 'olga', ['auditor', 'operator'])
    await expect(api.maintain({ op: 'compact' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(api.maintain({ op: 'compact', job: 1 })).rejects.toEqual(reason('ACCESS_DENIED'))
    await home.registry.lock(home.admin)
    await expect(home.api.maintain({ op: 'compact' })).rejects.toEqual(reason('SEALED'))
    await home.registry.unlock(PEER, PASSPHRASE)
  })
})
