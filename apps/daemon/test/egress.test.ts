/** The egress child as its parent sees it: what it is started with, how it can end, and that nothing waits for ever. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createTempHome, KafkaStandIn, startNode, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Egress, type EgressOptions } from '../src/egress/egress-process.ts'
import { EGRESS_LIMITS, type EgressPayload } from '../src/egress/messages.ts'
import {
  buildEgress,
  type Command,
  type EgressProgram,
  pidOf,
  writeChild,
} from './egress-program.ts'

let program: EgressProgram
beforeAll(async () => {
  program = await buildEgress()
})
afterAll(() => program[Symbol.dispose]())

function egressOf(options: EgressOptions = {}): Egress {
  const egress = new Egress({ command: program.command, ...options })
  onTestFinished(() => egress.close())
  return egress
}

const home = createTempHome()
afterAll(() => home.remove())
const childOf = (name: string, lines: string): Command => writeChild(home, name, lines)

const SILENT = () => childOf('silent', 'onMessage(() => {})')
const TIME = { timeoutMs: 30_000 }
const code = (word: string): unknown => expect.objectContaining({ code: `ERR_EGRESS_${word}` })
const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`)

function batchOf(address: string): EgressPayload<'kafka.send'> {
  return {
    cluster: { brokers: [address], clientId: 'secregd', tls: false },
    topics: ['events'],
    messages: [{ key: 'key', value: 'value' }],
  }
}

/** Its process, once it has answered. */
async function answering(egress: Egress): Promise<number> {
  await egress.call('kafka.close', {}, TIME)
  return pidOf(egress)
}

describe('what it is', () => {
  test('its environment is what it needs and no more, and its command line says nothing', async () => {
    vi.stubEnv('SECREG_CANARY', 'in the environment of the parent')
    vi.stubEnv('NODE_EXTRA_CA_CERTS', '/etc/ssl/certs/ca-certificates.crt')
    onTestFinished(() => void vi.unstubAllEnvs())
    const pid = await answering(egressOf())
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
    const names = environment.map((entry) => entry.split('=', 1)[0])
    expect(names).toContain('PATH')
    expect(names).toContain('NODE_EXTRA_CA_CERTS')
    for (const name of names) expect(name).toMatch(/^(?:PATH|LANG|LC_ALL|NODE_EXTRA_CA_CERTS)$/)
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
    expect(line).toEqual(program.command)
    expect(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8')).toMatch(/^0+\n$/)
  })

  test('signals that come to every process of the daemon do not end it, nor open its inspector', async () => {
    const egress = egressOf()
    const pid = await answering(egress)
    for (const signal of ['SIGUSR1', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE'] as const) {
      process.kill(pid, signal)
    }
    expect(await answering(egress)).toBe(pid)
    expect(listening(pid)).toEqual([])
  })

  test('it ends with its parent, however that ends', async () => {
    const [node, ...args] = program.command
    const parent = startNode(
      home.write(
        'parent.mjs',
        `import { spawn } from 'node:child_process'
        const child = spawn(${JSON.stringify(node)}, ${JSON.stringify(args)}, { stdio: ['pipe', 'pipe', 'ignore'] })
        console.log(String(child.pid))
        setInterval(() => {}, 1000)`,
      ),
    )
    const pid = Number(await parent.line(/^\d+$/))
    expect(isRunning(pid)).toBe(true)
    await parent.kill('SIGKILL')
    await waitFor(() => !isRunning(pid), { what: 'the end of the child' })
  })

  test('without kafkajs it says so, and stays', async () => {
    using bare = await buildEgress({ kafkajs: false })
    const egress = egressOf({ command: bare.command })
    const pid = await answering(egress)
    await expect(egress.call('kafka.send', batchOf('127.0.0.1:1'), TIME)).rejects.toThrow(
      /optional package kafkajs is not installed/,
    )
    expect(await answering(egress)).toBe(pid)
  })
})

/** Addresses on which a process listens, by the sockets that it has open. */
function listening(pid: number): string[] {
  const sockets = execFileSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' })
  const inodes = new Set([...sockets.matchAll(/socket:\[(\d+)\]/g)].map(([, inode]) => inode))
  const LISTEN = '0A'
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTEN && inodes.has(fields[9]))
      .map((fields) => fields[1] ?? ''),
  )
}

