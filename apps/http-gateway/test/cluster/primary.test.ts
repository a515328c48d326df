import { waitFor } from '@secreg/testkit'
import { describe, expect, it } from 'vitest'
import { ClusterFigures } from '../../src/cluster/cluster-figures.ts'
import { isMessage, type PrimaryMessage, type WorkerMessage } from '../../src/cluster/messages.ts'
import { Primary, type PrimaryOptions, type WorkerProcess } from '../../src/cluster/primary.ts'
import { HTTP_DEFAULTS } from '../support/test-gateway.ts'

class FakeWorker implements WorkerProcess {
  readonly got: PrimaryMessage[] = []
  readonly killed: string[] = []
  say: (message: WorkerMessage) => void = () => {}
  end: () => void = () => {}

  send(message: PrimaryMessage): void {
    this.got.push(message)
    if (message.gateway === 'drain') this.onDrain()
  }
  kill(signal: NodeJS.Signals): void {
    this.killed.push(signal)
    this.end()
  }
  onMessage(listener: (message: WorkerMessage) => void): void {
    this.say = listener
  }
  onExit(listener: () => void): void {
    let ended = false
    this.end = () => {
      if (!ended) listener()
      ended = true
    }
  }
  onDrain: () => void = () => this.end()

  /** As a worker does. */
  start(port = 4711): void {
    this.say({ gateway: 'hello' })
    this.say({ gateway: 'listening', port })
  }
}

const CONFIG = {
  http: { ...HTTP_DEFAULTS, drainSeconds: 0.05 },
  listen: { host: '127.0.0.1', port: 0 },
  socket: '/s',
  logLevel: 'info',
} as const

function prepare(workers: number, more: Partial<PrimaryOptions> = {}) {
  const made: FakeWorker[] = []
  const ready: number[] = []
  const failed: string[] = []
  const pauses: number[] = []
  const primary = new Primary({
    config: CONFIG,
    workers,
    fork: () => {
      const worker = new FakeWorker()
      made.push(worker)
      return worker
    },
    figures: async () => 'figures',
    onReady: (port) => ready.push(port),
    onFailed: (message) => failed.push(message),
    onCrash: (pauseMs) => pauses.push(pauseMs),
    ...more,
  })
  return { primary, made, ready, failed, pauses }
}

