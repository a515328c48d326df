// Whether the time of a refused login tells that the name is known: two samples, taken in turn, and a permutation test.
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { startDaemon } from './daemon.mjs'
import { ask, requestFrame } from './load.mjs'
import { record } from './report.mjs'
import { chanceOf, median } from './two-samples.mjs'

const USERS = 60
/** One less than what locks an account. */
const TRIES = 4

export async function benchLogin(root, directory) {
  const daemon = await startDaemon(root, join(directory, 'home'))
  try {
    const names = Array.from({ length: USERS }, (_, i) => `user-${i}`)
    for (const user of names) {
      const password = `${randomBytes(12).toString('hex')}-A`
      const add = { op: 'add', user, password }
      const made = await ask(daemon.socket, requestFrame(0x5a, add, daemon.session))
      assert.equal(made.users?.[0]?.user, user)
    }
    const known = []
    const unknown = []
    const refused = async (username) => {
      const started = process.hrtime.bigint()
      const answer = await ask(daemon.socket, requestFrame(1, { username, password: 'wrong-one' }))
      const tookMs = Number(process.hrtime.bigint() - started) / 1e6
      return { tookMs, answer }
    }
    for (let attempt = 0; attempt < TRIES; attempt++) {
      for (const name of names) {
        const pair = [name, `ghost-${randomBytes(4).toString('hex')}`]
        // Whichever comes first pays for whatever was going on before.
        if (randomInt(2) === 1) pair.reverse()
        for (const one of pair) {
          const { tookMs, answer } = await refused(one)
          assert.deepEqual([answer.success, answer.error.reason], [false, 'AUTH_FAILED'])
          ;(one === name ? known : unknown).push(tookMs)
        }
      }
    }
    const shift = median(unknown) - median(known)
    record(
      'login of an unknown name over one of a known name, wrong password',
      median(unknown) / median(known),
      {
        figures: `${known.length} of each; known ${median(known).toFixed(2)} ms, unknown ${shift >= 0 ? '+' : ''}${shift.toFixed(3)} ms; p ${chanceOf(known, unknown).toFixed(2)} by permutation of medians`,
      },
    )
  } finally {
    await daemon.stop()
  }
}
