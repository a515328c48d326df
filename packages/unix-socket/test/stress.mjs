/**
 * Hard work for the native part under tools that look at memory: `node stress.mjs FILE.node DIRECTORY [PYTHON]`. It calls
 * the native functions themselves, with right arguments and wrong ones, and ends with sockets open. Python, when it is
 * named, passes descriptors.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

const [file, directory, python] = isMainThread ? process.argv.slice(2) : workerData
const READABLE = 1
const WRITABLE = 2
const EAGAIN = -11

const addon = createRequire(import.meta.url)(file)
const callbacks = new Map()
const native = addon.create((id, events) => callbacks.get(id)?.(events))

const room = new Uint8Array(70_000)
const info = new Uint32Array(4)
const must = (result, what) => {
  if (result < 0) throw new Error(`${what}: ${result}`)
  return result
}
const turn = () => new Promise(setImmediate)

const PASS = `
import array, os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])
ids = (socket.SOL_SOCKET, 2, struct.pack('iII', os.getpid(), os.getuid(), os.getgid()))
for count in (1, 2, 253):
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0] * count))
    s.sendmsg([b'x' * count], [rights]); s.sendmsg([b'x'], [ids, rights]); s.sendmsg([b''], [rights])
`

/** Leave packets with descriptors for a server that is yet to accept. */
function pass(path) {
  if (python === undefined) return
  const { status, stderr } = spawnSync(python, ['-c', PASS, path], {
    env: { ...process.env, LD_PRELOAD: '' },
  })
  if (status !== 0) throw new Error(String(stderr))
}

/** Every function with arguments of every kind: it may refuse or throw, and must not touch memory that is not its own. */
function abuse() {
  const detached = new Uint8Array(10)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  const values = [
    undefined,
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 20,
    2 ** 52,
    2 ** 53,
    4096,
    '',
    'x'.repeat(107),
    'x'.repeat(108),
    'x'.repeat(255),
    'x'.repeat(256),
    'x'.repeat(100_000),
    'é'.repeat(200),
    'a\0b',
    {},
    [],
    () => {},
    Symbol('x'),
    10n,
    detached,
    new Uint8Array(0),
    new Uint8Array(1),
    new Uint32Array(3),
    info,
    new Uint32Array(info.buffer, 4),
    new Uint16Array(4),
    new DataView(new ArrayBuffer(8)),
    new ArrayBuffer(8),
    new Uint8Array(new SharedArrayBuffer(8)),
    Object.create(null),
    new Proxy({}, {}),
  ]
  const few = values.filter((_, index) => index % 4 === 3)
  const id = must(native.open(true), 'open')
  // Closing is last: it takes the real handle away.
  for (const name of [...Object.keys(native).filter((one) => one !== 'close'), 'close']) {
    for (const one of values) {
      for (const two of values) {
        for (const three of name === 'listen' || name === 'receive' ? [info, ...few] : [1]) {
          for (const first of [one, id]) {
            try {
              const result = native[name](first, two, three)
              if ((name === 'open' || name === 'accept') && result >= 0) native.close(result)
            } catch {}
          }
        }
      }
    }
  }
  for (const value of values) {
    try {
      addon.create(value)
    } catch {}
  }
}

async function exchange(path, count) {
  const listener = must(native.open(true), 'open')
  must(native.listen(listener, path, 100), 'listen')
  pass(path)
  let echoed = 0
  const echo = (id) => (events) => {
    if ((events & READABLE) === 0) return
    for (;;) {
      const length = native.receive(id, room, info)
      if (length === EAGAIN) return
      if (length <= 0) {
        callbacks.delete(id)
        native.close(id)
        return
      }
      const sent = native.send(id, room.subarray(0, length))
      if (sent === EAGAIN) native.poll(id, READABLE | WRITABLE)
      echoed++
    }
  }
  callbacks.set(listener, () => {
    for (;;) {
      const id = native.accept(listener)
      if (id < 0) return
      native.peer(id, info)
      callbacks.set(id, echo(id))
      must(native.poll(id, READABLE), 'poll')
    }
  })
  must(native.poll(listener, READABLE), 'poll')
  const clients = []
  for (let index = 0; index < count; index++) {
    const id = must(native.open(index % 2 === 0), 'open')
    if (native.connect(id, path) < 0) {
      await turn()
      must(native.connect(id, path), 'connect')
    }
    for (const call of [native.peer, (one, short) => native.receive(one, room, short)]) {
      try {
        call(id, new Uint32Array(new ArrayBuffer(12)))
        throw new Error('took an array that is too short')
      } catch (error) {
        if (error.message.startsWith('took')) throw error
      }
    }
    clients.push(id)
    callbacks.set(id, () => native.receive(id, room.subarray(0, 1 + (index % 100)), info))
    native.poll(id, READABLE)
    for (let packet = 0; packet < 20; packet++) {
      native.send(id, room.subarray(0, 1 + ((index * 997 + packet * 131) % 60_000)))
    }
    if (index % 8 === 0) await turn()
    // Closed while polled, with packets on the way in both directions.
    if (index % 3 === 0) native.close(clients.shift())
  }
  for (let wait = 0; wait < 20; wait++) await turn()
  for (const id of clients.splice(0, clients.length / 2)) {
    callbacks.delete(id)
    native.close(id)
    if (native.close(id) !== -9) throw new Error('closed twice')
  }
  await turn()
  return echoed
}

if (isMainThread) {
  // Some of the wrong paths are good names of files.
  process.chdir(directory)
  abuse()
  let echoed = 0
  for (let round = 0; round < 5; round++)
    echoed += await exchange(join(directory, `m${round}`), 100)
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: [file, join(directory, `w${round}`), python],
    })
    await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    await worker.terminate()
  }
  console.log(`echoed ${echoed > 0}`)
  process.exit(0)
} else {
  const { parentPort } = await import('node:worker_threads')
  await exchange(directory, 50)
  parentPort.postMessage('busy')
}
