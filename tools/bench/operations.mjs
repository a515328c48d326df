// The operations beside get and set, each beside the sets or gets that it does the work of.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fill, getFrames, keyOf, setFrames, startDaemon, VALUE } from './daemon.mjs'
import { ask, load, requestFrame } from './load.mjs'
import { paired, rateAndTail } from './measure.mjs'
import { record } from './report.mjs'

const WRITES = 10
const VERSIONS = 10

export async function benchOperations(root, directory) {
  const daemon = await startDaemon(root, join(directory, 'home'))
  const frameOf = (type, payload) => requestFrame(type, payload, daemon.session)
  try {
    await fill(daemon, 'txn', false)
    const transactions = Array.from({ length: 100 }, (_, i) =>
      frameOf(0x4e, {
        compare: [{ key: keyOf('txn', i), absent: false }],
        then: Array.from({ length: WRITES }, (_, j) => ({
          op: 'set',
          key: keyOf('txn', (i * WRITES + j) % 1000),
          value: VALUE,
        })),
      }),
    )
    const first = await ask(daemon.socket, transactions[0])
    assert.deepEqual([first.succeeded, first.results.length], [true, WRITES])
    const sets = setFrames(daemon, 'txn', false)
    const [alone, together] = await paired(
      () => load(daemon.socket, shape(1, 64, 10_000, sets, 6)),
      () => load(daemon.socket, shape(1, 8, 1000, transactions, 0x4f)),
      3,
    )
    record(
      `transaction of ${WRITES} sets, 8 in flight, over as many sets, 64 in flight`,
      (together.perSecond * WRITES) / alone.perSecond,
      { figures: `sets ${rateAndTail(alone)}; transactions ${rateAndTail(together)}` },
    )

    for (let i = 0; i < VERSIONS; i++) {
      await load(daemon.socket, shape(1, 64, 100, sets.slice(0, 100), 6))
    }
    const histories = Array.from({ length: 100 }, (_, i) => frameOf(0x50, { key: keyOf('txn', i) }))
    assert.equal((await ask(daemon.socket, histories[0])).versions.length, VERSIONS)
    const older = Array.from({ length: 100 }, (_, i) => frameOf(3, { key: keyOf('txn', i) }))
    const [active, history] = await paired(
      () => load(daemon.socket, shape(16, 1, 30_000, older, 4)),
      () => load(daemon.socket, shape(16, 1, 10_000, histories, 0x51)),
      3,
    )
    record(
      `history of ${VERSIONS} versions, 16 × 1, over a get`,
      history.perSecond / active.perSecond,
      {
        figures: `get ${rateAndTail(active)}; history ${rateAndTail(history)}`,
      },
    )

    await fill(daemon, 'poll', false)
    const plain = getFrames(daemon, 'poll')
    const polls = plain.map((_, i) => frameOf(3, { key: keyOf('poll', i), if_changed: 1 }))
    assert.equal((await ask(daemon.socket, polls[0])).unchanged, true)
    const [read, poll] = await paired(
      () => load(daemon.socket, shape(16, 1, 30_000, plain, 4)),
      () => load(daemon.socket, shape(16, 1, 30_000, polls, 4)),
      3,
    )
    record('get if changed, 16 × 1, over a get', poll.perSecond / read.perSecond, {
      figures: `get ${rateAndTail(read)}; if changed ${rateAndTail(poll)}`,
    })
  } finally {
    await daemon.stop()
  }
}

function shape(connections, inFlight, total, frames, expectType) {
  return { connections, inFlight, total, frames, expectType }
}
