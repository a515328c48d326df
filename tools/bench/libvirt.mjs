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
  const calls = await callsOf(socket, drafts)
  const echoSocket = join(directory, 'echo')
  const file = join(directory, 'replies')
  writeFileSync(file, JSON.stringify(Object.fromEntries(fixedReplies(calls))))
  const echo = await start(join(root, 'tools/bench/libvirt-echo.mjs'), echoSocket, file)
  try {
    for (const { name, connections, total, asked } of [
      { name: 'look-up by UUID, get-value', connections: 1, total: 10_000, asked: calls.reads },
      { name: 'look-up by UUID, get-value', connections: 16, total: 30_000, asked: calls.reads },
      { name: `list of ${COUNT}`, connections: 1, total: 200, asked: calls.list },
      { name: 'set-value', connections: 1, total: 1000, asked: calls.sets },
      { name: 'set-value', connections: 16, total: 5000, asked: calls.sets },
    ]) {
      const shape = { connections, total, exchanges: asked }
      const bareShape = { ...shape, exchanges: await answeredBy(echoSocket, asked) }
      await loadLibvirt(echoSocket, bareShape)
      await loadLibvirt(socket, shape)
      const spent = [echo.pid, pid].map(cpuUs)
      const [bare, run] = await paired(
        () => loadLibvirt(echoSocket, bareShape),
        () => loadLibvirt(socket, shape),
        ROUNDS,
      )
      const [bareUs, ourUs] = [echo.pid, pid].map((one, at) =>
        ((cpuUs(one) - spent[at]) / (ROUNDS * total)).toFixed(0),
      )
      record(
        `libvirt: ${name}, ${connections} × 1, over a bare echo`,
        run.perSecond / bare.perSecond,
        {
          figures: `bare ${rateAndTail(bare)}; ours ${rateAndTail(run)}; processor µs a call: bare ${bareUs}, daemon ${ourUs}`,
        },
      )
    }
  } finally {
    await echo.stop()
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

/** By the numbers of their procedures. */
function fixedReplies({ reads: [lookUp, get], sets: [set], list: [list] }) {
  const opening = [
    { key: 'authList', reply: writeReply('authList', { types: [0] }, SERIAL) },
    { key: 'connectOpen', reply: writeReply('connectOpen', undefined, SERIAL) },
  ]
  return [...opening, lookUp, get, set, list].map(({ key, reply }) => [
    PROCEDURES[key].number,
    Buffer.from(reply).toString('hex'),
  ])
}