describe('Primary', () => {
  it('is ready once, when every worker listens', async () => {
    const { primary, made, ready } = prepare(3)
    primary.start()
    expect(made).toHaveLength(3)
    made[0]?.start()
    made[1]?.start()
    expect(ready).toEqual([])
    expect(made[2]?.got).toEqual([])
    made[2]?.start()
    expect(made[2]?.got).toEqual([{ gateway: 'start', config: CONFIG }])
    expect(ready).toEqual([4711])
    await primary.stop()
  })

  it('starts another one for a worker that ends, after a pause that grows', async () => {
    const { primary, made, ready, pauses } = prepare(2)
    primary.start()
    for (const worker of made) worker.start()
    made[0]?.end()
    await waitFor(() => made.length === 3)
    made[2]?.start()
    made[2]?.end()
    await waitFor(() => made.length === 4)
    expect(pauses).toEqual([100, 200])
    // It joins the listener of the others, which is found by the port that was asked for.
    made[3]?.start()
    expect(made[3]?.got).toEqual([{ gateway: 'start', config: CONFIG }])
    expect(ready).toEqual([4711])
    await primary.stop()
  })

  it('comes back at the same port when all have ended', async () => {
    const { primary, made } = prepare(1)
    primary.start()
    made[0]?.start()
    made[0]?.end()
    await waitFor(() => made.length === 2)
    made[1]?.start()
    expect(made[1]?.got).toMatchObject([
      { gateway: 'start', config: { listen: { host: '127.0.0.1', port: 4711 } } },
    ])
    await primary.stop()
  })

  it('gives up when a worker cannot start, or nothing but crashes comes of it', async () => {
    const { primary, made, failed } = prepare(1)
    primary.start()
    made[0]?.say({ gateway: 'failed', message: 'listen EADDRINUSE' })
    expect(failed).toEqual(['listen EADDRINUSE'])
    await primary.stop()

    const other = prepare(1)
    other.primary.start()
    for (let at = 0; at < 5; at++) {
      await waitFor(() => other.made.length === at + 1)
      other.made[at]?.end()
    }
    expect(other.failed).toHaveLength(1)
    expect(other.made).toHaveLength(5)
  })

  it('does not give up once it has served', async () => {
    const { primary, made, failed } = prepare(1)
    primary.start()
    made[0]?.start()
    made[0]?.end()
    await waitFor(() => made.length === 2)
    made[1]?.say({ gateway: 'failed', message: 'listen EADDRINUSE' })
    expect(made[1]?.killed).toEqual(['SIGKILL'])
    expect(failed).toEqual([])
    await waitFor(() => made.length === 3)
    await primary.stop()
  })

  it('tells all workers to read their certificates, and those that come later how much to log', async () => {
    const { primary, made } = prepare(2)
    primary.start()
    for (const worker of made) worker.start()
    primary.reload('debug')
    for (const worker of made) {
      expect(worker.got.at(-1)).toEqual({ gateway: 'reload', logLevel: 'debug' })
    }
    made[0]?.end()
    await waitFor(() => made.length === 3)
    made[2]?.start()
    expect(made[2]?.got).toMatchObject([{ gateway: 'start', config: { logLevel: 'debug' } }])
    await primary.stop()
  })

  it('lets workers finish, kills the one that does not, and starts none again', async () => {
    const { primary, made } = prepare(2)
    primary.start()
    for (const worker of made) worker.start()
    const [good, stuck] = made
    if (stuck !== undefined) stuck.onDrain = () => {}
    await primary.stop()
    expect(good?.killed).toEqual([])
    expect(stuck?.killed).toEqual(['SIGKILL'])
    expect(made).toHaveLength(2)
  })

  it('starts none after a crash when it is stopped meanwhile', async () => {
    const { primary, made, pauses } = prepare(1)
    primary.start()
    made[0]?.start()
    made[0]?.end()
    expect(pauses).toEqual([100])
    await primary.stop()
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(made).toHaveLength(1)
  })

  it('tells when all workers are full, and when one of them no longer is', async () => {
    const { primary, made } = prepare(2)
    primary.start()
    const [first, second] = made
    first?.start()
    first?.say({ gateway: 'full', full: true })
    // One that does not listen yet is no help.
    expect(first?.got.at(-1)).toEqual({ gateway: 'all-full', full: true })
    second?.start()
    expect(first?.got.at(-1)).toEqual({ gateway: 'all-full', full: false })
    second?.say({ gateway: 'full', full: true })
    for (const worker of made) {
      expect(worker.got.at(-1)).toEqual({ gateway: 'all-full', full: true })
    }
    first?.say({ gateway: 'full', full: false })
    for (const worker of made) {
      expect(worker.got.at(-1)).toEqual({ gateway: 'all-full', full: false })
    }
    first?.end()
    expect(second?.got.at(-1)).toEqual({ gateway: 'all-full', full: true })
    await primary.stop()
  })

  it('gives the figures of all to the one that asks, or tells that there are none', async () => {
    const { primary, made } = prepare(1)
    primary.start()
    made[0]?.start()
    made[0]?.say({ gateway: 'ask-figures', id: 7 })
    await waitFor(() => made[0]?.got.length === 2)
    expect(made[0]?.got.at(-1)).toEqual({ gateway: 'figures', id: 7, text: 'figures' })
    await primary.stop()

    const broken = prepare(1, { figures: () => Promise.reject(new Error('timed out')) })
    broken.primary.start()
    broken.made[0]?.start()
    broken.made[0]?.say({ gateway: 'ask-figures', id: 8 })
    await waitFor(() => broken.made[0]?.got.length === 2)
    expect(broken.made[0]?.got.at(-1)).toEqual({ gateway: 'figures', id: 8 })
    await broken.primary.stop()
  })
})

describe('ClusterFigures', () => {
  it('asks once for all who want to know', async () => {
    const asked: number[] = []
    const figures = new ClusterFigures((id) => asked.push(id))
    const both = [figures.text(), figures.text()]
    figures.answer(99, 'of somebody else')
    figures.answer(asked[0] ?? 0, 'text')
    expect(await Promise.all(both)).toEqual(['text', 'text'])
    expect(asked).toEqual([1])
    const next = figures.text()
    figures.answer(1, 'late')
    figures.answer(2, undefined)
    await expect(next).rejects.toThrow('not known')
  })

  it('waits only so long', async () => {
    await expect(new ClusterFigures(() => {}, 10).text()).rejects.toThrow('not known')
  })
})

it('tells messages of ours from others on the same channel', () => {
  expect(isMessage({ gateway: 'hello' })).toBe(true)
  for (const other of [{ type: 'prom-client:getMetricsReq' }, null, undefined, 'hello', 7]) {
    expect(isMessage(other)).toBe(false)
  }
})