describe('what it is asked', () => {
  test.each<[string, unknown]>([
    ['no cluster', { ...batchOf('a:1'), cluster: undefined }],
    ['no broker', { ...batchOf('a:1'), cluster: { brokers: [], clientId: 'a', tls: false } }],
    ['a broker that is none', batchOf('http://a')],
    ['a broker with a path', batchOf('a:1/b')],
    ['a topic that is none', { ...batchOf('a:1'), topics: ['a b'] }],
    ['no messages', { ...batchOf('a:1'), messages: [] }],
    ['a member too many', { ...batchOf('a:1'), acks: 0 }],
  ])('with %s is refused by the child', async (_, payload) => {
    const egress = egressOf()
    const call = egress.call('kafka.send', payload as never, TIME)
    await expect(call).rejects.toEqual(code('INVALID'))
  })

  test('an operation that it does not know is refused', async () => {
    const call = egressOf().call('http.get' as 'kafka.close', {}, TIME)
    await expect(call).rejects.toEqual(code('INVALID'))
  })

  test('more than one message holds is not even sent', async () => {
    const egress = egressOf()
    const batch = {
      ...batchOf('a:1'),
      messages: [{ key: '', value: 'v'.repeat(EGRESS_LIMITS.questionBytes) }],
    }
    await expect(egress.call('kafka.send', batch, TIME)).rejects.toEqual(code('TOO_LARGE'))
    expect(egress.pid).toBeUndefined()
  })

  test('too much at once is refused, and what is under way is not touched', async () => {
    const egress = egressOf({ command: SILENT() })
    const calls = Array.from({ length: EGRESS_LIMITS.questions }, () =>
      egress.call('kafka.close', {}, TIME),
    )
    const ends = Promise.allSettled(calls)
    await expect(egress.call('kafka.close', {}, TIME)).rejects.toEqual(code('BUSY'))
    await egress.close()
    expect(await ends).toEqual(calls.map(() => ({ status: 'rejected', reason: code('CLOSED') })))
  })

  test('what is taken back before it is asked starts nothing', async () => {
    const egress = egressOf()
    const signal = AbortSignal.abort()
    const call = egress.call('kafka.close', {}, { ...TIME, signal })
    await expect(call).rejects.toEqual(code('CANCELLED'))
    expect(egress.pid).toBeUndefined()
  })

  test('what takes too long is taken back, and the next question is heard', async () => {
    await using broker = await KafkaStandIn.start()
    const egress = egressOf()
    const pid = await answering(egress)
    broker.pause()
    const call = egress.call('kafka.send', batchOf(broker.address), { timeoutMs: 300 })
    await expect(call).rejects.toEqual(code('TIMEOUT'))
    broker.resume()
    expect(await egress.call('kafka.send', batchOf(broker.address), TIME)).toEqual({ sent: 1 })
    expect(egress.pid).toBe(pid)
  })
})

