// A rotation of the data keys over a million encrypted entries: how long the event loop of the daemon's process is held
// meanwhile, and how long it takes; in one process with the registry, on its real store and log.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { openLog } from '@secreg/audit'
import { createScryptPool } from '@secreg/crypto/node'
import { openRegistry } from '@secreg/registry'
import { initializeTestRegistry } from '@secreg/registry/testing'
import { LevelEngine } from '@secreg/storage'
import { percentile } from './load.mjs'
import { record } from './report.mjs'

const ENTRIES = Number(process.env.SECREG_BENCH_ROTATION ?? 1_000_000)
const IMPORT = 100_000
const STAGE = 10_000
/** One get and one set beside the rotation so often, milliseconds. */
const BESIDE_MS = 5
/** The timer that measures the delay fires so often, which is part of what it measures, milliseconds. */
const RESOLUTION_MS = 10

const keyOf = (i) => `/bench/rotation/${String(i).padStart(7, '0')}`
const textAt = (i) => `value ${i} `.padEnd(64, 'v')

async function importEntries(api) {
  for (let start = 0; start < ENTRIES; start += IMPORT) {
    const end = Math.min(ENTRIES, start + IMPORT)
    const { import: id } = await api.import({ op: 'begin' })
    for (let at = start; at < end; at += STAGE) {
      const size = Math.min(STAGE, end - at)
      const entries = Array.from({ length: size }, (_, i) => ({
        key: keyOf(at + i),
        value: textAt(at + i),
        encrypt: true,
      }))
      await api.import({ op: 'stage', import: id, entries })
    }
    await api.import({ op: 'commit', import: id })
  }
}

/** Gets and sets one after another until told to stop; their latencies in milliseconds. */
async function beside(api, signal) {
  const [gets, sets] = [[], []]
  for (let i = 0; !signal.aborted; i++) {
    const at = Math.floor((i * 104_729 * 7) % ENTRIES)
    let begin = performance.now()
    const { value } = await api.get({ key: keyOf(at), decrypt: true })
    gets.push(performance.now() - begin)
    assert.equal(value, textAt(at))
    begin = performance.now()
    await api.set({ key: `/beside/${i % 1000}`, value: 'v', encrypt: true })
    sets.push(performance.now() - begin)
    await pause(BESIDE_MS)
  }
  const sorted = (list) => Float64Array.from(list).sort()
  return { gets: sorted(gets), sets: sorted(sets) }
}

export async function benchRotation(_, directory) {
  const scrypt = createScryptPool()
  const auditDirectory = join(directory, 'audit')
  const { mkdirSync } = await import('node:fs')
  mkdirSync(auditDirectory, { mode: 0o700 })
  const opened = await openRegistry({
    engine: await LevelEngine.open(join(directory, 'data')),
    openLog: (cursor) => openLog({ directory: auditDirectory, ...(cursor && { cursor }) }),
    scrypt: scrypt.scrypt,
    scryptParams: { N: 2 ** 15, r: 8, p: 1 },
    settings: { requireMfa: false, sealedReads: true, encryptPrefixes: [] },
    version: 'bench',
  })
  const { registry } = opened
  try {
    const api = registry.as(await initializeTestRegistry(opened))
    await importEntries(api)
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    const stop = new AbortController()
    const load = beside(api, stop.signal)
    delay.enable()
    const begin = performance.now()
    const seconds = {}
    assert.equal((await api.rotate({ op: 'start' })).started, true)
    for (;;) {
      await pause(200)
      const { rotation } = await api.rotate({ op: 'status' })
      if (rotation === undefined) break
      seconds[rotation.phase] = (performance.now() - begin) / 1000
    }
    delay.disable()
    const total = (performance.now() - begin) / 1000
    stop.abort()
    const { gets, sets } = await load
    for (let i = 0; i < 1000; i++) {
      const at = Math.floor((i * ENTRIES) / 1000)
      const { value, version } = await api.get({ key: keyOf(at), decrypt: true })
      assert.deepEqual([value, version], [textAt(at), 1])
    }
    const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
    const tail = (list) => percentile(list, 0.99).toFixed(1)
    record(
      `event-loop delay p99 while ${ENTRIES.toLocaleString('en')} entries are rotated, ms`,
      ms(delay.percentile(99)),
      {
        floor: 20,
        kind: 'max',
        figures: `p50 ${ms(delay.percentile(50)).toFixed(1)}, max ${ms(delay.max).toFixed(1)} ms; ${(ENTRIES / total).toFixed(0)} entries/s; ${total.toFixed(0)} s, to the end of ${Object.entries(
          seconds,
        )
          .map(([phase, at]) => `${phase} ${at.toFixed(0)}`)
          .join(', ')}; beside it get p99 ${tail(gets)}, durable set p99 ${tail(sets)} ms`,
      },
    )
  } finally {
    await registry.close()
    await scrypt.close()
  }
}
