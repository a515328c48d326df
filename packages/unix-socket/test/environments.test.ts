/** Processes and workers that load the package: their ends with sockets open, and what they must not do. */
import { join } from 'node:path'
import { cleanEnv, createTempHome, type Finished, runChild, type TempHome } from '@secreg/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { layOut, needNative } from './support.ts'

beforeEach((context) => needNative(context))

/** What scripts begin with: a server at `path`, and `pair()` for a connection from both its ends. */
const PRELUDE = `
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
const { createSeqpacketServer, connectSeqpacket } = await import(MODULE)
async function serve(path) {
  const server = createSeqpacketServer().listen({ path })
  await once(server, 'listening')
  const pair = async () => {
    const client = connectSeqpacket({ path })
    const [[peer]] = await Promise.all([once(server, 'connection'), once(client, 'connect')])
    for (const socket of [client, peer]) socket.on('error', () => {})
    return [client, peer]
  }
  return { server, pair }
}
const descriptors = () => readdirSync('/proc/self/fd').length
`

interface RunOptions {
  readonly nodeArgs?: readonly string[]
  readonly shell?: string
}

async function run(home: TempHome, script: string, options: RunOptions = {}): Promise<Finished> {
  const module = JSON.stringify(layOut(home))
  const prelude = PRELUDE.replace('MODULE', module)
  const path = `const path = ${JSON.stringify(join(home.path, 's'))}\n`
  const file = home.write('script.mjs', prelude + path + script)
  const args = [...(options.nodeArgs ?? []), file]
  // Nx has output coloured.
  const env = cleanEnv({ FORCE_COLOR: undefined })
  const child = { env, timeoutMs: 60_000 }
  if (options.shell === undefined) return runChild(process.execPath, args, child)
  const command = `${options.shell}; exec "$0" "$@"`
  return runChild('/bin/sh', ['-c', command, process.execPath, ...args], child)
}

const CLEAN = { code: 0, signal: null, stderr: '' }

describe('a process', () => {
  test('ends by itself when all is closed, and not before', async () => {
    await using home = createTempHome()
    const result = await run(
      home,
      `
const { server, pair } = await serve(path)
const [client, peer] = await pair()
peer.on('packet', () => {}).on('end', () => console.log('end'))
setTimeout(() => { client.end(); server.close() }, 50).unref()
setTimeout(() => {}, 60).unref()
process.on('exit', () => console.log('exit', server.listening))
`,
    )
    expect(result).toMatchObject({ ...CLEAN, stdout: 'end\nexit false\n' })
  })

  test('ends with sockets that are unreferenced', async () => {
    await using home = createTempHome()
    const script = `
const { server, pair } = await serve(path)
for (const socket of await pair()) { socket.on('packet', () => {}); socket.unref() }
server.unref()
console.log('unreferenced')
`
    expect(await run(home, script)).toMatchObject({ ...CLEAN, stdout: 'unreferenced\n' })
  })

  test('exits with sockets open, packets unread and packets waiting', async () => {
    await using home = createTempHome()
    const script = `
const { pair } = await serve(path)
for (let index = 0; index < 50; index++) {
  const [client, peer] = await pair()
  peer.pause()
  while (client.send(Buffer.alloc(4000)));
  client.send(Buffer.alloc(4000))
  peer.send(Buffer.from('unread'))
}
process.exit(3)
`
    expect(await run(home, script)).toMatchObject({ ...CLEAN, code: 3 })
  })

  test('gets no SIGPIPE, even with its default action', async () => {
    await using home = createTempHome()
    // Node.js ignores the signal; a handler puts it back on.
    const script = `
process.on('SIGPIPE', () => console.log('SIGPIPE'))
const { server, pair } = await serve(path)
const [client, peer] = await pair()
const closed = once(peer, 'close').catch(() => {})
client.destroy()
peer.pause()
await once(client, 'close')
for (let index = 0; index < 5; index++) peer.send(Buffer.from('x'), (error) => console.log(error.systemCode ?? error.code))
await new Promise((resolve) => setTimeout(resolve, 50))
server.close()
`
    const result = await run(home, script)
    expect(result).toMatchObject(CLEAN)
    expect(result.stdout.split('\n').slice(0, 2)).toEqual(['EPIPE', 'ERR_UNIX_SOCKET_CLOSED'])
    expect(result.stdout).not.toContain('SIGPIPE')
  })

  test('hears of what a handler throws as of any uncaught exception, and the socket goes on', async () => {
    await using home = createTempHome()
    const script = `
process.on('uncaughtException', (error) => console.log(error.message))
const { server, pair } = await serve(path)
const [client, peer] = await pair()
let count = 0
peer.on('packet', ({ data }) => {
  if (++count === 3) { client.end(); server.close() }
  throw new Error('thrown at ' + data)
})
for (const text of 'abc') client.send(Buffer.from(text))
`
    const result = await run(home, script)
    expect(result).toMatchObject({
      ...CLEAN,
      stdout: 'thrown at a\nthrown at b\nthrown at c\n',
    })
  })

  test('dies of what a handler throws when nobody catches it', async () => {
    await using home = createTempHome()
    const script = `
const { pair } = await serve(path)
const [client, peer] = await pair()
peer.on('packet', () => { throw new Error('for nobody') })
client.send(Buffer.from('x'))
`
    const result = await run(home, script)
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('for nobody')
  })

  test('keeps open sockets through collections of garbage, and frees closed ones', async () => {
    await using home = createTempHome()
    const script = `
const { server, pair } = await serve(path)
let echoes = 0
server.on('connection', (socket) => socket.on('packet', ({ data }) => { echoes++; socket.send(data) }))
// Nothing but the package holds these.
for (let index = 0; index < 20; index++) (await pair())[0].on('packet', function () { this.got = true })
const kept = []
const registry = new FinalizationRegistry(() => { freed++ })
let freed = 0
for (let round = 0; round < 200; round++) {
  const [client] = await pair()
  registry.register(client)
  const answer = once(client, 'packet')
  client.send(Buffer.alloc(1 + round * 50))
  if (round % 10 === 0) gc()
  await answer
  client.destroy()
}
for (let wait = 0; wait < 100 && (freed < 190 || server.connections > 20); wait++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)) }
console.log(server.connections, echoes, freed >= 190)
process.exit(0)
`
    const result = await run(home, script, { nodeArgs: ['--expose-gc'] })
    expect(result).toMatchObject({ ...CLEAN, stdout: '20 200 true\n' })
  })
})

