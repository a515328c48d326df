// Durable writes over the registry socket, beside raw synced LevelDB batches of the same rows and bytes.
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { fill, setFrames, startDaemon } from './daemon.mjs'
import { load } from './load.mjs'
import { paired, rate, rateAndTail } from './measure.mjs'
import { record } from './report.mjs'

/** Bytes of key and value of one set's rows, as they are found in a store: entry and version (sealed: 45 more each). */
const ROWS = {
  plain: { entry: [21, 243], version: [48, 147] },
  encrypted: { entry: [25, 288], version: [48, 192] },
}
/** Bytes for each set in the group's outbox row and change row. */
const SHARED = { outbox: 350, change: 157 }
/** Cursor of the log and head of the store. */
const FIXED = { cursor: 172, head: 46 }

export async function benchWrites(root, directory) {
  const daemon = await startDaemon(root, join(directory, 'home'))
  const raw = new ClassicLevel(join(directory, 'raw'), {
    valueEncoding: 'view',
    compression: false,
  })
  await raw.open()
  try {
    for (const [kind, encrypt, floor] of [
      ['plain', false, 0.5],
      ['encrypted', true, 0.3],
    ]) {
      await fill(daemon, kind, encrypt)
      const frames = setFrames(daemon, kind, encrypt)
      for (const [inFlight, total, bound] of [
        [64, 12_000, floor],
        [1, 1000, undefined],
      ]) {
        const [floorRun, run] = await paired(
          () => rawBatches(raw, ROWS[kind], inFlight, total),
          () => load(daemon.socket, { connections: 1, inFlight, total, frames, expectType: 6 }),
          3,
        )
        record(
          `set ${kind}, durable, ${inFlight} in flight, over raw synced batches`,
          run.perSecond / floorRun.perSecond,
          {
            floor: bound,
            figures: `raw ${rate(floorRun)}; set ${rateAndTail(run)}`,
          },
        )
      }
    }
  } finally {
    await raw.close()
    await daemon.stop()
  }
}

/** What the store hands to LevelDB for groups of sets on the same entries, without anything around it. */
async function rawBatches(db, { entry, version }, group, total) {
  const name = (space, i, size) => `${space}${i}`.padEnd(size, '.')
  const begin = performance.now()
  for (let done = 0; done < total; done += group) {
    const ops = []
    for (let i = done; i < done + group; i++) {
      ops.push({
        type: 'put',
        key: name('e', i % 1000, entry[0]),
        value: Buffer.alloc(entry[1], i),
      })
      ops.push({ type: 'put', key: name('v', i, version[0]), value: Buffer.alloc(version[1], i) })
      ops.push({ type: 'del', key: name('v', i - 10_000, version[0]) })
    }
    const row = (key, size) => ops.push({ type: 'put', key, value: Buffer.alloc(size, done) })
    row(name('o', done, 20), SHARED.outbox * group)
    row(name('c', done, 17), SHARED.change * group)
    row('cursor', FIXED.cursor)
    row('head', FIXED.head)
    ops.push({ type: 'del', key: name('o', done - 20 * group, 20) })
    await db.batch(ops, { sync: true })
  }
  return { perSecond: total / ((performance.now() - begin) / 1000) }
}
