/** `sreg run`: a program with secrets in its environment, and nowhere else. */
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { pointersOf } from '../secrets-api/pointers.ts'
import { readPointers } from '../secrets-api/read-pointers.ts'
import { runProgram } from '../secrets-api/run-program.ts'

export async function run(context: Context): Promise<number> {
  // By itself, Node.js would open an inspector.
  process.on('SIGUSR1', ignore)
  try {
    const [command = '', ...args] = context.invocation.operands
    if (command === '') throw new CliError('INVALID_ARGUMENT', 'the name of the program is empty')
    const { pointers, rest } = pointersOf(context.io.env)
    const secrets =
      pointers.length === 0
        ? {}
        : await context.withRegistry('needed', (registry) => readPointers(registry, pointers))
    return await runProgram(command, args, { ...rest, ...secrets })
  } finally {
    process.off('SIGUSR1', ignore)
  }
}

function ignore(): void {}
