// What a million entries cost: the tail of gets over all of them, and the time from the start of the process until it
// says that it is ready, unsealed.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connectRegistry } from '@secreg/client'
import { keyOf, startDaemon, VALUE } from './daemon.mjs'
import { load, percentile, requestFrame } from './load.mjs'
import { rateAndTail } from './measure.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'

const FEW = 10_000
const MANY = 1_000_000
/** Entries of one import, and of one of its requests. */
const IMPORT = 100_000
const STAGE = 5_000
const GETS = 100_000
/** Keys that the gets are spread over: more than the store keeps rows in memory for, at a million entries. */
const SPREAD = 50_000

async function importEntries(daemon, from, to) {
  const registry = await connectRegistry({ socket: daemon.socket, sessionId: daemon.session })
  const patience = { timeoutMs: 120_000 }
  try {
    for (let start = from; start < to; start += IMPORT) {
      const { import: id } = await registry.import({ op: 'begin' })
      const end = Math.min(to, start + IMPORT)
      for (let at = start; at < end; at += STAGE) {
        const size = Math.min(STAGE, end - at)
        const entries = Array.from({ length: size }, (_, i) => ({
          key: keyOf('million', at + i),
          value: VALUE,
        }))
        await registry.import({ op: 'stage', import: id, entries }, patience)
      }
      const answer = await registry.import({ op: 'commit', import: id }, patience)
      assert.equal(answer.imported, end - start)
    }
  } finally {
    await registry.close()
  }
}

/** Gets of random entries, one in flight on each of four connections: the tail, not the rate, is asked. */
async function gets(daemon, count) {
  const frames = Array.from({ length: Math.min(SPREAD, count) }, (_, i) => {
    const key = keyOf('million', Math.floor((i * 104_729 * 7) % count))
    return requestFrame(3, { key }, daemon.session)
  })
  const shape = { connections: 4, inFlight: 1, total: GETS, frames, expectType: 4 }
  const runs = []
  for (let round = 0; round < 3; round++) runs.push(await load(daemon.socket, shape))
  return runs.sort((a, b) => percentile(a.latencies, 0.99) - percentile(b.latencies, 0.99))[1]
}

/** Start it twice: the first time, LevelDB works up the log that the imports have left. */
async function reopened(root, home, daemon) {
  await daemon.stop()
  const ms = []
  for (let round = 0; round < 2; round++) {
    const begin = performance.now()
    const ready = await start(join(root, 'apps/daemon/bin/secregd.js'), '--dev', home)
    ms.push(performance.now() - begin)
    await ready.stop()
  }
  return { daemon: await startDaemon(root, home), firstMs: ms[0], ms: ms[1] }
}

export async function benchMillion(root, directory) {
  const home = join(directory, 'home')
  let daemon = await startDaemon(root, home)
  try {
    await importEntries(daemon, 0, FEW)
    let opened = await reopened(root, home, daemon)
    daemon = opened.daemon
    const fewMs = opened.ms
    const few = await gets(daemon, FEW)
    const begin = performance.now()
    await importEntries(daemon, FEW, MANY)
    const importSeconds = (performance.now() - begin) / 1000
    opened = await reopened(root, home, daemon)
    daemon = opened.daemon
    const many = await gets(daemon, MANY)
    const tail = (run) => percentile(run.latencies, 0.99)
    record('get p99, 1,000,000 entries, over that with 10,000', tail(many) / tail(few), {
      floor: 1.5,
      kind: 'max',
      figures: `10,000: ${rateAndTail(few)}; 1,000,000: ${rateAndTail(many)}; import ${((MANY - FEW) / importSeconds).toFixed(0)} entries/s`,
    })
    record('start with 1,000,000 entries until it is ready, seconds', opened.ms / 1000, {
      floor: 2,
      kind: 'max',
      figures: `10,000: ${(fewMs / 1000).toFixed(2)} s; 1,000,000: ${(opened.ms / 1000).toFixed(2)} s, the first time after the import ${(opened.firstMs / 1000).toFixed(2)} s`,
    })
  } finally {
    await daemon.stop()
  }
}
