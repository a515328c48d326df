/** Questions to a terminal, with or without echo of what is typed. */
import { StringDecoder } from 'node:string_decoder'
import type { ReadStream } from 'node:tty'
import { HostError } from '../errors.ts'
import { undoOnSignal } from './undo-on-signal.ts'

/** Where questions are written. */
export interface TerminalOutput {
  write(data: string, done?: (error?: Error | null) => void): boolean
}

const MAX_CHARS = 4096

/** Asks on a terminal. What was typed ahead is kept for the next question. */
export class Terminal {
  readonly #input: ReadStream
  readonly #output: TerminalOutput
  readonly #decoder = new StringDecoder('utf8')
  #ahead = ''

  constructor(input: ReadStream, output: TerminalOutput) {
    this.#input = input
    this.#output = output
  }

  /**
   * Ask for one line.
   *
   * @param echo - show what is typed
   * @throws HostError `ERR_HOST_INPUT` at the end of the input, and what the output fails with
   */
  async ask(question: string, echo: boolean): Promise<string> {
    try {
      return await undoOnSignal(
        () => this.#restore(),
        async () => {
          // Raw: no echo by the terminal, and the keys that send signals come as characters. Before the question, so
          // that nothing that is typed in answer to it can be shown.
          this.#input.setRawMode(true)
          await this.#write(question)
          return await this.#line(echo)
        },
      )
    } finally {
      this.#restore()
      await this.#write('\n')
    }
  }

  #write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#output.write(text, (error) => {
        const code = (error as NodeJS.ErrnoException | null | undefined)?.code
        if (error === null || error === undefined || code === 'EPIPE') resolve()
        else reject(new HostError('ERR_HOST_OUTPUT', `the output cannot be written (${code})`))
      })
    })
  }

  #restore(): void {
    this.#input.setRawMode(false)
    this.#input.pause()
  }

  #line(echo: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const input = this.#input
      let line: string[] = []
      const finish = (settle: () => void): void => {
        input.off('data', onData)
        input.off('end', onEnd)
        settle()
      }
      const stop = (): void =>
        finish(() => reject(new HostError('ERR_HOST_INPUT', 'the input has ended')))
      const take = (character: string): boolean => {
        switch (character) {
          case '\r':
          case '\n':
            finish(() => resolve(line.join('')))
            return false
          case '\u0003':
            process.kill(process.pid, 'SIGINT')
            return true
          case '\u0004':
            if (line.length > 0) return true
            stop()
            return false
          case '\u007f':
          case '\b':
            if (line.pop() !== undefined && echo) this.#output.write('\b \b')
            return true
          case '\u0015':
            if (echo) this.#output.write('\b \b'.repeat(line.length))
            line = []
            return true
        }
        if (character < ' ' || line.length >= MAX_CHARS) return true
        line.push(character)
        if (echo) this.#output.write(character)
        return true
      }
      const consume = (): void => {
        const characters = [...this.#ahead]
        for (const [index, character] of characters.entries()) {
          if (take(character)) continue
          this.#ahead = characters.slice(index + 1).join('')
          return
        }
        this.#ahead = ''
      }
      const onData = (chunk: Buffer): void => {
        this.#ahead += this.#decoder.write(chunk)
        consume()
      }
      const onEnd = (): void => stop()
      input.on('data', onData)
      input.on('end', onEnd)
      input.resume()
      if (this.#ahead !== '') consume()
    })
  }
}
