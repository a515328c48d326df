/** One command line from its words to its exit code. */
import type { SecregError } from '@secreg/protocol'
import type { CommandName } from './command-table.ts'
import { run as deleteEntry } from './commands/delete.ts'
import { run as get } from './commands/get.ts'
import { run as list } from './commands/list.ts'
import { run as set } from './commands/set.ts'
import { Context, type Run } from './context.ts'
import { asSecregError, CliError } from './errors.ts'
import { printable, printableLines, safeJson } from './escape.ts'
import { hintOf } from './hints.ts'
import { type Io, writeAll } from './io.ts'
import { invocationOf, type Preamble, preambleOf, type Words } from './parse.ts'
import { VERSION } from './version.ts'

/** The commands that are run in loops, which load nothing more. */
const HOT: Readonly<Record<HotName, Run>> = { get, set, delete: deleteEntry, list }

type HotName = 'get' | 'set' | 'delete' | 'list'

const isHot = (name: string): name is HotName => Object.hasOwn(HOT, name)

/** What is loaded only when it is used. */
export interface Lazy {
  readonly commands: () => Promise<Readonly<Record<Exclude<CommandName, HotName>, Run>>>
  readonly helpText: () => Promise<(words: readonly string[], columns?: number) => Promise<string>>
}

/** Whether a command line needs none of what is lazy. */
export function isHotLine(line: Words): boolean {
  const { help, version } = preambleOf(line)
  return !help && !version && isHot(line.words[0] ?? '')
}

/**
 * Run a command line.
 *
 * @param line - words after the program's name, as read
 * @returns exit code: the documented status, 0 to 8
 */
export async function run(line: Words, io: Io, lazy: Lazy): Promise<number> {
  const preamble = preambleOf(line)
  let key: string | undefined
  try {
    if (preamble.help) {
      const helpText = await lazy.helpText()
      await writeAll(io.stdout, `${await helpText(line.words, io.stdout.columns)}\n`)
      return 0
    }
    if (preamble.version) {
      await writeAll(io.stdout, `sreg ${VERSION}\n`)
      return 0
    }
    const context = new Context(io, invocationOf(line))
    key = context.invocation.key
    const name = context.invocation.command
    const command = isHot(name) ? HOT[name] : (await lazy.commands())[name]
    return (await command(context)) ?? 0
  } catch (thrown) {
    const error = asSecregError(thrown)
    await report(io, error, hintOf(error, key), preamble)
    return error.status
  }
}

async function report(
  io: Io,
  error: SecregError,
  hint: string | undefined,
  { json, verbose }: Preamble,
): Promise<void> {
  if (json) {
    const answer = {
      code: error.status,
      name: error.statusName,
      reason: error.reason,
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
  if (verbose) lines.push(`  ${error.statusName} ${error.reason} ${error.errno}`)
  if (hint !== undefined) lines.push(`  ${printable(hint)}`)
  await writeAll(io.stderr, `${lines.join('\n')}\n`)
}
