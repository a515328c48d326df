// Listings over the registry socket: a page of keys, and the top of a tree with many keys below.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fill, startDaemon } from './daemon.mjs'
import { ask, load, requestFrame } from './load.mjs'
import { rateAndTail } from './measure.mjs'
import { record } from './report.mjs'

const COUNT = 10_000

export async function benchListing(root, directory) {
  const daemon = await startDaemon(root, join(directory, 'home'))
  try {
    await fill(daemon, 'list', false, COUNT)
    for (const [what, payload, expected, total] of [
      ['1,000 of 10,000 keys', { prefix: '/bench/list', recursive: true, limit: 1000 }, 1000, 300],
      ['the top of 10,000 keys', { prefix: '/' }, 1, 2000],
    ]) {
      const frame = requestFrame(9, payload, daemon.session)
      assert.equal((await ask(daemon.socket, frame)).keys.length, expected)
      const run = await load(daemon.socket, {
        connections: 1,
        inFlight: 1,
        total,
        frames: [frame],
        expectType: 10,
      })
      record(`list ${what}`, undefined, { figures: rateAndTail(run) })
    }
  } finally {
    await daemon.stop()
  }
}
