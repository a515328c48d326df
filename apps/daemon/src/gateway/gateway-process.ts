/**
 * The gateway as a child of the daemon: started with it, started again when it ends, stopped before it. It gets nothing
 * but the name of the configuration file: what it asks the daemon for, it asks over the socket of gateways like any other.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Logger } from '@secreg/host'
import { childEnvironment } from '../child-environment.ts'

export interface GatewayProcessOptions {
  /** Program of the gateway. */
  readonly program: string
  /** Configuration file of the daemon. */
  readonly file: string
  readonly log: Logger
}

/** Pause before it is started again, milliseconds; it doubles while it keeps ending. */
const PAUSE_MS = Object.freeze({ first: 250, most: 30_000 })
/** A life so long is no failure to start. */
const STEADY_MS = 60_000
/** Of the environment: where the system's programs are, and how it writes. */
const ENVIRONMENT = ['PATH', 'LANG', 'LC_ALL', 'SSL_CERT_FILE', 'SSL_CERT_DIR'] as const
/** What it says when it is ready is one short line. */
const READY_BYTES = 4096

export class GatewayProcess {
  readonly #options: GatewayProcessOptions
  #child: ChildProcess | undefined
  #gone: Promise<void> = Promise.resolve()
  #pauseMs: number = PAUSE_MS.first
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #tellReady: (address: string | undefined) => void = () => {}
  /** Address at which it serves, once it does for the first time; undefined when it ends before. */
  readonly ready: Promise<string | undefined> = new Promise((resolve) => {
    this.#tellReady = resolve
  })

  constructor(options: GatewayProcessOptions) {
    this.#options = options
    this.#start()
  }

  /** Let it read its files anew. */
  reload(): void {
    this.#child?.kill('SIGHUP')
  }

  /** Stop it; when it does not end within `graceMs`, it is killed. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#tellReady(undefined)
    const child = this.#child
    if (child === undefined) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    await this.#gone
    clearTimeout(timer)
  }

  #start(): void {
    const { program, file, log } = this.#options
    const sinceMs = performance.now()
    // Standard input is held open for as long as the daemon lives: the gateway does not outlive it.
    const child = spawn(process.execPath, [program, '--config', file, '--supervised'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: childEnvironment(ENVIRONMENT),
    })
    this.#child = child
    child.stdin?.on('error', () => {})
    this.#readReady(child)
    this.#gone = new Promise((resolve) => {
      let ended = false
      const end = (code: number | null): void => {
        if (ended) return
        ended = true
        this.#child = undefined
        resolve()
        this.#tellReady(undefined)
        if (this.#closed) return
        if (performance.now() - sinceMs > STEADY_MS) this.#pauseMs = PAUSE_MS.first
        log.error('the gateway has ended', { count: code ?? -1 })
        this.#timer = setTimeout(() => this.#start(), this.#pauseMs)
        this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS.most)
      }
      child.once('error', () => end(null))
      child.once('close', end)
    })
  }

  #readReady({ stdout }: ChildProcess): void {
    let text = ''
    stdout?.setEncoding('utf8')
    stdout?.on('data', (chunk: string) => {
      if (text.length > READY_BYTES) return
      text += chunk
      const end = text.indexOf('\n')
      if (end < 0) return
      const address = addressOf(text.slice(0, end))
      text = ' '.repeat(READY_BYTES + 1)
      if (address !== undefined) this.#tellReady(address)
    })
  }
}

function addressOf(line: string): string | undefined {
  try {
    const { http } = JSON.parse(line) as { readonly http?: unknown }
    return typeof http === 'string' ? http : undefined
  } catch {
    return undefined
  }
}
