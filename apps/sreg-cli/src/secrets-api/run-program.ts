/** A program in place of this one, as far as that can be done without exec(2), which Node.js 20 has not. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { CliError } from '../errors.ts'
import { passSignals } from './pass-signals.ts'
import type { Environment } from './pointers.ts'

/** Exit codes of shells (POSIX, "Exit Status for Commands"). */
const CANNOT_BE_STARTED = 126
const NOT_FOUND = 127
const OF_SIGNALS = 128

/**
 * Run a program to its end: in this process group, with these standard streams.
 *
 * @param command - looked for in `PATH` of `env` where it has no slash
 * @param env - all of its environment
 * @returns its exit code; of a program that a signal has ended, 128 and the number of the signal
 * @throws CliError with exit code 126 or 127 when it cannot be started
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  env: Environment,
): Promise<number> {
  const child = start(command, args, env)
  const pass = passSignals(child)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => {
        // Later ones are of signals that did not reach it.
        if (child.pid === undefined) reject(startError(command, error))
      })
      child.once('exit', (code, signal) => {
        resolve(code ?? OF_SIGNALS + (signal === null ? 0 : constants.signals[signal]))
      })
    })
  } finally {
    pass.stop()
  }
}

function start(command: string, args: readonly string[], env: Environment): ChildProcess {
  try {
    return spawn(command, [...args], { env, stdio: 'inherit' })
  } catch (error) {
    throw startError(command, error)
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program',
  EACCES: 'it is not permitted to run it',
  E2BIG: 'its arguments or its environment are too large',
}

function startError(command: string, cause: unknown): CliError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
  const missing = code === 'ENOENT'
  // The cause knows the arguments, and with some errors the environment: it stays behind.
  return new CliError(
    missing ? 'NOT_FOUND' : 'INVALID_ARGUMENT',
    `${command}: ${WHY[code] ?? `it cannot be started (${code})`}`,
    missing ? 'look at its name, and at PATH' : 'look at the program, its mode and its interpreter',
    { exitCode: missing ? NOT_FOUND : CANNOT_BE_STARTED },
  )
}
