/** `sreg`, the command of the registry. */
import { processIo } from './io.ts'
import { readWords } from './parse.ts'
import { program } from './program.ts'
import { run } from './run.ts'

process.exitCode = await run(
  readWords(program.grammar, process.argv.slice(2)),
  processIo(),
  program,
)
