/** The primary: keeps workers alive, and tells them what signals mean. It serves nothing itself. */
import type { LogLevel } from '@secreg/host'
import type { GatewayConfig } from '../gateway-config.ts'
import type { PrimaryMessage, WorkerMessage } from './messages.ts'

/** One process of a worker. */
export interface WorkerProcess {
  send(message: PrimaryMessage): void
  kill(signal: NodeJS.Signals): void
  onMessage(listener: (message: WorkerMessage) => void): void
  /** Called once, when the process has ended. */
  onExit(listener: () => void): void
}

export interface PrimaryOptions {
  readonly config: GatewayConfig
  readonly workers: number
  readonly fork: () => WorkerProcess
  /** Figures of all workers. */
  readonly figures: () => Promise<string>
  /** Every worker listens, for the first time. */
  readonly onReady: (port: number) => void
  /** A worker cannot start, and none would; or nothing else than crashes comes of it. */
  readonly onFailed: (message: string) => void
  /** A worker has ended by itself; it is started again after the pause. */
  readonly onCrash?: (pauseMs: number) => void
}

/** Pause before the first restart, and the longest, milliseconds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
/** Life after which a worker counts as sound, milliseconds. */
const SOUND_MS = 30_000
/** Crashes in a row before anything has ever listened. */
const HOPELESS = 5

export class Primary {
  readonly #options: PrimaryOptions
  readonly #live = new Map<
    WorkerProcess,
    { listening: boolean; full: boolean; readonly startedAt: number }
  >()
  readonly #timers = new Set<NodeJS.Timeout>()
  #config: GatewayConfig
  #crashes = 0
  #ready = false
  #port: number | undefined
  #allFull = false
  #stopping = false
  #stopped: (() => void) | undefined

  constructor(options: PrimaryOptions) {
    this.#options = options
    this.#config = options.config
  }

  start(): void {
    for (let at = 0; at < this.#options.workers; at++) this.#fork()
  }

  /** New certificates, and how much is logged; other keys need a restart. */
  reload(logLevel: LogLevel): void {
    this.#config = { ...this.#config, logLevel }
    this.#tell({ gateway: 'reload', logLevel })
  }

  /** Let the workers finish what is under way; one that does not end in time is killed. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    if (this.#live.size === 0) return
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve
    })
    this.#tell({ gateway: 'drain' })
    const timer = setTimeout(
      () => {
        for (const worker of this.#live.keys()) worker.kill('SIGKILL')
      },
      this.#config.http.drainSeconds * 1000 + 1000,
    )
    await stopped
    clearTimeout(timer)
  }

  #fork(): void {
    const worker = this.#options.fork()
    const state = { listening: false, full: false, startedAt: performance.now() }
    this.#live.set(worker, state)
    worker.onMessage((message) => {
      switch (message.gateway) {
        case 'hello':
          worker.send({ gateway: 'start', config: this.#config })
          break
        case 'listening':
          state.listening = true
          this.#listening(message.port)
          this.#weighRoom()
          break
        case 'failed':
          if (!this.#ready) this.#options.onFailed(message.message)
          else worker.kill('SIGKILL')
          break
        case 'ask-figures':
          void this.#figures(worker, message.id)
          break
        case 'full':
          state.full = message.full
          this.#weighRoom()
          break
      }
    })
    worker.onExit(() => {
      this.#live.delete(worker)
      if (this.#live.size === 0) this.#vacated()
      this.#weighRoom()
      if (!this.#stopping) this.#restart(performance.now() - state.startedAt)
    })
  }

  /**
   * Connections come to whichever worker is free, so that one is full before the others are. It leaves them to the
   * others then, but when all are full, nobody may: the same connection would go round without an end. A worker says
   * that it is full before it leaves any, and what is said here arrives before the next connection, on the same channel.
   */
  #weighRoom(): void {
    const serving = [...this.#live.values()].filter(({ listening }) => listening)
    const allFull = serving.length > 0 && serving.every(({ full }) => full)
    if (allFull === this.#allFull) return
    this.#allFull = allFull
    this.#tell({ gateway: 'all-full', full: allFull })
  }

  #listening(port: number): void {
    if (this.#ready || this.#stopping) return
    const all = [...this.#live.values()]
    if (all.length < this.#options.workers || !all.every(({ listening }) => listening)) return
    this.#ready = true
    this.#port = port
    this.#options.onReady(port)
  }

  #vacated(): void {
    this.#stopped?.()
    // Workers share a listener by the port that they ask for. With the last one it is gone, and port 0 would be another.
    if (this.#port === undefined) return
    this.#config = { ...this.#config, listen: { ...this.#config.listen, port: this.#port } }
  }

  #restart(livedMs: number): void {
    this.#crashes = livedMs >= SOUND_MS ? 1 : this.#crashes + 1
    if (!this.#ready && this.#crashes >= HOPELESS) {
      this.#options.onFailed('the workers end as soon as they are started')
      return
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#crashes - 1))
    this.#options.onCrash?.(pauseMs)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#fork()
    }, pauseMs)
    this.#timers.add(timer)
  }

  async #figures(worker: WorkerProcess, id: number): Promise<void> {
    let text: string | undefined
    try {
      text = await this.#options.figures()
    } catch {}
    if (!this.#live.has(worker)) return
    worker.send({ gateway: 'figures', id, ...(text === undefined ? {} : { text }) })
  }

  #tell(message: PrimaryMessage): void {
    for (const worker of this.#live.keys()) worker.send(message)
  }
}
