// Durable writes over the registry socket, beside raw synced LevelDB batches of the same rows and bytes.
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { fill, setFrames, startDaemon } from './daemon.mjs'
import { load } from './load.mjs'
import { paired, rate, rateAndTail } from './measure.mjs'
import { record } from './report.mjs'

/** Rows of one set as the store writes them: entry and version, with the sizes seen in the store; and of one group. */
const ROWS = { plain: [330, 220], encrypted: [375, 265] }
const GROUP_ROWS = [64 * 170, 64 * 330, 160, 60]

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

async function rawBatches(db, sizes, group, total) {
  const begin = performance.now()
  for (let done = 0; done < total; done += group) {
    const ops = []
    for (let i = 0; i < group; i++) {
      for (const [at, size] of sizes.entries()) {
        ops.push({
          type: 'put',
          key: `${at}/bench/${(done + i) % 1000}`,
          value: Buffer.alloc(size, done + i),
        })
      }
    }
    for (const [at, size] of GROUP_ROWS.entries()) {
      ops.push({
        type: 'put',
        key: `g${at}/${done}`,
        value: Buffer.alloc(Math.ceil((size * group) / 64), at),
      })
    }
    await db.batch(ops, { sync: true })
  }
  return { perSecond: total / ((performance.now() - begin) / 1000) }
}