describe('how it ends', () => {
  test('killed, it leaves nothing unanswered; another starts, not before a pause that grows', async () => {
    let timeMs = 0
    const pauses: number[] = []
    const egress = egressOf({
      command: SILENT(),
      now: () => timeMs,
      onEnd: (pauseMs) => pauses.push(pauseMs),
    })
    const pids = new Set<number>()
    for (const pause of [250, 500, 1000]) {
      const call = egress.call('kafka.close', {}, TIME)
      const pid = pidOf(egress)
      pids.add(pid)
      process.kill(pid, 'SIGKILL')
      await expect(call).rejects.toEqual(code('CHILD_GONE'))
      timeMs += pause - 1
      await expect(egress.call('kafka.close', {}, TIME)).rejects.toEqual(code('CHILD_GONE'))
      expect(egress.pid).toBeUndefined()
      timeMs += 1
    }
    expect(pids.size).toBe(3)
    expect(pauses).toEqual([250, 500, 1000])
  })

  test('an answer makes the pause short again', async () => {
    let timeMs = 0
    const pauses: number[] = []
    const egress = egressOf({ now: () => timeMs, onEnd: (pauseMs) => pauses.push(pauseMs) })
    for (let round = 0; round < 3; round++) {
      process.kill(await answering(egress), 'SIGKILL')
      await waitFor(() => egress.pid === undefined)
      timeMs += 60_000
    }
    expect(pauses).toEqual([250, 250, 250])
  })

  test.each([
    [
      'answers a question that nobody asked',
      'onMessage(({ id }) => answer({ id: id + 1, ok: true, result: {} }))',
    ],
    [
      'answers in another form',
      'onMessage(({ id }) => answer({ id, ok: true }) || answer({ id, ok: 1 }))',
    ],
    [
      'answers with a word of its own',
      `onMessage(({ id }) => answer({ id, ok: false, error: 'their text' }))`,
    ],
    [
      'announces more than it may',
      `onMessage(() => process.stdout.write(Buffer.from([255, 0, 0, 0])))`,
    ],
    ['prints', `onMessage(() => console.log('something that is no frame'))`],
    ['ends', 'onMessage(() => process.exit(0))'],
  ])('one that %s is not listened to any more', async (_, lines) => {
    const egress = egressOf({ command: childOf('wrong', `${lines}; setInterval(() => {}, 1000)`) })
    const refused = await egress.call('kafka.close', {}, TIME).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: expect.stringMatching(/_(?:CHILD_GONE|INTERNAL)$/) })
    expect(String(refused)).not.toContain('their text')
    await waitFor(() => egress.pid === undefined)
  })

  test('a result of another form is none, and ends it', async () => {
    const lines = `onMessage(({ id }) => answer({ id, ok: true, result: { more: 'their text' } }))`
    const egress = egressOf({ command: childOf('other-result', lines) })
    await expect(egress.call('kafka.close', {}, TIME)).rejects.toEqual(code('INTERNAL'))
    await waitFor(() => egress.pid === undefined)
  })

  test('one that does not even answer what is taken back is killed', async () => {
    const egress = egressOf({ command: SILENT(), cancelMs: 100 })
    const controller = new AbortController()
    const call = egress.call('kafka.close', {}, { ...TIME, signal: controller.signal })
    controller.abort()
    await expect(call).rejects.toEqual(code('CANCELLED'))
    await waitFor(() => egress.pid === undefined)
  })

  test('what cannot be started is gone at once', async () => {
    const egress = egressOf({ command: [home.file('no-program')] })
    await expect(egress.call('kafka.close', {}, TIME)).rejects.toEqual(code('CHILD_GONE'))
    const other = egressOf({ command: ['a\0b'] })
    await expect(other.call('kafka.close', {}, TIME)).rejects.toEqual(code('CHILD_GONE'))
  })

  test('closed, it ends, also when it would rather not; then nothing is asked any more', async () => {
    const lines = `process.stdin.removeAllListeners('end'); setInterval(() => {}, 1000)`
    for (const command of [program.command, childOf('stays', lines)]) {
      const egress = egressOf({ command })
      const call = egress.call('kafka.send', batchOf('127.0.0.1:1'), TIME)
      const pid = pidOf(egress)
      const refused = expect(call).rejects.toEqual(code('CLOSED'))
      await egress.close(200)
      await refused
      expect(isRunning(pid)).toBe(false)
      await expect(egress.call('kafka.close', {}, TIME)).rejects.toEqual(code('CLOSED'))
    }
  })
})
