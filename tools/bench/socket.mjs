// Reads and writes over the registry socket, beside a bare echo of the same frames.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, load, percentile, requestFrame } from './load.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'

const ENTRIES = 1000
const VALUE = 'v'.repeat(64)
const READS = 60_000

const key = (kind, i) => `/bench/${kind}/${String(i).padStart(6, '0')}`

/** A daemon on a fresh home, with the administrator logged in. */
export async function startDaemon(root, directory) {
  const daemon = await start(join(root, 'apps/daemon/bin/secregd.js'), '--dev', directory)
  const { login, password } = JSON.parse(readFileSync(daemon.ready.admin, 'utf8'))
  const answer = await ask(daemon.ready.socket, requestFrame(1, { username: login, password }))
  assert.equal(answer.success, true)
  return { ...daemon, socket: daemon.ready.socket, session: answer.session_id }
}

async function fill({ socket, session }, kind, encrypt) {
  const frames = Array.from({ length: ENTRIES }, (_, i) =>
    requestFrame(5, { key: key(kind, i), value: VALUE, type: 'string', encrypt }, session),
  )
  await load(socket, { connections: 1, inFlight: 64, total: ENTRIES, frames, expectType: 6 })
  const got = await ask(socket, requestFrame(3, { key: key(kind, 7), decrypt: true }, session))
  assert.equal(got.value, VALUE)
  assert.equal(got.encrypted, encrypt)
}

function reads({ session }, kind) {
  return Array.from({ length: ENTRIES }, (_, i) =>
    requestFrame(3, { key: key(kind, (i * 7919) % ENTRIES), decrypt: true }, session),
  )
}

const micros = ({ perSecond, latencies }) =>
  `${(1e6 / perSecond).toFixed(1)} µs, ${Math.round(perSecond)}/s, p99 ${percentile(latencies, 0.99).toFixed(2)} ms`

/** Runs A and B in turn and takes each one's median, because the machine drifts. */
async function paired(a, b, rounds = 5) {
  const results = [[], []]
  for (let round = 0; round < rounds; round++) {
    results[0].push(await a())
    results[1].push(await b())
  }
  return results.map((all) => all.sort((x, y) => x.perSecond - y.perSecond)[rounds >> 1])
}

export async function benchSocketReads(root, directory) {
  const echoSocket = join(directory, 'echo.sock')
  const echo = await start(join(root, 'tools/bench/echo-server.mjs'), echoSocket)
  const daemon = await startDaemon(root, join(directory, 'home'))
  try {
    for (const [kind, encrypt, floor] of [
      ['plain', false, 0.45],
      ['encrypted', true, 0.3],
    ]) {
      await fill(daemon, kind, encrypt)
      const frames = reads(daemon, kind)
      const shape = { connections: 16, inFlight: 1, total: READS, frames }
      await load(daemon.socket, { ...shape, expectType: 4 })
      await load(echoSocket, { ...shape, expectType: 4 })
      const [floorRun, run] = await paired(
        () => load(echoSocket, { ...shape, expectType: 4 }),
        () => load(daemon.socket, { ...shape, expectType: 4 }),
      )
      record(
        `get ${kind}, 16 connections × 1, over a bare echo`,
        run.perSecond / floorRun.perSecond,
        {
          floor,
          figures: `echo ${micros(floorRun)}; get ${micros(run)}`,
        },
      )
    }
    return
  } finally {
    await daemon.stop()
    await echo.stop()
  }
}
