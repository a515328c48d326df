/** One use of the command: its line, its world, and the server. */
import { printable, safeJson } from '../escape.ts'
import { type Io, writeAll } from '../io.ts'
import type { SecretSource } from '../secrets.ts'
import { type Connect, DEFAULT_SUBAUTH_SOCKET, type SubauthCalls } from './client.ts'
import type { CommandLine } from './command-line.ts'
import type { OptionName } from './option-table.ts'

/** Longest wait for the connection, and for each reply, milliseconds. */
const TIMEOUT_MS = 30_000

export class Use implements SecretSource {
  readonly io: Io
  readonly line: CommandLine
  readonly socket: string
  readonly json: boolean
  readonly #connect: Connect

  constructor(io: Io, line: CommandLine, connect: Connect) {
    this.io = io
    this.line = line
    this.socket = socketOf(io, line)
    this.json = line.options.has('json')
    this.#connect = connect
  }

  /** Whether a switch is given. */
  flag(name: string): boolean {
    return this.line.options.has(name as OptionName)
  }

  /** Value of an option, or `undefined` when it is not given. */
  text(name: OptionName): string | undefined {
    const value = this.line.options.get(name)
    return value === true ? undefined : value
  }

  /** Value of an option that the operation needs. */
  needed(name: OptionName): string {
    return this.text(name) ?? ''
  }

  /** Connect, do something, and close. */
  async withServer<T>(work: (server: SubauthCalls) => Promise<T>): Promise<T> {
    const server = await this.#connect(this.socket, TIMEOUT_MS)
    try {
      return await work(server)
    } finally {
      void server.close()
    }
  }

  /** Print lines for people, or the value as one JSON object with `--json`. */
  async print(value: object, lines: () => string): Promise<void> {
    const text = this.json ? safeJson(value) : lines()
    if (text !== '') await writeAll(this.io.stdout, `${text}\n`)
  }

  /** Tell something beside the result, on standard error; not with `--json`. */
  async note(message: string): Promise<void> {
    if (!this.json) await writeAll(this.io.stderr, `subauth: ${printable(message)}\n`)
  }
}

/** Socket of the server of a command line. */
function socketOf({ env }: Io, { options }: CommandLine): string {
  const given = options.get('socket')
  if (typeof given === 'string') return given
  const named = env['SUBAUTH_SOCKET']
  return named === undefined || named === '' ? DEFAULT_SUBAUTH_SOCKET : named
}
