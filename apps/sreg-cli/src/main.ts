/** `sreg`, the command of the registry. */
import { endWith } from './end-with.ts'
import { processIo } from './io.ts'
import { readWords } from './parse.ts'
import { program } from './program.ts'
import { run } from './run.ts'

await endWith(run(readWords(program.grammar, process.argv.slice(2)), processIo(), program))
