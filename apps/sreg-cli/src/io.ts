/** What a command has of the world; tests give their own. */
import { CliError } from './errors.ts'

/** An output. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(data: string | Uint8Array, done?: (error?: Error | null) => void): boolean
}

/** Standard input: its bytes, and the switches of a terminal. */
export interface Input extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean
}

/** The world of one command. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Number of the user that runs it. */
  readonly uid: () => number
  /** Exit code when nobody reads an output any more; absent: 0, as for a reader that has seen enough. */
  brokenPipeCode?: number
}

/** The world of this process. Its streams are opened when they are used: a command that needs none pays for none. */
export function processIo(): Io {
  const guarded = new Set<NodeJS.WriteStream>()
  const guard = (stream: NodeJS.WriteStream): Output => {
    if (!guarded.has(stream)) {
      guarded.add(stream)
      // Every write reports its own failure, except that a reader that closes its end early, such as head, ends the
      // command without a message.
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EPIPE') process.exit(io.brokenPipeCode ?? process.exitCode ?? 0)
      })
    }
    return stream
  }
  const io: Io = {
    env: process.env,
    get stdin() {
      return process.stdin
    },
    get stdout() {
      return guard(process.stdout)
    },
    get stderr() {
      return guard(process.stderr)
    },
    now: Date.now,
    uid: () => process.getuid?.() ?? Number.NaN,
  }
  return io
}

/** Write all of `data`; resolves once it is handed over. */
export function writeAll(output: Output, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(data, (error) => {
      const code = (error as NodeJS.ErrnoException | null | undefined)?.code
      // A reader that has seen enough, such as head, is no failure.
      if (error === null || error === undefined || code === 'EPIPE') resolve()
      else {
        reject(
          new CliError('STORAGE_FAILED', `the output cannot be written (${code ?? error.message})`),
        )
      }
    })
  })
}

/**
 * Read bytes of standard input to its end.
 *
 * @throws CliError `VALUE_TOO_LARGE` beyond `limit` bytes
 */
export async function readAll(input: Input, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    size += bytes.length
    if (size > limit) {
      throw new CliError('VALUE_TOO_LARGE', `standard input exceeds ${limit} bytes`)
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}
