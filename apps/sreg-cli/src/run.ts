/** One command line from its words to its exit code. */
import type { SecregError } from '@secreg/protocol'
import { HOT_COMMANDS } from './command-specs/hot.ts'
import type { CommandName } from './command-table.ts'
import { run as deleteEntry } from './commands/delete.ts'
import { run as get } from './commands/get.ts'
import { run as list } from './commands/list.ts'
import { run as set } from './commands/set.ts'
import { Context, type Run } from './context.ts'
import { asSecregError, CliError } from './errors.ts'
import { printable, printableLines, safeJson } from './escape.ts'
import { type Grammar, grammarOf } from './grammar.ts'
import { hintOf } from './hints.ts'
import { type Io, writeAll } from './io.ts'
import { belongsTo, invocationOf, type Preamble, preambleOf, type Words } from './parse.ts'
import { VERSION } from './version.ts'

/** The commands that are run in loops, which load nothing more. */
const HOT: Readonly<Record<HotName, Run>> = { get, set, delete: deleteEntry, list }

type HotName = 'get' | 'set' | 'delete' | 'list'

const isHot = (name: string): name is HotName => Object.hasOwn(HOT, name)

/** What there is beside the commands that are run in loops; loaded only when it is used. */
export interface Program {
  readonly grammar: Grammar
  readonly commands: () => Promise<Readonly<Record<Exclude<CommandName, HotName>, Run>>>
  readonly helpText: () => Promise<(words: readonly string[], columns?: number) => Promise<string>>
}

/** The grammar of the short way. */
export const HOT_GRAMMAR: Grammar = grammarOf(HOT_COMMANDS)

/** Whether a command line, read by the grammar of the short way, needs nothing else, not even a message about it. */
export function isHotLine(line: Words): boolean {
  const { help, version } = preambleOf(line)
  return !help && !version && belongsTo(HOT_GRAMMAR, line)
}

/**
 * Run a command line.
 *
 * @param line - words after the program's name, as read
 * @returns exit code: the documented status, 0 to 8
 */
export async function run(line: Words, io: Io, program: Program): Promise<number> {
  const preamble = preambleOf(line)
  let key: string | undefined
  try {
    if (preamble.help) {
      const helpText = await program.helpText()
      await writeAll(io.stdout, `${await helpText(line.words, io.stdout.columns)}\n`)
      return 0
    }
    if (preamble.version) {
      await writeAll(io.stdout, `sreg ${VERSION}\n`)
      return 0
    }
    const context = new Context(io, invocationOf(program.grammar, line))
    key = context.invocation.key
    const name = context.invocation.command
    const command = isHot(name) ? HOT[name] : (await program.commands())[name]
    return (await command(context)) ?? 0
  } catch (thrown) {
    const error = asSecregError(thrown)
    await report(io, error, hintOf(error, key), preamble)
    return exitCodeOf(error)
  }
}

function exitCodeOf(error: SecregError): number {
  return (error instanceof CliError ? error.exitCode : undefined) ?? error.status
}

async function report(
  io: Io,
  error: SecregError,
  hint: string | undefined,
  { json, verbose }: Preamble,
): Promise<void> {
  // A failure stays one, also where nobody reads why.
  io.brokenPipeCode = exitCodeOf(error)
  const reason = (error instanceof CliError ? error.apiCode : undefined) ?? error.reason
  if (json) {
    const answer = {
      code: exitCodeOf(error),
      name: error.statusName,
      reason,
      message: error.message,
      errno: error.errno,
      retry_after: error.retryAfterSeconds,
      min_revision: error.minRevision,
      hint,
    }
    await writeAll(io.stderr, `${safeJson(answer)}\n`)
    return
  }
  // Only messages of our own may have lines; any other could forge one.
  const message =
    error instanceof CliError ? printableLines(error.message) : printable(error.message)
  const lines = [`sreg: ${message}`]
  if (verbose) lines.push(`  ${error.statusName} ${reason} ${error.errno}`)
  if (hint !== undefined) lines.push(`  ${printable(hint)}`)
  await writeAll(io.stderr, `${lines.join('\n')}\n`)
}
