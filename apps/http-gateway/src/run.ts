/** One life of the gateway: start workers, say that they serve, reload and stop by signal. */
import cluster from 'node:cluster'
import {
  createLogger,
  createReadiness,
  hardenProcess,
  installSignals,
  type Logger,
} from '@secreg/host'
import { AggregatorRegistry } from 'prom-client'
import type { WorkerMessage } from './cluster/messages.ts'
import { isMessage } from './cluster/messages.ts'
import { Primary, type WorkerProcess } from './cluster/primary.ts'
import { type GatewayConfig, workersOf } from './gateway-config.ts'
import { isLoopback, urlOf } from './listen-address.ts'
import { load } from './load-config.ts'
import { TlsError } from './server/tls.ts'
import { version } from './version.ts'

/** EX_SOFTWARE of sysexits(3): unlike a wrong configuration, starting again can help. */
const INTERNAL_FAULT = 70

export interface RunOptions {
  /** Configuration file. */
  readonly config: string
  /** End with whoever has started it: when standard input or the channel to it ends. */
  readonly supervised: boolean
}

/**
 * Run until a signal stops it.
 *
 * @throws ConfigError, TlsError, HostError when it cannot start
 */
export async function run({ config: file, supervised }: RunOptions): Promise<void> {
  const hardening = hardenProcess()
  const config = load(file)
  const log = createLogger({ name: 'secreg-gateway', level: config.logLevel })
  for (const warning of hardening.warnings) log.warn(warning)
  // Node.js would print the message and the line of code, and messages of the platform quote their input.
  process.on('uncaughtException', (error) => {
    log.fatal('internal fault', { error })
    log.flush()
    process.exit(INTERNAL_FAULT)
  })
  const secure = config.http.tlsCert !== undefined
  if (!secure && !isLoopback(config.listen.host)) {
    log.warn('credentials are not encrypted on their way', { detail: 'http.tls_cert is not set' })
  }
  const readiness = createReadiness()
  const registry = new AggregatorRegistry()
  cluster.setupPrimary({ execArgv: [], args: [] })
  const primary = new Primary({
    config,
    workers: workersOf(config.http),
    fork,
    figures: () => registry.clusterMetrics(),
    onReady: (port) => {
      const http = urlOf(secure ? 'https' : 'http', { host: config.listen.host, port })
      log.info('ready', { version, detail: http })
      process.stdout.write(`${JSON.stringify({ ready: true, http })}\n`)
      void readiness.ready(http)
    },
    onFailed: (message) => {
      log.fatal('the gateway cannot start', { detail: message })
      log.flush()
      process.stderr.write(`secreg-gateway: ${message}\n`)
      process.exit(1)
    },
    onCrash: (durationMs) => log.error('a worker has ended; another one follows', { durationMs }),
  })
  const signals = installSignals({
    stop: async (signal) => {
      log.info('stopping', { signal })
      void readiness.stopping()
      await primary.stop()
      log.info('stopped')
      log.flush()
      signals.dispose()
      process.exit(0)
    },
    force: () => process.exit(1),
    reload: async () => {
      await readiness.reloading()
      reload(file, primary, log)
      await readiness.ready()
    },
    onError: (error, signal) => {
      log.error('a signal could not be handled', { signal, error })
      if (signal !== 'SIGHUP') process.exit(1)
    },
  })
  if (supervised) stopWithParent(() => signals.stopping)
  primary.start()
}

/** A wrong file changes nothing: the gateway goes on with what it has. */
function reload(file: string, primary: Primary, log: Logger): void {
  let config: GatewayConfig
  try {
    config = load(file)
  } catch (error) {
    const detail = error instanceof TlsError ? error.message : undefined
    log.error('configuration not reloaded; the old one stays in force', {
      file,
      error,
      ...(detail === undefined ? {} : { detail }),
    })
    return
  }
  log.level = config.logLevel
  primary.reload(config.logLevel)
  log.info('configuration reloaded', { file })
}

/** A second signal would cut short what the first one has begun. */
function stopWithParent(isStopping: () => boolean): void {
  const stop = (): void => {
    if (!isStopping()) process.kill(process.pid, 'SIGTERM')
  }
  process.stdin.once('end', stop)
  process.stdin.once('error', stop)
  process.stdin.resume()
  process.once('disconnect', stop)
}

function fork(): WorkerProcess {
  const worker = cluster.fork()
  // A worker that dies while it is written to is seen by its exit.
  worker.on('error', () => {})
  return {
    send: (message) => {
      if (worker.isConnected()) worker.send(message)
    },
    kill: (signal) => {
      worker.process.kill(signal)
    },
    onMessage: (listener) => {
      worker.on('message', (message: unknown) => {
        if (isMessage(message)) listener(message as WorkerMessage)
      })
    },
    onExit: (listener) => {
      worker.once('exit', listener)
    },
  }
}
