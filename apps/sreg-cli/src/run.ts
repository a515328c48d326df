/** One command line from its words to its exit code. */
import type { SecregError } from '@secreg/protocol'
import type { CommandName } from './command-table.ts'
import { run as deleteEntry } from './commands/delete.ts'
import { run as get } from './commands/get.ts'
import { run as list } from './commands/list.ts'
import { run as set } from './commands/set.ts'
import { Context, type Run } from './context.ts'
import { asSecregError, CliError, hintOf } from './errors.ts'
import { printable, printableLines, safeJson } from './escape.ts'
import { type Io, writeAll } from './io.ts'
import { invocationOf, type Preamble, preambleOf, readWords } from './parse.ts'
import { VERSION } from './version.ts'

/** The commands that are run in loops, which load nothing more. */
const HOT = { get, set, delete: deleteEntry, list } as const

const isHot = (name: CommandName): name is keyof typeof HOT => Object.hasOwn(HOT, name)

async function commandOf(name: CommandName): Promise<Run> {
  if (isHot(name)) return HOT[name]
  const { MORE } = await import('./commands/more.ts')
  return MORE[name]
}

/**
 * Run a command line.
 *
 * @param argv - words after the program's name
 * @returns exit code: the documented status, 0 to 8
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const line = readWords(argv)
  const preamble = preambleOf(line)
  try {
    if (preamble.help) {
      const { helpText } = await import('./help.ts')
      await writeAll(io.stdout, `${await helpText(line.words, io.stdout.columns)}\n`)
      return 0
    }
    if (preamble.version) {
      await writeAll(io.stdout, `sreg ${VERSION}\n`)
      return 0
    }
    const context = new Context(io, invocationOf(line))
    const command = await commandOf(context.invocation.command)
    return (await command(context)) ?? 0
  } catch (thrown) {
    const error = asSecregError(thrown)
    await report(io, error, preamble)
    return error.status
  }
}

async function report(io: Io, error: SecregError, { json, verbose }: Preamble): Promise<void> {
  const hint = hintOf(error)
  if (json) {
    const answer = {
      code: error.status,
      name: error.statusName,
      reason: error.reason,
      message: error.message,
      errno: error.errno,
      retry_after: error.retryAfterSeconds,
      hint,
    }
    await writeAll(io.stderr, `${safeJson(answer)}\n`)
    return
  }
  // Only messages of our own may have lines; any other could forge one.
  const message =
    error instanceof CliError ? printableLines(error.message) : printable(error.message)
  const lines = [`sreg: ${message}`]
  if (verbose) lines.push(`  ${error.statusName} ${error.reason} ${error.errno}`)
  if (hint !== undefined) lines.push(`  ${printable(hint)}`)
  await writeAll(io.stderr, `${lines.join('\n')}\n`)
}
