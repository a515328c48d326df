/** Child processes of a test: started, watched, and gone when the test ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Options of {@link startChild} and {@link runChild}. */
export interface ChildOptions {
  readonly cwd?: string
  /** The whole environment. Default: that of the test without `NODE_OPTIONS` and what vitest sets. */
  readonly env?: NodeJS.ProcessEnv
  /** Written to standard input, which is then closed. Default: closed at once. */
  readonly input?: string | Uint8Array
  /** Leave standard input open for the test to write to `process.stdin`. */
  readonly keepInput?: boolean
  /** Most bytes kept of each output; the rest is dropped, and the cut is marked. Default 4 MiB. */
  readonly maxOutputBytes?: number
  readonly uid?: number
  readonly gid?: number
}

/** A running child; disposing of it kills it and waits for its end. */
export interface Child extends AsyncDisposable {
  readonly pid: number
  readonly process: ChildProcess
  /** Resolves with the end of the process and of its outputs; never rejects. */
  readonly exit: Promise<Exit>
  readonly exited: boolean
  stdout(): string
  stderr(): string
  stdoutBytes(): Uint8Array
  /**
   * Wait for a line of an output, also one that is there already.
   *
   * @returns The line without its end.
   */
  line(pattern: RegExp, options?: LineOptions): Promise<string>
  /** Send a signal; a process that is gone gets none. */
  signal(signal: NodeJS.Signals): void
  /** Send a signal, SIGKILL unless told, and wait for the end; after `timeoutMs`, 10,000 unless told, SIGKILL. */
  kill(signal?: NodeJS.Signals, timeoutMs?: number): Promise<Exit>
}

/** Options of {@link Child.line}. */
export interface LineOptions {
  /** Default `stdout`. */
  readonly from?: 'stdout' | 'stderr'
  /** Default 20,000. */
  readonly timeoutMs?: number
}

/** What a finished process left. */
export interface Finished extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** Environment for a child that shall behave as started by a user: without what the test runner put in. */
export function cleanEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (/^(?:NODE_OPTIONS|NODE_ENV|NODE_V8_COVERAGE|VITEST|TEST|SECREG_|NOTIFY_SOCKET)/.test(name))
      continue
    env[name] = value
  }
  return { ...env, ...extra }
}

/** Start a program. */
export function startChild(
  program: string,
  args: readonly string[] = [],
  options: ChildOptions = {},
): Child {
  const child = spawn(program, [...args], {
    cwd: options.cwd,
    env: options.env ?? cleanEnv(),
    stdio: 'pipe',
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  })
  const max = options.maxOutputBytes ?? 4 * 1024 * 1024
  const outputs = { stdout: new Output(max), stderr: new Output(max) }
  child.stdout.on('data', (chunk: Buffer) => outputs.stdout.add(chunk))
  child.stderr.on('data', (chunk: Buffer) => outputs.stderr.add(chunk))
  // A child that ends before it has read its input is no fault of the test.
  child.stdin.on('error', () => {})
  if (options.keepInput !== true) child.stdin.end(options.input)

  let exited = false
  const exit = new Promise<Exit>((resolve) => {
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      exited = true
      outputs.stdout.end()
      outputs.stderr.end()
      resolve({ code, signal })
    }
    child.once('close', finish)
    child.once('error', (error) => {
      outputs.stderr.add(Buffer.from(`${program}: ${error.message}\n`))
      if (child.pid === undefined) finish(127, null)
    })
  })
  const kill = async (signal: NodeJS.Signals = 'SIGKILL', timeoutMs = 10_000): Promise<Exit> => {
    if (!exited) child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const end = await exit
    clearTimeout(timer)
    return end
  }
  return {
    pid: child.pid ?? -1,
    process: child,
    exit,
    get exited(): boolean {
      return exited
    },
    stdout: () => outputs.stdout.text(),
    stderr: () => outputs.stderr.text(),
    stdoutBytes: () => outputs.stdout.bytes(),
    line: (pattern, { from = 'stdout', timeoutMs = 20_000 } = {}) =>
      outputs[from].line(pattern, timeoutMs, () => `\n--- stderr\n${outputs.stderr.text()}`),
    signal: (signal) => {
      if (!exited) child.kill(signal)
    },
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill()
    },
  }
}

/** Start a script with this Node.js. */
export function startNode(
  script: string,
  args: readonly string[] = [],
  options: ChildOptions & { readonly nodeArgs?: readonly string[] } = {},
): Child {
  return startChild(process.execPath, [...(options.nodeArgs ?? []), script, ...args], options)
}

/** Run a program to its end, which has to come within `timeoutMs`, 30,000 unless told. */
export async function runChild(
  program: string,
  args: readonly string[] = [],
  options: ChildOptions & { readonly timeoutMs?: number } = {},
): Promise<Finished> {
  const child = startChild(program, args, options)
  const timeoutMs = options.timeoutMs ?? 30_000
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.signal('SIGKILL')
  }, timeoutMs)
  const end = await child.exit
  clearTimeout(timer)
  if (late) throw new Error(`${program} did not end within ${timeoutMs} ms\n${child.stderr()}`)
  return { ...end, stdout: child.stdout(), stderr: child.stderr() }
}

/** Run a script with this Node.js to its end, see {@link runChild}. */
export function runNode(
  script: string,
  args: readonly string[] = [],
  options: ChildOptions & { readonly timeoutMs?: number } = {},
): Promise<Finished> {
  return runChild(process.execPath, [script, ...args], options)
}

/**
 * Find a TCP port of 127.0.0.1 that was free a moment ago, below those that Linux gives to whoever asks for any: no
 * connection takes it meanwhile (ip(7), ip_local_port_range).
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(20_000, 32_768)
    if (await isFree(port)) return port
  }
  throw new Error('no port')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** One output of a child, bounded. */
class Output {
  readonly #max: number
  readonly #chunks: Buffer[] = []
  readonly #listeners = new Set<() => void>()
  #size = 0
  #cut = false
  #ended = false

  constructor(max: number) {
    this.#max = max
  }

  add(chunk: Buffer): void {
    const kept = chunk.subarray(0, this.#max - this.#size)
    if (kept.length < chunk.length) this.#cut = true
    this.#size += kept.length
    this.#chunks.push(kept)
    this.#tell()
  }

  end(): void {
    this.#ended = true
    this.#tell()
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks)
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString() + (this.#cut ? '\n[output cut]' : '')
  }

  line(pattern: RegExp, timeoutMs: number, more: () => string): Promise<string> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        settle()
      }
      const fail = (why: string): void =>
        finish(() => reject(new Error(`no line ${pattern}: ${why}\n${this.text()}${more()}`)))
      const look = (): void => {
        const lines = this.text().split('\n')
        // The last part is no line until its end has come.
        if (!this.#ended) lines.pop()
        const found = lines.find((line) => pattern.test(line))
        if (found !== undefined) finish(() => resolve(found))
        else if (this.#ended) fail('the process ended')
      }
      const timer = setTimeout(() => fail(`waited ${timeoutMs} ms`), timeoutMs)
      this.#listeners.add(look)
      look()
    })
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
