/** What a command works with: its arguments, its outputs, and the daemon. */
import { connectRegistry, DEFAULT_SOCKET, type RegistryConnection } from '@secreg/client'
import { SecregError } from '@secreg/protocol'
import { parseDuration } from './duration.ts'
import { printable, safeJson } from './escape.ts'
import { type Io, writeAll } from './io.ts'
import { withKernelLogin } from './kernel-session.ts'
import type { Invocation } from './parse.ts'
import { forgetSession, loadSession } from './session-file.ts'
import { takeToken, withToken } from './token-session.ts'
import { parseWhole } from './whole.ts'

/** A command: returns its exit code, 0 by default. */
export type Run = (context: Context) => Promise<number | undefined>

/**
 * Whether a command shows the session that a login has kept, or that a token in the environment opens. One that needs a
 * session and has neither tries the kernel's word on its user.
 */
export type SessionUse = 'needed' | 'if-usable' | 'none'

/** Longest work that one request may be: an import or an export of everything. */
export const LONG_TIMEOUT_MS: number = 10 * 60_000

/** One run of one command. */
export class Context {
  readonly io: Io
  readonly invocation: Invocation
  readonly socket: string
  readonly json: boolean
  readonly verbose: boolean
  readonly #token: string | undefined
  /** The kernel's word has opened a session before. */
  #isMapped = false

  constructor(io: Io, invocation: Invocation) {
    this.io = io
    this.invocation = invocation
    const named = io.env['SECREG_SOCKET']
    this.socket =
      this.text('socket') ?? (named === undefined || named === '' ? DEFAULT_SOCKET : named)
    this.json = this.flag('json')
    this.verbose = this.flag('verbose')
    this.#token = takeToken(io.env)
  }

  /** Whether there is a token, a session that a login has kept, or the kernel's word. */
  get hasLogin(): boolean {
    return this.#token !== undefined || this.#session('if-usable') !== undefined || this.#isMapped
  }

  /** Whether a switch is given. */
  flag(name: string): boolean {
    return this.invocation.options.has(name)
  }

  /** Value of an option, or `undefined` when it is not given. */
  text(name: string): string | undefined {
    const value = this.invocation.options.get(name)
    return typeof value === 'string' ? value : undefined
  }

  /** Values of an option that may be repeated, in order. */
  texts(name: string): readonly string[] {
    const value = this.invocation.options.get(name)
    return typeof value === 'object' ? value : []
  }

  /**
   * Value of an option that is a whole number, or `undefined` when it is not given.
   *
   * @throws CliError `INVALID_ARGUMENT` when it is none, or outside of its range
   */
  whole(name: string, least: number, most?: number): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : parseWhole(text, `--${name}`, least, most)
  }

  /** Value of an option that is a duration, in seconds, or `undefined` when it is not given. */
  seconds(name: string): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : parseDuration(text, `--${name}`)
  }

  /** Operand by its place; those that the table asks for are there. */
  operand(index: number): string {
    return this.invocation.operands[index] ?? ''
  }

  /** Print a line for people, or the value as one JSON object with `--json`. */
  async print(value: object, lines: () => string): Promise<void> {
    const text = this.json ? safeJson(value) : lines()
    if (text !== '') await writeAll(this.io.stdout, `${text}\n`)
  }

  /** Tell something beside the result, on standard error; not with `--json`. */
  async note(message: string): Promise<void> {
    if (!this.json) await writeAll(this.io.stderr, `sreg: ${printable(message)}\n`)
  }

  /** Connect, do something, and close. A session that the daemon no longer knows is forgotten. */
  async withRegistry<T>(
    use: SessionUse,
    work: (registry: RegistryConnection) => Promise<T>,
  ): Promise<T> {
    if (use !== 'none' && this.#token !== undefined) {
      const outcome = await withToken(this.socket, this.#token, work)
      if (!outcome.refused) return outcome.result
      if (use === 'needed') throw outcome.error
      return await this.withRegistry('none', work)
    }
    const sessionId = this.#session(use)
    if (use === 'needed' && sessionId === undefined) {
      const outcome = await withKernelLogin(this.socket, (registry) => {
        this.#isMapped = true
        return work(registry)
      })
      if (outcome.decided) return outcome.result
    }
    const registry = await connectRegistry({
      socket: this.socket,
      ...(sessionId === undefined ? {} : { sessionId }),
    })
    try {
      return await work(registry)
    } catch (error) {
      const ended = SecregError.is(error) && error.reason === 'SESSION_INVALID'
      if (ended && sessionId !== undefined) this.#forget(sessionId)
      if (ended && use === 'if-usable' && sessionId !== undefined) {
        return await this.withRegistry('none', work)
      }
      throw error
    } finally {
      void registry.close()
    }
  }

  #forget(sessionId: string): void {
    try {
      // A login in between has kept another one.
      if (loadSession(this.io.env, this.socket)?.session_id !== sessionId) return
      forgetSession(this.io.env, this.socket)
    } catch {
      // The error of the request says more than that its session could not be removed.
    }
  }

  #session(use: SessionUse): string | undefined {
    if (use === 'none') return undefined
    try {
      return loadSession(this.io.env, this.socket)?.session_id
    } catch (error) {
      if (use === 'if-usable') return undefined
      throw error
    }
  }
}
