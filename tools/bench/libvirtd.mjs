// Beside libvirtd, with our own client on both sides, where `LIBVIRT_BENCH_SOCKET` names the socket of one.
//
// It needs nothing but its driver of secrets, must ask for no authentication, and is refused when it holds secrets; those
// made here are undefined in the end. Debian has it in libvirt-daemon and, as a part of it, the driver
// connection-driver/libvirt_driver_secret.so, to be copied into a directory of its own. With a file that says
//   auth_unix_rw = "none"
//   unix_sock_dir = "DIRECTORY"
// it is started by root with LIBVIRT_DRIVER_DIR=DRIVERS libvirtd -f FILE. Its socket is DIRECTORY/libvirt-sock. It keeps
// secrets in /etc/libvirt/secrets, one file for each definition and each value, and syncs the file.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connectLibvirt } from '@secreg/libvirt/node'
import { nativeProblem, peerCredentials } from '@secreg/unix-socket'
import { cpuUs } from './cpu.mjs'
import { driveCalls } from './drive.mjs'
import { paired, rateAndTail } from './measure.mjs'
import { record } from './report.mjs'

const ROUNDS = 5
/** At once while secrets are made. */
const WIDTH = 16

/** Make secrets that there are to be, and no others. */
export async function defineAll(socket, drafts, value) {
  await withRegistry(socket, async (registry) => {
    assert.equal(await registry.count(), 0, `${socket} holds secrets`)
    await inParts(drafts, async (draft) => {
      const secret = await registry.define(draft)
      await secret.setValue(value)
    })
  })
}

export async function besideLibvirtd(ours, drafts, value) {
  const socket = process.env.LIBVIRT_BENCH_SOCKET
  if (socket === undefined) {
    record('libvirt: beside libvirtd', undefined, {
      figures: 'LIBVIRT_BENCH_SOCKET names none; tools/bench/libvirtd.mjs says how it is run',
    })
    return
  }
  try {
    await defineAll(socket, drafts, value)
    const theirs = { socket, pid: await pidOf(socket) }
    assert.deepEqual(await answersOf(theirs), await answersOf(ours))
    const reads = 'look-up by UUID and get-value'
    const lists = `list of ${drafts.length}`
    for (const [name, connections, total, call] of [
      [reads, 1, 5000, read],
      [reads, 16, 15_000, read],
      [lists, 1, 200, list],
      ['set-value', 1, 1000, write],
      ['set-value', 16, 5000, write],
    ]) {
      const shape = { name, connections, total, call: (caller, at) => call(caller, at, value) }
      await compare(theirs, ours, shape)
    }
  } finally {
    await withRegistry(socket, async (registry) => {
      const mine = new Set(drafts.map(({ uuid }) => uuid))
      const left = (await registry.list()).filter(({ uuid }) => mine.has(uuid))
      await inParts(left, (secret) => secret.undefine())
    })
  }
}

async function compare(theirs, ours, { name, connections, total, call }) {
  const servers = [theirs, ours]
  const callers = await Promise.all(servers.map(({ socket }) => callersOf(socket, connections)))
  const run = (which) => driveCalls(callers[which], total, call)
  await run(0)
  await run(1)
  const spent = servers.map(({ pid }) => cpuOf(pid))
  const runs = await paired(
    () => run(0),
    () => run(1),
    ROUNDS,
  )
  const [theirUs, ourUs] = servers.map(({ pid }, at) =>
    ((cpuOf(pid) - spent[at]) / (ROUNDS * total)).toFixed(0),
  )
  for (const { registry } of callers.flat()) await registry.close()
  const [theirRun, ourRun] = runs
  record(
    `libvirt: ${name}, ${connections} × 1, over libvirtd`,
    ourRun.perSecond / theirRun.perSecond,
    {
      figures: `libvirtd ${rateAndTail(theirRun)}; ours ${rateAndTail(ourRun)}; processor µs: libvirtd ${theirUs}, daemon ${ourUs}`,
    },
  )
}

async function read({ registry, secrets }, at, value) {
  const { uuid } = secrets[(at * 7919) % secrets.length]
  const read = await (await registry.getByUuid(uuid)).getValue()
  if (read.length !== value.length) throw new Error(`a value of ${read.length} bytes`)
}

async function list({ registry, secrets }) {
  const listed = await registry.list()
  if (listed.length !== secrets.length) throw new Error(`a list of ${listed.length}`)
}

async function write({ secrets }, at, value) {
  await secrets[(at * 7919) % secrets.length].setValue(value)
}

/** Everything that is read here, of all secrets. */
async function answersOf({ socket }) {
  return await withRegistry(socket, async (registry) => {
    const answers = []
    for (const secret of await registry.list()) {
      const { uuid, usage } = await registry.getByUuid(secret.uuid)
      answers.push({ uuid, usage, xml: await secret.toXML(), value: await secret.getValue() })
    }
    return answers
  })
}

/** Connections with handles of all secrets. */
function callersOf(socket, count) {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const registry = await connectLibvirt({ socket, keepalive: false })
      return { registry, secrets: await registry.list() }
    }),
  )
}

async function withRegistry(socket, work) {
  const registry = await connectLibvirt({ socket })
  try {
    return await work(registry)
  } finally {
    await registry.close()
  }
}

/** Work on all, some at once. */
async function inParts(items, work) {
  for (let at = 0; at < items.length; at += WIDTH) {
    await Promise.all(items.slice(at, at + WIDTH).map(work))
  }
}

/** The process behind a socket, as far as it can be known. */
async function pidOf(path) {
  if (nativeProblem() !== undefined) return undefined
  const socket = connect(path)
  await once(socket, 'connect')
  const pid = peerCredentials(socket)?.pid
  socket.destroy()
  return pid
}

const cpuOf = (pid) => (pid === undefined ? Number.NaN : cpuUs(pid))
