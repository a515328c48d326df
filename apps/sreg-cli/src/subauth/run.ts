/** One command line of `subauth` from its words to its exit code. */
import { CliError } from '../errors.ts'
import { printable, printableLines, safeJson } from '../escape.ts'
import { type Io, writeAll } from '../io.ts'
import { VERSION } from '../version.ts'
import { type Connect, DEFAULT_SUBAUTH_SOCKET } from './client.ts'
import { preambleOf, readCommandLine } from './command-line.ts'
import { type Failure, failureOf } from './failure.ts'
import { Use } from './use.ts'

/**
 * Run a command line.
 *
 * @param argv - words after the program's name
 * @returns exit code: 0, 1, 3, 6 or 7, as the help says
 */
export async function runSubauth(
  argv: readonly string[],
  io: Io,
  connect: Connect,
): Promise<number> {
  const preamble = preambleOf(argv)
  let socket = DEFAULT_SUBAUTH_SOCKET
  try {
    if (preamble.help) {
      const { helpText } = await import('./help-text.ts')
      await writeAll(io.stdout, `${helpText()}\n`)
      return 0
    }
    if (preamble.version) {
      await writeAll(io.stdout, `subauth ${VERSION}\n`)
      return 0
    }
    const line = readCommandLine(argv)
    if (line.operation.name === 'pam') {
      return await (await import('./pam.ts')).runPam(io, line, connect)
    }
    const use = new Use(io, line, connect)
    socket = use.socket
    await (await import('./perform.ts')).perform(use)
    return 0
  } catch (thrown) {
    const failure = failureOf(thrown, socket)
    await report(io, failure, thrown instanceof CliError, preamble.json)
    return failure.exitCode
  }
}

async function report(io: Io, failure: Failure, isOurs: boolean, json: boolean): Promise<void> {
  const { exitCode: code, reason, message, hint } = failure
  // A failure stays one, also where nobody reads why.
  io.brokenPipeCode = code
  if (json) {
    await writeAll(io.stderr, `${safeJson({ code, reason, message, hint })}\n`)
    return
  }
  // Only messages of our own may have lines; any other could forge one.
  const lines = [`subauth: ${isOurs ? printableLines(message) : printable(message)}`]
  if (hint !== undefined) lines.push(`  ${printable(hint)}`)
  await writeAll(io.stderr, `${lines.join('\n')}\n`)
}
