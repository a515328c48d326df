// Reads over the registry socket beside a bare echo, and beside the sum of their parts.
import { join } from 'node:path'
import { fill, getFrames, startDaemon, VALUE } from './daemon.mjs'
import { load } from './load.mjs'
import { paired, rate, rateAndTail } from './measure.mjs'
import { partsOfGet } from './parts.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'

const READS = 60_000

export async function benchReads(root, directory) {
  const daemon = await startDaemon(root, join(directory, 'home'))
  const echoSocket = join(directory, 'echo.sock')
  const answer = { value: VALUE, type: 'string', encrypted: false, version: 1, modify_revision: 12 }
  const echo = await start(
    join(root, 'tools/bench/echo-server.mjs'),
    echoSocket,
    '4',
    JSON.stringify(answer),
  )
  try {
    for (const [kind, encrypt, floor] of [
      ['plain', false, 0.45],
      ['encrypted', true, 0.3],
    ]) {
      await fill(daemon, kind, encrypt)
      const frames = getFrames(daemon, kind)
      const wide = { connections: 16, inFlight: 1, total: READS, frames, expectType: 4 }
      await load(daemon.socket, wide)
      await load(echoSocket, wide)
      const [floorRun, run] = await paired(
        () => load(echoSocket, wide),
        () => load(daemon.socket, wide),
      )
      record(
        `get ${kind}, 16 connections × 1, over a bare echo`,
        run.perSecond / floorRun.perSecond,
        {
          floor,
          figures: `echo ${rateAndTail(floorRun)}; get ${rateAndTail(run)}`,
        },
      )

      const deep = { ...wide, connections: 1, inFlight: 64 }
      await load(daemon.socket, deep)
      const [parts, piped] = await paired(
        () => partsOfGet(join(directory, `parts-${kind}-${performance.now()}`), encrypt),
        () => load(daemon.socket, deep),
      )
      record(
        `get ${kind}, 64 in flight, over the sum of its parts`,
        piped.perSecond / parts.perSecond,
        {
          floor: 0.6,
          figures: `parts ${rate(parts)} (${parts.shown}); get ${rateAndTail(piped)}`,
        },
      )
    }
  } finally {
    await daemon.stop()
    await echo.stop()
  }
}
