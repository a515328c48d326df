// The socket of libvirt: what a call costs over a bare reply of as many bytes, and how it stands beside libvirtd.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROCEDURES, writeReply } from '@secreg/libvirt'
import { cpuUs } from './cpu.mjs'
import { VALUE } from './daemon.mjs'
import { answeredBy, exchanges, loadLibvirt, resultOf, SERIAL } from './libvirt-frames.mjs'
import { besideLibvirtd, defineAll } from './libvirtd.mjs'
import { paired, rateAndTail } from './measure.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'

const COUNT = 1000
const ROUNDS = 5
const value = new TextEncoder().encode(VALUE)

export async function benchLibvirt(root, directory) {
  const home = join(directory, 'home')
  const daemon = await start(join(root, 'apps/daemon/bin/secregd.js'), '--dev', home)
  const ours = { socket: daemon.ready.libvirt, pid: daemon.pid }
  const drafts = Array.from({ length: COUNT }, (_, at) => ({
    uuid: randomUUID(),
    usage: { type: 'ceph', id: `client.bench-${at}` },
  }))
  try {
    await defineAll(ours.socket, drafts, value)
    await overEcho(root, directory, ours, drafts)
    await besideLibvirtd(ours, drafts, value)
  } finally {
    await daemon.stop()
  }
}

async function overEcho(root, directory, { socket, pid }, drafts) {
  const { reads, sets, list } = await callsOf(socket, drafts)
  const echoSocket = join(directory, 'echo')
  const file = join(directory, 'replies')
  writeFileSync(file, JSON.stringify(Object.fromEntries(fixedReplies(reads))))
  const echo = await start(join(root, 'tools/bench/libvirt-echo.mjs'), echoSocket, file)
  try {
    const bareReads = await answeredBy(echoSocket, reads)
    for (const [connections, total] of [
      [1, 10_000],
      [16, 30_000],
    ]) {
      const bareOnce = () => loadLibvirt(echoSocket, { connections, total, exchanges: bareReads })
      const once = () => loadLibvirt(socket, { connections, total, exchanges: reads })
      await bareOnce()
      await once()
      const spent = [echo.pid, pid].map(cpuUs)
      const [bare, run] = await paired(bareOnce, once, ROUNDS)
      const each = [echo.pid, pid].map((one, at) => (cpuUs(one) - spent[at]) / (ROUNDS * total))
      record(
        `libvirt: look-up by UUID and get-value in turn, ${connections} × 1, over a bare echo`,
        run.perSecond / bare.perSecond,
        {
          figures: `bare ${rateAndTail(bare)}; ours ${rateAndTail(run)}; processor µs a call: bare ${each[0].toFixed(0)}, daemon ${each[1].toFixed(0)}`,
        },
      )
    }
  } finally {
    await echo.stop()
  }
  for (const [name, connections, total, asked] of [
    [`list of ${COUNT}`, 1, 200, list],
    ['set-value', 1, 1000, sets],
    ['set-value', 16, 5000, sets],
  ]) {
    const run = await loadLibvirt(socket, { connections, total, exchanges: asked })
    record(`libvirt: ${name}, ${connections} × 1`, undefined, { figures: rateAndTail(run) })
  }
}

/** What is called, with the replies of a daemon, which are first shown to say what they should. */
async function callsOf(socket, drafts) {
  const uuids = drafts.map(({ uuid }) => uuid)
  const some = drafts.map((_, at) => uuids[(at * 7919) % COUNT])
  const secrets = some.map((uuid) => ({ uuid, usageType: 0, usageId: '' }))
  const lookUps = await exchanges(
    socket,
    'secretLookupByUuid',
    some.map((uuid) => ({ uuid })),
  )
  const gets = await exchanges(
    socket,
    'secretGetValue',
    secrets.map((secret) => ({ secret, flags: 0 })),
  )
  const sets = await exchanges(
    socket,
    'secretSetValue',
    secrets.map((secret) => ({ secret, value, flags: 0 })),
  )
  const list = await exchanges(socket, 'connectListAllSecrets', [{ needResults: 1, flags: 0 }])
  for (const [at, lookUp] of lookUps.entries()) {
    assert.equal(resultOf(lookUp).secret.uuid, some[at])
    assert.deepEqual(resultOf(gets[at]).value, value)
    assert.equal(resultOf(sets[at]), undefined)
  }
  const listed = resultOf(list[0]).secrets
  assert.deepEqual(
    listed.map(({ uuid }) => uuid),
    [...uuids].sort(),
  )
  return { reads: lookUps.flatMap((lookUp, at) => [lookUp, gets[at]]), sets, list }
}

/** One for each of their procedures, by its number. */
function fixedReplies([lookUp, get]) {
  const opening = [
    { key: 'authList', reply: writeReply('authList', { types: [0] }, SERIAL) },
    { key: 'connectOpen', reply: writeReply('connectOpen', undefined, SERIAL) },
  ]
  return [...opening, lookUp, get].map(({ key, reply }) => [
    PROCEDURES[key].number,
    Buffer.from(reply).toString('hex'),
  ])
}
