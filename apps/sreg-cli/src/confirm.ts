/** Asks whether something is meant. */
import type { Context } from './context.ts'
import { CliError } from './errors.ts'
import { printable, printableLines } from './escape.ts'
import { isInteractive, terminalOf } from './secrets.ts'

/**
 * Go on only when it is meant: `--yes`, or "yes" typed on a terminal.
 *
 * @param what - what will be done, for people
 * @throws CliError `INVALID_ARGUMENT` when it is not meant, or nobody can be asked
 */
export async function confirm(context: Context, what: string): Promise<void> {
  if (context.flag('yes')) return
  if (!isInteractive(context)) {
    throw new CliError(
      'INVALID_ARGUMENT',
      `${printable(what)} for ever, and nobody can be asked whether that is meant`,
      'give --yes too',
    )
  }
  const question = `${printable(what)} for ever.\nType "yes" to go on: `
  if ((await terminalOf(context).ask(question, true)) !== 'yes') {
    throw new CliError('INVALID_ARGUMENT', 'nothing was changed')
  }
}

/**
 * Go on only when it is meant, if there is somebody to ask: `--yes`, "yes" typed on a terminal, or no terminal.
 *
 * @param what - what will be done, for people; may have lines
 * @throws CliError `INVALID_ARGUMENT` when it is not meant
 */
export async function confirmOnTerminal(context: Context, what: string): Promise<void> {
  if (context.flag('yes') || !isInteractive(context)) return
  const question = `${printableLines(what)}\nType "yes" to go on: `
  if ((await terminalOf(context).ask(question, true)) !== 'yes') {
    throw new CliError('INVALID_ARGUMENT', 'nothing was changed')
  }
}
