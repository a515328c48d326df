/** `sreg`, the command of the registry. */
import { processIo } from './io.ts'
import { run } from './run.ts'

// A reader that closes its end early, such as head, ends the command without a message.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
})
process.stderr.on('error', () => {})
process.exitCode = await run(process.argv.slice(2), processIo())
