/** A worker: one gateway, told by its primary what to do. */
import { randomBytes } from 'node:crypto'
import { connectRelay } from '@secreg/client'
import { createLogger, guardSignals, hardenProcess, type Logger } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { AggregatorRegistry } from 'prom-client'
import { composeGateway, type Gateway } from '../compose.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import { readTls, TlsError } from '../server/tls.ts'
import { version } from '../version.ts'
import { ClusterFigures } from './cluster-figures.ts'
import { isMessage, type PrimaryMessage, type WorkerMessage } from './messages.ts'

/** EX_SOFTWARE of sysexits(3). */
const INTERNAL_FAULT = 70

/** Run until the primary says that it is enough, or is gone. */
export function runWorker(): void {
  guardSignals()
  // A service manager signals every process; what is to be done is for the primary to say.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  new Worker().listen()
}

class Worker {
  readonly #figures = new ClusterFigures((id) => send({ gateway: 'ask-figures', id }))
  #log: Logger | undefined
  #config: GatewayConfig | undefined
  #gateway: Gateway | undefined
  #stopping = false

  listen(): void {
    // Node.js would print the message and the line of code, and messages of the platform quote their input.
    process.on('uncaughtException', (error) => {
      this.#log?.fatal('internal fault', { error })
      this.#log?.flush()
      process.exit(INTERNAL_FAULT)
    })
    // Answers the primary's aggregation from then on.
    new AggregatorRegistry()
    AggregatorRegistry.setRegistries([])
    process.on('message', (message: unknown) => {
      if (isMessage(message)) this.#take(message as PrimaryMessage)
    })
    process.once('disconnect', () => void this.#stop())
    send({ gateway: 'hello' })
  }

  #take(message: PrimaryMessage): void {
    switch (message.gateway) {
      case 'start':
        this.#start(message.config).catch((error: unknown) => {
          this.#log?.fatal('a worker cannot start', { error })
          this.#log?.flush()
          send({ gateway: 'failed', message: messageOf(error) })
        })
        break
      case 'reload':
        this.#reload(message)
        break
      case 'drain':
        void this.#stop()
        break
      case 'figures':
        this.#figures.answer(message.id, message.text)
        break
      case 'all-full':
        this.#gateway?.server.passOn(!message.full)
        break
    }
  }

  async #start(config: GatewayConfig): Promise<void> {
    const hardening = hardenProcess()
    const log = createLogger({
      name: 'secreg-gateway',
      level: config.logLevel,
      messageOf: (error) => (SecregError.is(error) ? error.message : undefined),
    })
    this.#log = log
    this.#config = config
    for (const warning of hardening.warnings) log.warn(warning)
    const gateway = composeGateway({
      config,
      log,
      version,
      idPrefix: randomBytes(6).toString('base64url'),
      connect: () => connectRelay({ socket: config.socket }),
      figures: this.#figures,
      onFull: (full) => send({ gateway: 'full', full }),
    })
    gateway.server.passOn(true)
    this.#gateway = gateway
    AggregatorRegistry.setRegistries([gateway.figures.registry])
    const { port } = await gateway.server.listen(config.listen)
    send({ gateway: 'listening', port })
  }

  #reload({ logLevel }: Extract<PrimaryMessage, { gateway: 'reload' }>): void {
    const log = this.#log
    if (log === undefined || this.#config === undefined) return
    log.level = logLevel
    try {
      const files = readTls(this.#config.http)
      if (files !== undefined) this.#gateway?.server.useTls(files)
    } catch (error) {
      log.error('certificates not reloaded; the old ones stay in force', {
        detail: messageOf(error),
      })
    }
  }

  async #stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    await this.#gateway?.close((this.#config?.http.drainSeconds ?? 0) * 1000)
    this.#log?.flush()
    process.exit(0)
  }
}

function send(message: WorkerMessage): void {
  // A primary that is gone needs nothing any more.
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}

/** Words that hold nothing but what the configuration says. */
function messageOf(error: unknown): string {
  if (error instanceof TlsError) return error.message
  if (error instanceof Error && 'syscall' in error) return error.message
  return error instanceof Error ? error.name : typeof error
}
