/** Runs command lines in this process, with captured outputs, against a fake registry. */
import { createTempHome, type TempHome } from '@secreg/testkit'
import { onTestFinished } from 'vitest'
import type { Io, Output } from '../src/io.ts'
import { readWords } from '../src/parse.ts'
import { program } from '../src/program.ts'
import { run } from '../src/run.ts'
import { saveSession } from '../src/session-file.ts'
import { FakeRegistry } from './fake-registry.ts'

/** What a command line left. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Uint8Array
  readonly stdinTty?: boolean
  readonly stdoutTty?: boolean
  readonly stderrTty?: boolean
  readonly env?: Record<string, string>
  readonly now?: number
  /** Default 0. */
  readonly uid?: number
}

export interface World {
  readonly home: TempHome
  readonly registry: FakeRegistry
  /** Environment of every command: socket and session file of this world. */
  readonly env: Record<string, string>
  sreg(args: readonly string[], options?: RunOptions): Promise<Outcome>
}

class Sink implements Output {
  readonly isTTY: boolean
  readonly columns = 80
  readonly chunks: Buffer[] = []

  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }

  write(data: string | Uint8Array, done?: (error?: Error | null) => void): boolean {
    this.chunks.push(Buffer.from(data))
    done?.()
    return true
  }

  on(): this {
    return this
  }

  text(): string {
    return Buffer.concat(this.chunks).toString()
  }
}

async function* inputOf(data: string | Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (data !== undefined) yield Buffer.from(data)
}

/** Run one command line. */
export function runSreg(
  args: readonly string[],
  env: Record<string, string>,
  options: RunOptions = {},
): Promise<Outcome> {
  return outcomeOf(env, options, (io) => run(readWords(program.grammar, args), io, program))
}

/** Run something in a world with captured outputs. */
export async function outcomeOf(
  env: Record<string, string>,
  options: RunOptions,
  work: (io: Io) => Promise<number>,
): Promise<Outcome> {
  const stdout = new Sink(options.stdoutTty ?? false)
  const stderr = new Sink(options.stderrTty ?? false)
  const io: Io = {
    env: { ...env, ...options.env },
    stdin: Object.assign(inputOf(options.input), { isTTY: options.stdinTty ?? false }),
    stdout,
    stderr,
    now: () => options.now ?? Date.now(),
    uid: () => options.uid ?? 0,
  }
  const code = await work(io)
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

/** A fake registry, a private home, and a session of alice. */
export async function makeWorld(options: { readonly login?: boolean } = {}): Promise<World> {
  const home = createTempHome()
  const registry = await FakeRegistry.start(home.file('socket'))
  onTestFinished(async () => {
    await registry[Symbol.asyncDispose]()
    home.remove()
  })
  const env = {
    HOME: home.path,
    SECREG_SOCKET: registry.path,
    SECREG_SESSION: home.file('session'),
  }
  if (options.login ?? true) {
    saveSession(env, registry.path, { session_id: registry.session(), user: 'alice' })
  }
  return { home, registry, env, sreg: (args, more) => runSreg(args, env, more) }
}