describe('out of descriptors', () => {
  test('those who connect wait, nothing spins, it is told once, and they are served later', async () => {
    await using home = createTempHome()
    const script = `
import { closeSync, openSync } from 'node:fs'
const { server } = await serve(path)
const told = []
server.on('exhausted', (error) => told.push(error.systemCode))
let accepted = 0
server.on('connection', (socket) => { accepted++; socket.on('packet', ({ data }) => socket.send(data)) })
const hoard = []
const client = connectSeqpacket({ path })
const second = connectSeqpacket({ path })
await new Promise((resolve) => process.nextTick(resolve))
try { for (;;) hoard.push(openSync('/dev/null')) } catch {}
const turns = () => performance.nodeTiming.uvMetricsInfo.loopCount
const before = turns()
await new Promise((resolve) => setTimeout(resolve, 450))
console.log(told.join(), accepted, turns() - before < 100)
const answers = [once(client, 'packet'), once(second, 'packet')]
client.send(Buffer.from('1')); second.send(Buffer.from('2'))
for (const fd of hoard) closeSync(fd)
for (const answer of answers) console.log(String((await answer)[0].data))
console.log(told.join(), accepted)
process.exit(0)
`
    const result = await run(home, script, { shell: 'ulimit -n 64' })
    expect(result).toMatchObject({ ...CLEAN, stdout: 'EMFILE 0 true\n1\n2\nEMFILE 2\n' })
  })

  test('a client is told', async () => {
    await using home = createTempHome()
    const script = `
import { openSync } from 'node:fs'
await serve(path)
try { for (;;) openSync('/dev/null') } catch {}
connectSeqpacket({ path }).on('error', (error) => { console.log(error.systemCode); process.exit(0) })
`
    const result = await run(home, script, { shell: 'ulimit -n 64' })
    expect(result).toMatchObject({ ...CLEAN, stdout: 'EMFILE\n' })
  })
})

describe('worker threads', () => {
  test('have sockets of their own, and end with them open', async () => {
    await using home = createTempHome()
    const script = `
if (isMainThread) {
  const { server, pair } = await serve(path)
  const [client, peer] = await pair()
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20))
  await settled()
  let before
  for (let round = 0; round < 4; round++) {
    const workers = Array.from({ length: 4 }, (_, index) => new Worker(new URL(import.meta.url), { workerData: path + round + index }))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    // Half are stopped from outside, half end by themselves.
    await Promise.all(workers.map((worker, index) => {
      const exit = once(worker, 'exit')
      if (index % 2 === 0) worker.terminate(); else worker.postMessage('exit')
      return exit
    }))
    if (before === undefined) {
      await settled()
      before = descriptors()
    }
  }
  for (let wait = 0; wait < 200 && descriptors() > before; wait++) await settled()
  const answer = once(peer, 'packet')
  client.send(Buffer.from('main goes on'))
  console.log(String((await answer)[0].data), descriptors() <= before)
  process.exit(0)
} else {
  const { server, pair } = await serve(workerData)
  const sockets = []
  for (let index = 0; index < 10; index++) sockets.push(await pair())
  for (const [client, peer] of sockets) {
    peer.on('packet', ({ data }) => peer.send(data))
    client.on('packet', ({ data }) => client.send(data))
    client.send(Buffer.from('for ever'))
  }
  parentPort.on('message', () => process.exit(0))
  parentPort.postMessage('busy')
}
`
    const result = await run(home, script)
    expect(result).toMatchObject({ ...CLEAN, stdout: 'main goes on true\n' })
  })

  test('may load it when the main thread does not, again and again', async () => {
    await using home = createTempHome()
    const worker = `
import { parentPort } from 'node:worker_threads'
import { once } from 'node:events'
import { spawnSync } from 'node:child_process'
const { createSeqpacketServer, connectSeqpacket } = await import(process.argv[2])
const server = createSeqpacketServer().listen({ path: process.argv[3] })
server.on('connection', (socket) => socket.on('packet', () => process.exit(0)))
// Its descriptors start the thread that closes them, which outlives this one.
spawnSync('python3', ['-c', ${JSON.stringify(
      'import array, socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); s.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 100))])',
    )}, process.argv[3]])
`
    const module = layOut(home)
    home.write('worker.mjs', worker)
    const main = home.write(
      'main.mjs',
      `
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
for (let round = 0; round < 4; round++) {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), { argv: [${JSON.stringify(module)}, ${JSON.stringify(home.file('w'))} + round] })
  await once(worker, 'exit')
}
console.log('ended')
`,
    )
    const result = await runChild(process.execPath, [main])
    expect(result).toMatchObject({ ...CLEAN, stdout: 'ended\n' })
  })
})
