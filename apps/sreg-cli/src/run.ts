/** One command line from its words to its exit code. */
import type { SecregError } from '@secreg/protocol'
import type { CommandName } from './command-table.ts'
import { Context, type Run } from './context.ts'
import { asSecregError, hintOf } from './errors.ts'
import { printableLines, safeJson } from './escape.ts'
import { type Io, writeAll } from './io.ts'
import { invocationOf, type Preamble, preambleOf, readWords } from './parse.ts'
import { VERSION } from './version.ts'

/** Each command's module is loaded when it is run, so that a short one pays for nothing else. */
const COMMAND_MODULES: Readonly<Record<CommandName, () => Promise<{ readonly run: Run }>>> = {
  init: () => import('./commands/init.ts'),
  login: () => import('./commands/login.ts'),
  logout: () => import('./commands/logout.ts'),
  get: () => import('./commands/get.ts'),
  set: () => import('./commands/set.ts'),
  delete: () => import('./commands/delete.ts'),
  list: () => import('./commands/list.ts'),
  audit: () => import('./commands/audit.ts'),
  status: () => import('./commands/status.ts'),
  export: () => import('./commands/export.ts'),
  import: () => import('./commands/import.ts'),
  unlock: () => import('./commands/unlock.ts'),
  lock: () => import('./commands/lock.ts'),
  whoami: () => import('./commands/whoami.ts'),
  passwd: () => import('./commands/passwd.ts'),
  user: () => import('./commands/user.ts'),
  security: () => import('./commands/security.ts'),
  completion: () => import('./commands/completion.ts'),
  version: () => import('./commands/version.ts'),
  help: () => import('./commands/help.ts'),
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
    const { run: command } = await COMMAND_MODULES[context.invocation.command]()
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
  const lines = [`sreg: ${error.message}`]
  if (verbose) lines.push(`  ${error.statusName} ${error.reason} ${error.errno}`)
  if (hint !== undefined) lines.push(`  ${hint}`)
  await writeAll(io.stderr, `${printableLines(lines.join('\n'))}\n`)
}
