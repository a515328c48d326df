/** Questions to a terminal, whose failures are errors of the command. */
import { HostError, Terminal as HostTerminal } from '@secreg/host/terminal'
import { CliError } from './errors.ts'

export class Terminal {
  readonly #terminal: HostTerminal

  constructor(...parts: ConstructorParameters<typeof HostTerminal>) {
    this.#terminal = new HostTerminal(...parts)
  }

  /**
   * Ask for one line.
   *
   * @param echo - show what is typed
   * @throws CliError `INVALID_ARGUMENT` at the end of the input
   */
  ask(question: string, echo: boolean): Promise<string> {
    return this.#terminal.ask(question, echo).catch(asCliError)
  }
}

/** Throw what a way to a secret has failed with as an error of the command. */
export function asCliError(error: unknown): never {
  if (!HostError.is(error)) throw error
  switch (error.code) {
    case 'ERR_HOST_INPUT_TOO_LARGE':
      throw new CliError('VALUE_TOO_LARGE', error.message)
    case 'ERR_HOST_OUTPUT':
      throw new CliError('STORAGE_FAILED', error.message)
    default:
      throw new CliError('INVALID_ARGUMENT', error.message)
  }
}
