// A daemon on a fresh home with its administrator logged in, and the entries that the benchmarks use.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, load, requestFrame } from './load.mjs'
import { start } from './processes.mjs'

export const ENTRIES = 1000
export const VALUE = 'v'.repeat(64)

export const keyOf = (kind, i) => `/bench/${kind}/${String(i).padStart(6, '0')}`

export async function startDaemon(root, directory) {
  const daemon = await start(join(root, 'apps/daemon/bin/secregd.js'), '--dev', directory)
  const { login, password } = JSON.parse(readFileSync(daemon.ready.admin, 'utf8'))
  const answer = await ask(daemon.ready.socket, requestFrame(1, { username: login, password }))
  assert.equal(answer.success, true)
  return { ...daemon, socket: daemon.ready.socket, session: answer.session_id, login, password }
}

export function setFrames({ session }, kind, encrypt, count = ENTRIES) {
  return Array.from({ length: count }, (_, i) =>
    requestFrame(5, { key: keyOf(kind, i), value: VALUE, type: 'string', encrypt }, session),
  )
}

/** Write the entries of one kind, and check that they read back as written. */
export async function fill(daemon, kind, encrypt, count = ENTRIES) {
  const frames = setFrames(daemon, kind, encrypt, count)
  const shape = { connections: 1, inFlight: 64, total: count, frames, expectType: 6 }
  await load(daemon.socket, shape)
  for (const i of [0, count >> 1, count - 1]) {
    const answer = await ask(
      daemon.socket,
      requestFrame(3, { key: keyOf(kind, i), decrypt: true }, daemon.session),
    )
    assert.deepEqual([answer.value, answer.encrypted], [VALUE, encrypt])
  }
}

export function getFrames({ session }, kind, count = ENTRIES) {
  return Array.from({ length: count }, (_, i) =>
    requestFrame(3, { key: keyOf(kind, (i * 7919) % count), decrypt: true }, session),
  )
}
