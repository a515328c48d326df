// Wall time of the command, beside the start of Node.js alone.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fill, keyOf, startDaemon, VALUE } from './daemon.mjs'
import { record } from './report.mjs'

const RUNS = 30

export async function benchCommand(root, directory) {
  const daemon = await startDaemon(root, join(directory, 'home'))
  const sreg = join(root, 'apps/sreg-cli/bin/sreg.js')
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    SECREG_SOCKET: daemon.socket,
    XDG_RUNTIME_DIR: directory,
  }
  const run = (...args) => spawnSync(process.execPath, args, { env, input: `${daemon.password}\n` })
  try {
    await fill(daemon, 'cli', false, 10)
    assert.equal(run(sreg, 'login', daemon.login, '--password-stdin').status, 0)
    assert.equal(run(sreg, 'get', keyOf('cli', 1)).stdout.toString(), `${VALUE}\n`)
    const [bare, command] = inTurn([() => run('-e', '0'), () => run(sreg, 'get', keyOf('cli', 1))])
    record('sreg get, wall time, over node -e 0', command / bare, {
      floor: 1.6,
      kind: 'max',
      figures: `node ${bare.toFixed(1)} ms; sreg get ${command.toFixed(1)} ms`,
    })
  } finally {
    await daemon.stop()
  }
}

/** Median milliseconds of each, run in turn. */
function inTurn(runs) {
  const times = runs.map(() => [])
  for (let round = 0; round < RUNS; round++) {
    for (const [at, run] of runs.entries()) {
      const begin = performance.now()
      run()
      times[at].push(performance.now() - begin)
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[RUNS >> 1])
}
