/**
 * Secrets that turn out to be needed one after another: asked on a terminal without echo, or read from standard input
 * one line at a time, and no line before it is needed.
 */
import { SECRET_LINE_BYTES } from '@secreg/host/terminal'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'
import type { Input } from './io.ts'
import { isInteractive, terminalOf } from './secrets.ts'

const NEWLINE = 0x0a

/** Lines of an input, read as they are wanted. */
class Lines {
  readonly #chunks: AsyncIterator<Uint8Array | string>
  #bytes: Buffer = Buffer.alloc(0)

  constructor(input: Input) {
    this.#chunks = input[Symbol.asyncIterator]()
  }

  /** The next line without its end; `''` behind the last one. */
  async next(): Promise<string> {
    let end = this.#bytes.indexOf(NEWLINE)
    while (end === -1) {
      const { done, value } = await this.#chunks.next()
      if (done === true) break
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      const joined = Buffer.concat([this.#bytes, bytes])
      this.#bytes.fill(0)
      this.#bytes = joined
      end = joined.indexOf(NEWLINE)
      if (end === -1 && joined.length > SECRET_LINE_BYTES) break
    }
    const line = end === -1 ? this.#bytes : this.#bytes.subarray(0, end)
    if (line.length > SECRET_LINE_BYTES) {
      throw new CliError('VALUE_TOO_LARGE', `a secret must not exceed ${SECRET_LINE_BYTES} bytes`)
    }
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line)
    } catch {
      throw new CliError('INVALID_ARGUMENT', 'standard input is not UTF-8')
    } finally {
      line.fill(0)
      this.#bytes = end === -1 ? Buffer.alloc(0) : this.#bytes.subarray(end + 1)
    }
  }

  async close(): Promise<void> {
    this.#bytes.fill(0)
    // Standard input that stays open would keep the process.
    await this.#chunks.return?.()
  }
}

/** A dialog with a person or a program; only where {@link assertSecretsComing} has let it go on. */
export class SecretDialog implements AsyncDisposable {
  readonly #ask: (question: string) => Promise<string>
  readonly #lines: Lines | undefined
  #asked = 0

  constructor(context: Context) {
    if (isInteractive(context)) {
      const terminal = terminalOf(context)
      this.#ask = (question) => terminal.ask(`${question}: `, false)
    } else {
      const lines = new Lines(context.io.stdin)
      this.#lines = lines
      this.#ask = () => lines.next()
    }
  }

  /**
   * Get the next secret.
   *
   * @throws CliError `INVALID_ARGUMENT` when there is none
   */
  async next(question: string): Promise<string> {
    this.#asked++
    const secret = await this.#ask(question)
    if (secret !== '') return secret
    throw new CliError(
      'INVALID_ARGUMENT',
      this.#lines === undefined
        ? 'nothing was typed'
        : `line ${this.#asked} of standard input is missing or empty: ${question.toLowerCase()}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lines?.close()
  }
}
